"""A running target of ours: found ready, read back, and (when dressed) mutated and restored.

Every process of a run attaches to the same container by its published description. Before a control may ask it, a
specimen has proved: each service answers in its own protocol, each setting that it wears is what its daemon says that
it uses, and the address from which we probe is neither its own nor one that it trusts.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from shlex import quote
from time import monotonic
from typing import Any

from mailproof.dialect import Dialects
from mailproof.errors import DidNotStart, DidNotTake, Unread
from mailproof.model import Daemon, Mutation, Release, Security, Service, Step
from mailproof.profile import Profile
from mailproof.settings import Readings, features
from mailproof.targets import readback
from mailproof.targets.decisions import LOCAL, SENDERS
from mailproof.targets.dress import HOME, SAID, Dress, restart, script
from mailproof.targets.examination import Choice, Sight, check_restored, examine
from mailproof.targets.follower import LOG, Follower
from mailproof.targets.hosts import trusted_here
from mailproof.targets.inside import Inside, docker_inside
from mailproof.targets.lab import Started
from mailproof.targets.people import SERVER
from mailproof.targets.ready import LMTP_SOCKET, last_words, reach
from mailproof.targets.twin.twin import Twin, declared, silent
from mailproof.targets.wardrobe import STOCK_ACCOUNT, dress, outfit
from mailproof.wire.middlebox import Middlebox
from mailproof.wire.offers import ClientCertificate
from mailproof.wire.stream import SocketStream

SAY = {
    Daemon.POSTFIX: f"cat {SAID}/*.out; {{ postconf -n; postconf -M; postconf -P; }} 2>&1 >/dev/null; "
    "cat /run/mailproof-postfix.out",
    Daemon.DOVECOT: f"cat {SAID}/*.out; doveconf -n 2>&1 >/dev/null; cat /run/mailproof-dovecot.out",
}
"""What pasted commands, the tools and the start have against a daemon's configuration."""


