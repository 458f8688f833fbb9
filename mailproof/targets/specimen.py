"""A running target of ours: found ready, read back, and (when dressed) mutated and restored.

Every process of a run attaches to the same container by its published description. Before a control may ask it, a
specimen has proved: each service answers in its own protocol, each setting that it wears is what its daemon says that
it uses, and the address from which we probe is neither its own nor one that it trusts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shlex import quote
from typing import Any, Protocol

from mailproof.dialect import Dialects
from mailproof.errors import (
    DidNotStart,
    DidNotTake,
    Unread,
)
from mailproof.logs import dovecot, postfix
from mailproof.model import Daemon, Mutation, Release, Security, Service, Step
from mailproof.profile import Profile
from mailproof.settings import READ_SCRIPT, Readings, dovecot_services, features, parse_readings, postfix_services
from mailproof.targets import readback
from mailproof.targets.dress import HOME, SAID, restart, script
from mailproof.targets.follower import LOG, Follower
from mailproof.targets.inside import Inside, docker_inside
from mailproof.targets.lab import Started, write_state
from mailproof.targets.people import People
from mailproof.targets.ready import await_ready, connect, last_words, trouble
from mailproof.targets.standing import check_standing
from mailproof.targets.wardrobe import STOCK_ACCOUNT, dress, outfit
from mailproof.wire.middlebox import Middlebox
from mailproof.wire.stream import SocketStream

_LOG_MARK = "mailproof-log-follows"
SAY = {
    Daemon.POSTFIX: f"cat {SAID}/*.out; {{ postconf -n; postconf -M; postconf -P; }} 2>&1 >/dev/null; "
    "cat /run/mailproof-postfix.out",
    Daemon.DOVECOT: f"cat {SAID}/*.out; doveconf -n 2>&1 >/dev/null; cat /run/mailproof-dovecot.out",
}
"""What pasted commands, the tools and the start have against a daemon's configuration."""
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


@dataclass(slots=True)
class Specimen:
    """A started container and how to look at it. ``mutation`` is what it wears on top of its profile now."""

    key: str
    release: Release
    profile: Profile | None
    started: Started
    inside: Inside
    choice: Choice
    readings: Readings
    complaints: tuple[str, ...]
    mutation: Mutation | None = None
    failure: Exception | None = None
    tried: bool = False
    looks: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    _follower: Follower | None = field(default=None, repr=False)
    _boxes: dict[str, Middlebox] = field(default_factory=dict, repr=False)

    @classmethod
    def attach(cls, state: dict[str, Any], choice: Choice) -> Specimen:
        """A specimen as this process sees it, from what the controlling process published."""
        started = Started(**state["started"])
        release, profile = choice.keys[started.key]
        inside = docker_inside(started.container, started.key)
        return cls(started.key, release, profile, started, inside, choice, *_reading(state["text"]))

    @property
    def services(self) -> tuple[Service, ...]:
        """What is declared, the daemons themselves first."""
        return (*postfix_services(self.readings.postfix), *dovecot_services(self.readings.dovecot))

    @property
    def features(self) -> frozenset[str]:
        """What the configuration uses that some controls need."""
        return features(self.readings.postfix)

    @property
    def follower(self) -> Follower:
        """The log, followed from the first time that it is asked for."""
        if self._follower is None:
            self._follower = Follower(self.started.container)
        return self._follower

    def connect(self, service: Service) -> Callable[[float], SocketStream]:
        """How a client reaches a service: by the middlebox in front of its port where a mutation puts one."""
        box = self.mutation.middlebox if self.mutation else ""
        if not box or service.port is None or service.protocol is None:
            return connect(self.started, service)
        if str(service) not in self._boxes:
            leaf = next(iter(self.choice.people.servers.values()))
            behind = self.started.address(service.port)
            self._boxes[str(service)] = Middlebox(box, service.protocol, behind, leaf.cert_pem, leaf.key_pem)
        return partial(SocketStream.connect, *self._boxes[str(service)].address)

    def account(self) -> tuple[str, str]:
        """A user and a password with which a login must succeed; a user of its own each time where that is possible."""
        user = f"probe-{secrets.token_hex(6)}" if self.profile else STOCK_ACCOUNT
        return user, self.choice.password

    def wear(self, mutation: Mutation | None) -> None:
        """Dress in the profile and a mutation, or in the profile alone again; nothing happens where that is worn.

        Raises `DidNotStart` or `DidNotTake` when the daemons don't come up with it or don't use it: every time that it
        is asked for, since a specimen that wears something else must not be taken for it.
        """
        if mutation == self.mutation and not self.tried:
            if self.failure:
                raise self.failure
            return
        if mutation != self.mutation:
            self.looks.clear()
        try:
            self._change(mutation)
            self.failure = None
        except Exception as failure:  # whatever it was: nobody knows now what the specimen wears
            self.failure = failure
            raise
        finally:
            self.mutation, self.tried = mutation, False

    def try_on(self, daemon: Daemon, steps: tuple[Step, ...]) -> str:
        """Let a daemon of a verbatim specimen wear only these steps, under the mutation that is worn; returns what the
        commands, the tools and the start said. Whether the daemon runs with them is for the caller to find out."""
        if self.profile is None or not self.profile.verbatim:
            raise DidNotTake(f"{self.key} pastes nothing: it has no lines to try")
        self.tried = True
        worn = dress(
            outfit(self.profile, self.mutation, steps), self.profile, self.release, self.choice.dialects,
            self.choice.password,
        )  # fmt: skip
        begun = self.inside.run(_begin(script(worn), frozenset({daemon})))
        return begun.errors + self.inside.run(SAY[daemon]).text

    def _change(self, mutation: Mutation | None) -> None:
        self._remove_boxes()
        if self.profile is None:
            raise DidNotTake(f"{self.key} wears no profile: it cannot be mutated")
        touched = frozenset(Daemon) if self.failure or self.tried else _daemons(mutation) | _daemons(self.mutation)
        worn = dress(
            outfit(self.profile, mutation), self.profile, self.release, self.choice.dialects, self.choice.password
        )
        self._restart(script(worn), touched)
        asked = [
            service
            for service in self.profile.services
            if mutation is None or service.security is not Security.IMPLICIT
        ]
        self.readings, self.complaints = _reading(examine(self.started, self.inside, asked))
        if self.profile.verbatim:
            return
        readback.check(worn, self.readings)
        if mutation is None:
            readback.check_services(self.profile.services, self.readings)

    def table_keys(self, table: str) -> list[str]:
        """The keys of a Postfix lookup table, whatever its type; raises `Unread` where it can't be listed."""
        done = self.inside.run(f"postmap -s {quote(table)}")
        if done.status:
            raise Unread(f"the keys of {table} cannot be listed: {last_words(done.errors)}")
        return [line.split()[0] for line in done.text.splitlines() if line.strip()]

    def warnings(self, daemon: Daemon) -> tuple[str, ...]:
        """What a daemon's start said against its configuration, in the words of the log."""
        return tuple(_complaints(self.complaints, daemon))

    def close(self) -> None:
        """Stop looking; the container goes with its run."""
        self._remove_boxes()
        if self._follower is not None:
            self._follower.close()

    def _remove_boxes(self) -> None:
        while self._boxes:
            self._boxes.popitem()[1].close()

    def _restart(self, text: str, touched: frozenset[Daemon]) -> None:
        done = self.inside.run(_begin(text, touched))
        if done.status:
            tail = self.inside.run(f"cat /run/mailproof-*.out; tail -n 5 {LOG}")
            raise DidNotStart(f"{self.key} did not start again: {last_words(done.errors + tail.text)}")


