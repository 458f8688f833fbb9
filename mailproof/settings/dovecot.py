"""Output of doveconf(1) → names and values, with 2.4's blocks and 2.3's in one flat form. Pure; knows no release.

2.4 prints a group of settings as a block (``ssl_server { cert_file = … }``) where 2.3 has flat names, and
withholds some values. What stands in ``protocol``, ``local``, ``remote`` and ``local_name`` sections holds only there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mailproof.errors import Unread

_HIDDEN = "# hidden, use -P to show it"
_CONDITIONAL = ("protocol", "local", "remote", "local_name")
_BLOCK = re.compile(r"(?P<kind>\S+)(?: (?P<name>.+?))? *\{")


@dataclass(frozen=True, slots=True)
class Tree:
    """A flattened configuration: see `mailproof.settings.views.DovecotView`."""

    values: Mapping[str, str]
    protocols: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scopes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()


def parse(text: str) -> Tree:
    """The tree of ``doveconf -a`` output; raises `Unread` for a line that is neither setting nor block.

    Of two values the later one holds: 2.4 prints the default under the flat name first, then the block that sets it.
    """
    scopes: dict[str, dict[str, str]] = {"": {}}
    for scope, name, value in _settings(text):
        scopes.setdefault(scope, {})[name] = value
    hidden = {name for each in scopes.values() for name, value in each.items() if value == _HIDDEN}
    shown = {
        scope: {name: value for name, value in each.items() if name not in hidden} for scope, each in scopes.items()
    }
    return Tree(shown.pop(""), _protocols(shown), _others(shown), frozenset(hidden))


def _settings(text: str) -> Iterator[tuple[str, str, str]]:
    """(conditional section or "", flat name, value) of every setting, in order."""
    stack: list[str] = []
    enabled: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line == "}":
            if _pop(stack) == "protocols":
                yield "", "protocols", " ".join(enabled)
        elif line.endswith("{") and (block := _BLOCK.fullmatch(line)):
            stack.append(" ".join(filter(None, block.groups())))
        elif stack == ["protocols"]:
            enabled += [line.partition(" =")[0]] if line.endswith("= yes") else []
        else:
            yield _setting(stack, line)
    if stack:
        raise Unread(f"doveconf's output ends inside the block {stack[-1]}")


def _pop(stack: list[str]) -> str:
    if not stack:
        raise Unread("doveconf closed a block that it never opened")
    return stack.pop()


def _setting(stack: list[str], line: str) -> tuple[str, str, str]:
    name, equals, value = line.partition(" =")
    if not equals or " " in name:
        raise Unread(f"doveconf printed a line that is no setting: {line[:80]!r}")
    scope = " ".join(part for part in stack if _conditional(part))
    path = "".join(_step(part) for part in stack if not _conditional(part))
    return scope, path + name, _unquoted(value.strip())


def _conditional(heading: str) -> bool:
    return heading.partition(" ")[0] in _CONDITIONAL


def _step(heading: str) -> str:
    """A block as part of a flat name: a named block is a path, an unnamed one a group, whose flat form is a prefix."""
    kind, _, name = heading.partition(" ")
    return f"{kind}/{name}/" if name else f"{kind}_"


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _protocols(scopes: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Sections for one protocol; ``protocol !x`` and the like stay among the other scopes."""
    return {key.removeprefix("protocol "): dict(scope) for key, scope in scopes.items() if _plain(key)}


def _others(scopes: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    return {key: dict(scope) for key, scope in scopes.items() if not _plain(key)}


def _plain(scope: str) -> bool:
    return re.fullmatch(r"protocol \w+", scope) is not None
