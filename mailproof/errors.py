"""What stops us from judging, told apart by whose fault it is; and the exit statuses that follow. Knows nothing else.

None of these is ever a ``fail``: a check that raises one could not judge, and its row is an ``error``.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum


class ExitStatus(IntEnum):
    """mailproof's own exit statuses (README, «Exit status»); all others are pytest's."""

    ALL_HOLD = 0
    FAILED = 1
    USAGE = 4
    NOT_JUDGED = 10
    BLIND = 11


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a misspelt ``name`` was probably meant to be, or None where none is close."""
    found = get_close_matches(name, sorted(candidates), n=1)
    return found[0] if found else None


class MailproofError(Exception):
    """Anything that keeps us from judging. The message is one sentence that says what to do next."""


class Unusable(MailproofError):
    """The caller's options, or one of mailproof's own files (profile, dialect, release), cannot be used: exit 4."""


class EngineTrouble(MailproofError):
    """The container engine is missing, stopped, or refused what we asked of it."""


class OurFault(MailproofError):
    """mailproof could not ask its question."""


class CannotOffer(OurFault):
    """Our TLS library cannot send, or did not send, what the probe promises to offer."""


class NoTranslation(OurFault):
    """A dialect has no words for a setting or value on this release."""


class UnknownSetting(OurFault):
    """We asked for a setting that this release of the daemon does not know, or does not show."""


class TheirFault(MailproofError):
    """The target kept us from judging."""


class DidNotStart(TheirFault):
    """A specimen, or a daemon in it, did not come up; the message carries the last lines of its log."""


class DidNotTake(TheirFault):
    """A setting that a profile wears is not what the daemon says it uses."""


class DidNotRestore(TheirFault):
    """A specimen that a mutation was taken off from is not what it was before."""


class Unread(TheirFault):
    """A daemon did not show its settings: a part of the reading is missing, failed or makes no sense."""


class Unreachable(TheirFault):
    """Nothing accepts connections where the service was declared."""


class TimedOut(TheirFault):
    """The deadline passed before the peer had answered."""


class ConnectionDropped(TheirFault):
    """The peer closed the connection where the protocol demands an answer."""


class GarbledReply(TheirFault):
    """The peer sent something that its protocol does not allow, or more of it than we accept."""


class Declined(TheirFault):
    """The peer said no to a step without which our question cannot be asked (greeting, EHLO, STARTTLS).

    ``reply`` is its reply in one printable line, empty where it did not offer the step at all.
    """

    def __init__(self, message: str, reply: str = "") -> None:
        super().__init__(message)
        self.reply = reply


class Busy(TheirFault):
    """The peer turned us away for the time being (421, too many connections): that is no answer to our question.

    ``reply`` is its reply in one printable line.
    """

    def __init__(self, message: str, reply: str = "") -> None:
        super().__init__(message)
        self.reply = reply


class PeerAlert(ConnectionDropped):
    """The peer ended an established TLS connection with a fatal alert (so TLS 1.3 rejects a client certificate)."""

    def __init__(self, alert: str) -> None:
        super().__init__(f"the peer ended the connection with the TLS alert {alert}")
        self.alert = alert


class PositiveControlFailed(TheirFault):
    """What must work beside a refusal did not: the refusal then says nothing."""


class Undecided(TheirFault):
    """The peer answered, but neither yes nor no to what was asked."""


class LogSilent(TheirFault):
    """Nothing of our connection arrived in the log within the deadline."""


class Ambiguous(TheirFault):
    """More than one candidate answers to our description (two log lines, two processes)."""


class InvalidRecord(OurFault):
    """The record of the run is not what its schema promises."""


class ReportNotWritten(MailproofError):
    """A file of the report could not be written; the message names it and says what to do."""
