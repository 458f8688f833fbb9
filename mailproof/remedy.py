"""What decides a control on a user's own configuration: at which line, and what to write there instead. Pure.

The settings that decide are those that the control's own mutations break; right there is what the profile wears.
So a remedy is never more than a proposal that a server can be tried with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import unified_diff

from mailproof.dialect import Dialects
from mailproof.errors import Ambiguous, NoTranslation, UnknownSetting, nearest
from mailproof.model import Control, Daemon, Service, Settings
from mailproof.origins import dovecot, postfix
from mailproof.profile import Profile
from mailproof.settings import Readings
from mailproof.tlswords import allowed_versions

MAIN, MASTER, DOVECOT = "/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/dovecot/dovecot.conf"


@dataclass(frozen=True, slots=True)
class Own:
    """A user's own files on one release. ``texts`` by absolute path, ``tree`` the paths below /etc that are the user's;
    the packages brought the others."""

    release: str
    texts: Mapping[str, str]
    tree: frozenset[str]
    readings: Readings
    dialects: Dialects

    def label(self, path: str) -> str:
        """A file as its owner knows it."""
        below = path.removeprefix("/etc/")
        return below if below in self.tree else f"{path} (as packaged)"


@dataclass(frozen=True, slots=True)
class Change:
    """One setting to write: native name and value; ``entry`` is the row of master.cf, "" in main.cf and for Dovecot."""

    daemon: Daemon
    name: str
    value: str
    entry: str = ""

    @property
    def command(self) -> str:
        """How it is done by hand."""
        if self.daemon is Daemon.DOVECOT:
            return f"{self.name} = {self.value}"
        if self.entry:
            return f"postconf -P '{self.entry}/{self.name}={self.value}'"
        return f"postconf -e '{self.name} = {self.value}'"


def deciding(control: Control, daemon: Daemon) -> tuple[str, ...]:
    """The settings of a daemon that the control's mutations break, in the newest release's words; none of a control
    that reads what the daemon says of its configuration: there its words say which line it is."""
    if control.stopped or any(each.pasted for each in control.mutations):
        return ()
    broken = [*(each.postfix for each in control.mutations),
              *(settings for each in control.mutations for settings in each.services.values())]  # fmt: skip
    if daemon is Daemon.DOVECOT:
        broken = [each.dovecot for each in control.mutations]
    return tuple(dict.fromkeys(name for settings in broken for name in settings))


def natives(own: Own, service: Service, names: Iterable[str]) -> list[str]:
    """What the release calls the settings, as far as it has them."""
    found = []
    for name in names:
        with suppress(NoTranslation):
            found.append(own.dialects.for_version(service.daemon, _version(own, service)).native_name(name))
    return found


def lines(own: Own, service: Service, natives: Iterable[str]) -> list[str]:
    """Where each setting stands that decides at a service: file, line and value, or that the default rules."""
    return [found for name in natives if (found := _line(own, service, name))]


def changes(own: Own, service: Service, names: Iterable[str], profile: Profile) -> list[Change]:
    """What to write so that the settings are the profile's; nothing for those that are, or of which it says nothing."""
    return [change for name in names if (change := _change(own, service, name, profile))]


def applied(texts: Mapping[str, str], wanted: Iterable[Change | Strike]) -> dict[str, str]:
    """The files with all changes made, each in the line that decides; no other line moves."""
    found = dict(texts)
    for change in dict.fromkeys(wanted):
        if isinstance(change, Strike):
            found[change.path] = _struck(found[change.path], change)
        elif change.daemon is Daemon.DOVECOT:
            path = _file(found, change.name)
            found[path] = dovecot.assigned(found[path], {change.name: change.value})
        elif change.entry:
            found[MASTER] = postfix.overridden(found[MASTER], change.entry, {change.name: change.value})
        else:
            found[MAIN] = postfix.assigned(found[MAIN], {change.name: change.value})
    return found


