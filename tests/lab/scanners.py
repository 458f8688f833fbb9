"""What others see of a service: sslscan, testssl.sh and openssl s_client, run one at a time, in our words.

A tool's silence is no answer: what it could not ask is absent from its claims, and a run that broke raises.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree as ET

from mailproof.model import Protocol, Security
from mailproof.wire.inventory import Inventory, VersionInventory
from mailproof.wire.order import Preference
from mailproof.wire.tls.groups import ALL_GROUPS, group_numbers
from mailproof.wire.tls.registry import SUITES, suite_name

PACKAGES = {"sslscan": "sslscan", "testssl": "testssl.sh", "openssl": "openssl"}
"""Program -> Debian's package that has it."""

ANY = "any version"
"""The version of a claim that is made of all versions together."""

PREFERENCES = {Preference.SERVER: "server", Preference.CHACHA20: "server", Preference.CLIENT: "client",
               Preference.MIXED: "nobody"}  # fmt: skip

_WITH_GROUPS = ("TLSv1.2", "TLSv1.3")
_NUMBERS = {name: number for number, name in SUITES.items()}
_DEADLINE = 900.0


class ScannerFailed(Exception):
    """A scanner is missing, or did not say what was asked."""


@dataclass(frozen=True)
class Place:
    """Where a service is, and how TLS starts there."""

    host: str
    port: int
    protocol: Protocol
    security: Security

    @property
    def starttls(self) -> str:
        """The tools' word for the protocol in which TLS is asked for; empty where it is implicit."""
        return "" if self.security is Security.IMPLICIT else str(self.protocol.value)


@dataclass(frozen=True)
class Claim:
    """What a tool says of one version. None: it does not say. ``suites`` in the order in which it found them, which is
    the server's where that decides; ``preference`` «server» or «client»; ``groups`` of those in ``asked`` alone;
    ``sizes`` of Diffie-Hellman by suite: all of them where there are ``suites``, else those that were asked for."""

    tool: str
    version: str
    on: bool | None = None
    suites: tuple[int, ...] | None = None
    ordered: bool = False
    preference: str | None = None
    groups: frozenset[int] | None = None
    asked: frozenset[int] = frozenset(ALL_GROUPS)
    sizes: dict[int, int] | None = None


def program(name: str) -> str:
    """Where a tool lies. Raises ScannerFailed with the command that brings it."""
    found = shutil.which(name)
    if found is None:
        raise ScannerFailed(f"{name} is not installed: sudo apt-get install {PACKAGES[name]}")
    return found


def by_sslscan(place: Place) -> list[Claim]:
    """All that sslscan lists: versions, suites in order with their DH sizes, groups of TLS 1.2 and 1.3."""
    command = [program("sslscan"), "--show-cipher-ids", "--no-renegotiation", "--no-compression", "--no-fallback",
               "--no-heartbleed", "--no-check-certificate", "--xml=-"]  # fmt: skip
    command += [f"--starttls-{place.starttls}"] if place.starttls else []
    text = _run([*command, f"{place.host}:{place.port}"])
    return list(read_sslscan(text))


def read_sslscan(text: str) -> Iterator[Claim]:
    """sslscan's XML as claims. Raises ScannerFailed where it reports trouble."""
    root = ET.fromstring(text)  # noqa: S314  what we have just run ourselves
    if (trouble := root.find(".//error")) is not None:
        raise ScannerFailed(f"sslscan: {trouble.text}")
    for protocol in root.iter("protocol"):
        version = _version(f"{protocol.get('type')}v{protocol.get('version')}")
        mine = [one for one in root.iter("cipher") if _version(one.get("sslversion", "")) == version]
        groups = [one for one in root.iter("group") if _version(one.get("sslversion", "")) == version]
        if protocol.get("enabled") != "1":
            yield Claim("sslscan", version, on=False)
            continue
        yield Claim(
            "sslscan", version, on=True, suites=tuple(int(one.get("id", ""), 16) for one in mine), ordered=True,
            groups=frozenset(int(one.get("id", ""), 16) for one in groups) if version in _WITH_GROUPS else None,
            sizes={int(one.get("id", ""), 16): int(one.get("dhebits", "")) for one in mine if one.get("dhebits")},
        )  # fmt: skip


