"""Tries a patch: the same profiles judge a twin of the mended files; what failed must hold, and nothing else fail."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailproof.located import Mended
from mailproof.model import Verdict
from mailproof.reporting.write import FIXES
from mailproof.run import Run

DEADLINE = 900.0
"""Seconds that judging the mended files may take."""
_WRONG = (Verdict.FAIL, Verdict.ERROR)


def fixes(run: Run, record: Mapping[str, Any], mended: Mapping[str, Mended], tries: bool) -> list[dict[str, Any]]:
    """What the record says of the patches; where they are to be tried, with what came of it."""
    return [
        {"target": target, "patch": f"{FIXES}/{target.replace(':', '@')}.patch",
         "tried": _tried(run, record, target, each) if tries else None}
        for target, each in mended.items()
    ]  # fmt: skip


def _tried(run: Run, record: Mapping[str, Any], target: str, mended: Mended) -> dict[str, Any]:
    place = run.directory / FIXES / target.replace(":", "@")
    tree = run.selection.trees[target]
    for name, content in {**tree.files, **{name: text.encode() for name, text in mended.files.items()}}.items():
        path = place / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    after = _judged(run, target, place)
    if not isinstance(after, dict):
        return {"mended": 0, "left": [], "broken": [], "problem": after}
    rows = [row for row in record["results"] if row["target"] == target]
    failed = [row for row in rows if row["verdict"] == Verdict.FAIL]
    left = sorted(row["node"] for row in failed if after.get(_case(row)) != Verdict.PASS)
    broken = sorted(row["node"] for row in rows if row["verdict"] == Verdict.PASS and after.get(_case(row)) in _WRONG)
    return {"mended": len(failed) - len(left), "left": left, "broken": broken, "problem": ""}


def _judged(run: Run, target: str, place: Path) -> dict[str, str] | str:
    """Case -> verdict of the mended files, or why they could not be judged."""
    release, _, name = target.partition(":")
    chosen = run.selection.options
    options = [f"--mail-config={name}={place / 'etc'}", f"--target={release}", f"--report-dir={place}"]
    options += [f"--profile={','.join(chosen.profiles)}", *(["--mail-config-exclusive"] if chosen.exclusive else [])]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    try:
        done = subprocess.run(command, cwd=run.selection.root, capture_output=True, timeout=DEADLINE, check=False)
        record = json.loads((place / "evidence.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, subprocess.TimeoutExpired) as problem:
        return f"the mended files could not be judged: {problem}"
    if done.returncode not in (0, 1, 10):
        return f"the mended files could not be judged: pytest ended with status {done.returncode}"
    return {_case(row): row["verdict"] for row in record["results"]}


def _case(row: Mapping[str, Any]) -> str:
    """A case, wherever pytest was started from: its control and what stands between the brackets of its node id."""
    return f"{row['control']}[{row['node'].partition('[')[2]}"