def patch(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """What turns one set of files into the other, for ``patch -p1`` in the directory that holds them (below /etc)."""
    parts = list[str]()
    for path in sorted(after):
        old, new = before.get(path, ""), after[path]
        if old != new:
            below = path.removeprefix("/etc/")
            parts += unified_diff(_terminated(old), _terminated(new), f"a/{below}", f"b/{below}")
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Strike:
    """A line of main.cf or master.cf that says nothing or too much, with those that go on with it: made a comment."""

    path: str
    first: int
    last: int
    said: str

    @property
    def command(self) -> str:
        """How it is done by hand."""
        return f"take line {self.first} out of {self.path.removeprefix('/etc/')}: {self.said}"


_QUOTED = re.compile(r"(/etc/(?:postfix|dovecot)/[\w./-]+)(?: |, )line (\d+)")
_ASSIGNED = re.compile(r"(?:^|[:;] )([a-z]\w+) = ", re.MULTILINE)
_WORD = re.compile(
    r'unknown smtpd restriction: "([^"]+)"|support for restriction "([^"]+)"|unsupported dictionary type: (\w+)'
)


def quoted(own: Own, words: str) -> list[str]:
    """The lines that a daemon's words are about: those whose number it names, and those that hold the word or set the
    parameter that it stumbles over."""
    numbered = [(path, int(number)) for path, number in _QUOTED.findall(words)]
    terms = [next(filter(None, found)) for found in _WORD.findall(words)]
    names = set(_ASSIGNED.findall(words))
    found = [*numbered, *_holding(own, names, terms)]
    return list(dict.fromkeys(_shown(own, *each) for each in found if each[0] in own.texts))


def _holding(own: Own, names: set[str], terms: list[str]) -> Iterator[tuple[str, int]]:
    for each in postfix.assignments(own.texts.get(MAIN, "")):
        held = [term for term in terms if term in each.value]
        if each.name in names or held:
            yield MAIN, _line_with(own.texts[MAIN], each.first, each.last, held)
    for row in postfix.rows(own.texts.get(MASTER, "")):
        for over in row.overrides:
            if over.name in names or any(term in over.value for term in terms):
                yield MASTER, over.line
    for origin in dovecot.origins(own.texts, DOVECOT):
        if origin.name in names:
            yield origin.file, origin.line


def _line_with(text: str, first: int, last: int, terms: list[str]) -> int:
    """The line of an assignment on which one of the terms stands, its first where none does."""
    rows = text.splitlines()[first - 1 : last]
    return next((first + place for place, row in enumerate(rows) if any(term in row for term in terms)), first)


def _shown(own: Own, path: str, number: int) -> str:
    rows = own.texts[path].splitlines()
    text = rows[number - 1].strip() if 0 < number <= len(rows) else ""
    return f"{own.label(path)}:{number}: {text}"


_UNUSED = re.compile(r"unused parameter: ([^\s=]+)=")
_DEPRECATED = re.compile(r'support for parameter "([^"]+)" will be removed')
_TWICE = re.compile(r"overriding earlier entry: ([^\s=]+)=")


def complained(own: Own, words: str) -> tuple[list[str], list[Change | Strike]]:
    """The lines that Postfix's tools complain of, and what mends them: a name that is nearly a known one is that one,
    any other line goes."""
    places, wanted = list[str](), list[Change | Strike]()
    for pattern in (_UNUSED, _DEPRECATED, _TWICE):
        for name in dict.fromkeys(pattern.findall(words)):
            found = [each for each in postfix.assignments(own.texts.get(MAIN, "")) if each.name == name]
            bad = found[:-1] if pattern is _TWICE else found
            places += [f"{own.label(MAIN)}:{each.first}: {name} = {each.value}" for each in bad]
            wanted += [Strike(MAIN, each.first, each.last, f"{name} = {each.value}") for each in bad]
            meant = nearest(name, own.readings.postfix.values) if pattern is _UNUSED else None
            wanted += [Change(Daemon.POSTFIX, meant, each.value) for each in bad[-1:] if meant]
    return places, wanted


def _struck(text: str, strike: Strike) -> str:
    rows = text.splitlines(keepends=True)
    for number in range(strike.first - 1, strike.last):
        rows[number] = f"#{rows[number]}"
    return "".join(rows)


def _terminated(text: str) -> list[str]:
    return [line if line.endswith("\n") else f"{line}\n" for line in text.splitlines(keepends=True)]


def _line(own: Own, service: Service, native: str) -> str:
    try:
        value = _effective(own, service, native)
    except (UnknownSetting, Ambiguous):
        return ""
    here = _dovecot_place if service.daemon is Daemon.DOVECOT else _postfix_place
    place = here(own, service.entry, native)
    return f"{place}: {native} = {value}" if place else f"{native} is not set: {own.release} has «{value}» by default"


def _postfix_place(own: Own, entry: str, name: str) -> str:
    rows = [row for row in postfix.rows(own.texts.get(MASTER, "")) if row.entry == entry]
    overriding = [each.line for row in rows for each in row.overrides if each.name == name]
    if overriding:
        return f"{own.label(MASTER)}:{overriding[-1]}"
    found = [each.first for each in postfix.assignments(own.texts.get(MAIN, "")) if each.name == name]
    return f"{own.label(MAIN)}:{found[-1]}" if found else ""


def _dovecot_place(own: Own, protocol: str, name: str) -> str:
    found = dovecot.deciding(dovecot.origins(own.texts, DOVECOT), protocol, name)
    return f"{own.label(found.file)}:{found.line}" if found else ""


def _change(own: Own, service: Service, name: str, profile: Profile) -> Change | None:
    wanted = _wanted(service, name, profile)
    if wanted is None:
        return None
    value, apart = wanted
    dialect = own.dialects.for_version(service.daemon, _version(own, service))
    try:
        [(native, right)] = dialect.to_native({name: value}).items()
        now = _effective(own, service, native)
        if _same(name, dialect.to_newest({native: now})[name], dialect.to_newest({native: right})[name]):
            return None
    except (NoTranslation, UnknownSetting, Ambiguous):
        return None
    own_row = any(each.name == native for row in postfix.rows(own.texts.get(MASTER, "")) if row.entry == service.entry
                  for each in row.overrides)  # fmt: skip
    entry = service.entry if service.daemon is Daemon.POSTFIX and (own_row or apart) else ""
    return Change(service.daemon, native, right, entry)


def _same(name: str, now: str, right: str) -> bool:
    """Whether two values mean the same: protocol lists by the versions that they leave, others as sets of words."""
    if name.endswith("_protocols"):
        return allowed_versions(now) == allowed_versions(right)
    return set(now.replace(",", " ").split()) == set(right.replace(",", " ").split())


def _wanted(service: Service, name: str, profile: Profile) -> tuple[str, bool] | None:
    """What the profile has there, and whether it has it for this service alone."""
    if service.daemon is Daemon.DOVECOT:
        return (profile.dovecot[name], False) if name in profile.dovecot else None
    for one, settings in _alike(service, profile):
        if name in settings:
            return settings[name], bool(service.entry) and str(one) != "postfix"
    return (profile.postfix[name], False) if name in profile.postfix else None


def _alike(service: Service, profile: Profile) -> Iterator[tuple[Service, Settings]]:
    """What the profile overrides at this service, or at one that is for the same."""
    same = [each for each in profile.services if str(each) == str(service)]
    like = [each for each in profile.services if each.role is service.role and each.security is service.security]
    for each in same or like[:1]:
        yield each, profile.overrides.get(str(each), {})


def _effective(own: Own, service: Service, native: str) -> str:
    view = own.readings.postfix if service.daemon is Daemon.POSTFIX else own.readings.dovecot
    return view.effective(service.entry, native)


def _version(own: Own, service: Service) -> str:
    return (own.readings.postfix if service.daemon is Daemon.POSTFIX else own.readings.dovecot).version


def _file(texts: Mapping[str, str], name: str) -> str:
    """The file in which a Dovecot setting is decided, the main one where none says it."""
    found = dovecot.deciding(dovecot.origins(texts, DOVECOT), "", name)
    return found.file if found else DOVECOT
