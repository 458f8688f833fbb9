"""The gate: everything that a profile forbids, offered in one hello for each class, and what a service makes of it.

Where nothing forbidden is agreed to, that costs a connection a class. Only an agreement is followed up, so that a
report can say what exactly the service would agree to. Pure but for the function that asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mailproof.errors import CannotOffer, PositiveControlFailed, Unusable
from mailproof.wire.answers import Refused
from mailproof.wire.asking import VERSIONS, Ask, everything, hello_of, sure_of
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.groups import ALL_GROUPS, group_numbers
from mailproof.wire.tls.registry import SUITES
from mailproof.wire.tls.suites import TLS_1_2_SUITES, TLS_1_3_SUITES, asks_for, chosen_by, suite_name, words

SHORT = {"SSLv2": "ssl-2", "SSLv3": "ssl-3", "TLSv1": "tls-1.0", "TLSv1.1": "tls-1.1", "TLSv1.2": "tls-1.2",
         "TLSv1.3": "tls-1.3"}  # fmt: skip
"""Versions as the classes and the variants of controls are called."""

WORDS = ("versions", "suites", "never", "tls13_suites", "groups")
"""What rules are stated with: each a list of words."""


@dataclass(frozen=True)
class Rules:
    """What a profile allows: versions by name; suites up to TLS 1.2, those of TLS 1.3, and groups by number."""

    versions: frozenset[str]
    suites: frozenset[int]
    new_suites: frozenset[int]
    groups: frozenset[int]

    @cached_property
    def forbidden(self) -> dict[str, ClientHello]:
        """A hello for each class of what is forbidden: ``version ssl-3``, ``suites tls-1.2``, ``groups tls-1.3`` …

        A class in which everything is allowed has none.
        """
        return {name: replace(hello, name=f"forbidden: {name}") for name, hello in self._classes() if hello is not None}

    def _classes(self) -> list[tuple[str, ClientHello | None]]:
        off = [version for version in VERSIONS if version not in self.versions]
        curves = [number for number in TLS_1_2_SUITES if words(suite_name(number)) & {"ECDHE", "aNULL"}]
        groups = [number for number in ALL_GROUPS if number not in self.groups]
        return [
            *((f"version {SHORT[version]}", hello_of(version)) for version in off),
            ("suites tls-1.2", self._but("TLSv1.2", TLS_1_2_SUITES, self.suites)),
            ("suites tls-1.3", self._but("TLSv1.3", TLS_1_3_SUITES, self.new_suites)),
            ("groups tls-1.2", self._of("TLSv1.2", [n for n in curves if not suite_name(n).startswith("ADH")], groups)),
            ("groups tls-1.3", self._of("TLSv1.3", TLS_1_3_SUITES, groups)),
        ]

    def _but(self, version: str, all_of_them: Sequence[int], allowed: frozenset[int]) -> ClientHello | None:
        return self._of(version, [number for number in all_of_them if number not in allowed], ALL_GROUPS)

    def _of(self, version: str, suites: Sequence[int], groups: Sequence[int]) -> ClientHello | None:
        return hello_of(version, suites, groups) if version in self.versions and suites and groups else None


@dataclass(frozen=True, slots=True)
class Gate:
    """What a service made of all classes: what it agreed to of each, and how many connections that took."""

    agreements: Mapping[str, tuple[Chosen, ...]]
    connections: int

    @property
    def holds(self) -> bool:
        """Whether nothing forbidden was agreed to."""
        return not any(self.agreements.values())


def rules_of(stated: object) -> Rules:
    """The rules that a profile states in its table ``[parameters.tls]`` (:data:`WORDS`). ``suites`` and ``never`` are
    OpenSSL's words for kinds of suites up to TLS 1.2, or names; what ``never`` names is forbidden whatever else it is.
    Raises Unusable.
    """
    if not isinstance(stated, Mapping) or set(stated) != set(WORDS):
        raise Unusable(f"the parameter tls must be a table of {', '.join(WORDS)}")
    versions, suites, never, new, groups = (_words(stated, name) for name in WORDS)
    _known("versions", versions, VERSIONS)
    _known("tls13_suites", new, [SUITES[number] for number in TLS_1_3_SUITES])
    for name, given in (("suites", suites), ("never", never)):
        _ask_for_something(name, given)
    try:
        numbers = frozenset(group_numbers(groups))
    except CannotOffer as error:
        raise Unusable(f"the parameter tls.groups: {error}") from error
    allowed = frozenset(chosen_by(suites)) - frozenset(chosen_by(never))
    return Rules(frozenset(versions), allowed - frozenset(TLS_1_3_SUITES), frozenset(chosen_by(new)), numbers)


def gate(ask: Ask, rules: Rules) -> Gate:
    """Offer every forbidden class. Two hellos that offer all of it along with what is allowed come first: a service
    that refuses those refuses for reasons of its own, and raises PositiveControlFailed. Raises what ``ask`` raises.
    """
    count = 0

    def counted(hello: ClientHello) -> Chosen | Refused:
        nonlocal count
        count += 1
        return ask(hello)

    allowed = [everything(version) for version in ("TLSv1.2", "TLSv1.3") if version in rules.versions]
    agreed = [hello for hello in allowed if isinstance(counted(hello), Chosen)]
    if len(agreed) < len(allowed) or not agreed:
        raise PositiveControlFailed("the service refuses a hello with everything in it: its refusals say nothing")
    sure = sure_of(counted, agreed[-1])
    agreements = {name: agreements_to(sure, hello) for name, hello in rules.forbidden.items()}
    return Gate(agreements, count)


def agreements_to(ask: Ask, hello: ClientHello) -> tuple[Chosen, ...]:
    """Everything of a hello that the server agrees to, one after the other: nothing where it refuses at once. What it
    takes is taken out of the next hello: the group where the hello leaves groups out, the suite else."""
    found: list[Chosen] = []
    by_group = 0 < len(hello.groups) < len(ALL_GROUPS)
    while hello.suites and (hello.groups or not by_group):
        answer = ask(hello)
        if isinstance(answer, Refused):
            break
        found.append(answer)
        hello = _less(hello, answer, by_group=by_group)
    return tuple(found)


def _less(hello: ClientHello, taken: Chosen, *, by_group: bool) -> ClientHello:
    if by_group and taken.group is not None:
        return replace(hello, groups=tuple(number for number in hello.groups if number != taken.group))
    return replace(hello, suites=tuple(number for number in hello.suites if number != taken.suite))


def _words(parameters: Mapping[str, object], name: str) -> list[str]:
    given = parameters.get(name)
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise Unusable(f"the parameter tls.{name} must be a list of words, not {given!r}")
    return given


def _known(name: str, given: Sequence[str], known: Sequence[str]) -> None:
    unknown = [word for word in given if word not in known]
    if unknown:
        raise Unusable(f"the parameter tls.{name} names {', '.join(unknown)}; there are {', '.join(known)}")


def _ask_for_something(name: str, given: Sequence[str]) -> None:
    for word in given:
        if not any(asks_for(word, suite_name(number)) for number in TLS_1_2_SUITES):
            raise Unusable(f"the parameter tls.{name}: no suite answers to {word}")
