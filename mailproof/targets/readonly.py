"""The one way in which commands reach a live host: what is not on the list is not run. Knows no daemons' meaning."""

from __future__ import annotations

import re
from shlex import quote

from mailproof.errors import OurFault
from mailproof.settings import READ_SCRIPT
from mailproof.targets.inside import DEADLINE, Inside, Output

LOGS = ("/var/log/mail.log", "/var/log/maillog", "/var/log/syslog")
"""Where a syslog daemon writes what mail daemons say, by the habit of one system or another."""
ADDRESSES = "cat /proc/net/fib_trie /proc/net/if_inet6"
LISTENERS = "cat /proc/net/tcp /proc/net/tcp6"
RUNNING = {"postfix": "pidof master", "dovecot": "pidof dovecot"}
_QUOTED = r"'[^']+'|[\w./:@+-]+"
ALLOWED = (
    re.compile(re.escape(READ_SCRIPT)),
    re.compile(re.escape(ADDRESSES)),
    re.compile(re.escape(LISTENERS)),
    *(re.compile(re.escape(each)) for each in RUNNING.values()),
    re.compile(rf"stat -L -c %s (?:{_QUOTED})"),
    re.compile(rf"tail -c \+\d+ (?:{_QUOTED})"),
    re.compile(
        rf"journalctl --no-pager --output=short --show-cursor --facility=mail (?:-n 0|--after-cursor=(?:{_QUOTED}))"
    ),
    re.compile(rf"postmap -s (?:{_QUOTED})"),
)
"""Every command that a live host may be asked: each one only reads."""


class ReadOnly:
    """The inside view of a live host. ``ran`` are the commands that were run, in order."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self.ran: list[str] = []

    @property
    def name(self) -> str:
        """For messages."""
        return self._inside.name

    def run(self, command: str, deadline: int = DEADLINE) -> Output:
        """Run one command of the list; raises `OurFault` for any other, else as `Inside.run`."""
        if not any(each.fullmatch(command) for each in ALLOWED):
            raise OurFault(f"«{command[:60]}» is no command that only reads: it is not run on {self.name}")
        self.ran.append("the reading of settings (READ_SCRIPT)" if command == READ_SCRIPT else command)
        return self._inside.run(command, deadline)


def size(path: str) -> str:
    """The command that tells how many bytes a file has."""
    return f"stat -L -c %s {quote(path)}"


def rest(path: str, position: int) -> str:
    """The command that prints a file from a byte on (the first is 0)."""
    return f"tail -c +{position + 1} {quote(path)}"


def news(cursor: str) -> str:
    """The command that prints what the mail daemons told the journal since a cursor ("": nothing but a new one)."""
    since = f"--after-cursor={quote(cursor)}" if cursor else "-n 0"
    return f"journalctl --no-pager --output=short --show-cursor --facility=mail {since}"
