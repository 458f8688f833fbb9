"""Our reading of cipher lists: kinds of suites by name, and what is forward secret."""

from __future__ import annotations

import pytest

from mailproof.wire.answers import Agreed, Refused
from mailproof.wire.tls.suites import NAMES, asks_for, rank, words


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("AES256-GCM-SHA384", {"kRSA", "aRSA", "AESGCM"}),
        ("NULL-MD5", {"kRSA", "aRSA", "eNULL", "MD5"}),
        ("ADH-AES128-SHA", {"aNULL", "CBC", "SHA1"}),
        ("AECDH-NULL-SHA", {"aNULL", "eNULL", "SHA1"}),
        ("ECDHE-RSA-AES128-GCM-SHA256", {"ECDHE", "aRSA", "AESGCM"}),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", {"ECDHE", "aECDSA", "CHACHA20"}),
        ("ECDHE-ARIA128-GCM-SHA256", {"ECDHE", "aRSA", "ARIA"}),
        ("DHE-DSS-AES128-SHA", {"DHE", "aDSS", "CBC", "SHA1"}),
        ("EXP-DHE-RSA-DES-CBC-SHA", {"EXPORT", "DHE", "aRSA", "DES", "CBC", "SHA1"}),
        ("ECDH-RSA-DES-CBC3-SHA", {"kECDH", "3DES", "CBC", "SHA1"}),
        ("DH-DSS-AES128-GCM-SHA256", {"kDH", "AESGCM"}),
        ("ECDHE-PSK-AES128-CCM", {"other", "AESCCM"}),
        ("RC4-MD5", {"kRSA", "aRSA", "RC4", "MD5"}),
        ("TLS_AES_128_GCM_SHA256", set()),
        ("0x1305", set()),
    ],
)
def test_a_name_tells_its_kind(name: str, kind: set[str]) -> None:
    assert words(name) == kind


def test_the_table_holds_every_static_rsa_suite_of_the_registry_that_openssl_has() -> None:
    static = {number for number, name in NAMES.items() if "kRSA" in words(name)}
    assert {0x002F, 0x0035, 0x003C, 0x003D, 0x009C, 0x009D, 0xC09C, 0xC0A1, 0x0041, 0x0096} <= static
    assert len(set(NAMES.values())) == len(NAMES)


def test_an_element_asks_for_all_of_its_words() -> None:
    assert asks_for("ECDHE+AESGCM", "ECDHE-RSA-AES128-GCM-SHA256")
    assert not asks_for("ECDHE+AESGCM", "ECDHE-RSA-AES128-SHA256")
    assert not asks_for("RC4", "AES128-SHA")
    assert rank("AES128-SHA", "aNULL:ECDHE:kRSA") == 2
    assert rank("DHE-RSA-AES128-SHA", "aNULL:ECDHE:kRSA") is None


@pytest.mark.parametrize(
    ("version", "suite", "secret", "authenticated"),
    [
        ("TLSv1.3", "TLS_AES_128_GCM_SHA256", True, True),
        ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", True, True),
        ("TLSv1.2", "DHE-RSA-AES128-SHA", True, True),
        ("TLSv1.2", "AES128-SHA", False, True),
        ("TLSv1.2", "ADH-AES256-GCM-SHA384", False, False),
        ("TLSv1", "AECDH-AES256-SHA", False, False),
    ],
)
def test_agreements_know_what_they_are_worth(version: str, suite: str, secret: bool, authenticated: bool) -> None:
    agreed = Agreed(version, suite, chain=(b"leaf",))
    assert (agreed.forward_secret, agreed.authenticated) == (secret, authenticated)


def test_without_a_certificate_nobody_is_authenticated() -> None:
    assert not Agreed("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256").authenticated


def test_answers_say_themselves_shortly() -> None:
    assert str(Agreed("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519")) == "TLSv1.3 TLS_AES_256_GCM_SHA384, group X25519"
    assert str(Agreed("TLSv1.2", "AES128-SHA")) == "TLSv1.2 AES128-SHA"
    assert str(Refused("alert", "protocol_version")) == "refused (alert protocol_version)"
    assert str(Refused("closed")) == "refused (closed without an alert)"
