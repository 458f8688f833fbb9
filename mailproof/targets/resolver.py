"""A validating resolver of the lab: a container that serves the zones it is given, and who asks it. Judges nothing.

It is started only where something asks for it. Its answers are DNSSEC's own: unbound(8) validates them from a root that
was signed in the container, and says so by the AD bit (RFC 4035 §3.2.3), or by SERVFAIL where a zone is bogus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from mailproof.errors import DidNotStart, Unreachable, Unread
from mailproof.model import Release
from mailproof.targets.inside import Inside, docker_inside
from mailproof.targets.lab import Started, Wanted, write_state
from mailproof.targets.names import hashed, hashing, served, zones
from mailproof.targets.ready import last_words, trouble
from mailproof.targets.receiver import Receiver
from mailproof.targets.zone import HOME, INSECURE, SECURE, Answer, Zone, expected, script

RESOLVER = "resolver"
"""The key of the container among those of the run."""
_PATIENCE = 5  # seconds: it asks nobody else, so it knows at once
_STOP = "kill $(pidof unbound) 2>/dev/null || true; while pidof unbound >/dev/null; do sleep 0.02; done"
_START = "unbound -c /etc/unbound/unbound.conf >/run/unbound.out 2>&1"  # returns once it listens
_STATUS, _FLAGS = re.compile(r"rcode: (\w+)"), re.compile(r"^;; flags: ([a-z ]*);", re.MULTILINE)
_CHROOT = "/var/spool/postfix/etc"


@dataclass(frozen=True, slots=True)
class Resolver:
    """The running container."""

    started: Started
    inside: Inside

    @classmethod
    def attach(cls, state: Mapping[str, Any]) -> Resolver:
        """By what the controlling process published."""
        started = Started(**state["started"])
        return cls(started, docker_inside(started.container, RESOLVER))

    @property
    def address(self) -> str:
        """Where it is asked."""
        return self.started.own_address

    def serve(self, zones: Sequence[Zone]) -> None:
        """Sign the zones and answer for them, and for nothing else, in place of those that it served before. Raises
        `DidNotStart`, also where a zone is not secure, insecure or bogus as its state says."""
        self._do(script(zones), "the zones cannot be signed")
        self.validate(True)
        for zone in zones:
            for question, right in expected(zone).items():
                self._prove(question, right)

    def validate(self, validating: bool) -> None:
        """Validate the zones that it serves, or answer without looking at their signatures; raises `DidNotStart`."""
        modules = "validator iterator" if validating else "iterator"
        lines = f'module-config: "{modules}"\\ntrust-anchor-file: {HOME}/root.anchor\\n'
        self._do(f"printf '{lines}' >{HOME}/server.conf; {_STOP}; {_START}", "the resolver does not answer")
        self._prove((".", "NS"), SECURE if validating else INSECURE)

    def ask(self, name: str, kind: str) -> Answer:
        """Its answer to a client that asks for DNSSEC (drill(1)); raises `Unread` where it gives none."""
        said = self.inside.run(f"timeout {_PATIENCE} drill -D {quote(name)} {kind} @{self.address}").text
        status, flags = _STATUS.search(said), _FLAGS.search(said)
        if not status or not flags:
            raise Unread(f"the resolver did not answer what {name} {kind} is: {last_words(said)}")
        return Answer(status[1], "ad" in flags[1].split())

    def _prove(self, question: tuple[str, str], right: Answer) -> None:
        found = self.ask(*question)
        if found != right:
            raise DidNotStart(f"the resolver answers {' '.join(question)} with {found} where it must with {right}")

    def _do(self, command: str, otherwise: str) -> None:
        done = self.inside.run(command)
        if done.status:
            said = self.inside.run("cat /run/unbound.out 2>/dev/null").text
            raise DidNotStart(f"{otherwise}: {last_words(done.text + done.errors + said)}")


def wanted_resolver(release: Release) -> Wanted:
    """The container to start, made of a release's packages."""
    own = replace(release, name=RESOLVER, title=f"the resolver, of {release.title}", recipe="resolver/Dockerfile")
    return Wanted(RESOLVER, own, {}, ())


def publish_resolver(directory: Path, started: Started, receiver: Callable[[], Receiver]) -> str:
    """Have the started container answer for the names that lead to the receiver, and describe it to all processes of
    the run; returns a line that says how it went."""
    state = {"started": asdict(started)}
    problem = started.problem or trouble(lambda: _serve(Resolver.attach(state), receiver().started))
    write_state(directory, replace(started, problem=problem), {})
    return f"{RESOLVER}: {problem}" if problem else f"{RESOLVER}: serves {', '.join(served())}"


def let_ask(target: Inside, address: str) -> None:
    """Have a target ask the resolver at an address (resolv.conf(5)), in Postfix's chroot as well. Daemons that run
    already go on asking whom they asked. Raises `Unreachable` where that cannot be arranged."""
    copied = f"[ ! -d {_CHROOT} ] || cp /etc/resolv.conf {_CHROOT}/resolv.conf"
    done = target.run(f"echo 'nameserver {address}' >/etc/resolv.conf && {{ {copied}; }}")
    if done.status:
        raise Unreachable(f"{target.name} cannot be made to ask another resolver: {last_words(done.errors)}")


def _serve(resolver: Resolver, destinations: Started) -> None:
    done = docker_inside(destinations.container, destinations.key).run(hashing())
    if done.status:
        raise DidNotStart(f"the destinations' certificates cannot be read: {last_words(done.errors)}")
    resolver.serve(zones(destinations.own_address, hashed(done.text)))
