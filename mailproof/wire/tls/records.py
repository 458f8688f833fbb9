"""TLS records: the frames in which everything travels (RFC 8446 §5.1, RFC 5246 §6.2.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mailproof.errors import GarbledReply

ALERT, HANDSHAKE = 21, 22
CONTENT_TYPES = frozenset({20, ALERT, HANDSHAKE, 23, 24})
MOST_IN_RECORD = 2**14 + 2048
"""The longest payload of a record, encryption included (RFC 5246 §6.2.3)."""

MOST_IN_MESSAGE = 2**17
"""The longest handshake message that we accept: a chain of many certificates still fits."""

_LONGEST_PLAIN = 2**14


class Records:
    """Cuts records out of bytes as they come, whatever pieces the network made of them."""

    def __init__(self) -> None:
        self._unread = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take ``data`` in and give the type and payload of each record that is whole now.

        Raises GarbledReply where a header is no TLS record's.
        """
        self._unread += data
        while len(self._unread) >= 5:
            size = _size(self._unread)
            if len(self._unread) < 5 + size:
                return
            kind, payload = self._unread[0], bytes(self._unread[5 : 5 + size])
            del self._unread[: 5 + size]
            yield kind, payload

    @property
    def pending(self) -> bool:
        """Whether part of a record has come."""
        return bool(self._unread)


class Messages:
    """Joins handshake messages from the payloads of their records."""

    def __init__(self) -> None:
        self._unread = bytearray()

    def feed(self, payload: bytes) -> Iterator[tuple[int, bytes]]:
        """Take a record's payload in and give the type and body of each message that is whole now.

        Raises GarbledReply for a message longer than :data:`MOST_IN_MESSAGE`.
        """
        self._unread += payload
        while len(self._unread) >= 4:
            size = int.from_bytes(self._unread[1:4], "big")
            if size > MOST_IN_MESSAGE:
                raise GarbledReply(f"a handshake message of {size} bytes")
            if len(self._unread) < 4 + size:
                return
            kind, body = self._unread[0], bytes(self._unread[4 : 4 + size])
            del self._unread[: 4 + size]
            yield kind, body

    @property
    def pending(self) -> bool:
        """Whether part of a message has come."""
        return bool(self._unread)


def record(kind: int, payload: bytes, version: int) -> bytes:
    """``payload`` as records of this type, as many as it takes."""
    cuts = range(0, len(payload), _LONGEST_PLAIN)
    parts = [payload[at : at + _LONGEST_PLAIN] for at in cuts]
    return b"".join(bytes([kind]) + version.to_bytes(2, "big") + len(part).to_bytes(2, "big") + part for part in parts)


def first_message(data: bytes) -> tuple[int, bytes] | None:
    """The type and body of the first handshake message in ``data``; None while it is not complete, or where another
    kind of record comes first. Raises GarbledReply."""
    messages = Messages()
    for kind, payload in Records().feed(data):
        if kind != HANDSHAKE:
            return None
        for message in messages.feed(payload):
            return message
    return None


def _size(header: bytearray) -> int:
    size = int.from_bytes(header[3:5], "big")
    if header[0] not in CONTENT_TYPES or header[1] != 3 or size > MOST_IN_RECORD:
        raise GarbledReply("the peer's answer to the TLS hello is not TLS")
    return size
