"""ManageSieve as a client reads it (RFC 5804; capabilities §1.7, STARTTLS §2.2)."""

from __future__ import annotations

import re
from typing import ClassVar

from mailproof.errors import GarbledReply
from mailproof.wire.mail.dialogue import Capabilities, Cut, Dialogue, cut_line
from mailproof.wire.mail.reply import Reply
from mailproof.wire.mail.smtp import sasl_plain
from mailproof.wire.tls.hostile import printable

_FINAL = re.compile(rb"(OK|NO|BYE)(?: (.*))?", re.IGNORECASE | re.DOTALL)
_CAPABILITY = re.compile(r'"([^"]+)"(?: "([^"]*)")?')


class Sieve(Dialogue):
    """ManageSieve: data lines, then OK, NO or BYE. The greeting is the list of capabilities."""

    asks_capabilities: ClassVar[str | None] = None
    quit: ClassVar[str] = "LOGOUT"

    def greeting(self, received: bytes) -> Cut | None:
        """Cut the greeting, which looks like any reply."""
        return self.reply(received, "")

    def reply(self, received: bytes, _command: str, /) -> Cut | None:
        """Cut lines until OK, NO or BYE."""
        lines: list[str] = []
        at = 0
        while (cut := cut_line(received, at, literals=True)) is not None:
            line, at = cut
            found = _FINAL.fullmatch(line)
            if found is not None:
                return Cut(Reply(found[1].decode().upper(), (*lines, printable(found[2] or b"")), received[:at]), at)
            if not line.startswith((b'"', b"{")):
                raise GarbledReply(f"not a ManageSieve reply: {printable(line[:200])}")
            lines.append(printable(line))
        return None

    def capabilities(self, reply: Reply) -> Capabilities:
        """The names of the capabilities; ``SASL`` with ``PLAIN`` gives ``SASL`` and ``SASL=PLAIN``."""
        words: set[str] = set()
        for line in reply.lines[:-1]:
            found = _CAPABILITY.fullmatch(line)
            if found is None:
                raise GarbledReply(f"not a ManageSieve capability: {line}")
            words.add(found[1].upper())
            if found[1].upper() == "SASL":
                words.update(f"SASL={mechanism}" for mechanism in (found[2] or "").upper().split())
        return frozenset(words)

    def login(self, user: str, password: str) -> tuple[str, ...]:
        """AUTHENTICATE with its initial response."""
        return (f'AUTHENTICATE "PLAIN" "{sasl_plain(user, password)}"',)

    def offers_login(self, capabilities: Capabilities) -> bool:
        """Where a SASL mechanism is listed."""
        return any(word.startswith("SASL=") for word in capabilities)
