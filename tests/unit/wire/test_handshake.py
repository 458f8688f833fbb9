"""Handshakes with real TLS servers on loopback: what is an answer, and what is none."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

import pytest
from OpenSSL import SSL

from mailproof.errors import (
    CannotOffer,
    ConnectionDropped,
    GarbledReply,
    MailproofError,
    TimedOut,
    Unreachable,
)
from mailproof.pki import Authority, Flaw, Leaf
from mailproof.wire import offers, stream
from mailproof.wire.answers import Agreed, Answer, Refused
from mailproof.wire.handshake import handshake
from mailproof.wire.offers import MODERN, STATIC_RSA, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, Offer
from mailproof.wire.stream import SocketStream

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]
ServerContext = Callable[..., SSL.Context]
TlsScript = Callable[[SSL.Context, Callable[[SSL.Connection], None]], Script]


def _wait(connection: SSL.Connection | socket.socket) -> None:
    connection.recv(1)


def _ask(port: int, offer: Offer, deadline: float = 5) -> Answer:
    below = SocketStream.connect("127.0.0.1", port, deadline)
    try:
        outcome = handshake(below, offer)
        return outcome if isinstance(outcome, Refused) else outcome[0]
    finally:
        below.close()


def _alert(number: int, level: int = 2) -> bytes:
    return bytes([21, 3, 3, 0, 2, level, number])


@pytest.fixture
def ask(serve: Serve, server_context: ServerContext, tls_script: TlsScript) -> Callable[..., Answer]:
    """Offer something to a TLS server of the given kind."""

    def make(offer: Offer, **kind: object) -> Answer:
        return _ask(serve(tls_script(server_context(**kind), _wait)), offer)

    return make


@pytest.mark.parametrize(
    ("offer", "kind", "version", "suite"),
    [
        (MODERN, {}, "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        (TLS_1_3, {}, "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        (TLS_1_2, {}, "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
        (TLS_1_1, {"versions": ["TLSv1.1"]}, "TLSv1.1", "ECDHE-RSA-AES256-SHA"),
        (TLS_1_0, {"versions": ["TLSv1"]}, "TLSv1", "ECDHE-RSA-AES256-SHA"),
        (TLS_1_0.along_with_allowed(), {"versions": ["TLSv1"]}, "TLSv1", "ECDHE-RSA-AES256-SHA"),
        (STATIC_RSA, {"suites": "ECDHE:kRSA"}, "TLSv1.2", "AES256-GCM-SHA384"),
        (STATIC_RSA.along_with_allowed(), {}, "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        (offers.WORSE_FIRST_1_2, {"suites": "ECDHE:kRSA"}, "TLSv1.2", "AES256-GCM-SHA384"),
        (offers.WORSE_FIRST_1_2, {}, "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
        (offers.WORSE_FIRST_1_3, {"suites": "ECDHE:kRSA"}, "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
        (offers.ANONYMOUS, {"suites": "aNULL", "leaf": None}, "TLSv1.2", "ADH-AES256-GCM-SHA384"),
        (offers.ANONYMOUS_FIRST, {"suites": "ECDHE:aNULL"}, "TLSv1.2", "ADH-AES256-GCM-SHA384"),
        (offers.ANONYMOUS_FIRST, {}, "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
        (offers.AUTHENTICATED_RSA, {}, "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
    ],
)
def test_agreements(
    ask: Callable[..., Answer], offer: Offer, kind: dict[str, object], version: str, suite: str
) -> None:
    answer = ask(offer, **kind)
    assert isinstance(answer, Agreed), answer
    assert (answer.version, answer.suite) == (version, suite)
    assert answer.forward_secret == (version == "TLSv1.3" or suite.startswith("ECDHE-"))
    assert answer.authenticated == (not suite.startswith("ADH-"))


@pytest.mark.parametrize(
    ("offer", "kind", "alert"),
    [
        (STATIC_RSA, {}, "handshake_failure"),
        (offers.ANONYMOUS, {}, "handshake_failure"),
        (offers.AUTHENTICATED_ECDSA, {}, "handshake_failure"),
        (TLS_1_0, {}, "protocol_version"),
        (TLS_1_1, {}, "protocol_version"),
        (TLS_1_3, {"versions": ["TLSv1.2"]}, "protocol_version"),
        (TLS_1_2, {"versions": ["TLSv1.3"]}, "protocol_version"),
        (TLS_1_2, {"judge": True}, "handshake_failure"),
    ],
)
def test_refusals_by_alert(ask: Callable[..., Answer], offer: Offer, kind: dict[str, object], alert: str) -> None:
    answer = ask(offer, **kind)
    assert isinstance(answer, Refused), answer
    assert (answer.how, answer.alert) == ("alert", alert)
    assert f"fatal alert {alert}" in answer.transcript


def test_the_certificate_chain_and_group_are_reported(ask: Callable[..., Answer], ecdsa_leaf: Leaf) -> None:
    answer = ask(offers.AUTHENTICATED_ECDSA, leaf=ecdsa_leaf)
    assert isinstance(answer, Agreed)
    assert answer.chain == (ecdsa_leaf.der,)
    assert answer.group is not None
    assert answer.group.lower() == "x25519"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize("flaw", [None, *(flaw for flaw in Flaw if flaw is not Flaw.SHORT_KEY)])
def test_a_client_certificate_is_sent_when_asked_for(
    ask: Callable[..., Answer], authority: Authority, version: str, flaw: Flaw | None
) -> None:
    leaf = authority.leaf("client.test", purpose="client", flaw=flaw)
    answer = ask(MODERN.only(version).presenting(leaf), judge=True)
    assert isinstance(answer, Agreed)
    assert answer.certificate_requested
    assert answer.certificate_sent


def test_a_weak_client_key_is_sent_all_the_same(ask: Callable[..., Answer], authority: Authority) -> None:
    answer = ask(MODERN.presenting(authority.leaf("client.test", key="rsa-1024")), judge=True)
    assert isinstance(answer, Agreed)
    assert answer.certificate_sent


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_client_certificate_is_not_sent_unasked(ask: Callable[..., Answer], ecdsa_leaf: Leaf, version: str) -> None:
    answer = ask(MODERN.only(version).presenting(ecdsa_leaf))
    assert isinstance(answer, Agreed)
    assert not answer.certificate_requested
    assert not answer.certificate_sent


def test_a_request_that_we_do_not_meet_is_told_apart(ask: Callable[..., Answer]) -> None:
    answer = ask(TLS_1_3, judge=True)
    assert isinstance(answer, Agreed)
    assert answer.certificate_requested
    assert not answer.certificate_sent


def _close_after_hello(connected: socket.socket) -> None:
    connected.recv(65536)


def test_an_orderly_close_without_a_byte_is_a_refusal(serve: Serve) -> None:
    answer = _ask(serve(_close_after_hello), STATIC_RSA)
    assert answer == Refused("closed", None, answer.transcript)


def _saying(*pieces: bytes) -> Script:
    def script(connected: socket.socket) -> None:
        connected.recv(65536)
        for piece in pieces:
            connected.sendall(piece)
        connected.shutdown(socket.SHUT_WR)
        connected.recv(65536)

    return script


def _keep_silent(connected: socket.socket) -> None:
    connected.recv(65536)
    connected.recv(65536)


def _reset(connected: socket.socket) -> None:
    connected.recv(65536)  # only then has the other side surely connected
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("script", "error"),
    [
        pytest.param(_reset, ConnectionDropped, id="reset"),
        pytest.param(_saying(b"\x16"), ConnectionDropped, id="half-a-header"),
        pytest.param(_saying(_alert(40)[:6]), ConnectionDropped, id="half-an-alert"),
        pytest.param(_saying(_alert(80)), ConnectionDropped, id="internal-error"),
        pytest.param(_saying(_alert(50)), ConnectionDropped, id="decode-error"),
        pytest.param(_saying(_alert(0, 1)), MailproofError, id="close-notify"),
        pytest.param(_saying(_alert(0, 2)), MailproofError, id="fatal-close-notify"),
        pytest.param(_saying(b"454 4.7.0 TLS not available\r\n"), GarbledReply, id="text"),
        pytest.param(_saying(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"), GarbledReply, id="empty-server-hello"),
        pytest.param(
            _saying(b"\x16\x03\x03\x40\x00" + b"\x02\xff\xff\xff" + bytes(20_000)), MailproofError, id="flood"
        ),
        pytest.param(_keep_silent, TimedOut, id="silence"),
    ],
)
def test_every_other_death_raises(serve: Serve, script: Script, error: type[MailproofError]) -> None:
    with pytest.raises(error):
        _ask(serve(script), STATIC_RSA, deadline=0.2)


def test_a_warning_does_not_refuse(serve: Serve) -> None:
    with pytest.raises(MailproofError):
        _ask(serve(_saying(_alert(112, 1))), STATIC_RSA, deadline=0.2)


def test_an_alert_in_single_bytes_is_a_refusal(serve: Serve) -> None:
    answer = _ask(serve(_saying(*(bytes([byte]) for byte in _alert(70)))), TLS_1_1)
    assert isinstance(answer, Refused)
    assert answer.alert == "protocol_version"


def test_a_server_that_chooses_what_was_not_offered_is_no_refusal(serve: Serve) -> None:
    server_hello = b"\3\2" + bytes(32) + b"\0" + b"\x00\x2f" + b"\0"
    message = b"\x02\x00\x00" + bytes([len(server_hello)]) + server_hello
    record = b"\x16\x03\x02\x00" + bytes([len(message)]) + message
    with pytest.raises(CannotOffer, match=r"the server chose TLSv1\.1 AES128-SHA"):
        _ask(serve(_saying(record)), STATIC_RSA)


@pytest.mark.parametrize(
    "offer",
    [
        pytest.param(replace(STATIC_RSA, suites="RC4:kRSA"), id="silently-thinned"),
        pytest.param(replace(STATIC_RSA, suites="kRSA:AESGCM:-AESGCM"), id="silently-taken-away"),
        pytest.param(replace(STATIC_RSA, suites="RC4"), id="empty"),
        pytest.param(MODERN.only("TLSv1.1"), id="nothing-for-the-version"),
        pytest.param(replace(STATIC_RSA, suites="ALL"), id="more-than-promised"),
    ],
)
def test_a_hello_that_breaks_its_promise_is_never_sent(serve: Serve, offer: Offer) -> None:
    heard: list[bytes] = []
    port = serve(lambda connected: heard.append(connected.recv(65536)))
    with pytest.raises(CannotOffer):
        _ask(port, offer)
    assert heard in ([], [b""])


def test_a_key_that_does_not_fit_its_certificate_cannot_be_presented(
    serve: Serve, ecdsa_leaf: Leaf, rsa_leaf: Leaf
) -> None:
    mismatch = offers.ClientCertificate(ecdsa_leaf.cert_pem, rsa_leaf.key_pem)
    with pytest.raises(CannotOffer):
        _ask(serve(_close_after_hello), MODERN.presenting(mismatch))


def test_nobody_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable):
        SocketStream.connect("127.0.0.1", port, 1)


def _drain(below: SocketStream, asking: bytes = b"") -> None:
    below.send(asking)
    while below.receive():
        below.send(asking)


def test_more_than_the_bound_is_garbled(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_BYTES", 1000)
    below = SocketStream.connect("127.0.0.1", serve(lambda connected: connected.sendall(bytes(1001))), 5)
    with pytest.raises(GarbledReply):
        _drain(below)
    below.close()
    with pytest.raises(ConnectionDropped):
        below.receive()


def test_the_deadline_covers_the_whole_life_of_a_connection(serve: Serve) -> None:
    def drip(connected: socket.socket) -> None:
        while connected.recv(1):
            connected.sendall(b"x")

    below = SocketStream.connect("127.0.0.1", serve(drip), 0.2)
    with pytest.raises(TimedOut):
        _drain(below, asking=b".")
    below.close()
