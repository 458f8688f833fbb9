"""A TOML file of ours whose every name and type is checked: what is wrong with it is one sentence with the file's name.

Knows no profile; reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from mailproof.errors import Unusable, nearest


@dataclass(frozen=True, slots=True)
class File:
    """One file as written."""

    path: Path
    content: bytes
    data: dict[str, Any]

    def refuse(self, what: str) -> NoReturn:
        raise Unusable(f"{self.path}: {what}")

    def known(self, key: str, name: str, valid: Iterable[str]) -> None:
        """Refuse a name that is none of the valid ones, with the nearest."""
        names = sorted(valid)
        if name in names:
            return
        close = nearest(name, names)
        few = f" (there are {', '.join(names)})" if 0 < len(names) <= 12 else ""
        self.refuse(f"{key}: there is no {name}" + (f" (did you mean {close}?)" if close else few))

    def typed(self, key: str, table: Mapping[str, object], types: Mapping[str, type]) -> None:
        """Refuse keys that are not of the table, and values that are not of their type."""
        for name, value in table.items():
            self.known(key, name, types)
            if not isinstance(value, types[name]) or (types[name] is int and isinstance(value, bool)):
                self.refuse(f"{key}: {name} must be a {_TYPE_NAMES[types[name]]}, not {value!r}")

    def texts(self, key: str, table: object) -> dict[str, str]:
        """The table; anything but names and texts is refused."""
        if not isinstance(table, dict):
            self.refuse(f"{key} must be a table")
        for name, value in table.items():
            if not isinstance(value, str):
                self.refuse(f'{key}: {name} must be a text in quotes, not {value!r} ("yes", "2")')
        return table


_TYPE_NAMES: Mapping[type, str] = {
    str: "text", int: "number", bool: "boolean", dict: "table", list: "list", date: "date without quotes",
}  # fmt: skip
