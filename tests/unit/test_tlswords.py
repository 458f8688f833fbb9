"""Protocol lists as postconf(5) reads them, cipher lists as openssl-ciphers(1) does; the unknown admits everything."""

from __future__ import annotations

import pytest

from mailproof.tlswords import ORDER, allowed_versions, allows_older_than_1_2, excludes, forward_secret_only

NEW = {"TLSv1.2", "TLSv1.3"}


@pytest.mark.parametrize(
    ("protocols", "left"),
    [
        ("", set(ORDER)),
        (">=TLSv1.2", NEW),
        (">=TLSv1.2, <=TLSv1.2", {"TLSv1.2"}),
        ("!SSLv2, !SSLv3, !TLSv1, !TLSv1.1", NEW),
        ("!SSLv2 !SSLv3:!TLSv1\t!TLSv1.1", NEW),
        ("TLSv1.2", {"TLSv1.2"}),
        ("TLSv1.2 TLSv1.3", NEW),
        ("TLSv1, TLSv1.1, !TLSv1", {"TLSv1.1"}),
        ("<=TLSv1.1", set(ORDER[:4])),
        (">=tlsv1.2", NEW),
        ("!sslv2, !SSLV3, !Tlsv1, !TLSV1.1", NEW),
        ("tlsv1, TLSV1.1", {"TLSv1", "TLSv1.1"}),
    ],
)
def test_protocol_lists_are_bounds_exclusions_and_names(protocols: str, left: set[str]) -> None:
    assert allowed_versions(protocols) == left


@pytest.mark.parametrize(
    "protocols", [">=TLSv1.2", "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1", "TLSv1.2, TLSv1.3", ">=TLSv1.3"]
)
def test_lists_that_begin_with_tls_1_2_and_have_no_upper_end(protocols: str) -> None:
    assert not allows_older_than_1_2(protocols)


@pytest.mark.parametrize(
    "protocols",
    [
        "", ">=TLSv1", ">=TLSv1.1", "!SSLv2, !SSLv3", "TLSv1.2", "<=TLSv1.2", ">=TLSv1.2 <=TLSv1.2", "!TLSv1.3",
        ">=TLSv1.9", "<=TLSv1.9", "TLSv1.9", ">=0303", "nonsense", "!SSLv2 !SSLv3 !TLSv1 !TLSv1.1 !TLSv1.3",
        "TLSv1.1 TLSv1.2 TLSv1.3", "tlsv1.1 tlsv1.2 tlsv1.3", ">=tlsv1", "<=tlsv1.2",
    ],
)  # fmt: skip
def test_lists_that_admit_an_older_version_or_leave_tls_1_3_out(protocols: str) -> None:
    assert allows_older_than_1_2(protocols)


def test_exclusions_are_whole_words_struck_out_for_good() -> None:
    assert excludes("ALL:!kRSA:!aNULL", "kRSA", "aNULL")
    assert excludes("ALL:!kRSA:!LOW@STRENGTH", "kRSA", "LOW")
    assert not excludes("ALL:!kRSA", "kRSA", "aNULL")
    assert not excludes("ALL:-kRSA", "kRSA")
    assert not excludes("ALL:!kRSA+AES", "kRSA")
    assert not excludes("", "kRSA")


@pytest.mark.parametrize(
    "ciphers",
    ["ECDHE+AESGCM:ECDHE+CHACHA20", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE:DHE:!aNULL:@STRENGTH",
     "ECDHE+AESGCM@SECLEVEL=2", "@SECLEVEL=2:ECDHE+AESGCM"],
)  # fmt: skip
def test_lists_of_ephemeral_authenticated_suites_alone(ciphers: str) -> None:
    assert forward_secret_only(ciphers)


@pytest.mark.parametrize(
    "ciphers",
    [
        "", "ALL", "DEFAULT", "HIGH:!aNULL", "ECDHE:AES128-SHA", "ECDHE:kRSA", "ADH", "AECDH", "ECDHE:AECDH-AES128-SHA",
        "ECDHE@SECLEVEL=0:AES128-SHA", "ECDHE:@STRENGTH:AES128-SHA", "!kRSA", "@STRENGTH", "kECDHE", "kDHE+AES",
        "ECDH-RSA-AES128-SHA",
    ],
)  # fmt: skip
def test_lists_with_anything_else_in_them(ciphers: str) -> None:
    assert not forward_secret_only(ciphers)
