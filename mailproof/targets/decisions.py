"""What a relay decides about one recipient, who is at home there, and what a session leaves to look for. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from mailproof.errors import Undecided
from mailproof.targets.people import SERVER
from mailproof.wire.answers import Agreed
from mailproof.wire.mail.reply import Reply

FOREIGN = "someone@foreign.example"
LOCAL = f"probe@{SERVER}"
SENDERS = {"foreign sender": "sender@elsewhere.example", "local sender": f"someone@{SERVER}", "empty sender": ""}
HIMSELF = "the user himself"
REFUSALS = {("554", "5.7.1"), ("454", "4.7.1")}
"""How Postfix says that it does not relay: the reply codes of the relay decision, and no others."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the relay said to a RCPT command for an address abroad (or at home)."""

    sender: str
    reply: Reply

    @property
    def relayed(self) -> bool:
        """True where the recipient was accepted, False where the relay decision refused it; raises `Undecided` else."""
        if self.reply.code == "250":
            return True
        if (self.reply.code, self.reply.enhanced) in REFUSALS:
            return False
        raise Undecided(f"RCPT was answered «{self.reply}», which is neither an acceptance nor a relay decision")

    @property
    def of_the_sender(self) -> bool:
        """True where a rule about senders refused this one, before anybody asked whether mail is relayed."""
        return "Sender address rejected" in str(self.reply)

    def __str__(self) -> str:
        return f"{self.sender}: {self.reply}"


@dataclass(frozen=True, slots=True)
class Visit:
    """A finished session: how it named itself, whom it asked for, what TLS was agreed, and the reply to RCPT."""

    helo: str
    recipient: str
    answer: Agreed
    reply: Reply


@dataclass(frozen=True, slots=True)
class Home:
    """Who is at home on a target: ``recipients`` to try, the likeliest first, and kinds of ``senders`` by what they
    pretend to be."""

    recipients: tuple[str, ...]
    senders: Mapping[str, str]


def new_helo() -> str:
    """A name that no other connection gives."""
    return f"probe-{secrets.token_hex(6)}.mailproof.test"
