"""The newest releases' vocabulary in the words of older ones and back, by the rules in fixtures/dialects.

Profiles, mutations and controls speak the vocabulary of the newest Postfix and Dovecot. This is the one place that
knows that releases differ, and it knows only how to apply rules: names, values and versions are data. Pure but for
reading them; must not know what any setting is for. What a release cannot say raises `NoTranslation`, never passes.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from mailproof.errors import NoTranslation, Unusable, nearest
from mailproof.model import Daemon, Settings

__all__ = ["Dialect", "Dialects", "Specimen", "nearest", "version_key"]

_VARIABLE = re.compile(r"%(?:\{[^}]*\}|.)?")
_Version = tuple[int, ...]
_Kind = TypeVar("_Kind", "Row", "Foreign", "Specimen", "Hidden")


@dataclass(frozen=True, slots=True)
class Row:
    """How releases from ``since`` up to, not with, ``before`` say the settings ``names``.

    ``native`` is their own name; ``lacks`` why they have none. ``form`` wraps a value that is not empty. ``values``
    replaces whole values (compared as sets of words where ``unordered``), ``words`` the variables in them: the first
    spelling is written, all are read. Other values may stand where the regular expression ``same`` says so (without
    ``values``: always); ``reason`` says why the rest cannot be said.
    """

    names: tuple[str, ...]
    since: str = ""
    before: str = ""
    native: str = ""
    lacks: str = ""
    form: str = "{}"
    values: Mapping[str, str] = field(default_factory=dict)
    unordered: bool = False
    words: Mapping[str, list[str]] = field(default_factory=dict)
    same: str = ""
    reason: str = ""

    def write(self, value: str) -> str | None:
        """The native value, or None where these releases have no words for it."""
        if self.words:
            known = set(self.words) >= set(_VARIABLE.findall(value))
            return _substituted(value, {newest: spelt[0] for newest, spelt in self.words.items()}) if known else None
        if value in self.values:
            return self.values[value]
        if not re.fullmatch(self.same or ("(?!)" if self.values else ".*"), value, re.DOTALL):
            return None
        return self.form.format(value) if value else ""

    def read(self, value: str) -> str:
        """The newest value. What has no newest words stays as it is: readable, and equal to nothing required."""
        if self.words:
            return _substituted(value, {each: newest for newest, spelt in self.words.items() for each in spelt})
        for newest, native in self.values.items():
            if value == native or (self.unordered and _parts(value) == _parts(native)):
                return newest
        before, after = self.form.split("{}")
        return value.removeprefix(before).removesuffix(after)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A mark in values that means something else on these releases, where no row has words for it."""

    text: str
    reason: str
    since: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Hidden:
    """Settings, by their newest names, whose values these releases do not show."""

    names: tuple[str, ...]
    since: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Specimen:
    """Native text that makes a specimen of the packaged configuration; ``empties``: packaged files to empty first.

    ``listener`` is where Postfix asks, ``account`` who may log in, ``mail`` where messages lie; ``alone`` is what a
    Dovecot has that does nothing but answer Postfix.
    """

    listener: str
    account: str
    mail: str
    alone: str
    empties: tuple[str, ...] = ()
    since: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words of one release. ``known`` are its own setting names, ``newest`` those of the newest release.

    ``hidden`` are newest names whose value it cannot show: it is settled by the handshake.
    """

    daemon: Daemon
    version: str
    known: frozenset[str]
    newest: frozenset[str]
    rows: Mapping[str, Row]
    foreign: tuple[Foreign, ...] = ()
    hidden: frozenset[str] = frozenset()
    specimen: Specimen | None = None

    def native_name(self, name: str) -> str:
        """What this release calls the newest release's ``name``; raises `NoTranslation`."""
        row = self.rows.get(name)
        if row and row.lacks:
            raise self._no(name, row.lacks)
        native = (row and row.native) or name
        if name not in self.newest or native not in self.known:
            raise self._no(name, "it does not know the setting")
        return native

    def to_native(self, settings: Settings) -> dict[str, str]:
        """Settings in this release's names and values; raises `NoTranslation` naming the first that it cannot say."""
        return {self.native_name(name): self._native_value(name, value) for name, value in settings.items()}

    def to_newest(self, native: Settings) -> dict[str, str]:
        """What this release shows, in the newest names and values; what has no newest name keeps its own."""
        names = {row.native or name: name for name, row in self.rows.items() if not row.lacks}
        said: dict[str, str] = {}
        for name, value in native.items():
            newest = names.get(name)
            said[newest or name] = self.rows[newest].read(value) if newest else value
        return said

    def specimen_text(self, password: str) -> str:
        """The specimen's native text with its one password; raises `NoTranslation` where there is none."""
        return self._said("listener", "account", "mail").replace("@PASSWORD@", password)

    def account_text(self, password: str) -> str:
        """Native text by which any user logs in with the one password, and no one else's does; raises as above."""
        return self._said("account").replace("@PASSWORD@", password)

    def authenticator_text(self, password: str) -> str:
        """A whole configuration of a Dovecot that only tells Postfix who somebody is; raises as above."""
        return self._said("alone", "listener", "account").replace("@PASSWORD@", password)

    def _said(self, *parts: str) -> str:
        if self.specimen is None:
            raise self._no("the specimen", "there is no text for it")
        return "".join(getattr(self.specimen, part).removeprefix("\n") for part in parts)

    def _native_value(self, name: str, value: str) -> str:
        row = self.rows.get(name, Row((name,)))
        said = row.write(value)
        if said is None:
            raise self._no(name, f"it has no words for the value {value!r}" + (row.reason and f": {row.reason}"))
        for foreign in self.foreign:
            if foreign.text in value and not row.words:
                raise self._no(name, f"{foreign.reason}: {value!r}")
        return said

    def _no(self, name: str, reason: str) -> NoTranslation:
        return NoTranslation(f"{self.daemon.capitalize()} {self.version} cannot say {name}: {reason}")


