"""Following a log through the engine's command line; a script of ours stands in for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mailproof.errors import LogSilent, Unreachable
from mailproof.targets.follower import Follower

PROMPT = 'while read -r token; do echo "mail mailproof: $token"; done'
Follow = Callable[[str], Follower]


@pytest.fixture
def follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follow]:
    """Follow what a shell script prints in place of a container."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with ExitStack() as ends:

        def start(script: str) -> Follower:
            program = tmp_path / "docker"
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o700)
            follower = Follower("c0ffee")
            ends.callback(follower.close)
            return follower

        yield start


def test_lines_arrive_in_order_and_without_their_ends(follow: Follow) -> None:
    follower = follow("printf 'one\\r\\ntwo\\n'; cat >/dev/null")
    assert follower.wait(lambda lines: lines if len(lines) == 2 else None, 0) == ["one", "two"]
    assert follower.lines(1) == ["two"]


def test_a_line_that_is_no_text_is_kept_readable(follow: Follow) -> None:
    follower = follow("printf 'caf\\351\\n'; cat >/dev/null")
    assert follower.wait(lambda lines: lines[0] if lines else None, 0) == "caf\\xe9"


def test_everything_before_a_mark_has_arrived(follow: Follow) -> None:
    follower = follow(f"echo before; {PROMPT}")
    mark = follower.mark()
    assert follower.lines()[:1] == ["before"]
    assert follower.lines(mark) == []
    assert follower.mark() == mark + 1


def test_waiting_looks_only_behind_the_mark(follow: Follow) -> None:
    follower = follow(f"echo connect from early; {PROMPT}")
    mark = follower.mark()
    assert follower.wait(lambda lines: "early" in "".join(lines) or None, mark, deadline=0.01) is None


def test_waiting_ends_as_soon_as_something_is_found(follow: Follow) -> None:
    follower = follow(f"{PROMPT}")
    follower.mark()
    assert follower.wait(lambda lines: len(lines) or None, 0, deadline=60) == 1


def test_what_the_search_raises_is_raised(follow: Follow) -> None:
    def ambiguous(lines: list[str]) -> None:
        raise LookupError(len(lines))

    with pytest.raises(LookupError):
        follow("cat >/dev/null").wait(ambiguous, 0)


def test_a_log_that_does_not_answer_is_silent(follow: Follow) -> None:
    """Postfix may be well and its log not: without the log nothing can be judged by it."""
    with pytest.raises(LogSilent, match=r"does not arrive in /var/log/mail\.log within 0\.05 s"):
        follow("echo a line of somebody else; cat >/dev/null").mark(deadline=0.05)


def test_a_container_that_is_gone_cannot_be_followed(follow: Follow) -> None:
    follower = follow("exit 1")
    follower._process.wait(5)
    with pytest.raises(Unreachable, match="its container is gone"):
        follower.mark(deadline=0.05)


def test_closing_ends_the_process_and_its_reader(follow: Follow) -> None:
    follower = follow(PROMPT)
    follower.mark()
    follower.close()
    assert follower._process.returncode is not None
    assert not follower._reader.is_alive()
