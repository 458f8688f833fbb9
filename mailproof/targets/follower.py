"""Follows a container's mail log as its daemons write it. Knows lines and positions, not what they mean.

One long-lived process inside prints the log and hands what we send it to the target's own syslog: a token that comes
back marks a position before which every earlier line has arrived, and proves that the log works at all.
"""

from __future__ import annotations

import secrets
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import TypeVar

from mailproof.errors import LogSilent, Unreachable

T = TypeVar("T")

LOG = "/var/log/mail.log"
DEADLINE = 5.0
"""Seconds that a line may take to arrive."""

# tail polls: on overlay file systems it cannot use inotify, and its own interval is a second.
_SCRIPT = (
    f"touch {LOG}; tail -s 0.005 -n +1 -F {LOG} 2>/dev/null & "
    'while read -r token; do logger -p mail.info -t mailproof "$token"; done; kill $!'
)


class Follower:
    """The growing list of a container's log lines, read by a thread of its own."""

    def __init__(self, container: str) -> None:
        self._process = subprocess.Popen(
            ["docker", "exec", "-i", container, "sh", "-c", _SCRIPT],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._lines: list[str] = []
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True, name=f"log of {container[:12]}")
        self._reader.start()

    def lines(self, since: int = 0) -> list[str]:
        """The lines that have arrived so far, from a position on."""
        with self._arrived:
            return self._lines[since:]

    def mark(self, deadline: float = DEADLINE) -> int:
        """The position after everything written so far; raises `LogSilent` when the log does not answer in time."""
        token = f"mark {secrets.token_hex(8)}"
        self._send(token)
        found = self.wait(lambda lines: next((n for n, line in enumerate(lines) if token in line), None), 0, deadline)
        if found is None:
            raise LogSilent(f"what is given to the target's syslog does not arrive in {LOG} within {deadline:g} s")
        return found + 1

    def wait(self, find: Callable[[list[str]], T | None], since: int, deadline: float = DEADLINE) -> T | None:
        """What ``find`` finds in the lines from a position on, as soon as it does; None when the deadline passes."""
        end = monotonic() + deadline
        with self._arrived:
            while (found := find(self._lines[since:])) is None:
                if (left := end - monotonic()) <= 0 or not self._arrived.wait(left):
                    return find(self._lines[since:])
            return found

    def close(self) -> None:
        """Stop following."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):  # a token that a dead container never took
                    pipe.close()

    def _send(self, token: str) -> None:
        if self._process.stdin is None:
            return
        try:
            self._process.stdin.write(f"{token}\n".encode())
            self._process.stdin.flush()
        except OSError:
            raise Unreachable("the target's log can no longer be followed: its container is gone") from None

    def _read(self) -> None:
        for raw in self._process.stdout or ():
            with self._arrived:
                self._lines.append(raw.decode("utf-8", "backslashreplace").rstrip("\r\n"))
                self._arrived.notify_all()
