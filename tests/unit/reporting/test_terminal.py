"""What the terminal shows: versions, findings without repetition, one closing line, colour only where welcome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailproof.model import Result
from mailproof.reporting.terminal import closing, coloured, failures, header_lines, summary

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]


def test_the_header_names_every_version(mixed: Record) -> None:
    shown = "\n".join(header_lines(mixed["run"], mixed["targets"], width=120))
    for version in ("mailproof 0.1.0", "OpenSSL 3.5.4", "postfix 3.10.13", "dovecot 2.4.1", "openssl 3.5.7"):
        assert version in shown


def test_the_header_says_why_a_target_is_missing(mixed: Record, target: Record) -> None:
    shown = "\n".join(header_lines(mixed["run"], [{**target, "problem": "no image: the build failed"}], width=120))
    assert "! no image: the build failed" in shown
    assert "3.10.13" not in shown


def test_forty_services_with_one_fault_are_one_block(make_record: MakeRecord, make_row: MakeRow) -> None:
    record = make_record([make_row(f"smtp:{port}", "fail") for port in range(40)])
    shown = "\n".join(failures(record))
    assert shown.count("Refuses static rsa") == 1
    assert len(shown.splitlines()) < 15
    assert all(f"smtp:{port}" in shown for port in range(20))


def test_a_block_says_required_observed_fix_and_source(make_record: MakeRecord, make_row: MakeRow) -> None:
    shown = "\n".join(failures(make_record([make_row("smtp:25", "fail")])))
    labels = [line.split()[0] for line in shown.splitlines() if line.startswith("  ") and line[2:3].strip()]
    assert labels == ["required", "observed", "fix", "source"]


def test_an_error_says_its_reason(make_record: MakeRecord, make_row: MakeRow) -> None:
    record = make_record([make_row("smtp:25", "error", reason="TimedOut: no greeting within 5 s")])
    shown = "\n".join(failures(record))
    assert "reason" in shown
    assert "TimedOut: no greeting within 5 s" in shown


def test_one_reason_for_many_controls_is_one_block(make_record: MakeRecord, make_row: MakeRow) -> None:
    reason = "DidNotStart: master exited with 1"
    rows = [make_row(f"smtp:{n}", "error", control=f"X-{n}", reason=reason) for n in range(30)]
    shown = "\n".join(failures(make_record(rows)))
    assert shown.count(reason) == 1
    assert "! 30 controls X-0, X-1" in shown


def test_different_observations_are_few_and_the_rest_is_counted(make_record: MakeRecord, make_row: MakeRow) -> None:
    record = make_record([make_row(f"smtp:{port}", "fail", observed=f"saw {port}") for port in range(9)])
    shown = "\n".join(failures(record))
    assert shown.count("observed") == 3
    assert "and 6 more observations" in shown


def test_a_failed_should_says_that_it_does_not_count(make_record: MakeRecord, make_row: MakeRow) -> None:
    rows = [make_row("smtp:25", "fail", level="SHOULD")]
    assert "does not fail this run" in "\n".join(failures(make_record(rows)))
    assert "does not fail this run" not in "\n".join(failures(make_record(rows, strict=True)))


def test_a_clean_run_shows_no_failures(make_record: MakeRecord, make_row: MakeRow) -> None:
    assert "\n".join(failures(make_record([make_row()]))).strip() == ""


def test_the_closing_line_is_one_line_with_figures_and_path(mixed: Record) -> None:
    shown = closing(mixed, Path("reports/latest/report.html"), 8.25)
    assert shown == (
        "Failed: 1 pass · 2 fail · 1 error · 1 waived · 1 not-applicable · 1 not-checked in 8.2 s"
        " · reports/latest/report.html"
    )


@pytest.mark.parametrize(
    ("tty", "environment", "welcome"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": ""}, True),
        (False, {}, False),
        (True, {"CI": "true"}, False),
        (True, {"NO_COLOR": "1"}, False),
    ],
)
def test_colour_needs_a_terminal_and_no_objection(tty: bool, environment: dict[str, str], welcome: bool) -> None:
    assert coloured(tty, environment) is welcome


def test_without_colour_there_is_no_escape_sequence(mixed: Record) -> None:
    assert "\x1b" in "\n".join(failures(mixed, colour=True))
    assert "\x1b" not in "\n".join(failures(mixed))


def test_the_summary_is_the_failures_and_then_the_closing_line(mixed: Record) -> None:
    *blocks, last = summary(mixed, Path("reports/run-1"), 1.0, colour=False)
    assert blocks == failures(mixed)
    assert last == closing(mixed, Path("reports/run-1"), 1.0)
