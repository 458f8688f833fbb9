"""What a run of ``--prove=matrix`` found: which fault nothing sees, which control sees nothing. Pure; knows no format.

A cell is what one control said under one fault, over all of its cases on that target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GREEN, RED, TROUBLE = "pass", "fail", "error"

Fault = Mapping[str, Any]


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

    def unseen(self) -> list[str]:
        """Faults under which every control stays green: nobody would notice them."""
        return [each["fault"] for each in self.faults if not each["problem"] and _states(each) == {GREEN}]

    def only_trouble(self) -> list[str]:
        """Faults that no control judges: all that is seen of them is that something could not be judged."""
        return [each["fault"] for each in self.faults if not each["problem"] and _states(each) == {GREEN, TROUBLE}]

    def alike(self) -> list[tuple[str, ...]]:
        """Controls that every fault turns alike, if any turns them at all: the one may be as good as the others."""
        rows: dict[tuple[str, ...], list[str]] = {}
        for control in self.controls:
            rows.setdefault(self._row(control["id"]), []).append(control["id"])
        return [tuple(same) for row, same in rows.items() if len(same) > 1 and {*row} - {GREEN}]

    def untouched(self) -> list[str]:
        """Controls that no fault turns red."""
        return [each["id"] for each in self.controls if RED not in self._row(each["id"])]

    def _row(self, control: str) -> tuple[str, ...]:
        return tuple(state(each, control) for each in self.faults)


def sheets(record: Mapping[str, Any]) -> list[Sheet]:
    """A sheet for each target and profile of a matrix run, in their order; faults that befall all come first."""
    found: dict[tuple[str, str], list[Fault]] = {}
    for fault in record.get("faults", ()):
        found.setdefault((fault["target"], fault["profile"]), []).append(fault)
    return [Sheet(*where, _controls(record, faults), _ordered(faults)) for where, faults in sorted(found.items())]


def state(fault: Fault, control: str) -> str:
    """The cell of a control: red where any of its cases is, else trouble where any is."""
    cell = fault["seen"].get(control, {})
    return RED if cell.get(RED) else TROUBLE if cell.get(TROUBLE) else GREEN


def blind(record: Mapping[str, Any]) -> Iterator[str]:
    """Why the controls of a matrix run do not prove what they should, one sentence each."""
    for fault in record.get("faults", ()):
        where = f"{fault['target']}/{fault['profile']}: {fault['fault']}"
        own = [state(fault, control) for control in fault["of"] if control in fault["seen"]]
        if fault["problem"] or (fault["of"] and not own):  # its own controls were left out by the caller
            continue
        if _states(fault) <= {GREEN}:
            yield f"{where} is seen by no control"
        elif own and set(own) == {GREEN}:
            yield f"{where} is not seen by the control whose own fault it is ({', '.join(fault['of'])})"


def unworn(record: Mapping[str, Any]) -> Iterator[str]:
    """Faults that nobody could look at, with the reason."""
    for fault in record.get("faults", ()):
        if fault["problem"]:
            where = f"{fault['target']}/{fault['profile']}: {fault['fault']}"
            yield f"{where} left nothing that could be asked: {fault['problem']}"


def _states(fault: Fault) -> set[str]:
    return {state(fault, control) for control in fault["seen"]}


def _controls(record: Mapping[str, Any], faults: Sequence[Fault]) -> tuple[Mapping[str, str], ...]:
    asked = {control for fault in faults for control in fault["seen"]}
    known = {each["id"]: each for each in record.get("controls", ())}
    found = [known.get(id, {"id": id, "title": "", "room": ""}) for id in asked]
    return tuple(sorted(found, key=lambda each: (each["room"], each["id"])))


def _ordered(faults: Sequence[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda each: (not each["generic"], each["fault"])))
