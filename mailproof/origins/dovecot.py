"""Dovecot's files as their owner wrote them: where a setting stands, and edits that move no line. Pure.

The syntax is that of Dovecot's manual, "Dovecot Config File Syntax", for 2.3 and 2.4 alike. What doveconf(1) prints
as blocks may stand in the files as blocks or under flat names; both become one flat name here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from posixpath import dirname, join, normpath

_WHITE = " \t\r\v\f"
_CONDITIONAL = ("protocol", "local", "remote", "local_name")
_QUOTED = re.compile(r""""(?:\\.|[^"\\])*(?:"|\\?$)|'(?:\\.|[^'\\])*(?:'|\\?$)""")
_COMMENT = re.compile(rf"({_QUOTED.pattern})|#.*")
_INCLUDE = re.compile(r"(!include(?:_try)?)\s+(.+)")
_SETTING = re.compile(r"([^\s=]+)\s*=\s*(.*)")
_OPENING = re.compile(r'([^\s{]+)(?:\s+("(?:\\.|[^"\\])*"|[^{"]*?))?\s*\{')
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Origin:
    """One assignment: the line of the file on which it begins, the conditional sections around it ("" for none)."""

    file: str
    line: int
    scope: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it stands on the lines `first` to `last` of a file; its heading is what precedes the brace."""

    file: str
    first: int
    last: int
    heading: str
    text: str


class _Kind(Enum):
    SET = auto()
    OPEN = auto()
    CLOSE = auto()
    INCLUDE = auto()


@dataclass(frozen=True, slots=True)
class _Statement:
    kind: _Kind
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line without comments, from physical line `first` to `last` where backslashes continue it."""

    first: int
    last: int
    text: str


@dataclass(frozen=True, slots=True)
class _Step:
    """A statement as Dovecot comes by it, within the blocks of `stack`."""

    file: str
    line: _Line
    stack: tuple[str, ...]
    statement: _Statement


def origins(files: Mapping[str, str], start: str) -> tuple[Origin, ...]:
    """Every assignment in the order in which Dovecot reads them, includes at their place; absent files are none."""
    return tuple(_origin(step) for step in _steps(files, start) if step.statement.kind is _Kind.SET)


def deciding(found: Sequence[Origin], protocol: str, name: str) -> Origin | None:
    """The assignment that rules for a protocol: the last in its own section, else the last outside of sections."""
    named = {each.scope: each for each in found if each.name == name}
    return named.get(f"protocol {protocol}") or named.get("")


def blocks(files: Mapping[str, str], start: str, kinds: Collection[str]) -> tuple[Block, ...]:
    """The blocks of these kinds, such as ``passdb``, that stand in no other block but conditional sections."""
    found: dict[Block, None] = {}
    opened: list[int] = []
    for step in _steps(files, start):
        if step.statement.kind is _Kind.OPEN:
            opened = [*opened[: len(step.stack)], step.line.first]
        elif step.statement.kind is _Kind.CLOSE and _wanted(step.stack, kinds):
            first, last = opened[len(step.stack) - 1], step.line.last
            text = "\n".join(files[step.file].split("\n")[first - 1 : last])
            found[Block(step.file, first, last, step.stack[-1], text)] = None
    return tuple(found)


def silenced(files: Mapping[str, str], found: Iterable[Block]) -> dict[str, str]:
    """All files, with the lines of these blocks made comments; what shares a line with a block goes with it."""
    numbers: dict[str, set[int]] = {}
    for block in found:
        numbers.setdefault(block.file, set()).update(range(block.first, block.last + 1))
    return {file: _commented(text, numbers.get(file, ())) for file, text in files.items()}


def assigned(text: str, settings: Mapping[str, str]) -> str:
    """One file in which these settings, outside of all blocks, have these values.

    What stands there is rewritten on its line, and lines that continued it become comments. The rest follows at the
    end. Assignments in sections are left as they are.
    """
    lines = text.split("\n")
    known: set[str] = set()
    for line, name in _outside(text):
        if name in settings:
            known.add(name)
            lines[line.first - 1] = f"{name} = {_spelled(settings[name])}"
            lines[line.first : line.last] = [f"#{each}" for each in lines[line.first : line.last]]
    added = [f"{name} = {_spelled(value)}\n" for name, value in settings.items() if name not in known]
    changed = "\n".join(lines)
    return changed + ("\n" if added and changed and not changed.endswith("\n") else "") + "".join(added)


def _wanted(stack: Sequence[str], kinds: Collection[str]) -> bool:
    return stack[-1].partition(" ")[0] in kinds and all(_conditional(each) for each in stack[:-1])


def _outside(text: str) -> Iterator[tuple[_Line, str]]:
    """The lines that are an assignment outside of all blocks and nothing else, and its name."""
    depth = 0
    for line in _lines(text):
        statements = list(_statements(line.text, depth))
        if depth == 0 and [each.kind for each in statements] == [_Kind.SET]:
            yield line, statements[0].name
        for each in statements:
            depth = max(0, depth + (each.kind is _Kind.OPEN) - (each.kind is _Kind.CLOSE))


def _commented(text: str, numbers: Collection[int]) -> str:
    return "\n".join(f"#{line}" if number in numbers else line for number, line in enumerate(text.split("\n"), 1))


