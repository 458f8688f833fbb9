"""Our inventory of a service beside those of sslscan, testssl.sh and openssl s_client, on the same server.

Every difference is explained by what a tool is known not to see, and ours is then shown to be right by a handshake that
is finished. What nobody has explained fails, and so does a tool that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import pytest

from mailproof.controller import report_directory
from mailproof.model import Mutation, Protocol, Security
from mailproof.run import Run, new_id
from mailproof.selection import Options, select
from mailproof.targets.specimen import Specimen
from mailproof.wire.answers import Agreed
from mailproof.wire.asking import everything
from mailproof.wire.inventory import Inventory, VersionInventory, inventory
from mailproof.wire.offers import TLS_1_3, Offer
from mailproof.wire.order import Preference
from mailproof.wire.peer import Peer
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.registry import group_name, suite_name
from tests.lab.conftest import CHECKOUT, RELEASES, STABLE
from tests.lab.scanners import ANY, PREFERENCES, Claim, Place, ScannerFailed, by_s_client, by_sslscan, by_testssl

SERVICES = ("smtp:25", "submissions:465", "imap:143", "imaps:993")
"""One by STARTTLS and one without, of each daemon."""
SLOW_SERVICES = ("smtp:25", "imaps:993")
"""What testssl.sh is run on: it takes minutes, and the others have the same daemon's library and settings."""
QUICK = [(STABLE, "pfs", "smtp:25"), (STABLE, "pfs", "imaps:993")]
EVERY = [
    (release, worn, service)
    for worn in ("stock", "pfs", "weak")
    for release in RELEASES
    for service in SERVICES
    if (worn, service) != ("stock", "submissions:465")  # no release has that port as packaged
]

_EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
WEAK = Mutation(
    "everything",
    postfix={
        "smtpd_tls_protocols": ">=TLSv1", "smtpd_tls_mandatory_protocols": ">=TLSv1", "smtpd_tls_ciphers": "null",
        "smtpd_tls_mandatory_ciphers": "null", "tls_null_cipherlist": _EVERYTHING, "smtpd_tls_exclude_ciphers": "",
        "smtpd_tls_mandatory_exclude_ciphers": "",
    },
    dovecot={
        "ssl_min_protocol": "TLSv1", "ssl_cipher_list": _EVERYTHING,
        "ssl_server_dh_file": "/usr/share/dovecot/dh.pem",
    },
)  # fmt: skip
"""All that OpenSSL of each release allows; the oldest version that Debian's builds know is TLS 1.0."""


Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Difference:
    """What one side says of a version and the other does not: ``ours`` tells which."""

    tool: str
    version: str
    fact: str
    item: str
    ours: bool

    def __str__(self) -> str:
        only = "we alone" if self.ours else f"{self.tool} alone"
        return f"{self.version} {self.fact} {self.item}: {only} ({self.tool})"


@dataclass(frozen=True)
class BlindSpot:
    """What a tool cannot see, and why."""

    tool: str
    fact: str
    items: frozenset[str]
    reason: str


_BEFORE = " before "
_HYBRIDS = frozenset({"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"})
_SEED = frozenset({"SEED-SHA", "DHE-RSA-SEED-SHA", "ADH-SEED-SHA"})
BLIND_SPOTS = (
    BlindSpot("sslscan", "order", _SEED, "suites that its OpenSSL lacks come last, by a hello of its own"),
    BlindSpot("sslscan", "DH sizes", _SEED, "of suites that its OpenSSL lacks it sees no key exchange"),
    BlindSpot("sslscan", "groups", _HYBRIDS, "2.0.7 has a fixed list of groups, older than post-quantum ones"),
    BlindSpot("testssl.sh", "groups", _HYBRIDS, "3.0.8 asks for curves and finite fields, older than these"),
)
"""Everything in which the tools of Debian 12 to 14 may differ from us; each use of it is proved."""


def differences(ours: Inventory, claim: Claim) -> tuple[list[Difference], int]:
    """In what a tool's claim differs from our inventory, and how many of its facts were compared."""
    found: list[Difference] = []
    facts = list(_facts(ours, claim))
    for fact, mine, theirs in facts:
        found += [Difference(claim.tool, claim.version, fact, item, True) for item in sorted(mine - theirs)]
        found += [Difference(claim.tool, claim.version, fact, item, False) for item in sorted(theirs - mine)]
    return found, len(facts)


