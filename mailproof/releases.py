"""Reads containers/releases.toml: the releases that targets are made of. Pure but for that file; knows no engine.

Needs nothing but the standard library: set-up reads it before anything is installed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from mailproof.errors import Unusable, nearest
from mailproof.model import Release

ALL = "all"
_TABLES = ("family", "release")
_KEYS = {each.name: each for each in fields(Release) if each.name not in ("name", "recipe")}
_TYPES: Mapping[str, type] = {"apt_options": list, "drop_suites": list, "stable": bool}


def load_releases(path: Path) -> dict[str, Release]:
    """Release name -> release, in the file's order; raises `Unusable` naming the file, the key and the nearest name."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from None
    _check_keys(path, "the file", tables, _TABLES)
    for name, table in tables.items():
        _check_keys(path, name, table, table if isinstance(table, dict) else ())
    recipes = _recipes(path, tables.get("family", {}))
    found = {name: _release(path, name, row, recipes) for name, row in tables.get("release", {}).items()}
    if sum(release.stable for release in found.values()) != 1:
        raise Unusable(f"{path}: exactly one release must say `stable = true`")
    return found


def choose(names: Sequence[str], releases: Mapping[str, Release]) -> tuple[Release, ...]:
    """The releases called ``names`` (``all``: every one; none: the stable one), each once; raises `Unusable`."""
    if not names:
        return tuple(release for release in releases.values() if release.stable)
    for name in names:
        if name not in releases and name != ALL:
            raise Unusable(f"--target {name}: there is no such target{hint(name, [*releases, ALL])}")
    return tuple(releases.values() if ALL in names else (releases[name] for name in dict.fromkeys(names)))


def hint(name: str, valid: Iterable[str]) -> str:
    """How a message about an unknown name ends: the nearest valid one, or all of them."""
    names = list(valid)
    close = nearest(name, names)
    return f": did you mean {close}?" if close else f": choose from {', '.join(names)}"


def _recipes(path: Path, families: Mapping[str, Any]) -> dict[str, str]:
    for name, row in families.items():
        _check_keys(path, f"family.{name}", row, ("recipe",))
        recipe = row.get("recipe")
        if not isinstance(recipe, str) or not (path.parent / recipe).is_file():
            raise Unusable(f"{path}: family.{name}.recipe must name a Dockerfile below {path.parent}")
    return {name: row["recipe"] for name, row in families.items()}


def _release(path: Path, name: str, row: Mapping[str, Any], recipes: Mapping[str, str]) -> Release:
    where = f"release.{name}"
    _check_keys(path, where, row, _KEYS)
    for key, spec in _KEYS.items():
        kind = _TYPES.get(key, str)
        if key in row and not isinstance(row[key], kind):
            raise Unusable(f"{path}: {where}.{key} must be a {kind.__name__}")
        if kind is list and not all(isinstance(each, str) for each in row.get(key, ())):
            raise Unusable(f"{path}: {where}.{key} must hold texts only")
        if key not in row and spec.default is MISSING:
            raise Unusable(f"{path}: {where} lacks the key {key}")
    if row["family"] not in recipes:
        raise Unusable(f"{path}: {where}.family: there is no family {row['family']}{hint(row['family'], recipes)}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Release(name=name, recipe=recipes[row["family"]], **values)


def _check_keys(path: Path, where: str, table: object, valid: Iterable[str]) -> None:
    if not isinstance(table, dict):
        raise Unusable(f"{path}: {where} must be a table")
    names = list(valid)
    for key in table:
        if key not in names:
            raise Unusable(f"{path}: {where}: there is no key {key}{hint(key, names)}")
