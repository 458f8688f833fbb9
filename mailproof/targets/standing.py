"""Where a target saw our probe come from: it decides what verdicts about relaying mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from mailproof.errors import DidNotStart, DidNotTake
from mailproof.settings import Readings

_CLIENT = re.compile(
    r"postfix(?:/[\w-]+)*/(?:smtpd|postscreen)\[\d+\]: (?:connect from \S*|CONNECT from )\[(?P<address>[^\]]+)\]"
)
_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp (proc(5))."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``seen``: the address from which a host saw us come, "" where nobody can say. ``own``: it is the host's own.
    ``trusted``: the entry of mynetworks that holds it, "" where none does."""

    seen: str
    own: bool = False
    trusted: str = ""


def standing(log: Iterable[str], addresses: str, readings: Readings) -> Standing:
    """Our standing, by the last connection in a log, a host's own addresses as /proc shows them, and its settings."""
    seen = [found["address"] for found in map(_CLIENT.search, log) if found]
    if not seen:
        return Standing("")
    networks = readings.postfix.values.get("mynetworks", "").replace(",", " ").split()
    own = ip_address(seen[-1]).is_loopback or re.search(rf"(?<![\d.]){re.escape(seen[-1])}(?![\d.])", addresses)
    return Standing(seen[-1], bool(own), next((each for each in networks if _contains(each, seen[-1])), ""))


def listening(tables: str) -> frozenset[int]:
    """The ports on which somebody listens, from /proc/net/tcp and tcp6 (proc(5)): IPv4 and IPv6 alike."""
    rows = [line.split() for line in tables.splitlines()]
    return frozenset(int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == _LISTEN)


def check_standing(log: Iterable[str], own: str, readings: Readings) -> None:
    """The address that Postfix saw us come from must be a stranger's (DESIGN §3): neither the target's ``own`` nor one
    that it trusts. Raises `DidNotStart` and `DidNotTake`."""
    found = standing(log, own, readings)
    if not found.seen:
        raise DidNotStart("Postfix logged no connection of ours: nobody can say from where it saw us come")
    if found.own:
        raise DidNotTake(f"the probe comes from the target's own address {found.seen}: its verdicts would mean nothing")
    if found.trusted:
        raise DidNotTake(f"the probe comes from {found.seen}, which mynetworks ({found.trusted}) trusts")


def _contains(network: str, address: str) -> bool:
    """True where a mynetworks entry holds the address; a table or a pattern counts as holding none of the lab."""
    try:
        return ip_address(address) in ip_network(network.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
