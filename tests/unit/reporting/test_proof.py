"""What was proved, as an auditor reads it: every control with its faults, and above all what was not proved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailproof.model import Result
from mailproof.reporting.html import html
from mailproof.reporting.proof import proof
from mailproof.reporting.proven import figures, proved, sentence, untried
from mailproof.reporting.record import validate
from mailproof.reporting.summary import summary

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
CONTROLS = [
    {"id": "PFS-3", "title": "Refuses static RSA", "room": "handshake", "no_other_way": ""},
    {"id": "TLS-6", "title": "tlsmgr runs", "room": "config", "no_other_way": "it runs or it does not"},
]


def _tried(make_row: MakeRow, mutation: str, verdict: str = "proven", **changes: Any) -> Result:
    service, control = changes.pop("service", "smtp:25"), changes.pop("control", "PFS-3")
    target = changes.get("target", "debian-13")
    node = f"tests/{changes.pop('room', 'x')}/test_x.py::test_{control}[{target}/pfs/{service}+{mutation}]"
    return make_row(service, verdict, mutation=mutation, control=control, node=node, **changes)


@pytest.fixture
def record(make_row: MakeRow, make_record: MakeRecord) -> Record:
    rows = [
        make_row("smtp:25"),
        *(_tried(make_row, "readmitted", service=service, target=target)
          for service in ("smtp:25", "imap:143") for target in ("debian-12", "debian-13")),
        _tried(make_row, "spelling", innocent=True, raw_verdict="pass"),
        _tried(make_row, "taken-out", control="TLS-6", service="postfix"),
    ]  # fmt: skip
    return make_record(rows, proof="full", shown={"controls": CONTROLS})


def test_a_proof_holds_against_the_schema(record: Record) -> None:
    validate(record)


def test_every_control_names_its_faults_and_in_how_many_cases_they_were_seen(record: Record) -> None:
    page = proof(record)
    assert "**PFS-3** Refuses static RSA. Seen to fail under `readmitted` (2 on each of 2)." in page
    assert "Held under `spelling` (1 on debian-13)." in page
    assert "No other way: it runs or it does not." in page
    assert "## Not proven" not in page


def test_figures_are_by_room_and_over_all(record: Record) -> None:
    found = {each.room: (each.controls, each.faults, each.innocents) for each in figures(proved(record))}
    assert found == {"config": (1, 1, 0), "handshake": (1, 1, 1), "all": (2, 2, 1)}


def test_figures_say_how_many_faults_were_seen_on_each_target(make_row: MakeRow, make_record: MakeRecord) -> None:
    rows = [
        make_row("smtp:25"),
        *(_tried(make_row, name, target=target) for name in ("one", "two") for target in ("debian-12", "debian-13")),
        _tried(make_row, "one", "error", service="imap:143", reason="because", raw_verdict="error"),
    ]
    [*_, total] = figures(proved(make_record(rows, proof="full", shown={"controls": CONTROLS})))
    assert total.on == {"debian-12": (2, 2), "debian-13": (1, 2)}


@pytest.mark.parametrize("verdict", ["blind", "false-alarm", "error", "not-checked"])
def test_what_is_not_proven_stands_first_with_its_reason(
    make_row: MakeRow, make_record: MakeRecord, verdict: str
) -> None:
    rows = [make_row("smtp:25"), _tried(make_row, "readmitted", verdict, reason="because", raw_verdict="pass")]
    page = proof(make_record(rows, proof="full", shown={"controls": CONTROLS}))
    assert f"### {verdict}: 1 case\n\n- **PFS-3** `readmitted` in 1 case, `debian-13/pfs smtp:25`: `because`" in page
    assert page.index("## Not proven") < page.index("## handshake")
    assert f"0 proven, **1 {verdict}**" in page
    assert "Seen to fail" not in page
    assert "Held under" not in page
    assert "Not shown: `readmitted` (0 of 1 on debian-13)." in page


def test_the_worst_stands_first_and_the_same_reason_once(make_row: MakeRow, make_record: MakeRecord) -> None:
    rows = [
        make_row("smtp:25"),
        _tried(make_row, "one", "not-checked", reason="nothing to break", started=""),
        *(_tried(make_row, "two", "error", service=service, reason="dropped", raw_verdict="error")
          for service in ("smtp:25", "imap:143")),
        _tried(make_row, "spelling", "false-alarm", innocent=True, raw_verdict="fail", message="too strict"),
        _tried(make_row, "three", "blind", reason="stayed green", raw_verdict="pass"),
    ]  # fmt: skip
    page = proof(make_record(rows, proof="full", shown={"controls": CONTROLS}))
    heads = [line for line in page.splitlines() if line.startswith("### ")]
    assert heads == ["### blind: 1 case", "### false-alarm: 1 case", "### error: 2 cases", "### not-checked: 1 case"]
    assert "`two` in 2 cases, `debian-13/pfs imap:143; debian-13/pfs smtp:25`: `dropped`" in page


def test_a_fault_that_is_seen_in_some_cases_says_in_how_many(make_row: MakeRow, make_record: MakeRecord) -> None:
    rows = [
        make_row("smtp:25"),
        _tried(make_row, "readmitted"),
        _tried(make_row, "readmitted", "blind", service="imap:143", reason="stayed green", raw_verdict="pass"),
    ]
    page = proof(make_record(rows, proof="full", shown={"controls": CONTROLS}))
    assert "Seen to fail under `readmitted` (1 of 2 on debian-13)." in page


def test_what_the_record_does_not_describe_is_shown_by_its_rows(make_row: MakeRow, make_record: MakeRecord) -> None:
    rows = [
        make_row("smtp:25"),
        _tried(make_row, "readmitted", room="handshake", raw_verdict="fail"),
        _tried(make_row, "spelling", room="handshake", raw_verdict="pass"),
    ]
    page = proof(make_record(rows))
    assert "## handshake" in page
    assert "Seen to fail under `readmitted` (1 on debian-13). Held under `spelling` (1 on debian-13)." in page


def test_a_control_that_was_asked_and_never_broken_is_named(
    record: Record, make_row: MakeRow, make_record: MakeRecord
) -> None:
    rows = [
        _tried(make_row, "readmitted"),
        make_row(
            "smtp:25", control="LOG-1", title="Logs it", node="tests/logs/test_l.py::test_l[debian-13/pfs/smtp:25]"
        ),
        make_row("lmtp", "not-applicable", control="LOG-2", node="tests/logs/test_l.py::test_m[debian-13/pfs/lmtp]"),
    ]
    left = make_record(rows, proof="full", shown={"controls": CONTROLS})
    assert (untried(left), untried(record)) == ([("LOG-1", "Logs it")], [])
    assert "## Never broken\n\nAsked in this run, and not seen to fail under anything.\n\n- **LOG-1** Logs it" in proof(
        left
    )
    assert ", 1 control never broken" in sentence(left)
    assert "Asked and never broken: <a" in html(left, {}, {})


def test_a_run_that_proves_nothing_has_no_page_and_no_sentence(make_row: MakeRow, make_record: MakeRecord) -> None:
    record = make_record([make_row("smtp:25")])
    assert (proof(record), sentence(record)) == ("", "")


def test_terminal_and_summary_say_it_in_a_line(record: Record) -> None:
    said = sentence(record)
    assert said.startswith("proof: 2 controls under 2 faults and 1 harmless variation: 6 proven, 0 blind")
    assert "4 mutations put on and taken off, 1.5 s each, no change over 2.5 s" in said
    assert f"P{said[1:]}." in summary(record, {})


def test_the_page_shows_it_by_room(record: Record) -> None:
    page = html(record, {}, {})
    assert '<section id="proof"' in page
    assert "<td>2</td><td>2</td><td>1</td><td>1</td><td>2</td><td>6</td><td>0</td>" in page, "all rooms in figures"
    assert "readmitted <small" in page
    assert "no other way: it runs or it does not" in page


def test_reasons_of_a_hostile_server_are_one_line_of_text(
    make_row: MakeRow, make_record: MakeRecord, hostile: str
) -> None:
    rows = [make_row("smtp:25"), _tried(make_row, "readmitted", "error", reason=hostile, raw_verdict="error")]
    record = make_record(rows, proof="full", shown={"controls": CONTROLS})
    [line] = [line for line in proof(record).splitlines() if line.startswith("- **PFS-3**")]
    shown = line.partition("smtp:25`: ")[2]
    assert "\x1b" not in line
    assert (shown[0], shown[-1], shown.count("`")) == ("`", "`", 2), "in code, where Markdown means nothing"
    assert "<script>alert" not in html(record, {}, {})
