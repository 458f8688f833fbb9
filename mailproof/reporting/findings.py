"""Groups the rows that need a reader's attention, so that forty services with one fault read as one: what a control
found is one finding with the places where it was met, and so is one reason why any number of controls could not judge.
Pure; must not know how a finding is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mailproof.model import Level, Verdict
from mailproof.reporting.record import Record, counts_as_failure
from mailproof.reporting.wording import NOTED, SEVEREST_FIRST, WORST_FIRST

NOTABLE = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.BLIND, Verdict.FALSE_ALARM})
"""The verdicts that a reader has to act upon."""

Row = Mapping[str, Any]
_LEVELS = [level.value for level in Level]


@dataclass(frozen=True, slots=True)
class Met:
    """What was found, and the places where exactly this was found: ``debian-13/pfs: smtp:25, submission:587``."""

    found: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one control found, or why several could not judge: then ``required``, ``fix`` and ``sources`` are empty.
    Level and severity are the gravest covered. ``counted``: it keeps the run from passing; ``rows``: how many. Of a
    user's own files ``lines`` are those that decide, and ``steps`` what to do there.
    """

    controls: tuple[str, ...]
    verdict: str
    title: str
    level: str
    severity: str
    counted: bool
    required: str
    fix: str
    sources: tuple[Mapping[str, str], ...]
    met: tuple[Met, ...]
    rows: int
    lines: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """The verdict as `state` has it for each of the rows."""
        return NOTED if self.verdict == Verdict.FAIL and not self.counted else self.verdict

    @property
    def remedy(self) -> str:
        """What to do: command by command where the files are known, else what the control says."""
        return "\n".join(self.steps) or self.fix

    @property
    def name(self) -> str:
        """The control's id, or how many controls there are."""
        return self.controls[0] if len(self.controls) == 1 else f"{len(self.controls)} controls"


def findings(record: Record) -> list[Finding]:
    """Every finding of the record, what fails the run first, then by severity and control."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in record["results"]:
        if row["verdict"] in NOTABLE:
            groups.setdefault(_likeness(row), []).append(row)
    return sorted((_finding(rows, record["run"]["strict"]) for rows in groups.values()), key=_urgency)


def found_in(row: Row) -> str:
    """What a row found: why it could not be judged, or how it misses the requirement and what was observed."""
    if row["verdict"] == Verdict.ERROR:
        return row["reason"] or row["message"] or "no reason was given"
    if row["verdict"] == Verdict.BLIND:
        return row["reason"] or "the control stayed green under its mutation"
    said = row["message"].removeprefix("AssertionError: ").strip()
    parts = dict.fromkeys(part for part in (said, row["observed"].strip()) if part)
    return "\n".join(parts) or "nothing was observed"


def place(row: Row) -> str:
    """The service of a row, with its variant and mutation: the last part of the case in its node id."""
    case = row["node"].partition("[")[2].removesuffix("]")
    return str(case.removeprefix(f"{row['target']}/{row['profile']}/") or row["service"])


def state(row: Row, strict: bool) -> str:
    """The verdict as a reader should take it: `NOTED` where a control failed and the run does not fail by it."""
    return NOTED if row["verdict"] == Verdict.FAIL and not counts_as_failure(row, strict) else str(row["verdict"])


def _likeness(row: Row) -> tuple[str, ...]:
    if row["verdict"] == Verdict.ERROR:
        return str(row["verdict"]), found_in(row)
    return tuple(str(row[key]) for key in ("control", "verdict", "level", "severity", "expected", "remediation"))


def _finding(rows: list[Row], strict: bool) -> Finding:
    first = rows[0]
    controls = tuple(dict.fromkeys(row["control"] for row in rows))
    alone = len(controls) == 1
    return Finding(
        controls=controls, verdict=first["verdict"], title=first["title"] if alone else ", ".join(controls),
        level=min((row["level"] for row in rows), key=_LEVELS.index),
        severity=min((row["severity"] for row in rows), key=SEVEREST_FIRST.index),
        counted=first["verdict"] != Verdict.FAIL or counts_as_failure(first, strict),
        required=first["expected"] if alone else "", fix=first["remediation"] if alone else "",
        sources=tuple(first["sources"]) if alone else (), met=_met(rows), rows=len(rows),
        lines=_all(rows, "lines"), steps=_all(rows, "fix"),
    )  # fmt: skip


def _all(rows: list[Row], key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for row in rows for each in row.get(key, ())))


def _met(rows: list[Row]) -> tuple[Met, ...]:
    by_text: dict[str, list[Row]] = {}
    for row in rows:
        by_text.setdefault(found_in(row), []).append(row)
    return tuple(Met(text, _places(same)) for text, same in by_text.items())


def _places(rows: Iterable[Row]) -> tuple[str, ...]:
    services: dict[str, list[str]] = {}
    for row in rows:
        services.setdefault(f"{row['target']}/{row['profile']}", []).append(place(row))
    return tuple(f"{where}: {', '.join(dict.fromkeys(names))}" for where, names in services.items())


def _urgency(finding: Finding) -> tuple[bool, int, int, str]:
    verdict, severity = WORST_FIRST.index(finding.verdict), SEVEREST_FIRST.index(finding.severity)
    return not finding.counted, verdict, severity, finding.name
