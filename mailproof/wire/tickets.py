"""What the plaintext of a finished handshake shows of sessions and tickets: offered, taken up, given. Pure.

It is read from the bytes of both sides, beside the TLS library, so that the library does not vouch for itself. A ticket
is known by its size, its lifetime and the name of the key that it is sealed with; what is sealed is never kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mailproof.errors import GarbledReply
from mailproof.wire.tls.clienthello import CLIENT_HELLO, PRE_SHARED_KEY, SESSION_TICKET, SUPPORTED_VERSIONS, extensions
from mailproof.wire.tls.octets import Reader
from mailproof.wire.tls.records import HANDSHAKE, Messages, Records, first_message

How = Literal["ticket", "session id", "pre-shared key"]
"""By what a client offers a session: RFC 5077 §3.4, RFC 5246 §7.3, RFC 8446 §2.2."""

_SERVER_HELLO, _NEW_SESSION_TICKET, _SERVER_HELLO_DONE = 2, 4, 14
_CHANGE_CIPHER_SPEC = 20
_KEY_NAME = 16


@dataclass(frozen=True, slots=True)
class Ticket:
    """A TLS 1.2 ticket from outside. ``lifetime`` is the server's hint in seconds (0: it says nothing), ``size`` in
    bytes. ``key_name`` are its first 16 bytes, by which a server finds the key that opens it (RFC 5077 §4, as OpenSSL
    lays it out); it changes with the key and is no secret.
    """

    lifetime: int
    key_name: bytes
    size: int

    def __str__(self) -> str:
        return f"ticket of {self.size} bytes, lifetime hint {self.lifetime} s, key {self.key_name.hex()}"


@dataclass(frozen=True, slots=True)
class Shown:
    """``offered``: by what the client offered a session, None where it offered none. ``resumed``: the server took it
    up. ``named``: the server gave the session an id (TLS 1.2). ``ticket``: the one that it gave in clear (TLS 1.2).
    """

    offered: How | None = None
    resumed: bool = False
    named: bool = False
    ticket: Ticket | None = None


def offered_session(hello: bytes) -> tuple[How | None, bytes]:
    """By what the records of a ClientHello offer a session, and the session id in it. Raises GarbledReply."""
    message = first_message(hello)
    if message is None or message[0] != CLIENT_HELLO:
        raise GarbledReply("no ClientHello")
    body = Reader(message[1])
    body.take(2 + 32)
    session = body.vector(1)
    body.vector(2)
    body.vector(1)
    found = extensions(body.rest())
    if PRE_SHARED_KEY in found:
        return "pre-shared key", session
    if found.get(SESSION_TICKET):
        return "ticket", session
    # A hello for TLS 1.3 fills the field with chance, for old middleboxes (RFC 8446 §D.4).
    return ("session id" if session and SUPPORTED_VERSIONS not in found else None), session


def shown(hello: bytes, answer: bytes) -> Shown:
    """What our hello and everything that the server sent up to the end of the handshake show.

    Raises GarbledReply where there is no ServerHello, or where one that takes a session up is followed by a whole new
    handshake (RFC 5246 §7.3).
    """
    offered, session = offered_session(hello)
    messages = list(_in_clear(answer))
    hellos = [body for kind, body in messages if kind == _SERVER_HELLO]
    if not hellos:
        raise GarbledReply("no ServerHello")
    echoed, found = _server_hello(hellos[-1])
    if SUPPORTED_VERSIONS in found:
        return Shown(offered, offered == "pre-shared key" and PRE_SHARED_KEY in found)
    resumed = not any(kind == _SERVER_HELLO_DONE for kind, _ in messages)
    if resumed != (bool(session) and session == echoed):
        raise GarbledReply("the server's hello and what follows it contradict each other about the session")
    tickets = [_ticket(body) for kind, body in messages if kind == _NEW_SESSION_TICKET]
    return Shown(offered, resumed, bool(echoed), tickets[-1] if tickets else None)


def _in_clear(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """The handshake messages that are not encrypted. In TLS 1.3 another record may come between two ServerHellos."""
    messages = Messages()
    done = False
    for kind, payload in Records().feed(answer):
        if kind == HANDSHAKE:
            for number, body in messages.feed(payload):
                yield number, body
                done = done or (number == _SERVER_HELLO and SUPPORTED_VERSIONS not in _server_hello(body)[1])
        elif kind == _CHANGE_CIPHER_SPEC and done:
            return


def _server_hello(message: bytes) -> tuple[bytes, dict[int, bytes]]:
    """The session id and the extensions of a ServerHello."""
    body = Reader(message)
    body.take(2 + 32)
    session = body.vector(1)
    body.take(2 + 1)
    return session, extensions(body.rest())


def _ticket(message: bytes) -> Ticket | None:
    """A NewSessionTicket (RFC 5077 §3.3); None for an empty one, by which a server takes its promise back."""
    body = Reader(message)
    lifetime, sealed = body.number(4), body.vector(2)
    return Ticket(lifetime, sealed[:_KEY_NAME], len(sealed)) if sealed else None
