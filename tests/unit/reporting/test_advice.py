"""The table of advice, from a record of our own making."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailproof.errors import Unusable
from mailproof.reporting.advice import Entry, advice, advised, load_advice, targets

LINE = Entry("de-grade", "Postfix", "line", 'postconf -e "smtpd_tls_eecdh_grade = strong"', "line", "Leave it out.")
CLAIM = Entry("de-log", "Postfix", "claim", "«anschließend»", "control", "Count TLS 1.3.", "afterwards", ("DE-2",))
REMARK = Entry("co1-thanks", "comment 1", "remark", "Vielen Dank", "not-technical", "No claim.", "Thank you")
ENTRIES = (LINE, CLAIM, REMARK)


def row(target: str, service: str, variant: str = "", **changes: Any) -> dict[str, Any]:
    behind = f"-{variant}" if variant else ""
    return {"control": "DE-1", "node": f"tests/config/test_pasted.py::test_it[{target}/pfs-2013/{service}{behind}]",
            "target": target, "profile": "pfs-2013", "service": service, "mutation": None, "verdict": "pass",
            "reason": "", "message": "", "observed": "", "effects": [], **changes}  # fmt: skip


def pasted(target: str, *effects: str, seen: str = "") -> dict[str, Any]:
    said = f"hello: 250\neffect of de-grade: {', '.join(effects)}; {seen}"
    return row(target, "postfix", "de-grade", effects=list(effects), observed=said,
               verdict="pass" if effects == ("works",) else "fail")  # fmt: skip


def record(*rows: dict[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys(each["target"] for each in rows)
    return {"run": {"id": "run-1", "finished": "2026-11-23T00:00:00Z"}, "results": list(rows),
            "targets": [{"name": name, "versions": {"postfix": "3.5"}} for name in names]}  # fmt: skip


def cells(*rows: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {line.entry.id: {name: cell.words for name, cell in line.cells.items()}
            for line in advised(record(*rows), ENTRIES)}  # fmt: skip


def test_a_line_has_its_effects_on_each_target() -> None:
    found = cells(pasted("debian-11", "harmful"), pasted("debian-13", "does nothing", "deprecated"))
    assert found["de-grade"] == {"debian-11": "harmful", "debian-13": "does nothing, deprecated"}
    assert found["co1-thanks"] == {}


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [(("pass", "pass"), "holds"), (("fail", "fail"), "does not hold"), (("pass", "fail"), "holds in part"),
     (("pass", "error"), "not judged"), (("pass", "not-applicable"), "holds")],
)  # fmt: skip
def test_a_claim_holds_where_all_its_cases_do(verdicts: tuple[str, ...], words: str) -> None:
    rows = [row("debian-11", f"smtp:{port}", control="DE-2", verdict=verdict)
            for port, verdict in enumerate(verdicts, 25)]  # fmt: skip
    assert cells(pasted("debian-11", "works"), *rows)["de-log"] == {"debian-11": words}


def test_a_line_that_could_not_be_tried_is_not_judged() -> None:
    lost = row("debian-11", "postfix", "de-grade", verdict="error", reason="DidNotStart: no container")
    (line, *_) = advised(record(pasted("debian-13", "works"), lost), ENTRIES)
    assert (line.cells["debian-11"].words, line.cells["debian-11"].state) == ("not judged", "error")
    assert "DidNotStart" in line.cells["debian-11"].seen


def test_a_run_that_pasted_nothing_has_no_table() -> None:
    assert advised(record(row("debian-13", "smtp:25")), ENTRIES) == []
    assert advice(record(row("debian-13", "smtp:25")), ENTRIES) == ""


def test_the_page_has_every_entry_and_what_was_seen_only_as_code() -> None:
    hostile = "in the whole: no longer `x` <script>| **bold**"
    page = advice(record(pasted("debian-11", "harmful", seen=hostile)), ENTRIES)
    assert all(entry.original in page and entry.today in page for entry in ENTRIES)
    assert "- debian-11: `harmful; in the whole: no longer ´x´ <script>| **bold**`" in page
    assert "| debian-11 |\n| --- |\n| harmful |" in page
    assert targets(advised(record(pasted("debian-11", "works")), ENTRIES)) == ["debian-11"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("entry = ", "cannot be read as TOML"), ("entry = 1", "entry must be a list"),
     ("[[entry]]\nkind = 'line'", "each entry is a table with an id"),
     ('[[entry]]\nid = "a"\norignal = "b"', "there is no orignal (did you mean original?)"),
     ('[[entry]]\nid = "a"\ntoday = 5', "today must be a text"),
     ('[[entry]]\nid = "a"\nplace = "b"', "kind is missing")],
)  # fmt: skip
def test_a_broken_list_is_refused_by_name(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "advice.toml"
    path.write_text(text)
    with pytest.raises(Unusable) as refused:
        load_advice(path)
    assert sentence in str(refused.value)
    assert str(path) in str(refused.value)
