"""DNS zones as text, and the script that signs them with a resolver's own tools. Pure; knows no mail.

A lab's DNS is a root of its own, signed, with a delegation to each zone: so an unsigned zone is provably unsigned, as
in the world, and not merely unknown (RFC 4035 §5.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from shlex import quote

HOME = "/run/zones"
"""Where zones lie in the resolver's container."""
SERVER = "ns.lab"
"""The name server of every zone. Nobody asks it: the resolver holds the zones itself."""
_SOA = f"IN SOA {SERVER}. hostmaster.lab. 1 3600 900 604800 60"
_EXPIRED = "-i 20200101000000 -e 20200201000000"


class State(StrEnum):
    """How a zone is kept, and what a validating resolver makes of it (RFC 4033 §5)."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    EXPIRED = "expired"
    """Its signatures have expired: bogus, all of it."""
    TAMPERED = "tampered"
    """Its TLSA records were changed after signing: these are bogus, and only these."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a resolver answers: its ``status`` (NOERROR, NXDOMAIN, SERVFAIL), and whether it vouches for it (AD)."""

    status: str
    validated: bool


SECURE, INSECURE, BOGUS = Answer("NOERROR", True), Answer("NOERROR", False), Answer("SERVFAIL", False)
"""What a validating resolver answers for data that are there (RFC 4035 §4.3)."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone below the root. ``records`` are lines of a zone file (RFC 1035 §5) with absolute names."""

    name: str
    state: State
    records: tuple[str, ...]


def address(host: str, where: str) -> str:
    """An A record."""
    return f"{host}. IN A {where}"


def exchange(domain: str, host: str) -> str:
    """An MX record."""
    return f"{domain}. IN MX 10 {host}."


def tlsa(host: str, port: int, association: str) -> str:
    """A TLSA record (RFC 6698 §2, §3); ``association`` is its data in presentation format: ``3 1 1 AB…``."""
    return f"_{port}._tcp.{host}. IN TLSA {association}"


def expected(zone: Zone) -> dict[tuple[str, str], Answer]:
    """Name and type -> what a validating resolver must answer for a zone that is as its state says."""
    whole = {State.UNSIGNED: INSECURE, State.EXPIRED: BOGUS}.get(zone.state, SECURE)
    found = {(zone.name, "SOA"): whole}
    if zone.state is State.TAMPERED:
        found |= {(record.split()[0], "TLSA"): BOGUS for record in zone.records if " IN TLSA " in record}
    return found


def text(zone: Zone) -> str:
    """A zone's file."""
    return _text(zone.name, zone.records)


def root(zones: Iterable[Zone]) -> str:
    """The root's file, without the DS records: only signing makes these."""
    delegations = [f"{zone.name}. IN NS {SERVER}." for zone in zones]
    return _text("", [address(SERVER, "127.0.0.1"), *delegations])


def script(zones: Sequence[Zone]) -> str:
    """A shell script: it writes the zones anew, signs each as its state says and the root above them, and configures
    unbound(8) to hold them. It exits non-zero when a step fails."""
    lines = ["set -eu", f"rm -rf {HOME}", f"mkdir -p {HOME}", f"cd {HOME}", _SIGN]
    for zone in zones:
        lines += [_written(zone.name, text(zone)), *_signed(zone)]
    secure = [f"cat {zone.name}.ds >>root" for zone in zones if zone.state is not State.UNSIGNED]
    lines += [_written("root", root(zones)), *secure, "sign root ."]
    return "\n".join([*lines, _written("zones.conf", _configuration(zones))])


def _text(name: str, records: Sequence[str]) -> str:
    return "\n".join([f"$ORIGIN {name}.", "$TTL 60", f"@ {_SOA}", f"@ IN NS {SERVER}.", *records, ""])


# The signed file takes the unsigned one's place. The key's own files are named by its tag, which only its maker knows.
_SIGN = """sign() {
  file=$1 origin=$2; shift 2
  key=$(ldns-keygen -k -a ECDSAP256SHA256 "$origin")
  ldns-signzone "$@" -o "$origin" -f "$file.signed" "$file" "$key"
  mv "$file.signed" "$file"
  mv "$key.key" "$file.anchor"
  mv "$key.ds" "$file.ds"
}"""


def _signed(zone: Zone) -> list[str]:
    if zone.state is State.UNSIGNED:
        return []
    lines = [f"sign {zone.name} {zone.name} {_EXPIRED if zone.state is State.EXPIRED else ''}"]
    if zone.state is State.TAMPERED:
        lines.append(f"sed -i -E '/[[:space:]]TLSA[[:space:]]+[0-9]/s/[0-9a-fA-F]{{8}}$/00000000/' {zone.name}")
    return lines


def _configuration(zones: Iterable[Zone]) -> str:
    return "\n".join([_held(".", "root"), *(_held(zone.name, zone.name) for zone in zones)])


def _held(name: str, file: str) -> str:
    """Answers come by way of the validator, not from the zone itself: its owner marks none as validated."""
    return (
        f'auth-zone:\n  name: "{name}"\n  zonefile: {HOME}/{file}\n'
        "  for-upstream: yes\n  for-downstream: no\n  fallback-enabled: no\n"
    )


def _written(file: str, content: str) -> str:
    return f"printf %s {quote(content)} >{file}"
