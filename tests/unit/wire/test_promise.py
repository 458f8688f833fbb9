"""Proving that a hello keeps its offer's promise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailproof.errors import CannotOffer
from mailproof.wire.offers import (
    ANONYMOUS_FIRST,
    MODERN,
    STATIC_RSA,
    TLS_1_0,
    TLS_1_3,
    WORSE_FIRST_1_2,
    ClientCertificate,
    Offer,
)
from mailproof.wire.promise import broken_promise
from mailproof.wire.tls.clienthello import ClientHello

KEPT = ClientHello(("TLSv1.2",), (0x009C, 0xC02F), (29,))
PROMISE = WORSE_FIRST_1_2


def test_a_kept_promise_is_no_problem() -> None:
    assert broken_promise(PROMISE, KEPT) is None


@pytest.mark.parametrize(
    ("offer", "hello", "problem"),
    [
        (PROMISE, replace(KEPT, suites=(0x009C,)), "no suite of the kind ECDHE"),
        (STATIC_RSA, replace(KEPT, suites=(0xC02F,)), "which nobody asked for"),
        (STATIC_RSA, replace(KEPT, suites=()), "no suite of the kind kRSA"),
        (STATIC_RSA, KEPT, "ECDHE-RSA-AES128-GCM-SHA256, which nobody asked for"),
        (PROMISE, replace(KEPT, suites=(0xC02F, 0x009C)), "not in the promised order"),
        (ANONYMOUS_FIRST, KEPT, "no suite of the kind aNULL"),
        (PROMISE, replace(KEPT, suites=(0x009C, 0xC02F, 0x1301)), "it offers TLS 1.3 suites"),
        (PROMISE, replace(KEPT, suites=(0x009C, 0xC02F, 0xFAFA)), "0xFAFA"),
        (PROMISE, replace(KEPT, versions=("TLSv1.3", "TLSv1.2")), "it offers TLSv1.3, TLSv1.2 instead of TLSv1.2"),
        (TLS_1_0, KEPT, "it offers TLSv1.2 instead of TLSv1"),
        (MODERN, KEPT, "instead of TLSv1.2, TLSv1.3"),
        (PROMISE, replace(KEPT, groups=()), "no group"),
        (TLS_1_3, replace(KEPT, versions=("TLSv1.3",)), "suites of older versions"),
        (TLS_1_3, replace(KEPT, versions=("TLSv1.3",), suites=()), "no TLS 1.3 suites"),
        (PROMISE.naming("mail.test"), KEPT, "names the server None instead of mail.test"),
    ],
)
def test_every_way_to_thin_a_hello_is_seen(offer: Offer, hello: ClientHello, problem: str) -> None:
    found = broken_promise(offer, hello)
    assert found is not None
    assert problem in found


@pytest.mark.parametrize(
    "versions", [(), ("TLSv1", "TLSv1.2"), ("TLSv1.3", "TLSv1.2"), ("SSLv3",), ("TLSv1.3", "TLSv1.4")]
)
def test_versions_with_a_gap_cannot_be_promised(versions: tuple[str, ...]) -> None:
    with pytest.raises(CannotOffer):
        Offer("x", versions, "kRSA")


def test_the_positive_control_adds_and_takes_nothing_away() -> None:
    control = STATIC_RSA.along_with_allowed()
    assert control.versions == ("TLSv1.2", "TLSv1.3")
    assert control.suites == "kRSA:ECDHE+AESGCM:ECDHE+CHACHA20"
    assert TLS_1_0.along_with_allowed().versions == ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")


def test_offers_never_show_a_key() -> None:
    offer = MODERN.presenting(ClientCertificate(b"certificate", b"private"))
    assert offer.certificate == ClientCertificate(b"certificate", b"private")
    assert "private" not in repr(offer)
    assert offer.presenting(None) == MODERN
    assert offer.only("TLSv1.2").versions == ("TLSv1.2",)
