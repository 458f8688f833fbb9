"""Enumeration against servers that are tables: everything is found, in order, and no refusal is believed alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from mailproof.errors import CannotOffer, GarbledReply, PositiveControlFailed, TimedOut, Undecided
from mailproof.wire.answers import Refused
from mailproof.wire.asking import VERSIONS, along_with, everything, hello_of, sure_of
from mailproof.wire.inventory import inventory, picks
from mailproof.wire.order import Preference
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.primes import standard_prime
from mailproof.wire.tls.registry import suite_name
from mailproof.wire.tls.suites import words

ECDHE_256, ECDHE_128, ECDHE_CHACHA, DHE_256, STATIC = 0xC030, 0xC02F, 0xCCA8, 0x009F, 0x009D
X25519, P256, HYBRID = 29, 23, 4588
MODERN = {"TLSv1.2": (ECDHE_256, ECDHE_CHACHA, ECDHE_128, DHE_256), "TLSv1.3": (0x1302, 0x1303, 0x1301)}


@dataclass
class Table:
    """A server: suites by version and groups, both in its order; whether it or the client decides."""

    suites: Mapping[str, Sequence[int]] = field(default_factory=lambda: MODERN)
    groups: Sequence[int] = (X25519, P256)
    decides: bool = True
    grants_chacha: bool = False
    refuses: str = "alert"
    asked: list[ClientHello] = field(default_factory=list)

    def __call__(self, hello: ClientHello) -> Chosen | Refused:
        self.asked.append(hello)
        for version in reversed(VERSIONS):
            if version in self.suites and version in self._versions(hello):
                return self._choose(version, hello)
        return self._no("protocol_version")

    def _versions(self, hello: ClientHello) -> Sequence[str]:
        return hello.versions if hello.newest in ("SSLv2", "TLSv1.3") else [v for v in VERSIONS[1:] if hello.allows(v)]

    def _choose(self, version: str, hello: ClientHello) -> Chosen | Refused:
        group = self._first(self.groups, hello.groups)
        usable = [
            n for n in self.suites[version] if group or ("ECDHE" not in words(suite_name(n)) and version != "TLSv1.3")
        ]
        server = self.decides and not (self.grants_chacha and "CHACHA20" in suite_name(hello.suites[0]))
        suite = self._first(usable, hello.suites) if server else self._first(hello.suites, usable)
        if suite is None:
            return self._no("handshake_failure")
        keyed = version == "TLSv1.3" or "ECDHE" in words(suite_name(suite))
        prime = standard_prime(2048) if "DHE" in words(suite_name(suite)) else None
        kinds = tuple(self.suites[version]) if version == "SSLv2" else ()
        return Chosen(version, suite, group if keyed else None, prime, kinds=kinds)

    def _first(self, ours: Sequence[int], theirs: Sequence[int]) -> int | None:
        return next((one for one in ours if one in theirs), None)

    def _no(self, alert: str) -> Refused:
        return Refused("alert", alert) if self.refuses == "alert" else Refused("closed")


def test_everything_is_found_in_the_server_s_order() -> None:
    found = inventory(Table())
    new, old = found.of("TLSv1.3"), found.of("TLSv1.2")
    assert new is not None
    assert old is not None
    assert [chosen.suite for chosen in old.suites] == list(MODERN["TLSv1.2"])
    assert [chosen.suite for chosen in new.suites] == list(MODERN["TLSv1.3"])
    assert (old.preference, old.groups, old.group_preference) == (Preference.SERVER, (X25519, P256), Preference.SERVER)
    assert new.groups == (X25519, P256)
    assert old.primes == {standard_prime(2048): ("DHE-RSA-AES256-GCM-SHA384",)}
    assert list(found.refused) == ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"]
    assert found.of("TLSv1.1") is None


@pytest.mark.parametrize(
    ("table", "preference"),
    [
        (Table(decides=False), Preference.CLIENT),
        (Table(grants_chacha=True), Preference.CHACHA20),
        (Table({"TLSv1.2": (STATIC,)}), Preference.ONLY_ONE),
        (Table({"TLSv1.2": (ECDHE_256, ECDHE_CHACHA)}), Preference.SERVER),
        (Table({"TLSv1.2": (ECDHE_CHACHA, ECDHE_256, ECDHE_128)}), Preference.SERVER),
    ],
    ids=["client", "chacha", "one", "two", "chacha-first"],
)
def test_who_decides_is_told(table: Table, preference: Preference) -> None:
    found = inventory(table).of("TLSv1.2")
    assert found is not None
    assert found.preference is preference


def test_a_refusal_without_an_alert_is_asked_again_between_two_agreements() -> None:
    table = Table(refuses="closed")
    found = inventory(table, 1)
    assert found.refused["TLSv1.1"].how == "closed"
    places = [place for place, hello in enumerate(table.asked) if hello.versions == ("TLSv1.1",)]
    assert len(places) == 2
    between = table.asked[places[0] + 1 : places[1]]
    assert [set(hello.versions) >= {"TLSv1.1", "TLSv1.3"} for hello in between] == [True]
    assert isinstance(table(table.asked[places[1] + 1]), Chosen)
    assert found.connections == len(table.asked) - 1


def test_a_server_that_closes_once_and_agrees_once_is_undecided() -> None:
    agreed: list[Chosen | Refused] = [Chosen("TLSv1.3", 0x1301, X25519), Chosen("TLSv1.2", STATIC)]
    answers = iter([Refused("closed"), *agreed])
    with pytest.raises(Undecided, match="once and agreed to it once"):
        sure_of(lambda _: next(answers), everything())(hello_of("TLSv1.2"))


def test_a_server_that_closes_on_everything_after_a_while_says_nothing() -> None:
    answers = iter([Refused("closed"), Refused("closed")])
    with pytest.raises(PositiveControlFailed):
        sure_of(lambda _: next(answers), everything())(hello_of("TLSv1.2"))


def test_a_server_that_agrees_to_nothing_is_undecided() -> None:
    with pytest.raises(Undecided, match="agrees to nothing"):
        inventory(Table({}))


@pytest.mark.parametrize("suites", [{"SSLv2": (0x010080, 0x0700C0)}, {"TLSv1": (0x0035,)}, {"SSLv3": (0x0035, 0x000A)}])
def test_a_server_of_old_versions_alone_is_enumerated_too(suites: dict[str, Sequence[int]]) -> None:
    found = inventory(Table(suites))
    assert [version.version for version in found.versions] == list(suites)
    assert [chosen.suite for chosen in found.versions[0].suites] == list(next(iter(suites.values())))


def test_a_server_that_cannot_bear_tls_1_3_in_a_hello_is_enumerated_without() -> None:
    table = Table({"TLSv1.2": (STATIC,)})

    def intolerant(hello: ClientHello) -> Chosen | Refused:
        return Refused("alert", "handshake_failure") if "TLSv1.3" in hello.versions else table(hello)

    assert [version.version for version in inventory(intolerant).versions] == ["TLSv1.2"]


def test_a_post_quantum_server_is_seen() -> None:
    found = inventory(Table({"TLSv1.3": (0x1302,)}, groups=(HYBRID,))).of("TLSv1.3")
    assert found is not None
    assert found.groups == (HYBRID,)
    assert found.suites[0].quantum_safe


@pytest.mark.parametrize("trouble", [TimedOut("no answer"), GarbledReply("what?")])
def test_trouble_is_no_refusal(trouble: Exception) -> None:
    def ask(hello: ClientHello) -> Chosen | Refused:
        if hello.versions == ("TLSv1",):
            raise trouble
        return Table()(hello)

    with pytest.raises(type(trouble)):
        inventory(ask)


def test_an_older_version_than_asked_for_is_not_the_one_asked_for() -> None:
    table = Table({"TLSv1": (0x0035,)})
    assert picks(table, hello_of("TLSv1.1")) == ()
    assert "TLSv1 chosen instead" in str(inventory(table).refused["TLSv1.1"])


def test_an_order_that_mixes_strong_and_weak_is_found_by_asking_for_each_place() -> None:
    order = (ECDHE_128, ECDHE_256, 0x009C, DHE_256, STATIC, 0x002F)
    found = inventory(Table({"TLSv1.2": order})).of("TLSv1.2")
    assert found is not None
    assert found.preference is Preference.SERVER
    assert [chosen.suite for chosen in found.suites] == list(order)


def test_what_the_client_decides_is_listed_in_the_client_s_order() -> None:
    found = inventory(Table({"TLSv1.2": (STATIC, DHE_256, ECDHE_128, ECDHE_256)}, decides=False)).of("TLSv1.2")
    assert found is not None
    assert [chosen.suite for chosen in found.suites] == [ECDHE_256, ECDHE_128, DHE_256, STATIC]


@pytest.mark.parametrize("side_by_side", [1, 2, 9])
def test_any_number_side_by_side_finds_the_same(side_by_side: int) -> None:
    found = inventory(Table({**MODERN, "TLSv1": (0x0035, 0x002F)}), side_by_side)
    assert found.versions == inventory(Table({**MODERN, "TLSv1": (0x0035, 0x002F)})).versions


def test_the_positive_control_offers_all_of_both() -> None:
    both = along_with(replace(hello_of("TLSv1", [STATIC]), signatures=(0x0401,)), hello_of("TLSv1.3"))
    assert both.versions == ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1")
    assert both.suites[0] == STATIC
    assert both.signatures[0] == 0x0401
    assert 0x0804 in both.signatures
    assert along_with(hello_of("SSLv2"), everything()) == everything()


def test_a_hello_of_nothing_cannot_be_sent() -> None:
    with pytest.raises(CannotOffer):
        hello_of("TLSv1.2", []).encode(bytes(64))
