"""Servers of bytes made by hand: they do what no TLS library does any more, or never did. Knows no library's server.

The first half writes messages of a server's first flight (RFC 5246 §7.4, RFC 8446 §4, SSL 2: RFC 6101 §E); the second
makes scripts of them that the fixture ``serve`` runs, as the server of implicit TLS or behind an SMTP dialogue.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable
from contextlib import suppress

from mailproof.wire.tls.clienthello import ClientHello, client_hello
from mailproof.wire.tls.registry import ALERTS

Script = Callable[[socket.socket], None]

ALERT_NUMBERS = {name: number for number, name in ALERTS.items()}
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
RSA_PSS = 0x0804
LEAF = bytes.fromhex("3003020101")
"""What stands for a certificate: nobody looks into it here."""
DH_512 = int(
    "F864036C3F1E0F02A3A64E86B2D4EB72D40BE52D5318DE54264D25B75C3A5D56"
    "D52DE8AF4F66A312C135C17762F9984A4690597F70C10454016B33B3B5B27A33", 16,
)  # fmt: skip
SHARED_1024 = int(
    "B10B8F96A080E01DDE92DE5EAE5D54EC52C99FBCFB06A3C69A6A9DCA52D23B616073E28675A23D189838EF1E2EE652C0"
    "13ECB4AEA906112324975C3CD49B83BFACCBDD7D90C4BD7098488E9C219A73724EFFD6FAE5644738FAA31A4FF55BCCC0"
    "A151AF5F0DC8B4BD45BF37DF365C1A65E68CFDA76D4DA708DF1FB2BC2E4A4371", 16,
)  # fmt: skip
"""RFC 5114 §2.1."""
COMPOSITE_1024 = DH_512 * DH_512
RENEGOTIATION = b"\xff\x01\x00\x01\x00"


def vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def two(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)


def record(payload: bytes, kind: int = 22, version: int = 0x0303) -> bytes:
    return bytes([kind]) + two(version) + vector(2, payload)


def message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + vector(3, body)


def extension(kind: int, data: bytes) -> bytes:
    return two(kind) + vector(2, data)


def server_hello(
    suite: int, version: int = 0x0303, extensions: bytes | None = RENEGOTIATION, chance: bytes = bytes(32),
    compression: int = 0,
) -> bytes:  # fmt: skip
    """Without ``extensions``, not even an empty list of them."""
    end = b"" if extensions is None else vector(2, extensions)
    return message(2, two(version) + chance + b"\0" + two(suite) + bytes([compression]) + end)


def server_hello_13(suite: int = 0x1301, group: int = 29, share: bytes = bytes(32)) -> bytes:
    return server_hello(suite, 0x0303, extension(43, b"\3\4") + extension(51, two(group) + vector(2, share)))


def retry(group: int, suite: int = 0x1301) -> bytes:
    return server_hello(suite, 0x0303, extension(43, b"\3\4") + extension(51, two(group)), RETRY)


def certificate(*chain: bytes) -> bytes:
    return message(11, vector(3, b"".join(vector(3, each) for each in chain or (LEAF,))))


def ecdhe(group: int = 29, signature: int | None = RSA_PSS) -> bytes:
    """``signature``: of TLS 1.2; None writes that of the older versions, which name no scheme."""
    return message(12, b"\3" + two(group) + vector(1, bytes(32)) + _signed(signature))


def dhe(prime: int, signature: int | None = RSA_PSS) -> bytes:
    number = prime.to_bytes((prime.bit_length() + 7) // 8, "big")
    return message(12, vector(2, number) + vector(2, b"\2") + vector(2, b"\1" * len(number)) + _signed(signature))


def _signed(signature: int | None) -> bytes:
    return (b"" if signature is None else two(signature)) + vector(2, bytes(256))


def certificate_request(*names: bytes, signatures: tuple[int, ...] | None = (RSA_PSS, 0x0403)) -> bytes:
    schemes = b"" if signatures is None else vector(2, two(*signatures))
    return message(13, vector(1, b"\1\x40") + schemes + vector(2, b"".join(vector(2, name) for name in names)))


DONE = message(14, b"")


def alert(name: str, level: int = 2) -> bytes:
    return record(bytes([level, ALERT_NUMBERS[name]]), 21)


def flight(*messages: bytes, version: int = 0x0303) -> bytes:
    """All messages in one record, cut where it would be too long for one."""
    data = b"".join(messages)
    return b"".join(record(data[at : at + 16384], version=version) for at in range(0, len(data), 16384))


def ssl_2_record(body: bytes) -> bytes:
    return two(0x8000 | len(body)) + body


def ssl_2_hello(*kinds: int, version: int = 2) -> bytes:
    specs = b"".join(kind.to_bytes(3, "big") for kind in kinds)
    return ssl_2_record(b"\4\0\1" + two(version, len(LEAF), len(specs), 16) + LEAF + specs + bytes(16))


SSL_2_NO_CIPHER = ssl_2_record(b"\0\0\1")


def attribute(oid: str, value: bytes, tag: int = 0x0C) -> bytes:
    """One relative name of a distinguished name, DER; ``oid`` in hexadecimal."""
    kind = bytes.fromhex(oid)
    pair = b"\6" + vector(1, kind) + bytes([tag]) + vector(1, value)
    return b"\x31" + vector(1, b"\x30" + vector(1, pair))


def named(*attributes: bytes) -> bytes:
    inside = b"".join(attributes)
    return b"\x30" + (vector(1, inside) if len(inside) < 0x80 else b"\x82" + vector(2, inside))


def hear_hello(connected: socket.socket) -> bytes:
    """The client's hello: a record of TLS, or SSL 2's own kind."""
    start = _exactly(connected, 5)
    if start[0] & 0x80:
        return start + _exactly(connected, (int.from_bytes(start[:2], "big") & 0x7FFF) - 3)
    return start + _exactly(connected, int.from_bytes(start[3:5], "big"))


def _exactly(connected: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = connected.recv(size - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data


def saying(*pieces: bytes) -> Script:
    """Hears the hello, says the pieces one by one, and waits until the client has gone."""

    def script(connected: socket.socket) -> None:
        hear_hello(connected)
        for piece in pieces:
            connected.sendall(piece)
        leave(connected)

    return script


def choosing(choose: Callable[[ClientHello], bytes]) -> Script:
    """Answers by what the hello offers."""

    def script(connected: socket.socket) -> None:
        connected.sendall(choose(client_hello(hear_hello(connected))))
        leave(connected)

    return script


def for_ever(piece: bytes, *, hello: bool = True) -> Script:
    """Says ``piece`` until 4 GiB are sent or the client has gone."""

    def script(connected: socket.socket) -> None:
        if hello:
            hear_hello(connected)
        block = piece * max(1, 65536 // len(piece))
        for _ in range(2**32 // len(block)):
            connected.sendall(block)

    return script


def dripping(data: bytes, *, hello: bool = True, pause: float = 0.02) -> Script:
    """Says one byte, waits for the client to go, says the next."""

    def script(connected: socket.socket) -> None:
        if hello:
            hear_hello(connected)
        connected.settimeout(pause)
        for at in range(len(data)):
            connected.sendall(data[at : at + 1])
            with suppress(TimeoutError):
                if not connected.recv(4096):
                    return

    return script


def silent(connected: socket.socket) -> None:
    """Says nothing at all."""
    while connected.recv(4096):
        pass


def half(data: bytes) -> Script:
    """Says so much, and no more."""

    def script(connected: socket.socket) -> None:
        connected.sendall(data)
        silent(connected)

    return script


def closing(connected: socket.socket) -> None:
    """Hears the hello and closes in order."""
    hear_hello(connected)


def resetting(after: bytes = b"") -> Script:
    """Hears the hello, says the beginning of an answer, and breaks the connection off."""

    def script(connected: socket.socket) -> None:
        hear_hello(connected)
        connected.sendall(after)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


def leave(connected: socket.socket) -> None:
    """Close our side, and wait for the client's: so that nothing that was said is lost."""
    connected.shutdown(socket.SHUT_WR)
    silent(connected)


GREETING = b"220-mx.test greets\r\n220 you ESMTP\r\n"
CAPABLE = b"250-mx.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
READY = b"220 2.0.0 go ahead\r\n"


def behind_starttls(
    tls: Script, *, greeting: bytes = GREETING, capable: bytes = CAPABLE, ready: bytes = READY, segment: int = 5
) -> Script:
    """An SMTP server whose every reply comes in segments of so many bytes, up to where ``tls`` takes over."""

    def script(connected: socket.socket) -> None:
        _say(connected, greeting, segment)
        for reply in (capable, ready):
            if not _line(connected):
                return
            _say(connected, reply, segment)
        tls(connected)

    return script


def _say(connected: socket.socket, data: bytes, segment: int) -> None:
    for at in range(0, len(data), segment):
        connected.sendall(data[at : at + segment])


def _line(connected: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = connected.recv(1)
        if not byte:
            return b""
        line += byte
    return line


def pieces(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """``data`` cut into pieces of these sizes, and the rest."""
    cut, at = [], 0
    for size in sizes:
        cut.append(data[at : at + size])
        at += size
    return [*cut, data[at:]]
