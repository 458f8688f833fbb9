"""A twin: a container with a user's files in it, started with all its stand-ins, and what is known of it then.

What a daemon refuses is a finding and no trouble of ours: the other daemon is judged all the same.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from threading import Event
from time import monotonic, time
from typing import Any

from mailproof.errors import MailproofError
from mailproof.logs import dovecot as dovecot_log
from mailproof.logs import postfix as postfix_log
from mailproof.model import Daemon, Protocol, Role, Security, Service
from mailproof.settings import DOVECOT_DAEMON, POSTFIX_DAEMON, Readings, dovecot_services, postfix_services
from mailproof.targets.decisions import FOREIGN, SENDERS, Home
from mailproof.targets.follower import LOG
from mailproof.targets.inside import Inside
from mailproof.targets.lab import Started, connect
from mailproof.targets.ready import DIALOGUE_DEADLINE, LMTP_SOCKET, greet, reach
from mailproof.targets.twin.postfix import AUTHENTICATOR
from mailproof.targets.twin.stage import Staging
from mailproof.targets.twin.standin import Content
from mailproof.wire.answers import Agreed
from mailproof.wire.offers import AUTHENTICATED_ECDSA, AUTHENTICATED_RSA, MODERN
from mailproof.wire.peer import Peer

DEADLINE = 8.0
"""Seconds that a service of a twin may take until it answers: nothing has to be made anew there."""
PATIENCE = 1.0
"""Seconds after which a service is silent whose daemon logs that it gave up."""
_CONFUSED = {("451", "4.3.0"), ("451", "4.3.5")}
"""«Temporary lookup failure» and «Server configuration error»: smtpd(8) cannot do what its configuration says."""
_KINDS = {"rsa": AUTHENTICATED_RSA, "ecdsa": AUTHENTICATED_ECDSA}
_OUTPUT = {Daemon.POSTFIX: "/run/mailproof-postfix.out", Daemon.DOVECOT: "/run/mailproof-dovecot.out"}
_BEGIN = {
    Daemon.DOVECOT: "dovecot </dev/null >/run/mailproof-dovecot.out 2>&1",
    Daemon.POSTFIX: "/usr/lib/postfix/sbin/master -w </dev/null >/run/mailproof-postfix.out 2>&1",
}


@dataclass(frozen=True, slots=True)
class Twin:
    """What is known of a started twin. ``refused``: the words of daemons that don't start. ``silent``: services that
    don't answer, each with the reason; ``kinds`` of certificates by service; ``complaints`` of the tools about the
    owner's own files; ``standins``, ``unchecked`` and ``name`` as in `mailproof.targets.twin.stage`."""

    name: str
    recipient: str
    senders: Mapping[str, str] = field(default_factory=lambda: dict(SENDERS))
    account: str = ""
    standins: list[dict[str, str]] = field(default_factory=list)
    unchecked: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: Mapping[str, list[str]] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, list[str]] = field(default_factory=dict)
    complaints: Mapping[str, list[str]] = field(default_factory=dict)
    lmtp: str = LMTP_SOCKET

    def to_json(self) -> dict[str, Any]:
        """JSON primitives."""
        return asdict(self)


def put(container: str, files: Mapping[str, Content]) -> None:
    """Lay files into a container, by their absolute paths."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (content, mode) in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.mode, entry.size, entry.mtime = mode, len(content), int(time()) - 60
            archive.addfile(entry, io.BytesIO(content))
    client = connect()
    try:
        client.containers.get(container).put_archive("/", buffer.getvalue())
    finally:
        client.close()


def begin(inside: Inside, staging: Staging, daemons: Collection[Daemon]) -> tuple[dict[Daemon, list[str]], list[str]]:
    """Start the daemons with all stand-ins in place; returns the words of those that don't start, and what the tools
    that make tables complain of."""
    alone = f"dovecot -c {AUTHENTICATOR} </dev/null >/dev/null 2>&1" if AUTHENTICATOR in staging.files else ":"
    starts = [f"{_BEGIN[each]}; echo started {each} $?" for each in (Daemon.DOVECOT, Daemon.POSTFIX) if each in daemons]
    done = inside.run("\n".join(["{", staging.script, "} >/dev/null </dev/null", alone, *starts]))
    failed = [each for each in daemons if f"started {each} 0" not in done.text.splitlines()]
    words = {each: _words(inside.run(f"cat {_OUTPUT[each]}; tail -n 20 {LOG}").text) for each in failed}
    return words, [line.strip() for line in done.errors.splitlines() if line.strip()]


def _words(text: str) -> list[str]:
    """The lines of an output that say what is wrong, all where none does."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line.lower() for word in ("fatal", "error", "panic"))]
    return list(dict.fromkeys(telling or lines)) or ["it ends without a word"]


