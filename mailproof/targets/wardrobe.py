"""What a specimen wears: base, profile and mutation, put into the words of its release. Pure but for its one data file.

Layers, later ones win: what every specimen is given (fixtures/specimen.toml), the profile, the mutation. The result is
kept in both vocabularies: the newest, to compare with what the daemons say afterwards, and the release's own, to wear.
"""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from mailproof.dialect import Dialects
from mailproof.model import Daemon, Mutation, Release, Settings, Step
from mailproof.profile import Profile
from mailproof.targets import destinations, names
from mailproof.targets.dress import HOME, Dress, entries, script
from mailproof.targets.lab import Files
from mailproof.targets.people import People
from mailproof.verbatim import whole
from mailproof.wire.tls.octets import vector
from mailproof.wire.tls.primes import standard_prime

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
STOCK_ACCOUNT = "probe"
_SENDS = {"default_transport": "smtp", "smtp_dns_support_level": "disabled"}
"""What lets a reader's host send as it would, to names that its hosts file knows and nowhere else."""
_FILES = {
    "server": (f"{HOME}/files/rsa.pem", f"{HOME}/files/rsa.key"), "ca": (f"{HOME}/files/ca.pem",),
    "listed": (f"{HOME}/files/listed.pem", f"{HOME}/files/listed.key"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outfit:
    """What is worn, in the newest words: both daemons' settings, overrides by service id; the rest as in `Dress`."""

    postfix: Settings
    dovecot: Settings
    overrides: Mapping[str, Settings] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    pasted: str = ""
    later: Settings = field(default_factory=dict)
    swapped: Mapping[str, str] = field(default_factory=dict)
    openssl: Settings = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)


def outfit(profile: Profile, mutation: Mutation | None = None, steps: tuple[Step, ...] | None = None) -> Outfit:
    """Base, profile and mutation in one; a mutation's None takes a setting off.

    Of a verbatim profile the ``steps`` are worn (default: the whole), and a mutation's settings come after them.
    """
    broken = mutation or Mutation("none")
    if profile.verbatim:
        return _flawed(_pasted(profile, broken, whole(profile.steps) if steps is None else steps), broken)
    base = _base(profile.certificates)
    services = {str(service) for service in profile.services} & {*profile.overrides, *broken.services}
    worn = Outfit(
        _layered(base["postfix"], profile.postfix, broken.postfix),
        _layered(base["dovecot"], profile.dovecot, broken.dovecot),
        {id: _layered(profile.overrides.get(id, {}), broken.services.get(id, {})) for id in sorted(services)},
        broken.removed,
        pasted=broken.pasted,
    )
    return _flawed(worn, broken)


def _flawed(worn: Outfit, broken: Mutation) -> Outfit:
    """What a mutation does beside settings: other files in the place of ours, the library's defaults, a log that loses
    lines."""
    files = {f"{kind}.{end}": f"{kind}-{flaw}.{end}" for kind, flaw in broken.pki.items() for end in ("pem", "key")}
    tables = {table: f"{table}-{version}" for table, version in broken.tables.items()}
    lost = {str(daemon): lines for daemon, lines in broken.lost.items()}
    heeded = {name: value for commands in broken.openssl.values() for name, value in commands.items()}
    return replace(worn, swapped={**files, **tables}, openssl=heeded, lost=lost)


def _pasted(profile: Profile, broken: Mutation, steps: tuple[Step, ...]) -> Outfit:
    base = _base(profile.certificates)
    return Outfit(
        _layered(base["postfix"], _SENDS), _layered(base["dovecot"], broken.dovecot),
        {str(each): _layered(broken.services.get(str(each), {})) for each in profile.services},
        broken.removed, steps, broken.pasted, _layered(broken.postfix),
    )  # fmt: skip


def dress(worn: Outfit, profile: Profile, release: Release, dialects: Dialects, password: str) -> Dress:
    """The outfit in a release's own words; raises `NoTranslation` where it has none."""
    postfix = dialects.for_version(Daemon.POSTFIX, release.postfix)
    dovecot = dialects.for_version(Daemon.DOVECOT, release.dovecot)
    where = {str(service): service.entry for service in profile.services}
    return Dress(
        postfix=postfix.to_native(worn.postfix),
        dovecot=dovecot.to_native(worn.dovecot),
        entries={} if profile.verbatim else entries(profile.services),
        overrides={where[id]: postfix.to_native(settings) for id, settings in worn.overrides.items()},
        dovecot_base=dovecot.specimen_text(password),
        removed=worn.removed,
        material={path: _FILES[what] for path, what in profile.material.items()},
        steps=worn.steps,
        pasted="\n".join([*_assignments(postfix.to_native(worn.later)), *([worn.pasted] if worn.pasted else [])]),
        emptied=dovecot.specimen.empties if dovecot.specimen else (),
        swapped=worn.swapped,
        openssl=worn.openssl,
        lost=worn.lost,
    )


def files(release: Release, profile: Profile | None, people: People, dialects: Dialects, password: str) -> Files:
    """What is put into a container before it starts; one that wears nothing gets an account to log in to, no more."""
    if profile is None:
        return {"dress": (f"#!/bin/sh\necho '{STOCK_ACCOUNT}:{password}' | chpasswd\n".encode(), 0o700)}
    text = script(dress(outfit(profile), profile, release, dialects, password))
    return {"dress": (text.encode(), 0o700), **_material(profile, people)}


def _material(profile: Profile, people: People) -> Files:
    found = {"files/ca.pem": (people.authority, 0o644), "files/relay_clientcerts": (people.table.encode(), 0o644)}
    found["files/transport"] = ((destinations.transport() + names.transport()).encode(), 0o644)
    for bits in (1024, 2048):
        found[f"files/dh-{bits}.pem"] = (dh_parameters(bits), 0o644)
    leaves = {key.partition("-")[0]: people.servers[key] for key in profile.certificates}
    if profile.verbatim or f"{HOME}/files/listed.pem" in profile.postfix.values():  # it is a client itself, or has one
        leaves["listed"] = people.clients["listed"]
    for name, leaf in {**leaves, **people.strangers}.items():
        found[f"files/{name}.pem"] = (leaf.cert_pem, 0o644)
        found[f"files/{name}.key"] = (leaf.key_pem, 0o600)
    return {**found, **_versions(people)}


def _versions(people: People) -> Files:
    """Other versions of the files, for mutations to put in their place."""
    found: dict[str, tuple[bytes, int]] = {
        f"flawed/{name}": (text.encode(), 0o644) for name, text in people.tables.items()
    }
    for name, leaf in people.flawed.items():
        found[f"flawed/{name}.pem"] = (leaf.cert_pem, 0o644)
        found[f"flawed/{name}.key"] = (leaf.key_pem, 0o600)
    return found


def _assignments(settings: Settings) -> list[str]:
    return [f"{name} = {value}" for name, value in settings.items()]


def dh_parameters(bits: int) -> bytes:
    """Diffie-Hellman parameters as a file that every release reads: PKCS #3, the prime and the generator 2."""
    prime = b"\0" + standard_prime(bits).to_bytes(bits // 8, "big")
    body = b"\x02\x82" + vector(2, prime) + b"\x02\x01\x02"
    text = base64.encodebytes(b"\x30\x82" + vector(2, body))
    return b"-----BEGIN DH PARAMETERS-----\n" + text + b"-----END DH PARAMETERS-----\n"


def _base(certificates: Sequence[str]) -> dict[str, dict[str, str]]:
    data = _specimen()
    postfix, dovecot = dict(data["postfix"]), dict(data.get("dovecot", {}))
    for place, key in zip(("first", "second"), certificates, strict=False):
        kind = key.partition("-")[0]
        postfix |= data["certificate"][kind]["postfix"]
        dovecot |= {
            name: value.replace("@KIND@", kind) for name, value in data["certificate"][place]["dovecot"].items()
        }
    return {"postfix": postfix, "dovecot": dovecot}


@cache
def _specimen() -> dict[str, Any]:
    return tomllib.loads((FIXTURES / "specimen.toml").read_text(encoding="utf-8"))


def _layered(*layers: Mapping[str, str | None]) -> dict[str, str]:
    merged: dict[str, str | None] = {}
    for layer in layers:
        merged |= layer
    return {name: value for name, value in merged.items() if value is not None}
