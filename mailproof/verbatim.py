"""The steps of a historic profile: what the reader of an article pastes, in its order and to the letter. Pure.

Nothing here is translated, and nothing is taken for right: what each step does on a release is found by trying it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from mailproof.errors import nearest
from mailproof.model import Daemon, Step

_TYPES: Mapping[str, type] = {
    "line": str, "daemon": str, "run": str, "nearest": str, "file": str, "text": str, "needs": list, "given": str,
    "shows": str, "apart": bool,
}  # fmt: skip
MATERIAL = ("server", "ca", "listed")
"""What of a run's people a profile may presuppose at a path: the server's certificate and key in one file, the CA's
certificate, the listed client's certificate and key in one file."""

Refuse = Callable[[str], NoReturn]


def read_steps(tables: Sequence[object], refuse: Refuse) -> tuple[Step, ...]:
    """The steps of a profile file; whatever is wrong with them goes to ``refuse``, which raises."""
    steps = tuple(_step(table, refuse) for table in tables)
    lines = [step.line for step in steps]
    for step in steps:
        if lines.count(step.line) > 1:
            refuse(f"[[steps]]: the line {step.line} stands twice")
        for need in step.needs:
            _known(need, lines, f"[[steps]] {step.line}: needs", refuse)
    return steps


def read_material(table: Mapping[str, object], refuse: Refuse) -> dict[str, str]:
    """Path -> what is put there."""
    found: dict[str, str] = {}
    for path, what in table.items():
        if not path.startswith("/"):
            refuse(f"[material]: {path} is no absolute path")
        _known(str(what), MATERIAL, f"[material] {path}", refuse)
        found[path] = str(what)
    return found


def whole(steps: Iterable[Step]) -> tuple[Step, ...]:
    """What the reader does who does everything: no mere question, and nothing that is tried by itself."""
    return tuple(step for step in steps if not step.shows and not step.apart)


def _step(table: object, refuse: Refuse) -> Step:
    if not isinstance(table, dict) or not isinstance(table.get("line"), str):
        refuse("[[steps]]: each step is a table with a line")
    where = f"[[steps]] {table['line']}"
    for name, value in table.items():
        _known(name, _TYPES, where, refuse)
        if not isinstance(value, _TYPES[name]):
            refuse(f"{where}: {name} must be a {_TYPES[name].__name__}, not {value!r}")
    _known(table.get("daemon", ""), [daemon.value for daemon in Daemon], f"{where}: daemon", refuse)
    if bool(table.get("run")) == bool(table.get("file") and table.get("text")):
        refuse(f"{where}: it either runs a command or puts a text into a file")
    return _made({**table, "shows": _pattern(table.get("shows", ""), where, refuse)})


def _made(table: Mapping[str, Any]) -> Step:
    return Step(**{**table, "daemon": Daemon(table["daemon"]), "needs": tuple(map(str, table.get("needs", ())))})


def _pattern(text: str, where: str, refuse: Refuse) -> str:
    try:
        re.compile(text)
    except re.error as error:
        refuse(f"{where}: shows is no regular expression: {error}")
    return text


def _known(name: str, valid: Iterable[str], where: str, refuse: Refuse) -> None:
    names = list(valid)
    if name not in names:
        close = nearest(name, names)
        refuse(f"{where}: there is no {name}" + (f" (did you mean {close}?)" if close else ""))
