"""The steps of a historic profile: what the reader of an article pastes, in its order and to the letter. Pure.

Nothing here is translated, and nothing is taken for right: what each step does on a release is found by trying it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mailproof.model import Daemon, Step
from mailproof.tables import File

_TYPES: Mapping[str, type] = {
    "line": str, "daemon": str, "run": str, "nearest": str, "file": str, "text": str, "needs": list, "given": str,
    "shows": str, "apart": bool,
}  # fmt: skip
MATERIAL = ("server", "ca", "listed")
"""What of a run's people a profile may presuppose at a path: the server's certificate and key in one file, the CA's
certificate, the listed client's certificate and key in one file."""


def read_steps(file: File, tables: Sequence[object]) -> tuple[Step, ...]:
    """The steps of a profile file; whatever is wrong with them is refused by the file's name."""
    steps = tuple(_step(file, table) for table in tables)
    lines = [step.line for step in steps]
    for step in steps:
        if lines.count(step.line) > 1:
            file.refuse(f"[[steps]]: the line {step.line} stands twice")
        for need in step.needs:
            file.known(f"[[steps]] {step.line}: needs", need, lines)
    return steps


def read_material(file: File, table: Mapping[str, object]) -> dict[str, str]:
    """Path -> what is put there."""
    found = file.texts("[material]", table)
    for path, what in found.items():
        if not path.startswith("/"):
            file.refuse(f"[material]: {path} is no absolute path")
        file.known(f"[material] {path}", what, MATERIAL)
    return found


def whole(steps: Iterable[Step]) -> tuple[Step, ...]:
    """What the reader does who does everything: no mere question, and nothing that is tried by itself."""
    return tuple(step for step in steps if not step.shows and not step.apart)


def _step(file: File, table: object) -> Step:
    if not isinstance(table, dict) or not isinstance(table.get("line"), str):
        file.refuse("[[steps]]: each step is a table with a line")
    where = f"[[steps]] {table['line']}"
    file.typed(where, table, _TYPES)
    file.known(f"{where}: daemon", table.get("daemon", ""), Daemon)
    if bool(table.get("run")) == bool(table.get("file") and table.get("text")):
        file.refuse(f"{where}: it either runs a command or puts a text into a file")
    try:
        re.compile(table.get("shows", ""))
    except re.error as error:
        file.refuse(f"{where}: shows is no regular expression: {error}")
    return _made(table)


def _made(table: Mapping[str, Any]) -> Step:
    return Step(**{**table, "daemon": Daemon(table["daemon"]), "needs": tuple(map(str, table.get("needs", ())))})
