"""Everything that a service would agree to: versions, suites, groups, DH parameters, and who decides the order.

The algorithm alone: it asks through a function, so a peer, a stub or a table can answer. A list of suites shrinks by
what the server picks until it refuses the rest; versions are chains of their own and run side by side. Every refusal
is believed only beside an agreement of the same service.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from threading import Lock

from mailproof.errors import PositiveControlFailed, Undecided
from mailproof.wire.answers import Refused
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.groups import ALL_GROUPS
from mailproof.wire.tls.registry import KINDS_OF_SSL_2, SUITES, suite_name
from mailproof.wire.tls.suites import TLS_1_2_SUITES, TLS_1_3_SUITES, words

Ask = Callable[[ClientHello], Chosen | Refused]
"""Puts one hello to a service on a connection of its own."""

VERSIONS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""What is asked for, oldest first."""

SIDE_BY_SIDE = 4
"""Connections to one service at a time. Postfix allows a client 50 (smtpd_client_connection_count_limit)."""

_CHACHA = tuple(number for number, name in SUITES.items() if "CHACHA20" in name)


class Preference(StrEnum):
    """Who decides where both sides know several."""

    SERVER = "the server decides"
    CHACHA20 = "the server decides, but for clients that put ChaCha20 first"
    CLIENT = "the client decides"
    MIXED = "neither by the server's order nor by the client's"
    ONLY_ONE = "there is only one"


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


def hello_of(version: str, suites: Sequence[int] | None = None, groups: Sequence[int] = ALL_GROUPS) -> ClientHello:
    """A hello of one version, with all of its suites where none are given."""
    offered = tuple(_suites_of(version) if suites is None else suites)
    known = tuple(groups) if version not in ("SSLv2", "SSLv3") else ()
    return ClientHello((version,), offered, known, f"{version}, {len(offered)} suites")


def everything(newest: str = "TLSv1.3") -> ClientHello:
    """A hello of all that we know, from SSL 3 up to the newest version."""
    versions = VERSIONS[VERSIONS.index("SSLv3") : VERSIONS.index(newest) + 1]
    suites = (*(TLS_1_3_SUITES if newest == "TLSv1.3" else ()), *_suites_of("TLSv1.2"))
    return ClientHello(versions[::-1], suites, ALL_GROUPS, f"everything up to {newest}")


def inventory(ask: Ask, side_by_side: int = SIDE_BY_SIDE) -> Inventory:
    """Enumerate a service with at most ``side_by_side`` connections at a time.

    Raises Undecided where it agrees to nothing that we know, PositiveControlFailed where it refuses what it agreed to
    a moment ago, and whatever ``ask`` raises.
    """
    counted = _Counted(ask)
    known = _known(counted)
    sure = sure_of(counted, known)
    with ThreadPoolExecutor(side_by_side) as pool:
        chains = [pool.submit(_version, sure, version) for version in reversed(VERSIONS)]
        found = [chain.result() for chain in reversed(chains)]
    on = tuple(one for one in found if isinstance(one, VersionInventory))
    off = {version: one for version, one in zip(VERSIONS, found, strict=True) if isinstance(one, Refused)}
    return Inventory(on, off, known, counted.connections)


def picks(ask: Ask, hello: ClientHello) -> tuple[tuple[Chosen, ...], Refused | None]:
    """Every suite of a hello that the server agrees to in the hello's newest version, in the order in which it picks
    them, and its refusal of the rest (None where nothing was left to refuse)."""
    found: list[Chosen] = []
    while hello.suites:
        answer = ask(hello)
        if isinstance(answer, Refused):
            return tuple(found), answer
        if answer.version != hello.newest:
            return tuple(found), Refused("alert", f"none: {answer.version} chosen instead", answer.transcript)
        found.append(answer)
        hello = replace(hello, suites=_without(hello.suites, answer.suite))
    return tuple(found), None


def sure_of(ask: Ask, allowed: ClientHello, *, always: bool = False) -> Ask:
    """``ask`` so that a refusal can be believed. One without an alert is: the same hello with ``allowed`` in it is
    agreed to just before and just after (SSL 2 cannot hold more, so there it is ``allowed`` alone). With ``always``,
    one with an alert needs such an agreement too.

    Raises PositiveControlFailed, and Undecided where the same hello is closed upon once and agreed to once.
    """

    def asked(hello: ClientHello) -> Chosen | Refused:
        answer = ask(hello)
        if isinstance(answer, Refused) and (always or answer.how == "closed"):
            control = along_with(hello, allowed)
            _agreed(ask, control)
            if answer.how == "closed":
                _closed_again(ask, hello)
                _agreed(ask, control)
        return answer

    return asked


def _closed_again(ask: Ask, hello: ClientHello) -> None:
    if not isinstance(ask(hello), Refused):
        raise Undecided(f"the server closed on the hello «{hello}» once and agreed to it once")


