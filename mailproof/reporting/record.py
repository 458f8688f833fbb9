"""The record of a run, as reports/schema/evidence-1.json describes it, and what follows from it: counts, problems, the
exit status, the sentence. Pure but for reading the schema; must not know how a run is made or shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from mailproof.errors import ExitStatus, InvalidRecord
from mailproof.model import Level, Result, Verdict
from mailproof.reporting.faults import blind, unworn

SCHEMA = "mailproof/evidence-1"
SCHEMA_FILE = Path(__file__).parents[2] / "reports" / "schema" / "evidence-1.json"

JUDGED = frozenset({Verdict.PASS, Verdict.FAIL, Verdict.WAIVED, Verdict.PROVEN, Verdict.BLIND, Verdict.FALSE_ALARM})
"""The verdicts that come from a control's own assertion."""

Record = Mapping[str, Any]

_HEADLINES = {
    ExitStatus.ALL_HOLD: "All hold",
    ExitStatus.FAILED: "Failed",
    ExitStatus.NOT_JUDGED: "Not judged",
    ExitStatus.BLIND: "Not proved",
}


def assemble(
    run: Mapping[str, Any],
    targets: Sequence[Mapping[str, Any]],
    profiles: Sequence[Mapping[str, Any]],
    results: Sequence[Result],
    completeness: Mapping[str, Any],
    shown: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The record of a run, as JSON primitives, its rows ordered by node id.

    ``run.exit_status`` follows from the rest and is set here. ``completeness.holds`` stays true only where the figures
    and the rows agree with it.
    """
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "run": dict(run),
        "targets": [dict(target) for target in targets],
        "profiles": [dict(profile) for profile in profiles],
        "results": sorted((asdict(row) for row in results), key=lambda row: str(row["node"])),
        "completeness": dict(completeness),
        **(shown or {}),
    }
    record["completeness"]["holds"] = bool(completeness["holds"]) and reconciled(record)
    record["run"]["exit_status"] = int(exit_status(record))
    plain: dict[str, Any] = json.loads(json.dumps(record))
    return plain


def reconciled(record: Record) -> bool:
    """True where the figures of ``completeness`` add up, nothing is missing, and the rows bear them out."""
    said, found = record["completeness"], counts(record)
    unique = len({row["node"] for row in record["results"]}) == len(record["results"])
    adds_up = said["planned"] == said["run"] + said["not_applicable"] + said["not_checked"]
    listed = [said["not_applicable"], said["not_checked"]] == [found["not-applicable"], found["not-checked"]]
    return unique and adds_up and listed and said["run"] == said["reported"] and not said["missing"]


def counts(record: Record) -> dict[str, int]:
    """Rows by verdict, every verdict named."""
    found = Counter(row["verdict"] for row in record["results"])
    return {verdict.value: found[verdict.value] for verdict in Verdict}


def counts_as_failure(row: Mapping[str, Any], strict: bool) -> bool:
    """True where the row makes the run fail; ``strict`` makes an advised level count."""
    level = Level(row["level"])
    return row["verdict"] == Verdict.FAIL and (level.binding or (strict and level.advised))


def problems(record: Record) -> list[str]:
    """What kept the run from judging beside its error rows, one sentence each; empty where nothing did."""
    found = list(_target_problems(record))
    said = record["completeness"]
    if said["missing"]:
        found.append(f"{len(said['missing'])} planned cases never reported: {', '.join(said['missing'][:5])}")
    if not said["holds"] and not said["missing"]:
        found.append("the figures of the record do not agree with each other")
    found += [*_unjudged(record), *blind(record), *unworn(record)]
    if not any(row["verdict"] in JUDGED for row in record["results"]):
        found.append("nothing was judged at all")
    return found


def exit_status(record: Record) -> ExitStatus:
    """The first that holds of: blind or false alarm, failed, not judged, all hold (4 is settled earlier)."""
    found = counts(record)
    if found["blind"] or found["false-alarm"] or any(blind(record)):
        return ExitStatus.BLIND
    if any(counts_as_failure(row, record["run"]["strict"]) for row in record["results"]):
        return ExitStatus.FAILED
    if found["error"] or problems(record):
        return ExitStatus.NOT_JUDGED
    return ExitStatus.ALL_HOLD


def headline(record: Record) -> str:
    """The outcome in a few words, without figures."""
    return _HEADLINES[ExitStatus(record["run"]["exit_status"])]


def verdict_sentence(record: Record) -> str:
    """The outcome with its figures, as a sentence that can be copied as it stands."""
    judged = sum(row["verdict"] in JUDGED for row in record["results"])
    failed = sum(counts_as_failure(row, record["run"]["strict"]) for row in record["results"])
    found, troubles = counts(record), len(problems(record))
    others = {
        "failed what is only advised or recorded": found["fail"] - failed,
        "blind": found["blind"],
        "raised a false alarm": found["false-alarm"],
        "could not be judged": found["error"],
        "waived": found["waived"],
        "proven": found["proven"],
        f"problem{'' if troubles == 1 else 's'} of the run itself": troubles,
    }
    parts = [f"{failed} of {judged} judged cases failed", *(f"{many} {what}" for what, many in others.items() if many)]
    return f"{headline(record)}: {', '.join(parts)}."


def validate(record: Record) -> None:
    """Hold the record against its schema; `InvalidRecord` names the first place that differs."""
    problem = best_match(_validator().iter_errors(record))
    if problem is not None:
        raise InvalidRecord(f"the record is no {SCHEMA} at {problem.json_path}: {problem.message[:300]}")


def _target_problems(record: Record) -> Iterator[str]:
    for target in record["targets"]:
        name = f"{target['name']}/{target['profile']}" if target["profile"] else target["name"]
        if target["problem"]:
            yield f"{name}: {target['problem']}"
        elif not any(_judged_on(target, row) for row in record["results"]) and not _left_out(target, record):
            yield f"{name}: no case of this target was judged"


def _unjudged(record: Record) -> Iterator[str]:
    """Targets without cases: of what was asked under a profile nothing was judged, and something not checked."""
    rows = [(f"{row['target']}/{row['profile']}", row) for row in record["results"]]
    judged = {name for name, row in rows if row["verdict"] in (*JUDGED, Verdict.ERROR)}
    left = {name: row["reason"] for name, row in rows if row["verdict"] == Verdict.NOT_CHECKED and name not in judged}
    yield from (f"{name} was not checked at all: {reason}" for name, reason in left.items())


def _judged_on(target: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    same = row["target"] == target["name"] and target["profile"] in (None, row["profile"])
    return same and row["verdict"] in JUDGED


def _left_out(target: Mapping[str, Any], record: Record) -> bool:
    """True where the caller deselected cases of the target: then it is the caller's choice, and named in the record."""
    begin = "/".join(part for part in (target["name"], target["profile"]) if part)
    return any(node.partition("[")[2].startswith(f"{begin}/") for node in record["run"]["selection"]["deselected"])


@cache
def _validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)
