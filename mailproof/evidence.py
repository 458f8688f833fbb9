"""What came of a run: its plan and the phases that were reported → the record. Reads what the run published; changes
nothing.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import mailproof
from mailproof.ledger import completeness, merge
from mailproof.located import Mended, located
from mailproof.model import Result, Verdict
from mailproof.plan import Proof
from mailproof.profile import Profile
from mailproof.proving import described, proved, seen, worn
from mailproof.reporting.record import assemble
from mailproof.run import Run, commit, now, our_openssl, subjects
from mailproof.sweep import controls_in, faults_by_specimen
from mailproof.targets.lab import Started


def mended(run: Run) -> dict[str, Mended]:
    """For each target that is a user's own configuration and failed, what would mend it."""
    plan = run.plan()
    return located(run, plan["deciding"], _rows(run, plan).values())[1]


def record(run: Run, command: Sequence[str]) -> dict[str, Any]:
    """The whole record: every planned case has a row, or a cell under a fault, whether it was reported or not."""
    plan = run.plan()
    rows = _rows(run, plan)
    gaps = [Result(**row) for row in plan["gaps"]]
    found, _ = located(run, plan["deciding"], proved(rows, plan["proofs"]))
    results = [*found, *gaps]
    # Where nothing was to be broken, the row stands for what was not asked.
    unbroken = [row for row in results if row.verdict == Verdict.NOT_CHECKED and row.node in rows]
    complete = _complete(run, plan, [*gaps, *unbroken])
    profiles = [_profile(each) for each in run.selection.profiles]
    return assemble(_facts(run, command, plan), _targets(run), profiles, results, complete, _shown(run, plan))


def _rows(run: Run, plan: Mapping[str, Any]) -> dict[str, Result]:
    return {node: merge(Result(**row), run.phases.get(node, ())) for node, row in plan["cases"].items()}


def _complete(run: Run, plan: Mapping[str, Any], unasked: Sequence[Result]) -> dict[str, object]:
    known = {**plan["cases"], **{node: None for node, *_ in plan["swept"]}}
    # Whatever reported without being planned is missed in the plan.
    asked = {**dict.fromkeys(run.phases), **known}
    for row in unasked:
        asked.pop(row.node, None)
    return completeness(asked, unasked, [node for node in asked if node in known and _whole(run, node)])


def _whole(run: Run, node: str) -> bool:
    return {phase.when for phase in run.phases.get(node, ())} >= {"setup", "teardown"}


def _shown(run: Run, plan: Mapping[str, Any]) -> dict[str, Any]:
    """What a proof adds: its controls, and what each said under every fault."""
    mode = run.selection.options.prove
    if not mode:
        return {}
    controls = controls_in(run.selection.root / "tests")
    asked = {row["control"] for row in plan["cases"].values()}
    found: dict[str, Any] = {"controls": described((room, each) for room, each in controls if each.id in asked)}
    if mode is Proof.MATRIX:
        of_all = faults_by_specimen([each for _, each in controls], subjects(run))
        found["faults"] = seen(plan["swept"], of_all, run.phases)
    return found


def _facts(run: Run, command: Sequence[str], plan: Mapping[str, Any]) -> dict[str, Any]:
    mode = run.selection.options.prove
    phases = [phase for said in run.phases.values() for phase in said]
    return {
        "id": run.id, "started": run.started, "finished": now(), "command": list(command),
        "selection": {"options": list(command[1:]), "deselected": plan["deselected"]},
        "strict": run.selection.options.strict, "prove": bool(mode),
        **({"proof": mode.value, "worn": worn(phases)} if mode else {}),
        "mailproof": mailproof.__version__, "commit": commit(run.selection.root), "openssl": our_openssl(),
        "python": platform.python_version(), "pytest": version("pytest"), "exit_status": 0,
    }  # fmt: skip


def _targets(run: Run) -> list[dict[str, Any]]:
    return [_target(run, key) for key in run.selection.keys]


def _target(run: Run, key: str) -> dict[str, Any]:
    state = run.state(key)
    started = (
        Started(**state["started"]) if state else Started(key, "", problem="it had not started when the run ended")
    )
    software = state.get("software") or {"versions": {}, "packages": {}}
    return {**run.selection.target_facts(key), "image": started.image, "image_digest": started.image_digest,
            "container": started.container, "notes": started.notes, "problem": started.problem or None,
            "versions": software["versions"], "packages": software["packages"],
            **({"standins": state["twin"]["standins"]} if state.get("twin") else {}),
            **({"commands": state["commands"]} if state.get("commands") else {})}  # fmt: skip


def _profile(profile: Profile) -> dict[str, str]:
    return {"name": profile.name, "title": profile.title, "edition": profile.edition, "source": profile.source,
            "sha256": profile.sha256}  # fmt: skip
