"""The inside view of a target: commands run where the daemons run, through testinfra. Knows no verdicts.

Only text comes back that provably is the command's own: a marker around the output tells a daemon's silence from a
container that died under us (testinfra's backends report both as an exit status).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from shlex import quote
from typing import Protocol

import testinfra

from mailproof.errors import TimedOut, Unreachable

TIMED_OUT = 124
DEADLINE = 30
"""Seconds that a command inside a target may take."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command left: exit status and text."""

    status: int
    text: str
    errors: str


class Runner(Protocol):
    """The part of a testinfra host that we use."""

    def run(self, command: str) -> Result: ...


class Result(Protocol):
    """The part of testinfra's result that we use."""

    @property
    def rc(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...


class Inside:
    """Runs commands inside one target. ``name`` is for messages."""

    def __init__(self, host: Runner, name: str) -> None:
        self.host = host
        self.name = name

    def run(self, command: str, deadline: int = DEADLINE) -> Output:
        """Run one shell command; raises `Unreachable` when it was not run, `TimedOut` after ``deadline`` seconds."""
        mark = f"mailproof-{secrets.token_hex(8)}"
        wrapped = f"timeout {deadline} sh -c {quote(command)}; printf '\\n{mark} %d\\n' $?"
        done = self.host.run(wrapped)
        text, found, status = done.stdout.rpartition(f"\n{mark} ")
        if not found:
            raise Unreachable(f"{self.name} no longer runs commands: {_last_line(done.stderr) or 'no answer'}")
        if int(status) == TIMED_OUT:
            raise TimedOut(f"{self.name}: a command inside took over {deadline} s: {command[:60]}")
        return Output(int(status), text, done.stderr)


def docker_inside(container: str, name: str) -> Inside:
    """The inside view of a container of the engine that the environment names (``DOCKER_HOST``)."""
    return Inside(testinfra.get_host(f"docker://{container}"), name)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