def by_testssl(place: Place, order: bool) -> list[Claim]:
    """All that testssl.sh lists; ``order``: ask for the server's order as well, a process for each suite."""
    with TemporaryDirectory(prefix="mailproof-testssl-") as scratch:
        found = Path(scratch, "found.json")
        command = [program("testssl"), "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none"]
        command += ["--jsonfile", str(found), "-p", "-E", "-f", *(["-P"] if order else [])]
        command += ["--starttls", place.starttls] if place.starttls else []
        _run([*command, f"{place.host}:{place.port}"], right=range(50))  # its status counts what it finds fault with
        return list(read_testssl(json.loads(found.read_text(encoding="utf-8"))))


def read_testssl(findings: list[dict[str, Any]]) -> Iterator[Claim]:
    """testssl.sh's findings as claims. Raises ScannerFailed where there is none of a version."""
    said = {str(each["id"]): str(each["finding"]) for each in findings}
    decides = {"server": "server", "NOT a cipher order configured": "client"}.get(said.get("cipher_order", ""))
    for version, word in {"SSLv2": "ssl2", "SSLv3": "ssl3", "TLSv1": "tls1", "TLSv1.1": "tls1_1", "TLSv1.2": "tls1_2",
                          "TLSv1.3": "tls1_3"}.items():  # fmt: skip
        state = said.get(version if version.startswith("SSL") else word.upper())
        if state is None or not state.startswith(("offered", "not offered")):
            raise ScannerFailed(f"testssl.sh says {state} of {version}: {sorted(said)[:20]}")
        if not state.startswith("offered"):
            yield Claim("testssl.sh", version, on=False)
            continue
        rows = {int(id.rpartition("_x")[2], 16): text for id, text in said.items() if id.startswith(f"cipher-{word}_x")}
        sizes = {number: int(found[1]) for number, text in rows.items() if (found := re.search(r" DH (\d+) ", text))}
        yield Claim("testssl.sh", version, on=True, suites=tuple(rows), sizes=sizes)
        if order := said.get(f"cipherorder_{version.replace('.', '_')}"):
            yield Claim("testssl.sh -P", version, suites=tuple(map(_suite, order.split())), ordered=True,
                        preference=decides)  # fmt: skip
    groups = f"{said.get('PFS_ECDHE_curves', '')} {said.get('DH_groups', '')}".split()
    known = [word for word in groups if word.lower().startswith(("x", "prime", "secp", "sect", "brain", "ffdhe"))]
    yield Claim("testssl.sh", ANY, groups=frozenset(group_numbers(known)))


def by_s_client(place: Place, ours: Inventory) -> list[Claim]:
    """Single questions to openssl s_client: versions, who decides, DH size, groups; ours says only which to ask."""
    return [_asked(place, version, option, ours.of(version)) for version, option in _OPTIONS.items()]


@dataclass(frozen=True)
class Handshake:
    """A handshake that openssl s_client finished."""

    suite: int
    key: str

    @property
    def dh_bits(self) -> int | None:
        """The size of the modulus, None for anything but finite-field Diffie-Hellman."""
        found = re.match(r"DH, (\d+) bits", self.key)
        return int(found[1]) if found else None


def handshake(place: Place, *options: str) -> Handshake | None:
    """One handshake by openssl s_client; None where the server refused it. Raises ScannerFailed for anything else: a
    hello that was never sent looks like a refusal."""
    command = [program("openssl"), "s_client", "-connect", f"{place.host}:{place.port}", *options]
    command += ["-starttls", place.starttls, "-name", "s-client.mailproof.test"] if place.starttls else []
    text = _run(command, right=(0, 1))
    agreed = re.search(r"^New, \S+, Cipher is (\S+)$", text, re.MULTILINE)
    if agreed and agreed[1] != "(NONE)":
        key = re.search(r"^(?:Server|Peer) Temp Key: (.+)$", text, re.MULTILINE)
        return Handshake(_suite(agreed[1]), key[1] if key else "")
    if re.search(r"SSL alert number \d+|unexpected eof while reading|write:errno=0", text) and "CONNECTED" in text:
        return None
    raise ScannerFailed(f"{' '.join(command)} tells neither an agreement nor a refusal:\n{text[-1500:]}")