def _begin(text: str, touched: frozenset[Daemon]) -> str:
    steps = restart(Daemon.POSTFIX in touched, Daemon.DOVECOT in touched)
    return f"printf %s {quote(text)} >{HOME}/dress; : >{LOG}; {steps}"


def _daemons(mutation: Mutation | None) -> frozenset[Daemon]:
    return mutation.daemons if mutation else frozenset()


def publish(directory: Path, started: Started, choice: Choice, prepare: Callable[[Started], None]) -> str:
    """Examine a started container, prepare it for what it is asked, and describe it to all processes of the run;
    returns a line that says how it went."""
    text, software = "", dict[str, Any]()

    def examination() -> None:
        nonlocal text, software
        text, software = _examined(started, choice)
        prepare(started)

    problem = started.problem or trouble(examination)
    described = Started(**{**_fields(started), "problem": problem})
    write_state(directory, described, {"text": text, "software": software})
    return f"{started.key}: {problem}" if problem else f"{started.key}: {_named(software['versions'])}"


def examine(started: Started, inside: Inside, services: Iterable[Service]) -> str:
    """Wait until every service answers, then read settings, software and log in one go."""
    await_ready(started, inside, services)
    done = inside.run(f"{READ_SCRIPT}\nprintf '%s\\n' {_LOG_MARK}; cat {LOG}")
    return done.text


def _examined(started: Started, choice: Choice) -> tuple[str, dict[str, Any]]:
    release, profile = choice.keys[started.key]
    inside = docker_inside(started.container, started.key)
    text = examine(started, inside, profile.services if profile else ())
    readings, _ = _reading(text)
    if profile is None:
        await_ready(started, inside, (*postfix_services(readings.postfix), *dovecot_services(readings.dovecot)))
        text = examine(started, inside, ())
    elif not profile.verbatim:
        readback.check(dress(outfit(profile), profile, release, choice.dialects, choice.password), readings)
        readback.check_services(profile.services, readings)
    check_standing(text.rpartition(_LOG_MARK)[2].splitlines(), started.own_address, readings)
    return text, {"versions": _versions(readings), "packages": dict(readings.packages)}


def _reading(text: str) -> tuple[Readings, tuple[str, ...]]:
    settings, _, log = text.rpartition(f"{_LOG_MARK}\n")
    return parse_readings(settings), tuple(log.splitlines())


def _complaints(lines: Iterable[str], daemon: Daemon) -> Iterator[str]:
    """Complaints since the daemon last said that it starts: what its predecessor said at its end is not ours."""
    said = list(lines)
    start = max((place for place, line in enumerate(said) if _STARTED[daemon] in line), default=0)
    for line in said[start:]:
        if daemon is Daemon.POSTFIX and isinstance(record := postfix.parse(line), postfix.Complaint):
            yield f"{record.process.daemon}: {record.level}: {record.text}"
        if daemon is Daemon.DOVECOT and isinstance(found := dovecot.parse(line), dovecot.Complaint):
            yield f"{found.service}: {found.level}: {found.text}"


def _versions(readings: Readings) -> dict[str, str]:
    return {
        "postfix": readings.postfix.version, "dovecot": readings.dovecot.version,
        "openssl (postfix)": readings.postfix.library, "openssl (dovecot)": readings.dovecot.library,
    }  # fmt: skip


def _named(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _fields(started: Started) -> dict[str, Any]:
    return {name: getattr(started, name) for name in Started.__slots__}
