"""Questions to a service and how far its answers can be believed: hellos by version, and refusals beside agreements.

Pure but for the function that asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

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

CHACHA20 = frozenset(number for number, name in SUITES.items() if "CHACHA20" in name)
"""Suites that some servers grant to whoever puts one first, whatever their own order says."""


def hello_of(version: str, suites: Sequence[int] | None = None, groups: Sequence[int] = ALL_GROUPS) -> ClientHello:
    """A hello of one version, with all of its suites where none are given."""
    offered = tuple(suites_of(version) if suites is None else suites)
    known = tuple(groups) if version not in ("SSLv2", "SSLv3") else ()
    return ClientHello((version,), offered, known, f"{version}, {len(offered)} suites")


def everything(newest: str = "TLSv1.3") -> ClientHello:
    """A hello of all that we know, from SSL 3 up to the newest version."""
    versions = VERSIONS[VERSIONS.index("SSLv3") : VERSIONS.index(newest) + 1]
    suites = (*(TLS_1_3_SUITES if newest == "TLSv1.3" else ()), *suites_of("TLSv1.2"))
    return ClientHello(versions[::-1], suites, ALL_GROUPS, f"everything up to {newest}")


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
            agreed(ask, control)
            if answer.how == "closed":
                _closed_again(ask, hello)
                agreed(ask, control)
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


def agreed(ask: Ask, hello: ClientHello) -> Chosen:
    """The answer to a hello that must be agreed to. Raises PositiveControlFailed where it is refused."""
    answer = ask(hello)
    if isinstance(answer, Refused):
        raise PositiveControlFailed(f"the hello «{hello}» must be agreed to, and is {answer}")
    return answer


@cache
def suites_of(version: str) -> tuple[int, ...]:
    """All suites of a version, those with forward secrecy first, as a client of today would like them; ChaCha20 last
    of its kind, because some servers grant it to whoever puts it first."""
    if version == "SSLv2":
        return tuple(KINDS_OF_SSL_2)
    if version == "TLSv1.3":
        return tuple(sorted(TLS_1_3_SUITES, key=lambda number: (number in CHACHA20, number)))
    return tuple(sorted(TLS_1_2_SUITES, key=_worth))


def _worth(number: int) -> tuple[bool, bool, bool, bool, int]:
    kinds = words(suite_name(number))
    return ("ECDHE" not in kinds, "DHE" not in kinds, "AESGCM" not in kinds, number in CHACHA20, -number)


def without(numbers: Sequence[int], one: int) -> tuple[int, ...]:
    """The numbers but for one."""
    return tuple(number for number in numbers if number != one)


def _joined(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _gapless(newest_first: Sequence[str]) -> tuple[str, ...]:
    places = [VERSIONS.index(version) for version in newest_first]
    return VERSIONS[min(places) : max(places) + 1][::-1]
