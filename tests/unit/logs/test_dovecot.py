"""Dovecot login lines as recorded on four releases."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mailproof.logs import dovecot, split
from mailproof.logs.dovecot import Aborted, Complaint, Disconnected, LoggedIn, LoginFailed, Record

_LOGS = Path(__file__).parents[3] / "fixtures" / "logs"
_RELEASES = ["debian-11", "debian-12", "debian-13", "debian-14"]
_HEAD = "Nov 22 13:57:00 mail dovecot: imap-login: "


def _records(release: str, name: str = "dovecot.log") -> list[Record]:
    lines = (_LOGS / release / name).read_text(encoding="utf-8").splitlines()
    return [record for record in map(dovecot.parse, lines) if record]


@pytest.mark.parametrize("release", _RELEASES)
def test_a_login_tells_user_addresses_and_cipher(release: str) -> None:
    logins = [record for record in _records(release) if isinstance(record, LoggedIn)]
    assert [record.pairs["user"] for record in logins] == ["any-name-1", "any.name2@where.test", "any3", "any4"]
    assert [record.service for record in logins] == ["imap-login", "imap-login", "imap-login", "pop3-login"]
    assert [record.version for record in logins] == ["TLSv1.3", "TLSv1.2", "TLSv1.3", "TLSv1.2"]
    assert logins[1].suite == "ECDHE-RSA-AES256-GCM-SHA384"
    assert all(record.secured and record.pairs.keys() >= {"method", "rip", "lip", "mpid"} for record in logins)


@pytest.mark.parametrize("release", _RELEASES)
def test_failed_logins_are_told_from_mere_disconnects(release: str) -> None:
    records = _records(release)
    failed = [record.pairs["user"] for record in records if isinstance(record, LoginFailed)]
    assert failed == ["any5", "any6", "any7", "any8", "x1"]
    ended = [record for record in records if isinstance(record, Aborted | Disconnected)]
    assert len(ended) == 2
    assert all(record.pairs["user"] == "" and not record.secured for record in ended)


@pytest.mark.parametrize("release", _RELEASES)
def test_dovecots_own_file_is_read_like_syslog(release: str) -> None:
    records = _records(release, "dovecot-own-file.log")
    first = records[0]
    assert isinstance(first, LoggedIn)
    assert (first.service, first.pairs["user"], first.version) == ("managesieve-login", "any20", "TLSv1.3")
    complaints = [record for record in records if isinstance(record, Complaint)]
    assert [(record.service, record.level) for record in complaints] == [
        ("managesieve-login", "Error"),
        ("imap-login", "Error"),
    ]
    assert "Can't set cipher list to 'FOO'" in complaints[0].text


def test_a_format_that_logs_literals_is_shown_as_it_is() -> None:
    literal = [r for r in _records("debian-14", "dovecot-own-file.log") if isinstance(r, LoggedIn)][-1]
    assert literal.pairs["user"] == "%u"
    assert literal.words == ("%c", "%k")
    assert not literal.secured
    assert literal.version is None


@pytest.mark.parametrize("ending", [": ", ":"])
def test_a_format_that_logs_nothing_is_still_a_login(ending: str) -> None:
    empty = dovecot.parse(f"{_HEAD}Logged in{ending}")
    assert isinstance(empty, LoggedIn)
    assert (dict(empty.pairs), empty.words) == ({}, ())


def test_the_recorded_empty_tail_is_a_login_without_elements() -> None:
    logins = [r for r in _records("debian-13", "dovecot-own-file.log") if isinstance(r, LoggedIn)]
    assert [bool(record.pairs) for record in logins] == [True, True, False, False]


def test_cleartext_login_that_was_refused_is_a_failed_login() -> None:
    for word in ("Plaintext", "Cleartext"):
        record = dovecot.parse(f"{_HEAD}Login failed: {word} authentication disabled: user=<>, rip=198.18.0.9")
        assert isinstance(record, LoginFailed)
        assert record.pairs["rip"] == "198.18.0.9"


def test_a_user_name_cannot_smuggle_in_a_second_address() -> None:
    line = f"{_HEAD}Aborted login (auth failed): user=<x>, rip=198.18.0.1, y=<>, rip=198.18.0.9"
    assert dovecot.parse(line) is None


@pytest.mark.parametrize(
    "line", ["", "junk", "Nov 22 13:57:00 mail dovecot: imap(a)<1><s>: Logged out in=1", f"{_HEAD}something else"]
)
def test_other_lines_are_no_record(line: str) -> None:
    assert dovecot.parse(line) is None


@pytest.mark.parametrize("piece", ["a", " ", ": ", "=", ", x=y", ", x=<", "%{", "): ", "<>", "user=<x>, "])
@pytest.mark.parametrize(
    "start",
    ["Login: ", "Logged in: user=<", "Login aborted: ", "Error: Failed to expand log_format_elements=",
     "Error: Failed to initialize SSL connection: "],
)  # fmt: skip
def test_long_hostile_lines_are_read_at_once(start: str, piece: str) -> None:
    began = time.process_time()
    dovecot.parse(_HEAD + start + piece * (8000 // len(piece)))
    assert time.process_time() - began < 2


def test_both_prefix_forms_are_understood() -> None:
    old, new = split("Nov  2 03:04:05 mail a/b[7]: t"), split("2026-11-22T13:57:00.1+00:00 mail a/b[7]: t")
    assert old is not None
    assert new is not None
    assert (old.program, old.pid, old.text) == (new.program, new.pid, new.text) == ("a/b", 7, "t")
    assert (old.stamp, new.stamp) == ("Nov  2 03:04:05", "2026-11-22T13:57:00.1+00:00")