def _facts(ours: Inventory, claim: Claim) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    """Name of the fact, what we say, what the tool says."""
    found = ours.of(claim.version)
    if claim.on is not None:
        yield "on", frozenset(["on"] if found else []), frozenset(["on"] if claim.on else [])
    if claim.groups is not None:
        yield "groups", _groups(ours, claim), frozenset(map(group_name, claim.groups))
    if found is None:
        return
    if claim.suites is not None:
        yield "suites", _named(found), frozenset(map(suite_name, claim.suites))
    if claim.suites is not None and claim.ordered and PREFERENCES.get(found.preference) == "server":
        yield "order", _turned(found, claim.suites), frozenset()
    if claim.preference is not None and found.preference in PREFERENCES:
        yield "preference", frozenset([PREFERENCES[found.preference]]), frozenset([claim.preference])
    if claim.sizes is not None and (claim.sizes or found.primes):
        yield "DH sizes", *_sizes(found, claim.sizes, claim.suites or tuple(claim.sizes))


def _groups(ours: Inventory, claim: Claim) -> frozenset[str]:
    asked = ours.versions if claim.version == ANY else [one for one in ours.versions if one.version == claim.version]
    return frozenset(group_name(number) for one in asked for number in one.groups if number in claim.asked)


def _named(found: VersionInventory) -> frozenset[str]:
    return frozenset(chosen.suite_name for chosen in found.suites)


def _turned(found: VersionInventory, theirs: tuple[int, ...]) -> frozenset[str]:
    """The pairs of suites, of those that both know, that the tool has the other way round."""
    place = {suite: at for at, suite in enumerate(theirs)}
    mine = [chosen.suite for chosen in found.suites if chosen.suite in place]
    return frozenset(
        f"{suite_name(one)}{_BEFORE}{suite_name(other)}"
        for one, other in combinations(mine, 2)
        if place[one] > place[other]
    )


def _sizes(
    found: VersionInventory, theirs: dict[int, int], known: tuple[int, ...]
) -> tuple[frozenset[str], frozenset[str]]:
    """Suites with their sizes, of those that the tool knows."""
    mine = {chosen.suite: chosen.dh_bits for chosen in found.suites if chosen.dh_bits and chosen.suite in known}
    return _sized(mine), _sized(theirs)


def _sized(sizes: Mapping[int, int]) -> frozenset[str]:
    return frozenset(f"{suite_name(suite)} {bits}" for suite, bits in sizes.items())


@pytest.fixture(scope="module")
def bench(
    dress: Callable[[str], Specimen], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], Specimen]]:
    """A specimen of a release in a configuration; those in a profile wear it alone again in the end."""
    worn: dict[str, Specimen] = {}
    with ExitStack() as ends:

        @cache
        def stock(release: str) -> Specimen:
            options = Options(targets=(release,), profiles=("pfs",), mail_configs=("stock",))
            selection = select(CHECKOUT, options, CHECKOUT)
            run_id = new_id()
            run = Run(run_id, report_directory(CHECKOUT, run_id, tmp_path_factory.mktemp("stock")), selection)
            ends.callback(run.close)
            run.start()
            run.wait(print)
            return run.specimen(next(iter(selection.keys)))

        def start(release: str, configuration: str) -> Specimen:
            if configuration == "stock":
                return stock(release)
            worn[release] = dress(release)
            worn[release].wear(WEAK if configuration == "weak" else None)
            return worn[release]

        yield start
        for specimen in worn.values():
            specimen.wear(None)


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Tells the closing line what was compared (`record_property` would be at odds with pytest's newer JUnit)."""
    return lambda name, value: request.node.user_properties.append((name, value))


def _cases(*, quick: bool) -> list[Any]:
    """What a test is run on: a quick part always, the whole matrix nightly."""
    wanted = [case for case in EVERY if quick or case[2] in SLOW_SERVICES]
    nightly = [() if quick and case in QUICK else (pytest.mark.nightly,) for case in wanted]
    return [pytest.param(*case, marks=marks, id="/".join(case)) for case, marks in zip(wanted, nightly, strict=True)]


@pytest.mark.parametrize(("release", "worn", "service"), _cases(quick=True))
def test_we_see_what_sslscan_and_openssl_see(
    bench: Callable[[str, str], Specimen], release: str, worn: str, service: str, record: Record
) -> None:
    place, peer = _at(bench(release, worn), service)
    ours = inventory(peer.probe)
    compare(peer, ours, [*by_sslscan(place), *by_s_client(place, ours)], record)


@pytest.mark.parametrize(("release", "worn", "service"), _cases(quick=False))
def test_we_see_what_testssl_sees(
    bench: Callable[[str, str], Specimen], release: str, worn: str, service: str, record: Record
) -> None:
    place, peer = _at(bench(release, worn), service)
    ours = inventory(peer.probe)
    compare(peer, ours, by_testssl(place, order=worn != "weak"), record)


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (Claim("a", "TLSv1.3", on=False), "TLSv1.3 on on: we alone (a)"),
        (Claim("a", "TLSv1.1", on=True), "TLSv1.1 on on: a alone (a)"),
        (Claim("a", "TLSv1.2", suites=(0xC02F,)), "TLSv1.2 suites DHE-RSA-AES128-GCM-SHA256: we alone (a)"),
        (Claim("a", "TLSv1.2", suites=(0xC02F, 0x9E, 0x2F)), "TLSv1.2 suites AES128-SHA: a alone (a)"),
        (
            Claim("a", "TLSv1.2", suites=(0x9E, 0xC02F), ordered=True),
            "order ECDHE-RSA-AES128-GCM-SHA256 before DHE-RSA-AES128-GCM-SHA256: we",
        ),
        (Claim("a", "TLSv1.2", preference="client"), "TLSv1.2 preference client: a alone (a)"),
        (Claim("a", "TLSv1.2", sizes={0x9E: 1024}), "TLSv1.2 DH sizes DHE-RSA-AES128-GCM-SHA256 1024: a alone (a)"),
        (Claim("a", "TLSv1.2", suites=(0xC02F, 0x9E), sizes={}), "DH sizes DHE-RSA-AES128-GCM-SHA256 2048: we alone"),
        (Claim("a", "TLSv1.3", groups=frozenset({29})), "TLSv1.3 groups secp256r1: we alone (a)"),
        (Claim("a", ANY, groups=frozenset({29, 23, 30})), "any version groups x448: a alone (a)"),
    ],
)
def test_a_difference_that_nobody_explained_fails(claim: Claim, said: str) -> None:
    prime = 2**2048 - 1
    ours = Inventory(
        (
            VersionInventory("TLSv1.2", (Chosen("TLSv1.2", 0xC02F), Chosen("TLSv1.2", 0x9E, prime=prime)),
                             Preference.SERVER, (29,)),
            VersionInventory("TLSv1.3", (Chosen("TLSv1.3", 0x1301),), Preference.ONLY_ONE, (29, 23)),
        ), {}, everything(), 1,
    )  # fmt: skip
    nowhere = Peer.at("127.0.0.1", 9, Protocol.SMTP, Security.STARTTLS, "nowhere.mailproof.test")
    with pytest.raises(AssertionError, match=re.escape(said)):
        compare(nowhere, ours, [claim], lambda name, value: None)


