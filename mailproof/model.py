"""The nouns of mailproof: frozen values that every other module speaks in. Knows no I/O and no other module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

Settings = Mapping[str, str]
"""Setting name -> value, both in the newest release's vocabulary."""


class Level(StrEnum):
    """How binding a requirement is: the key words of BCP 14 (RFC 2119, RFC 8174), and ``INFORMATIVE`` for what is
    recorded without being required."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    INFORMATIVE = "INFORMATIVE"

    @property
    def binding(self) -> bool:
        """True where a failure always counts (MUST, MUST NOT)."""
        return self in (Level.MUST, Level.MUST_NOT)

    @property
    def advised(self) -> bool:
        """True where a failure counts under ``--strict`` (SHOULD, SHOULD NOT)."""
        return self in (Level.SHOULD, Level.SHOULD_NOT)


class Severity(StrEnum):
    """What a failure costs the operator, independent of how binding the requirement is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Role(StrEnum):
    """What a service is for; decides what is right there. ``DAEMON`` is the whole of Postfix or Dovecot."""

    MX = "mx"
    SUBMISSION = "submission"
    ACCESS = "access"
    RELAY = "relay"
    LOCAL = "local"
    DAEMON = "daemon"


class Daemon(StrEnum):
    """The two daemons under judgement."""

    POSTFIX = "postfix"
    DOVECOT = "dovecot"


class Protocol(StrEnum):
    """The dialogue a service speaks."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"
    SIEVE = "sieve"
    LMTP = "lmtp"


class Security(StrEnum):
    """How TLS starts on a service: by a command, with the first byte, or never."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


