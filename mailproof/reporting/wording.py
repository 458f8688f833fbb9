"""The words that every view shares: the gate, the figures, the shape of each verdict. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailproof.model import Verdict
from mailproof.reporting.record import Record, counts
from mailproof.reporting.text import number

MARK = {
    "pass": "✓", "fail": "✕", "error": "!", "waived": "◇", "not-applicable": "–", "not-checked": "○", "proven": "✓",
    "blind": "◐", "false-alarm": "◑", "noted": "△",
}  # fmt: skip
"""A verdict's shape: no view tells verdicts apart by colour alone."""

NOTED = "noted"
"""Shown for a `fail` by which the run does not fail: its level is informative, or advised without ``--strict``."""

WORST_FIRST = (
    "fail",
    "blind",
    "false-alarm",
    "error",
    NOTED,
    "waived",
    "not-checked",
    "proven",
    "pass",
    "not-applicable",
)
SEVEREST_FIRST = ("critical", "high", "medium", "low")


def gate_rule(record: Record) -> str:
    """The rule by which the run passes or fails, and the status it ended with."""
    levels = "MUST, MUST NOT, SHOULD or SHOULD NOT" if record["run"]["strict"] else "MUST or MUST NOT"
    return (
        f"Gate: a failed {levels} fails the run; anything that could not be judged is never a pass. "
        f"Exit status {record['run']['exit_status']}."
    )


def tally(record: Record) -> str:
    """The rows by verdict in one line: pass, fail and error always, the others where there are any."""
    found = counts(record)
    always = {Verdict.PASS, Verdict.FAIL, Verdict.ERROR}
    return " · ".join(f"{found[each]} {each.value}" for each in Verdict if found[each] or each in always)


def completeness_line(record: Record) -> str:
    """Whether everything that was planned is accounted for."""
    said = record["completeness"]
    return (
        f"{'Complete' if said['holds'] else 'NOT complete'}: {said['planned']} planned = {said['run']} run + "
        f"{said['not_applicable']} not applicable + {said['not_checked']} not checked; {said['reported']} of "
        f"{said['run']} reported; {len(record['run']['selection']['deselected'])} deselected by the caller."
    )


def mended(fixes: Mapping[str, Any]) -> str:
    """What a patch was seen to do, as part of a sentence."""
    tried = fixes["tried"]
    if tried is None:
        return "--try-fixes judges the twin with it"
    if tried["problem"]:
        return f"not tried: {tried['problem']}"
    parts = [f"with it {number(tried['mended'], 'failed case')} of {tried['mended'] + len(tried['left'])} hold"]
    parts += [f"{number(len(tried['broken']), 'other case')} no longer"] if tried["broken"] else []
    return ", ".join(parts)