@dataclass(frozen=True, slots=True)
class Dialects:
    """All dialects of one directory: the rows of ``DAEMON.toml``, the names of ``known/DAEMON-VERSION.txt``."""

    data: Mapping[Daemon, Mapping[str, Any]]
    names: Mapping[Daemon, Mapping[_Version, frozenset[str]]]

    @classmethod
    def load(cls, directory: Path) -> Dialects:
        """Read the directory; raises `Unusable` with the file and what is wrong with it."""
        return cls(
            {daemon: _load(directory / f"{daemon.value}.toml") for daemon in Daemon},
            {daemon: _known(directory / "known", daemon) for daemon in Daemon},
        )

    def for_version(self, daemon: Daemon, version: str) -> Dialect:
        """The dialect of one release; ``version`` as the daemon states it. Raises `NoTranslation` below the oldest."""
        data, now = self.data[daemon], version_key(version)
        rows = {name: row for row in data["setting"] if _spans(row, now) for name in row.names}
        hidden = frozenset(name for each in data["hidden"] if _spans(each, now) for name in each.names)
        specimen = next((each for each in data["specimen"] if _spans(each, now)), None)
        foreign = tuple(mark for mark in data["foreign"] if _spans(mark, now))
        known = self.known(daemon, version) | {row.native or name for name, row in rows.items() if _in_block(name)}
        return Dialect(daemon, version, known, self.newest(daemon), rows, foreign, hidden, specimen)

    def newest(self, daemon: Daemon) -> frozenset[str]:
        """The setting names of the newest release: what profiles and mutations are written in.

        Those in a named block (``service/imap-login/process_min_avail``) are the ones that a row names.
        """
        in_blocks = {name for row in self.data[daemon]["setting"] for name in row.names if _in_block(name)}
        return self.names[daemon][max(self.names[daemon])] | in_blocks

    def known(self, daemon: Daemon, version: str) -> frozenset[str]:
        """The setting names of the newest recorded release that is not newer than ``version``."""
        older = [recorded for recorded in self.names[daemon] if recorded <= version_key(version)]
        if not older:
            raise NoTranslation(f"{daemon.capitalize()} {version} is older than every release that mailproof knows")
        return self.names[daemon][max(older)]


def version_key(version: str) -> tuple[int, ...]:
    """A version as numbers to compare: ``2.4.1-4 (7d8c0e5759)`` → (2, 4, 1); OpenSSL's ``1.1.1w`` → (1, 1, 1, 23)."""
    found = re.search(r"(\d+(?:\.\d+)*)([a-z]?)", version)
    if not found:
        raise NoTranslation(f"there is no version number in {version!r}")
    letter = (ord(found[2]) - ord("a") + 1,) if found[2] else ()
    return (*(int(part) for part in found[1].split(".")), *letter)


def older(version: str, least: str) -> bool:
    """Whether a version is below the least one."""
    return version_key(version) < version_key(least)


def _spans(row: Row | Foreign | Hidden | Specimen, version: _Version) -> bool:
    return version_key(row.since or "0") <= version and (not row.before or version < version_key(row.before))


def _in_block(name: str) -> bool:
    return "/" in name


def _substituted(value: str, words: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: words.get(found[0], found[0]), value)


def _parts(value: str) -> frozenset[str]:
    return frozenset(re.split(r"[\s,]+", value.strip()))


def _load(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        words = data.pop("words", {})
        kinds = {"setting": Row, "foreign": Foreign, "hidden": Hidden, "specimen": Specimen}
        _only(data, kinds, "dialect")
        named = [row | {"words": words[row["words"]]} if "words" in row else row for row in data.get("setting", [])]
        rows = {**data, "setting": named}
        return {key: [_made(kind, row) for row in rows.get(key, [])] for key, kind in kinds.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unusable(f"{path}: not a usable dialect: {error}") from None


def _made(kind: type[_Kind], row: Mapping[str, Any]) -> _Kind:
    _only(row, {each.name for each in fields(kind)}, f"{kind.__name__.lower()} of a dialect")
    arguments: dict[str, Any] = {key: tuple(each) if isinstance(each, list) else each for key, each in row.items()}
    return kind(**arguments)


def _only(table: Iterable[str], allowed: Iterable[str], what: str) -> None:
    for key in set(table) - set(allowed):
        close = nearest(key, allowed)
        raise ValueError(f"{key} is no key of a {what}" + (f" (did you mean {close}?)" if close else ""))


def _known(directory: Path, daemon: Daemon) -> dict[_Version, frozenset[str]]:
    found = {
        version_key(path.stem.partition("-")[2]): frozenset(path.read_text(encoding="utf-8").split())
        for path in directory.glob(f"{daemon.value}-*.txt")
    }
    if not found:
        raise Unusable(f"{directory}: no {daemon.value}-VERSION.txt lists the settings that a release knows")
    return found
