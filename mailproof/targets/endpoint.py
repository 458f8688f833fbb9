"""A service as a client meets it: offers, sessions, logins, and what the relay decides. Judges nothing.

A refusal counts only beside its positive control: the same service must just have agreed to the same hello with an
allowed offer in it, or let somebody through who may pass. Anything else that keeps us from an answer raises.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mailproof.errors import Busy, CannotOffer, PositiveControlFailed, Undecided
from mailproof.ledger import Recorder
from mailproof.model import Protocol, Role, Security, Service
from mailproof.targets.decisions import FOREIGN, HIMSELF, Decision, Visit, new_helo
from mailproof.targets.people import traveller
from mailproof.targets.ready import DIALOGUE_DEADLINE
from mailproof.targets.target import Target
from mailproof.wire.answers import Agreed, Answer, Refused
from mailproof.wire.asking import sure_of
from mailproof.wire.gate import agreements_to
from mailproof.wire.hellos import MODERN_HELLO
from mailproof.wire.injection import Discarded, Injection, fall_back, inject
from mailproof.wire.mail.reply import Reply
from mailproof.wire.offers import MODERN, Offer
from mailproof.wire.peer import Peer
from mailproof.wire.resumption import Resumption, resumption
from mailproof.wire.session import Session
from mailproof.wire.smuggling import hurry
from mailproof.wire.tickets import How
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello


class Endpoint:
    """One service of a running target, seen from outside."""

    def __init__(self, target: Target, service: Service, recorder: Recorder) -> None:
        self.service = service
        self.authority = target.authority
        self.name = target.name
        self.home = target.home
        self.stranger = target.senders["foreign sender"]
        self._target = target
        self._recorder = recorder

    def offer(self, offer: Offer, beside: Offer | None = None) -> Answer:
        """What the service makes of an offer; a refusal comes back only when its positive control was agreed to: the
        same hello with an allowed offer in it, or the offer ``beside``."""
        answer = self._offer(offer)
        if isinstance(answer, Refused):
            self._confirm(offer, beside or offer.along_with_allowed(), answer)
        return answer

    def probe(self, hello: ClientHello) -> Chosen | Refused:
        """What the service would choose from a hello of our own, in an unfinished handshake; a refusal comes back only
        when the same hello with a modern one in it was agreed to."""
        return sure_of(self._probe, MODERN_HELLO, always=True)(hello)

    def agreements(self, hello: ClientHello) -> tuple[Chosen, ...]:
        """Everything of a hello that the service agrees to: nothing where it refuses it, with the positive control of
        `probe`; a hello that is agreed to is followed up until the rest is refused."""
        said: list[str] = []

        def ask(hello: ClientHello) -> Chosen | Refused:
            answer = self.peer().probe(hello)
            said.append(answer.transcript)
            return answer

        sure = sure_of(ask, MODERN_HELLO, always=True)
        found = agreements_to(sure, hello.naming(self.name))
        shown = f"{len(found)} agreements" if found else "refused; agreed to along with a modern hello"
        self._recorder.note(f"«{hello}» offered to {self.service}", shown, "\n\n".join(said))
        return found

    def agreed(self, offer: Offer) -> Agreed:
        """The handshake of an offer that must be agreed to; raises `PositiveControlFailed` where it is not."""
        answer = self._offer(offer)
        if isinstance(answer, Refused):
            raise PositiveControlFailed(f"{self.service} refused the offer «{offer}»: {answer}")
        return answer

    def resumptions(self, how: How, times: int) -> tuple[Resumption, ...]:
        """What becomes of sessions of the service that are offered again, each to a second connection at once."""
        found = tuple(resumption(self._admitted, how) for _ in range(times))
        self._recorder.note(f"sessions of {self.service} offered again", "; ".join(map(str, found)))
        return found

    @contextmanager
    def session(self, offer: Offer | None = None, client: str = "", helo: str = "") -> Iterator[Session]:
        """A dialogue with the service: after TLS with ``offer``, in clear without. ``client`` names whose certificate
        to present: when the server did not get it, that is a `CannotOffer`."""
        implicit = self.service.security is Security.IMPLICIT
        hello = self.presenting(offer or (MODERN if implicit else None), client)
        with self._open(hello if implicit else None, helo) as session:
            try:
                if hello and not implicit:
                    self._start(session, hello, client)
                self._established(session, hello, client)
                yield session
                session.quit()
            finally:
                self._recorder.note(
                    f"dialogue with {self.service}", str(session.answer or "in clear"), session.transcript
                )

    def account(self) -> tuple[str, str]:
        """A user and a password with which a login must succeed."""
        return self._target.account()

    def holder(self, user: str) -> str:
        """The client who logs in as ``user``: one with a certificate in that name where the service demands one, else
        "", who has none."""
        readings = self._target.readings.dovecot
        demanded = self.service.role is Role.ACCESS and readings.effective(
            self.service.entry, "auth_ssl_require_client_cert"
        )
        return traveller(user) if demanded == "yes" else ""

    def login_with(self, offer: Offer, client: str) -> Reply:
        """What a login with the right password is answered that comes with ``client``'s certificate ("": with none).
        The same user must just have been let in on the service, by the same hello, with a certificate of his own."""
        user, password = self.account()
        replies = []
        for presented in (traveller(user), client):
            with self.session(offer, presented) as session:
                replies.append(session.login(user, password))
            if not replies[0].ok:
                raise PositiveControlFailed(f"{self.service} lets nobody in with a certificate either: «{replies[0]}»")
        return replies[-1]

    def decisions(
        self, offer: Offer | None, client: str = "", recipient: str = FOREIGN, login: bool = False,
        senders: Iterable[str] = (),
    ) -> list[Decision]:  # fmt: skip
        """What the relay decides about one recipient for each kind of sender (all where none is named; who logs in
        sends as himself), in one session; nothing past RCPT."""
        known = dict(self._target.senders)
        with self.session(offer, client) as session:
            if login:
                user, password = self.account()
                known[HIMSELF] = user if "@" in user else f"{user}@{self.name}"
                session.login(user, password)
            found = [self._decide(session, kind, known[kind], recipient) for kind in senders or self._target.senders]
        self._recorder.note(f"RCPT TO:<{recipient}> as {client or 'nobody'}", "; ".join(map(str, found)))
        return found

    def refused(self, offer: Offer | None, client: str = "") -> list[Decision]:
        """Decisions that may be refusals: then somebody who may pass must pass on this service just now. A sender whom
        another rule turns away is left out, as long as the decision about others is there."""
        first, *others = self.decisions(offer, client)
        found = [first, *(each for each in others if not each.of_the_sender)]
        if not any(decision.relayed for decision in found):
            self._prove_open()
        return found

    def turned_away(self, client: str, recipient: str = FOREIGN) -> str:
        """The 421 with which a service that demands certificates ends a client's session, "" where the session goes on;
        the listed client must get through to the recipient just before."""
        listed = self.decisions(MODERN, "listed", recipient, senders=("foreign sender",))
        if not all(decision.relayed for decision in listed):
            raise PositiveControlFailed(f"{self.service} does not take mail of the listed client either")
        away = ""
        try:
            with self.session(MODERN, client) as session:
                session.command("NOOP")
        except Busy as busy:
            away = busy.reply
        self._recorder.note(f"{client or 'no certificate'} on {self.service}", away or "the session goes on")
        return away

    def injection(self) -> Injection:
        """Whether a command that is sent in clear behind STARTTLS is answered inside TLS. STARTTLS alone must work on
        the service just before and just after; a session that is ended must end so again."""
        found = self._injection()
        return self._injection() if isinstance(found, Discarded) and found.how == "ended" else found

    def fall_back(self) -> str:
        """The line by which the service, which must agree to TLS, goes on in clear after STARTTLS; "" where it ends."""
        self.agreed(MODERN)
        with self.session() as session:
            found = fall_back(session, self._protocol)
        self.agreed(MODERN)
        return found

    def hurry(self) -> str:
        """The reply with which an SMTP service ends a session that sends more behind EHLO, "" where it goes along."""
        with self.session() as session:
            return hurry(session)

    @property
    def admitted(self) -> str:
        """The client whose certificate the service demands, if it demands one at all."""
        return "listed" if self.service.role is Role.RELAY else ""

    def visit(self, offer: Offer, client: str = "") -> Visit:
        """A session that leaves its HELO in the log: it asks for a recipient abroad, and for one who does not exist."""
        helo, recipient = new_helo(), f"someone-{secrets.token_hex(4)}@foreign.example"
        with self.session(offer, client, helo) as session:
            session.mail(self.stranger)
            reply = session.rcpt(recipient)
            session.rcpt(f"nobody-{secrets.token_hex(4)}@{self.home.rpartition('@')[2]}")
        return Visit(helo, recipient, agreement(session), reply)

    def _injection(self) -> Injection:
        self.agreed(MODERN)
        with self.session() as session:
            found = inject(session, self._protocol, self.presenting(MODERN, self.admitted) or MODERN)
        self.agreed(MODERN)
        self._recorder.note(f"a command behind STARTTLS on {self.service}", str(found))
        return found

    def _admitted(self, offer: Offer) -> Agreed:
        return self.agreed(self.presenting(offer, self.admitted) or offer)

    def _offer(self, offer: Offer) -> Answer:
        answer = self.peer().offer(offer.naming(self.name))
        self._recorder.note(f"offer «{offer}» to {self.service}", str(answer), answer.transcript)
        return answer

    def _probe(self, hello: ClientHello) -> Chosen | Refused:
        answer = self.peer().probe(hello)
        self._recorder.note(f"hello «{hello}» to {self.service}", str(answer), answer.transcript)
        return answer

    def _confirm(self, offer: Offer, allowed: Offer, answer: Refused) -> None:
        """The positive control of a refusal; one without an alert needs it before and after (DESIGN §3)."""
        self.agreed(allowed)
        if answer.how == "closed":
            if isinstance(self._offer(offer), Agreed):
                raise Undecided(f"{self.service} closed on the offer «{offer}» once and agreed to it once")
            self.agreed(allowed)

    def _prove_open(self) -> None:
        """Somebody passes: mail for a local mailbox on an MX, a login on submission, the listed client on a relay and
        where a certificate stands for the login."""
        role, one = self.service.role, ("foreign sender",)
        if role is Role.MX:
            passed = self.decisions(MODERN, recipient=self.home, senders=one)
        elif role is Role.RELAY or not self._offers_login():
            passed = self.decisions(MODERN, "listed", senders=one)
        else:
            passed = self.decisions(MODERN, login=True, senders=(HIMSELF,))
        if not all(decision.relayed for decision in passed):
            raise PositiveControlFailed(f"{self.service} lets nobody pass: its refusals say nothing")

    def _offers_login(self) -> bool:
        with self.session(MODERN) as session:
            return session.offers_login

    def _decide(self, session: Session, kind: str, sender: str, recipient: str) -> Decision:
        accepted = session.mail(sender)
        reply = session.rcpt(recipient) if accepted.ok else accepted
        session.command("RSET")
        return Decision(kind, reply)

    def presenting(self, offer: Offer | None, client: str) -> Offer | None:
        """The offer as a client makes it to this service: by its name, ready to present ``client``'s certificate."""
        if offer is None:
            return None
        named = offer.naming(self.name)
        return named.presenting(self._target.client(client)) if client else named

    def _start(self, session: Session, hello: Offer, client: str) -> None:
        """STARTTLS; where the server ends the session right after it, the certificate must have been sent."""
        try:
            session.starttls(hello)
        except Busy:
            self._established(session, hello, client)
            raise

    def _established(self, session: Session, hello: Offer | None, client: str) -> None:
        answer = session.answer
        if hello and not isinstance(answer, Agreed):
            raise PositiveControlFailed(f"{self.service} refused the hello of a session: {answer}")
        if client and isinstance(answer, Agreed) and not answer.certificate_sent:
            asked = "asked for none" if not answer.certificate_requested else "asked for one"
            raise CannotOffer(f"the certificate of the client {client} was not sent: {self.service} {asked}")

    def _open(self, offer: Offer | None, helo: str) -> Session:
        return self.peer(helo).session(offer)

    def peer(self, helo: str = "") -> Peer:
        """The service as the wire sees it; ``helo`` is the name that we give (empty: a new one)."""
        connect = self._target.connect(self.service)
        return Peer(self._protocol, self.service.security, connect, helo or new_helo(), DIALOGUE_DEADLINE)

    @property
    def _protocol(self) -> Protocol:
        if self.service.protocol is None:
            raise CannotOffer(f"{self.service} is no service: it speaks no protocol")
        return self.service.protocol


def agreement(session: Session) -> Agreed:
    """What a session under TLS agreed on; raises `PositiveControlFailed` where it is in clear."""
    if not isinstance(session.answer, Agreed):
        raise PositiveControlFailed(f"the session is not under TLS: {session.answer}")
    return session.answer
