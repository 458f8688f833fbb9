"""What a run with ``--prove`` showed of each control: under which faults it was seen to fail, and to recover. Pure;
knows no format.

One mutation of a control is one line, with the number of cases (services and variants) in which it proved what it
should on each target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from mailproof.model import Verdict
from mailproof.reporting.record import JUDGED, Record
from mailproof.reporting.text import number

PROVEN = Verdict.PROVEN.value
OTHERWISE = (Verdict.BLIND.value, Verdict.FALSE_ALARM.value, Verdict.ERROR.value, Verdict.NOT_CHECKED.value)
"""What else the case of a mutation comes to, the worst first."""

VERDICTS = (PROVEN, *OTHERWISE)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gap:
    """Cases that did not prove what they should, all for the same reason: their verdict, and where they were asked."""

    verdict: str
    reason: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One mutation of a control: what its cases came to, by target and verdict. ``gaps`` are those not proven."""

    name: str
    innocent: bool
    cases: Mapping[str, Counter[str]]
    gaps: tuple[Gap, ...]

    @property
    def ever(self) -> bool:
        """True where some case proves what it should."""
        return any(found[PROVEN] for found in self.cases.values())

    @property
    def otherwise(self) -> Counter[str]:
        """The cases that prove nothing, by verdict."""
        found = sum(self.cases.values(), Counter[str]())
        return Counter({verdict: found[verdict] for verdict in OTHERWISE if found[verdict]})

    def whole(self, target: str) -> bool:
        """True where it was tried on the target, and every case proves what it should."""
        return {*self.cases.get(target, ())} == {PROVEN}


@dataclass(frozen=True, slots=True)
class Proved:
    """A control with all that was tried on it; ``no_other_way`` says why it has no harmless variation."""

    id: str
    title: str
    room: str
    no_other_way: str
    tried: tuple[Shown, ...]

    @property
    def faults(self) -> tuple[Shown, ...]:
        """What must turn it red."""
        return tuple(each for each in self.tried if not each.innocent)

    @property
    def innocents(self) -> tuple[Shown, ...]:
        """What must leave it green."""
        return tuple(each for each in self.tried if each.innocent)

    def cell(self, target: str) -> Counter[str]:
        """Its cases on a target by verdict, over all that was tried."""
        return sum((each.cases.get(target, Counter()) for each in self.tried), Counter())


@dataclass(frozen=True, slots=True)
class Figure:
    """A room, or all: its controls, faults and harmless variations, its cases by verdict, and on each target how many
    of its faults were tried, and seen in every case.
    """

    room: str
    controls: int
    faults: int
    innocents: int
    cases: Counter[str]
    on: Mapping[str, tuple[int, int]]


def proved(record: Record) -> list[Proved]:
    """Every control on which something was tried, by room and id; nothing where the run tried nothing."""
    rows: dict[str, list[Row]] = {}
    for row in record["results"]:
        if row["mutation"]:
            rows.setdefault(row["control"], []).append(row)
    known = {each["id"]: each for each in record.get("controls", ())}
    found = [_proved(known.get(id, {}), same) for id, same in rows.items()]
    return sorted(found, key=lambda each: (each.room, each.id))


def untried(record: Record) -> list[tuple[str, str]]:
    """Id and title of every control that was asked and never broken: nobody has seen that it can fail."""
    tried = {row["control"] for row in record["results"] if row["mutation"]}
    asked = {row["control"]: row["title"] for row in record["results"] if row["verdict"] in (*JUDGED, Verdict.ERROR)}
    return sorted((id, title) for id, title in asked.items() if id not in tried)


def unproven(controls: Iterable[Proved]) -> dict[str, list[tuple[Proved, Shown, Gap]]]:
    """What did not prove what it should, by verdict, the worst first."""
    found = [(control, each, gap) for control in controls for each in control.tried for gap in each.gaps]
    by_verdict = {verdict: [each for each in found if each[2].verdict == verdict] for verdict in OTHERWISE}
    return {verdict: same for verdict, same in by_verdict.items() if same}


