"""Commands behind STARTTLS, and sessions that go on in clear: every kind of server, also those that nobody runs."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import pytest
from OpenSSL import SSL

from mailproof.errors import CannotOffer, Declined, GarbledReply, MailproofError, TimedOut, Undecided
from mailproof.model import Protocol, Security
from mailproof.wire.injection import LURES, Discarded, Injected, fall_back, inject, went_on
from mailproof.wire.offers import MODERN
from mailproof.wire.peer import Peer
from mailproof.wire.session import Session

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]
ServerContext = Callable[..., SSL.Context]
TlsScript = Callable[[SSL.Context, Callable[[SSL.Connection], None]], Script]

EHLO = b"250-mx\r\n250-STARTTLS\r\n250 SIZE 1\r\n"
INSIDE = b"250-mx\r\n250 SIZE 1\r\n"
NOOP = b"250 2.0.0 Ok\r\n"
BYE = b"221 2.0.0 Bye\r\n"

CAPABILITY = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n"
CAPA = b"+OK\r\nCAPA\r\nSTLS\r\n.\r\n"
SIEVE = b'"IMPLEMENTATION" "x"\r\n"SASL" "PLAIN"\r\nOK "TLS"\r\n'
CLEAN = {
    Protocol.SMTP: INSIDE + BYE,
    Protocol.IMAP: CAPABILITY + b"real OK done\r\n* BYE out\r\nbye OK done\r\n",
    Protocol.POP3: CAPA + b"+OK Logging out\r\n",
    Protocol.SIEVE: SIEVE + b'OK "Logout completed."\r\n',
}
VULNERABLE = {
    Protocol.SMTP: [NOOP + INSIDE + BYE, b"503 5.5.1 hello first\r\n" + INSIDE + BYE, INSIDE + NOOP + BYE],
    Protocol.IMAP: [b"injected OK NOOP\r\n" + CLEAN[Protocol.IMAP], b"injected BAD what\r\n" + CLEAN[Protocol.IMAP]],
    Protocol.POP3: [b"-ERR Unknown\r\n" + CLEAN[Protocol.POP3], b"+OK\r\n" + CLEAN[Protocol.POP3]],
    Protocol.SIEVE: [SIEVE + b'OK (TAG "injected") "Done"\r\nOK "bye"\r\n',
                     SIEVE + b'OK (TAG {8}\r\ninjected) "Done"\r\nOK "bye"\r\n', SIEVE + b'NO "what?"\r\nOK "bye"\r\n'],
}  # fmt: skip
UNCLEAR = {
    Protocol.SMTP: [b"", BYE, NOOP + BYE, INSIDE, b"421 4.7.1 go\r\n", INSIDE + INSIDE + BYE, b"250 mx\r\n221 bye\r\n"],
    Protocol.IMAP: [b"", b"real OK done\r\n", b"* BYE out\r\nbye OK done\r\n"],
    Protocol.POP3: [b"", b"+OK\r\n+OK\r\n", b"-ERR no\r\n+OK bye\r\n", CAPA],
    Protocol.SIEVE: [b"", SIEVE, b'OK "bye"\r\n', SIEVE + b'OK (TAG "injected") "Done"\r\n'],
}


@pytest.mark.parametrize("protocol", LURES)
def test_only_the_real_answers_are_heard(protocol: Protocol) -> None:
    assert LURES[protocol].judge(CLEAN[protocol]) is False


@pytest.mark.parametrize(("protocol", "heard"), [(key, each) for key, many in VULNERABLE.items() for each in many])
def test_one_answer_too_many_is_an_injection(protocol: Protocol, heard: bytes) -> None:
    assert LURES[protocol].judge(heard) is True


@pytest.mark.parametrize(("protocol", "heard"), [(key, each) for key, many in UNCLEAR.items() for each in many])
def test_anything_else_decides_nothing(protocol: Protocol, heard: bytes) -> None:
    assert LURES[protocol].judge(heard) is None


@contextmanager
def _session(port: int, deadline: float = 5) -> Iterator[Session]:
    peer = Peer.at("127.0.0.1", port, Protocol.SMTP, Security.STARTTLS, "probe.test", deadline)
    session = peer.session()
    try:
        yield session
    finally:
        session.close()


def _lines(connected: socket.socket | SSL.Connection, many: int) -> bytes:
    heard = b""
    while heard.count(b"\n") < many:
        data = connected.recv(4096)
        if not data:
            return heard
        heard += data
    return heard


def _greeted(connected: socket.socket, behind: bytes) -> bytes:
    """Greeting and EHLO; then what the client says with STARTTLS, answered by ``behind``."""
    connected.sendall(b"220 mx ESMTP\r\n")
    _lines(connected, 1)
    connected.sendall(EHLO)
    said = _lines(connected, 2)
    connected.sendall(behind)
    return said


@pytest.fixture
def server(serve: Serve, server_context: ServerContext, tls_script: TlsScript) -> Callable[[bytes, bytes], int]:
    """A server that has ``first`` ready inside TLS when EHLO comes, and ``last`` at QUIT."""

    def start(first: bytes, last: bytes) -> int:
        def secured(tls: SSL.Connection) -> None:
            _lines(tls, 1)
            tls.sendall(first)
            _lines(tls, 1)
            tls.sendall(last)
            tls.shutdown()

        def script(connected: socket.socket) -> None:
            _greeted(connected, b"220 go\r\n")
            tls_script(server_context(), secured)(connected)

        return serve(script)

    return start


def test_both_commands_leave_in_one_piece(serve: Serve) -> None:
    said: SimpleQueue[bytes] = SimpleQueue()

    def script(connected: socket.socket) -> None:
        said.put(_greeted(connected, b"454 4.7.0 later\r\n"))

    with _session(serve(script)) as session, pytest.raises(Undecided, match="454"):
        inject(session, Protocol.SMTP, MODERN)
    assert said.get(timeout=5) == b"STARTTLS\r\nNOOP\r\n"


def test_a_server_that_throws_the_command_away(server: Callable[[bytes, bytes], int]) -> None:
    with _session(server(INSIDE, BYE)) as session:
        assert inject(session, Protocol.SMTP, MODERN) == Discarded("unanswered", session.transcript)
    assert "> STARTTLS\n> NOOP\n< 220 go" in session.transcript


def test_a_server_that_carries_the_command_into_tls(server: Callable[[bytes, bytes], int]) -> None:
    with _session(server(NOOP + INSIDE, BYE)) as session:
        found = inject(session, Protocol.SMTP, MODERN)
    assert isinstance(found, Injected)
    assert "250 2.0.0 Ok" in str(found)


def test_a_server_that_answers_something_else(server: Callable[[bytes, bytes], int]) -> None:
    with _session(server(INSIDE, b"500 what?\r\n")) as session, pytest.raises(Undecided, match="who answered"):
        inject(session, Protocol.SMTP, MODERN)


def test_a_server_that_never_lists_its_capabilities(server: Callable[[bytes, bytes], int]) -> None:
    with _session(server(NOOP, BYE), deadline=0.3) as session, pytest.raises(MailproofError):
        inject(session, Protocol.SMTP, MODERN)


@pytest.mark.parametrize("reply", [b"554 5.5.0 Error: SMTP protocol synchronization\r\n",
                                   b"503 5.5.0 Improper use of SMTP command pipelining\r\n"])  # fmt: skip
def test_a_server_that_ends_the_session_for_it(serve: Serve, reply: bytes) -> None:
    with _session(serve(lambda connected: void(_greeted(connected, reply)))) as session:
        assert inject(session, Protocol.SMTP, MODERN) == Discarded("ended", session.transcript)


@pytest.mark.parametrize("alert", [b"\x15\x03\x03\x00\x02\x02\x50", b"\x15\x03\x01\x00\x02\x02\x46"])
def test_a_server_that_takes_the_command_for_a_hello(serve: Serve, alert: bytes) -> None:
    """RFC 9051 §6.2.1 allows it; Dovecot does so. The alert comes with the reply, or after it."""
    for behind in (b"220 go\r\n" + alert, b"220 go\r\n"):

        def script(connected: socket.socket, behind: bytes = behind) -> None:
            _greeted(connected, behind)
            if alert not in behind:
                connected.sendall(alert)
            connected.recv(4096)

        with _session(serve(script)) as session:
            found = inject(session, Protocol.SMTP, MODERN)
        assert isinstance(found, Discarded)
        assert found.how == "ended"


def test_an_error_for_another_reason_says_nothing(serve: Serve) -> None:
    script = lambda connected: void(_greeted(connected, b"554 5.7.1 go away\r\n"))  # noqa: E731
    with _session(serve(script)) as session, pytest.raises(Undecided, match="554"):
        inject(session, Protocol.SMTP, MODERN)


def test_an_answer_in_clear_is_no_verdict(serve: Serve) -> None:
    script = lambda connected: void(_greeted(connected, b"220 go\r\n" + NOOP))  # noqa: E731
    with _session(serve(script)) as session, pytest.raises(GarbledReply, match="plain text"):
        inject(session, Protocol.SMTP, MODERN)


def test_what_has_no_lure_is_not_probed(serve: Serve) -> None:
    script = lambda connected: void(_greeted(connected, b""))  # noqa: E731
    with _session(serve(script)) as session, pytest.raises(CannotOffer):
        inject(session, Protocol.LMTP, MODERN)


@pytest.mark.parametrize(("behind", "went"), [
    (b"", ""), (b"\x15\x03\x03\x00\x02\x02\x46", ""), (b"554 5.5.0 TLS is due\r\n", ""),
    (b"\x15\x03\x03\x00\x02\x02\x46\r\n250 mx\r\n", "250 mx"), (b"250-mx\r\n250 SIZE 1\r\n", "250-mx"),
])  # fmt: skip
def test_what_a_server_says_in_clear_after_starttls(serve: Serve, behind: bytes, went: str) -> None:
    def script(connected: socket.socket) -> None:
        connected.sendall(b"220 mx ESMTP\r\n")
        _lines(connected, 1)
        connected.sendall(EHLO)
        _lines(connected, 1)
        connected.sendall(b"220 go\r\n")
        _lines(connected, 1)
        connected.sendall(behind)

    with _session(serve(script)) as session:
        assert fall_back(session, Protocol.SMTP) == went


def test_a_server_that_neither_ends_nor_answers_decides_nothing(serve: Serve) -> None:
    def script(connected: socket.socket) -> None:
        connected.sendall(b"220 mx ESMTP\r\n")
        _lines(connected, 1)
        connected.sendall(EHLO)
        _lines(connected, 1)
        connected.sendall(b"220 go\r\n")
        _lines(connected, 9)

    with _session(serve(script), deadline=0.3) as session, pytest.raises(TimedOut):
        fall_back(session, Protocol.SMTP)


def test_starttls_that_is_declined_decides_nothing(serve: Serve) -> None:
    def script(connected: socket.socket) -> None:
        connected.sendall(b"220 mx ESMTP\r\n")
        _lines(connected, 1)
        connected.sendall(EHLO)
        _lines(connected, 1)
        connected.sendall(b"454 4.7.0 later\r\n")

    with _session(serve(script)) as session, pytest.raises(Declined):
        fall_back(session, Protocol.SMTP)


@pytest.mark.parametrize("heard", [b"+OK\r\n", b"a1 OK done\r\n", b"* CAPABILITY x\r\n", b'"SASL" ""\r\n', b"OK\r\n"])
def test_every_protocol_s_yes_is_known(heard: bytes) -> None:
    assert went_on(heard) == heard.decode().strip()


@pytest.mark.parametrize("heard", [b"-ERR\r\n", b"a1 BAD no\r\n", b"NO\r\n", b"BYE\r\n", b"530 5.7.0 TLS\r\n", b""])
def test_a_refusal_is_no_yes(heard: bytes) -> None:
    assert went_on(heard) == ""


def void(_: object) -> None:
    """A script returns nothing."""
