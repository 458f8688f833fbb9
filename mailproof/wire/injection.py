"""Does what was said in clear live on inside TLS (CVE-2011-0411), and does a session go on in clear without TLS?

A harmless command is sent behind STARTTLS in the same segment. Inside TLS another one is asked, and the session ended:
who answers what, and how often, decides. The decisions are pure; :func:`inject` and :func:`fall_back` do the talking.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from mailproof.errors import CannotOffer, ConnectionDropped, Declined, GarbledReply, Undecided
from mailproof.model import Protocol
from mailproof.wire.answers import Agreed
from mailproof.wire.mail.reply import Reply
from mailproof.wire.offers import Offer
from mailproof.wire.session import Session
from mailproof.wire.tls.hostile import printable

_REST = rb"[^\r\n]*\r\n"
_YES = re.compile(rb'^(?:2\d\d[ -]|\+OK|OK|\* |\w+ OK|")[^\r\n]*\r\n', re.MULTILINE | re.IGNORECASE)
"""A line by which any of the protocols says yes, or begins to answer."""
_ALERT = re.compile(rb"\x15\x03[\x00-\x04]\x00\x02\x02.", re.DOTALL)
"""The record of a fatal alert (RFC 8446 §5.1, §6)."""


@dataclass(frozen=True, slots=True)
class Injected:
    """The server answered inside TLS what had been said in clear before it."""

    heard: str
    transcript: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"the command that was sent in clear was answered inside TLS: {self.heard}"


@dataclass(frozen=True, slots=True)
class Discarded:
    """The server threw it away (``unanswered``), or ``ended`` the session because of it: with an error, or by taking it
    for the beginning of the TLS handshake, which then fails (RFC 9051 §6.2.1 has both)."""

    how: Literal["unanswered", "ended"]
    transcript: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"discarded ({self.how})"


Injection = Injected | Discarded


@dataclass(frozen=True, slots=True)
class Lure:
    """What one protocol is asked: the command ``injected`` in clear, the one that is ``real`` inside TLS (empty where
    the server speaks first there), the farewell, and what the answers to the three look like."""

    injected: str
    real: str
    farewell: str
    answer: bytes
    listing: bytes
    goodbye: bytes

    def judge(self, heard: bytes) -> bool | None:
        """Whether the injected command was answered in what was ``heard`` inside TLS up to its end; None: nobody can
        say."""
        if re.fullmatch(self.listing + self.goodbye, heard):
            return False
        first = re.match(self.answer + self.listing, heard)
        later = re.fullmatch(self.listing + self.answer + self.goodbye, heard)
        return True if first or later else None


LURES = {
    Protocol.SMTP: Lure("NOOP", "EHLO {helo}", "QUIT", rb"[2-5]\d\d " + _REST,
                        rb"(?:250-" + _REST + rb")+250 " + _REST, rb"221 " + _REST),
    Protocol.IMAP: Lure("injected NOOP", "real CAPABILITY", "bye LOGOUT", rb"(?:\* " + _REST + rb")*injected " + _REST,
                        rb"\* CAPABILITY " + _REST + rb"real OK" + _REST, rb"\* BYE" + _REST + rb"bye OK" + _REST),
    Protocol.POP3: Lure("NOOP", "CAPA", "QUIT", rb"(?:\+OK|-ERR)" + _REST,
                        rb"\+OK" + _REST + rb"(?:[A-Z]" + _REST + rb")+\.\r\n", rb"\+OK" + _REST),
    Protocol.SIEVE: Lure('NOOP "injected"', "", "LOGOUT", rb"(?:OK \(TAG (?:\{8\+?\}\r\n)?|NO)" + _REST,
                         rb'(?:"' + _REST + rb")+OK" + _REST, rb"OK(?! \(TAG)" + _REST),
}  # fmt: skip
"""NOOP does no harm, and each protocol answers it otherwise than the list of its capabilities: POP3 before a login with
an error (RFC 1939 §5), IMAP with its tag, ManageSieve with the word that it was given (RFC 5804 §2.13)."""


def inject(session: Session, protocol: Protocol, offer: Offer) -> Injection:
    """Send STARTTLS and a command in one segment, shake hands, and see which commands are answered; ends the session.

    ``ended`` says something only where STARTTLS alone works just before and just after: a server may also die of
    something else. Raises Undecided for every outcome that is neither, GarbledReply where the command is answered in
    clear behind the reply to STARTTLS (it did not get into TLS, but no TLS can begin in that), and what
    :meth:`Session.shake` raises.
    """
    lure = _lure(protocol)
    reply, left = session.together(session.starttls_word, lure.injected)
    if not reply.ok:
        return _turned_down(session, reply)
    if not _secured(session, offer, left):
        return Discarded("ended", session.transcript)
    heard = _converse(session, lure)
    injected = lure.judge(heard)
    if injected is None:
        raise Undecided(f"who answered what inside TLS? {printable(heard)}")
    return Injected(printable(heard), session.transcript) if injected else Discarded("unanswered", session.transcript)


def fall_back(session: Session, protocol: Protocol) -> str:
    """Ask for TLS and then go on in clear: the line by which the server goes along, "" where it ends the session (a
    reset ends it as well: the server had not read all that we sent). Whether it lives on is for the caller to see.

    Raises Declined where STARTTLS is answered no, TimedOut where the server does neither.
    """
    lure = _lure(protocol)
    reply = session.command(session.starttls_word)
    if not reply.ok:
        raise Declined(f"{session.starttls_word} was answered «{reply}»", str(reply))
    session.send(_line(lure.real or 'NOOP "real"', session))
    try:
        return went_on(session.hear(_YES))
    except ConnectionDropped:
        return ""


def went_on(heard: bytes) -> str:
    """The first line in clear that says yes; alerts and refusals are none."""
    found = _YES.search(heard)
    return printable(found[0].strip()) if found else ""


def _secured(session: Session, offer: Offer, left: bytes) -> bool:
    """Whether the handshake succeeds; not where the server answers with an alert, even before our hello (``left``)."""
    if _ALERT.fullmatch(left):
        return False
    if left:
        raise GarbledReply(f"plain text behind the reply to STARTTLS, before TLS began: {printable(left)}")
    try:
        return isinstance(session.shake(offer), Agreed)
    except ConnectionDropped:
        return False


def _turned_down(session: Session, reply: Reply) -> Discarded:
    """STARTTLS itself was answered no: an answer to our question only where it is for what came behind it."""
    if reply.code in ("503", "554") and re.search("synchronization|pipelining", reply.text) and not session.hear():
        return Discarded("ended", session.transcript)
    raise Undecided(f"STARTTLS with a command behind it was answered «{reply}»")


def _converse(session: Session, lure: Lure) -> bytes:
    """Everything that is heard inside TLS: the real command waits for nothing, the farewell for its answer."""
    if lure.real:
        session.send(_line(lure.real, session))
    heard = session.hear(re.compile(lure.listing))
    session.send(_line(lure.farewell, session))
    return heard + session.hear()


def _line(command: str, session: Session) -> bytes:
    return command.format(helo=session.helo).encode() + b"\r\n"


def _lure(protocol: Protocol) -> Lure:
    if protocol not in LURES:
        raise CannotOffer(f"no harmless command is known that could be injected into {protocol}")
    return LURES[protocol]
