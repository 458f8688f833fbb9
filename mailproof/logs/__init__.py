"""Log lines as records: the prefix that all daemons share. What a line says is judged in ``postfix`` and ``dovecot``.

Pure: a line in, a value or None out. Must not know files, offsets or connections. What a line holds is hostile text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STAMP = r"(?P<stamp>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+)"
_SYSLOG = re.compile(_STAMP + r" (?P<host>[^\s:]+) (?P<program>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: (?P<text>.*)")
_OWN_FILE = re.compile(
    _STAMP + r" (?P<text>[a-z][\w-]*(?:\(.*?\))?(?:<[^<>]*>)*: (?:Debug|Info|Warning|Error|Fatal|Panic): .*)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A log line without its prefix: ``stamp`` as written (RFC 3164 or RFC 3339 form), ``program`` and ``pid`` as
    the daemon named itself. Lines of Dovecot's own log file carry neither host nor program: it is ``dovecot``.
    """

    stamp: str
    host: str
    program: str
    pid: int | None
    text: str


def split(line: str) -> Line | None:
    """The line's prefix and text, or None where it has neither of the two prefix forms."""
    line = line.rstrip("\r\n")
    found = _SYSLOG.fullmatch(line)
    if found:
        pid = found["pid"]
        return Line(found["stamp"], found["host"], found["program"], int(pid) if pid else None, found["text"])
    found = _OWN_FILE.fullmatch(line)
    return Line(found["stamp"], "", "dovecot", None, found["text"]) if found else None
