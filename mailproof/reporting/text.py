"""Text on its way to somebody's eyes. What a server sends may hold escape sequences, text that runs backwards, and
characters that XML forbids; each is shown as an escape instead. Must not know where the text will be shown.
"""

from __future__ import annotations


def printable(text: str) -> str:
    r"""The text with everything that does not print as itself spelt out (``\x1b``, ``\u202e``): controls, formats, lone
    surrogates, odd spaces, unassigned code points. Tabs and line ends stay; CR LF, as mail protocols have it, is one.
    """
    return "\n".join(_line(line) for line in text.replace("\r\n", "\n").split("\n"))


def one_line(text: str) -> str:
    """The text made printable, on a single line, its white space collapsed."""
    return " ".join(printable(text).split())


def clip(text: str, limit: int) -> str:
    """At most ``limit`` characters of the text, and how many were left out."""
    left = len(text) - limit
    return text if left <= 0 else f"{text[:limit]}… ({left:,} more characters)"


def number(count: int, noun: str) -> str:
    """A count with its noun: ``1 case``, ``1,200 cases``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _line(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() or char == "\t" else _spelt(char) for char in line)


def _spelt(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
