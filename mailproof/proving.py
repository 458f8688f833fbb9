"""Phases of broken, restored and swept cases → what they prove. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from mailproof.ledger import Phase, prove
from mailproof.model import Control, Result, Verdict
from mailproof.plan import RESTORED, Case, Fault

Proofs = Mapping[str, tuple[str | None, str | None]]
"""The node of a broken case -> those of the same case before and after it, as far as they were selected."""


def proofs(cases: Mapping[str, Case]) -> Proofs:
    """Which cases belong together, by node id."""
    broken = {node: case for node, case in cases.items() if case.mutation and not case.restored and not case.swept}
    return {
        node: (_selected(node, case, case.dressed, cases), _selected(node, case, replace(case, restored=True), cases))
        for node, case in broken.items()
    }


def _selected(node: str, case: Case, other: Case, cases: Mapping[str, Case]) -> str | None:
    """The node of another case of the same control, None where the caller left it out."""
    found = f"{node.removesuffix(f'[{case}]')}[{other}]"
    return found if found in cases else None


def proved(rows: Mapping[str, Result], together: Proofs) -> Iterator[Result]:
    """Rows as they stand, but a mutation's row and those before and after it become one."""
    restored = {after for _, after in together.values()}
    for node, row in rows.items():
        if row.mutation is None:
            yield row
        elif node in together:
            before, after = together[node]
            yield prove(rows.get(before or ""), row, rows.get(after or ""))
        elif node not in restored:
            yield replace(row, verdict=Verdict.ERROR, reason=f"{RESTORED} from a mutation whose own case was left out")


def worn(phases: Iterable[Phase]) -> dict[str, float]:
    """How long it took to put mutations on and off: seconds in all, the longest and the median change."""
    changes = [phase for phase in phases if phase.worn]
    seconds = [phase.worn for phase in changes] or [0.0]
    return {
        "mutations": sum(f"+{RESTORED}]" not in phase.node for phase in changes),
        "seconds": round(sum(seconds), 2), "longest": round(max(seconds), 2), "median": round(median(seconds), 2),
    }  # fmt: skip


def described(controls: Iterable[tuple[str, Control]]) -> list[dict[str, str]]:
    """The controls of a proof with their rooms, for its table."""
    return [
        {"id": each.id, "title": each.title, "room": room, "no_other_way": each.no_other_way}
        for room, each in sorted(controls, key=lambda found: found[1].id)
    ]


def swept(cases: Mapping[str, Case]) -> list[tuple[str, str, str, str]]:
    """Of each swept case what its cell needs: node, specimen, fault, control."""
    return [
        (node, case.subject.specimen, case.mutation.name, case.control.id)
        for node, case in cases.items()
        if case.swept and case.mutation
    ]


def seen(
    cells: Iterable[tuple[str, str, str, str]], faults: Mapping[str, Iterable[Fault]],
    phases: Mapping[str, list[Phase]],
) -> list[dict[str, Any]]:  # fmt: skip
    """What every control said under every fault of its specimen: one entry for each fault."""
    known = {(key, fault.mutation.name): fault for key, each in faults.items() for fault in each}
    found: dict[tuple[str, str], list[tuple[str, list[Phase]]]] = {}
    for node, key, name, control in cells:
        found.setdefault((key, name), []).append((control, phases.get(node, [])))
    return [_entry(where[0], known[where], asked) for where, asked in found.items()]


def _entry(specimen: str, fault: Fault, asked: list[tuple[str, list[Phase]]]) -> dict[str, Any]:
    target, _, profile = specimen.partition("/")
    tally: dict[str, Counter[str]] = {}
    for control, said in asked:
        tally.setdefault(control, Counter())[_cell(said)] += 1
    cells = {control: {verdict: found[verdict] for verdict in ("pass", "fail", "error")}
             for control, found in sorted(tally.items())}  # fmt: skip
    seconds = sum(phase.seconds for _, said in asked for phase in said)
    return {"target": target, "profile": profile, "fault": fault.mutation.name, "of": list(fault.of),
            "generic": not fault.of, "problem": _problem([said for _, said in asked]),
            "seconds": round(seconds, 2), "seen": cells}  # fmt: skip


def _cell(said: list[Phase]) -> str:
    """One verdict; a case that did not report whole is an error."""
    by_phase = {when: [phase.verdict for phase in said if phase.when == when] for when in ("setup", "call", "teardown")}
    if not all(by_phase.values()) or any(Verdict.ERROR in each for each in by_phase.values()):
        return str(Verdict.ERROR)
    return str(Verdict.FAIL if Verdict.FAIL in by_phase["call"] else Verdict.PASS)


def _problem(cells: list[list[Phase]]) -> str | None:
    """Why a fault was not there to be seen: nobody got as far as asking."""
    setups = [phase for said in cells for phase in said if phase.when == "setup"]
    reasons = {phase.reason for phase in setups if phase.verdict == Verdict.ERROR}
    reached = any(phase.verdict != Verdict.ERROR for phase in setups)
    return min(reasons) if reasons and not reached else None
