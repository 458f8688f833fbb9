"""Reading a server's first flight: every message, any split of the bytes, and nothing that was not offered."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproof.errors import GarbledReply
from mailproof.wire.tls.alerts import Alert
from mailproof.wire.tls.chosen import CertificateRequest, Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.flight import MOST_IN_FLIGHT, Flight
from mailproof.wire.tls.records import MOST_IN_MESSAGE
from tests.unit.wire.stubs import (
    DONE,
    LEAF,
    RENEGOTIATION,
    RETRY,
    RSA_PSS,
    SSL_2_NO_CIPHER,
    alert,
    attribute,
    certificate,
    certificate_request,
    dhe,
    ecdhe,
    extension,
    flight,
    message,
    named,
    pieces,
    record,
    retry,
    server_hello,
    server_hello_13,
    ssl_2_hello,
    ssl_2_record,
    two,
    vector,
)

RSA, DHE_RSA, ECDHE_RSA, ADH, AECDH = 0x009C, 0x009E, 0xC02F, 0x00A6, 0xC018
OLD = ClientHello(("TLSv1.2",), (RSA, DHE_RSA, ECDHE_RSA, ADH, AECDH), (29, 23), ticket=b"")
NEW = ClientHello(("TLSv1.3", "TLSv1.2"), (0x1301, 0x1302, ECDHE_RSA), (4588, 29, 23), shares=(29,))
SSL_2 = ClientHello(("SSLv2",), (0x010080, 0x0700C0))
CONFIRMED = RENEGOTIATION + extension(22, b"") + extension(23, b"") + extension(35, b"")
CA = named(attribute("550406", b"DE", 0x13), attribute("55040a", b"Test"), attribute("550403", b"CA"))
MODP = (1 << 1023) + 1155


def read(hello: ClientHello, *parts: bytes, resumable: bool = False) -> Chosen | Alert | None:
    reader = Flight(hello, resumable=resumable)
    for part in parts:
        if reader.outcome is None:
            reader.feed(part)
    return reader.outcome


WHOLE = {
    "static RSA": (
        OLD, flight(server_hello(RSA), certificate(), DONE),
        Chosen("TLSv1.2", RSA, chain=(LEAF,), secure_renegotiation=True),
    ),
    "all of TLS 1.2": (
        OLD,
        flight(server_hello(ECDHE_RSA, extensions=CONFIRMED), certificate(LEAF, b"issuer"), message(22, b"\1status"),
               ecdhe(23), certificate_request(CA, b"?"), DONE),
        Chosen("TLSv1.2", ECDHE_RSA, 23, None, (LEAF, b"issuer"),
               CertificateRequest((1, 64), (RSA_PSS, 0x0403), ("C=DE,O=Test,CN=CA", "#3f")), RSA_PSS,
               0, True, True, True, True),
    ),
    "TLS 1.0 names no scheme": (
        OLD,
        flight(server_hello(0xC02F, 0x0301), certificate(), ecdhe(29, None),
               certificate_request(CA, signatures=None), DONE, version=0x0301),
        Chosen("TLSv1", ECDHE_RSA, 29, None, (LEAF,), CertificateRequest((1, 64), (), ("C=DE,O=Test,CN=CA",)),
               secure_renegotiation=True),
    ),
    "DHE": (
        OLD, flight(server_hello(DHE_RSA), certificate(), dhe(MODP), DONE),
        Chosen("TLSv1.2", DHE_RSA, None, MODP, (LEAF,), None, RSA_PSS, secure_renegotiation=True),
    ),
    "anonymous": (
        OLD, flight(server_hello(ADH, extensions=None), message(12, vector(2, b"\7") + two(0, 0)), DONE),
        Chosen("TLSv1.2", ADH, None, 7),
    ),
    "anonymous on a curve": (
        OLD, flight(server_hello(AECDH, extensions=b""), message(12, b"\3\0\x1d\0"), DONE),
        Chosen("TLSv1.2", AECDH, 29),
    ),
    "TLS 1.3": (
        NEW, flight(server_hello_13()) + record(b"\1", 20) + record(b"encrypted", 23), Chosen("TLSv1.3", 0x1301, 29),
    ),
    "asked again": (NEW, flight(retry(4588, 0x1302)), Chosen("TLSv1.3", 0x1302, 4588, retried=True)),
    "SSL 2": (SSL_2, ssl_2_hello(0x060040, 0x0700C0),
              Chosen("SSLv2", 0x0700C0, chain=(LEAF,), kinds=(0x060040, 0x0700C0))),
    "SSL 2 with padding": (SSL_2, two(len(ssl_2_hello(0x010080)) - 2) + b"\0" + ssl_2_hello(0x010080)[2:],
                           Chosen("SSLv2", 0x010080, chain=(LEAF,), kinds=(0x010080,))),
    "SSL 2 refused": (SSL_2, SSL_2_NO_CIPHER, Alert("handshake_failure", fatal=True)),
    "SSL 2 refused by TLS": (SSL_2, alert("protocol_version"), Alert("protocol_version", fatal=True)),
    "a fatal alert": (OLD, alert("handshake_failure"), Alert("handshake_failure", fatal=True)),
    "a warning, and then it leaves": (OLD, alert("unrecognized_name", 1) + alert("close_notify", 1),
                                      Alert("close_notify", fatal=False)),
    "two alerts in one record": (OLD, record(b"\1\x70\2\x28", 21), Alert("handshake_failure", fatal=True)),
    "an alert without a name": (OLD, record(b"\2\xfe", 21), Alert("number 254", fatal=True)),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_a_flight_is_read_whole_and_byte_by_byte(case: str) -> None:
    hello, data, expected = WHOLE[case]
    assert read(hello, data) == expected
    assert read(hello, *(data[at : at + 1] for at in range(len(data)))) == expected


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_split_of_the_bytes_changes_the_outcome(data: st.DataObject) -> None:
    hello, said, expected = WHOLE[data.draw(st.sampled_from(sorted(WHOLE)))]
    assert read(hello, *pieces(said, data.draw(st.lists(st.integers(0, 80), max_size=12)))) == expected


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_messages_may_be_cut_over_records_and_share_them(size: int) -> None:
    hello, _, expected = WHOLE["all of TLS 1.2"]
    messages = (server_hello(ECDHE_RSA, extensions=CONFIRMED) + certificate(LEAF, b"issuer") + message(22, b"\1status")
                + ecdhe(23) + certificate_request(CA, b"?") + DONE)  # fmt: skip
    assert read(hello, b"".join(record(messages[at : at + size]) for at in range(0, len(messages), size))) == expected


@pytest.mark.parametrize("case", WHOLE)
def test_an_answer_is_none_before_it_is_whole(case: str) -> None:
    hello, data, _ = WHOLE[case]
    until = len(flight(server_hello_13())) if case == "TLS 1.3" else len(data)
    for size in range(0, until - 1, 3):
        assert read(hello, data[:size]) is None


def test_a_resumed_session_ends_where_the_cipher_changes() -> None:
    said = flight(server_hello(RSA, extensions=None), message(4, bytes(8))) + record(b"\1", 20)
    assert read(OLD, said, resumable=True) == Chosen("TLSv1.2", RSA, resumed=True)
    with pytest.raises(GarbledReply):
        read(OLD, said)


def test_what_began_is_known_before_the_flight_ends() -> None:
    reader = Flight(OLD)
    assert reader.silent
    reader.feed(flight(server_hello(RSA)) + alert("internal_error"))
    assert (reader.silent, reader.outcome) == (False, Alert("internal_error", fatal=True))
    assert reader.began is not None
    assert reader.began.suite == RSA
    assert str(reader.outcome) == "fatal alert internal_error"


@pytest.mark.parametrize("version", [0x0300, 0x0301])
def test_where_no_groups_are_listed_the_server_may_choose_any(version: int) -> None:
    """RFC 8422 §4; SSL 3 has no place for a list."""
    hello = ClientHello(("SSLv3",) if version == 0x0300 else ("TLSv1",), (0xC013,))
    said = flight(server_hello(0xC013, version, None), certificate(), ecdhe(23, None), DONE, version=version)
    outcome = read(hello, said)
    assert isinstance(outcome, Chosen)
    assert outcome.group == 23
    assert read(replace(hello, versions=("SSLv3",), groups=(29,)), said.replace(two(version), b"\3\0")) is not None


NOT_OFFERED = {
    "version, too new": (OLD, server_hello(RSA, 0x0304), "supported_versions"),
    "version, TLS 1.3": (OLD, server_hello_13(), "TLSv1.3"),
    "version, SSL 2": (OLD, server_hello(RSA, 0x0002), "SSLv2"),
    "version, not in the list": (NEW, server_hello(ECDHE_RSA, 0x0302), "TLSv1.1"),
    "version, unknown": (OLD, server_hello(RSA, 0x7F1C), "0x7F1C"),
    "version, listed but old": (NEW, server_hello(ECDHE_RSA, 0x0303, extension(43, b"\3\3")), "supported_versions"),
    "version, new but not listed": (NEW, server_hello(0x1301, 0x0304, extension(51, two(29) + vector(2, b"x"))),
                                    "supported_versions"),
    "version, new under an old name": (
        NEW, server_hello(0x1301, 0x0301, extension(43, b"\3\4") + extension(51, two(29) + vector(2, b"x"))),
        "supported_versions"),
    "suite": (OLD, server_hello(0x0005), "RC4-SHA"),
    "suite, a signalling value": (OLD, server_hello(0x00FF), "0x00FF"),
    "suite of another version": (NEW, server_hello(0x1301), "none of its"),
    "suite of an older version": (NEW, server_hello_13(ECDHE_RSA), "none of its"),
    "group of TLS 1.3": (NEW, server_hello_13(group=24), "secp384r1"),
    "group without a share": (NEW, server_hello_13(group=23), "no share"),
    "no group": (NEW, server_hello(0x1301, 0x0303, extension(43, b"\3\4")), "without a group"),
    "retry for another": (NEW, retry(24), "secp384r1"),
    "retry for what it has": (NEW, retry(29), "already"),
    "retry in TLS 1.2": (OLD, server_hello(RSA, chance=RETRY), "TLS 1.3"),
    "key share in TLS 1.2": (OLD, server_hello(ECDHE_RSA, 0x0303, extension(51, two(29) + vector(2, b"x"))), "TLS 1.3"),
    "group of a curve": (OLD, server_hello(ECDHE_RSA) + certificate() + ecdhe(24), "secp384r1"),
    "curve of its own": (OLD, server_hello(ECDHE_RSA) + certificate() + message(12, b"\1\0\0"), "curve"),
    "compression": (OLD, server_hello(RSA, compression=1), "compression 1"),
    "extended master secret": (replace(OLD, extended_master_secret=False),
                               server_hello(RSA, extensions=extension(23, b"")), "extended_master_secret"),
    "encrypt-then-mac": (replace(OLD, encrypt_then_mac=False),
                         server_hello(RSA, extensions=extension(22, b"")), "encrypt_then_mac"),
    "renegotiation_info": (replace(OLD, renegotiation_info=False), server_hello(RSA), "renegotiation_info"),
    "ticket": (replace(OLD, ticket=None), server_hello(RSA, extensions=extension(35, b"")), "session_ticket"),
}  # fmt: skip


@pytest.mark.parametrize("case", NOT_OFFERED)
def test_what_was_not_offered_cannot_be_chosen(case: str) -> None:
    hello, messages, words = NOT_OFFERED[case]
    with pytest.raises(GarbledReply, match=words):
        read(hello, flight(messages + DONE))


GARBLED = {
    "plain text": (OLD, b"454 4.7.0 no\r\n"),
    "HTTP": (OLD, b"HTTP/1.1 400 Bad Request\r\n"),
    "application data": (OLD, record(b"x", 23)),
    "heartbeat": (OLD, record(b"x", 24)),
    "change of cipher": (OLD, record(b"\1", 20)),
    "change of cipher, resumable": (OLD, record(b"\1", 20)),
    "record of SSL 2": (OLD, b"\x16\2\0\0\5"),
    "record too long": (OLD, b"\x16\3\3\xff\xff"),
    "short alert": (OLD, record(b"\2", 21)),
    "empty alert": (OLD, record(b"", 21)),
    "empty record": (OLD, record(b"") + flight(server_hello(RSA), certificate(), DONE)),
    "empty alert to SSL 2": (SSL_2, record(b"", 21)),
    "alert of no level": (OLD, record(b"\7\x28", 21)),
    "message too long": (OLD, record(b"\2" + (MOST_IN_MESSAGE + 1).to_bytes(3, "big"))),
    "a ClientHello": (OLD, record(message(1, bytes(40)))),
    "certificate first": (OLD, flight(certificate())),
    "done first": (OLD, flight(DONE)),
    "done at once": (OLD, flight(server_hello(ECDHE_RSA), DONE)),
    "no certificate": (OLD, flight(server_hello(RSA), DONE)),
    "empty chain": (OLD, flight(server_hello(RSA), message(11, b"\0\0\0"), DONE)),
    "no curve": (OLD, flight(server_hello(ECDHE_RSA), certificate(), DONE)),
    "no curve, anonymous": (OLD, flight(server_hello(AECDH), DONE)),
    "no prime": (OLD, flight(server_hello(DHE_RSA), certificate(), DONE)),
    "no prime, anonymous": (OLD, flight(server_hello(ADH), DONE)),
    "ServerHello twice": (OLD, flight(server_hello(RSA), server_hello(RSA))),
    "certificate twice": (OLD, flight(server_hello(RSA), certificate(), certificate(), DONE)),
    "key exchange twice": (OLD, flight(server_hello(ECDHE_RSA), certificate(), ecdhe(29), ecdhe(23), DONE)),
    "finished": (OLD, flight(server_hello(RSA), message(20, bytes(12)))),
    "message in halves": (OLD, record(server_hello(RSA)[:20]) + alert("handshake_failure")),
    "chain that ends early": (OLD, flight(server_hello(RSA), message(11, b"\0\0\x09\0\0\x07abc"), DONE)),
    "bytes behind the chain": (OLD, flight(server_hello(RSA), message(11, certificate()[4:] + b"x"), DONE)),
    "extension twice": (OLD, flight(server_hello(RSA, extensions=RENEGOTIATION * 2))),
    "bytes behind the extensions": (OLD, flight(message(2, server_hello(RSA)[4:] + b"x"))),
    "ServerHello that ends early": (OLD, flight(message(2, b"\3\3"))),
    "odd list of schemes": (OLD, flight(server_hello(RSA), certificate(), message(13, b"\0\0\3abc\0\0"))),
    "TLS to SSL 2": (SSL_2, flight(server_hello(RSA))),
    "text to SSL 2": (SSL_2, b"500 5.5.2 what?\r\n"),
    "SSL 2 of another version": (SSL_2, ssl_2_hello(0x010080, version=3)),
    "SSL 2 without a common kind": (SSL_2, ssl_2_hello(0x030080)),
    "SSL 2 and nothing": (SSL_2, ssl_2_record(b"")),
    "SSL 2 error of another kind": (SSL_2, ssl_2_record(b"\0\0\4")),
    "SSL 2 error without a number": (SSL_2, ssl_2_record(b"\0")),
    "SSL 2 echo": (SSL_2, SSL_2.encode(bytes(64))),
    "SSL 2, a warning and a ServerHello": (SSL_2, alert("no_certificate", 1) + flight(server_hello(RSA))),
}


@pytest.mark.parametrize("case", GARBLED)
def test_what_is_no_answer_is_garbled(case: str) -> None:
    hello, data = GARBLED[case]
    for parts in ([data], [data[at : at + 1] for at in range(len(data))]):
        with pytest.raises(GarbledReply):
            read(hello, *parts, resumable=case.endswith("resumable"))


def test_eight_warnings_are_heard_and_no_more() -> None:
    warning = alert("unrecognized_name", 1)
    assert read(NEW, warning * 8 + flight(server_hello_13())) == Chosen("TLSv1.3", 0x1301, 29)
    with pytest.raises(GarbledReply, match="warnings"):
        read(NEW, warning * 9)


def test_an_answer_is_bounded() -> None:
    long = bytes(100_000)
    said = server_hello(ECDHE_RSA) + certificate(long) + message(22, long) + ecdhe() + message(4, long) + DONE
    assert len(said) > MOST_IN_FLIGHT
    with pytest.raises(GarbledReply, match="more than 262144 bytes"):
        read(OLD, *pieces(flight(said), [16384] * 20))


def test_a_long_chain_is_read() -> None:
    chain = tuple(bytes([number]) * 3000 for number in range(40))
    outcome = read(OLD, flight(server_hello(RSA), certificate(*chain), DONE))
    assert isinstance(outcome, Chosen)
    assert outcome.chain == chain


def test_once_there_is_an_outcome_nothing_changes_it() -> None:
    said = alert("handshake_failure") + alert("close_notify", 1)
    assert read(SSL_2, said) == read(OLD, said) == Alert("handshake_failure", fatal=True)
    assert read(NEW, flight(server_hello_13()) + b"garbage") == Chosen("TLSv1.3", 0x1301, 29)


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([OLD, NEW, SSL_2]), st.binary(max_size=60))
def test_no_bytes_whatever_raise_anything_else(hello: ClientHello, data: bytes) -> None:
    for begun in (b"", flight(server_hello(ECDHE_RSA))):
        with suppress(GarbledReply):
            read(hello, begun + data)
