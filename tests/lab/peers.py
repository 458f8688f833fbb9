"""Mail software that we did not write, from Debian's packages, each in a container beside the specimens of one lab.

What a program says of its TLS is read from its own output or log. Its silence is no answer: what it does not say is "".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any

from mailproof.errors import DidNotStart
from mailproof.logs import dovecot, postfix
from mailproof.model import Release
from mailproof.pki import Authority
from mailproof.run import START_DEADLINE, new_id
from mailproof.selection import Selection
from mailproof.targets.examination import publish
from mailproof.targets.follower import Follower
from mailproof.targets.inside import Inside, docker_inside
from mailproof.targets.lab import Lab, Started, Wanted, state_path
from mailproof.targets.people import SERVER
from mailproof.targets.specimen import Specimen

DEADLINE = 20.0
"""Seconds that a message may take from one program to the other."""
MAILBOX = "/var/mail/probe"
CLIENTS = "clients"
MTAS = ("exim4", "opensmtpd", "sendmail")


@dataclass(frozen=True)
class Agreed:
    """What one side says of a connection's TLS; ``trust`` is its word for the other side's certificate."""

    version: str = ""
    suite: str = ""
    group: str = ""
    trust: str = ""

    @property
    def forward_secret(self) -> bool:
        """True where the key exchange is ephemeral and signed: static RSA and anonymous suites are named otherwise."""
        return self.version == "TLSv1.3" or (
            self.version == "TLSv1.2" and self.suite.partition("-")[0] in ("ECDHE", "DHE")
        )


@dataclass(frozen=True)
class Words:
    """How an MTA's log speaks of TLS: patterns of lines that must all be there; their groups are fields of `Agreed`."""

    sending: tuple[str, ...]
    receiving: tuple[str, ...]


_EXIM = r"X=(?P<version>TLS[\d.]+):(?:EC)?DHE_(?P<group>[A-Z\d]+)_"
_OPENSMTPD = r"tls ciphers=\"?(?P<version>[^:]+):(?P<suite>[^:]+):"
_SENDMAIL = r"version=(?P<version>[^,]+), verify=(?P<trust>\w+), cipher=(?P<suite>[^,]+)"
WORDS: Mapping[str, Words] = {
    "exim4": Words((rf" => probe@{SERVER} .*{_EXIM}.* CV=(?P<trust>\w+)",), (rf" <= probe@{SERVER} .*{_EXIM}",)),
    "opensmtpd": Words(
        (f"mta {_OPENSMTPD}", r'mta (?:server-)?cert-check result="(?P<trust>\w+)"'), (f"smtp {_OPENSMTPD}",)
    ),
    "sendmail": Words((rf"STARTTLS=client, relay={SERVER}\.?, {_SENDMAIL}",), (rf"STARTTLS=server, .*{_SENDMAIL}",)),
}
VERIFIED = frozenset({"yes", "valid", "success", "OK"})
"""What they call a certificate that is of the CA which they trust."""


