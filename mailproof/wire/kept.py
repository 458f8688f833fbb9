"""What a finished handshake leaves in our TLS library to resume by. Holds secrets: none of it is ever shown."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from OpenSSL import SSL

from mailproof.errors import CannotOffer
from mailproof.wire.offers import Offer
from mailproof.wire.stream import Witness

_TICKET_CAME = b"SSLv3/TLS read server session ticket"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Held:
    """A session, and the context that it can be offered from alone."""

    context: SSL.Context
    session: SSL.Session
    _witness: Witness

    def watched_anew(self) -> Witness:
        """The context's witness, for another connection: it forgets what it saw of the last one."""
        self._witness.states.clear()
        self._witness.alert = None
        return self._witness


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Kept:
    """A finished handshake's connection, from which the session is taken once the dialogue is over."""

    _connection: SSL.Connection
    _witness: Witness

    @property
    def ticket_came(self) -> bool:
        """Whether the server has given a ticket, before or after the end of the handshake."""
        return _TICKET_CAME in self._witness.states

    def held(self) -> Held:
        """The session as it is now. Raises CannotOffer where there is none."""
        session = self._connection.get_session()
        if session is None:
            raise CannotOffer("our TLS library kept no session")
        return Held(self._connection.get_context(), session, self._witness)


@dataclass(frozen=True, slots=True)
class Resumable(Offer):
    """An offer that may go on with a session. ``tickets``: whether session tickets are asked for; ``session``: what an
    agreement to the same offer left, to be resumed."""

    tickets: bool = True
    session: Held | None = field(default=None, repr=False, compare=False)

    def resuming(self, session: Held) -> Resumable:
        """The same hello with a session in it."""
        return replace(self, name=f"{self.name}, a session offered", session=session)
