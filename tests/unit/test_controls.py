"""What a control is written with: the facts that the decorators attach, and nothing that they change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailproof import controls
from mailproof.controls import (
    HIGH,
    LOW,
    MUST,
    MUST_NOT,
    MX,
    POSTFIX,
    RELAY,
    STARTTLS,
    SUBMISSION,
    TLS_ROLES,
    at_least,
    bcp195,
    broken_by,
    control,
    control_of,
    postconf,
    postfix_readme,
    rfc,
    right_now,
    tolerates,
)  # fmt: skip
from mailproof.errors import NoTranslation
from mailproof.model import Daemon, Role, Security, Severity, Source


@control(
    "PFS-3", MUST_NOT, rfc(9325, "4.1"), "SHOULD NOT negotiate static RSA.", on=(MX, SUBMISSION),
    expects="static RSA is refused", remedy="exclude kRSA", severity=HIGH, daemons=(POSTFIX,), variants=["one", "two"],
    certificate="rsa", feature="client-certificates", security=STARTTLS, parameters=("versions",),
)  # fmt: skip
@broken_by("first", postfix={"smtpd_tls_loglevel": "0"}, variants=["one"])
@broken_by("second", services={"submission:587": {"syslog_name": None}}, removed=["tlsmgr/unix"], pasted="a typo")
@broken_by("third", parameters={"versions": {"postfix": "99"}})
@tolerates("spelling", dovecot={"ssl": "required"})
def refuses_static_rsa(endpoint: list[str]) -> None:
    """A recorded session stays secret
    after the key leaks.
    """
    endpoint.append("asked")


def test_a_control_carries_what_it_was_told() -> None:
    found = control_of(refuses_static_rsa)
    assert found is not None
    assert (found.id, found.level, found.severity) == ("PFS-3", MUST_NOT, Severity.HIGH)
    assert found.source == Source("rfc9325", "4.1", "SHOULD NOT negotiate static RSA.")
    assert (found.expects, found.remedy) == ("static RSA is refused", "exclude kRSA")
    assert found.roles == {Role.MX, Role.SUBMISSION}
    assert found.daemons == {Daemon.POSTFIX}
    assert (found.variants, found.certificate, found.feature) == (("one", "two"), "rsa", "client-certificates")
    assert (found.security, found.parameters) == (Security.STARTTLS, ("versions",))


def test_the_name_is_the_title_and_the_docstring_the_reason() -> None:
    found = control_of(refuses_static_rsa)
    assert found is not None
    assert found.title == "Refuses static RSA"
    assert found.why == "A recorded session stays secret\nafter the key leaks."


def test_mutations_come_in_the_order_in_which_they_are_read() -> None:
    found = control_of(refuses_static_rsa)
    assert found is not None
    assert [mutation.name for mutation in found.mutations] == ["first", "second", "third"]
    assert [mutation.name for mutation in found.innocents] == ["spelling"]
    first, second, third = found.mutations
    assert (first.postfix, first.variants) == ({"smtpd_tls_loglevel": "0"}, ("one",))
    assert second.services == {"submission:587": {"syslog_name": None}}
    assert (second.removed, second.pasted) == (("tlsmgr/unix",), "a typo")
    assert third.parameters == {"versions": {"postfix": "99"}}


def test_a_control_is_still_the_function_that_was_written() -> None:
    """Its frame is the one whose assertions count, so nothing may be wrapped around it."""
    asked: list[str] = []
    refuses_static_rsa(asked)
    assert asked == ["asked"]
    assert refuses_static_rsa.__code__.co_name == "refuses_static_rsa"


def test_what_is_not_said_has_its_default() -> None:
    @control("TLS-1", MUST, postconf("x"), "A quote.", on=TLS_ROLES, expects="x", remedy="y")
    def test_prefers_tls_1_3() -> None:
        pass

    found = control_of(test_prefers_tls_1_3)
    assert found is not None
    assert (found.severity, found.daemons, found.variants) == (Severity.MEDIUM, frozenset(Daemon), ())
    assert (found.mutations, found.innocents, found.why) == ((), (), "")
    assert found.title == "Prefers TLS 1.3"
    assert found.roles == {Role.MX, Role.SUBMISSION, Role.ACCESS, Role.RELAY}


@pytest.mark.parametrize("other", [None, len, object(), "PFS-3"])
def test_other_things_carry_no_control(other: object) -> None:
    assert control_of(other) is None


def test_something_else_called_control_is_none() -> None:
    def borrowed() -> None:
        pass

    borrowed.control = "PFS-3"  # type: ignore[attr-defined]
    assert control_of(borrowed) is None


@pytest.mark.parametrize(
    ("source", "document", "section"),
    [
        (bcp195("4.1"), "rfc9325", "4.1"),
        (rfc(3207, "4"), "rfc3207", "4"),
        (postconf("smtpd_tls_loglevel"), "postconf", "smtpd_tls_loglevel"),
        (postfix_readme("TLS_README", "Server access control"), "postfix-TLS_README", "Server access control"),
        (controls.dovecot("ssl"), "dovecot", "ssl"),
        (controls.article("de", "Postfix"), "article-de", "Postfix"),
    ],
)
def test_sources_are_keys_and_sections(source: Source, document: str, section: str) -> None:
    assert (source.document, source.section, source.quote) == (document, section, "")


@pytest.mark.parametrize(
    ("version", "least", "enough"),
    [
        ("3.10.13", "3.5", True),
        ("3.5", "3.10", False),
        ("OpenSSL 3.5.7", "3.0", True),
        ("OpenSSL 1.1.1w", "1.1.1", True),
        ("2.3.13 (89f716dc2)", "2.3.13", True),
        ("2.3.13", "2.3.13.1", False),
    ],
)
def test_versions_are_compared_by_number(version: str, least: str, enough: bool) -> None:
    assert at_least(version, least) is enough


def test_a_version_without_a_number_is_no_version() -> None:
    with pytest.raises(NoTranslation):
        at_least("unknown", "3.5")


def test_certificates_are_judged_now_in_utc() -> None:
    assert abs(right_now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_the_vocabulary_is_what_it_says_that_it_is() -> None:
    assert all(hasattr(controls, name) for name in controls.__all__)
    assert len(set(controls.__all__)) == len(controls.__all__)
    assert (LOW, RELAY) == (Severity.LOW, Role.RELAY)
