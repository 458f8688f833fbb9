"""TLS records as bytes: what a ClientHello really offers, and how the peer's first flight begins.

Pure, and independent of the TLS library, so that it can testify about it (RFC 8446 §4.1, §5.1; RFC 5246 §7.4.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mailproof.errors import GarbledReply
from mailproof.wire.suites import NAMES, SIGNALS

_ALERT, _HANDSHAKE = 21, 22
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_SERVER_NAME, _SUPPORTED_GROUPS, _SUPPORTED_VERSIONS = 0, 10, 43
_VERSION_NAMES = {0x0300: "SSLv3", 0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
_MOST_IN_RECORD = 2**14 + 2048

ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip
"""Alert descriptions by number (IANA registry «TLS Alerts»)."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers. ``versions`` are names, as listed in supported_versions, or the one legacy version, which
    stands for itself and all older ones; ``suites`` and ``groups`` are registry numbers in the client's order.
    """

    versions: tuple[str, ...]
    suites: tuple[int, ...]
    groups: tuple[int, ...]
    server_name: str | None


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What a server chose (a HelloRetryRequest too). ``suite`` is OpenSSL's name, or the number in hexadecimal."""

    version: str
    suite: str

    def __str__(self) -> str:
        return f"ServerHello {self.version} {self.suite}"


@dataclass(frozen=True, slots=True)
class Alert:
    """A plaintext alert, by name."""

    name: str
    fatal: bool

    def __str__(self) -> str:
        return f"{'fatal' if self.fatal else 'warning'} alert {self.name}"


class _Reader:
    """Takes big-endian fields off the front of bytes. Raises GarbledReply where they end early."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def take(self, size: int) -> bytes:
        taken, self.data = self.data[:size], self.data[size:]
        if len(taken) < size:
            raise GarbledReply("a TLS message that ends in the middle")
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))


def alert_name(number: int) -> str:
    """The registered name of an alert, or its number."""
    return ALERTS.get(number, f"number {number}")


def client_hello(records: bytes) -> ClientHello:
    """The ClientHello in ``records``. Raises GarbledReply where there is none."""
    message = _first_message(records)
    if message is None or message[0] != _CLIENT_HELLO:
        raise GarbledReply("no ClientHello")
    body = _Reader(message[1])
    legacy = body.number(2)
    body.take(32)
    body.vector(1)
    suites = tuple(number for number in _numbers(body.vector(2)) if number not in SIGNALS)
    body.vector(1)
    extensions = _extensions(body.data)
    listed = _numbers(_Reader(extensions[_SUPPORTED_VERSIONS]).vector(1)) if _SUPPORTED_VERSIONS in extensions else ()
    groups = _numbers(_Reader(extensions[_SUPPORTED_GROUPS]).vector(2)) if _SUPPORTED_GROUPS in extensions else ()
    return ClientHello(_names(listed or (legacy,)), suites, tuple(groups), _server_name(extensions))


def first_flight(records: bytes) -> ServerHello | Alert | None:
    """How the peer's answer begins; None while it is not complete. Raises GarbledReply where it is no TLS."""
    if records[:1] and records[0] not in (_ALERT, _HANDSHAKE):
        raise GarbledReply("the peer's answer to the TLS hello is not TLS")
    first = next(_records(records), None)
    if first is not None and first[0] == _ALERT:
        level, number = _Reader(first[1]).take(2)
        return Alert(alert_name(number), level == 2)
    message = _first_message(records)
    if message is None:
        return None
    if message[0] != _SERVER_HELLO:
        raise GarbledReply("the peer's answer to the TLS hello is no ServerHello")
    return _server_hello(_Reader(message[1]))


def _server_hello(body: _Reader) -> ServerHello:
    legacy = body.number(2)
    body.take(32)
    body.vector(1)
    suite = body.number(2)
    body.take(1)
    chosen = _extensions(body.data).get(_SUPPORTED_VERSIONS)
    version = legacy if chosen is None else _Reader(chosen).number(2)
    return ServerHello(_names((version,))[0], NAMES.get(suite, f"0x{suite:04X}"))


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The type and payload of each whole plaintext record. Raises GarbledReply where a header is no TLS record's."""
    while len(data) >= 5:
        size = int.from_bytes(data[3:5], "big")
        if data[1] != 3 or size > _MOST_IN_RECORD:
            raise GarbledReply("a record that is no TLS")
        if len(data) < 5 + size:
            return
        yield data[0], data[5 : 5 + size]
        data = data[5 + size :]


def _first_message(data: bytes) -> tuple[int, bytes] | None:
    """The type and body of the first handshake message, joined from its records; None while it is not complete."""
    joined = b""
    for kind, payload in _records(data):
        if kind != _HANDSHAKE:
            break
        joined += payload
        if len(joined) >= 4 and len(joined) >= 4 + int.from_bytes(joined[1:4], "big"):
            return joined[0], joined[4 : 4 + int.from_bytes(joined[1:4], "big")]
    return None


def _extensions(data: bytes) -> dict[int, bytes]:
    if not data:
        return {}
    found: dict[int, bytes] = {}
    inside = _Reader(_Reader(data).vector(2))
    while inside.data:
        kind = inside.number(2)
        found[kind] = inside.vector(2)
    return found


def _server_name(extensions: dict[int, bytes]) -> str | None:
    if _SERVER_NAME not in extensions:
        return None
    names = _Reader(_Reader(extensions[_SERVER_NAME]).vector(2))
    names.take(1)
    return names.vector(2).decode("ascii", "backslashreplace")


def _numbers(data: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


def _names(versions: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(_VERSION_NAMES.get(version, f"0x{version:04X}") for version in versions)
