"""The record: its schema, its exit statuses and their order, what counts as complete."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from mailproof.errors import InvalidRecord
from mailproof.model import Daemon, Level, Result, Role, Severity, Verdict
from mailproof.reporting import record as records

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]


def test_the_schema_accepts_a_record_with_every_verdict(make_record: MakeRecord, make_row: MakeRow) -> None:
    rows = [make_row(f"smtp:{port}", verdict.value) for port, verdict in enumerate(Verdict, start=25)]
    records.validate(make_record(rows))


BROKEN: dict[str, Callable[[Record], object]] = {
    "another schema": lambda record: record.update(schema="mailproof/evidence-2"),
    "an unknown top-level key": lambda record: record.update(extra=1),
    "no completeness": lambda record: record.pop("completeness"),
    "an unknown key in a row": lambda record: record["results"][0].update(extra=1),
    "an unknown verdict": lambda record: record["results"][0].update(verdict="skipped"),
    "an unknown level": lambda record: record["results"][0].update(level="MAY"),
    "an unknown severity": lambda record: record["results"][0].update(severity="awful"),
    "an unknown role": lambda record: record["results"][0].update(role="server"),
    "no service": lambda record: record["results"][0].update(service=None),
    "no node": lambda record: record["results"][0].update(node=""),
    "no source": lambda record: record["results"][0].update(sources=[]),
    "a source without a quote": lambda record: record["results"][0]["sources"][0].pop("quote"),
    "a row's local time": lambda record: record["results"][0].update(started="2026-11-22T22:50:01+01:00"),
    "the run's naive time": lambda record: record["run"].update(started="2026-11-22T22:50:01"),
    "a truncated hash": lambda record: record["results"][0].update(transcript="abc"),
    "a negative time": lambda record: record["results"][0].update(seconds=-1),
    "a pass that the control did not say": lambda record: record["results"][0].update(raw_verdict="fail"),
    "a pass under a mutation": lambda record: record["results"][0].update(mutation="static-rsa-readmitted"),
    "an error without a reason": lambda record: record["results"][0].update(verdict="error", reason=""),
    "an unknown kind of target": lambda record: record["targets"][0].update(kind="host"),
    "a version that is no text": lambda record: record["targets"][0]["versions"].update(postfix=3.10),
    "a profile without its hash": lambda record: record["profiles"][0].pop("sha256"),
    "a foreign exit status": lambda record: record["run"].update(exit_status=5),
    "a negative count": lambda record: record["completeness"].update(missing=[], planned=-1),
    "a command as one string": lambda record: record["run"].update(command="./check"),
    "strictness as a word": lambda record: record["run"].update(strict="yes"),
    "options as a table": lambda record: record["run"]["selection"].update(options={"strict": True}),
    "a proof without a mutation": lambda record: record["results"][0].update(verdict="proven"),
}


@pytest.mark.parametrize("defect", BROKEN)
def test_the_schema_rejects(defect: str, make_record: MakeRecord, make_row: MakeRow) -> None:
    broken = copy.deepcopy(make_record([make_row()]))
    BROKEN[defect](broken)
    with pytest.raises(InvalidRecord):
        records.validate(broken)


def test_the_schema_has_the_words_of_the_model(make_record: MakeRecord, make_row: MakeRow) -> None:
    words = {"level": Level, "severity": Severity, "role": Role}
    for key, kind in words.items():
        for value in kind:
            records.validate(make_record([make_row(**{key: value.value})]))
    assert set(Daemon) == {"postfix", "dovecot"}


STATUSES: dict[str, tuple[list[tuple[str, str]], bool, int]] = {
    "all pass": ([("pass", "MUST")], False, 0),
    "waived holds": ([("waived", "MUST")], False, 0),
    "not-applicable beside a pass": ([("pass", "MUST"), ("not-applicable", "MUST")], False, 0),
    "not-checked beside a pass": ([("pass", "MUST"), ("not-checked", "MUST")], False, 0),
    "a MUST fails": ([("pass", "MUST"), ("fail", "MUST")], False, 1),
    "a MUST NOT fails": ([("fail", "MUST NOT")], False, 1),
    "a SHOULD fails": ([("fail", "SHOULD")], False, 0),
    "a SHOULD fails, strictly": ([("fail", "SHOULD")], True, 1),
    "a SHOULD NOT fails, strictly": ([("fail", "SHOULD NOT")], True, 1),
    "an informative one fails, strictly": ([("fail", "INFORMATIVE")], True, 0),
    "an error": ([("pass", "MUST"), ("error", "MUST")], False, 10),
    "an informative error": ([("pass", "MUST"), ("error", "INFORMATIVE")], False, 10),
    "a fail before an error": ([("error", "MUST"), ("fail", "MUST")], False, 1),
    "an error before an advised fail": ([("error", "MUST"), ("fail", "SHOULD")], False, 10),
    "nothing planned": ([], False, 10),
    "nothing judged": ([("not-applicable", "MUST"), ("not-checked", "MUST")], False, 10),
    "proven": ([("proven", "MUST")], False, 0),
    "blind": ([("blind", "MUST")], False, 11),
    "false alarm": ([("false-alarm", "INFORMATIVE")], False, 11),
    "blind before all else": ([("blind", "SHOULD"), ("fail", "MUST"), ("error", "MUST")], False, 11),
}


@pytest.mark.parametrize("case", STATUSES)
def test_the_exit_status_is_the_first_that_holds(case: str, make_record: MakeRecord, make_row: MakeRow) -> None:
    verdicts, strict, status = STATUSES[case]
    rows = [make_row(f"smtp:{port}", verdict, level=level) for port, (verdict, level) in enumerate(verdicts)]
    record = make_record(rows, strict=strict)
    assert record["run"]["exit_status"] == status
    records.validate(record)


@pytest.mark.parametrize(
    "figures",
    [
        {"missing": ["tests/x.py::test_y[debian-13/pfs/smtp:25]"], "reported": 0},
        {"planned": 2},
        {"reported": 0},
        {"run": 2, "planned": 2},
        {"not_applicable": 1, "planned": 2},
        {"holds": False},
    ],
)
def test_a_gap_in_completeness_is_never_a_pass(
    figures: Record, make_record: MakeRecord, make_row: MakeRow
) -> None:  # fmt: skip
    record = make_record([make_row()], **figures)
    assert (record["completeness"]["holds"], record["run"]["exit_status"]) == (False, 10)


def test_two_rows_for_one_case_are_no_complete_record(make_record: MakeRecord, make_row: MakeRow) -> None:
    assert make_record([make_row(), make_row()])["run"]["exit_status"] == 10


@pytest.mark.parametrize("change", [{"problem": "the image could not be built"}, {"name": "debian-14"}])
def test_a_target_that_was_not_judged_is_never_a_pass(
    change: Record, target: Record, make_record: MakeRecord, make_row: MakeRow
) -> None:
    record = make_record([make_row()], targets=[target, {**target, **change}])
    assert record["run"]["exit_status"] == 10
    assert len(records.problems(record)) == 1


def test_a_target_is_judged_only_by_rows_of_its_own_profile(
    target: Record, make_record: MakeRecord, make_row: MakeRow
) -> None:
    other, shared = {**target, "profile": "relay"}, {**target, "profile": None}
    assert make_record([make_row()], targets=[target, other])["run"]["exit_status"] == 10
    assert make_record([make_row()], targets=[shared])["run"]["exit_status"] == 0


def test_a_target_that_the_caller_deselected_is_the_caller_s_choice(
    target: Record, make_record: MakeRecord, make_row: MakeRow
) -> None:
    targets, left_out = [target, {**target, "profile": "relay"}], "tests/relay/test_x.py::test_y[debian-13/{}/smtp:25]"
    chosen = make_record([make_row()], targets=targets, deselected=[left_out.format("relay")])
    other = make_record([make_row()], targets=targets, deselected=[left_out.format("relay-strict")])
    assert (chosen["run"]["exit_status"], other["run"]["exit_status"]) == (0, 10)
    nothing = make_record([], targets=targets, deselected=[left_out.format("relay"), left_out.format("pfs")])
    assert nothing["run"]["exit_status"] == 10


def test_the_sentence_tells_what_failed_from_what_does_not_count(make_record: MakeRecord, make_row: MakeRow) -> None:
    rows = [make_row("smtp:25", "fail"), make_row("imap:143", "fail", level="SHOULD"), make_row("pop3:110")]
    said = records.verdict_sentence(make_record(rows))
    assert said == "Failed: 1 of 3 judged cases failed, 1 failed what is only advised or recorded."
    assert records.verdict_sentence(make_record(rows, strict=True)) == "Failed: 2 of 3 judged cases failed."


def test_rows_stand_in_the_order_of_their_ids(make_record: MakeRecord, make_row: MakeRow) -> None:
    rows = [make_row("smtp:25"), make_row("imap:143"), make_row("lmtp")]
    assert make_record(rows) == make_record(rows[::-1])
