"""A mail service from outside: how to reach it, what it speaks, how TLS starts. Every question begins here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from mailproof.errors import Busy
from mailproof.model import Protocol, Security
from mailproof.wire.answers import Answer, Refused
from mailproof.wire.offers import MODERN, Offer
from mailproof.wire.session import Session
from mailproof.wire.stream import Carrier, SocketStream
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello

DEADLINE = 10.0
"""Seconds that a connection may take, all in all."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A service. ``connect`` opens a connection that ends by itself after the seconds it is given; ``helo`` is the name
    that we give in EHLO and LHLO. Whatever talks raises Unreachable, Busy, Declined, TimedOut, ConnectionDropped,
    GarbledReply and CannotOffer.
    """

    protocol: Protocol
    security: Security
    connect: Callable[[float], Carrier] = field(repr=False)
    helo: str
    deadline: float = DEADLINE

    @classmethod
    def at(cls, host: str, port: int, protocol: Protocol, security: Security, helo: str,
           deadline: float = DEADLINE) -> Peer:  # fmt: skip
        """A service on a TCP port."""
        return cls(protocol, security, partial(SocketStream.connect, host, port), helo, deadline)

    def session(self, offer: Offer | None = None) -> Session:
        """Connect, shake hands first where TLS is implicit (with ``offer``, else MODERN), read greeting and
        capabilities. A greeting or EHLO that is answered no, or an implicit handshake refused, raises Declined.
        """
        session = self._dial()
        try:
            if self._implicit:
                session.agree(offer or MODERN)
            else:
                session.meet()
        except BaseException:
            session.close()
            raise
        return session

    def offer(self, offer: Offer) -> Answer:
        """Ask one question about TLS by a finished handshake, and leave politely, so that the server logs it.

        What comes after an agreement does not change it: a server that then wants no more of us (421) has agreed all
        the same.
        """
        session = self._dial()
        try:
            answer = self._shake(session, offer)
            try:
                answer = session.settle(answer, greeted=not self._implicit)
            except Busy as turned:
                session.note(f"after the agreement: {turned}")
            session.quit()
        finally:
            session.close()
        return replace(answer, transcript=session.transcript)

    def probe(self, hello: ClientHello) -> Chosen | Refused:
        """Ask one question about TLS by a hello of our own, and leave at once: what would be chosen?"""
        session = self._dial()
        try:
            if not self._implicit:
                session.meet()
            return session.probe(hello, by_command=not self._implicit)
        finally:
            session.close()

    @property
    def _implicit(self) -> bool:
        return self.security is Security.IMPLICIT

    def _shake(self, session: Session, offer: Offer) -> Answer:
        if self._implicit:
            return session.shake(offer)
        session.meet()
        return session.begin_tls(offer)

    def _dial(self) -> Session:
        return Session(self.connect(self.deadline), self.protocol, self.helo)
