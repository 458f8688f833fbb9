"""SMTP smuggling and early pipelining: what a server makes of a line end, or a command, in the wrong place.

CVE-2023-51764 and its like: a sequence that one server takes for text and the next one for the end of a message lets a
sender put a second message into the first, past every check. The decisions are pure; the rest talks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from mailproof.errors import GarbledReply, Undecided
from mailproof.wire.mail.reply import Reply
from mailproof.wire.mail.smtp import Smtp
from mailproof.wire.session import Session
from mailproof.wire.tls.hostile import printable

ENDS = {
    "lf-dot-lf": b"\n.\n", "lf-dot-crlf": b"\n.\r\n", "crlf-dot-lf": b"\r\n.\n",
    "cr-dot-cr": b"\r.\r", "crlf-dot-cr": b"\r\n.\r",
}  # fmt: skip
"""What is not the end of a message (RFC 5321 §4.1.1.4), by what it is called."""

TEXT = b"\r\n"
"""An innocent line end in the place of a sequence of ENDS: the positive control."""

_TWO = re.compile(rb"(?:^\d{3} [^\n]*\n(?:\d{3}-[^\n]*\n)*){2}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Smuggled:
    """The sequence ended the message, and what followed was taken for commands."""

    replies: tuple[str, ...]
    transcript: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"the message ended early, and its text was answered as commands: {'; '.join(self.replies)}"


@dataclass(frozen=True, slots=True)
class Whole:
    """One message, with the sequence in its text; or none at all (``rejected``)."""

    rejected: bool
    reply: str
    transcript: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{'rejected' if self.rejected else 'one message'}: {self.reply}"


Smuggling = Smuggled | Whole


def smuggle(session: Session, end: bytes) -> Smuggling:
    """Send a message whose text goes on behind ``end`` with a command (RSET); sender and recipient are named already.

    A message that is accepted is delivered. Raises Undecided where DATA is not asked for, or the replies fit neither.
    """
    ready = session.command("DATA")
    if ready.code != "354":
        raise Undecided(f"DATA was answered «{ready}»")
    session.send(b"Subject: a probe\r\n\r\nOne" + end + b"RSET\r\nTwo\r\n.\r\nQUIT\r\n")
    return judge_message(replies(session.hear()), session.transcript)


def judge_message(said: list[Reply], transcript: str = "") -> Smuggling:
    """What the replies to the message and to QUIT mean: one to the message is right, more are not.

    Raises Undecided.
    """
    codes = [reply.code for reply in said]
    if codes and codes[0].startswith("5") and codes[1:] in ([], ["221"]):
        return Whole(True, str(said[0]), transcript)
    if codes == ["250", "221"]:
        return Whole(False, str(said[0]), transcript)
    if len(codes) > 1 and codes[0] == "250" and codes[1] != "221":
        return Smuggled(tuple(map(str, said)), transcript)
    raise Undecided(f"the message was answered «{'; '.join(map(str, said)) or 'with nothing'}»")


def hurry(session: Session) -> str:
    """Send a command behind EHLO, which must be the last in its segment (RFC 2920 §3.1): the reply with which the
    server ends the session, "" where it answers both. Raises Undecided for anything else."""
    session.send(f"EHLO {session.helo}\r\nNOOP\r\n".encode())
    return judge_hurry(replies(session.hear(_TWO)))


def judge_hurry(said: list[Reply]) -> str:
    """See :func:`hurry`."""
    codes = [reply.code for reply in said]
    if codes == ["250", "250"]:
        return ""
    if codes in (["554"], ["503"]):
        return str(said[0])
    raise Undecided(f"EHLO with a command behind it was answered «{'; '.join(map(str, said)) or 'with nothing'}»")


def replies(heard: bytes) -> list[Reply]:
    """All SMTP replies in ``heard``. Raises GarbledReply where something is left over."""
    found: list[Reply] = []
    while (cut := Smtp().reply(heard, "")) is not None:
        found.append(cut.reply)
        heard = heard[cut.size :]
    if heard:
        raise GarbledReply(f"half a reply: {printable(heard)}")
    return found
