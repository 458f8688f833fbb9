"""A message to a local mailbox: sent over TLS, followed through the log, and read where it lies. Judges nothing."""

from __future__ import annotations

import secrets
from email import message_from_string
from email.message import Message

from mailproof.errors import PositiveControlFailed, Undecided
from mailproof.ledger import Recorder
from mailproof.logs import postfix
from mailproof.targets.decisions import new_helo
from mailproof.targets.endpoint import Endpoint, agreement
from mailproof.targets.journal import Journal
from mailproof.targets.specimen import Specimen
from mailproof.wire.answers import Agreed
from mailproof.wire.offers import Offer
from mailproof.wire.smuggling import ENDS, TEXT, Smuggling, Whole, smuggle

_FIND = r"""find /var /home /srv -newermt '-5 minutes' -type f ! -path '/var/log/*' ! -path '/var/spool/postfix/*' \
  -exec grep -lF @TOKEN@ {} + | head -n 1 | xargs -r cat"""
"""Wherever mailboxes lie: the one file in which the message is."""


class Delivery:
    """Sends a message to the probe's own mailbox on the target; nothing ever goes further."""

    def __init__(self, endpoint: Endpoint, journal: Journal, specimen: Specimen, recorder: Recorder) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._specimen = specimen
        self._recorder = recorder

    def send(self, offer: Offer, client: str = "") -> tuple[Message, Agreed]:
        """Send one message; returns it as it was delivered, and the TLS that was agreed. Raises `Undecided` where it
        was not delivered."""
        token, helo = secrets.token_hex(8), new_helo()
        with self._endpoint.session(offer, client, helo) as session:
            session.mail("sender@elsewhere.example")
            session.rcpt(self._endpoint.home)
            answer = agreement(session)
            reply = session.data(
                f"Subject: {token}\r\nMessage-ID: <{token}@mailproof.test>\r\n\r\nA probe.\r\n".encode()
            )
        if not reply.ok:
            raise Undecided(f"the message was not accepted: {reply}")
        accepted = self._journal.connection(helo).of(postfix.Accepted)
        outcome = self._journal.delivered(accepted[0].queue_id) if accepted else None
        if outcome is None or outcome.status != "sent":
            raise Undecided(f"the message was accepted but not delivered: {outcome or 'no queue id'}")
        return self._read(token), answer

    def smuggle(self, end: str) -> Smuggling:
        """Send a message with a sequence of ENDS in its text, in clear. One that is rejected says something only
        beside its like without the sequence, which must be accepted."""
        found = self._smuggle(ENDS[end])
        if isinstance(found, Whole) and found.rejected:
            beside = self._smuggle(TEXT)
            if not isinstance(beside, Whole) or beside.rejected:
                raise PositiveControlFailed(f"a message without the sequence is not accepted either: {beside}")
        return found

    def _smuggle(self, end: bytes) -> Smuggling:
        with self._endpoint.session() as session:
            named = [session.mail("sender@elsewhere.example"), session.rcpt(self._endpoint.home)]
            if not all(reply.ok for reply in named):
                raise PositiveControlFailed(f"the envelope was not accepted: {'; '.join(map(str, named))}")
            return smuggle(session, end)

    def _read(self, token: str) -> Message:
        """The message, or the entry of an mbox (mbox(5): each begins with a «From » line), that holds the token."""
        box = self._specimen.inside.run(_FIND.replace("@TOKEN@", token)).text
        for entry in f"\n{box}".split("\nFrom "):
            if token in entry:
                text = entry.partition("\n")[2]
                self._recorder.note("delivered message", text.partition("\n\n")[0], text)
                return message_from_string(text)
        raise Undecided("the delivered message is in no mailbox of the target")
