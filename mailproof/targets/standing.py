"""Where a target saw our probe come from: it decides what verdicts about relaying mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from mailproof.errors import DidNotStart, DidNotTake
from mailproof.settings import Readings

_CLIENT = re.compile(r"postfix(?:/[\w-]+)*/smtpd\[\d+\]: connect from \S*\[(?P<address>[^\]]+)\]")


def check_standing(log: Iterable[str], own: str, readings: Readings) -> None:
    """The address that Postfix saw us come from must be a stranger's (DESIGN §3): neither the target's ``own`` nor one
    that it trusts. Raises `DidNotStart` and `DidNotTake`."""
    seen = [found["address"] for found in map(_CLIENT.search, log) if found]
    if not seen:
        raise DidNotStart("Postfix logged no connection of ours: nobody can say from where it saw us come")
    trusted = readings.postfix.effective("", "mynetworks").replace(",", " ").split()
    ours = ip_address(seen[-1])
    if seen[-1] == own or ours.is_loopback:
        raise DidNotTake(f"the probe comes from the target's own address {seen[-1]}: its verdicts would mean nothing")
    for network in trusted:
        if _contains(network, seen[-1]):
            raise DidNotTake(f"the probe comes from {seen[-1]}, which mynetworks ({network}) trusts")


def _contains(network: str, address: str) -> bool:
    """True where a mynetworks entry holds the address; a table or a pattern counts as holding none of the lab."""
    try:
        return ip_address(address) in ip_network(network.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return False