def declared(daemons: Collection[Daemon], readings: Readings, refused: Iterable[str]) -> tuple[Service, ...]:
    """The services of the daemons that the tree configures; of one that does not start, the daemon alone."""
    gone = set(refused)
    found = {
        Daemon.POSTFIX: lambda: postfix_services(readings.postfix),
        Daemon.DOVECOT: lambda: dovecot_services(readings.dovecot),
    }
    alone = {Daemon.POSTFIX: (POSTFIX_DAEMON,), Daemon.DOVECOT: (DOVECOT_DAEMON,)}
    return tuple(each for daemon in Daemon if daemon in daemons
                 for each in (alone[daemon] if daemon in gone else found[daemon]()))  # fmt: skip


def silent(started: Started, inside: Inside, services: Iterable[Service], lmtp: str) -> dict[str, str]:
    """The services that don't answer, each with what its daemon says of it."""
    found = {}
    for service in services:
        if problem := _silence(started, inside, service, lmtp):
            found[str(service)] = problem
    return found


def _silence(started: Started, inside: Inside, service: Service, lmtp: str) -> str:
    """Why a service does not answer; "" as soon as it does. A daemon that logs why will not come to it later."""
    begun = monotonic()
    while problem := _trouble(started, service, lmtp):
        words = list(_fatal(inside.run(f"cat {LOG}").text.splitlines(), service))
        if monotonic() - begun > (PATIENCE if words else DEADLINE):
            return " | ".join(words[-3:]) or problem
        Event().wait(0.05)
    return ""


def _trouble(started: Started, service: Service, lmtp: str) -> str:
    try:
        greet(started, service, lmtp)
    except MailproofError as problem:
        return str(problem)
    return ""


def misconfigured(
    started: Started, inside: Inside, services: Iterable[Service], home: Home, name: str
) -> dict[str, str]:
    """The services of Postfix that answer every recipient with an error of their own configuration, each with what its
    daemon says of it: they serve nobody."""
    found = {}
    for service in services:
        asked = service.daemon is Daemon.POSTFIX and service.role in (Role.MX, Role.SUBMISSION)
        if asked and (reply := _confused(started, service, home, name)):
            words = list(_warned(inside.run(f"cat {LOG}").text.splitlines()))
            found[str(service)] = f"recipients are answered «{reply}»: {' | '.join(words[-3:])}"
    return found


def _confused(started: Started, service: Service, home: Home, name: str) -> str:
    try:
        with _peer(started, service).session(
            MODERN.naming(name) if service.security is Security.IMPLICIT else None
        ) as session:
            if session.offers_starttls:
                session.starttls(MODERN.naming(name))
            session.mail("sender@elsewhere.example")
            replies = [session.rcpt(each) for each in (home.recipients[0], FOREIGN)]
    except MailproofError:  # controls will meet it again, and say it
        return ""
    wrong = [str(reply) for reply in replies if (reply.code, reply.enhanced) in _CONFUSED]
    return wrong[0] if wrong else ""


def _warned(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        record = postfix_log.parse(line)
        if isinstance(record, postfix_log.Complaint):
            yield f"{record.process.daemon}: {record.level}: {record.text}"


def _fatal(lines: Iterable[str], service: Service) -> Iterator[str]:
    for line in lines:
        record = postfix_log.parse(line) if service.daemon is Daemon.POSTFIX else dovecot_log.parse(line)
        if isinstance(record, postfix_log.Complaint) and record.level in ("fatal", "panic"):
            yield f"{record.process.daemon}: {record.level}: {record.text}"
        if isinstance(record, dovecot_log.Complaint) and record.level in ("Error", "Fatal", "Panic"):
            yield f"{record.service}: {record.level}: {record.text}"


def kinds(started: Started, services: Iterable[Service], name: str) -> dict[str, list[str]]:
    """The key types of the certificates that each service shows."""
    return {str(each): kinds_of(_peer(started, each), name) for each in services
            if each.protocol and each.security is not Security.NONE}  # fmt: skip


def kinds_of(peer: Peer, name: str) -> list[str]:
    """The key types of the certificates that one service shows; ``rsa`` where it shows none."""
    found = []
    for kind, offer in _KINDS.items():
        try:
            if isinstance(peer.offer(offer.naming(name)), Agreed):
                found.append(kind)
        except MailproofError:  # controls will meet it again, and say it
            continue
    return found or ["rsa"]


def recipient(started: Started, services: Iterable[Service], home: Home) -> str:
    """The first recipient that an MX of the target accepts, the likeliest where there is none."""
    for service in services:
        if service.role is Role.MX and service.protocol is Protocol.SMTP:
            for each in home.recipients[:8]:
                if _accepts(started, service, each):
                    return each
    return home.recipients[0]


def _accepts(started: Started, service: Service, address: str) -> bool:
    try:
        with _peer(started, service).session() as session:
            return session.mail("sender@elsewhere.example").ok and session.rcpt(address).ok
    except MailproofError:
        return False


def _peer(started: Started, service: Service) -> Peer:
    return Peer(
        service.protocol or Protocol.SMTP,
        service.security,
        reach(started, service),
        "home.mailproof.test",
        DIALOGUE_DEADLINE,
    )
