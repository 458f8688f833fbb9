"""Whole sessions against scripted servers: every protocol, both ways into TLS, and every way to be let down."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable, Iterable

import pytest
from OpenSSL import SSL

from mailproof.errors import (
    Busy,
    CannotOffer,
    ConnectionDropped,
    Declined,
    GarbledReply,
    MailproofError,
    TimedOut,
)
from mailproof.model import Protocol, Security
from mailproof.pki import Leaf
from mailproof.wire.answers import Agreed, Refused
from mailproof.wire.offers import MODERN, STATIC_RSA, TLS_1_2, TLS_1_3, Offer
from mailproof.wire.peer import Peer
from mailproof.wire.session import Session

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]
ServerContext = Callable[..., SSL.Context]
TlsScript = Callable[[SSL.Context, Callable[[SSL.Connection], None]], Script]
Step = bytes | tuple[bytes, bytes]

GREETING = b"220 mx ESMTP\r\n"
EHLO = (b"EHLO", b"250-mx\r\n250-STARTTLS\r\n250 SIZE 1\r\n")
SECURED = (b"EHLO", b"250-mx\r\n250 AUTH PLAIN\r\n")
READY = (b"STARTTLS", b"220 2.0.0 go\r\n")
BYE = (b"QUIT", b"221 bye\r\n")


def _hear(connected: socket.socket | SSL.Connection) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = connected.recv(1)
        if not byte:
            return b""
        line += byte
    return line


def _play(connected: socket.socket | SSL.Connection, steps: Iterable[Step], segment: int = 65536) -> None:
    """Say bytes; answer a line that begins as expected (IMAP: whose tag stands for ``TAG``)."""
    for step in steps:
        said = step
        if isinstance(step, tuple):
            line = _hear(connected)
            assert step[0] in line, line
            said = step[1].replace(b"TAG", line.split(b" ")[0])
        for at in range(0, len(said), segment):
            connected.sendall(said[at : at + segment])  # type: ignore[arg-type]


def _plain(*steps: Step, segment: int = 65536) -> Script:
    def script(connected: socket.socket) -> None:
        _play(connected, steps, segment)
        _hear(connected)

    return script


def _open(port: int, protocol: Protocol = Protocol.SMTP, deadline: float = 5) -> Session:
    return Peer.at("127.0.0.1", port, protocol, Security.STARTTLS, "probe.test", deadline).session()


@pytest.fixture
def starttls(server_context: ServerContext, tls_script: TlsScript) -> Callable[..., Script]:
    """A server: some plaintext steps, a TLS handshake, and the steps after it."""

    def make(before: Iterable[Step], after: Iterable[Step], **kind: object) -> Script:
        def script(connected: socket.socket) -> None:
            _play(connected, before)
            tls_script(server_context(**kind), lambda secured: _play(secured, after))(connected)

        return script

    return make


@pytest.mark.parametrize("segment", [1, 7, 65536])
def test_an_smtp_session_however_its_bytes_arrive(serve: Serve, segment: int) -> None:
    port = serve(_plain(GREETING, EHLO, (b"MAIL FROM:<>", b"250 2.1.0 Ok\r\n"),
                        (b"RCPT TO:<x@y.test>", b"554-5.7.1 no\r\n554 5.7.1 Relay access denied\r\n"), BYE,
                        segment=segment))  # fmt: skip
    with _open(port) as session:
        assert session.capabilities == {"STARTTLS", "SIZE"}
        assert (session.offers_starttls, session.offers_login, session.answer) == (True, False, None)
        assert session.mail("").ok
        reply = session.rcpt("x@y.test")
    assert (reply.code, reply.enhanced, reply.ok) == ("554", "5.7.1", False)
    assert session.transcript.splitlines()[:2] == ["< 220 mx ESMTP", "> EHLO probe.test"]
    assert session.transcript.endswith("> QUIT\n< 221 bye")


def test_data_is_stuffed_and_answered_at_the_dot(serve: Serve) -> None:
    heard: list[bytes] = []

    def script(connected: socket.socket) -> None:
        _play(connected, [GREETING, EHLO, (b"DATA", b"354 go\r\n")])
        while heard[-1:] != [b".\r\n"]:
            heard.append(_hear(connected))
        _play(connected, [b"250 2.0.0 Ok: queued as X\r\n", BYE])

    with _open(serve(script)) as session:
        assert session.data(b"Subject: x\n\n.dot\n").text == "2.0.0 Ok: queued as X"
    assert heard == [b"Subject: x\r\n", b"\r\n", b"..dot\r\n", b".\r\n"]


def test_data_that_is_declined_sends_nothing(serve: Serve) -> None:
    with _open(serve(_plain(GREETING, EHLO, (b"DATA", b"503 5.5.1 no\r\n"), BYE))) as session:
        assert session.data(b"secret\n").code == "503"
    assert "secret" not in session.transcript


def _offered(session: Session) -> tuple[bool, bool]:
    return session.offers_starttls, session.offers_login


@pytest.mark.parametrize(
    ("protocol", "before", "after", "words"),
    [
        (Protocol.SMTP, [GREETING, EHLO, READY], [SECURED, BYE], {"AUTH", "AUTH=PLAIN"}),
        (Protocol.LMTP, [GREETING, (b"LHLO", EHLO[1]), READY], [(b"LHLO", SECURED[1]), BYE], {"AUTH", "AUTH=PLAIN"}),
        (
            Protocol.IMAP,
            [b"* OK hi\r\n", (b"CAPABILITY", b"* CAPABILITY STARTTLS LOGINDISABLED\r\nTAG OK x\r\n"),
             (b"STARTTLS", b"TAG OK go\r\n")],
            [(b"CAPABILITY", b"* CAPABILITY AUTH=PLAIN\r\nTAG OK x\r\n"), (b"LOGOUT", b"* BYE\r\nTAG OK\r\n")],
            {"AUTH=PLAIN"},
        ),
        (
            Protocol.POP3,
            [b"+OK hi\r\n", (b"CAPA", b"+OK\r\nSTLS\r\n.\r\n"), (b"STLS", b"+OK go\r\n")],
            [(b"CAPA", b"+OK\r\nUSER\r\n.\r\n"), (b"QUIT", b"+OK\r\n")],
            {"USER"},
        ),
        (
            Protocol.SIEVE,
            [b'"SASL" ""\r\n"STARTTLS"\r\nOK\r\n', (b"STARTTLS", b"OK go\r\n")],
            [b'"SASL" "PLAIN"\r\nOK\r\n', (b"LOGOUT", b"OK\r\n")],
            {"SASL", "SASL=PLAIN"},
        ),
    ],
)  # fmt: skip
def test_starttls_in_every_protocol(
    serve: Serve, starttls: Callable[..., Script], protocol: Protocol, before: list[Step], after: list[Step],
    words: set[str],
) -> None:  # fmt: skip
    with _open(serve(starttls(before, after)), protocol) as session:
        assert _offered(session) == (True, False)
        answer = session.starttls(MODERN)
        assert isinstance(answer, Agreed)
        assert session.answer == answer
        assert session.capabilities == words
        assert _offered(session) == (False, True)
    assert "no goodbye" not in session.transcript
    assert "* answer: agreed TLSv1.3 TLS_AES_256_GCM_SHA384" in session.transcript


def test_implicit_tls_greets_inside(serve: Serve, starttls: Callable[..., Script]) -> None:
    port = serve(starttls([], [GREETING, SECURED, BYE]))
    with Peer.at("127.0.0.1", port, Protocol.SMTP, Security.IMPLICIT, "x", 5).session(TLS_1_2) as session:
        assert isinstance(session.answer, Agreed)
        assert session.answer.version == "TLSv1.2"
        assert session.offers_login


def test_an_implicit_refusal_is_an_answer_to_an_offer_and_no_session(
    serve: Serve, starttls: Callable[..., Script]
) -> None:
    port = serve(starttls([], []))
    answer = Peer.at("127.0.0.1", port, Protocol.IMAP, Security.IMPLICIT, "x", 5).offer(STATIC_RSA)
    assert isinstance(answer, Refused), answer
    assert answer.alert == "handshake_failure"
    with pytest.raises(Declined, match="handshake_failure"):
        Peer.at("127.0.0.1", port, Protocol.IMAP, Security.IMPLICIT, "x", 5).session(STATIC_RSA)


def test_an_offer_by_command_leaves_politely(serve: Serve, starttls: Callable[..., Script]) -> None:
    port = serve(starttls([GREETING, EHLO, READY], [SECURED, BYE]))
    answer = Peer.at("127.0.0.1", port, Protocol.SMTP, Security.STARTTLS, "x", 5).offer(MODERN)
    assert isinstance(answer, Agreed)
    assert answer.transcript.endswith("> QUIT\n< 221 bye")


def test_a_421_after_the_agreement_does_not_unsay_it(serve: Serve, starttls: Callable[..., Script]) -> None:
    turned = b"421 4.7.1 mx Error: No client certificate presented\r\n"
    port = serve(starttls([GREETING, EHLO, READY], [turned]))
    answer = Peer.at("127.0.0.1", port, Protocol.SMTP, Security.STARTTLS, "x", 5).offer(MODERN)
    assert isinstance(answer, Agreed)
    assert "No client certificate presented" in answer.transcript
    with _open(port) as session, pytest.raises(Busy) as caught:
        session.starttls(MODERN)
    assert caught.value.reply == "421 4.7.1 mx Error: No client certificate presented"
    assert isinstance(session.answer, Agreed)


@pytest.mark.parametrize("presented", [True, False])
def test_a_late_rejection_of_our_certificate_is_a_refusal(
    serve: Serve, starttls: Callable[..., Script], ecdsa_leaf: Leaf, presented: bool
) -> None:
    port = serve(starttls([GREETING, EHLO, READY], [SECURED, BYE], judge=False))
    asked = TLS_1_3.presenting(ecdsa_leaf if presented else None)
    with _open(port) as session:
        answer = session.starttls(asked)
    assert isinstance(answer, Refused), answer
    assert answer.how == "alert"
    assert "after the handshake" in answer.transcript
    assert isinstance(Peer.at("127.0.0.1", port, Protocol.SMTP, Security.STARTTLS, "x", 5).offer(asked), Refused)


def test_an_agreement_that_the_server_never_confirms_is_none(serve: Serve, starttls: Callable[..., Script]) -> None:
    port = serve(starttls([GREETING, EHLO, READY], []))
    with pytest.raises(ConnectionDropped):
        Peer.at("127.0.0.1", port, Protocol.SMTP, Security.STARTTLS, "x", 5).offer(MODERN)


@pytest.mark.parametrize("reply", [b"454 4.7.0 TLS not available\r\n", b"502 5.5.1 no\r\n"])
def test_starttls_answered_no_is_declined_with_the_reply(serve: Serve, reply: bytes) -> None:
    with _open(serve(_plain(GREETING, EHLO, (b"STARTTLS", reply), BYE))) as session:
        with pytest.raises(Declined) as caught:
            session.starttls(MODERN)
        assert caught.value.reply == reply.decode().strip()
        assert caught.value.reply in str(caught.value)


def test_starttls_that_is_not_offered_is_not_tried(serve: Serve) -> None:
    said = "STARTTLS is not among the capabilities: SIZE"
    port = serve(_plain(GREETING, (b"EHLO", b"250-mx\r\n250 SIZE 1\r\n"), BYE))
    with _open(port) as session, pytest.raises(Declined, match=said):
        session.starttls(MODERN)
    assert "> STARTTLS" not in session.transcript


def test_bytes_injected_behind_the_starttls_reply_are_garbled(serve: Serve) -> None:
    injected = (b"STARTTLS", b"220 go\r\n250-mx\r\n250 AUTH PLAIN\r\n")
    with (
        _open(serve(_plain(GREETING, EHLO, injected))) as session,
        pytest.raises(GarbledReply, match="before TLS began"),
    ):
        session.starttls(MODERN)


def test_a_hello_that_cannot_be_sent_leaves_at_once(serve: Serve) -> None:
    with _open(serve(_plain(GREETING, EHLO, READY))) as session, pytest.raises(CannotOffer):
        session.starttls(Offer("thin", ("TLSv1.2",), "RC4:kRSA"))
    assert "* TLS hello «thin»" in session.transcript
    assert "> QUIT" not in session.transcript


@pytest.mark.parametrize(
    ("protocol", "steps", "error"),
    [
        (Protocol.SMTP, [b"421 4.3.2 too busy\r\n"], Busy),
        (Protocol.SMTP, [b"554 5.7.1 go away\r\n"], Declined),
        (Protocol.SMTP, [GREETING, (b"EHLO", b"502 no\r\n")], Declined),
        (Protocol.SMTP, [GREETING, (b"EHLO", b"421 4.7.0 too many\r\n")], Busy),
        (Protocol.SMTP, [b"hello\r\n"], GarbledReply),
        (Protocol.SMTP, [b"220-\r\n" * 600], GarbledReply),
        (Protocol.SMTP, [b"2" * 70_000], GarbledReply),
        (Protocol.SMTP, [b"220 a\r\n250 b\r\n"], GarbledReply),
        (Protocol.SMTP, [b"\x16\x03\x01\x02\x00\n"], GarbledReply),
        (Protocol.IMAP, [b"* BYE full\r\n"], Busy),
        (Protocol.POP3, [b"-ERR [SYS/TEMP] later\r\n"], Busy),
        (Protocol.SIEVE, [b"BYE later\r\n"], Busy),
    ],
)
def test_a_server_that_does_not_let_us_in_raises(
    serve: Serve, protocol: Protocol, steps: list[Step], error: type[MailproofError]
) -> None:
    with pytest.raises(error):
        _open(serve(_plain(*steps)), protocol)


@pytest.mark.parametrize("said", [b"", b"220 ", b"220-a\r\n"])
def test_silence_ends_at_the_deadline_and_a_close_is_a_drop(serve: Serve, said: bytes) -> None:
    with pytest.raises(TimedOut):
        _open(serve(_plain(said)), deadline=0.2)
    with pytest.raises(ConnectionDropped):
        _open(serve(lambda connected: connected.sendall(said)))


def test_endless_lines_end_at_the_bound(serve: Serve) -> None:
    def babble(connected: socket.socket) -> None:
        while True:
            connected.sendall(b"220-more\r\n" * 50)

    with pytest.raises(GarbledReply):
        _open(serve(babble))


def test_a_password_shows_nowhere_even_where_the_server_repeats_it(
    serve: Serve, starttls: Callable[..., Script]
) -> None:
    encoded = base64.b64encode(b"\0ann\0open sesame")
    login = (b"AUTH PLAIN " + encoded, b"535 5.7.8 open sesame " + encoded + b"\r\n")
    port = serve(starttls([GREETING, EHLO, READY], [SECURED, login, BYE]))
    with _open(port) as session:
        session.starttls(MODERN)
        reply = session.login("ann", "open sesame")
    assert reply.code == "535"
    for shown in (session.transcript, repr(reply), str(reply)):
        assert "sesame" not in shown
        assert encoded.decode().rstrip("=") not in shown
    assert "> AUTH PLAIN (hidden)" in session.transcript


def test_a_login_of_two_commands_stops_at_the_first_no(serve: Serve) -> None:
    steps: list[Step] = [
        b"+OK\r\n",
        (b"CAPA", b"+OK\r\nUSER\r\n.\r\n"),
        (b"USER ann", b"-ERR not without TLS\r\n"),
        (b"QUIT", b"+OK\r\n"),
    ]
    with _open(serve(_plain(*steps)), Protocol.POP3) as session:
        assert session.login("ann", "open").text == "not without TLS"
    assert "PASS" not in session.transcript


def test_a_recipient_cannot_smuggle_a_command(serve: Serve) -> None:
    with _open(serve(_plain(GREETING, EHLO, BYE))) as session, pytest.raises(CannotOffer):
        session.rcpt("x@y.test>\r\nDATA")


def test_goodbyes_can_be_repeated_and_need_no_peer(serve: Serve) -> None:
    session = _open(serve(lambda connected: _play(connected, [GREETING, EHLO])))
    session.quit()
    session.quit()
    assert "no goodbye" in session.transcript
    with pytest.raises(ConnectionDropped):
        session.command("NOOP")
