"""Servers that do what no TLS library does: each gets the right answer, or a typed error within deadline and bound.

Each stub is asked as the server of implicit TLS and behind SMTP's STARTTLS, whose replies come in small segments.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from mailproof.errors import Busy, ConnectionDropped, Declined, GarbledReply, MailproofError, TimedOut
from mailproof.model import Protocol, Security
from mailproof.wire.answers import Refused
from mailproof.wire.peer import Peer
from mailproof.wire.tls import primes
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.groups import ALL_GROUPS
from mailproof.wire.tls.names import distinguished_name
from mailproof.wire.tls.primes import is_prime, known_prime
from mailproof.wire.tls.suites import TLS_1_2_SUITES, TLS_1_3_SUITES
from tests.unit.wire.stubs import (
    CAPABLE,
    COMPOSITE_1024,
    DH_512,
    DONE,
    GREETING,
    LEAF,
    READY,
    SHARED_1024,
    SSL_2_NO_CIPHER,
    Script,
    alert,
    behind_starttls,
    certificate,
    certificate_request,
    choosing,
    closing,
    dhe,
    dripping,
    ecdhe,
    extension,
    flight,
    for_ever,
    half,
    hear_hello,
    message,
    record,
    resetting,
    retry,
    saying,
    server_hello,
    server_hello_13,
    silent,
    ssl_2_hello,
    two,
    vector,
)

Serve = Callable[[Script], int]

PATIENCE = 3.0
SHORT = 0.1
"""The deadline where a stub never answers, in seconds."""

ANY = ClientHello(("TLSv1.3", "TLSv1.2"), (*TLS_1_3_SUITES, *TLS_1_2_SUITES), ALL_GROUPS, "any")
ANY_1_2 = ClientHello(("TLSv1.2",), TLS_1_2_SUITES, ALL_GROUPS, "any of TLS 1.2")
SHARING = ClientHello(("TLSv1.3",), TLS_1_3_SUITES, (4588, 29, 23), "with a share", shares=(29,))
SSL_3 = ClientHello(("SSLv3",), TLS_1_2_SUITES)
SSL_2 = ClientHello(("SSLv2",), (0x010080, 0x020080, 0x0700C0))
DH_768 = next(iter(primes._of_standards(768)))


@pytest.fixture(params=["implicit", "starttls"])
def ask(request: pytest.FixtureRequest, serve: Serve) -> Callable[..., Chosen | Refused]:
    """Put a hello to a stub."""

    def asked(script: Script, hello: ClientHello, deadline: float = PATIENCE) -> Chosen | Refused:
        implicit = request.param == "implicit"
        port = serve(script if implicit else behind_starttls(script))
        security = Security.IMPLICIT if implicit else Security.STARTTLS
        return Peer.at("127.0.0.1", port, Protocol.SMTP, security, "probe.test", deadline).probe(hello)

    return asked


Ask = Callable[..., Chosen | Refused]


@dataclass(frozen=True)
class Right:
    """A stub, the hello that it is asked with, and what must be known of the answer."""

    script: Script
    hello: ClientHello
    chosen: dict[str, Any] = field(default_factory=dict)


def old(suite: int, *messages: bytes, version: int = 0x0303, **kind: Any) -> Script:
    return saying(flight(server_hello(suite, version, **kind), certificate(), *messages, DONE, version=version))


def _post_quantum(hello: ClientHello) -> bytes:
    return flight(retry(4588)) if 4588 in hello.groups else alert("handshake_failure")


def _intolerant(hello: ClientHello) -> bytes:
    if "TLSv1.3" in hello.versions:
        return alert("protocol_version")
    return flight(server_hello(0xC02F), certificate(), ecdhe(), DONE)


CHOOSING = {
    "SSL 2": Right(saying(ssl_2_hello(0x020080, 0x0700C0)), SSL_2, {
        "version": "SSLv2", "suite_name": "EXP-RC4-MD5", "kinds": (0x020080, 0x0700C0), "chain": (LEAF,),
        "forward_secret": False}),
    "SSL 3": Right(old(0x0005, version=0x0300, extensions=None), SSL_3, {
        "version": "SSLv3", "suite_name": "RC4-SHA", "secure_renegotiation": False, "forward_secret": False}),
    "SSL 3 with ECDHE": Right(old(0xC013, ecdhe(23, None), version=0x0300), SSL_3, {
        "version": "SSLv3", "group_name": "secp256r1", "forward_secret": True}),
    "RC4": Right(old(0x0005), ANY, {"version": "TLSv1.2", "suite_name": "RC4-SHA"}),
    "EXPORT": Right(old(0x0003, message(12, vector(2, b"\1") + vector(2, b"\3") + two(0x0401, 0))), ANY, {
        "suite_name": "EXP-RC4-MD5", "forward_secret": False}),
    "EXPORT of 512 bits": Right(old(0x0014, dhe(DH_512)), ANY, {
        "suite_name": "EXP-DHE-RSA-DES-CBC-SHA", "dh_bits": 512, "forward_secret": False}),
    "NULL": Right(old(0x003B), ANY, {"suite_name": "NULL-SHA256", "forward_secret": False}),
    "3DES": Right(old(0x000A), ANY, {"suite_name": "DES-CBC3-SHA", "forward_secret": False}),
    "anonymous DH": Right(
        saying(flight(server_hello(0x0034), message(12, vector(2, b"\7") + vector(2, b"\2") + vector(2, b"\3")), DONE)),
        ANY, {"suite_name": "ADH-AES128-SHA", "dh_bits": 3, "authenticated": False, "chain": ()}),
    "only post-quantum": Right(choosing(_post_quantum), ANY, {
        "version": "TLSv1.3", "group_name": "X25519MLKEM768", "quantum_safe": True, "retried": True}),
    "DH of 512 bits": Right(old(0x009E, dhe(DH_512)), ANY, {"prime": DH_512, "dh_bits": 512}),
    "DH of 768 bits": Right(old(0x009E, dhe(DH_768)), ANY, {"prime": DH_768, "dh_bits": 768}),
    "DH with a shared prime": Right(old(0x009E, dhe(SHARED_1024)), ANY, {"prime": SHARED_1024, "dh_bits": 1024}),
    "DH with a composite": Right(old(0x009E, dhe(COMPOSITE_1024)), ANY, {"prime": COMPOSITE_1024, "dh_bits": 1024}),
    "no renegotiation_info": Right(old(0xC02F, ecdhe(), extensions=None), ANY, {"secure_renegotiation": False}),
    "renegotiation_info": Right(old(0xC02F, ecdhe()), ANY, {"secure_renegotiation": True, "group": 29}),
    "falls back": Right(old(0xC013, ecdhe(29, None), version=0x0301), ClientHello(
        ("TLSv1.1",), TLS_1_2_SUITES, ALL_GROUPS), {"version": "TLSv1", "signature": None}),
    "intolerant of TLS 1.3, asked without it": Right(choosing(_intolerant), ANY_1_2, {"version": "TLSv1.2"}),
    "a key share": Right(saying(flight(server_hello_13(0x1302))), SHARING, {"retried": False, "group": 29}),
    "garbage for certificates": Right(
        saying(flight(server_hello(0x9C), certificate(b"garbage", b""), certificate_request(b"\xff" * 9), DONE)), ANY,
        {"chain": (b"garbage", b"")}),
    "a chain of 100 kB": Right(
        saying(flight(server_hello(0x9C), certificate(*[bytes(5000)] * 20), DONE)), ANY,
        {"chain": (bytes(5000),) * 20}),
    "one message a record": Right(
        saying(*(record(each) for each in (server_hello(0xC02F), certificate(), ecdhe(23), DONE))), ANY, {"group": 23}),
    "one byte a record": Right(
        saying(b"".join(record(bytes([byte])) for byte in server_hello(0x9C) + certificate() + DONE)), ANY,
        {"suite": 0x9C}),
    "one byte a segment": Right(dripping(flight(server_hello_13()), pause=0.0001), SHARING, {"suite": 0x1301}),
    "a warning before it": Right(
        saying(alert("unrecognized_name", 1), flight(server_hello_13())), SHARING, {"suite": 0x1301}),
    "a choice, and then a reset": Right(resetting(flight(server_hello_13())), SHARING, {"suite": 0x1301}),
}  # fmt: skip


@pytest.mark.parametrize("case", CHOOSING)
def test_what_a_stub_chose_is_told_exactly(ask: Ask, case: str) -> None:
    right = CHOOSING[case]
    answer = ask(right.script, right.hello)
    assert isinstance(answer, Chosen), answer
    assert {name: getattr(answer, name) for name in right.chosen} == right.chosen
    assert f"answer: chose {answer}" in answer.transcript


def test_the_primes_of_the_stubs_are_told_apart() -> None:
    assert [known_prime(prime) for prime in (DH_512, DH_768, SHARED_1024, COMPOSITE_1024)] == [
        None, "RFC 2409 group 1", "RFC 5114", None,
    ]  # fmt: skip
    assert [is_prime(prime) for prime in (DH_512, DH_768, SHARED_1024, COMPOSITE_1024)] == [True, True, True, False]


REFUSING = {
    "SSL 2, no common kind": (saying(SSL_2_NO_CIPHER), SSL_2, "handshake_failure"),
    "SSL 2 to a server of TLS": (saying(alert("protocol_version")), SSL_2, "protocol_version"),
    "SSL 3": (saying(record(b"\2\x28", 21, 0x0300)), SSL_3, "handshake_failure"),
    "only post-quantum": (choosing(_post_quantum), SHARING, None),
    "only post-quantum, asked for others": (
        choosing(_post_quantum), ClientHello(("TLSv1.3",), TLS_1_3_SUITES, (29, 23)), "handshake_failure"),
    "intolerant of TLS 1.3": (choosing(_intolerant), ANY, "protocol_version"),
    "after a warning": (saying(alert("unrecognized_name", 1) + alert("handshake_failure")), ANY, "handshake_failure"),
    "byte by byte": (dripping(alert("insufficient_security"), pause=0.0001), ANY, "insufficient_security"),
    "alert in two records of one segment": (saying(alert("illegal_parameter") * 2), ANY, "illegal_parameter"),
}  # fmt: skip


@pytest.mark.parametrize("case", [name for name, (_, _, said) in REFUSING.items() if said])
def test_what_a_stub_refused_is_told_by_its_alert(ask: Ask, case: str) -> None:
    script, hello, said = REFUSING[case]
    answer = ask(script, hello)
    assert isinstance(answer, Refused), answer
    assert (answer.how, answer.alert) == ("alert", said)


@pytest.mark.parametrize("hello", [ANY, SHARING, SSL_3, SSL_2], ids=str)
def test_a_close_without_a_byte_is_no_alert(ask: Ask, hello: ClientHello) -> None:
    answer = ask(closing, hello)
    assert isinstance(answer, Refused)
    assert (answer.how, answer.alert) == ("closed", None)


def _echo(connected: socket.socket) -> None:
    connected.sendall(hear_hello(connected))
    silent(connected)


UNLISTED = ClientHello(("TLSv1.3", "TLSv1.2"), (0x1301, 0xC02F), (29, 4588), "few", shares=(29,))
WHOLE = server_hello(0xC02F) + certificate() + ecdhe() + DONE

TROUBLE: dict[str, tuple[Script, ClientHello, type[MailproofError]]] = {
    "asks for a group that was not offered": (saying(flight(retry(24))), UNLISTED, GarbledReply),
    "asks for the share that it has": (saying(flight(retry(29))), UNLISTED, GarbledReply),
    "takes a group that no share was for": (saying(flight(server_hello_13(group=4588))), UNLISTED, GarbledReply),
    "picks a version above": (saying(flight(server_hello_13())), ANY_1_2, GarbledReply),
    "picks a suite that was not offered": (saying(flight(server_hello(0x0005))), UNLISTED, GarbledReply),
    "picks a version below": (saying(flight(server_hello(0xC02F, 0x0301))), UNLISTED, GarbledReply),
    "picks a curve that was not offered": (
        saying(flight(server_hello(0xC02F), certificate(), ecdhe(25), DONE)), UNLISTED, GarbledReply),
    "ServerHello twice": (saying(flight(server_hello(0xC02F) * 2)), UNLISTED, GarbledReply),
    "ServerHello of TLS 1.2 twice, in records": (saying(flight(server_hello(0xC02F)) * 2), UNLISTED, GarbledReply),
    "echo": (_echo, ANY, GarbledReply),
    "echo of SSL 2": (_echo, SSL_2, GarbledReply),
    "SSL 2 answered by TLS": (saying(flight(WHOLE)), SSL_2, GarbledReply),
    "SSL 2 answered by text": (saying(b"500 5.5.2 what?\r\n"), SSL_2, GarbledReply),
    "TLS answered by SSL 2": (saying(ssl_2_hello(0x010080)), ANY, GarbledReply),
    "plain text": (saying(b"250-mx.test\r\n250 STARTTLS\r\n"), ANY, GarbledReply),
    "421 in place of TLS": (saying(b"421 4.7.0 too many connections\r\n"), ANY, GarbledReply),
    "421, cut off": (saying(b"421"), ANY, ConnectionDropped),
    "HTTP": (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ANY, GarbledReply),
    "extension twice": (saying(flight(server_hello(0xC02F, extensions=extension(23, b"") * 2))), ANY, GarbledReply),
    "chain with wrong lengths": (
        saying(flight(server_hello(0x9C), message(11, b"\0\0\5\0\0\xffab"), DONE)), ANY, GarbledReply),
    "a chain without end": (
        saying(flight(server_hello(0x9C), certificate(*[bytes(60000)] * 3), DONE)), ANY, GarbledReply),
    "no certificate": (saying(flight(server_hello(0x9C), DONE)), ANY, GarbledReply),
    "a choice, and then an alert": (
        saying(flight(server_hello(0xC02F)) + alert("handshake_failure")), ANY, ConnectionDropped),
    "an alert of broken TLS": (saying(alert("internal_error")), ANY, ConnectionDropped),
    "an alert that nobody registered": (saying(record(b"\2\xee", 21)), ANY, ConnectionDropped),
    "it leaves": (saying(alert("close_notify", 1)), ANY, ConnectionDropped),
    "reset at once": (resetting(), ANY, ConnectionDropped),
    "reset in the middle": (resetting(flight(server_hello(0xC02F))), ANY, ConnectionDropped),
    "reset of SSL 2": (resetting(b"\x80"), SSL_2, ConnectionDropped),
    "warnings without end": (for_ever(alert("unrecognized_name", 1)), ANY, GarbledReply),
    "empty records without end": (for_ever(record(b"")), ANY, GarbledReply),
    "empty messages without end": (saying(flight(server_hello(0x9C)), flight(message(4, b"") * 9)), ANY, GarbledReply),
    "a message without end": (for_ever(record(b"\x02\xff\xff\xff" + bytes(16000))), ANY, GarbledReply),
    "a message as long as may be": (for_ever(record(b"\x0b\1\0\0" + bytes(16000))), ANY, GarbledReply),
    "SSL 2 without end": (for_ever(b"\x80\x01"), SSL_2, GarbledReply),
    "nothing but a banner of 4 GiB": (for_ever(b"220 mx.test ESMTP\r\n"), ANY, GarbledReply),
}  # fmt: skip


@pytest.mark.parametrize("case", TROUBLE)
def test_what_is_no_answer_is_a_typed_error(ask: Ask, case: str) -> None:
    script, hello, trouble = TROUBLE[case]
    began = time.monotonic()
    with pytest.raises(MailproofError) as caught:
        ask(script, hello)
    assert type(caught.value) is trouble, caught.value
    assert time.monotonic() - began < PATIENCE


def test_a_server_that_breaks_off_anywhere_has_not_refused(serve: Serve) -> None:
    dice = random.Random(8446)  # noqa: S311
    whole = flight(WHOLE)
    for at in sorted(dice.sample(range(1, len(whole) - 1), 25)):
        for script in (saying(whole[:at]), resetting(whole[:at])):
            peer = Peer.at("127.0.0.1", serve(script), Protocol.SMTP, Security.IMPLICIT, "probe.test", PATIENCE)
            with pytest.raises(ConnectionDropped):
                peer.probe(ANY)


def test_no_end_of_asking_again_is_waited_for(serve: Serve) -> None:
    """Each hello is answered once, by the next group in it, whatever came before."""
    port = serve(choosing(lambda hello: flight(retry(hello.groups[0]))))
    peer = Peer.at("127.0.0.1", port, Protocol.SMTP, Security.IMPLICIT, "probe.test", PATIENCE)
    for groups in ((4588, 29, 23), (29, 23), (23,)):
        answer = peer.probe(ClientHello(("TLSv1.3",), TLS_1_3_SUITES, groups))
        assert isinstance(answer, Chosen)
        assert (answer.retried, answer.group) == (True, groups[0])


SLOW: dict[str, Script] = {
    "never answers": silent,
    "one byte at a time": dripping(flight(WHOLE)),
    "half an answer": half(flight(WHOLE)[:40]),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_server_that_is_too_slow_has_not_refused(serve: Serve, case: str) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut):
        Peer.at("127.0.0.1", serve(SLOW[case]), Protocol.SMTP, Security.IMPLICIT, "probe.test", SHORT).probe(ANY)
    assert SHORT <= time.monotonic() - began < PATIENCE


NEXT = saying(flight(WHOLE))
PLAIN: dict[str, tuple[Script, type[MailproofError]]] = {
    "421 at the greeting": (behind_starttls(NEXT, greeting=b"421 4.3.2 busy\r\n"), Busy),
    "421 at EHLO": (behind_starttls(NEXT, capable=b"421 4.7.0 too many\r\n"), Busy),
    "421 at STARTTLS": (behind_starttls(NEXT, ready=b"421 4.7.0 later\r\n"), Busy),
    "554 at the greeting": (behind_starttls(NEXT, greeting=b"554 5.7.1 no\r\n"), Declined),
    "500 at EHLO": (behind_starttls(NEXT, capable=b"500 5.5.1 what?\r\n"), Declined),
    "454 at STARTTLS": (behind_starttls(NEXT, ready=b"454 4.7.0 not now\r\n"), Declined),
    "no STARTTLS": (behind_starttls(NEXT, capable=b"250-mx\r\n250 SIZE 1\r\n"), Declined),
    "codes that differ": (behind_starttls(NEXT, greeting=b"220-mx\r\n421 no\r\n"), GarbledReply),
    "text behind the reply": (behind_starttls(NEXT, ready=READY + b"250 ok\r\n", segment=9999), GarbledReply),
    "text behind the reply, later": (behind_starttls(NEXT, ready=READY + b"250 ok\r\n"), GarbledReply),
    "TLS before the reply": (behind_starttls(NEXT, ready=flight(WHOLE) + READY), GarbledReply),
    "TLS behind the reply": (behind_starttls(NEXT, ready=READY + flight(WHOLE), segment=9999), GarbledReply),
    "an alert behind the reply": (
        behind_starttls(NEXT, ready=READY + alert("handshake_failure"), segment=9999), GarbledReply),
    "talks before it is asked": (behind_starttls(NEXT, greeting=GREETING + CAPABLE, segment=9999), GarbledReply),
    "stops in its greeting": (behind_starttls(NEXT, greeting=b"220-mx\r\n220 half", capable=b""), TimedOut),
    "closes after EHLO": (lambda connected: connected.sendall(GREETING), ConnectionDropped),
    "a greeting without end": (for_ever(b"220-mx.test\r\n", hello=False), GarbledReply),
    "a line without end": (for_ever(b"2", hello=False), GarbledReply),
    "zeros without end": (for_ever(b"\0", hello=False), GarbledReply),
    "EHLO without end": (behind_starttls(NEXT, capable=b"250-SIZE\r\n" * 9999, segment=9999), GarbledReply),
    "a greeting byte by byte": (dripping(GREETING, hello=False), TimedOut),
    "no greeting": (silent, TimedOut),
}  # fmt: skip


@pytest.mark.parametrize("case", PLAIN)
def test_trouble_before_tls_is_never_a_refusal(serve: Serve, case: str) -> None:
    script, trouble = PLAIN[case]
    deadline = SHORT if trouble is TimedOut else PATIENCE
    began = time.monotonic()
    with pytest.raises(MailproofError) as caught:
        Peer.at("127.0.0.1", serve(script), Protocol.SMTP, Security.STARTTLS, "probe.test", deadline).probe(ANY)
    assert type(caught.value) is trouble, caught.value
    assert time.monotonic() - began < PATIENCE


def test_a_flood_is_cut_off_long_before_its_end(serve: Serve) -> None:
    sent: list[int] = []

    def script(connected: socket.socket) -> None:
        while sum(sent) < 2**32:
            sent.append(connected.send(b"220-" + b"x" * 65532))

    with pytest.raises(GarbledReply):
        Peer.at("127.0.0.1", serve(script), Protocol.SMTP, Security.STARTTLS, "probe.test", PATIENCE).probe(ANY)
    assert 0 < sum(sent) < 64 * 2**20


def test_a_hostile_name_in_a_request_is_shown_and_nothing_more(ask: Ask) -> None:
    hostile = b"\x30\x82\xff\xff" + bytes(300)
    said = flight(server_hello(0x9C), certificate(), certificate_request(hostile, b""), DONE)
    answer = ask(saying(said), ANY)
    assert isinstance(answer, Chosen)
    assert answer.request is not None
    assert answer.request.authorities == (distinguished_name(hostile), "#")
