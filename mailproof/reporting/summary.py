"""summary.md: the record as a job summary in Markdown, the verdict first. Pure.

A page of at most 1 MiB is shown at all, so a long one ends with the number of findings that it leaves out. Text that a
server may have sent stands only inside code blocks, where Markdown means nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from mailproof.reporting import faults, proven
from mailproof.reporting.findings import Finding, findings
from mailproof.reporting.record import Record, counts, problems, verdict_sentence
from mailproof.reporting.sources import Sources, address, citation
from mailproof.reporting.text import clip, number, one_line, printable
from mailproof.reporting.wording import MARK, completeness_line, gate_rule, mended

LIMIT = 900_000
"""Bytes; the host of the page allows 1,048,576."""

TEXT = 2_000
"""Characters of one observation; places and observations of one finding are limited by `MANY`."""

MANY = 20


def summary(record: Record, sources: Sources) -> str:
    """The Markdown document."""
    tail = [completeness_line(record), "Evidence: `evidence.json`; readable: `report.html`; hashes: `SHA256SUMS`.\n"]
    head = _head(record)
    found = ["\n\n".join(_finding(finding, sources)) for finding in findings(record)]
    shown = _fitting(found, LIMIT - _size([*head, *tail]))
    left = [f"**{number(len(found) - shown, 'more finding')}** in report.html."] if shown < len(found) else []
    return "\n\n".join([*head, *found[:shown], *left, *tail])


def _fitting(blocks: Sequence[str], room: int) -> int:
    """How many of the blocks, from the first, fit into so many bytes."""
    sizes = accumulate(_size([block]) for block in blocks)
    return sum(size <= room for size in sizes)


def _size(blocks: Iterable[str]) -> int:
    return sum(len(block.encode()) + 2 for block in blocks)


def _head(record: Record) -> list[str]:
    run = record["run"]
    head = [
        f"# {_mark(record)} {verdict_sentence(record)}",
        gate_rule(record),
        _table(record),
        *_targets(record["targets"]),
        *_standins(record["targets"]),
        *_limited([_patch(each) for each in record.get("fixes", ())], "patches"),
        f"mailproof {_code(run['mailproof'])}, run {_code(run['id'])}, {_code(run['openssl'])}",
    ]
    for line, more in ((proven.sentence(record), "`proof.md`"), (faults.sentence(record), "`report.html`")):
        head += [f"{line[0].upper()}{line[1:]}.", f"The whole table: {more}."] if line else []
    troubles = problems(record)
    if troubles:
        head += ["## The run itself", *_limited([f"- {_code(trouble)}" for trouble in troubles], "problems")]
    for sheet in faults.sheets(record):
        head += [f"## Faults on {_code(sheet.name)}", "\n".join(map(_told, sheet.told()))]
    if findings(record):
        head.append("## Findings")
    return head


def _mark(record: Record) -> str:
    return {0: MARK["pass"], 1: MARK["fail"], 11: MARK["blind"]}.get(record["run"]["exit_status"], MARK["error"])


def _table(record: Record) -> str:
    rows = [f"| {MARK[verdict]} {verdict} | {many} |" for verdict, many in counts(record).items() if many]
    return "\n".join(["| verdict | cases |", "|---|---:|", *rows])


def _targets(targets: Iterable[Mapping[str, Any]]) -> list[str]:
    lines = []
    for target in targets:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(target["versions"].items()))
        name = "/".join(part for part in (target["name"], target["profile"]) if part)
        lines.append(f"- {_code(name)}: {_code(versions or target['problem'] or 'versions unknown')}")
    return _limited(lines, "targets")


def _standins(targets: Iterable[Mapping[str, Any]]) -> list[str]:
    """What stood in for what only the owner has, with the lines that name it."""
    lines = [
        f"- {_code(target['name'])} {_code(each['place'])} {_code(each['named'])}: {_plain(each['instead'])}"
        for target in targets
        for each in target.get("standins", ())
    ]
    return (
        ["Stand-ins, for what only the owner of a configuration has:", *_limited(lines, "stand-ins")] if lines else []
    )


def _patch(fixes: Mapping[str, Any]) -> str:
    return f"- a patch for {_code(fixes['target'])}, {_code(fixes['patch'])}: {_plain(mended(fixes))}"


def _told(told: faults.Told) -> str:
    if not told.found:
        return f"- {told.question}: none"
    left = [f"{len(told.found) - 100} more in `report.html`"] if len(told.found) > 100 else []
    return f"- **{told.question}** ({told.meaning}): {', '.join([*map(_code, told.found[:100]), *left])}"


def _finding(finding: Finding, sources: Sources) -> list[str]:
    counted = "" if finding.counted else " · does not fail the run"
    heading = f"### {MARK[finding.state]} {_plain(finding.name)}: {_plain(finding.title)}"
    facts = f"{finding.verdict} · {finding.level} · {finding.severity} · {number(finding.rows, 'case')}{counted}"
    blocks = [heading, facts, *_part("Required", finding.required)]
    for met in finding.met[:MANY]:
        label = "**Not judged**" if finding.verdict == "error" else "**Observed**"
        blocks += [f"{label} on {_code('; '.join(_few(met.places)))}", _block(met.found)]
    if len(finding.met) > MANY:
        blocks.append(f"**{len(finding.met) - MANY} more** observations are in report.html.")
    blocks += _part("Line", "\n".join(finding.lines))
    return [*blocks, *_part("Fix", finding.remedy), *(_source(source, sources) for source in finding.sources)]


def _part(label: str, text: str) -> list[str]:
    return [f"**{label}**", _block(text)] if text else []


def _source(source: Mapping[str, str], sources: Sources) -> str:
    url = address(source, sources)
    name = _plain(citation(source, sources))
    return f"**Source** {f'[{name}](<{url}>)' if url else name}\n\n{_block(source['quote'])}"


def _few(places: tuple[str, ...]) -> list[str]:
    return [*places[:MANY], *([f"{len(places) - MANY} more"] if len(places) > MANY else [])]


def _limited(lines: list[str], what: str) -> list[str]:
    more = [f"- {len(lines) - 100} more {what} are in report.html."] if len(lines) > 100 else []
    return ["\n".join([*lines[:100], *more])] if lines else []


def _plain(text: str) -> str:
    """Inline text without any meaning to Markdown or HTML."""
    return re.sub(r"[^\w\s.,:;()/§«»–\-]", lambda found: f"&#{ord(found.group())};", one_line(text)).replace(
        "_", "&#95;"
    )


def _code(text: str) -> str:
    """Inline code, fenced by more backticks than the text has in a row."""
    line = one_line(clip(text, TEXT))
    fence = _fence(line, 1)
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line or ' '}{fence}"


def _block(text: str) -> str:
    """A code block, fenced by more backticks than the text has in a row."""
    body = printable(clip(text, TEXT))
    fence = _fence(body, 3)
    return f"{fence}text\n{body}\n{fence}"


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
