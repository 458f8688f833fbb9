"""What became of a message, from the log of its sender and that of its destination. Pure; judges nothing.

A message is known by its Message-ID, which no other has. What the sender says of it and what its destination saw must
agree: otherwise nobody knows what happened, and that is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailproof.errors import Ambiguous, Undecided
from mailproof.logs import postfix
from mailproof.targets.journal import Trace, finished_sessions

Line = tuple[str, postfix.Record]
_EPHEMERAL = re.compile(r"(EC)?DHE-|ADH-|AECDH-")
"""Suites up to TLS 1.2 whose keys are made for one session, with a certificate or (anonymous) without."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message. ``status`` (sent, deferred, bounced), ``dsn`` (RFC 3463) and ``text`` are the sender's
    own words, ``relay`` is the host that it spoke to, ``logged`` what it wrote about TLS in this very delivery.
    ``arrival`` is the destination's session in which the message came, None where it came in none."""

    relay: str
    status: str
    dsn: str
    text: str
    logged: postfix.TlsEstablished | None
    arrival: Trace | None

    @property
    def tls(self) -> postfix.TlsEstablished | None:
        """The TLS in which it came, as the destination saw it; None where it came in clear or not at all."""
        return self.arrival.tls if self.arrival else None

    @property
    def forward_secret(self) -> bool:
        """True where it came with TLS whose key nobody can find out later from that of a certificate."""
        return self.tls is not None and (self.tls.version == "TLSv1.3" or bool(_EPHEMERAL.match(self.tls.suite)))

    @property
    def in_clear(self) -> bool:
        """True where it came, without TLS."""
        return self.arrival is not None and self.tls is None

    @property
    def secured(self) -> bool:
        """True where the sender's answer is one about security (RFC 3463 §3.8: X.7.X)."""
        return self.dsn.split(".")[1] == "7"

    @property
    def held_back(self) -> bool:
        """True where it came nowhere, and the sender keeps it for security's sake."""
        return self.arrival is None and self.status == "deferred" and self.secured

    def __str__(self) -> str:
        how = f"came as {self.tls.version} {self.tls.suite}" if self.tls else "came in clear"
        word = f", logged as {self.logged.word}" if self.logged else ""
        return (
            f"{self.status} {self.dsn} by {self.relay} ({how if self.arrival else 'did not come'}{word}): {self.text}"
        )


@dataclass(frozen=True, slots=True)
class Course:
    """What a sender logged of a message, from the queue to its end."""

    outcome: postfix.Delivered
    tls: postfix.TlsEstablished | None
    text: str

    def __str__(self) -> str:
        return f"{self.outcome.status} {self.outcome.dsn} {self.outcome.text}"


def sent(course: Course, arrival: Trace | None) -> Sent:
    """Both views in one; raises `Undecided` where they do not agree."""
    ours, theirs = course.tls, arrival.tls if arrival else None
    if arrival and ours and (theirs is None or (ours.version, ours.suite) != (theirs.version, theirs.suite)):
        raise Undecided(f"the sender logs {ours}, but the destination {theirs or 'no TLS'}")
    outcome = course.outcome
    return Sent(outcome.relay, outcome.status, outcome.dsn, outcome.text, ours, arrival)


def course(lines: list[str], token: str) -> Course | None:
    """The course of the message whose Message-ID has the token, None until it has left the queue."""
    records = [(line, record) for line in lines if (record := postfix.parse(line))]
    ids = _ids(lines, token)
    if len(ids) > 1:
        raise Ambiguous(f"{len(ids)} messages in the log could be ours: {', '.join(sorted(ids))}")
    if not any(isinstance(record, postfix.Removed) and record.queue_id in ids for _, record in records):
        return None
    return _followed(records, ids.pop())


def _followed(records: list[Line], queue_id: str) -> Course:
    """A process of smtp(8) serves one message at a time: what it logged since the one before belongs to ours."""
    begun: dict[int, list[Line]] = {}
    found: list[list[Line]] = []
    for line, record in records:
        begun.setdefault(record.process.pid, []).append((line, record))
        if isinstance(record, postfix.Delivered):
            own = begun.pop(record.process.pid)
            found += [own] if record.queue_id == queue_id else []
    if len(found) != 1:
        raise Undecided(f"the log knows {len(found)} outcomes of the message {queue_id}")
    outcome = found[0][-1][1]
    if not isinstance(outcome, postfix.Delivered) or outcome.process.daemon != "smtp":
        raise Undecided(f"the message was not given to the SMTP client: {found[0][-1][0]}")
    tls = [record for _, record in found[0] if isinstance(record, postfix.TlsEstablished)]
    if len(tls) > 1:
        raise Ambiguous(f"the sender agreed on TLS {len(tls)} times for one message")
    return Course(outcome, tls[0] if tls else None, "\n".join(line for line, _ in found[0]))


def arrival(lines: list[str], token: str) -> Trace | None:
    """The finished session at the destination in which the message came, None where there is none yet."""
    ids = _ids(lines, token)
    sessions = [Trace(tuple(record for _, record in session), "\n".join(line for line, _ in session))
                for session in finished_sessions(lines)]  # fmt: skip
    found = [each for each in sessions if ids & {accepted.queue_id for accepted in each.of(postfix.Accepted)}]
    if len(found) > 1:
        raise Ambiguous(f"the message came in {len(found)} sessions")
    if not found:
        return None
    counts = found[0].of(postfix.Disconnect)[0].commands or ""
    if ("starttls=1" in counts.split()) != (found[0].tls is not None):
        raise Undecided(f"the destination does not say whether the message came with TLS: {counts}")
    return found[0]


def _ids(lines: list[str], token: str) -> set[str]:
    """The queue ids of messages whose Message-ID has the token."""
    named = [postfix.parse(line) for line in lines if token in line]
    return {each.queue_id for each in named if isinstance(each, postfix.Identified) and token in each.message_id}
