"""main.cf and master.cf as their owner wrote them: where a setting stands, and edits that move no line. Pure.

Both files share one syntax (postconf(5), master(5)): empty lines and lines whose first character other than white
space is ``#`` are ignored wherever they stand, and a line that begins with white space continues the logical line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

_WHITE = " \t\r\v\f"
_SPACES = _WHITE + "\n"
_FIELDS = 8  # master(5): service, type, private, unprivileged, chroot, wakeup, maxproc, command
_VALUED = ("-i", "-m", "-n", "-s", "-t")  # what master(8) hands its daemons with a word of their own
_FOLD = re.compile(r"\s*\n\s*", re.ASCII)
_ASSIGNMENT = re.compile(r"([^\s=]+)\s*=\s*(.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One ``name = value`` of main.cf on the physical lines `first` to `last`, counted from 1 (postconf(5))."""

    name: str
    value: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Override:
    """One ``-o name=value`` or ``-o { name = value }`` of a row, on the line where its ``-o`` stands (master(5))."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Row:
    """One service of master.cf, named ``service/type`` as postconf(1) names it for ``-M`` and ``-P``."""

    entry: str
    first: int
    last: int
    overrides: tuple[Override, ...]


@dataclass(frozen=True, slots=True)
class _Logical:
    """A logical line from the file's offset `start`; ignored lines in it are blanked, so that offsets hold."""

    first: int
    start: int
    text: str

    @property
    def last(self) -> int:
        return self.first + self.text.count("\n")


@dataclass(frozen=True, slots=True)
class _Option:
    """An override within a logical line: ``-o`` stands at `at`, what a new value replaces from `start` to `end`."""

    name: str
    value: str
    at: int
    start: int
    end: int


def assignments(text: str) -> tuple[Assignment, ...]:
    """The assignments of a main.cf in order; the last one of a name rules (postconf(5))."""
    return tuple(found for line in _logical(text) if (found := _assignment(line)))


def rows(text: str) -> tuple[Row, ...]:
    """The services of a master.cf in order; a line with fewer than eight fields is none (master(5))."""
    return tuple(_row(line) for line in _services(text))


def assigned(text: str, settings: Mapping[str, str]) -> str:
    """A main.cf in which these names have these values (postconf(5)).

    Every assignment of a name is rewritten on its first line, and its further lines become comments, so no line moves.
    What the file does not set follows at its end.
    """
    lines = text.split("\n")
    found = [each for each in assignments(text) if each.name in settings]
    for each in found:
        lines[each.first - 1] = f"{each.name} = {_folded(settings[each.name])}"
        for number in range(each.first, each.last):
            lines[number] = lines[number] if _ignored(lines[number]) else f"#{lines[number]}"
    missing = settings.keys() - {each.name for each in found}
    added = "".join(f"{name} = {_folded(settings[name])}\n" for name in settings if name in missing)
    return _ended("\n".join(lines)) + added if added else "\n".join(lines)


def overridden(text: str, entry: str, settings: Mapping[str, str]) -> str:
    """A master.cf in which the service has these overrides; raises `KeyError` where there is no such service.

    An override that exists is replaced on its line. A new one follows the row as a line of its own; where the command
    has arguments of its own (``argv=``), it goes before those, since an option behind them is none (master(5)).
    """
    found = [line for line in _services(text) if _entry(line) == entry]
    if not found:
        raise KeyError(entry)
    text = _ended(text)
    for line in reversed(found):
        text = _changed(text, line, settings)
    return text


def _logical(text: str) -> Iterator[_Logical]:
    """Logical lines, each up to its last physical line with text."""
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    numbers = [number for number, line in enumerate(lines) if not _ignored(line)]
    heads = [place for place, number in enumerate(numbers) if lines[number][0] not in _WHITE]
    for head, following in pairwise([*heads, len(numbers)]):
        first, last = numbers[head], numbers[following - 1]
        whole = (" " * len(line) if _ignored(line) else line for line in lines[first : last + 1])
        yield _Logical(first + 1, starts[first], "\n".join(whole))


def _ignored(line: str) -> bool:
    return line.strip(_WHITE)[:1] in ("", "#")


def _folded(text: str) -> str:
    return _FOLD.sub(" ", text.strip(_SPACES))


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _assignment(line: _Logical) -> Assignment | None:
    match = _ASSIGNMENT.fullmatch(_folded(line.text))
    return Assignment(match[1], match[2], line.first, line.last) if match else None


def _services(text: str) -> list[_Logical]:
    return [line for line in _logical(text) if len(list(_words(line.text))) >= _FIELDS]


def _entry(line: _Logical) -> str:
    return "/".join(line.text.split(maxsplit=2)[:2])


def _row(line: _Logical) -> Row:
    options, _ = _arguments(line.text)
    found = (Override(each.name, each.value, line.first + line.text.count("\n", 0, each.at)) for each in options)
    return Row(_entry(line), line.first, line.last, tuple(found))


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Where words begin and end; white space within braces separates none (master(5), Postfix 3.0 and later)."""
    start, level = -1, 0
    for at, char in enumerate(f"{text} "):
        if char in _SPACES and level == 0:
            if start >= 0:
                yield start, at
            start = -1
            continue
        start = at if start < 0 else start
        level = max(0, level + (char == "{") - (char == "}"))


def _arguments(text: str) -> tuple[list[_Option], int | None]:
    """The overrides of a row, and where the first argument begins that is no option: there getopt(3) ends."""
    options: list[_Option] = []
    words = iter(list(_words(text))[_FIELDS:])
    for at, end in words:
        word = text[at:end]
        if word == "-o":
            options += [_option(text, at, *span) for span in [next(words, None)] if span]
        elif word.startswith("-o"):
            options.append(_option(text, at, at, end))
        elif word in _VALUED:
            next(words, None)
        elif not word.startswith("-") or word in ("-", "--"):
            return options, at
    return options, None


def _option(text: str, at: int, start: int, end: int) -> _Option:
    word = text[start:end] if start > at else text[at + 2 : end]
    inner = word[1:-1] if word.startswith("{") and word.endswith("}") else word
    name, _, value = inner.partition("=")
    return _Option(_folded(name), _folded(value), at, start, end)


def _changed(text: str, line: _Logical, settings: Mapping[str, str]) -> str:
    """The file with the settings in this row: edits are applied from the last to the first, so that offsets hold."""
    options, stop = _arguments(line.text)
    known = {each.name for each in options}
    new = [f"-o {_spelled(name, value)}" for name, value in settings.items() if name not in known]
    here = line.start + (len(line.text) if stop is None else stop)
    added = "".join(f"\n  {each}" if stop is None else f"{each} " for each in new)
    text = text[:here] + added + text[here:]
    for each in reversed(options):
        if each.name in settings:
            text = _replaced(text, line.start, each, settings[each.name])
    return text


def _replaced(text: str, offset: int, option: _Option, value: str) -> str:
    """The file with one override rewritten where it begins; lines it went on over stay, without its text."""
    start, end = offset + option.start, offset + option.end
    kept = "".join(f"\n{line if _ignored(line) else ''}" for line in text[start:end].split("\n")[1:])
    flag = "-o " if option.start == option.at else ""
    return f"{text[:start]}{flag}{_spelled(option.name, value)}{kept}{text[end:]}"


def _spelled(name: str, value: str) -> str:
    value = _folded(value)
    return f"{{ {name} = {value} }}" if any(char in _WHITE for char in value) else f"{name}={value}"
