"""The answer to an SSL 2 hello (RFC 6101 §E; the errors are those of «The SSL Protocol», 1995, §5). Pure."""

from __future__ import annotations

from mailproof.errors import GarbledReply
from mailproof.wire.tls.alerts import Alert
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.octets import Reader

_ERROR, _SERVER_HELLO = 0, 4
_NO_CIPHER = 1


def ssl_2_answer(data: bytes, hello: ClientHello) -> Chosen | Alert | None:
    """What ``data`` says to ``hello``; None while it is not whole. Raises GarbledReply."""
    if len(data) < 2:
        return None
    padded = not data[0] & 0x80
    start = 3 if padded else 2
    size = int.from_bytes(data[:2], "big") & (0x3FFF if padded else 0x7FFF)
    if size == 0 or data[start : start + 1] not in (b"", bytes([_ERROR]), bytes([_SERVER_HELLO])):
        raise GarbledReply("the peer's answer to the SSL 2 hello is not SSL 2")
    if len(data) < start + size:
        return None
    body = Reader(data[start : start + size])
    return _refused(body) if body.number(1) == _ERROR else _server_hello(body, hello)


def _refused(body: Reader) -> Alert:
    """SSL 2 has one error that answers an offer."""
    if body.number(2) != _NO_CIPHER:
        raise GarbledReply("an SSL 2 error that says nothing about what was offered")
    return Alert("handshake_failure", fatal=True)


def _server_hello(body: Reader, hello: ClientHello) -> Chosen:
    """A server lists the kinds that both sides know; the client would pick one."""
    body.take(2)
    version = body.number(2)
    certificate, specs, connection = body.number(2), body.number(2), body.number(2)
    chain = (body.take(certificate),) if certificate else ()
    listed = Reader(body.take(specs))
    body.take(connection)
    kinds = []
    while listed:
        kinds.append(listed.number(3))
    both = [kind for kind in kinds if kind in hello.suites]
    if version != 2 or not both:
        raise GarbledReply("an SSL 2 answer that agrees to nothing that was offered")
    return Chosen("SSLv2", both[0], chain=chain, kinds=tuple(kinds))
