"""What a run with ``--prove`` showed of each control: under which faults it was seen to fail, and to recover. Pure.

One mutation of a control is one line, with the number of cases (services and variants) in which it proved what it
should on each target.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mailproof.model import Verdict
from mailproof.reporting.record import Record
from mailproof.reporting.text import clip, number, one_line

PROVEN = Verdict.PROVEN.value
SEEN = 300
"""Characters of why something is not proven."""
_INTRODUCTION = """\
A control that cannot turn red proves nothing. So each one was seen three times on a real server: green as the profile
is worn; under a fault, *red by its own assertion*, with what it expected and what it saw; and green again after
everything was restored and read back equal. A harmless variation, another right way to the same end, must leave it
green. The numbers are cases: services and variants in which the control was asked."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One mutation of a control: what its cases came to, by target and verdict. ``reasons`` of those not proven."""

    name: str
    innocent: bool
    cases: Mapping[str, Counter[str]]
    reasons: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """True where every case proves what it should."""
        return all(set(found) == {PROVEN} for found in self.cases.values())


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


def proved(record: Record) -> list[Proved]:
    """Every control on which something was tried, by room and id; nothing where the run tried nothing."""
    rows: dict[str, dict[str, list[Mapping[str, str]]]] = {}
    for row in record["results"]:
        if row["mutation"]:
            rows.setdefault(row["control"], {}).setdefault(row["mutation"], []).append(row)
    known = {each["id"]: each for each in record.get("controls", ())}
    found = [
        Proved(id, known[id]["title"], known[id]["room"], known[id]["no_other_way"], tuple(map(_shown, tried.values())))
        for id, tried in rows.items()
        if id in known
    ]
    return sorted(found, key=lambda each: (each.room, each.id))


def figures(controls: Sequence[Proved]) -> list[dict[str, object]]:
    """By room, and over all: how many controls, faults and harmless variations, and the cases by verdict."""
    rooms = dict.fromkeys(each.room for each in controls)
    return [*(_figure(room, [each for each in controls if each.room == room]) for room in rooms),
            *([_figure("all", controls)] if controls else [])]  # fmt: skip


def targets(controls: Iterable[Proved]) -> list[str]:
    """The targets on which something was tried, by name."""
    return sorted({target for control in controls for each in control.tried for target in each.cases})


def sentence(record: Record) -> str:
    """The proof in one line, "" where the run tried nothing."""
    controls = proved(record)
    if not controls:
        return ""
    cases = sum((control.cell(target) for control in controls for target in targets(controls)), Counter[str]())
    faults = sum(len(control.faults) for control in controls)
    held = sum(len(control.innocents) for control in controls)
    return (
        f"proof: {number(len(controls), 'control')} under {number(faults, 'fault')} and {held} harmless variations: "
        f"{cases[PROVEN]} proven, {cases['blind']} blind, {cases['false-alarm']} false alarms, {cases['error']} errors"
        f"{_time(record)}"
    )


def proof(record: Record) -> str:
    """The table as a page in Markdown; "" where the run tried nothing."""
    controls = proved(record)
    if not controls:
        return ""
    names = targets(controls)
    parts = [_head(record, names), _in_figures(controls), *_unproven(controls)]
    for room in dict.fromkeys(each.room for each in controls):
        mine = [each for each in controls if each.room == room]
        parts += [f"## {room}", _overview(mine, names), *(_told(each, names) for each in mine)]
    return "\n\n".join(parts) + "\n"


def seen(shown: Shown, names: Sequence[str]) -> str:
    """In how many cases it proved what it should: one number where all targets agree."""
    many = {name: shown.cases[name][PROVEN] for name in names if name in shown.cases}
    if len(set(many.values())) == 1 and len(many) > 1:
        return f"{next(iter(many.values()))} on each of {len(many)}"
    return ", ".join(f"{found} on {name}" for name, found in many.items())


