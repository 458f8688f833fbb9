"""Who decides where client and server know several suites or groups, and in which order a server prefers its own.

Pure but for the function that asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from mailproof.wire.asking import CHACHA20, Ask, agreed, hello_of


class Preference(StrEnum):
    """Who decides where both sides know several."""

    SERVER = "the server decides"
    CHACHA20 = "the server decides, but for clients that put ChaCha20 first"
    CLIENT = "the client decides"
    MIXED = "neither by the server's order nor by the client's"
    ONLY_ONE = "there is only one"


SERVERS = (Preference.SERVER, Preference.CHACHA20)
"""Where a server's own order shows."""


def preference(ask: Ask, version: str, first: int, suites: Sequence[int]) -> Preference:
    """Who decides among ``suites``, all agreed to, of which ``first`` was picked when they were offered in this order.

    The order is turned round, ChaCha20 last: whose first is taken now? Then ChaCha20 first: does that change it?
    """
    if len(suites) < 2:
        return Preference.ONLY_ONE
    chacha = [number for number in suites if number in CHACHA20]
    plain = [number for number in suites if number not in CHACHA20]
    turned = [*plain[::-1], *chacha] if len(plain) > 1 else suites[::-1]
    again = _first(ask, version, turned)
    if again != first:
        return Preference.CLIENT if (first, again) == (suites[0], turned[0]) else Preference.MIXED
    if chacha and first not in chacha and _first(ask, version, [*chacha, *plain]) in chacha:
        return Preference.CHACHA20
    return Preference.SERVER


def group_preference(ask: Ask, version: str, suites: Sequence[int], groups: Sequence[int]) -> Preference:
    """Who decides among groups, which are in the order in which the server picked them."""
    if len(groups) < 2:
        return Preference.ONLY_ONE
    first = agreed(ask, hello_of(version, suites, groups[::-1])).group
    return {groups[0]: Preference.SERVER, groups[-1]: Preference.CLIENT}.get(first or 0, Preference.MIXED)


def merged(ask: Ask, version: str, one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Two lists in the server's order as one list in its order: run by run, each found by halving, because servers sort
    by strength and the runs are long."""
    left, right, found = list(one), list(other), list[int]()
    while left and right:
        count = _before(ask, version, left, right[0])
        found += left[:count]
        left, right = right, left[count:]
    return [*found, *left, *right]


def _before(ask: Ask, version: str, ranked: Sequence[int], one: int) -> int:
    """How many of ``ranked``, which is in the server's order, the server would rather have than ``one``."""
    low, high = 0, len(ranked)
    if _prefers(ask, version, ranked[-1], one):
        return high
    while low < high:
        middle = (low + high) // 2
        if _prefers(ask, version, ranked[middle], one):
            low = middle + 1
        else:
            high = middle
    return low


def _prefers(ask: Ask, version: str, one: int, other: int) -> bool:
    """Whether the server takes ``one``, offered last of the two (but ChaCha20 is never offered first)."""
    return _first(ask, version, sorted((other, one), key=CHACHA20.__contains__)) == one


def _first(ask: Ask, version: str, suites: Sequence[int]) -> int:
    return agreed(ask, hello_of(version, suites)).suite
