"""Nothing but a reading command ever reaches a live host."""

from __future__ import annotations

import re
from typing import cast

import pytest

from mailproof.errors import OurFault
from mailproof.settings import READ_SCRIPT
from mailproof.targets.inside import Inside, Output
from mailproof.targets.polling import Polled, destination
from mailproof.targets.readonly import ADDRESSES, ALLOWED, LISTENERS, LOGS, ReadOnly, news, rest, size

READERS = {
    "cat", "pidof", "stat", "tail", "journalctl", "postmap", "exec", "sed", "grep", "find", "ldd", "head", "printf",
    "postconf", "doveconf", "dovecot", "dpkg-query", "section", "shift", "export", "return", "exit",
}  # fmt: skip
"""Programs, and words of the shell, that leave everything as it is."""


class Host:
    """A host whose log grows between two looks."""

    name = "ssh://mx1"

    def __init__(self, log: str = "", status: int = 0) -> None:
        self.log = log
        self.status = status

    def run(self, command: str, deadline: int = 0) -> Output:
        if command.startswith("stat"):
            return Output(self.status, f"{len(self.log)}\n", "gone")
        if found := re.match(r"tail -c \+(\d+)", command):
            return Output(self.status, self.log[int(found[1]) - 1 :], "gone")
        return Output(1, "", "no journal")


def live(host: Host) -> ReadOnly:
    return ReadOnly(cast("Inside", host))


@pytest.mark.parametrize(
    "command",
    ["postfix reload", "logger hello", "cat /etc/shadow", f"{READ_SCRIPT}\nrm -rf /", "tail -c +1 'a' 'b'; reboot",
     "postmap -s 'x' >/etc/postfix/y", "postmap hash:/etc/postfix/x", "stat -L -c %s $(reboot)", "pidof master; id",
     "journalctl --no-pager --output=short --show-cursor --facility=mail --vacuum-size=1", ""],
)  # fmt: skip
def test_any_other_command_is_not_run(command: str) -> None:
    host = live(Host())
    with pytest.raises(OurFault, match="no command that only reads"):
        host.run(command)
    assert host.ran == []


@pytest.mark.parametrize(
    "command", [READ_SCRIPT, ADDRESSES, LISTENERS, size("/a b"), rest("/var/log/mail.log", 12), news("s=1;i=2")]
)
def test_what_is_asked_is_on_the_list_and_in_the_log_of_commands(command: str) -> None:
    host = live(Host("x" * 40))
    host.run(command)
    assert len(host.ran) == 1


def test_every_command_of_the_list_begins_with_a_program_that_reads() -> None:
    patterns = [each.pattern for each in ALLOWED if each.pattern != re.escape(READ_SCRIPT)]
    assert {re.sub(r"\\(.)", r"\1", pattern).split()[0] for pattern in patterns} <= READERS


def test_the_reading_of_settings_runs_readers_alone_and_writes_no_file() -> None:
    code = "\n".join(line for line in READ_SCRIPT.splitlines() if not line.lstrip().startswith("#"))
    commands = set(re.findall(r"(?:^|[|;(`]|\$\()\s*([a-z][\w-]*)(?=\s)", code, re.MULTILINE))
    assert commands <= READERS, commands - READERS
    written = set(re.findall(r"\d?>{1,2}\s*([&\w/.-]+)", re.sub(r"'[^']*'", "", code)))
    assert written <= {"&1", "&3", "&-", "/dev/null"}


def test_the_log_grows_by_what_was_added_to_it() -> None:
    host = Host("old line\n")
    log = Polled(live(host), "/var/log/mail.log")
    assert log.lines() == []
    mark = log.mark()
    host.log += "one\nand a half"
    assert log.wait(lambda lines: lines or None, mark) == ["one"]
    host.log += " more\n"
    log.mark()
    assert log.lines() == ["one", "and a half more"]


def test_a_host_without_any_log_has_none() -> None:
    assert destination(live(Host(status=1)), "") is None


def test_postfix_s_own_file_comes_first() -> None:
    assert destination(live(Host()), "/var/log/postfix.log") == "/var/log/postfix.log"
    assert destination(live(Host()), "") == LOGS[0]
