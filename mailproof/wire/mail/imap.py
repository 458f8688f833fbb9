"""IMAP as a client reads it (RFC 9051; LOGINDISABLED §6.2.3, STARTTLS §6.2.1)."""

from __future__ import annotations

import re
from typing import ClassVar

from mailproof.errors import GarbledReply
from mailproof.wire.mail.dialogue import Capabilities, Cut, Dialogue, cut_line
from mailproof.wire.mail.reply import Reply
from mailproof.wire.tls.hostile import printable

_GREETING = re.compile(rb"\* (OK|PREAUTH|BYE)(?: (.*))?", re.IGNORECASE)
_TAGGED = re.compile(rb"(\S+) (OK|NO|BAD)(?: (.*))?", re.IGNORECASE | re.DOTALL)


class Imap(Dialogue):
    """IMAP: untagged lines, then the line that bears the command's tag."""

    asks_capabilities: ClassVar[str | None] = "CAPABILITY"
    quit: ClassVar[str] = "LOGOUT"
    speaks_unasked: ClassVar[bool] = True

    def greeting(self, received: bytes) -> Cut | None:
        """Cut the greeting."""
        cut = cut_line(received, 0)
        if cut is None:
            return None
        line, at = cut
        found = _GREETING.fullmatch(line)
        if found is None:
            raise GarbledReply(f"not an IMAP greeting: {printable(line[:200])}")
        return Cut(Reply(found[1].decode().upper(), (printable(found[2] or b""),), received[:at]), at)

    def reply(self, received: bytes, command: str, /) -> Cut | None:
        """Cut lines until the tagged one."""
        tag, words = command.split(" ", 1)
        lines: list[str] = []
        at = 0
        while (cut := cut_line(received, at, literals=True)) is not None:
            line, at = cut
            if line[:5].upper() == b"* BYE" and words.upper() != self.quit:
                return Cut(Reply("BYE", (*lines, printable(line[6:])), received[:at]), at)
            if line.startswith(b"* "):
                lines.append(printable(line))
                continue
            found = _TAGGED.fullmatch(line)
            if found is None or found[1] != tag.encode():
                raise GarbledReply(f"not an IMAP reply to {tag}: {printable(line[:200])}")
            return Cut(Reply(found[2].decode().upper(), (*lines, printable(found[3] or b"")), received[:at]), at)
        return None

    def capabilities(self, reply: Reply) -> Capabilities:
        """The words of the untagged CAPABILITY line."""
        for line in reply.lines:
            if line.upper().startswith("* CAPABILITY "):
                return frozenset(line.upper().split()[2:])
        raise GarbledReply(f"no capabilities in: {reply}")

    def login(self, user: str, password: str) -> tuple[str, ...]:
        """The LOGIN command."""
        return (f"LOGIN {_quoted(user)} {_quoted(password)}",)

    def offers_login(self, capabilities: Capabilities) -> bool:
        """Where a mechanism is listed and LOGINDISABLED is not."""
        mechanisms = any(word.startswith("AUTH=") for word in capabilities)
        return mechanisms and "LOGINDISABLED" not in capabilities

    def withholds_login(self, capabilities: Capabilities) -> bool:
        """Where LOGINDISABLED is listed: LOGIN needs no mechanism to be announced."""
        return "LOGINDISABLED" in capabilities

    def numbered(self, words: str, number: int, /) -> str:
        """The command with a tag in front."""
        return f"a{number} {words}"


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
