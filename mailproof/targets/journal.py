"""What the daemons log of the very connection that a check made. Ties lines to it; judges nothing.

Postfix: the lines of one smtpd process from «connect» to «disconnect» that name our unique HELO. Dovecot: the login
line that names our unique user. A line that names nobody is ours only if it is the one candidate since the mark; two
candidates are an error, and so is a log in which nothing of ours arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from mailproof.errors import Ambiguous, LogSilent
from mailproof.ledger import Recorder
from mailproof.logs import dovecot, postfix
from mailproof.model import Service
from mailproof.targets.target import Target

DEADLINE = 8.0
"""Seconds that the lines of a finished connection may take to arrive."""

Line = tuple[str, postfix.Record]
Kind = TypeVar("Kind", bound=postfix.Record)
Found = TypeVar("Found")
LoginKind = TypeVar("LoginKind", dovecot.LoggedIn, dovecot.LoginFailed)


@dataclass(frozen=True, slots=True)
class Trace:
    """What smtpd logged of one session: its records in order, and the lines as they stand."""

    records: tuple[postfix.Record, ...]
    text: str

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """Its records of one kind."""
        return tuple(record for record in self.records if isinstance(record, kind))

    @property
    def tls(self) -> postfix.TlsEstablished | None:
        """The line that says what TLS was agreed, None where there is none."""
        found = self.of(postfix.TlsEstablished)
        return found[0] if found else None


class Journal:
    """The log of a target, from the moment that a check begins."""

    def __init__(self, target: Target, service: Service, recorder: Recorder) -> None:
        self.service = service
        self._follower = target.follower
        self._recorder = recorder
        self._mark = self._follower.mark()

    def connection(self, helo: str) -> Trace:
        """Everything that smtpd logged of the finished session that said ``helo``; raises `LogSilent`, `Ambiguous`."""
        found = self._wait(lambda lines: _session(lines, helo), f"session of {helo}")
        self._recorder.note(f"log of {self.service}", found.text)
        return found

    def login(self, *users: str) -> dovecot.LoggedIn:
        """The line of the one successful login of these users; it may lack whatever its format leaves out, the user's
        name included."""
        return self._login(users, dovecot.LoggedIn, f"login of {' or '.join(users)}")

    def failed_login(self, user: str) -> dovecot.LoginFailed:
        """The line of a login session that ended after a refused attempt."""
        return self._login((user,), dovecot.LoginFailed, f"failed login of {user}")

    def delivered(self, queue_id: str) -> postfix.Delivered:
        """The outcome of a message's delivery."""
        return self._wait(lambda lines: _delivery(lines, queue_id), f"delivery of {queue_id}")

    def _login(self, users: tuple[str, ...], kind: type[LoginKind], what: str) -> LoginKind:
        line, found = self._wait(lambda lines: _login_line(lines, users, kind, self.service.entry), what)
        self._recorder.note(f"log of {self.service}", line)
        return found

    def _wait(self, find: Callable[[list[str]], Found | None], what: str) -> Found:
        found = self._follower.wait(find, self._mark, DEADLINE)
        if found is None:
            seen = self._follower.lines(self._mark)
            last = seen[-1] if seen else "nothing at all"
            raise LogSilent(f"no {what} in the log within {DEADLINE:g} s; the last of {len(seen)} lines: {last}")
        return found


def _session(lines: list[str], helo: str) -> Trace | None:
    """The one finished session that names ``helo``; else the one that names no HELO at all."""
    sessions = list(finished_sessions(lines))
    named = [session for session in sessions if any(f"helo=<{helo}>" in line for line, _ in session)]
    candidates = named or [session for session in sessions if not any("helo=<" in line for line, _ in session)]
    if len(candidates) > 1:
        raise Ambiguous(f"{len(candidates)} sessions in the log could be that of {helo}")
    if not candidates:
        return None
    return Trace(tuple(record for _, record in candidates[0]), "\n".join(line for line, _ in candidates[0]))


def finished_sessions(lines: list[str]) -> Iterator[list[Line]]:
    """Sessions from connect to disconnect, by process: an smtpd serves one client at a time."""
    begun: dict[int, list[Line]] = {}
    for line in lines:
        record = postfix.parse(line)
        if isinstance(record, postfix.Connect):
            begun[record.process.pid] = [(line, record)]
        elif record is not None and record.process.pid in begun:
            begun[record.process.pid].append((line, record))
            if isinstance(record, postfix.Disconnect):
                yield begun.pop(record.process.pid)


def _login_line(
    lines: list[str], users: tuple[str, ...], kind: type[LoginKind], protocol: str
) -> tuple[str, LoginKind] | None:
    process = f"{'managesieve' if protocol == 'sieve' else protocol}-login"
    found = [(line, record) for line in lines
             if isinstance(record := dovecot.parse(line), kind) and record.service == process]  # fmt: skip
    named = [each for each in found if any(user in each[0] for user in users)]
    candidates = named or [each for each in found if _names_nobody(each[1])]
    if len(candidates) > 1:
        raise Ambiguous(f"{len(candidates)} lines in the log could be the login of {' or '.join(users)}")
    return candidates[0] if candidates else None


def _names_nobody(login: dovecot.Login) -> bool:
    """No user, or a variable that the release did not understand."""
    user = login.pairs.get("user", "")
    return not user or "%" in user


def _delivery(lines: list[str], queue_id: str) -> postfix.Delivered | None:
    for line in lines:
        record = postfix.parse(line)
        if isinstance(record, postfix.Delivered) and record.queue_id == queue_id:
            return record
    return None
