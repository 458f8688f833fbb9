"""Failed rows of users' own configurations → with the lines that decide, what to do there, and a patch that does it.

Reads what the run published; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mailproof.model import Level, Result, Verdict
from mailproof.remedy import Change, Own, Strike, applied, changes, complained, lines, natives, patch, quoted
from mailproof.run import Run

Deciding = Mapping[str, Mapping[str, Sequence[str]]]
"""Control -> daemon -> the settings that decide."""
Wanted = list[Change | Strike]


@dataclass(frozen=True, slots=True)
class Mended:
    """A user's own configuration with every change made: the ``patch`` that does it, and the changed files by their
    paths below /etc."""

    patch: str
    files: Mapping[str, str]


def located(run: Run, deciding: Deciding, rows: Iterable[Result]) -> tuple[list[Result], dict[str, Mended]]:
    """The rows, those that failed on a user's own configuration with ``lines`` and ``fix``; and by target what makes
    every change at once."""
    wanted: dict[str, Wanted] = {}
    owns: dict[str, Own] = {}
    found = []
    for row in rows:
        if row.verdict == Verdict.FAIL and _is_own(run, row.target):
            own = owns.setdefault(row.target, _own(run, row.target))
            row, steps = _located(run, own, deciding, row)
            wanted.setdefault(row.target, []).extend(steps if row.level != Level.INFORMATIVE else [])
        found.append(row)
    mended = {target: _mended(owns[target].texts, steps) for target, steps in wanted.items()}
    return found, {target: each for target, each in mended.items() if each.patch}


def _mended(texts: Mapping[str, str], steps: Wanted) -> Mended:
    after = applied(texts, steps)
    changed = {path.removeprefix("/etc/"): text for path, text in after.items() if text != texts.get(path)}
    return Mended(patch(texts, after), changed)


def _is_own(run: Run, target: str) -> bool:
    return target in run.selection.trees and "texts" in run.state(target)


def _own(run: Run, target: str) -> Own:
    release, _ = run.selection.keys[target]
    texts, specimen = run.state(target)["texts"], run.specimen(target)
    tree = frozenset(run.selection.trees[target].files)
    return Own(release.title, texts, tree, specimen.readings, run.selection.dialects)


def _located(run: Run, own: Own, deciding: Deciding, row: Result) -> tuple[Result, Wanted]:
    [service] = [each for each in run.specimen(row.target).services if str(each) == row.service]
    [profile] = [each for each in run.selection.profiles if each.name == row.profile]
    names = deciding.get(row.control, {}).get(service.daemon, ())
    steps: Wanted = list(changes(own, service, names, profile))
    touched = {step.name for step in steps if isinstance(step, Change)}
    shown = [native for native in natives(own, service, names) if not touched or native in touched]
    places = lines(own, service, shown)
    if not names:
        said, more = complained(own, row.observed)
        places, steps = [*quoted(own, row.observed), *said], [*more]
    return replace(row, lines=places, fix=[step.command for step in steps]), steps
