"""Commands inside a target: only what is provably the command's own output counts."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mailproof.errors import TimedOut, Unreachable
from mailproof.targets.inside import TIMED_OUT, Inside


@dataclass(frozen=True)
class Done:
    """What testinfra gives back."""

    rc: int
    stdout: str
    stderr: str


class Here:
    """Runs commands on this machine."""

    def run(self, command: str) -> Done:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout, done.stderr)


class Scripted:
    """Answers every command with what a function makes of it, and remembers it."""

    def __init__(self, answer: Callable[[str], Done]) -> None:
        self.answer = answer
        self.commands: list[str] = []

    def run(self, command: str) -> Done:
        self.commands.append(command)
        return self.answer(command)


def well(command: str) -> Done:
    """The answer of a target on which a command succeeds without a word."""
    return Done(0, f"\n{mark_of(command)} 0\n", "")


def mark_of(command: str) -> str:
    found = re.search(r"mailproof-[0-9a-f]{16}", command)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("command", "status", "text", "errors"),
    [
        ("true", 0, "", ""),
        ("exit 3", 3, "", ""),
        ("echo one; echo two", 0, "one\ntwo\n", ""),
        ("printf 'no end of line'", 0, "no end of line", ""),
        ('echo "it\'s quoted" \'twice "over"\'', 0, 'it\'s quoted twice "over"\n', ""),
        ("echo wrong >&2; false", 1, "", "wrong\n"),
        ("printf '\\nmailproof-0011 0\\n'; exit 4", 4, "\nmailproof-0011 0\n", ""),
    ],
)
def test_a_command_s_status_and_text_come_back_as_they_are(command: str, status: int, text: str, errors: str) -> None:
    done = Inside(Here(), "here").run(command)
    assert (done.status, done.text, done.errors) == (status, text, errors)


def test_a_target_that_died_is_unreachable_and_not_silent() -> None:
    """Docker says so with an exit status that a command could have, too."""
    gone = Scripted(lambda _: Done(1, "", "a warning\nError: container 0011 is not running\n"))
    with pytest.raises(
        Unreachable, match="debian-13/pfs no longer runs commands: Error: container 0011 is not running"
    ):
        Inside(gone, "debian-13/pfs").run("true")
    with pytest.raises(Unreachable, match="no answer"):
        Inside(Scripted(lambda _: Done(0, "", "")), "debian-13/pfs").run("true")


def test_output_that_was_cut_short_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        Inside(Scripted(lambda _: Done(0, "half of the outp", "")), "here").run("cat /etc/passwd")


def test_a_mark_of_another_command_is_no_answer() -> None:
    with pytest.raises(Unreachable):
        Inside(Scripted(lambda _: Done(0, "\nmailproof-0011223344556677 0\n", "")), "here").run("true")


def test_every_command_has_a_mark_of_its_own() -> None:
    scripted = Scripted(well)
    for _ in range(2):
        Inside(scripted, "here").run("true")
    assert len({mark_of(command) for command in scripted.commands}) == 2


def test_a_command_that_takes_too_long_is_no_answer() -> None:
    late = Scripted(lambda command: Done(0, f"half\n{mark_of(command)} {TIMED_OUT}\n", ""))
    with pytest.raises(TimedOut, match="here: a command inside took over 7 s: sleep 100"):
        Inside(late, "here").run("sleep 100", deadline=7)


def test_the_deadline_is_kept_inside_the_target() -> None:
    scripted = Scripted(well)
    Inside(scripted, "here").run("true", deadline=7)
    assert scripted.commands[0].startswith("timeout 7 sh -c true; ")
