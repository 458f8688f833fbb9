"""Follows a live host's mail log by reading what was added to it, and nothing else: no mark is ever written there."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

from mailproof.errors import LogSilent
from mailproof.targets.readonly import LOGS, ReadOnly, news, rest, size

T = TypeVar("T")

DEADLINE = 5.0
PAUSE = 0.2
"""Seconds between two looks."""
_CURSOR = "-- cursor: "


class Polled:
    """The growing list of a host's log lines since it was first asked, by its own destination: file or journal."""

    def __init__(self, inside: ReadOnly, path: str) -> None:
        """``path`` as `destination` found it: "" is the journal."""
        self._inside = inside
        self._path = path
        self._lines: list[str] = []
        self._partial = ""
        self._cursor = "" if path else self._news("")
        self._position = int(self._inside.run(size(path)).text) if path else 0

    def mark(self) -> int:
        """The position after everything written so far; raises `LogSilent` where the log cannot be read."""
        self._look()
        return len(self._lines)

    def lines(self, since: int = 0) -> list[str]:
        """The lines that have arrived so far, from a position on."""
        return self._lines[since:]

    def wait(self, find: Callable[[list[str]], T | None], since: int, deadline: float = DEADLINE) -> T | None:
        """What ``find`` finds in the lines from a position on, as soon as it does; None when the deadline passes."""
        end = monotonic() + deadline
        while (found := find(self.lines(since))) is None and monotonic() < end:
            Event().wait(PAUSE)
            self._look()
        return found

    def _look(self) -> None:
        if not self._path:
            self._cursor = self._news(self._cursor)
            return
        done = self._inside.run(rest(self._path, self._position))
        if done.status:
            raise LogSilent(f"{self._path} can no longer be read: {done.errors.strip()}")
        self._position += len(done.text.encode("utf-8", "surrogateescape"))
        *whole, self._partial = f"{self._partial}{done.text}".split("\n")
        self._lines += whole

    def _news(self, cursor: str) -> str:
        done = self._inside.run(news(cursor))
        told = [line for line in done.text.splitlines() if line.startswith(_CURSOR)]
        if done.status or not told:
            raise LogSilent(f"the journal cannot be read: {done.errors.strip() or 'it gives no cursor'}")
        self._lines += [line for line in done.text.splitlines() if line and not line.startswith("-- ")]
        return told[-1].removeprefix(_CURSOR)


def destination(inside: ReadOnly, own: str) -> str | None:
    """Where the host's mail log lies: Postfix's ``own`` file (maillog_file), a syslog daemon's, "" for the journal;
    None where none can be read."""
    for path in filter(None, (own, *LOGS)):
        if not inside.run(size(path)).status:
            return path
    return None if inside.run(news("")).status else ""
