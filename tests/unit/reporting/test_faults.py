"""The matrix: which fault nothing sees, which controls are alike, and what keeps such a run from ending in 0."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mailproof.model import Result
from mailproof.reporting.faults import COLUMNS, Sheet, sentence, sheets, state
from mailproof.reporting.html import PAGE, html
from mailproof.reporting.record import problems, validate
from mailproof.reporting.summary import summary
from mailproof.reporting.terminal import summary as closing

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
CELLS = {"": {"pass": 2, "fail": 0, "error": 0}, "f": {"pass": 1, "fail": 1, "error": 0},
         "e": {"pass": 0, "fail": 0, "error": 2}, "b": {"pass": 0, "fail": 1, "error": 1},
         "0": {"pass": 0, "fail": 0, "error": 0}}  # fmt: skip


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


@pytest.mark.parametrize(
    ("cell", "shown"), [("", "pass"), ("f", "fail"), ("e", "error"), ("b", "fail"), ("0", "not-checked")]
)
def test_a_cell_is_the_worst_of_its_cases_red_before_trouble(cell: str, shown: str) -> None:
    assert state(fault("x", {"A-1": cell}), "A-1") == shown


def test_a_control_that_was_not_asked_is_not_green() -> None:
    assert state(fault("x", {"A-1": ""}), "A-2") == "not-checked"


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
        (fault("A-1.x", {"A-1": "", "A-2": "f"}, "A-1", "A-2"), "not seen by the control whose own fault it is (A-1)"),
        (fault("down", {"A-1": "0"}), "down is seen by no control"),
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


def test_a_fault_that_its_own_control_cannot_judge_is_not_seen(made: Callable[..., Record]) -> None:
    record = made(fault("A-1.x", {"A-1": "e", "A-2": "f"}, "A-1"))
    assert record["run"]["exit_status"] == 10
    assert any("could not be judged by the control whose own fault it is (A-1)" in each for each in problems(record))


def test_a_fault_whose_own_control_was_left_out_says_nothing(made: Callable[..., Record]) -> None:
    record = made(fault("A-1.x", {"A-2": ""}, "A-1"), fault("A-2.x", {"A-2": "f"}, "A-2"))
    assert (record["run"]["exit_status"], problems(record)) == (0, [])


@pytest.fixture
def sheet(swept: Record) -> Sheet:
    [found] = sheets(swept)
    return found


@pytest.fixture
def swept(made: Callable[..., Record]) -> Record:
    rows = {"A-1": "f", "A-2": "f", "A-3": "e", "A-4": "", "A-5": ""}
    return made(
        fault("A-1.x", rows, "A-1"), fault("A-4.x", dict.fromkeys(rows, "e"), "A-4", problem="DidNotStart: fatal"),
        fault("quiet", dict.fromkeys(rows, "")), fault("trouble", {**dict.fromkeys(rows, ""), "A-3": "e"}),
        fault("lost", dict.fromkeys(rows, "e")),
    )  # fmt: skip


def test_faults_that_befall_all_come_first(sheet: Sheet) -> None:
    assert [each["fault"] for each in sheet.faults] == ["lost", "quiet", "trouble", "A-1.x", "A-4.x"]
    assert sheet.groups() == [("of a whole target", 3), ("of one control or several", 2)]


def test_a_sheet_names_what_an_auditor_looks_for(sheet: Sheet) -> None:
    assert sheet.name == "debian-13/pfs"
    assert sheet.unseen() == ["quiet"]
    assert sheet.only_trouble() == ["lost", "trouble"]
    assert sheet.unworn() == ["A-4.x"]
    assert sheet.alike() == [("A-1", "A-2")]
    assert sheet.untouched() == ["A-3", "A-4", "A-5"]


def test_controls_that_no_fault_turns_red_are_not_called_alike(sheet: Sheet) -> None:
    assert not any({"A-4", "A-5"} & {*same} for same in sheet.alike())


def test_summary_terminal_and_page_tell_the_same(swept: Record) -> None:
    said = "5 faults on debian-13/pfs: 1 seen by nothing, 2 by errors alone, 1 not there to be seen"
    assert sentence(swept).endswith(said)
    text, page = summary(swept, {}), html(swept, {}, {})
    assert said in text
    assert sentence(swept) in closing(swept, Path("report"), 1.0)
    assert "- **Faults that nothing sees** (nobody would notice them): `quiet`" in text
    assert "- **Controls that duplicate each other**" in text
    assert "<dt>Faults that nothing sees</dt><dd>quiet " in page
    assert "<dt>Faults that only errors see</dt><dd>lost, trouble " in page
    assert "= A-2" in page


def test_what_is_all_well_is_said_too(made: Callable[..., Record]) -> None:
    record = made(fault("A-1.x", {"A-1": "f"}, "A-1"))
    assert "- Faults that nothing sees: none" in summary(record, {})
    assert "<dt>Faults that nothing sees</dt><dd>none</dd>" in html(record, {}, {})


def test_a_run_without_matrix_says_nothing_of_one(make_row: MakeRow, make_record: MakeRecord) -> None:
    record = make_record([make_row("smtp:25")])
    assert (sentence(record), sheets(record)) == ("", [])
    assert "Faults" not in summary(record, {})


def test_the_page_has_a_cell_for_each_control_under_each_fault(made: Callable[..., Record]) -> None:
    down = fault("down", {"A-1": "e", "A-2": "", "A-3": ""})
    page = html(made(down, fault("A-1.x", {"A-1": "b", "A-2": "", "A-3": ""}, "A-1", "A-2")), {}, {})
    table = re.search(r'<table class="sweep">.*?</table>', page, re.DOTALL)
    assert table
    assert re.findall(r"<td[^>]*>[^<\n]*", table[0]) == [
        '<td class="error g" title="2 error">!', '<td class="fail o g" title="1 fail, 1 error">✕',
        '<td class=" g">', '<td class="blind o g" title="2 pass">◐',
        '<td class=" g">', '<td class=" g">',
    ]  # fmt: skip


def test_a_fault_that_was_not_there_is_struck_out(swept: Record) -> None:
    assert '<span class="struck">A-4.x</span>' in html(swept, {}, {})


IDS = [f"CTRL-{number}" for number in range(150)]


def large(faults: int) -> list[Record]:
    own = [IDS[place % 150] for place in range(faults)]
    return [fault(f"{id}.x-{place}", dict.fromkeys(IDS, "") | {id: "f"}, id) for place, id in enumerate(own)]


def test_hundreds_of_faults_fit_into_a_page(made: Callable[..., Record]) -> None:
    page = html(made(*large(COLUMNS)), {}, {})
    assert len(page.encode()) < PAGE
    assert len(re.findall("<td[^>]*>✕", page)) == COLUMNS
    assert page.count('<table class="sweep">') == 1


def test_a_table_is_no_wider_than_a_sheet_of_paper(made: Callable[..., Record]) -> None:
    [sheet] = sheets(made(*large(2 * COLUMNS + 1)))
    assert [len(part.faults) for part in sheet.parts()] == [81, 81, 79]
    assert [each for part in sheet.parts() for each in part.faults] == [*sheet.faults]


def test_matrices_that_the_page_has_no_room_for_are_told_and_not_drawn(
    made: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    record = made(fault("down", {"A-1": "", "A-2": "e"}))
    whole = len(html(record, {}, {}).encode())
    monkeypatch.setattr("mailproof.reporting.html.PAGE", whole - 1)
    page = html(record, {}, {})
    assert len(page.encode()) < whole
    assert "has no room for this matrix" in page
    assert '<table class="sweep">' not in page
    assert "<dt>Faults that only errors see</dt><dd>down " in page
