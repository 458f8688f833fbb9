"""What was said in a session, as text that is safe to show: control characters escaped, secrets hidden.

Secrets are hidden when the text is made, over whole stretches of one speaker, so that no split of the bytes, and no
peer that repeats what it was told, brings one out.
"""

from __future__ import annotations

import base64
import re

from mailproof.wire.mail.reply import Reply
from mailproof.wire.tls.hostile import printable

_HIDDEN = b"(hidden)"
_SENT, _RECEIVED, _NOTE = "> ", "< ", "* "


class Transcript:
    """Grows with its session. Lines begin ``> `` (sent), ``< `` (received) or ``* `` (what TLS did)."""

    def __init__(self) -> None:
        self._said: list[tuple[str, bytes]] = []
        self._secrets: set[bytes] = set()

    def sent(self, data: bytes) -> None:
        """Record what we said."""
        self._add(_SENT, data)

    def received(self, data: bytes) -> None:
        """Record what the peer said, in whatever pieces it came."""
        self._add(_RECEIVED, data)

    def note(self, text: str) -> None:
        """Record what happened below the dialogue, one or more lines."""
        self._said.append((_NOTE, text.encode()))

    def hide(self, user: str, password: str) -> None:
        """Never show this password: not plain, quoted, in base64 (alone or in a SASL PLAIN message) or hexadecimal."""
        plain = password.encode()
        quoted = re.sub(rb'(["\\])', rb"\\\1", plain)
        messages = (f"\0{user}\0{password}".encode(), f"{user}\0{user}\0{password}".encode(), plain)
        encoded = {base64.b64encode(message) for message in messages}
        self._secrets |= {plain, quoted, plain.hex().encode(), plain.hex().upper().encode()} | encoded
        self._secrets |= {secret.rstrip(b"=") for secret in encoded}
        self._secrets.discard(b"")

    def redacted(self, data: bytes) -> bytes:
        """``data`` with every secret replaced by ``(hidden)``."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            data = data.replace(secret, _HIDDEN)
        return data

    def clean(self, reply: Reply) -> Reply:
        """``reply`` as it may leave the session: a peer can repeat what it was told."""
        lines = (self.redacted(line.encode()).decode() for line in reply.lines)
        return Reply(reply.code, tuple(lines), self.redacted(reply.raw))

    def __str__(self) -> str:
        lines = []
        for mark, data in self._said:
            parts = self.redacted(data).replace(b"\r\n", b"\n").split(b"\n")
            lines += [mark + printable(part) for part in (parts[:-1] if parts[-1] == b"" else parts)]
        return "\n".join(lines)

    def _add(self, mark: str, data: bytes) -> None:
        if self._said and self._said[-1][0] == mark:
            data = self._said.pop()[1] + data
        self._said.append((mark, data))
