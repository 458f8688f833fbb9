"""What replies to a message with a false end, and to a hurried client, mean."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mailproof.errors import GarbledReply, Undecided
from mailproof.model import Protocol, Security
from mailproof.wire.peer import Peer
from mailproof.wire.session import Session
from mailproof.wire.smuggling import ENDS, Smuggled, Whole, hurry, judge_hurry, judge_message, replies, smuggle

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]

QUEUED = b"250 2.0.0 Ok: queued as X\r\n"
FLUSHED = b"250 2.0.0 Ok\r\n"
BYE = b"221 2.0.0 Bye\r\n"
OUT = b"554 5.5.0 Error: SMTP protocol synchronization\r\n"
BARE = b"550 5.5.2 Error: bare <LF> received\r\n"


@pytest.mark.parametrize(("heard", "rejected"), [(QUEUED + BYE, False), (BARE, True), (BARE + BYE, True),
                                                 (b"521 5.5.2 bare <LF>\r\n", True)])  # fmt: skip
def test_one_answer_is_one_message(heard: bytes, rejected: bool) -> None:
    found = judge_message(replies(heard))
    assert isinstance(found, Whole)
    assert found.rejected is rejected


@pytest.mark.parametrize("heard", [QUEUED + FLUSHED + b"500 5.5.2 bad syntax\r\n" + BYE, QUEUED + OUT,
                                   QUEUED + QUEUED + BYE, QUEUED + b"502 5.5.2 what\r\n" + BYE])  # fmt: skip
def test_more_answers_than_messages_are_smuggled(heard: bytes) -> None:
    found = judge_message(replies(heard))
    assert isinstance(found, Smuggled)
    assert "queued" in str(found)


@pytest.mark.parametrize("heard", [b"", QUEUED, BYE, b"451 4.3.0 later\r\n", b"451 4.3.0 later\r\n" + BYE,
                                   b"421 4.3.0 busy\r\n", BARE + FLUSHED, FLUSHED.replace(b"250", b"354")])  # fmt: skip
def test_other_answers_decide_nothing(heard: bytes) -> None:
    with pytest.raises(Undecided):
        judge_message(replies(heard))


def test_half_a_reply_is_no_reply() -> None:
    with pytest.raises(GarbledReply):
        replies(QUEUED + b"221 2.0")


def test_replies_may_have_several_lines() -> None:
    assert [reply.code for reply in replies(b"250-a\r\n250 b\r\n" + OUT)] == ["250", "554"]


@pytest.mark.parametrize(("heard", "reply"), [(b"250-a\r\n250 b\r\n" + FLUSHED, ""), (OUT, OUT.decode().strip())])
def test_a_hurried_client_is_served_or_turned_out(heard: bytes, reply: str) -> None:
    assert judge_hurry(replies(heard)) == reply


@pytest.mark.parametrize("heard", [b"", FLUSHED, b"421 4.3.2 busy\r\n", FLUSHED + b"502 5.5.2 what\r\n", OUT + FLUSHED])
def test_a_hurried_client_may_learn_nothing(heard: bytes) -> None:
    with pytest.raises(Undecided):
        judge_hurry(replies(heard))


@contextmanager
def _session(port: int) -> Iterator[Session]:
    session = Peer.at("127.0.0.1", port, Protocol.SMTP, Security.STARTTLS, "probe.test", 5).session()
    try:
        yield session
    finally:
        session.close()


def _until(connected: socket.socket, end: bytes) -> bytes:
    heard = b""
    while not heard.endswith(end):
        data = connected.recv(4096)
        if not data:
            return heard
        heard += data
    return heard


def _greeted(connected: socket.socket) -> None:
    connected.sendall(b"220 mx ESMTP\r\n")
    _until(connected, b"\r\n")
    connected.sendall(b"250-mx\r\n250 PIPELINING\r\n")


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_the_false_end_goes_out_as_it_is(serve: Serve, end: bytes) -> None:
    heard: list[bytes] = []

    def script(connected: socket.socket) -> None:
        _greeted(connected)
        _until(connected, b"DATA\r\n")
        connected.sendall(b"354 go\r\n")
        heard.append(_until(connected, b"QUIT\r\n"))
        connected.sendall(QUEUED + BYE)

    with _session(serve(script)) as session:
        assert smuggle(session, end) == Whole(False, "250 2.0.0 Ok: queued as X", session.transcript)
    assert heard == [b"Subject: a probe\r\n\r\nOne" + end + b"RSET\r\nTwo\r\n.\r\nQUIT\r\n"]


def test_data_that_is_not_wanted_decides_nothing(serve: Serve) -> None:
    def script(connected: socket.socket) -> None:
        _greeted(connected)
        _until(connected, b"DATA\r\n")
        connected.sendall(b"503 5.5.1 no\r\n")
        _until(connected, b"QUIT\r\n")

    with _session(serve(script)) as session, pytest.raises(Undecided, match="503"):
        smuggle(session, b"\n.\n")


@pytest.mark.parametrize(("answers", "reply"), [((b"250-mx\r\n250 PIPELINING\r\n", FLUSHED), ""), ((OUT,), "554")])
def test_a_hurried_client_sends_both_at_once(serve: Serve, answers: tuple[bytes, ...], reply: str) -> None:
    heard: list[bytes] = []

    def script(connected: socket.socket) -> None:
        _greeted(connected)
        heard.append(_until(connected, b"NOOP\r\n"))
        for answer in answers:
            connected.sendall(answer)

    with _session(serve(script)) as session:
        assert hurry(session).startswith(reply)
    assert heard == [b"EHLO probe.test\r\nNOOP\r\n"]