class Verdict(StrEnum):
    """What a result row says. The last three occur under ``--prove`` only."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    ERROR = "error"
    WAIVED = "waived"
    NOT_APPLICABLE = "not-applicable"
    NOT_CHECKED = "not-checked"
    PROVEN = "proven"
    BLIND = "blind"
    FALSE_ALARM = "false-alarm"


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a target. ``str()`` is its id: ``smtp:25``, ``lmtp``, ``postfix``.

    ``entry`` is where its settings live: the ``service/type`` of master.cf for Postfix, the protocol for Dovecot.
    ``port`` is the port inside the target, or None where no port does.
    """

    name: str
    port: int | None
    role: Role
    daemon: Daemon
    protocol: Protocol | None = None
    security: Security = Security.NONE
    entry: str = ""

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a requirement comes from: ``document`` is a key of fixtures/sources.toml."""

    document: str
    section: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the reader of an article does: a command that he runs, or text that he puts at the end of a file.

    ``line`` is the entry of fixtures/advice.toml that quotes it. ``nearest`` runs where ``run`` fails. ``needs`` are
    the lines without which this one alone means nothing, ``given`` settings (native text) under which its effect can
    show. A step that ``shows`` something only asks: its output must match that regular expression. One that stands
    ``apart`` is tried by itself and is no part of the whole.
    """

    line: str
    daemon: Daemon
    run: str = ""
    nearest: str = ""
    file: str = ""
    text: str = ""
    needs: tuple[str, ...] = ()
    given: str = ""
    shows: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Mutation:
    """A fault (``broken_by``) or a harmless variation (``tolerates``) of a dressed specimen, in the newest vocabulary.

    ``services`` maps a service id (``submission:587``) to master.cf overrides; a value of None removes a setting.
    ``removed`` are entries taken out of master.cf (``tlsmgr/unix``). ``pasted`` is text appended to main.cf as it
    stands (a typo, a second assignment). ``pki`` maps the kind of a server's certificate (``rsa``) to its flaw,
    ``tables`` a lookup table to the version of it that is put there, ``openssl`` a daemon to the commands of
    SSL_CONF_cmd(3) that it heeds when they stand in the host's openssl.cnf, ``lost`` a daemon to the lines that its log
    loses (POSIX extended regular expression). ``absent`` are files that are gone once the daemons run, ``down`` daemons
    that do not run, ``refused`` daemons that don't start, or not whole, with what they are given. ``stale``: what
    answers still runs with the mutation, while every file is the profile's again.
    ``parameters`` replace values that the profile requires, where nothing worn breaks the control. ``middlebox`` puts a
    box of that kind in front of each service, for what no server does. ``variants``: the only ones that it concerns.
    """

    name: str
    postfix: Mapping[str, str | None] = field(default_factory=dict)
    dovecot: Mapping[str, str | None] = field(default_factory=dict)
    services: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    pasted: str = ""
    pki: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    openssl: Mapping[Daemon, Mapping[str, str]] = field(default_factory=dict)
    lost: Mapping[Daemon, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    down: tuple[Daemon, ...] = ()
    refused: tuple[Daemon, ...] = ()
    stale: bool = False
    parameters: Mapping[str, object] = field(default_factory=dict)
    variants: tuple[str, ...] = ()
    middlebox: str = ""

    @property
    def worn(self) -> Mutation:
        """What of it is put on: two mutations of which this is equal need putting on once."""
        return replace(self, name="", variants=(), parameters={})

    @property
    def restarts(self) -> frozenset[Daemon]:
        """The daemons that start anew for it."""
        if self.pki or self.openssl or self.lost or self.absent:
            return frozenset(Daemon)
        postfix = self.postfix or self.services or self.removed or self.pasted or self.tables
        named = {Daemon.POSTFIX: postfix, Daemon.DOVECOT: self.dovecot}
        return frozenset({*self.down, *(daemon for daemon, touched in named.items() if touched)})

    @property
    def concerns(self) -> frozenset[Daemon]:
        """The daemons that it says something about: it proves nothing about the other."""
        if self.parameters or self.middlebox:
            return frozenset(Daemon)
        return frozenset({*self.lost, *self.openssl}) or self.restarts


@dataclass(frozen=True, slots=True)
class Control:
    """One requirement with the check that judges it. ``level`` is the source's own; a profile's level wins over it.

    ``roles`` are the roles it can be asked of, ``daemons`` the daemons; ``variants`` the flavours it is run in
    (``per_certificate``: one for each certificate of the target; ``per_line``: one for each line that a profile pastes,
    at its daemon: those that begin so). ``certificate`` names the key type without which it does not apply, ``feature``
    what the configuration must use, ``security`` how TLS must start. ``parameters`` are the profile parameters that it
    reads. ``no_other_way`` says why it has no innocents. ``stopped``: it is asked of a daemon that does not run, too.
    """

    id: str
    level: Level
    source: Source
    severity: Severity
    title: str
    why: str
    expects: str
    remedy: str
    roles: frozenset[Role]
    daemons: frozenset[Daemon] = frozenset(Daemon)
    variants: tuple[str, ...] = ()
    per_certificate: bool = False
    per_line: tuple[str, ...] = ()
    certificate: str | None = None
    feature: str | None = None
    security: Security | None = None
    parameters: tuple[str, ...] = ()
    mutations: tuple[Mutation, ...] = ()
    innocents: tuple[Mutation, ...] = ()
    no_other_way: str = ""
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """One row of containers/releases.toml: a distribution release that specimens are made of.

    ``image`` is the base image that a registry serves, ``suite`` what it is bootstrapped from otherwise, ``recipe`` the
    family's Dockerfile below containers/. ``apt_options`` (``Name=value``) and ``drop_suites`` (archive suites that no
    longer serve packages) are what the package manager needs; ``note`` is what a reader of the record must know.
    ``postfix``, ``dovecot`` and ``openssl`` are the versions that it ships: they choose the dialect that a specimen is
    dressed in, and whether it can wear a profile at all.
    """

    name: str
    family: str
    title: str
    suite: str
    image: str
    recipe: str
    postfix: str = ""
    dovecot: str = ""
    openssl: str = ""
    note: str = ""
    apt_options: tuple[str, ...] = ()
    drop_suites: tuple[str, ...] = ()
    stable: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """One thing that was looked at: what it was, what it showed, and the raw material behind it (already redacted)."""

    what: str
    shown: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the record: DESIGN §6. Every field is a JSON primitive or a list or dict of them. ``lines`` are those
    of a user's own files that decide, ``fix`` what to do there.
    """

    control: str
    node: str
    title: str
    level: str
    severity: str
    sources: list[dict[str, str]]
    target: str
    profile: str
    service: str
    role: str
    mutation: str | None
    verdict: str
    raw_verdict: str
    reason: str
    expected: str
    observed: str
    message: str
    remediation: str
    transcript: str | None
    started: str
    seconds: float
    effects: list[str] = field(default_factory=list)
    innocent: bool = False
    lines: list[str] = field(default_factory=list)
    fix: list[str] = field(default_factory=list)
