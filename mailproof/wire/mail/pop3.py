"""POP3 as a client reads it (RFC 1939; CAPA RFC 2449, STLS RFC 2595, AUTH RFC 5034)."""

from __future__ import annotations

import re
from typing import ClassVar

from mailproof.errors import GarbledReply
from mailproof.wire.mail.dialogue import Capabilities, Cut, Dialogue, cut_line
from mailproof.wire.mail.reply import Reply
from mailproof.wire.tls.hostile import printable

_STATUS = re.compile(rb"(\+OK|-ERR)(?: (.*))?")
_MULTI_LINE = re.compile(r"CAPA|LIST|UIDL|RETR .*|TOP .*", re.IGNORECASE)
_NOT_NOW = ("[IN-USE]", "[LOGIN-DELAY]", "[SYS/TEMP]")


class Pop3(Dialogue):
    """POP3: ``+OK`` or ``-ERR``; whether more lines follow depends on the command."""

    asks_capabilities: ClassVar[str | None] = "CAPA"
    starttls: ClassVar[str] = "STLS"

    def greeting(self, received: bytes) -> Cut | None:
        """Cut the greeting, which looks like any reply."""
        return self.reply(received, "")

    def reply(self, received: bytes, command: str, /) -> Cut | None:
        """Cut one line, or up to the dot where the command has a multi-line reply."""
        first = cut_line(received, 0)
        if first is None:
            return None
        line, at = first
        found = _STATUS.fullmatch(line)
        if found is None:
            raise GarbledReply(f"not a POP3 reply: {printable(line[:200])}")
        code, words = found[1].decode(), printable(found[2] or b"")
        if code == "+OK" and _MULTI_LINE.fullmatch(command):
            return _until_dot(received, at, words)
        return Cut(Reply(code, (words,), received[:at]), at)

    def capabilities(self, reply: Reply) -> Capabilities:
        """The keywords of CAPA; ``SASL PLAIN`` gives ``SASL`` and ``SASL=PLAIN``."""
        words: set[str] = set()
        for line in reply.lines[1:]:
            keyword, *parameters = line.upper().split() or [""]
            words.add(keyword)
            if keyword == "SASL":
                words.update(f"SASL={mechanism}" for mechanism in parameters)
        return frozenset(words - {""})

    def login(self, user: str, password: str) -> tuple[str, ...]:
        """USER and PASS."""
        return f"USER {user}", f"PASS {password}"

    def offers_login(self, capabilities: Capabilities) -> bool:
        """Where USER or a SASL mechanism is listed."""
        return any(word == "USER" or word.startswith("SASL=") for word in capabilities)

    def turns_away(self, reply: Reply) -> bool:
        """Where the response code says that a later attempt may do (RFC 2449 §8, RFC 3206)."""
        return reply.code == "-ERR" and reply.text.upper().startswith(_NOT_NOW)


def _until_dot(received: bytes, at: int, first: str) -> Cut | None:
    lines = [first]
    while (cut := cut_line(received, at)) is not None:
        line, at = cut
        if line == b".":
            return Cut(Reply("+OK", tuple(lines), received[:at]), at)
        lines.append(printable(line.removeprefix(b".")))
    return None