def _spelled(value: str) -> str:
    """A value on one line, in quotes where Dovecot would read a part of it as something else."""
    value = re.sub(r"\s*\n\s*", " ", value)
    if _QUOTED.fullmatch(value) or not re.search(r"#|^\s|\s$|\\$", value):
        return value
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def _steps(files: Mapping[str, str], start: str) -> Iterator[_Step]:
    return _walk(files, (start,), ())


def _walk(files: Mapping[str, str], chain: tuple[str, ...], outer: tuple[str, ...]) -> Iterator[_Step]:
    """What the last file of the chain says, which the others include; a file closes only blocks that it opened."""
    file, stack = chain[-1], outer
    for line in _lines(files.get(file, "")):
        for statement in _statements(line.text, len(stack) - len(outer)):
            if statement.kind is _Kind.INCLUDE:
                for each in _included(files, file, statement.value):
                    yield from _walk(files, (*chain, each), stack) if each not in chain else ()
                continue
            if statement.kind is not _Kind.CLOSE or len(stack) > len(outer):
                yield _Step(file, line, stack, statement)
                stack = _after(stack, statement)


def _after(stack: tuple[str, ...], statement: _Statement) -> tuple[str, ...]:
    if statement.kind is _Kind.OPEN:
        return (*stack, statement.name)
    return stack[:-1] if statement.kind is _Kind.CLOSE else stack


def _lines(text: str) -> Iterator[_Line]:
    """Lines that say something; a backslash at the end joins the next one with a blank."""
    parts: list[str] = []
    first = 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = _COMMENT.sub(lambda match: match[1] or "", raw).strip(_WHITE)
        if not line:
            continue
        first = first or number
        parts.append(line.removesuffix("\\").rstrip(_WHITE))
        if not line.endswith("\\"):
            yield _Line(first, number, " ".join(filter(None, parts)))
            parts, first = [], 0


def _statements(text: str, depth: int) -> Iterator[_Statement]:
    """What one line says within `depth` blocks: mostly one thing, more where a block stands on one line."""
    while text:
        if text.startswith("}"):
            yield _Statement(_Kind.CLOSE)
            depth, text = depth - 1, text[1:].strip(_WHITE)
        elif match := _INCLUDE.fullmatch(text) or _SETTING.fullmatch(text):
            value, closed = _closed(match[2], depth)
            kind = _Kind.INCLUDE if match.re is _INCLUDE else _Kind.SET
            yield _Statement(kind, _unquoted(match[1]), _plain(value))
            text = "}" * closed
        elif match := _OPENING.match(text):
            yield _Statement(_Kind.OPEN, _heading(match[1], match[2] or ""))
            depth, text = depth + 1, text[match.end() :].strip(_WHITE)
        else:
            return


def _closed(value: str, depth: int) -> tuple[str, int]:
    """A value without the braces at its end that close blocks, and their number; braces in pairs are its own."""
    bare = _QUOTED.sub("", value)
    spare = min(depth, bare.count("}") - bare.count("{"))
    closed = 0
    while closed < spare and value.endswith("}"):
        value, closed = value[:-1].rstrip(_WHITE), closed + 1
    return value, closed


def _plain(value: str) -> str:
    """A value without its quotes; for the content of a file, ``<`` and the path, as doveconf(1) prints it."""
    return f"<{value[1:].strip(_WHITE)}" if value.startswith("<") else _unquoted(value)


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _heading(kind: str, name: str) -> str:
    """A block's heading with single blanks; a name is in quotes only where it has blanks, as doveconf(1) prints it."""
    if name.startswith('"'):
        plain = name[1:-1] if re.fullmatch(r'"[^\s"\\]+"', name) else name
    else:
        plain = " ".join(name.split())
    return f"{kind} {plain}" if plain else kind


def _conditional(heading: str) -> bool:
    return heading.partition(" ")[0] in _CONDITIONAL


def _origin(step: _Step) -> Origin:
    scope = " ".join(each for each in step.stack if _conditional(each))
    inner = [each for each in step.stack if not _conditional(each)]
    return Origin(step.file, step.line.first, scope, _flat(inner, step.statement.name), step.statement.value)


def _flat(stack: Sequence[str], name: str) -> str:
    """The flat name of a setting: named blocks are a path, unnamed ones a prefix, which 2.4 lets the name repeat."""
    steps = [f"{kind}/{title}/" if title else f"{kind}_" for kind, _, title in (each.partition(" ") for each in stack)]
    repeated = steps[-1] if steps and steps[-1].endswith("_") else ""
    return "".join(steps) + name.removeprefix(repeated)


def _included(files: Mapping[str, str], file: str, pattern: str) -> list[str]:
    """The files that an include names, sorted as glob(7) does; a relative path starts at the including file."""
    if match := _BRACES.search(pattern):
        choices = (pattern[: match.start()] + each + pattern[match.end() :] for each in match[1].split(","))
        return [found for each in choices for found in _included(files, file, each)]
    path = normpath(join(dirname(file), pattern))
    return sorted(each for each in files if _matches(each, path))


def _matches(file: str, pattern: str) -> bool:
    """Whether a path fits a pattern part by part; a leading dot is matched by a dot alone."""
    pairs = list(zip(file.split("/"), pattern.split("/"), strict=False))
    same = file.count("/") == pattern.count("/")
    return same and all(fnmatchcase(part, wish) and (part[:1] != "." or wish[:1] == ".") for part, wish in pairs)
