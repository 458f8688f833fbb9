"""A mail session: one connection, the dialogue of its protocol, TLS where it belongs, and a transcript of it all.

Reads capabilities instead of assuming them. Judges nothing: it returns replies and answers, or raises what kept it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from types import TracebackType
from typing import Self

from mailproof.errors import (
    Busy,
    ConnectionDropped,
    Declined,
    GarbledReply,
    MailproofError,
    PeerAlert,
)
from mailproof.model import Protocol
from mailproof.wire.answers import Answer, Refused, declines
from mailproof.wire.handshake import handshake
from mailproof.wire.mail.dialogue import MOST_BYTES, Capabilities, Dialogue, encode, redacted, within_bounds
from mailproof.wire.mail.imap import Imap
from mailproof.wire.mail.lmtp import Lmtp
from mailproof.wire.mail.pop3 import Pop3
from mailproof.wire.mail.reply import Reply
from mailproof.wire.mail.sieve import Sieve
from mailproof.wire.mail.smtp import Smtp, stuffed
from mailproof.wire.mail.transcript import Transcript
from mailproof.wire.offers import Offer
from mailproof.wire.probe import probe
from mailproof.wire.stream import Carrier, Stream
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello

_DIALOGUES: dict[Protocol, Dialogue] = {
    Protocol.SMTP: Smtp(), Protocol.LMTP: Lmtp(), Protocol.IMAP: Imap(), Protocol.POP3: Pop3(), Protocol.SIEVE: Sieve(),
}  # fmt: skip


class Session:
    """One connection to a mail service; made by a :class:`Peer`, and a context manager that says goodbye.

    ``helo`` is how it names itself, ``starttls_word`` what starts TLS; ``capabilities`` are the ones read last;
    ``answer`` is that of the handshake, None while there was none. Every method that talks raises Busy (421 and its
    like), TimedOut, ConnectionDropped and GarbledReply.
    """

    def __init__(self, stream: Carrier, protocol: Protocol, helo: str) -> None:
        self.capabilities: Capabilities = frozenset()
        self.answer: Answer | None = None
        self._carrier = stream
        self._stream: Stream = stream
        self._dialogue: Dialogue = _DIALOGUES[protocol]
        self.helo = helo
        self.starttls_word = self._dialogue.starttls
        self._unread = b""
        self._commands = 0
        self._polite = True
        self._said = Transcript()

    @property
    def transcript(self) -> str:
        """What was sent (``> ``), received (``< ``) and agreed in TLS (``* ``): controls escaped, secrets hidden."""
        return str(self._said)

    def note(self, text: str) -> None:
        """Add what happened to the transcript."""
        self._said.note(text)

    @property
    def offers_login(self) -> bool:
        """Whether the server offers password login now."""
        return self._dialogue.offers_login(self.capabilities)

    @property
    def offers_starttls(self) -> bool:
        """Whether the server offers to start TLS now."""
        return self._dialogue.offers_starttls(self.capabilities)

    @property
    def withholds_login(self) -> bool:
        """Whether the server says that no password may be sent now."""
        return self._dialogue.withholds_login(self.capabilities)

    def command(self, line: str) -> Reply:
        """Send one command (for IMAP without a tag) and return the reply. Raises CannotOffer for several lines."""
        if self._unread and not self._dialogue.speaks_unasked:
            raise GarbledReply("the peer speaks before it is asked")
        self._commands += 1
        sent = self._dialogue.numbered(line, self._commands)
        self.send(encode(sent), shown=encode(redacted(sent)))
        return self._reply(sent)

    def starttls(self, offer: Offer) -> Answer:
        """Start TLS by command with ``offer``; after an agreement the capabilities are read again.

        Raises Declined where TLS is not offered or the command is answered no, GarbledReply for bytes behind its reply
        (RFC 3207 §4.2: they would pass for part of the protected session), and what :func:`handshake` raises.
        """
        return self.settle(self.begin_tls(offer), greeted=True)

    def together(self, line: str, behind: str) -> tuple[Reply, bytes]:
        """Send two commands in one segment, ``behind`` as it stands: the reply to the first, and what came with it."""
        self._commands += 1
        asked = self._dialogue.numbered(line, self._commands)
        self.send(encode(asked) + encode(behind))
        reply = self._reply(asked)
        left, self._unread = self._unread, b""
        return reply, left

    def send(self, data: bytes, *, shown: bytes | None = None) -> None:
        """Send bytes as they are (``shown`` in the transcript); :meth:`hear` is for what comes back."""
        self._said.sent(data if shown is None else shown)
        self._stream.send(data)

    def hear(self, until: re.Pattern[bytes] | None = None) -> bytes:
        """What the peer says, byte for byte and never taken for a reply, until ``until`` is in it or it closes."""
        while (until is None or not until.search(self._unread)) and (data := self._stream.receive()):
            self._said.received(data)
            self._unread += data
        self._polite = False
        heard, self._unread = self._unread, b""
        return heard

    def meet(self, *, greeted: bool = False) -> None:
        """Read the greeting where it is still due, and the capabilities. Raises Declined where one is answered no."""
        reply = None if greeted else self._expect_yes("the greeting", self._reply(None))
        ask = self._dialogue.asks_capabilities
        if ask is not None:
            reply = self._expect_yes(ask, self.command(ask.format(helo=self.helo)))
        elif reply is None:
            reply = self._expect_yes("the capabilities after TLS began", self._reply(""))
        self.capabilities = self._dialogue.capabilities(reply)

    def begin_tls(self, offer: Offer) -> Answer:
        """Start TLS by command as :meth:`starttls`, but read nothing after it."""
        self._ask_for_tls()
        return self.shake(offer)

    def probe(self, hello: ClientHello, *, by_command: bool) -> Chosen | Refused:
        """Ask what the server would make of ``hello``, after STARTTLS or where TLS is due at once; then close.

        Raises as :meth:`starttls` and :func:`mailproof.wire.probe.probe` do.
        """
        if by_command:
            self._ask_for_tls()
        self._polite = False
        try:
            answer = probe(self._carrier, hello)
        except MailproofError as error:
            self._said.note(f"TLS hello «{hello}»: {error}")
            raise
        finally:
            self.close()
        self._said.note(answer.transcript)
        return replace(answer, transcript=self.transcript)

    def login(self, user: str, password: str) -> Reply:
        """Log in by password; the reply is the last one. The transcript never shows the password."""
        self._said.hide(user, password)
        first, *others = self._dialogue.login(user, password)
        reply = self.command(first)
        for line in others:
            reply = self.command(line) if reply.ok else reply
        if reply.code.startswith("3"):
            raise GarbledReply(f"a login that was complete was answered «{reply}»")
        return reply

    def mail(self, sender: str) -> Reply:
        """SMTP, LMTP: name the envelope sender (empty: the null sender)."""
        return self.command(f"MAIL FROM:<{sender}>")

    def rcpt(self, recipient: str) -> Reply:
        """SMTP, LMTP: name one envelope recipient. Nothing is delivered before :meth:`data`."""
        return self.command(f"RCPT TO:<{recipient}>")

    def data(self, message: bytes) -> Reply:
        """SMTP: send the message (any line ends); the reply to DATA where that is no, else that to the final dot."""
        ready = self.command("DATA")
        if ready.code != "354":
            return ready
        self.send(stuffed(message))
        return self._reply("")

    def quit(self) -> None:
        """Say goodbye and close, whatever state the connection is in."""
        try:
            if self._polite:
                self.command(self._dialogue.quit)
        except MailproofError as error:
            self._said.note(f"no goodbye: {error}")
        self.close()

    def close(self) -> None:
        """Close without a goodbye; safe to repeat."""
        self._polite = False
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.quit()

    def _ask_for_tls(self) -> None:
        """Ask for TLS by command. Raises Declined."""
        word = self._dialogue.starttls
        if not self.offers_starttls:
            raise Declined(f"{word} is not among the capabilities: {' '.join(sorted(self.capabilities)) or 'none'}")
        reply = self.command(word)
        if not reply.ok:
            raise Declined(f"{word} was answered «{reply}»", str(reply))
        self._nothing_unread()

    def _nothing_unread(self) -> None:
        if self._unread:
            raise GarbledReply("the peer sent plain text behind its reply to STARTTLS, before TLS began")

    def shake(self, offer: Offer) -> Answer:
        self._polite = False  # whatever ends a handshake early leaves nobody to say goodbye to
        try:
            outcome = handshake(self._carrier, offer)
        except MailproofError as error:
            self._said.note(f"TLS hello «{offer}»: {error}")
            raise
        if isinstance(outcome, Refused):
            return self._conclude(outcome)
        agreed, self._stream = outcome
        self._polite = True
        return self._conclude(agreed)

    def agree(self, offer: Offer) -> None:
        """Implicit TLS that the session cannot go on without."""
        answer = self.settle(self.shake(offer), greeted=False)
        if isinstance(answer, Refused):
            raise Declined(f"the implicit TLS handshake was {answer}")

    def settle(self, answer: Answer, *, greeted: bool) -> Answer:
        """After an agreement: hear the server, which in TLS 1.3 may only now turn our certificate away."""
        if isinstance(answer, Refused):
            return answer
        try:
            self.meet(greeted=greeted)
        except PeerAlert as late:
            if answer.version != "TLSv1.3" or not answer.certificate_requested or not declines(late.alert):
                raise  # it agreed, and then something broke: that is no refusal of the offer
            return self._conclude(
                Refused("alert", late.alert, f"answer: after the handshake, fatal alert {late.alert}")
            )
        return self._remember(answer)

    def _expect_yes(self, what: str, reply: Reply) -> Reply:
        if not reply.ok:
            raise Declined(f"{what}: the server says «{reply}»", str(reply))
        return reply

    def _conclude(self, answer: Answer) -> Answer:
        self._said.note(answer.transcript)
        return self._remember(answer)

    def _remember(self, answer: Answer) -> Answer:
        self.answer = replace(answer, transcript=self.transcript)
        return self.answer

    def _reply(self, command: str | None) -> Reply:
        """The next reply, as one to ``command`` as sent (None: the greeting)."""
        while True:
            cut = (
                self._dialogue.greeting(self._unread)
                if command is None
                else self._dialogue.reply(self._unread, command)
            )
            within_bounds(self._unread, cut)
            if cut is not None:
                self._unread = self._unread[cut.size :]
                return self._unless_busy(self._said.clean(cut.reply))
            self._receive()

    def _receive(self) -> None:
        """Read on until a line is whole: no reply ends in the middle of one."""
        while True:
            data = self._stream.receive()
            if not data:
                self._polite = False
                raise ConnectionDropped("the peer closed the connection where it owed a reply")
            self._said.received(data)
            self._unread += data
            if b"\n" in data or len(self._unread) > MOST_BYTES:
                return

    def _unless_busy(self, reply: Reply) -> Reply:
        if self._dialogue.turns_away(reply):
            raise Busy(f"the server turns us away: «{reply}»", str(reply))
        return reply
