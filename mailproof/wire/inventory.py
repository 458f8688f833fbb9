"""Everything that a service would agree to: versions, suites, groups, DH parameters, and who decides the order.

The algorithm alone: it asks through a function, so a peer, a stub or a table can answer. A list of suites shrinks by
what the server picks until it refuses the rest. Versions, groups, and strong and weak suites are chains of their own
that run side by side. Every refusal is believed only beside an agreement of the same service.
"""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from threading import Lock

from mailproof.errors import Undecided
from mailproof.wire.answers import Refused
from mailproof.wire.asking import VERSIONS, Ask, everything, hello_of, suites_of, sure_of, without
from mailproof.wire.order import SERVERS, Preference, group_preference, merged, preference
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.groups import ALL_GROUPS
from mailproof.wire.tls.registry import suite_name
from mailproof.wire.tls.suites import words

SIDE_BY_SIDE = 4
"""Connections to one service at a time. Postfix allows a client 50 (smtpd_client_connection_count_limit)."""

_STRONG = re.compile(r"256|CHACHA20")


@dataclass(frozen=True, slots=True)
class VersionInventory:
    """One version that is on. ``suites`` in the order in which the server picked them from all (its own order, where it
    is the one that decides), ``groups`` in the same way: of ECDHE up to TLS 1.2, of the key share in TLS 1.3."""

    version: str
    suites: tuple[Chosen, ...]
    preference: Preference
    groups: tuple[int, ...] = ()
    group_preference: Preference = Preference.ONLY_ONE

    @property
    def primes(self) -> dict[int, tuple[str, ...]]:
        """Each modulus of finite-field Diffie-Hellman -> the suites that it was sent with."""
        found: dict[int, list[str]] = {}
        for chosen in self.suites:
            if chosen.prime is not None:
                found.setdefault(chosen.prime, []).append(chosen.suite_name)
        return {prime: tuple(names) for prime, names in found.items()}


@dataclass(frozen=True, slots=True)
class Inventory:
    """All of one service. ``versions`` are those that are on, oldest first; ``refused`` how each of the others was
    refused; ``answered`` the hello that was agreed to first; ``connections`` how many were made."""

    versions: tuple[VersionInventory, ...]
    refused: dict[str, Refused]
    answered: ClientHello = field(repr=False)
    connections: int

    def of(self, version: str) -> VersionInventory | None:
        """What is on in this version, None where it is off."""
        return next((found for found in self.versions if found.version == version), None)


def inventory(ask: Ask, side_by_side: int = SIDE_BY_SIDE) -> Inventory:
    """Enumerate a service with at most ``side_by_side`` connections at a time.

    Raises Undecided where it agrees to nothing that we know, PositiveControlFailed where it refuses what it agreed to
    a moment ago, and whatever ``ask`` raises.
    """
    counted = _Counted(ask)
    known = _known(counted)
    sure = sure_of(counted, known)
    with ThreadPoolExecutor(side_by_side) as pool:
        answers = dict(zip(VERSIONS, pool.map(lambda version: _opened(sure, version), VERSIONS), strict=True))
        chains = {version: _Chains(pool, sure, answer) for version, answer in reversed(answers.items())
                  if isinstance(answer, Chosen)}  # fmt: skip
        found = [pool.submit(chains[version].joined) for version in VERSIONS if version in chains]
        on = tuple(version.result() for version in found)
    off = {version: answer for version, answer in answers.items() if isinstance(answer, Refused)}
    return Inventory(on, off, known, counted.connections)


def picks(ask: Ask, hello: ClientHello) -> tuple[Chosen, ...]:
    """Every suite of a hello that the server agrees to in the hello's newest version, in the order in which it picks
    them; it ends where the rest is refused or an older version is chosen."""
    found: list[Chosen] = []
    while hello.suites:
        answer = ask(hello)
        if isinstance(answer, Refused) or answer.version != hello.newest:
            break
        found.append(answer)
        hello = replace(hello, suites=without(hello.suites, answer.suite))
    return tuple(found)