def test_comparing_nothing_fails() -> None:
    nowhere = Peer.at("127.0.0.1", 9, Protocol.SMTP, Security.STARTTLS, "nowhere.mailproof.test")
    with pytest.raises(AssertionError, match="nothing was compared"):
        compare(nowhere, Inventory((), {}, everything(), 1), [], lambda name, value: None)


def test_a_missing_scanner_is_named_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ScannerFailed, match=r"sslscan is not installed: sudo apt-get install sslscan"):
        by_sslscan(Place("127.0.0.1", 9, Protocol.SMTP, Security.STARTTLS))


def compare(peer: Peer, ours: Inventory, claims: list[Claim], record: Record) -> None:
    """Fail on what nobody has explained; prove each of what is explained; say how many cells were compared."""
    compared = [differences(ours, claim) for claim in claims]
    found = [each for those, _ in compared for each in those]
    unexplained = [str(each) for each in found if _reason(each) is None]
    assert not unexplained, "\n".join(unexplained)
    for each in found:
        _prove(peer, each)
    cells = sum(count for _, count in compared)
    assert cells > 0, "nothing was compared"
    record("cells", cells)
    record("explained", len(found))


def _reason(found: Difference) -> str | None:
    """Why a tool does not see what we see; what a tool alone sees has no excuse."""
    spots = [spot for spot in BLIND_SPOTS if (spot.tool, spot.fact) == (found.tool, found.fact)]
    named = set(found.item.split())
    return next((spot.reason for spot in spots if found.ours and named & spot.items), None)


def _prove(peer: Peer, found: Difference) -> None:
    """A handshake that is finished, with what the tool does not see: of two suites, the first, though offered last. The
    size is right where s_client says so, which is asked for every prime that we saw, with a suite that it can offer."""
    if found.fact == "groups":
        answer = peer.offer(TLS_1_3)
        assert isinstance(answer, Agreed)
        assert answer.group == found.item
    else:
        suites = found.item.partition(" ")[0].split() if found.fact == "DH sizes" else found.item.split(_BEFORE)
        answer = peer.offer(Offer("what a tool does not see", (found.version,), ":".join(reversed(suites))))
        assert isinstance(answer, Agreed)
        assert answer.suite == suites[0]


def _at(specimen: Specimen, name: str) -> tuple[Place, Peer]:
    service = next(each for each in specimen.services if str(each) == name)
    assert service.port is not None
    assert service.protocol is not None
    host, port = specimen.started.address(service.port)
    peer = Peer.at(host, port, service.protocol, service.security, "cross-check.mailproof.test")
    return Place(host, port, service.protocol, service.security), peer