def along_with(hello: ClientHello, allowed: ClientHello) -> ClientHello:
    """One hello that offers both: the positive control of a refusal of the first."""
    if "SSLv2" in (*hello.versions, *allowed.versions):
        return allowed
    newest_first = sorted({*hello.versions, *allowed.versions}, key=VERSIONS.index, reverse=True)
    return replace(
        hello, name=f"{hello} along with {allowed}", versions=_gapless(newest_first),
        suites=_joined(hello.suites, allowed.suites), groups=_joined(hello.groups, allowed.groups),
        shares=_joined(hello.shares, allowed.shares), signatures=_joined(hello.signatures, allowed.signatures),
    )  # fmt: skip


def _version(ask: Ask, version: str) -> VersionInventory | Refused:
    suites, rest = picks(ask, hello_of(version))
    if not suites:
        return rest or Refused("closed")
    if version == "SSLv2":
        kinds = tuple(replace(suites[0], suite=kind) for kind in suites[0].kinds)
        return VersionInventory(version, kinds or suites, Preference.CLIENT)
    numbers = [chosen.suite for chosen in suites]
    groups, group_preference = _groups(ask, version, numbers)
    return VersionInventory(version, suites, _preference(ask, version, numbers), groups, group_preference)


def _preference(ask: Ask, version: str, picked: Sequence[int]) -> Preference:
    """Turn the order round, ChaCha20 last: whose first is taken? Then ChaCha20 first: does that change the answer?"""
    if len(picked) < 2:
        return Preference.ONLY_ONE
    chacha = [number for number in picked if number in _CHACHA]
    plain = [number for number in picked if number not in _CHACHA]
    turned = [*plain[::-1], *chacha] if len(plain) > 1 else picked[::-1]
    first = _first(ask, version, turned)
    if first != picked[0]:
        return Preference.CLIENT if first == turned[0] else Preference.MIXED
    if chacha and picked[0] not in chacha and _first(ask, version, [*chacha, *plain]) in chacha:
        return Preference.CHACHA20
    return Preference.SERVER


def _first(ask: Ask, version: str, suites: Sequence[int]) -> int:
    return _agreed(ask, hello_of(version, suites)).suite


def _groups(ask: Ask, version: str, picked: Sequence[int]) -> tuple[tuple[int, ...], Preference]:
    suites = [number for number in picked if version == "TLSv1.3" or "ECDHE" in words(suite_name(number))]
    suites += [number for number in picked if suite_name(number).startswith("AECDH-")]
    found: list[int] = []
    left = ALL_GROUPS
    while suites and left:
        answer = ask(hello_of(version, suites, left))
        if isinstance(answer, Refused) or answer.group is None:
            break
        found.append(answer.group)
        left = _without(left, answer.group)
    return tuple(found), _group_preference(ask, version, suites, found)


def _group_preference(ask: Ask, version: str, suites: Sequence[int], found: Sequence[int]) -> Preference:
    if len(found) < 2:
        return Preference.ONLY_ONE
    first = _agreed(ask, hello_of(version, suites, found[::-1])).group
    return {found[0]: Preference.SERVER, found[-1]: Preference.CLIENT}.get(first or 0, Preference.MIXED)


def _known(ask: Ask) -> ClientHello:
    """A hello that the service agrees to: everything, or what is left for one that cannot bear so much."""
    offers = (
        everything(), everything("TLSv1.2"), hello_of("TLSv1.3"),
        hello_of("TLSv1.2", _suites_of("TLSv1.2")[:48]), *map(hello_of, reversed(VERSIONS[:5])),
    )  # fmt: skip
    for hello in offers:
        if isinstance(ask(hello), Chosen):
            return hello
    raise Undecided("the service agrees to nothing that we can offer")


def _agreed(ask: Ask, hello: ClientHello) -> Chosen:
    answer = ask(hello)
    if isinstance(answer, Refused):
        raise PositiveControlFailed(f"the hello «{hello}» must be agreed to, and is {answer}")
    return answer


@cache
def _suites_of(version: str) -> tuple[int, ...]:
    """All suites of a version, those with forward secrecy first, as a client of today would like them; ChaCha20 last
    of its kind, because some servers grant it to whoever puts it first."""
    if version == "SSLv2":
        return tuple(KINDS_OF_SSL_2)
    if version == "TLSv1.3":
        return tuple(sorted(TLS_1_3_SUITES, key=lambda number: (number in _CHACHA, number)))
    return tuple(sorted(TLS_1_2_SUITES, key=_worth))


def _worth(number: int) -> tuple[bool, bool, bool, bool, int]:
    kinds = words(suite_name(number))
    return ("ECDHE" not in kinds, "DHE" not in kinds, "AESGCM" not in kinds, number in _CHACHA, -number)


def _without(numbers: Sequence[int], one: int) -> tuple[int, ...]:
    return tuple(number for number in numbers if number != one)


def _joined(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _gapless(newest_first: Sequence[str]) -> tuple[str, ...]:
    places = [VERSIONS.index(version) for version in newest_first]
    return VERSIONS[min(places) : max(places) + 1][::-1]


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
