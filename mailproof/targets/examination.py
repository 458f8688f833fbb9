"""What is seen of a started container: its services answer, its settings, its files, and what its daemons said.

Examined when it has started and after every change of what it wears, always in the same way: so two sights of it can be
compared, and a restored specimen is known for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from mailproof.dialect import Dialects
from mailproof.errors import DidNotRestore
from mailproof.logs import dovecot, postfix
from mailproof.model import Daemon, Release, Service
from mailproof.profile import Profile
from mailproof.settings import READ_SCRIPT, Readings, dovecot_services, parse_readings, postfix_services
from mailproof.targets import readback
from mailproof.targets.dress import HOME, LOSSES, OPENSSL
from mailproof.targets.follower import LOG
from mailproof.targets.inside import Inside, docker_inside
from mailproof.targets.lab import Started, write_state
from mailproof.targets.people import People
from mailproof.targets.ready import await_ready, trouble
from mailproof.targets.standing import check_standing
from mailproof.targets.wardrobe import dress, outfit
from mailproof.trees import Tree

_LOG_MARK = "mailproof-log-follows"
# postconf -e writes several settings in whatever order they come to lie in its table: what counts is each line. A
# compiled table has other bytes each time that it is made; the text that it is made from is among the files.
_FILES = f"""find /etc/postfix /etc/dovecot {OPENSSL} {LOSSES} {HOME}/files -type f \\
  ! -path /etc/postfix/main.cf ! -name '*.db' -exec sha256sum {{}} + 2>/dev/null | sort
sort /etc/postfix/main.cf | sha256sum | sed 's:-:/etc/postfix/main.cf:'"""
_STARTED = {Daemon.POSTFIX: "daemon started -- version", Daemon.DOVECOT: "starting up for"}


class Choice(Protocol):
    """The part of a selection that a specimen needs."""

    @property
    def people(self) -> People: ...
    @property
    def dialects(self) -> Dialects: ...
    @property
    def password(self) -> str: ...
    @property
    def keys(self) -> dict[str, tuple[Release, Profile | None]]: ...
    @property
    def trees(self) -> Mapping[str, Tree]: ...


@dataclass(frozen=True, slots=True)
class Sight:
    """A container as it was at one time: ``files`` are the digests of all that a mutation may touch, ``log`` its lines
    until then."""

    readings: Readings
    files: tuple[str, ...]
    log: tuple[str, ...]

    @classmethod
    def of(cls, text: str, refusable: bool = False) -> Sight:
        """What `examine` saw; ``refusable`` and raises as `parse_readings`."""
        seen, _, log = text.rpartition(f"{_LOG_MARK}\n")
        files, _, _ = seen.partition("mailproof reading ")
        return cls(parse_readings(seen, refusable), tuple(files.splitlines()), tuple(log.splitlines()))

    def complaints(self, daemon: Daemon) -> tuple[str, ...]:
        """What a daemon's start said against its configuration, in the words of the log."""
        return tuple(_complaints(self.log, daemon))


def examine(started: Started, inside: Inside, services: Iterable[Service]) -> str:
    """Wait until every service answers, then look."""
    await_ready(started, inside, services)
    return look(inside)


def look(inside: Inside) -> str:
    """Files, settings, software and log, read in one go: the text of a `Sight`."""
    return inside.run(f"{_FILES}\n{READ_SCRIPT}\nprintf '%s\\n' {_LOG_MARK}; cat {LOG}").text


def check_restored(before: Sight, after: Sight) -> None:
    """Raises `DidNotRestore` naming the first file, or the daemon, that is not what it was before it was changed."""
    for line in sorted({*before.files} ^ {*after.files}):
        raise DidNotRestore(f"{line.partition('  ')[2]} is not what it was before the mutation")
    if _steady(before.readings) != _steady(after.readings):
        raise DidNotRestore("the daemons say other settings than before the mutation, from the same files")


def publish(directory: Path, started: Started, choice: Choice, prepare: Callable[[Started], None]) -> str:
    """Examine a started container, prepare it for what it is asked, and describe it to all processes of the run;
    returns a line that says how it went."""
    text, found = "", dict[str, Any]()

    def examination() -> None:
        nonlocal text, found
        text, found = _examined(started, choice)
        prepare(started)

    problem = started.problem or trouble(examination)
    return described(directory, started, problem, {"text": text, "software": found})


def described(directory: Path, started: Started, problem: str, seen: Mapping[str, Any]) -> str:
    """Describe a container to all processes of the run; returns a line that says how it went."""
    write_state(directory, Started(**{**_fields(started), "problem": problem}), seen)
    return f"{started.key}: {problem or _named(seen['software']['versions'])}"


def software(readings: Readings) -> dict[str, Any]:
    """What runs on a target, as the record says it."""
    return {"versions": _versions(readings), "packages": dict(readings.packages)}


def _examined(started: Started, choice: Choice) -> tuple[str, dict[str, Any]]:
    release, profile = choice.keys[started.key]
    inside = docker_inside(started.container, started.key)
    text = examine(started, inside, profile.services if profile else ())
    readings = Sight.of(text).readings
    if profile is None:
        await_ready(started, inside, (*postfix_services(readings.postfix), *dovecot_services(readings.dovecot)))
        text = examine(started, inside, ())
    elif not profile.verbatim:
        readback.check(dress(outfit(profile), profile, release, choice.dialects, choice.password), readings)
        readback.check_services(profile.services, readings)
    check_standing(Sight.of(text).log, started.own_address, readings)
    return text, software(readings)


def _complaints(lines: Iterable[str], daemon: Daemon) -> Iterator[str]:
    """Complaints since the daemon last said that it starts: what its predecessor said at its end is not ours."""
    said = list(lines)
    start = max((place for place, line in enumerate(said) if _STARTED[daemon] in line), default=0)
    for line in said[start:]:
        if daemon is Daemon.POSTFIX and isinstance(record := postfix.parse(line), postfix.Complaint):
            yield f"{record.process.daemon}: {record.level}: {record.text}"
        if daemon is Daemon.DOVECOT and isinstance(found := dovecot.parse(line), dovecot.Complaint):
            yield f"{found.service}: {found.level}: {found.text}"


def _steady(readings: Readings) -> Readings:
    """What is read, but for what is new each time: postconf's own process id, and complaints in the order, and by the
    lines, of a main.cf that was written anew."""
    values = {name: value for name, value in readings.postfix.values.items() if name != "process_id"}
    return replace(readings, postfix=replace(readings.postfix, values=values, complaints=()))


def _versions(readings: Readings) -> dict[str, str]:
    found = {
        "postfix": readings.postfix.version, "dovecot": readings.dovecot.version,
        "openssl (postfix)": readings.postfix.library, "openssl (dovecot)": readings.dovecot.library,
    }  # fmt: skip
    return {name: version for name, version in found.items() if version}


def _named(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _fields(started: Started) -> dict[str, Any]:
    return {name: getattr(started, name) for name in Started.__slots__}
