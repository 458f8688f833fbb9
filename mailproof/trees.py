"""A user's own configuration, as it lies in a directory: which files it brings, and under what name it is judged.

Reads, changes nothing. Whether what it says is right is for the daemons to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailproof.errors import Unusable
from mailproof.model import Daemon

STOCK = "stock"
"""The tree that changes nothing: the release as packaged."""
LARGEST = 64 * 1024 * 1024
"""Bytes that a tree may hold: more is no configuration."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MAIN = {Daemon.POSTFIX: "main.cf", Daemon.DOVECOT: "dovecot.conf"}
_SKIPPED = frozenset({".git", ".svn", ".hg"})


@dataclass(frozen=True, slots=True)
class Tree:
    """``files``: path below /etc (``postfix/main.cf``) -> content. ``source`` is the directory or file as the caller
    named it. ``exclusive``: what the packages bring is taken away first."""

    name: str
    source: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    exclusive: bool = False

    @property
    def stock(self) -> bool:
        """True for the release as packaged."""
        return not self.source

    @property
    def daemons(self) -> frozenset[Daemon]:
        """The daemons that it configures: a stock tree both, as packaged."""
        return frozenset(
            each for each in Daemon if self.stock or any(name.startswith(f"{each}/") for name in self.files)
        )


def load_trees(given: Iterable[str], here: Path, exclusive: bool) -> tuple[Tree, ...]:
    """The trees that ``--mail-config`` names (``stock``, ``DIR``, ``NAME=DIR``, a main.cf), each once; ``here`` is the
    caller's directory. Raises `Unusable`."""
    found = [_tree(each, here, exclusive) for each in dict.fromkeys(given)]
    names = [tree.name for tree in found]
    for name in names:
        if names.count(name) > 1:
            raise Unusable(f"--mail-config: two trees are called {name}: tell them apart, as NAME=DIR")
    return tuple(found)


def _tree(given: str, here: Path, exclusive: bool) -> Tree:
    if given == STOCK:
        return Tree(STOCK)
    name, equals, path = given.partition("=")
    source = path if equals else given
    place = (here / source).expanduser()
    chosen = name if equals else place.resolve().name
    if not _NAME.fullmatch(chosen) or chosen == STOCK:
        raise Unusable(
            f"--mail-config {given}: «{chosen}» cannot name a tree: use NAME=DIR with letters, digits, . _ -"
        )
    if not place.exists():
        raise Unusable(f"--mail-config {given}: there is no such directory or file")
    return Tree(chosen, source, _files(given, place), exclusive)


def _files(given: str, place: Path) -> dict[str, bytes]:
    if place.is_file():
        return {f"{_daemon_of(given, place.name)}/{place.name}": _content(place)}
    root = place.resolve()
    found = {name: _content(path) for name, path in _walk(root)}
    if sum(map(len, found.values())) > LARGEST:
        raise Unusable(f"--mail-config {given}: it holds over {LARGEST >> 20} MB: is that the configuration?")
    for daemon, main in _MAIN.items():
        if main in found:  # the daemon's own directory was named
            return {f"{daemon}/{name}": content for name, content in found.items()}
    if not any(name.startswith(f"{daemon}/") for daemon in Daemon for name in found):
        raise Unusable(f"--mail-config {given}: it holds neither postfix/ nor dovecot/{_hint(found)}")
    return found


def _daemon_of(given: str, name: str) -> Daemon:
    for daemon, main in _MAIN.items():
        if name == main:
            return daemon
    raise Unusable(f"--mail-config {given}: a single file must be a main.cf or a dovecot.conf")


def _hint(found: Mapping[str, bytes]) -> str:
    for name in found:
        if name.startswith(tuple(f"etc/{daemon}/" for daemon in Daemon)):
            return ": name the directory etc in it"
        if Path(name).stem in _MAIN.values():
            return f": {name} looks like a template, render it first"
    return ", as /etc does" if found else ": it is empty"


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """Every readable file, by its path below the root; links are followed as long as they stay inside."""
    for path in sorted(root.rglob("*")):
        below = path.relative_to(root)
        if _SKIPPED.isdisjoint(below.parts) and path.is_file() and path.resolve().is_relative_to(root):
            yield str(below), path


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"--mail-config: {path} cannot be read: {error.strerror}") from None