_OPTIONS = {"TLSv1": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}
_EVERYTHING = "ALL:COMPLEMENTOFALL"
_ITS_GROUPS = {23: "P-256", 24: "P-384", 25: "P-521", 29: "X25519", 30: "X448", 256: "ffdhe2048", 257: "ffdhe3072",
               258: "ffdhe4096", 259: "ffdhe6144", 260: "ffdhe8192"}  # fmt: skip
"""The groups that OpenSSL 3.0's client can offer in TLS 1.3 by name."""


def _asked(place: Place, version: str, option: str, ours: VersionInventory | None) -> Claim:
    def ask(suites: Sequence[int] = (), *more: str) -> Handshake | None:
        names = ":".join(map(suite_name, suites))
        offered = ["-ciphersuites", names] if version == "TLSv1.3" and names else []
        plain = f"{names if names and version != 'TLSv1.3' else _EVERYTHING}:@SECLEVEL=0"
        return handshake(place, option, "-cipher", plain, *offered, *more)

    found = ask()
    if found is None or ours is None:
        return Claim("openssl s_client", version, on=found is not None)
    claim = Claim("openssl s_client", version, True, preference=_decides(ask, ours), sizes=_sizes(ask, ours))
    if version != "TLSv1.3":
        return claim
    groups = frozenset(number for number, name in _ITS_GROUPS.items() if ask((), "-groups", name))
    return replace(claim, groups=groups, asked=frozenset(_ITS_GROUPS))


def _decides(ask: Callable[..., Handshake | None], ours: VersionInventory) -> str | None:
    """Whose order rules: the last is offered before the first. ChaCha20 is left out: it is often a favour."""
    plain = [suite for suite in _offerable(ours) if "CHACHA20" not in suite_name(suite)]
    if len(plain) < 2:
        return None
    found = ask([plain[-1], plain[0]])
    return {plain[0]: "server", plain[-1]: "client"}.get(found.suite if found else -1, "nobody")


def _sizes(ask: Callable[..., Handshake | None], ours: VersionInventory) -> dict[int, int]:
    """The size of each prime that we saw, by one suite that it was sent with."""
    found: dict[int, int] = {}
    for names in ours.primes.values():
        for suite in [suite for suite in _offerable(ours) if suite_name(suite) in names][:1]:
            answer = ask([suite])
            found[suite] = (answer and answer.dh_bits) or 0
    return found


def _offerable(ours: VersionInventory) -> list[int]:
    """Those of our suites that this machine's OpenSSL can offer."""
    names = _its_suites()
    return [chosen.suite for chosen in ours.suites if chosen.suite_name in names]


@cache
def _its_suites() -> frozenset[str]:
    return frozenset(_run([program("openssl"), "ciphers", f"{_EVERYTHING}:@SECLEVEL=0"]).strip().split(":"))


def _suite(name: str) -> int:
    if name not in _NUMBERS:
        raise ScannerFailed(f"a tool speaks of the suite {name}, which we don't know")
    return _NUMBERS[name]


def _version(name: str) -> str:
    """A tool's name of a version as OpenSSL has it: ``tlsv1.0`` is ``TLSv1``."""
    number = name.lower().removeprefix("tlsv").removeprefix("sslv")
    return f"SSLv{number}" if name.lower().startswith("ssl") else f"TLSv{number.removesuffix('.0')}"


def _run(command: Sequence[str], right: Sequence[int] = (0,)) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_DEADLINE,
        check=False,
    )  # fmt: skip
    if done.returncode not in right:
        raise ScannerFailed(f"{' '.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-1500:]}")
    return done.stdout + done.stderr
