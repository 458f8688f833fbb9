"""A stand-in: what it stands for, at which line, what is there instead, and all that it changes. Pure.

It never touches a setting that a control judges, and it says so where a control can then not be asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from mailproof.dialect import Dialects
from mailproof.model import Daemon, Release, Settings
from mailproof.origins import dovecot, postfix
from mailproof.targets.people import People
from mailproof.targets.twin.survey import Survey
from mailproof.trees import Tree

MAIN, MASTER, DOVECOT = "/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/dovecot/dovecot.conf"
PLACE = "/etc/mailproof/standin"
"""Where files lie that stand in for something that is no file."""
Content = tuple[bytes, int]


@dataclass(frozen=True, slots=True)
class StandIn:
    """``named`` is the user's own setting, ``place`` where it stands (``postfix/main.cf:12``). ``settings`` go into
    main.cf, ``overrides`` into rows of master.cf, ``text`` to the end of dovecot.conf; ``silenced`` blocks are made
    comments; ``commands`` run before the daemons start. ``unchecked``: what can then not be asked, and why."""

    subject: str
    named: str
    place: str
    instead: str
    settings: Settings = field(default_factory=dict)
    overrides: Mapping[str, Settings] = field(default_factory=dict)
    files: Mapping[str, Content] = field(default_factory=dict)
    text: str = ""
    silenced: tuple[dovecot.Block, ...] = ()
    commands: tuple[str, ...] = ()
    unchecked: Mapping[str, str] = field(default_factory=dict)

    @property
    def row(self) -> dict[str, str]:
        """What the record says of it."""
        return {"subject": self.subject, "named": self.named, "place": self.place, "instead": self.instead}


@dataclass(frozen=True)
class Site:
    """A user's tree on a release. ``main`` is what main.cf sets, with all ``$name`` expanded, ``overrides`` what
    master.cf does, as they are once the stand-ins so far are in place."""

    tree: Tree
    release: Release
    survey: Survey
    people: People
    dialects: Dialects
    password: str
    main: Settings
    overrides: Mapping[str, Settings]

    @classmethod
    def of(
        cls, tree: Tree, release: Release, survey: Survey, people: People, dialects: Dialects, password: str
    ) -> Site:
        """A site without any stand-in."""
        own = {f"/etc/{name}": content.decode("utf-8", "surrogateescape") for name, content in tree.files.items()}
        survey = replace(survey, texts={**survey.texts, **own})
        view = survey.readings.postfix
        named = {each.name for each in postfix.assignments(survey.texts.get(MAIN, ""))}
        main = {name: value for name, value in view.values.items() if name in named}
        return cls(tree, release, survey, people, dialects, password, main, view.overrides)

    def after(self, found: Iterable[StandIn]) -> Site:
        """The site with these stand-ins in place."""
        main, overrides = dict(self.main), {entry: dict(each) for entry, each in self.overrides.items()}
        for each in found:
            main |= each.settings
            for entry, settings in each.overrides.items():
                overrides.setdefault(entry, {}).update(settings)
        return replace(self, main=main, overrides=overrides)

    def assignments(self) -> Iterator[tuple[str, str, str]]:
        """Entry of master.cf ("" for main.cf), name and value of all that is set; names that only the owner uses are
        expanded wherever he does."""
        known = self.dialects.known(Daemon.POSTFIX, self.release.postfix)
        yield from (("", name, value) for name, value in self.main.items() if name in known)
        yield from ((entry, name, value) for entry, each in self.overrides.items() for name, value in each.items())

    def default(self, name: str) -> str:
        """What rules where no row of master.cf says otherwise; "" where the release has no such parameter."""
        return self.main.get(name, self.survey.readings.postfix.values.get(name, ""))

    def written(self, name: str) -> str:
        """The value as main.cf itself has it, "" where it says nothing."""
        return next((each.value for each in reversed(self._assignments) if each.name == name), "")

    def everywhere(self, name: str) -> dict[str, str]:
        """The value in main.cf under "", and those of the rows that override it."""
        rows = {entry: each[name] for entry, each in self.overrides.items() if name in each}
        return {"": self.default(name), **rows}

    def place(self, name: str, entry: str = "") -> str:
        """Where a Postfix setting stands: ``postfix/main.cf:12``, or that it is not set."""
        if entry:
            rows = [row for row in self._rows if row.entry == entry]
            lines = [each.line for row in rows for each in row.overrides if each.name == name]
            return f"{self.label(MASTER)}:{lines[-1] if lines else rows[-1].first}" if rows else self.label(MASTER)
        lines = [each.first for each in self._assignments if each.name == name]
        return f"{self.label(MAIN)}:{lines[-1]}" if lines else "not set"

    def label(self, path: str) -> str:
        """A file as its owner knows it."""
        below = path.removeprefix("/etc/")
        return below if below in self.tree.files else f"{path} (as packaged)"

    @cached_property
    def origins(self) -> tuple[dovecot.Origin, ...]:
        """Every line of Dovecot's files that sets something."""
        return dovecot.origins(self.survey.texts, DOVECOT)

    @cached_property
    def _assignments(self) -> tuple[postfix.Assignment, ...]:
        return postfix.assignments(self.survey.texts.get(MAIN, ""))

    @cached_property
    def _rows(self) -> tuple[postfix.Row, ...]:
        return postfix.rows(self.survey.texts.get(MASTER, ""))

    def has(self, path: str) -> bool:
        """Whether a file exists, in the tree or as packaged."""
        return path in self.survey.paths

    def known(self, *names: str) -> list[str]:
        """Those of Postfix's parameters that the release has."""
        return [name for name in names if name in self.survey.readings.postfix.values]
