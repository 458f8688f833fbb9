"""Bytes through a helper to a unix socket: here with the helper on this machine, against peers of every manner."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mailproof.errors import ConnectionDropped, GarbledReply, TimedOut, Unreachable
from mailproof.targets.inner import InnerStream
from mailproof.wire.stream import MOST_BYTES

Script = Callable[[socket.socket], None]
Dial = Callable[..., InnerStream]
DEADLINE = 10.0


@pytest.fixture
def dial(tmp_path: Path) -> Iterator[Dial]:
    """Connects to a unix socket behind which a script serves one connection."""
    with ExitStack() as ends:

        def connect(script: Script, deadline: float = DEADLINE) -> InnerStream:
            path = str(tmp_path / "socket")
            listener = ends.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(path)
            listener.listen()
            served = threading.Thread(target=_serve, args=(listener, script), daemon=True)
            served.start()
            ends.callback(served.join, DEADLINE)
            stream = InnerStream.through((), path, deadline)
            ends.callback(stream.close)
            return stream

        yield connect


def heard(stream: InnerStream) -> bytes:
    """All that comes until the peer closes in order."""
    data = b""
    while part := stream.receive():
        data += part
    return data


def test_bytes_go_both_ways_unchanged_and_an_orderly_end_is_one(dial: Dial) -> None:
    every = bytes(range(256)) * 1000
    stream = dial(lambda peer: peer.sendall(_exactly(peer, len(every))[::-1]))
    stream.send(every)
    assert heard(stream) == every[::-1]
    assert stream.delivered


def test_what_the_peer_says_first_is_not_lost(dial: Dial) -> None:
    assert heard(dial(lambda peer: peer.sendall(b"+220 hello\r\n"))) == b"+220 hello\r\n"


def test_a_socket_that_is_not_there_cannot_be_reached(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"nowhere inside the target accepts no connection: No such file"):
        InnerStream.through((), str(tmp_path / "nowhere"), DEADLINE)


def test_an_engine_that_says_no_is_a_target_that_cannot_be_reached() -> None:
    run = ("sh", "-c", "echo 'Error response from daemon: No such container' >&2; exit 1")
    with pytest.raises(Unreachable, match="No such container"):
        InnerStream.through(run, "/run/socket", DEADLINE)


def test_a_program_that_is_not_there_is_a_target_that_cannot_be_reached() -> None:
    with pytest.raises(Unreachable, match="no-such-engine cannot be run: No such file"):
        InnerStream.through(("no-such-engine",), "/run/socket", DEADLINE)


def test_what_is_said_before_the_helper_is_connected_is_not_the_peer_s() -> None:
    with pytest.raises(Unreachable, match="220 hello"):
        InnerStream.through(("echo", "220 hello"), "/run/socket", DEADLINE)


def test_a_helper_that_dies_is_no_orderly_end(dial: Dial) -> None:
    waiting = threading.Event()
    stream = dial(lambda peer: _until(waiting))
    stream._helper.kill()
    with pytest.raises(ConnectionDropped, match="status -9"):
        stream.receive()
    waiting.set()


def test_a_peer_that_closes_over_what_was_sent_does_not_end_in_order(dial: Dial) -> None:
    """As a TCP peer that closes with bytes unread resets the connection: nobody knows what it saw."""
    sent = threading.Event()
    stream = dial(lambda peer: _until(sent))
    stream.send(b"hello")
    sent.set()
    with pytest.raises(ConnectionDropped):
        heard(stream)


def test_a_peer_that_is_silent_ends_with_the_deadline(dial: Dial) -> None:
    waiting = threading.Event()
    stream = dial(lambda peer: _until(waiting), deadline=0.5)
    with pytest.raises(TimedOut):
        stream.receive()
    waiting.set()


def test_a_flood_ends_at_the_bound(dial: Dial) -> None:
    stream = dial(_flood)
    with pytest.raises(GarbledReply, match=f"more than {MOST_BYTES} bytes"):
        heard(stream)


def test_closing_ends_the_helper_and_tells_the_peer(dial: Dial) -> None:
    seen: list[bytes] = []
    stream = dial(lambda peer: seen.append(peer.recv(1)))
    stream.close()
    stream.close()
    assert stream._helper.returncode == 0
    with pytest.raises(ConnectionDropped):
        stream.receive()


def _serve(listener: socket.socket, script: Script) -> None:
    connected, _ = listener.accept()
    with connected:
        script(connected)


def _exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += peer.recv(65536)
    return data


def _until(event: threading.Event) -> None:
    event.wait(DEADLINE)


def _flood(peer: socket.socket) -> None:
    try:
        while True:
            peer.sendall(bytes(65536))
    except OSError:
        return
