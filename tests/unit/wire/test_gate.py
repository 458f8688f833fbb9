"""The gate: classes of what is forbidden, and what a server agrees to of them."""

from __future__ import annotations

from typing import Any

import pytest

from mailproof.errors import PositiveControlFailed, Unusable
from mailproof.wire.answers import Refused
from mailproof.wire.asking import hello_of
from mailproof.wire.gate import Rules, agreements_to, gate, rules_of
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.groups import ALL_GROUPS
from mailproof.wire.tls.suites import suite_name, words
from tests.unit.wire.test_inventory import DHE_256, ECDHE_256, MODERN, P256, STATIC, X25519, Table

STATED = {
    "versions": ["TLSv1.2", "TLSv1.3"], "suites": ["ECDHE", "DHE"], "never": ["eNULL", "3DES"],
    "tls13_suites": ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"],
    "groups": ["X25519", "P-256"],
}  # fmt: skip


@pytest.fixture
def rules() -> Rules:
    return rules_of(STATED)


def test_a_server_that_keeps_the_rules_passes_in_few_connections(rules: Rules) -> None:
    found = gate(Table(), rules)
    assert found.holds
    assert found.connections == len(rules.forbidden) + 2 < 15
    assert not any(found.agreements.values())


def test_classes_offer_all_that_is_forbidden_and_nothing_that_is_allowed(rules: Rules) -> None:
    assert list(rules.forbidden) == [
        "version ssl-2", "version ssl-3", "version tls-1.0", "version tls-1.1", "suites tls-1.2", "suites tls-1.3",
        "groups tls-1.2", "groups tls-1.3",
    ]  # fmt: skip
    suites = rules.forbidden["suites tls-1.2"].suites
    assert {0x002F, 0x0000, 0x0016, 0xC012, 0x00A6} <= set(suites)  # static RSA, NULL, 3DES of both kinds, anonymous
    assert not set(suites) & rules.suites
    assert not set(rules.forbidden["groups tls-1.3"].groups) & {X25519, P256}
    assert all(words(suite_name(number)) & {"ECDHE", "aNULL"} for number in rules.forbidden["groups tls-1.2"].suites)


@pytest.mark.parametrize(
    ("table", "where", "what"),
    [
        (Table({**MODERN, "TLSv1": (STATIC,)}), "version tls-1.0", "TLSv1 AES256-GCM-SHA384"),
        (Table({**MODERN, "SSLv2": (0x010080,)}), "version ssl-2", "SSLv2 RC4-MD5"),
        (Table({**MODERN, "TLSv1.2": (ECDHE_256, STATIC)}), "suites tls-1.2", "TLSv1.2 AES256-GCM-SHA384"),
        (Table({**MODERN, "TLSv1.3": (0x1302, 0x1304)}), "suites tls-1.3", "TLSv1.3 TLS_AES_128_CCM_SHA256"),
        (Table(groups=(X25519, 22)), "groups tls-1.2", "group secp256k1"),
        (Table(groups=(X25519, 256)), "groups tls-1.3", "group ffdhe2048"),
    ],
)
def test_what_is_forbidden_and_agreed_to_is_told(rules: Rules, table: Table, where: str, what: str) -> None:
    found = gate(table, rules)
    assert not found.holds
    assert what in "; ".join(map(str, found.agreements[where]))


def test_an_agreement_is_followed_up_to_its_end() -> None:
    table = Table({"TLSv1.2": (ECDHE_256, DHE_256, STATIC)})
    assert [chosen.suite for chosen in agreements_to(table, hello_of("TLSv1.2"))] == [ECDHE_256, DHE_256, STATIC]
    few = hello_of("TLSv1.2", [ECDHE_256], [group for group in ALL_GROUPS if group != 30])
    assert [chosen.group for chosen in agreements_to(Table(), few)] == [X25519, P256]


def test_a_server_that_refuses_everything_has_refused_nothing(rules: Rules) -> None:
    with pytest.raises(PositiveControlFailed):
        gate(lambda _: Refused("alert", "handshake_failure"), rules)


def test_a_server_that_cannot_bear_long_hellos_has_refused_nothing(rules: Rules) -> None:
    def short_sighted(hello: ClientHello) -> Chosen | Refused:
        return Refused("alert", "handshake_failure") if len(hello.suites) > 300 else Table()(hello)

    with pytest.raises(PositiveControlFailed):
        gate(short_sighted, rules)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"versions": ["TLSv1.4"]}, "tls.versions names TLSv1.4; there are"),
        ({"suites": ["ECDHE", "EDCHE"]}, "tls.suites: no suite answers to EDCHE"),
        ({"never": "RC4"}, "tls.never must be a list of words"),
        ({"tls13_suites": ["ECDHE"]}, "tls.tls13_suites names ECDHE"),
        ({"groups": ["x25591"]}, "no group is called x25591"),
        ({"curves": []}, "must be a table of"),
    ],
)
def test_a_mistake_in_the_rules_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(Unusable, match=message):
        rules_of({**STATED, **wrong})


def test_rules_that_are_no_table_are_refused() -> None:
    with pytest.raises(Unusable, match="must be a table"):
        rules_of(["ECDHE"])
