"""One reply of a peer, the same shape for every protocol, and how hostile bytes are shown. Knows no protocol."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a peer answered to one command.

    ``code`` is ``250`` (SMTP, LMTP), ``+OK`` or ``-ERR`` (POP3), ``OK`` ``NO`` ``BAD`` ``BYE`` ``PREAUTH`` (IMAP,
    ManageSieve). ``lines`` are the reply's lines without code and line end, already printable; untagged IMAP lines
    keep their ``*``. ``raw`` is what came, byte for byte.
    """

    code: str
    lines: tuple[str, ...]
    raw: bytes

    @property
    def ok(self) -> bool:
        """True where the peer did what it was asked, or asks to go on (SMTP 3xx)."""
        return self.code in ("+OK", "OK", "PREAUTH") or self.code[0] in "23"

    @property
    def text(self) -> str:
        """The words of the reply in one line."""
        return " ".join(line for line in self.lines if line)

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) of the last line, or an empty string; its class must be the code's."""
        found = _ENHANCED.match(self.lines[-1]) if self.lines else None
        return found[1] if found and found[1][0] == self.code[0] else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()
