"""The names of the lab's own DNS: where each leads, and what its TLSA records say. Pure but for its data file,
fixtures/dane.toml."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mailproof.targets import zone
from mailproof.targets.destinations import Destination, certificates, destinations
from mailproof.targets.zone import State, Zone

Digests = Mapping[str, Mapping[str, str]]
"""A certificate's name (``ca``: the authority's) -> ``CERTIFICATE`` and ``KEY``: the SHA-256 of it and of its key."""
AUTHORITY = "ca"
_FILE = Path(__file__).resolve().parents[2] / "fixtures" / "dane.toml"
_NOBODY = hashlib.sha256(b"nobody's").hexdigest()
_HASHED = """
openssl x509 -in {file} -outform DER -out /tmp/certificate
openssl x509 -in {file} -noout -pubkey -out /tmp/pem
openssl pkey -pubin -in /tmp/pem -outform DER -out /tmp/key
echo {name} $(sha256sum </tmp/certificate) $(sha256sum </tmp/key)"""


@dataclass(frozen=True, slots=True)
class Host:
    """A name that leads to a destination's listener. ``tlsa`` are its records, with words for what is hashed."""

    name: str
    destination: Destination
    tlsa: tuple[str, ...]

    @property
    def nexthop(self) -> str:
        """Itself and no mail exchanger, as transport(5) writes it."""
        return f"[{self.name}]:{self.destination.port}"


@cache
def hosts() -> Mapping[str, Host]:
    """All of them, by name."""
    return {
        name: Host(name, destinations()[facts["at"]], tuple(facts.get("tlsa", ())))
        for name, facts in _data()["host"].items()
    }


def served() -> tuple[str, ...]:
    """The names of all zones."""
    return tuple(_data()["zone"])


def exchangers() -> Mapping[str, Host]:
    """Domain -> its mail exchanger."""
    return {name: hosts()[facts["mx"]] for name, facts in _data()["zone"].items() if "mx" in facts}


def transport() -> str:
    """The transport(5) table (texthash) that takes mail for each name to its listener's port; destinations by their own
    names have theirs."""
    known = {each.host for each in destinations().values()}
    own = [f"{each.name} smtp:{each.nexthop}\n" for each in hosts().values() if each.name not in known]
    return "".join([*own, *(f"{name} smtp:{name}:{host.destination.port}\n" for name, host in exchangers().items())])


def zones(address: str, digests: Digests) -> tuple[Zone, ...]:
    """The zones of a lab whose destinations live at an address and show certificates of these digests."""
    return tuple(
        Zone(name, State(facts["state"]), tuple(_records(name, address, digests)))
        for name, facts in _data()["zone"].items()
    )


def hashing() -> str:
    """The shell script by which the destinations' container says the digests of its certificates."""
    names = [*certificates(), AUTHORITY]
    return "set -e" + "".join(_HASHED.format(name=name, file=f"/etc/mailproof/files/{name}.pem") for name in names)


def hashed(said: str) -> Digests:
    """The digests, from what that script said."""
    rows = [line.split() for line in said.splitlines()]
    return {name: {"CERTIFICATE": certificate, "KEY": key} for name, certificate, _, key, _ in rows}


def _records(zone_name: str, address: str, digests: Digests) -> Iterator[str]:
    if zone_name in exchangers():
        yield zone.exchange(zone_name, exchangers()[zone_name].name)
    for host in hosts().values():
        if host.name.endswith(f".{zone_name}"):
            yield zone.address(host.name, address)
            for record in host.tlsa:
                yield zone.tlsa(host.name, host.destination.port, _association(record, host, digests))
    yield from (zone.address(host, address) for host in _without(zone_name))


def _without(zone_name: str) -> Iterator[str]:
    """The destinations of a zone of which nothing is said here."""
    every = (each.host for each in destinations().values())
    return (each for each in every if each not in hosts() and each.endswith(f".{zone_name}"))


def _association(record: str, host: Host, digests: Digests) -> str:
    """The record with the digest that its last word stands for."""
    kind, _, word = record.rpartition(" ")
    known = {"CA": digests[AUTHORITY]["CERTIFICATE"], "CA-KEY": digests[AUTHORITY]["KEY"], "OTHER": _NOBODY}
    return f"{kind} {({**known, **digests.get(host.destination.certificate, {})})[word]}"


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
