"""What a pasted line amounts to, from facts of our own making."""

from __future__ import annotations

import pytest

from mailproof.effects import Effect, Finding, Trial, complaints, finding

REMOVED = 'warning: /etc/postfix/main.cf: support for parameter "smtpd_use_tls" will be removed; instead, do not'
UNUSED = "warning: /etc/postfix/main.cf: unused parameter: smtpd_tls_foo=1"
OTHERWISE = "warning: /etc/postfix/main.cf, line 53: overriding earlier entry: smtpd_tls_loglevel=0"


def tried(before: int | None, after: int | None, *said: str) -> Finding:
    return finding([Trial("by itself", {"smtp:25 answers": before}, {"smtp:25 answers": after}, said)])


@pytest.mark.parametrize(
    ("found", "effects"),
    [
        (tried(0, 1), (Effect.WORKS,)),
        (tried(1, 0), (Effect.HARMFUL,)),
        (tried(2048, 1024), (Effect.HARMFUL,)),
        (tried(1, 1), (Effect.NOTHING,)),
        (tried(None, 1), (Effect.NOTHING,)),  # nobody could tell before: no gain
        (tried(1, None), (Effect.HARMFUL,)),  # what held before, and nobody can tell any more, is no pass
        (tried(0, None), (Effect.NOTHING,)),
        (tried(0, 1, REMOVED), (Effect.WORKS, Effect.DEPRECATED)),
        (tried(1, 1, REMOVED), (Effect.NOTHING, Effect.DEPRECATED)),
        (tried(1, 1, UNUSED), (Effect.REFUSED,)),
        (tried(1, 1, OTHERWISE), (Effect.NOTHING,)),
    ],
)
def test_a_line_is_known_by_what_changes_and_by_what_is_said(found: Finding, effects: tuple[Effect, ...]) -> None:
    assert found.effects == effects
    assert found.as_promised is (effects == (Effect.WORKS,))


def test_gain_and_loss_stand_beside_each_other() -> None:
    trial = Trial("in the whole", {"prefers": 0, "shows": 1}, {"prefers": 1, "shows": 0})
    found = finding([trial])
    assert found.effects == (Effect.WORKS, Effect.HARMFUL)
    assert set(found.seen) == {"in the whole: now prefers", "in the whole: no longer shows"}


def test_amounts_are_told() -> None:
    assert str(tried(2048, 1024)) == "harmful; by itself: no longer smtp:25 answers (2048 before, 1024 now)"


def test_a_command_that_fails_is_refused_whatever_its_successor_does() -> None:
    gained = Trial("by itself", {"DHE": 0}, {"DHE": 1})
    assert finding([gained], "status 1, Invalid command 'gendh'").effects == (Effect.WORKS, Effect.REFUSED)
    assert finding([], "status 1").effects == (Effect.REFUSED,)


def test_complaints_are_told_without_time_and_process_and_once() -> None:
    text = """\
Nov 22 13:57:00 mail postfix/smtpd[71]: warning: Invalid TLS protocol list
Nov 22 13:57:09 mail postfix/smtpd[99]: warning: Invalid TLS protocol list
Nov 22 13:57:09 mail postfix/smtpd[99]: connect from unknown
Invalid command 'gendh'; type "help" for a list.
doveconf: Fatal: Error in configuration file
"""
    assert complaints(text) == (
        "warning: Invalid TLS protocol list", "Invalid command 'gendh'; type \"help\" for a list.",
        "Fatal: Error in configuration file",
    )  # fmt: skip


def test_what_only_other_settings_bring_about_is_told_apart() -> None:
    gained = Trial("given smtpd_tls_security_level = encrypt", {"a": 0, "b": 1}, {"a": 1, "b": 0}, elsewhere=True)
    found = finding([Trial("by itself", {"a": 1}, {"a": 1}), gained])
    assert found.effects == (Effect.WORKS_ELSEWHERE, Effect.NOTHING, Effect.HARMFUL_ELSEWHERE)
    assert not found.as_promised


def test_a_line_that_works_here_may_work_elsewhere_too() -> None:
    trials = [Trial("by itself", {"a": 0}, {"a": 1}), Trial("given b", {"b": 0}, {"b": 1}, elsewhere=True)]
    assert finding(trials).as_promised
