"""The container in which all destinations are: started once for a run, and only where a profile asks how mail goes out.

Before anybody may send to it, each destination that exists to be refused has proved that it agrees with a sender who is
less careful. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mailproof.dialect import Dialects
from mailproof.errors import DidNotStart
from mailproof.model import Daemon, Release
from mailproof.pki import Authority, Flaw
from mailproof.targets.destinations import Destination, certificates, common, destinations, hosts
from mailproof.targets.dress import HOME, Dress, script
from mailproof.targets.follower import Follower
from mailproof.targets.inside import docker_inside
from mailproof.targets.lab import Files, Started, Wanted, write_state
from mailproof.targets.ready import last_words, trouble
from mailproof.targets.wardrobe import dh_parameters

KEY = "destinations"
"""The container's key among those of the run."""
DEADLINE = 30.0
"""Seconds that it may take from its start until it listens."""
_LISTENS = "daemon started -- version"
_AGREES = """agrees() {
  name=$1; port=$2; shift 2
  openssl s_client -starttls smtp -connect 127.0.0.1:$port "$@" </dev/null >/tmp/said 2>&1 && return
  echo $name; cat /tmp/said; exit 1
}"""


@dataclass(slots=True)
class Receiver:
    """The running container, as one process of the run sees it."""

    started: Started
    _follower: Follower | None = field(default=None, repr=False)

    @classmethod
    def attach(cls, state: Mapping[str, Any]) -> Receiver:
        """By what the controlling process published."""
        return cls(Started(**state["started"]))

    @property
    def follower(self) -> Follower:
        """Its log, followed from the first time that it is asked for."""
        if self._follower is None:
            self._follower = Follower(self.started.container)
        return self._follower

    @property
    def hosts(self) -> str:
        """What a sender's hosts file must say."""
        return hosts(self.started.own_address)

    def close(self) -> None:
        """Stop looking; the container goes with its run."""
        if self._follower is not None:
            self._follower.close()


def wanted_receiver(release: Release, authority: Authority, dialects: Dialects) -> Wanted:
    """The container to start. ``authority`` is the CA that senders trust."""
    return Wanted(KEY, release, _files(release, authority, dialects), ())


def publish_receiver(directory: Path, started: Started) -> str:
    """See that the started container listens, and describe it to all processes of the run; returns a line that says how
    it went."""
    problem = started.problem or trouble(lambda: _await_listening(started))
    write_state(directory, replace(started, problem=problem), {})
    return f"{KEY}: {problem}" if problem else f"{KEY}: {', '.join(destinations())}"


def _await_listening(started: Started) -> None:
    follower = Follower(started.container)
    try:
        if not follower.wait(lambda lines: any(_LISTENS in line for line in lines) or None, 0, DEADLINE):
            said = last_words("\n".join(follower.lines()))
            raise DidNotStart(f"the destinations do not listen within {DEADLINE:g} s: {said}")
    finally:
        follower.close()
    done = docker_inside(started.container, KEY).run("\n".join([_AGREES, *_proofs()]))
    if done.status:
        raise DidNotStart(f"a destination does not agree to what it is there for: {last_words(done.text)}")


def _proofs() -> list[str]:
    """One handshake for each destination that must agree to something: a refusal says something only beside it."""
    chosen = [each for each in destinations().values() if each.willing]
    return [f"agrees {each.name} {each.port} {each.willing}" for each in chosen]


def _files(release: Release, authority: Authority, dialects: Dialects) -> Files:
    found = {
        "dress": (script(_dress(release, dialects)).encode(), 0o700),
        "files/ca.pem": (authority.cert_pem, 0o644),
        "files/dh-1024.pem": (dh_parameters(1024), 0o644),
    }
    for name, facts in certificates().items():
        flaw = Flaw(facts["flaw"]) if "flaw" in facts else None
        leaf = authority.leaf(facts["names"][0], facts["names"], facts["key"], "server", flaw)
        found[f"files/{name}.pem"] = (leaf.key_pem + leaf.cert_pem, 0o600)
    return found


def _dress(release: Release, dialects: Dialects) -> Dress:
    words = dialects.for_version(Daemon.POSTFIX, release.postfix)
    every = destinations().values()
    return Dress(
        postfix=words.to_native(common()),
        dovecot={},
        entries={each.entry: f"{each.entry.partition('/')[0]} inet n - @CHROOT@ - - smtpd" for each in every},
        overrides={each.entry: words.to_native(_settings(each)) for each in every},
    )


def _settings(each: Destination) -> dict[str, str]:
    """Its own settings; its name in banner and log is its own as well."""
    found = {"syslog_name": f"postfix/{each.name}", "myhostname": each.host}
    if each.certificate:
        found["smtpd_tls_chain_files"] = f"{HOME}/files/{each.certificate}.pem"
    return {**found, **each.postfix}
