"""Bytes to and from a peer within one deadline and one bound: plain TCP, and TLS on it. Knows no mail protocol."""

from __future__ import annotations

import socket
import time
from typing import Protocol

from OpenSSL import SSL

from mailproof.errors import ConnectionDropped, GarbledReply, PeerAlert, TimedOut, Unreachable
from mailproof.wire.tls.registry import alert_name

MOST_BYTES = 1024 * 1024
"""How much we accept from a peer in one session."""

_SEGMENT = 16 * 1024


class Stream(Protocol):
    """Where a session's bytes go and come from."""

    def send(self, data: bytes) -> None:
        """Send all of ``data``. Raises TimedOut. A peer that has gone shows in the next :meth:`receive`."""

    def receive(self) -> bytes:
        """The next bytes; empty when the peer has closed. Raises TimedOut, ConnectionDropped, GarbledReply."""

    def close(self) -> None:
        """End the connection; safe to repeat."""


class Carrier(Stream, Protocol):
    """A stream that TLS can start on: it knows whether all that we sent went out (``delivered``)."""

    delivered: bool


class SocketStream:
    """A TCP connection. The deadline covers its whole life; ``delivered`` says whether all that we sent went out."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        """``deadline``: seconds from now."""
        self._socket = connected
        self._ends = time.monotonic() + deadline
        self._received = 0
        self.delivered = True

    @classmethod
    def connect(cls, host: str, port: int, deadline: float) -> SocketStream:
        """Connect within ``deadline`` seconds, which go on counting. Raises Unreachable, TimedOut."""
        began = time.monotonic()
        try:
            connected = socket.create_connection((host, port), timeout=deadline)
        except TimeoutError:
            raise TimedOut(f"no connection to {host} port {port} within {deadline:g} s") from None
        except OSError as error:
            raise Unreachable(f"no connection to {host} port {port}: {error.strerror or error}") from error
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(connected, deadline - (time.monotonic() - began))

    def send(self, data: bytes) -> None:
        """Send all of ``data``. Raises TimedOut. A peer that has gone may have said why: the next receive tells."""
        self._limit("the peer takes no more bytes")
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise TimedOut("the peer takes no more bytes: the deadline has passed") from None
        except OSError:
            self.delivered = False

    def receive(self) -> bytes:
        """The next bytes; empty when the peer has closed in order. Raises TimedOut, ConnectionDropped, GarbledReply."""
        self._limit("no answer")
        try:
            data = self._socket.recv(_SEGMENT)
        except TimeoutError:
            raise TimedOut("no answer: the deadline has passed") from None
        except OSError as error:
            raise ConnectionDropped(f"the connection broke: {error.strerror or error}") from error
        self._received += len(data)
        if self._received > MOST_BYTES:
            raise GarbledReply(f"the peer sent more than {MOST_BYTES} bytes")
        return data

    def close(self) -> None:
        """Close the socket; safe to repeat."""
        self._socket.close()

    def _limit(self, trouble: str) -> None:
        if self._socket.fileno() < 0:
            raise ConnectionDropped("the connection is closed already")
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimedOut(f"{trouble}: the deadline has passed")
        self._socket.settimeout(left)


class Witness:
    """Watches an OpenSSL connection through its info callback: states passed, and the last fatal alert received."""

    def __init__(self) -> None:
        self.states: set[bytes] = set()
        self.alert: int | None = None

    def __call__(self, connection: SSL.Connection, where: int, value: int) -> None:
        """Called by OpenSSL (SSL_set_info_callback(3)): ``value`` of an alert is its level and description."""
        if where == SSL.SSL_CB_READ_ALERT and value >> 8 == 2:
            self.alert = value & 0xFF
        if where & SSL.SSL_CB_LOOP:
            self.states.add(connection.get_state_string())


class TlsStream:
    """TLS over a stream, after the handshake: ``connection`` works on memory, its bytes go through ``below``."""

    def __init__(self, below: Stream, connection: SSL.Connection, witness: Witness) -> None:
        self._below = below
        self._connection = connection
        self._witness = witness

    def send(self, data: bytes) -> None:
        """Send all of ``data``, encrypted. Raises TimedOut, ConnectionDropped."""
        try:
            self._connection.sendall(data)
        except SSL.Error as error:
            raise ConnectionDropped(f"TLS has ended: {reason(error)}") from error
        self._flush()

    def receive(self) -> bytes:
        """The next bytes, decrypted; empty when the peer has closed. Raises what the stream
        below raises, and PeerAlert, GarbledReply.
        """
        while True:
            try:
                return self._connection.recv(_SEGMENT)
            except SSL.WantReadError:
                self._flush()
            except SSL.ZeroReturnError:
                return b""
            except SSL.Error as error:
                raise self._ended(error) from error
            data = self._below.receive()
            if not data:
                return b""
            self._connection.bio_write(data)

    def close(self) -> None:
        """Say close_notify where that is still possible, then close the stream below."""
        try:
            self._connection.shutdown()
            self._flush()
        except (SSL.Error, TimedOut, ConnectionDropped):
            pass  # a peer that has gone needs no farewell
        self._below.close()

    def _flush(self) -> None:
        data = outgoing(self._connection)
        if data:
            self._below.send(data)

    def _ended(self, error: SSL.Error) -> ConnectionDropped | GarbledReply:
        if self._witness.alert is not None:
            return PeerAlert(alert_name(self._witness.alert))
        return GarbledReply(f"the peer broke TLS: {reason(error)}")


def outgoing(connection: SSL.Connection) -> bytes:
    """The bytes that a memory connection wants sent."""
    data = b""
    while True:
        try:
            data += connection.bio_read(_SEGMENT)
        except SSL.WantReadError:
            return data


def reason(error: Exception) -> str:
    """OpenSSL's words for what went wrong."""
    queue = error.args[0] if error.args else ""
    if not isinstance(queue, list):
        return str(queue) or type(error).__name__
    return "; ".join(str(entry[-1]) for entry in queue) or type(error).__name__
