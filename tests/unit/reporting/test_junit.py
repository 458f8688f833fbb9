"""junit.xml: how verdicts map, and what CI servers rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mailproof.model import Result
from mailproof.reporting.junit import junit

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
ParseXml = Callable[[str], ET.Element]

TAGS = {
    "pass": None, "proven": None, "fail": "failure", "blind": "failure", "false-alarm": "failure", "error": "error",
    "waived": "skipped", "not-applicable": "skipped", "not-checked": "skipped",
}  # fmt: skip


@pytest.mark.parametrize("verdict", TAGS)
def test_a_verdict_maps_to_its_tag(
    verdict: str, make_record: MakeRecord, make_row: MakeRow, parse_xml: ParseXml
) -> None:
    case = parse_xml(junit(make_record([make_row("smtp:25", verdict)]), {})).find("testsuite/testcase")
    assert case is not None
    assert [child.tag for child in case] == ([TAGS[verdict]] if TAGS[verdict] else [])


def test_a_skipped_case_says_why(make_record: MakeRecord, make_row: MakeRow, parse_xml: ParseXml) -> None:
    root = parse_xml(junit(make_record([make_row(), make_row("lmtp", "waived", reason="W-1: until 2027-01-31")]), {}))
    assert [skipped.get("message") for skipped in root.iter("skipped")] == ["W-1: until 2027-01-31"]


@pytest.mark.parametrize(("level", "strict", "tag"), [
    ("SHOULD", False, "skipped"), ("SHOULD", True, "failure"), ("INFORMATIVE", True, "skipped"),
])  # fmt: skip
def test_a_failure_that_does_not_count_is_skipped_and_says_so(
    level: str, strict: bool, tag: str, make_record: MakeRecord, make_row: MakeRow, parse_xml: ParseXml
) -> None:
    record = make_record([make_row("smtp:25", "fail", level=level)], strict=strict)
    (detail,) = parse_xml(junit(record, {})).iterfind("testsuite/testcase/*")
    assert detail.tag == tag
    assert (detail.get("message") == f"failed, but {level} does not fail this run: Refuses static rsa") is (
        tag == "skipped"
    )


def test_names_are_node_ids_and_unique(mixed: Record, parse_xml: ParseXml) -> None:
    names = [case.get("name") for case in parse_xml(junit(mixed, {})).iter("testcase")]
    assert sorted(map(str, names)) == sorted(row["node"] for row in mixed["results"])
    assert len(set(names)) == len(names)


def test_test_cases_have_no_properties(mixed: Record, parse_xml: ParseXml) -> None:
    root = parse_xml(junit(mixed, {}))
    assert not list(root.iter("properties"))
    assert all(set(case.keys()) == {"classname", "name", "time"} for case in root.iter("testcase"))


def test_a_problem_without_a_row_is_an_error_too(
    make_record: MakeRecord, make_row: MakeRow, parse_xml: ParseXml
) -> None:
    record = make_record([make_row()], planned=2, run=2, missing=["tests/x.py::test_lost[debian-13/pfs/smtp:25]"])
    errors = list(parse_xml(junit(record, {})).iter("error"))
    assert len(errors) == 1
    assert "test_lost" in str(errors[0].text)
