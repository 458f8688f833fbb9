"""report.html: the record for people, as one file that needs no network and no script. Pure but for its own templates.

Prepares what templates/report.html.j2 lays out. Whatever is put out is made visible and escaped by the environment, so
neither this module nor the template can forget to.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from mailproof.reporting import proven, wording
from mailproof.reporting.advice import Entry, Line, advised, targets
from mailproof.reporting.faults import sheets
from mailproof.reporting.findings import NOTABLE, Row, findings, found_in, place, state
from mailproof.reporting.proven import proved
from mailproof.reporting.record import Record, counts, headline, problems, verdict_sentence
from mailproof.reporting.sources import Sources, address, citation
from mailproof.reporting.text import clip, number, printable

TEMPLATES = Path(__file__).parent / "templates"

PAGE = 4_800_000
"""Bytes of the page, at most."""

TRANSCRIPT = 20_000
"""Characters of one transcript that the page holds; the whole text lies under raw/."""

MARGIN = 300
"""Bytes that the page needs around a transcript."""

TEXT = {True: 2_000, False: 400}
"""Characters of what a case showed: of one that a reader has to act upon, and of any other."""

CASES = (4_000, 1_000, 200, 40)
"""How many cases the page lists: the first of these that lets it stay below `PAGE`."""

SHEETS = (1_000, 12, 3, 0)
"""How many matrices of faults the page draws, likewise, once it lists as few cases as it may; of the others it tells
what was found.
"""

_MEASURES = (*((most, SHEETS[0]) for most in CASES), *((CASES[-1], drawn) for drawn in SHEETS[1:]))

Group = dict[str, Any]


def html(record: Record, transcripts: Mapping[str, str], sources: Sources, entries: Sequence[Entry] = ()) -> str:
    """The page; ``transcripts`` maps a SHA-256 to its text. Transcripts get the room that everything else leaves."""
    lines = advised(record, entries)
    for most, drawn in _MEASURES:
        bare = _page(record, _groups(record, most), set(transcripts), {}, sources, lines, drawn)
        room = PAGE - len(bare.encode())
        if room >= 0:
            break
    excerpts = _excerpts(_groups(record, most), transcripts, room)
    return _page(record, _groups(record, most), set(transcripts), excerpts, sources, lines, drawn)


def _page(
    record: Record, groups: list[Group], present: set[str], excerpts: Mapping[str, str], sources: Sources,
    advice: list[Line], drawn: int,
) -> str:  # fmt: skip
    style, script = _own("report.css"), _own("report.js")
    _place_excerpts(groups, present, excerpts)
    listed = sum(len(group["notable"]) + len(group["others"]) for group in groups)
    return _template().render(
        record=record, run=record["run"], said=record["completeness"], words=wording, counts=counts(record),
        headline=headline(record), sentence=verdict_sentence(record), problems=problems(record), bar=list(_bar(record)),
        findings=findings(record), columns=_columns(record), matrix=list(_matrix(record)), reasons=_reasons(record),
        states=_states(record), advice=advice, advised=targets(advice), proven=proven, proofs=proved(record),
        untried=proven.untried(record), sheets=sheets(record), drawn=drawn,
        groups=groups, left=len(record["results"]) - listed, sources=sources,
        style=style, script=script, style_hash=_hash(style), script_hash=_hash(script),
    )  # fmt: skip


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, finalize=_shown,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.globals |= {"mark": wording.MARK, "citation": citation, "address": address, "place": place,
                            "number": number, "clip": clip, "text_limit": TEXT[True]}  # fmt: skip
    return environment.get_template("report.html.j2")


def _own(name: str) -> Markup:
    """One of our own files, which goes into the page as it is."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))  # noqa: S704


def _shown(value: object) -> object:
    return value if isinstance(value, Markup) else printable(str(value))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _states(record: Record) -> Counter[str]:
    return Counter(state(row, record["run"]["strict"]) for row in record["results"])


def _bar(record: Record) -> Iterator[dict[str, str]]:
    """The pieces of the bar of verdicts, in thousandths of its length."""
    found, done = _states(record), 0
    for kind in wording.WORST_FIRST:
        if found[kind]:
            left, width = 1000 * done / found.total(), 1000 * found[kind] / found.total()
            done += found[kind]
            yield {"state": kind, "x": f"{left:.1f}", "width": f"{width:.1f}"}


