"""What a run of ``--prove=matrix`` found: which fault nothing sees, which control sees nothing. Pure; knows no format.

A cell is what one control said under one fault, over all of its cases on that target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil
from typing import Any

from mailproof.reporting.text import number

GREEN, RED, TROUBLE, UNASKED = "pass", "fail", "error", "not-checked"
"""What a cell may say; the last where a control was not asked at all, which is no green."""

BLIND = "blind"
"""How a green cell is shown where the fault is the control's own."""

COLUMNS = 120
"""Faults in one table, at most: what a sheet of A4 holds across."""

Fault = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """One control under one fault: what it said, whether the fault is its own, whether it begins a group of columns,
    and its cases in words.
    """

    state: str
    own: bool
    first: bool
    cases: str


@dataclass(frozen=True, slots=True)
class Told:
    """One question about a matrix: the question, what answers it, and what that means."""

    question: str
    found: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The matrix of one target under one profile: its controls (id, title, room), and its faults as a page has them."""

    target: str
    profile: str
    controls: tuple[Mapping[str, str], ...]
    faults: tuple[Fault, ...]

    @property
    def name(self) -> str:
        """``debian-13/pfs``."""
        return f"{self.target}/{self.profile}"

    def parts(self) -> list[Sheet]:
        """The same with fewer faults each, where one table would be too wide."""
        size = ceil(len(self.faults) / ceil(len(self.faults) / COLUMNS))
        return [replace(self, faults=self.faults[at : at + size]) for at in range(0, len(self.faults), size)]

    def groups(self) -> list[tuple[str, int]]:
        """What its columns are, from the left, and how many of each."""
        names = {True: "of a whole target", False: "of one control or several"}
        return [(names[kind], len([*same])) for kind, same in groupby(each["generic"] for each in self.faults)]

    def cells(self, control: str) -> list[Cell]:
        """The row of a control."""
        kinds = [fault["generic"] for fault in self.faults]
        begins = [kind != before for kind, before in zip(kinds, [None, *kinds[:-1]], strict=True)]
        return [_cell(fault, control, first) for fault, first in zip(self.faults, begins, strict=True)]

    def unseen(self) -> list[str]:
        """Faults under which no control fails or errs: nobody would notice them."""
        return [each["fault"] for each in self.faults if not each["problem"] and not _noticed(each)]

    def only_trouble(self) -> list[str]:
        """Faults that no control judges: all that is seen of them is that something could not be judged."""
        return [each["fault"] for each in self.faults if not each["problem"] and _noticed(each) == {TROUBLE}]

    def unworn(self) -> list[str]:
        """Faults under which nothing could be asked."""
        return [each["fault"] for each in self.faults if each["problem"]]

    def alike(self) -> list[tuple[str, ...]]:
        """Controls whose rows are the same and not without red: the one may be as good as the others."""
        rows: dict[tuple[str, ...], list[str]] = {}
        for control in self.controls:
            rows.setdefault(self._row(control["id"]), []).append(control["id"])
        return [tuple(same) for row, same in rows.items() if len(same) > 1 and RED in row]

    def untouched(self) -> list[str]:
        """Controls that no fault turns red."""
        return [each["id"] for each in self.controls if RED not in self._row(each["id"])]

    def told(self) -> list[Told]:
        """What an auditor asks of the matrix, with the answers; the last only where there is one."""
        same = tuple(" = ".join(ids) for ids in self.alike())
        told = [
            Told("Faults that nothing sees", tuple(self.unseen()), "nobody would notice them"),
            Told("Faults that only errors see", tuple(self.only_trouble()), "noticed, but judged by no control"),
            Told("Controls that duplicate each other", same,
                 "red and green under the same faults: what tells them apart is no fault of this run"),
            Told("Controls that no fault turns red", tuple(self.untouched()),
                 "this run says nothing of what they notice; a fault that consists in requiring more is not worn here"),
        ]  # fmt: skip
        unworn = Told("Faults that were not there to be seen", tuple(self.unworn()), "nothing could be asked")
        return [*told, *([unworn] if unworn.found else [])]

    def _row(self, control: str) -> tuple[str, ...]:
        return tuple(state(each, control) for each in self.faults)


def sheets(record: Mapping[str, Any]) -> list[Sheet]:
    """A sheet for each target and profile of a matrix run, in their order; faults that befall all come first."""
    found: dict[tuple[str, str], list[Fault]] = {}
    for fault in record.get("faults", ()):
        found.setdefault((fault["target"], fault["profile"]), []).append(fault)
    return [Sheet(*where, _controls(record, faults), _ordered(faults)) for where, faults in sorted(found.items())]


def state(fault: Fault, control: str) -> str:
    """The cell of a control: red where any of its cases is, else trouble where any is, else green if it was asked."""
    cell = fault["seen"].get(control)
    if not cell:
        return UNASKED
    return RED if cell[RED] else TROUBLE if cell[TROUBLE] else GREEN if cell[GREEN] else UNASKED


def sentence(record: Mapping[str, Any]) -> str:
    """The matrix in one line, "" where the run has none."""
    known = sheets(record)
    if not known:
        return ""
    sizes = (
        f"{number(len(each.controls), 'control')} under {number(len(each.faults), 'fault')} on {each.name}"
        for each in known
    )
    return (
        f"matrix: {', '.join(sizes)}: {sum(len(each.unseen()) for each in known)} seen by nothing, "
        f"{sum(len(each.only_trouble()) for each in known)} by errors alone, "
        f"{sum(len(each.unworn()) for each in known)} not there to be seen"
    )


def blind(record: Mapping[str, Any]) -> Iterator[str]:
    """Why the controls of a matrix run do not prove what they should, one sentence each."""
    for where, fault, own in _judged(record):
        green = [control for control in own if state(fault, control) == GREEN]
        if not _noticed(fault):
            yield f"{where} is seen by no control"
        elif green:
            yield f"{where} is not seen by the control whose own fault it is ({', '.join(green)})"


def unworn(record: Mapping[str, Any]) -> Iterator[str]:
    """Faults that nobody could look at, or not those whose own they are, with the reason."""
    for fault in record.get("faults", ()):
        if fault["problem"]:
            yield f"{_where(fault)} left nothing that could be asked: {fault['problem']}"
    for where, fault, own in _judged(record):
        trouble = [control for control in own if state(fault, control) == TROUBLE]
        if trouble:
            yield f"{where} could not be judged by the control whose own fault it is ({', '.join(trouble)})"


def _judged(record: Mapping[str, Any]) -> Iterator[tuple[str, Fault, list[str]]]:
    """The faults that were there, with those of their own controls that were asked. Where a fault's own controls were
    all left out by the caller, others need not see it.
    """
    for fault in record.get("faults", ()):
        own = [control for control in fault["of"] if state(fault, control) != UNASKED]
        if not fault["problem"] and (own or not fault["of"]):
            yield _where(fault), fault, own


def _where(fault: Fault) -> str:
    return f"{fault['target']}/{fault['profile']}: {fault['fault']}"


def _cell(fault: Fault, control: str, first: bool) -> Cell:
    own, found = control in fault["of"], state(fault, control)
    cases = ", ".join(f"{many} {verdict}" for verdict, many in fault["seen"].get(control, {}).items() if many)
    missed = own and found == GREEN and not fault["problem"]
    return Cell(BLIND if missed else found, own, first, cases)


def _noticed(fault: Fault) -> set[str]:
    """What any control said of it other than that all is well."""
    return {state(fault, control) for control in fault["seen"]} & {RED, TROUBLE}


def _controls(record: Mapping[str, Any], faults: Sequence[Fault]) -> tuple[Mapping[str, str], ...]:
    asked = {control for fault in faults for control in fault["seen"]}
    known = {each["id"]: each for each in record.get("controls", ())}
    found = [known.get(id, {"id": id, "title": "", "room": ""}) for id in asked]
    return tuple(sorted(found, key=lambda each: (each["room"], each["id"])))


def _ordered(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda each: (not each["generic"], each["fault"])))