def _shown(rows: Sequence[Mapping[str, str]]) -> Shown:
    cases: dict[str, Counter[str]] = {}
    for row in rows:
        cases.setdefault(row["target"], Counter())[row["verdict"]] += 1
    reasons = [_why(row) for row in rows if row["verdict"] != PROVEN]
    return Shown(rows[0]["mutation"], bool(rows[0].get("innocent")), cases, tuple(reasons))


def _why(row: Mapping[str, str]) -> str:
    where = f"{row['target']}/{row['profile']}, {row['service']}"
    return f"{row['verdict']} on {where}: {row['reason'] or row['message']}"


def _figure(room: str, controls: Sequence[Proved]) -> dict[str, object]:
    cases = sum((each.cell(target) for each in controls for target in targets(controls)), Counter[str]())
    return {
        "room": room, "controls": len(controls), "faults": sum(len(each.faults) for each in controls),
        "innocents": sum(len(each.innocents) for each in controls), "cases": cases,
    }  # fmt: skip


def _head(record: Record, names: Sequence[str]) -> str:
    run = record["run"]
    software = dict.fromkeys(
        f"- **{target['name']}**: "
        + ", ".join(f"{name} {version}" for name, version in sorted(target["versions"].items()))
        for target in record["targets"]
        if target["name"] in names
    )
    made = f"Made by run {run['id']} ({run['finished']}) from its record"
    return "\n\n".join(
        ["# What every control was seen to notice", _INTRODUCTION, f"{made}{_time(record)}.", "\n".join(software)]
    )


def _time(record: Record) -> str:
    worn = record["run"].get("worn")
    if not worn or not worn["mutations"]:
        return ""
    each, longest = worn["seconds"] / worn["mutations"], worn["longest"]
    return f"; {worn['mutations']} mutations put on and taken off, {each:.1f} s each, no change over {longest:.1f} s"


def _in_figures(controls: Sequence[Proved]) -> str:
    verdicts = (PROVEN, "blind", "false-alarm", "error", "not-checked")
    rows = [
        f"| {each['room']} | {each['controls']} | {each['faults']} | {each['innocents']} | "
        + " | ".join(str(Counter(each["cases"])[verdict]) for verdict in verdicts)  # type: ignore[call-overload]
        + " |"
        for each in figures(controls)
    ]
    head = f"| room | controls | faults | harmless variations | {' | '.join(verdicts)} |"
    return "\n".join([head, f"|{' --- |' * (4 + len(verdicts))}", *rows])


def _unproven(controls: Sequence[Proved]) -> list[str]:
    lines = [
        f"- **{control.id}** `{each.name}`: `{clip(one_line(reason), SEEN).replace('`', '´')}`"
        for control in controls
        for each in control.tried
        for reason in dict.fromkeys(each.reasons)
    ]
    return ["## Not proven", "\n".join(lines)] if lines else []


def _overview(controls: Sequence[Proved], names: Sequence[str]) -> str:
    rows = [f"| {each.id} | {' | '.join(_cell(each.cell(name)) for name in names)} |" for each in controls]
    return "\n".join([f"| control | {' | '.join(names)} |", f"|{' --- |' * (len(names) + 1)}", *rows])


def _cell(found: Counter[str]) -> str:
    others = {verdict: many for verdict, many in found.items() if verdict != PROVEN}
    if not found:
        return "not asked"
    return ", ".join(
        [f"{found[PROVEN]} proven", *(f"**{many} {verdict}**" for verdict, many in sorted(others.items()))]
    )


def _told(control: Proved, names: Sequence[str]) -> str:
    red = [each for each in control.faults if any(found[PROVEN] for found in each.cases.values())]
    others = [each for each in control.faults if each not in red]
    told = [f"**{control.id}** {control.title}."]
    if red:
        told.append(f"Seen to fail under {_listed(red, names)}.")
    if others:
        told.append(f"Not shown: {_listed(others, names)}.")
    if control.innocents:
        told.append(f"Held under {_listed(control.innocents, names)}.")
    if control.no_other_way:
        told.append(f"No other way: {control.no_other_way}.")
    return " ".join(told)


def _listed(tried: Sequence[Shown], names: Sequence[str]) -> str:
    return ", ".join(f"`{each.name}` ({seen(each, names)})" for each in tried)