def _columns(record: Record) -> list[tuple[str, str]]:
    return sorted({(row["target"], row["profile"]) for row in record["results"]})


def _matrix(record: Record) -> Iterator[dict[str, Any]]:
    """For each control, for each column: the worst state, how many rows have it, and of how many that apply."""
    cells: dict[tuple[str, str], dict[tuple[str, str], Counter[str]]] = {}
    for row in record["results"]:
        columns = cells.setdefault((row["control"], row["title"]), {})
        found = columns.setdefault((row["target"], row["profile"]), Counter())
        found[state(row, record["run"]["strict"])] += 1
    for (control, title), columns in sorted(cells.items()):
        yield {"control": control, "title": title, "cells": [_cell(columns.get(key)) for key in _columns(record)]}


def _cell(found: Counter[str] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    worst = _worst(found)
    applying = found.total() - found["not-applicable"]
    return {"state": worst, "number": found[worst], "of": applying or found.total()}


def _worst(states: Iterable[str]) -> str:
    return min(states, key=wording.WORST_FIRST.index)


def _reasons(record: Record) -> list[tuple[str, str, int]]:
    """Why rows were not judged by choice: verdict, reason, number of rows; the commonest first."""
    kept = ("waived", "not-checked", "not-applicable")
    found = Counter((row["verdict"], row["reason"]) for row in record["results"] if row["verdict"] in kept)
    return sorted(((*key, many) for key, many in found.items()), key=lambda each: (-each[2], each[:2]))


def _groups(record: Record, most: int) -> list[Group]:
    """The first ``most`` cases, the worst first, by control: those to act upon (`NOTABLE`), and the others."""
    strict = record["run"]["strict"]
    rows = sorted(record["results"], key=lambda row: _urgency(row, strict))[:most]
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["control"], []).append(row)
    return [_group(same, strict) for same in found.values()]


def _group(rows: list[Row], strict: bool) -> Group:
    cases: list[dict[str, Any]] = [{"row": row, "state": state(row, strict), "shown": _showing(row)} for row in rows]
    tally = Counter(state(row, strict) for row in rows)
    return {
        "first": rows[0], "worst": _worst(tally),
        "tally": [(kind, tally[kind]) for kind in wording.WORST_FIRST if tally[kind]],
        "notable": [case for case in cases if case["row"]["verdict"] in NOTABLE],
        "others": [case for case in cases if case["row"]["verdict"] not in NOTABLE],
    }  # fmt: skip


def _showing(row: Row) -> str:
    notable = row["verdict"] in NOTABLE
    return clip(found_in(row) if notable else row["observed"] or row["reason"], TEXT[notable])


def _excerpts(groups: Iterable[Group], transcripts: Mapping[str, str], room: int) -> dict[str, str]:
    """What the page holds of each transcript, by SHA-256: those of the worst cases first, until there is no room."""
    cases = sorted(_cases(groups), key=lambda case: wording.WORST_FIRST.index(case["state"]))
    found: dict[str, str] = {}
    for sha in dict.fromkeys(case["row"]["transcript"] for case in cases):
        text = transcripts.get(sha or "", "")[:TRANSCRIPT]
        room -= len(escape(printable(text)).encode()) + MARGIN
        if text and room >= 0:
            found[sha] = text
    return found


def _place_excerpts(groups: Iterable[Group], present: set[str], excerpts: Mapping[str, str]) -> None:
    """Give each case its transcript: the excerpt where it is shown first, a link to it from then on."""
    above: set[str] = set()
    for case in _cases(groups):
        sha = case["row"]["transcript"]
        case["lost"], case["above"] = sha is not None and sha not in present, sha in above
        case["excerpt"] = "" if sha in above else excerpts.get(sha, "")
        above |= {sha} & excerpts.keys()


def _cases(groups: Iterable[Group]) -> Iterator[dict[str, Any]]:
    for group in groups:
        yield from (*group["notable"], *group["others"])


def _urgency(row: Row, strict: bool) -> tuple[int, int, str, str]:
    worst = wording.WORST_FIRST.index(state(row, strict))
    return worst, wording.SEVEREST_FIRST.index(row["severity"]), row["control"], row["node"]