@dataclass
class Peer:
    """A running peer. ``facing`` is the specimen that it takes all mail to, and the words that it was started with."""

    name: str
    started: Started
    inside: Inside
    facing: tuple[str, ...] = ()
    _follower: Follower | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Its host name, and the domain that it receives mail for."""
        return host(self.started.key)

    @property
    def follower(self) -> Follower:
        """Its log."""
        if self._follower is None:
            self._follower = Follower(self.started.container)
        return self._follower

    def face(self, specimen: Specimen, *words: str) -> None:
        """Know the specimen by its name, and nobody else; an MTA is started anew, with these words."""
        if self.facing == (specimen.key, *words):
            return
        lines = (
            "127.0.0.1 localhost",
            f"{self.started.own_address} {self.host}",
            f"{specimen.started.own_address} {SERVER}",
        )
        self.do(f"printf '%s\\n' {' '.join(map(quote, lines))} >/etc/hosts")
        if self.name in WORDS:
            self.do(f"peer {' '.join(map(quote, words))} || {{ cat /run/peer.out; exit 1; }}")
        self.facing = (specimen.key, *words)

    def do(self, command: str) -> str:
        """Run what must succeed."""
        done = self.inside.run(command)
        assert done.status == 0, f"{self.started.key}: {command}\n{done.text}{done.errors}"
        return done.text

    def log(self, patterns: Sequence[str], since: int) -> Agreed:
        """What its log says from a position on, once there is a line for each pattern."""
        found = self.follower.wait(lambda lines: read(patterns, "\n".join(lines)), since, DEADLINE)
        assert found, f"{self.started.key} does not log its TLS:\n{chr(10).join(self.follower.lines(since)[-12:])}"
        return found

    def close(self) -> None:
        """Stop following."""
        if self._follower is not None:
            self._follower.close()


def read(patterns: Sequence[str], text: str) -> Agreed | None:
    """What a text says, the last match of each pattern; None where one of them matches nowhere."""
    found = [list(re.finditer(pattern, text, re.MULTILINE)) for pattern in patterns]
    if not all(found):
        return None
    said = {name: value for matches in found for name, value in matches[-1].groupdict().items() if value}
    version = re.sub(r"^TLS(?=\d)", "TLSv", said.pop("version", ""))
    return Agreed(version, **said)


class Meeting:
    """Specimens of every release, and peers, in one lab network."""

    def __init__(self, selection: Selection, peers: Iterable[tuple[str, Release]], directory: Path) -> None:
        self.selection = selection
        self.lab = Lab(new_id(), directory, print)
        self.authority = next(iter(selection.people.servers.values())).authority
        self._started: dict[str, Started] = {}
        self._specimens: dict[str, Specimen] = {}
        self._peers: dict[str, Peer] = {}
        specimens = [each for each in selection.wanted() if each.key in selection.keys]
        wanted = [*specimens, *(self._wanted(name, release) for name, release in peers)]
        wait(self.lab.start(wanted, self._settle), START_DEADLINE)

    def specimen(self, key: str) -> Specimen:
        """A running specimen; raises `DidNotStart`."""
        if key not in self._specimens:
            state: dict[str, Any] = json.loads(state_path(self.lab.directory, key).read_text())
            if state["started"]["problem"]:
                raise DidNotStart(state["started"]["problem"])
            self._specimens[key] = Specimen.attach(state, self.selection)
        return self._specimens[key]

    def peer(self, name: str, release: str) -> Peer:
        """A running peer; raises `DidNotStart`."""
        key = _key(name, release)
        if key not in self._peers:
            self._peers[key] = attached(self._started, name, key)
        return self._peers[key]

    def transport(self) -> str:
        """The transport_maps by which a specimen reaches every MTA: by address, since nobody resolves names."""
        ways = [f"{{{host(key)} = smtp:[{each.own_address}]:25}}" for key, each in sorted(self._started.items())]
        return f"inline:{{{', '.join(ways)}}}"

    def close(self) -> None:
        """Remove all of it."""
        for specimen in self._specimens.values():
            specimen.close()
        for peer in self._peers.values():
            peer.close()
        problem = self.lab.close()
        assert not problem, problem

    def _wanted(self, name: str, release: Release) -> Wanted:
        key = _key(name, release.name)
        own = replace(
            release, name=f"peer-{key}", title=f"{name} of {release.title}", recipe=f"peers/{name}/Dockerfile"
        )
        return Wanted(key, own, self._files(host(key)), (), host(key))

    def _files(self, name: str) -> dict[str, tuple[bytes, int]]:
        leaf = self.authority.leaf(name, [name], "rsa-2048", "server")
        return {
            "files/ca.pem": (self.authority.cert_pem, 0o644),
            "files/stranger.pem": (Authority.create("a stranger's CA").cert_pem, 0o644),
            "files/server.pem": (leaf.cert_pem, 0o644),
            "files/server.key": (leaf.key_pem, 0o600),
        }

    def _settle(self, started: Started) -> None:
        if started.key in self.selection.keys:
            print(publish(self.lab.directory, started, self.selection, lambda _: None))
        else:
            self._started[started.key] = started


def attached(started: Mapping[str, Started], name: str, key: str) -> Peer:
    """The peer among what was started; raises `DidNotStart` with its name and what keeps it from being had."""
    found = started.get(key)
    if found is None or found.problem:
        raise DidNotStart(f"{key} is not to be had: {found.problem if found else 'it did not start in time'}")
    return Peer(name, found, docker_inside(found.container, key))


def host(key: str) -> str:
    """A peer's name among hosts: one for each release, so that a specimen can tell them apart."""
    return f"{key}.peers.test"


def _key(name: str, release: str) -> str:
    return f"{name}-{release}"


def arrival(lines: Iterable[str], token: str) -> postfix.TlsEstablished | None:
    """The TLS of the connection by which the message with this Message-ID came to a specimen; None until known."""
    tls: dict[int, postfix.TlsEstablished] = {}
    accepted: dict[str, postfix.TlsEstablished | None] = {}
    for record in map(postfix.parse, lines):
        if isinstance(record, postfix.Connect):
            tls.pop(record.process.pid, None)
        elif isinstance(record, postfix.TlsEstablished):
            tls[record.process.pid] = record
        elif isinstance(record, postfix.Accepted):
            accepted[record.queue_id] = tls.get(record.process.pid)
        elif isinstance(record, postfix.Identified) and record.message_id.startswith(token):
            return accepted.get(record.queue_id)
    return None


def departure(lines: Iterable[str], token: str) -> tuple[postfix.Delivered, postfix.TlsEstablished | None] | None:
    """What became of a message that a specimen sent, and the TLS of the process that took it out."""
    tls: dict[int, postfix.TlsEstablished] = {}
    mine = ""
    for record in map(postfix.parse, lines):
        if isinstance(record, postfix.Identified) and record.message_id.startswith(token):
            mine = record.queue_id
        elif isinstance(record, postfix.TlsEstablished) and record.direction == "to":
            tls[record.process.pid] = record
        elif isinstance(record, postfix.Delivered) and record.queue_id == mine:
            return record, tls.get(record.process.pid)
    return None


def login(lines: Iterable[str], user: str) -> dovecot.LoggedIn | None:
    """The login of a user, which is his only one."""
    found = [record for record in map(dovecot.parse, lines)
             if isinstance(record, dovecot.LoggedIn) and record.pairs.get("user") == user]  # fmt: skip
    return found[0] if found else None


def by_postfix(tls: postfix.TlsEstablished) -> Agreed:
    """Postfix's line in our words."""
    return Agreed(tls.version, tls.suite, tls.key_exchange or "", tls.word)


def message(token: str, to: str) -> str:
    """A message that nobody else's is taken for: as the argument of printf(1)."""
    return f"From: probe@{SERVER}\\nTo: {to}\\nSubject: {token}\\nMessage-ID: <{token}@peers.test>\\n\\n{token}\\n"
