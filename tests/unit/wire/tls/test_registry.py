"""The numbers of TLS: complete, without a name twice, and the same as the TLS library's where it knows one."""

from __future__ import annotations

import ssl

import pytest

from mailproof.wire.tls.registry import (
    ALERTS,
    GROUPS,
    KINDS_OF_SSL_2,
    SIGNATURES,
    SUITES,
    VERSIONS,
    alert_name,
    group_name,
    signature_name,
    suite_name,
    version_name,
)
from mailproof.wire.tls.suites import SIGNALS


@pytest.mark.parametrize("table", [SUITES, KINDS_OF_SSL_2, GROUPS, SIGNATURES, ALERTS, VERSIONS])
def test_no_name_stands_twice(table: dict[int, str]) -> None:
    assert len(set(table.values())) == len(table)


def test_every_number_fits_where_it_is_sent() -> None:
    assert all(0 <= number <= 0xFFFF for table in (SUITES, GROUPS, SIGNATURES, VERSIONS) for number in table)
    assert all(0xFFFF < number <= 0xFFFFFF for number in KINDS_OF_SSL_2)
    assert all(0 <= number <= 0xFF for number in ALERTS)
    assert not SIGNALS & set(SUITES)


def test_the_suites_bear_the_names_and_numbers_of_openssl() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    known = {each["id"] & 0xFFFF: each["name"] for each in context.get_ciphers()}
    assert len(known) > 60
    assert {number: SUITES.get(number) for number in known} == known


def test_the_suites_are_all_there() -> None:
    assert len(SUITES) > 360
    assert next(iter(SUITES)) == 0
    assert SUITES[0x1301] == "TLS_AES_128_GCM_SHA256"
    assert SUITES[0xFEFE] == "DES-CBC-FIPS-SHA"


def test_the_alerts_bear_the_names_of_the_library() -> None:
    known = {int(each): each.name.removeprefix("ALERT_DESCRIPTION_").lower() for each in ssl.AlertDescription}
    known[90] = "user_canceled"  # as the RFC spells it
    assert {number: ALERTS[number] for number in known} == known


def test_what_has_no_name_is_shown_by_number() -> None:
    assert (suite_name(0xFAFA), group_name(9), version_name(0x7F1C)) == ("0xFAFA", "sect283k1", "0x7F1C")
    assert (group_name(0x6A6A), alert_name(254), signature_name(0x1234)) == ("number 27242", "number 254", "0x1234")