def figures(controls: Sequence[Proved]) -> list[Figure]:
    """By room, and over all."""
    rooms = {room: [each for each in controls if each.room == room] for room in dict.fromkeys(x.room for x in controls)}
    return [_figure(room, some) for room, some in {**rooms, "all": controls}.items() if some]


def targets(controls: Iterable[Proved]) -> list[str]:
    """The targets on which something was tried, by name."""
    return sorted({target for control in controls for each in control.tried for target in each.cases})


def seen(shown: Shown, names: Sequence[str]) -> str:
    """In how many of its cases it proved what it should: one number where all targets agree."""
    many = {name: _share(shown.cases[name]) for name in names if name in shown.cases}
    if len(set(many.values())) == 1 and len(many) > 1:
        return f"{next(iter(many.values()))} on each of {len(many)}"
    return ", ".join(f"{found} on {name}" for name, found in many.items())


def share(found: int, of: int) -> str:
    """``4``, or ``3 of 4``."""
    return str(of) if found == of else f"{found} of {of}"


def sentence(record: Record) -> str:
    """The proof in one line, "" where the run tried nothing."""
    controls = proved(record)
    if not controls:
        return ""
    total, left = figures(controls)[-1], untried(record)
    cases = total.cases
    parts = [f"{cases['not-checked']} not checked"] if cases["not-checked"] else []
    parts += [f"{number(len(left), 'control')} never broken"] if left else []
    return (
        f"proof: {number(total.controls, 'control')} under {number(total.faults, 'fault')} and "
        f"{number(total.innocents, 'harmless variation')}: {cases[PROVEN]} proven, {cases['blind']} blind, "
        f"{cases['false-alarm']} false alarms, {cases['error']} errors{''.join(f', {part}' for part in parts)}"
        f"{pace(record)}"
    )


def pace(record: Record) -> str:
    """How long the mutations took, as the end of a sentence; "" where the record does not say."""
    worn = record["run"].get("worn")
    if not worn or not worn["mutations"]:
        return ""
    each, longest = worn["seconds"] / worn["mutations"], worn["longest"]
    return f"; {worn['mutations']} mutations put on and taken off, {each:.1f} s each, no change over {longest:.1f} s"


def _proved(known: Mapping[str, str], rows: Sequence[Row]) -> Proved:
    """A control that the record does not describe is told by its rows: nothing that was tried may go unmentioned."""
    first = rows[0]
    room = PurePosixPath(first["node"].partition("::")[0]).parent.name
    told = {"title": first["title"], "room": room, "no_other_way": "", **known}
    tried: dict[str, list[Row]] = {}
    for row in rows:
        tried.setdefault(row["mutation"], []).append(row)
    shown = tuple(map(_shown, tried.values()))
    return Proved(first["control"], told["title"], told["room"], told["no_other_way"], shown)


def _shown(rows: Sequence[Row]) -> Shown:
    cases: dict[str, Counter[str]] = {}
    gaps: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        cases.setdefault(row["target"], Counter())[row["verdict"]] += 1
        if row["verdict"] != PROVEN:
            why = row["verdict"], row["reason"] or row["message"]
            gaps.setdefault(why, []).append(f"{row['target']}/{row['profile']} {row['service']}")
    found = tuple(Gap(*why, tuple(places)) for why, places in gaps.items())
    return Shown(rows[0]["mutation"], any(map(_harmless, rows)), cases, found)


def _harmless(row: Row) -> bool:
    """True for a harmless variation, also in a record whose rows do not say so: it proves by leaving all green."""
    green = row["verdict"] == PROVEN and row["raw_verdict"] == Verdict.PASS
    return bool(row.get("innocent")) or green or row["verdict"] == Verdict.FALSE_ALARM


def _figure(room: str, controls: Sequence[Proved]) -> Figure:
    names, faults = targets(controls), [each for control in controls for each in control.faults]
    on = {
        name: (sum(each.whole(name) for each in faults), sum(name in each.cases for each in faults)) for name in names
    }
    innocents = sum(len(each.innocents) for each in controls)
    cases = sum((each.cell(name) for each in controls for name in names), Counter[str]())
    return Figure(room, len(controls), len(faults), innocents, cases, on)


def _share(found: Counter[str]) -> str:
    return share(found[PROVEN], found.total())
