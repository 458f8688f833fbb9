"""How bytes of a peer are shown: whatever they are, as text that does no harm. Pure."""

from __future__ import annotations


def printable(received: bytes) -> str:
    """``received`` as one line that is safe to show: control, bidirectional and undecodable characters are escaped."""
    text = received.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
