"""The advice of both articles, line by line, and what a run saw of it: fixtures/advice.toml and the record → a table.

Pure but for reading the entries. A line's cell has its effects, a claim's cell whether it holds, each with the case
that showed it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailproof.errors import Unusable
from mailproof.reporting.record import Record
from mailproof.reporting.text import clip, one_line
from mailproof.tables import File

Row = Mapping[str, object]

SEEN = 600
"""Characters of what was seen of one line on one target."""
HOLDS, PARTLY, FALSE, UNKNOWN = "holds", "holds in part", "does not hold", "not judged"
_INTRODUCTION = """\
Each line of the two articles that mailproof was made from, and of their comments, pasted to the letter on real servers:
by itself on the packaged host, under the settings that it presupposes, and as the one that is left out of the whole.
*Works* is what gains something and costs nothing; *does nothing* changes neither handshake, relay decision nor log;
*harmful* loses something that held before; *elsewhere* is under settings that the packaged host does not have;
*refused* is what a tool or a daemon does not take, *deprecated* what it announces to drop. Claims are judged as the
sentences that they are."""
_TYPES: Mapping[str, type] = {
    "id": str, "place": str, "kind": str, "original": str, "english": str, "disposition": str, "controls": list,
    "profile": str, "today": str,
}  # fmt: skip
_NEEDED = ("place", "kind", "original", "disposition", "today")
_CLAIMS = {frozenset({"pass"}): HOLDS, frozenset({"fail"}): FALSE, frozenset({"pass", "fail"}): PARTLY}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line, claim, question or remark of an article or of its comments.

    ``original`` is its own text, ``english`` a translation where that is prose. ``disposition`` says what became of it:
    ``line`` (tried by pasting), ``control`` (judged by ``controls``), ``profile`` (worn by ``profile``),
    ``not-technical`` or ``obsolete``. ``today`` says what to do instead, or why it matters no more.
    """

    id: str
    place: str
    kind: str
    original: str
    disposition: str
    today: str
    english: str = ""
    controls: tuple[str, ...] = ()
    profile: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a target showed of an entry: ``words`` in short, ``seen`` at length, ``node`` the case. ``state`` is the
    worst verdict among them."""

    words: str
    state: str
    seen: str
    node: str


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with its cells, by target."""

    entry: Entry
    cells: Mapping[str, Cell]