class _Chains:
    """The chains of questions about one version that is on, each started at once."""

    def __init__(self, pool: ThreadPoolExecutor, ask: Ask, opened: Chosen) -> None:
        self._ask = ask
        self._opened = opened
        self._version = opened.version
        parts = [] if self._version == "SSLv2" else _parts(self._version)
        self._picks: list[Future[tuple[Chosen, ...]]] = [
            pool.submit(picks, ask, hello_of(self._version, part)) for part in parts
        ]
        self._groups = pool.submit(_groups, ask, self._version)

    def joined(self) -> VersionInventory:
        """What they found, as one; asked by a task of its own once all chains are under way."""
        if self._version == "SSLv2":
            kinds = tuple(replace(self._opened, suite=kind) for kind in self._opened.kinds or (self._opened.suite,))
            return VersionInventory(self._version, kinds, Preference.CLIENT)
        parts = [part.result() for part in self._picks]
        chosen = {each.suite: each for part in parts for each in part}
        wanted = [number for number in suites_of(self._version) if number in chosen]
        decides = preference(self._ask, self._version, self._opened.suite, wanted)
        if decides in SERVERS:
            ranked = [[each.suite for each in part] for part in parts]
            wanted = reduce(lambda one, other: merged(self._ask, self._version, one, other), ranked)
        groups, group_decides = self._groups.result()
        return VersionInventory(self._version, tuple(map(chosen.__getitem__, wanted)), decides, groups, group_decides)


def _opened(ask: Ask, version: str) -> Chosen | Refused:
    """The first answer of a version: what it picks from all, or why it is off."""
    answer = ask(hello_of(version))
    if isinstance(answer, Chosen) and answer.version != version:
        return Refused("alert", f"none: {answer.version} chosen instead", answer.transcript)
    return answer


def _parts(version: str) -> list[list[int]]:
    """A version's suites as lists that are asked for side by side: up to TLS 1.2 by strength, as servers sort them (to
    some, a short tag makes a suite the weakest of all)."""
    if version == "TLSv1.3":
        return [list(suites_of(version))]
    parts: list[list[int]] = [[], [], []]
    for number in suites_of(version):
        name = suite_name(number).removesuffix("SHA256")
        parts[2 if name.endswith("CCM8") else 0 if _STRONG.search(name) else 1].append(number)
    return parts


def _groups(ask: Ask, version: str) -> tuple[tuple[int, ...], Preference]:
    """The groups of a version's key exchange on elliptic curves (in TLS 1.3 of any), in the server's order."""
    suites = [number for number in suites_of(version) if version == "TLSv1.3" or _on_curves(suite_name(number))]
    found: list[int] = []
    left = ALL_GROUPS if version not in ("SSLv2", "SSLv3") else ()
    while left:
        answer = ask(hello_of(version, suites, left))
        if isinstance(answer, Refused) or answer.version != version or answer.group is None:
            break
        found.append(answer.group)
        left = without(left, answer.group)
    return tuple(found), group_preference(ask, version, suites, found)


def _on_curves(name: str) -> bool:
    return "ECDHE" in words(name) or name.startswith("AECDH-")


def _known(ask: Ask) -> ClientHello:
    """A hello that the service agrees to: everything, or what is left for one that cannot bear so much."""
    offers = (
        everything(), everything("TLSv1.2"), hello_of("TLSv1.3"),
        hello_of("TLSv1.2", suites_of("TLSv1.2")[:48]), *map(hello_of, reversed(VERSIONS[:5])),
    )  # fmt: skip
    for hello in offers:
        if isinstance(ask(hello), Chosen):
            return hello
    raise Undecided("the service agrees to nothing that we can offer")


class _Counted:
    """A question that counts itself, whichever thread asks."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lock = Lock()
        self.connections = 0

    def __call__(self, hello: ClientHello) -> Chosen | Refused:
        with self._lock:
            self.connections += 1
        return self._ask(hello)
