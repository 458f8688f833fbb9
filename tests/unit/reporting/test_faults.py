"""The matrix: which fault nothing sees, which controls are alike, and what keeps such a run from ending in 0."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mailproof.model import Result
from mailproof.reporting.faults import Sheet, sheets, state
from mailproof.reporting.html import PAGE, html
from mailproof.reporting.record import problems, validate

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
CELLS = {"": {"pass": 2, "fail": 0, "error": 0}, "f": {"pass": 1, "fail": 1, "error": 0},
         "e": {"pass": 0, "fail": 0, "error": 2}, "b": {"pass": 0, "fail": 1, "error": 1}}  # fmt: skip


def fault(name: str, seen: Mapping[str, str], *of: str, problem: str | None = None) -> Record:
    cells = {control: CELLS[cell] for control, cell in seen.items()}
    return {"target": "debian-13", "profile": "pfs", "fault": name, "of": list(of), "generic": not of,
            "problem": problem, "seconds": 1.0, "seen": cells}  # fmt: skip


@pytest.fixture
def made(make_row: MakeRow, make_record: MakeRecord) -> Callable[..., Record]:
    def make(*faults: Record) -> Record:
        ids = sorted({id for each in faults for id in each["seen"]})
        controls = [{"id": id, "title": f"title of {id}", "room": "config", "no_other_way": ""} for id in ids]
        shown = {"controls": controls, "faults": list(faults)}
        return make_record([make_row("smtp:25")], proof="matrix", shown=shown)

    return make


@pytest.mark.parametrize(("cell", "shown"), [("", "pass"), ("f", "fail"), ("e", "error"), ("b", "fail")])
def test_a_cell_is_the_worst_of_its_cases_red_before_trouble(cell: str, shown: str) -> None:
    assert state(fault("x", {"A-1": cell}), "A-1") == shown


def test_a_run_in_which_every_fault_is_seen_ends_in_0(made: Callable[..., Record]) -> None:
    record = made(fault("down", {"A-1": "e", "A-2": ""}), fault("A-1.x", {"A-1": "f", "A-2": ""}, "A-1"))
    validate(record)
    assert (record["run"]["exit_status"], problems(record)) == (0, [])


@pytest.mark.parametrize(
    ("unseen", "said"),
    [
        (fault("down", {"A-1": "", "A-2": ""}), "down is seen by no control"),
        (fault("A-1.x", {"A-1": "", "A-2": ""}, "A-1"), "A-1.x is seen by no control"),
        (fault("A-1.x", {"A-1": "", "A-2": "f"}, "A-1"), "not seen by the control whose own fault it is (A-1)"),
    ],
)
def test_what_is_not_seen_as_it_must_be_ends_in_11(made: Callable[..., Record], unseen: Record, said: str) -> None:
    record = made(unseen)
    assert record["run"]["exit_status"] == 11
    assert any(said in problem for problem in problems(record))


def test_a_fault_that_could_not_be_worn_is_no_fault_that_was_seen(made: Callable[..., Record]) -> None:
    record = made(fault("A-1.x", {"A-1": "e"}, "A-1", problem="DidNotStart: fatal"))
    assert record["run"]["exit_status"] == 10
    assert any("DidNotStart: fatal" in problem for problem in problems(record))


def test_a_fault_whose_own_control_was_left_out_says_nothing(made: Callable[..., Record]) -> None:
    record = made(fault("A-1.x", {"A-2": ""}, "A-1"), fault("A-2.x", {"A-2": "f"}, "A-2"))
    assert (record["run"]["exit_status"], problems(record)) == (0, [])


@pytest.fixture
def sheet(made: Callable[..., Record]) -> Sheet:
    rows = {"A-1": "f", "A-2": "f", "A-3": "e", "A-4": "", "A-5": ""}
    [found] = sheets(made(
        fault("A-1.x", rows, "A-1"),
        fault("quiet", dict.fromkeys(rows, "")), fault("trouble", {**dict.fromkeys(rows, ""), "A-3": "e"}),
    ))  # fmt: skip
    return found


def test_faults_that_befall_all_come_first(sheet: Sheet) -> None:
    assert [each["fault"] for each in sheet.faults] == ["quiet", "trouble", "A-1.x"]


def test_a_sheet_names_what_an_auditor_looks_for(sheet: Sheet) -> None:
    assert sheet.name == "debian-13/pfs"
    assert sheet.unseen() == ["quiet"]
    assert sheet.only_trouble() == ["trouble"]
    assert sheet.alike() == [("A-1", "A-2")]
    assert sheet.untouched() == ["A-3", "A-4", "A-5"]


def test_the_page_has_a_cell_for_each_control_under_each_fault(made: Callable[..., Record]) -> None:
    page = html(made(fault("A-1.x", {"A-1": "f", "A-2": "e", "A-3": ""}, "A-1")), {}, {})
    table = re.search(r'<table class="sweep">.*?</table>', page, re.DOTALL)
    assert table
    assert re.findall(r"<td[^>]*>[^<]*</td>", table[0]) == [
        '<td class="fail o">✕</td>', '<td class="error">!</td>', "<td></td>",
    ]  # fmt: skip


def test_hundreds_of_faults_fit_into_a_page(made: Callable[..., Record]) -> None:
    ids = [f"CTRL-{number}" for number in range(150)]
    faults = [fault(f"{ids[place]}.x", {id: "f" if id == ids[place] else "" for id in ids}, ids[place])
              for place in range(120)]  # fmt: skip
    page = html(made(*faults), {}, {})
    assert len(page.encode()) < PAGE
    assert page.count("✕</td>") == 120