def load_advice(path: Path) -> tuple[Entry, ...]:
    """The entries in the file's order; raises `Unusable` with what is wrong."""
    try:
        content = path.read_bytes()
        data: dict[str, Any] = tomllib.loads(content.decode("utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: cannot be read as TOML: {error}") from None
    file = File(path, content, data)
    file.typed("top level", data, {"entry": list})
    return tuple(_entry(file, table) for table in data.get("entry", ()))


def advised(record: Record, entries: Iterable[Entry]) -> list[Line]:
    """Every entry with what the run saw of it; nothing where the run tried no line at all."""
    rows = [row for row in record["results"] if row["mutation"] is None and row["profile"] in _verbatim(record)]
    if not rows:
        return []
    return [Line(entry, dict(_cells(entry, rows))) for entry in entries]


def targets(lines: Iterable[Line]) -> list[str]:
    """The targets of a table, by name."""
    return sorted({target for line in lines for target in line.cells})


def advice(record: Record, entries: Sequence[Entry]) -> str:
    """The table as a page in Markdown, with what was seen below each line; "" where the run tried no line."""
    lines = advised(record, entries)
    if not lines:
        return ""
    names = targets(lines)
    parts = [_head(record, names), _overview(lines, names)]
    for place in dict.fromkeys(line.entry.place for line in lines):
        parts += [f"## {place}", *(_shown(line, names) for line in lines if line.entry.place == place)]
    return "\n\n".join(parts) + "\n"


def _verbatim(record: Record) -> set[str]:
    """The profiles under which lines were tried."""
    return {row["profile"] for row in record["results"] if row.get("effects")}


def _cells(entry: Entry, rows: Sequence[Row]) -> Iterator[tuple[str, Cell]]:
    for target in dict.fromkeys(str(row["target"]) for row in rows):
        mine = [row for row in rows if row["target"] == target and _concerns(entry, row)]
        if mine:
            yield target, _effects(mine[0]) if entry.disposition == "line" else _claim(mine)


def _concerns(entry: Entry, row: Row) -> bool:
    if row["verdict"] in ("not-applicable", "not-checked"):
        return False
    return _variant(row) == entry.id if entry.disposition == "line" else row["control"] in entry.controls


def _variant(row: Row) -> str:
    """What stands behind the service in a node id: the line that was tried."""
    _, _, inside = str(row["node"]).partition("[")
    return inside.removeprefix(f"{row['target']}/{row['profile']}/{row['service']}-").removesuffix("]")


def _effects(row: Row) -> Cell:
    effects = row.get("effects") or [UNKNOWN]
    words = ", ".join(map(str, effects)) if isinstance(effects, list) else UNKNOWN
    _, _, seen = str(row["observed"]).rpartition(f"effect of {_variant(row)}: ")
    return Cell(words, str(row["verdict"]), clip(one_line(str(row["reason"]) or seen), SEEN), str(row["node"]))


def _claim(rows: Sequence[Row]) -> Cell:
    words = _CLAIMS.get(frozenset(str(row["verdict"]) for row in rows), UNKNOWN)
    worst = next((row for row in rows if row["verdict"] != "pass"), rows[0])
    seen = str(worst["message"] or worst["reason"] or worst["observed"])
    where = f"{worst['service']}: {seen.removeprefix('AssertionError: ')}"
    return Cell(words, str(worst["verdict"]), clip(one_line(where), SEEN), str(worst["node"]))


def _head(record: Record, names: Sequence[str]) -> str:
    run = record["run"]
    software = [
        f"- **{target['name']}**: " + ", ".join(f"{name} {version}" for name, version in target["versions"].items())
        for target in record["targets"]
        if target["name"] in names
    ]
    return "\n\n".join([
        "# What the advice of the two articles does today",
        _INTRODUCTION,
        f"Made by run {run['id']} ({run['finished']}) from `fixtures/advice.toml` and its record.",
        "\n".join(dict.fromkeys(software)),
    ])  # fmt: skip


def _overview(lines: Iterable[Line], names: Sequence[str]) -> str:
    """One table of everything that was tried or judged."""
    rows = [
        f"| [{line.entry.id}](#{_anchor(line.entry.id)}) | {' | '.join(_words(line, names))} |"
        for line in lines
        if line.cells
    ]
    return "\n".join([f"| line or claim | {' | '.join(names)} |", f"|{' --- |' * (len(names) + 1)}", *rows])


def _anchor(heading: str) -> str:
    return heading.replace(".", "").lower()


def _words(line: Line, names: Sequence[str]) -> list[str]:
    return [line.cells[name].words if name in line.cells else "not asked" for name in names]


def _shown(line: Line, names: Sequence[str]) -> str:
    entry = line.entry
    parts = [f"### {entry.id}", _quoted(entry.original)]
    if entry.english:
        parts.append(f"In English: {entry.english}")
    if line.cells:
        parts.append(_row(line, names))
        parts.append("\n".join(f"- {', '.join(same)}: {seen}" for seen, same in _by_what_was_seen(line).items()))
    parts.append(f"**Today:** {entry.today}" + (f" Profile: `{entry.profile}`." if entry.profile else ""))
    if entry.controls:
        parts.append(f"Judged by: {', '.join(entry.controls)}.")
    return "\n\n".join(parts)


def _row(line: Line, names: Sequence[str]) -> str:
    return "\n".join(f"| {' | '.join(each)} |" for each in (names, ["---"] * len(names), _words(line, names)))


def _by_what_was_seen(line: Line) -> dict[str, list[str]]:
    """What was seen, in code so that nothing in it is taken for Markdown -> on which targets."""
    found: dict[str, list[str]] = {}
    for target, cell in sorted(line.cells.items()):
        found.setdefault(f"`{cell.seen.replace('`', '´')}`", []).append(target)
    return found


def _quoted(text: str) -> str:
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text)), 3)
    return f"{fence}\n{text.strip()}\n{fence}"


def _entry(file: File, table: Any) -> Entry:
    if not isinstance(table, dict) or not isinstance(table.get("id"), str):
        file.refuse("[[entry]]: each entry is a table with an id")
    where = f"[[entry]] {table['id']}"
    file.typed(where, table, _TYPES)
    for name in _NEEDED:
        if not table.get(name):
            file.refuse(f"{where}: {name} is missing")
    return Entry(**{**table, "controls": tuple(map(str, table.get("controls", ())))})