@dataclass(slots=True)
class Specimen:
    """A started container and how to look at it: ``before`` as it was published, ``sight`` as it is now. ``mutation``
    is what it wears on top of its profile now, ``spent`` the seconds that all changes took."""

    key: str
    release: Release
    profile: Profile | None
    started: Started
    inside: Inside
    choice: Choice
    before: Sight
    sight: Sight
    mutation: Mutation | None = None
    failure: Exception | None = None
    tried: bool = False
    spent: float = 0.0
    looks: dict[Hashable, Any] = field(default_factory=dict, repr=False)
    twin: Twin | None = None
    _follower: Follower | None = field(default=None, repr=False)
    _boxes: dict[str, Middlebox] = field(default_factory=dict, repr=False)

    @classmethod
    def attach(cls, state: dict[str, Any], choice: Choice) -> Specimen:
        """A specimen as this process sees it, from what the controlling process published."""
        started = Started(**state["started"])
        release, profile = choice.keys[started.key]
        inside = docker_inside(started.container, started.key)
        twin = Twin(**state["twin"]) if "twin" in state else None
        sight = Sight.of(state["text"], refusable=twin is not None)
        return cls(started.key, release, profile, started, inside, choice, sight, sight, twin=twin)

    @property
    def readings(self) -> Readings:
        """What the daemons say of their settings now."""
        return self.sight.readings

    @property
    def services(self) -> tuple[Service, ...]:
        """What is declared, the daemons themselves first."""
        tree = self.choice.trees.get(self.key)
        refused = self.twin.refused if self.twin else self.readings.refused
        return declared(tree.daemons if tree else frozenset(Daemon), self.readings, refused)

    @property
    def name(self) -> str:
        """The name by which clients call it."""
        return self.twin.name if self.twin else SERVER

    @property
    def dialects(self) -> Dialects:
        """The words of every release."""
        return self.choice.dialects

    @property
    def authority(self) -> bytes:
        """The authorities that its clients trust: of an owner's certificate also those that everybody does."""
        return self.choice.people.authority + (trusted_here() if self.twin else b"")

    @property
    def refused(self) -> Mapping[str, Iterable[str]]:
        """Daemons that don't start with what they are given, and their words."""
        own = {daemon.value: words for daemon, words in self.readings.refused.items()}
        return self.twin.refused if self.twin else own

    def client(self, name: str) -> ClientCertificate:
        """What a client of the run presents; raises `CannotOffer` where there is none of that name."""
        return self.choice.people.client(name)

    @property
    def home(self) -> str:
        """A recipient who is at home on it."""
        return self.twin.recipient if self.twin else LOCAL

    @property
    def senders(self) -> Mapping[str, str]:
        """Kinds of senders, and an address of each."""
        return self.twin.senders if self.twin else SENDERS

    @property
    def lmtp(self) -> str:
        """The socket on which it speaks LMTP."""
        return self.twin.lmtp if self.twin else LMTP_SOCKET

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
            return reach(self.started, service, self.lmtp)
        if str(service) not in self._boxes:
            leaf = self.choice.people.server("rsa")
            behind = self.started.address(service.port)
            self._boxes[str(service)] = Middlebox(
                box, service.protocol, behind, leaf.cert_pem, leaf.key_pem, service.security
            )
        return partial(SocketStream.connect, *self._boxes[str(service)].address)

    def account(self) -> tuple[str, str]:
        """A user and a password with which a login must succeed; a user of its own each time where that is possible."""
        if self.twin:
            return self.twin.account, self.choice.password
        user = f"probe-{secrets.token_hex(6)}" if self.profile else STOCK_ACCOUNT
        return user, self.choice.password

    def wear(self, mutation: Mutation | None) -> None:
        """Dress in the profile and a mutation, or in the profile alone again; nothing happens where that is worn.

        Raises `DidNotStart`, `DidNotTake` or `DidNotRestore` when the daemons don't come up with it, don't use it, or
        are not what they were before: every time that it is asked for, since a specimen that wears something else must
        not be taken for it.
        """
        wanted = mutation.worn if mutation and mutation.worn != _NOTHING else None
        if wanted == self.mutation and not self.tried:
            if self.failure:
                raise self.failure
            return
        if wanted != self.mutation:
            self.looks.clear()
        begun = monotonic()
        try:
            self._change(wanted)
            self.failure = None
        except Exception as failure:  # whatever it was: nobody knows now what the specimen wears
            self.failure = failure
            raise
        finally:
            self.mutation, self.tried = wanted, False
            self.spent += monotonic() - begun

    def try_on(self, daemon: Daemon, steps: tuple[Step, ...]) -> str:
        """Let a daemon of a verbatim specimen wear only these steps, under the mutation that is worn; returns what the
        commands, the tools and the start said. Whether the daemon runs with them is for the caller to find out."""
        if self.profile is None or not self.profile.verbatim:
            raise DidNotTake(f"{self.key} pastes nothing: it has no lines to try")
        self.tried = True
        text = script(self._dress(self.mutation, steps))
        begun = self.inside.run(_begin(text, restart([daemon])))
        return begun.errors + self.inside.run(SAY[daemon]).text

    def _change(self, mutation: Mutation | None) -> None:
        self._remove_boxes()
        if self.profile is None:
            raise DidNotTake(f"{self.key} wears no profile: it cannot be mutated")
        unknown = self.failure or self.tried
        touched = frozenset(Daemon) if unknown else _restarts(mutation) | _restarts(self.mutation)
        if not touched:
            return
        worn = self._dress(mutation)
        self._restart(script(worn), touched, mutation or _NOTHING)
        refusable = bool(mutation and mutation.refused)
        self.sight = Sight.of(examine(self.started, self.inside, self._asked(touched, mutation)), refusable)
        if mutation is None:
            check_restored(self.before, self.sight)
            return
        if not (self.profile.verbatim or mutation.refused):
            readback.check(self._dress(None) if mutation.stale else worn, self.readings)
        self._take_away(mutation.absent)

    def _dress(self, mutation: Mutation | None, steps: tuple[Step, ...] | None = None) -> Dress:
        if self.profile is None:
            raise DidNotTake(f"{self.key} wears no profile")
        worn = outfit(self.profile, mutation, steps)
        return dress(worn, self.profile, self.release, self.choice.dialects, self.choice.password)

    def _asked(self, touched: frozenset[Daemon], mutation: Mutation | None) -> list[Service]:
        """The services that must answer again; under a mutation, those that begin in clear."""
        running = touched - {*mutation.down, *mutation.refused} if mutation else touched
        return [
            service
            for service in (self.profile.services if self.profile else ())
            if service.daemon in running and (mutation is None or service.security is not Security.IMPLICIT)
        ]

    def _take_away(self, paths: tuple[str, ...]) -> None:
        if paths and (done := self.inside.run(f"rm {' '.join(map(quote, paths))}")).status:
            raise DidNotTake(f"{self.key}: {last_words(done.errors)}")

    def silent(self, services: Iterable[Service]) -> Mapping[str, str]:
        """Those of its services that don't answer, by their ids, each with what its daemon says of it."""
        if self.twin:
            return {str(each): self.twin.silent[str(each)] for each in services if str(each) in self.twin.silent}
        reached = [each for each in services if each.port is None or str(each.port) in self.started.addresses]
        return silent(self.started, self.inside, reached, self.lmtp)

    def table_keys(self, table: str) -> list[str]:
        """The keys of a Postfix lookup table, whatever its type; raises `Unread` where it can't be listed."""
        done = self.inside.run(f"postmap -s {quote(table)}")
        if done.status:
            raise Unread(f"the keys of {table} cannot be listed: {last_words(done.errors)}")
        return [line.split()[0] for line in done.text.splitlines() if line.strip()]

    def complaints(self, daemon: Daemon) -> tuple[str, ...]:
        """What the configuration tools and a daemon's start said against its configuration, line by line."""
        view = self.readings.postfix if daemon is Daemon.POSTFIX else self.readings.dovecot
        tools = self.twin.complaints[daemon] if self.twin else view.complaints
        return (*tools, *self.sight.complaints(daemon))

    def close(self) -> None:
        """Stop looking; the container goes with its run."""
        self._remove_boxes()
        if self._follower is not None:
            self._follower.close()

    def _remove_boxes(self) -> None:
        while self._boxes:
            self._boxes.popitem()[1].close()

    def _restart(self, text: str, touched: frozenset[Daemon], mutation: Mutation) -> None:
        losing = bool(mutation.lost or (self.mutation and self.mutation.lost))
        steps = restart(touched, mutation.down, mutation.stale, losing, mutation.refused)
        if mutation.stale:
            steps = f"{steps} && {_written(script(self._dress(None)))} && {HOME}/dress"
        done = self.inside.run(_begin(text, steps))
        if done.status:
            tail = self.inside.run(f"cat /run/mailproof-*.out; tail -n 5 {LOG}")
            raise DidNotStart(f"{self.key} did not start again: {last_words(done.errors + tail.text)}")


_NOTHING = Mutation("")


def _begin(text: str, steps: str) -> str:
    return f"{_written(text)}; : >{LOG}; {steps}"


def _written(text: str) -> str:
    return f"printf %s {quote(text)} >{HOME}/dress"


def _restarts(mutation: Mutation | None) -> frozenset[Daemon]:
    return mutation.restarts if mutation else frozenset()
