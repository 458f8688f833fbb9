"""What a person reads in the terminal: who is judged, what failed, where the report is. Pure: a record in, lines out.

Everything is built as `Text`, never as markup, so no server can style our output.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mailproof.errors import ExitStatus
from mailproof.reporting import faults, proven
from mailproof.reporting.findings import Finding, Met, findings
from mailproof.reporting.record import Record, headline, problems
from mailproof.reporting.sources import citation
from mailproof.reporting.text import clip, number, one_line, printable
from mailproof.reporting.wording import MARK, mended, tally

__all__ = ["closing", "coloured", "failures", "header_lines", "printable", "summary"]

WIDTH = 100
"""Columns, where the caller does not know better."""

OBSERVATIONS = 3
"""Different observations shown of one finding; the report has all."""

LINES = 12
"""Lines shown of one observation."""

_STYLE = {"fail": "bold red", "error": "bold magenta", "blind": "bold yellow", "false-alarm": "bold yellow"}
_CLOSING = {ExitStatus.ALL_HOLD: "bold green", ExitStatus.FAILED: "bold red", ExitStatus.BLIND: "bold yellow"}


def coloured(tty: bool, environment: Mapping[str, str]) -> bool:
    """True where colour is welcome: a terminal, outside CI, and nobody has set NO_COLOR (no-color.org)."""
    return tty and not environment.get("NO_COLOR") and not environment.get("CI")


def header_lines(
    run: Mapping[str, Any], targets: Sequence[Mapping[str, Any]], colour: bool = False, width: int = WIDTH
) -> list[str]:
    """Who asks and who is asked, with versions; a target that could not be had says why."""
    commit = f" ({run['commit'][:12]})" if run["commit"] else ""
    ours = f"mailproof {run['mailproof']}{commit} · {run['openssl']} · Python {run['python']} · pytest {run['pytest']}"
    grid = Table.grid(padding=(0, 2))
    for target in targets:
        grid.add_row(Text(f"  {_name(target)}", "bold"), _software(target))
    return _lines(Group(Text(one_line(ours)), grid), colour, width)


def failures(record: Record, colour: bool = False, width: int = WIDTH) -> list[str]:
    """What fails the run or kept it from judging: a block for each problem and each finding. What failed without
    failing the run (advised, informative) is one line each, in the end.
    """
    found = findings(record)
    blocks: list[RenderableType] = []
    for problem in problems(record):
        blocks += [Text(f"{MARK['error']} {one_line(problem)}", _STYLE["error"]), Text()]
    for finding in (each for each in found if each.counted):
        blocks += [_title(finding), _block(finding), Text()]
    noted = [_noted(finding) for finding in found if not finding.counted]
    return _lines(Group(*blocks, *noted, *([Text()] if noted else [])), colour, width)


def closing(record: Record, path: Path, seconds: float, colour: bool = False) -> str:
    """One line: the outcome, the figures, the time taken in seconds, and where the report lies."""
    status = ExitStatus(record["run"]["exit_status"])
    figures = f": {tally(record)} in {seconds:.1f} s · {one_line(str(path))}"
    line = Text.assemble((headline(record), _CLOSING.get(status, "bold magenta")), figures)
    return _lines(line, colour, len(line) + 1)[0]


def summary(record: Record, path: Path, seconds: float, colour: bool = False, width: int = WIDTH) -> list[str]:
    """All that a run says in the end: `failures`, what was proved, then `closing`."""
    shown = [line for line in (proven.sentence(record), faults.sentence(record), *_patched(record, path)) if line]
    return [*failures(record, colour, width), *shown, closing(record, path, seconds, colour)]


def _patched(record: Record, path: Path) -> Iterable[str]:
    for each in record.get("fixes", ()):
        yield f"patch for {one_line(each['target'])}: {one_line(str(path / each['patch']))}; {mended(each)}"


def _lines(view: RenderableType, colour: bool, width: int) -> list[str]:
    page = io.StringIO()
    console = Console(
        file=page, width=width, force_terminal=colour, color_system="standard" if colour else None, highlight=False,
        markup=False, emoji=False, legacy_windows=False, no_color=not colour,
    )  # fmt: skip
    console.print(view)
    return [line.rstrip() for line in page.getvalue().splitlines()]


def _name(target: Mapping[str, Any]) -> str:
    return one_line("/".join(part for part in (target["name"], target["profile"]) if part))


def _software(target: Mapping[str, Any]) -> Text:
    if target["problem"]:
        return Text(f"{MARK['error']} {one_line(target['problem'])}", _STYLE["error"])
    versions = " · ".join(f"{name} {version}" for name, version in sorted(target["versions"].items()))
    notes = f" ({'; '.join(target['notes'])})" if target["notes"] else ""
    return Text(one_line((versions or "versions unknown") + notes))


def _title(finding: Finding) -> Text:
    return Text.assemble(
        (f"{MARK[finding.verdict]} {one_line(finding.name)} ", _STYLE[finding.verdict]),
        (clip(one_line(finding.title), 200), "bold"),
        (f"  {finding.verdict}, {finding.level}, {finding.severity}", "dim"),
    )


def _noted(finding: Finding) -> Text:
    title = clip(one_line(finding.title), 200)
    aside = f"  failed in {number(finding.rows, 'case')}; {finding.level} does not fail this run"
    return Text.assemble(f"{MARK[finding.state]} {one_line(finding.name)} {title}", (aside, "dim"))


def _block(finding: Finding) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in _parts(finding):
        grid.add_row(Text(f"  {label}", "dim"), Text(text))
    return grid


def _parts(finding: Finding) -> Iterable[tuple[str, str]]:
    if finding.required:
        yield "required", _short(finding.required)
    for met in finding.met[:OBSERVATIONS]:
        yield ("reason" if finding.verdict == "error" else "observed"), _short(met.found)
        yield "", f"on {_where(met)}"
    left = finding.met[OBSERVATIONS:]
    if left:
        yield "", f"and {number(len(left), 'more observation')}, in the report"
    if finding.lines:
        yield "line", _short("\n".join(finding.lines))
    if finding.remedy:
        yield "fix", _short(finding.remedy)
    for source in finding.sources:
        yield "source", one_line(f"{citation(source, {})}: {source['quote']}")


def _where(met: Met) -> str:
    return clip(one_line("; ".join(met.places)), 400)


def _short(text: str) -> str:
    lines = printable(clip(text, 1_500)).splitlines() or [""]
    more = [f"({number(len(lines) - LINES, 'more line')}, in the report)"] if len(lines) > LINES else []
    return "\n".join([*lines[:LINES], *more])
