"""SMTP as a client reads it (RFC 5321; EHLO words RFC 5321 §4.1.1.1, AUTH RFC 4954, STARTTLS RFC 3207)."""

from __future__ import annotations

import base64
import re
from typing import ClassVar

from mailproof.errors import GarbledReply
from mailproof.wire.mail.dialogue import Capabilities, Cut, Dialogue, cut_line
from mailproof.wire.mail.reply import Reply
from mailproof.wire.tls.hostile import printable

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?")


class Smtp(Dialogue):
    """SMTP: three digits, a hyphen where the reply goes on."""

    asks_capabilities: ClassVar[str | None] = "EHLO {helo}"

    def greeting(self, received: bytes) -> Cut | None:
        """Cut the greeting, which looks like any reply."""
        return self.reply(received, "")

    def reply(self, received: bytes, _command: str, /) -> Cut | None:
        """Cut lines until one whose code is not followed by a hyphen."""
        codes: set[str] = set()
        lines: list[str] = []
        at = 0
        while (cut := cut_line(received, at)) is not None:
            line, at = cut
            found = _LINE.fullmatch(line)
            if found is None:
                raise GarbledReply(f"not an SMTP reply: {printable(line[:200])}")
            codes.add(found[1].decode())
            lines.append(printable(found[3] or b""))
            if len(codes) > 1:
                raise GarbledReply(f"one reply with several codes: {printable(received[:at])}")
            if found[2] != b"-":
                return Cut(Reply(codes.pop(), tuple(lines), received[:at]), at)
        return None

    def capabilities(self, reply: Reply) -> Capabilities:
        """The keywords of EHLO; ``AUTH PLAIN`` gives ``AUTH`` and ``AUTH=PLAIN``."""
        words: set[str] = set()
        for line in reply.lines[1:]:
            keyword, *parameters = re.split(r"[ =]+", line.strip().upper())
            words.add(keyword)
            if keyword == "AUTH":
                words.update(f"AUTH={mechanism}" for mechanism in parameters if mechanism)
        return frozenset(words - {""})

    def turns_away(self, reply: Reply) -> bool:
        """Also where the system takes no mail now (RFC 3463 §3.4, X.3.2): so postscreen(8) puts new clients off."""
        return super().turns_away(reply) or reply.enhanced == "4.3.2"

    def login(self, user: str, password: str) -> tuple[str, ...]:
        """AUTH PLAIN with its initial response."""
        return (f"AUTH PLAIN {sasl_plain(user, password)}",)

    def offers_login(self, capabilities: Capabilities) -> bool:
        """Where AUTH is among the keywords."""
        return "AUTH" in capabilities


def sasl_plain(user: str, password: str) -> str:
    """The one message of the SASL mechanism PLAIN, in base64 (RFC 4616)."""
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def stuffed(message: bytes) -> bytes:
    """``message`` as sent after DATA: CRLF line ends, leading dots doubled, the final dot (RFC 5321 §4.5.2)."""
    lines = re.split(rb"\r\n|\r|\n", message)
    if lines[-1] == b"":
        lines.pop()
    doubled = [b"." + line if line.startswith(b".") else line for line in lines]
    return b"".join(line + b"\r\n" for line in [*doubled, b"."])
