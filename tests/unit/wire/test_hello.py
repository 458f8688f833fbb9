"""Reading TLS records, and proving that a hello keeps its offer's promise."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from mailproof.errors import CannotOffer, GarbledReply
from mailproof.wire.hello import Alert, ClientHello, ServerHello, client_hello, first_flight
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


def _record(payload: bytes, kind: int = 22) -> bytes:
    return bytes([kind, 3, 3]) + len(payload).to_bytes(2, "big") + payload


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def _vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _vector(2, data)


EXTENSIONS = (
    _extension(0, _vector(2, b"\0" + _vector(2, b"mail.test")))
    + _extension(10, _vector(2, b"\x00\x1d\x00\x17"))
    + _extension(43, _vector(1, b"\x03\x04\x03\x03"))
)
HELLO = _message(
    1, b"\3\3" + bytes(32) + b"\0" + _vector(2, b"\x13\x01\x00\x9c\x00\xff") + b"\1\0" + _vector(2, EXTENSIONS)
)
SERVER_HELLO = _message(2, b"\3\3" + bytes(32) + b"\0" + b"\x00\x9c" + b"\0")
SERVER_HELLO_13 = _message(2, b"\3\3" + bytes(32) + b"\0\x13\x01\0" + _vector(2, _extension(43, b"\3\4")))


def test_a_client_hello_is_read_from_one_record_or_many() -> None:
    expected = ClientHello(("TLSv1.3", "TLSv1.2"), (0x1301, 0x009C), (29, 23), "mail.test")
    assert client_hello(_record(HELLO)) == expected
    assert client_hello(b"".join(_record(HELLO[at : at + 7]) for at in range(0, len(HELLO), 7))) == expected


def test_a_hello_without_extensions_offers_its_legacy_version() -> None:
    bare = _message(1, b"\3\2" + bytes(32) + b"\0" + _vector(2, b"\x00\x2f") + b"\1\0")
    assert client_hello(_record(bare)) == ClientHello(("TLSv1.1",), (0x2F,), (), None)


def test_the_first_flight_is_read_when_it_is_whole() -> None:
    flight = _record(SERVER_HELLO) + b"more"
    for size in range(len(flight) - 4):
        assert first_flight(flight[:size]) is None
    assert first_flight(flight) == ServerHello("TLSv1.2", "AES128-GCM-SHA256")
    assert first_flight(_record(SERVER_HELLO_13)) == ServerHello("TLSv1.3", "TLS_AES_128_GCM_SHA256")


def test_a_plaintext_alert_is_named() -> None:
    assert first_flight(_record(b"\2\x46", 21)) == Alert("protocol_version", fatal=True)
    assert first_flight(_record(b"\1\0", 21)) == Alert("close_notify", fatal=False)
    assert str(first_flight(_record(b"\2\xfe", 21))) == "fatal alert number 254"


@pytest.mark.parametrize(
    "received",
    [
        b"454 no\r\n",
        b"\x17\3\3\0\0",
        _record(b"\2", 21),
        b"\x16\2\0\0\5",
        b"\x16\3\3\xff\xff",
        _record(_message(11, b"")),
    ],
    ids=["text", "data", "short-alert", "old", "huge", "not-server-hello"],
)
def test_what_is_no_tls_is_garbled(received: bytes) -> None:
    with pytest.raises(GarbledReply):
        first_flight(received)


def test_no_bytes_whatever_raise_anything_else() -> None:
    dice = random.Random(8446)  # noqa: S311
    for _ in range(3000):
        spoilt = bytearray(_record(SERVER_HELLO_13) if dice.random() < 0.5 else _record(HELLO))
        for _ in range(dice.randrange(1, 6)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        for read in (first_flight, client_hello):
            try:
                read(bytes(spoilt[: dice.randrange(len(spoilt) + 1)]))
            except GarbledReply:
                continue


KEPT = ClientHello(("TLSv1.2",), (0x009C, 0xC02F), (29,), None)
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
