"""Sessions that live on: keep what a finished handshake left, offer it in the next one, see whether it is taken up.

Judges nothing. A session that was not really offered is an error, never «not resumed»; every attempt is a handshake
that was finished, which is the positive control of the answer no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailproof.errors import CannotOffer, GarbledReply
from mailproof.wire.answers import Agreed
from mailproof.wire.kept import Held, Resumable
from mailproof.wire.offers import TLS_1_2, TLS_1_3, Offer
from mailproof.wire.tickets import How, Shown, Ticket

OFFERS: dict[How, Resumable] = {
    "ticket": Resumable("TLS 1.2 with tickets", TLS_1_2.versions, TLS_1_2.suites),
    "session id": Resumable("TLS 1.2 without tickets", TLS_1_2.versions, TLS_1_2.suites, tickets=False),
    "pre-shared key": Resumable("TLS 1.3 with tickets", TLS_1_3.versions, TLS_1_3.suites),
}
"""What to shake hands with so that a session can be offered so: TLS 1.2 twice, TLS 1.3."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """What became of one session. ``given``: the server left something to resume by; where it did not, nothing was
    offered, and both handshakes were new. ``tickets`` are those that came with either handshake in TLS 1.2 (in TLS 1.3
    they are encrypted), ``group`` is what the second one exchanged keys in.
    """

    version: str
    how: How
    given: bool
    resumed: bool
    tickets: tuple[Ticket, ...] = ()
    group: str | None = None

    @property
    def keys(self) -> tuple[bytes, ...]:
        """The names of the keys that the tickets are sealed with."""
        return tuple(ticket.key_name for ticket in self.tickets)

    def __str__(self) -> str:
        word = "nothing was given to resume by" if not self.given else "resumed" if self.resumed else "not resumed"
        return "; ".join([f"{self.version} by {self.how}: {word}", *map(str, self.tickets)])


def resumption(ask: Callable[[Offer], Agreed], how: How) -> Resumption:
    """Shake hands, keep the session, and offer it to a second connection. ``ask`` is one connection with a dialogue
    (what a TLS 1.3 server gives comes with its first reply), such as a peer's offer that must be agreed to.

    Raises CannotOffer where our library does not offer the session, GarbledReply where a handshake contradicts itself.
    """
    first = ask(OFFERS[how])
    given = _given(first, how)
    again = ask(OFFERS[how].resuming(_left(first))) if given else ask(OFFERS[how])
    before, after = _shown(first), _shown(again)
    if given and after.offered != how:
        raise CannotOffer(f"our TLS library offered the session by {after.offered}, not by {how}")
    tickets = tuple(shown.ticket for shown in (before, after) if shown.ticket is not None)
    return Resumption(again.version, how, given, after.resumed, tickets, again.group)


def _given(answer: Agreed, how: How) -> bool:
    if how == "pre-shared key":
        return answer.kept is not None and answer.kept.ticket_came
    return _shown(answer).ticket is not None if how == "ticket" else _shown(answer).named


def _left(answer: Agreed) -> Held:
    if answer.kept is None:
        raise CannotOffer(f"nothing was kept of {answer}")
    return answer.kept.held()


def _shown(answer: Agreed) -> Shown:
    if answer.shown is None:
        raise GarbledReply(f"nobody looked at the handshake of {answer}")
    return answer.shown
