"""junit.xml: the record as CI servers read it (xunit2, without properties of test cases). Pure.

Our own, because pytest's writes an exception in the call phase as a failure, where it is an error: we could not judge.
What must not turn a pipeline red, a failed SHOULD without ``--strict`` or a failed INFORMATIVE, is *skipped* and says
so: JUnit knows no warning. What has no row of its own (a target that did not start) is an error of the class ``run``.
"""

from __future__ import annotations

from xml.etree import ElementTree as ET

from mailproof.model import Verdict
from mailproof.reporting.findings import Row, found_in, state
from mailproof.reporting.record import Record, problems, verdict_sentence
from mailproof.reporting.sources import Sources, citation
from mailproof.reporting.text import one_line, printable
from mailproof.reporting.wording import NOTED

_TAGS = {
    Verdict.FAIL: "failure", Verdict.BLIND: "failure", Verdict.FALSE_ALARM: "failure", Verdict.ERROR: "error",
    NOTED: "skipped", Verdict.WAIVED: "skipped", Verdict.NOT_APPLICABLE: "skipped", Verdict.NOT_CHECKED: "skipped",
}  # fmt: skip


def junit(record: Record, sources: Sources) -> str:
    """The XML document. Every row is a case named by its node id; every problem of the run is an erroneous case."""
    suite = ET.Element("testsuite", name="mailproof")
    for row in record["results"]:
        suite.append(_case(row, record["run"]["strict"], sources))
    for place, problem in enumerate(problems(record), start=1):
        suite.append(_problem(place, problem))
    for attribute, tag in {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}.items():
        suite.set(attribute, str(sum(1 for _ in suite.iter(tag))))
    suite.set("time", f"{sum(row['seconds'] for row in record['results']):.3f}")
    suite.set("timestamp", record["run"]["started"])
    ET.SubElement(suite, "system-out").text = printable(verdict_sentence(record))
    root = ET.Element("testsuites", name=f"mailproof {one_line(record['run']['id'])}")
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(row: Row, strict: bool, sources: Sources) -> ET.Element:
    name, group = one_line(row["node"]), one_line(row["control"])
    case = ET.Element("testcase", classname=group, name=name, time=f"{row['seconds']:.3f}")
    kind = state(row, strict)
    if kind in _TAGS:
        detail = ET.SubElement(case, _TAGS[kind], type=kind, message=_message(row, kind))
        detail.text = printable(_detail(row, sources))
    return case


def _problem(place: int, problem: str) -> ET.Element:
    case = ET.Element("testcase", classname="run", name=f"run::problem-{place}", time="0.000")
    ET.SubElement(case, "error", type="error", message=one_line(problem)).text = printable(problem)
    return case


def _message(row: Row, kind: str) -> str:
    if kind == NOTED:
        return one_line(f"failed, but {row['level']} does not fail this run: {row['title']}")
    if _TAGS[kind] == "failure":
        return one_line(f"{row['level']}: {row['title']}")
    return one_line(row["reason"] or row["message"])


def _detail(row: Row, sources: Sources) -> str:
    lines = [
        f"required: {row['expected']}",
        f"observed: {found_in(row)}",
        f"fix:      {row['remediation']}",
        *(f"source:   {citation(source, sources)}: {source['quote']}" for source in row["sources"]),
    ]
    if row["transcript"]:
        lines.append(f"raw:      raw/{row['transcript']}.txt")
    return "\n".join(lines)
