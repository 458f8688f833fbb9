"""Two sights of a container are compared: a file or a setting that is not what it was is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailproof.errors import DidNotRestore
from mailproof.model import Daemon
from mailproof.targets.examination import Sight, check_restored

RECORDED = Path(__file__).parents[3] / "fixtures" / "recorded" / "debian-13.txt"
FILES = ("aa  /etc/dovecot/local.conf", "bb  /etc/postfix/main.cf")
LOG = (
    "2026-11-22T10:00:00+00:00 mail dovecot: master: Error: what its predecessor said",
    "2026-11-22T10:00:01+00:00 mail dovecot: master: Dovecot v2.4.1 starting up for imap",
    "2026-11-22T10:00:02+00:00 mail dovecot: config: Warning: something is obsolete",
)


@pytest.fixture
def sight() -> Sight:
    text = "\n".join([*FILES, RECORDED.read_text(encoding="utf-8").rstrip("\n"), "mailproof-log-follows", *LOG, ""])
    return Sight.of(text)


def test_files_settings_and_log_are_told_apart(sight: Sight) -> None:
    assert sight.files == FILES
    assert sight.log == LOG
    assert sight.readings.postfix.version


def test_only_what_was_said_since_the_start_is_held_against_a_configuration(sight: Sight) -> None:
    assert sight.complaints(Daemon.DOVECOT) == ("config: Warning: something is obsolete",)


def test_the_same_is_the_same_whatever_postconf_s_own_process_id(sight: Sight) -> None:
    values = {**sight.readings.postfix.values, "process_id": "4711"}
    again = replace(sight, readings=replace(sight.readings, postfix=replace(sight.readings.postfix, values=values)))
    check_restored(sight, replace(again, log=()))


@pytest.mark.parametrize(
    "files", [(FILES[0],), (FILES[0], "cc  /etc/postfix/main.cf"), (*FILES, "dd  /etc/postfix/main.cf.old")]
)
def test_a_file_that_is_gone_altered_or_new_is_named(sight: Sight, files: tuple[str, ...]) -> None:
    with pytest.raises(DidNotRestore, match=r"^/etc/postfix/main\.cf(\.old)? is not what it was before the mutation$"):
        check_restored(sight, replace(sight, files=files))


def test_a_setting_that_is_said_otherwise_is_no_restoration(sight: Sight) -> None:
    values = {**sight.readings.postfix.values, "mail_name": "another"}
    other = replace(sight.readings, postfix=replace(sight.readings.postfix, values=values))
    with pytest.raises(DidNotRestore, match="other settings than before"):
        check_restored(sight, replace(sight, readings=other))
