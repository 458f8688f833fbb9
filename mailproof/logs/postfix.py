"""Postfix log lines as records, in the wording of releases 3.5 to 3.11 (smtpd(8), smtp(8), tls_log_summary).

Behind postscreen(8) a line's process says who served the client: tlsproxy(8) logs the handshake of one whom postscreen
keeps to itself, by address and port. Such a session has no «connect from», so it is never taken for one of smtpd's.

Addresses and names in them are the peer's own words: a line that can be read in two ways is no record.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailproof.logs import split

_QUEUE = r"(?P<queue_id>[0-9A-Za-z]+)"
_CONNECT = re.compile(r"connect from (?P<client>\S+)")
_DISCONNECT = re.compile(r"disconnect from (?P<client>\S+)(?: (?P<commands>.*))?")
_ESTABLISHED = re.compile(
    r"(?P<word>Anonymous|Untrusted|Trusted|Verified) TLS connection (?P<how>established|reused) "
    r"(?P<direction>from|to) (?P<peer>\S+)(?: to (?P<server_name>\S+))?: (?P<version>\S+) with cipher (?P<suite>\S+) "
    r"\((?P<bits>\d+)/\d+ bits\)(?P<detail>(?: .*)?)"
)
_DETAIL_KEY = "key-exchange|server-signature|server-digest|client-signature|client-digest"
_DETAIL = re.compile(rf" ({_DETAIL_KEY}) (.*?)(?= (?:{_DETAIL_KEY}) |$)")
_REJECT = re.compile(
    rf"{_QUEUE}: reject: (?P<stage>[A-Z][A-Z-]*) from (?P<client>\S+): (?P<code>\d{{3}}) "
    r"(?:(?P<enhanced>\d\.\d{1,3}\.\d{1,3}) )?(?P<text>.*);(?: from=<(?P<sender>[^<>]*)>,?)?"
    r"(?: to=<(?P<recipient>[^<>]*)>,?)?(?: proto=\w+,?)(?: helo=<(?P<helo>[^<>\s]*)>)?(?: sasl_username=<[^<>]*>)?"
)
_ABORT = re.compile(rf"{_QUEUE}: abort: TLS from (?P<client>\S+): (?P<reason>.*)")
_ACCEPTED = re.compile(
    rf"{_QUEUE}: client=(?P<client>[^\s,]+)(?:, sasl_method=(?P<sasl_method>[^\s,]+))?"
    r"(?:, sasl_username=(?P<sasl_user>[^\s,]+))?(?:, sasl_sender=\S+)?(?:, orig_.*)?"
)
_DELIVERED = re.compile(
    rf"{_QUEUE}: to=<(?P<to>[^<>]*)>, (?:orig_to=<[^<>]*>, )?relay=(?P<relay>[^\s,]+), "
    r"(?:[a-z_]+=[^\s,]+, )*?dsn=(?P<dsn>\d\.\d{1,3}\.\d{1,3}), status=(?P<status>\w+) \((?P<text>.*)\)"
)
_SASL_FAILED = re.compile(
    r"warning: (?P<client>\S+): SASL (?P<method>\S+) authentication failed: (?P<reason>.*?)"
    r"(?:, sasl_username=(?P<user>\S+))?"
)
_UNVERIFIED = re.compile(r"(?:client |server )?certificate verification failed for (?P<peer>\S+?): (?P<reason>.*)")
_COMPLAINT = re.compile(r"(?P<level>warning|error|fatal|panic): (?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Process:
    """Who wrote the line. ``tag`` is what stands between ``postfix`` and the daemon in its name: ``submission`` in
    ``postfix/submission/smtpd``, mostly "".
    """

    tag: str
    daemon: str
    pid: int


@dataclass(frozen=True, slots=True)
class Connect:
    """A client connected; ``client`` is name[address]."""

    process: Process
    client: str


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The client is gone; ``commands`` are the counts of its commands."""

    process: Process
    client: str
    commands: str | None


@dataclass(frozen=True, slots=True)
class TlsEstablished:
    """A finished handshake. ``word`` judges the peer's certificate (Anonymous: it sent none), ``direction`` is
    ``from`` at the server and ``to`` at the client. TLS 1.2 lines name no key exchange, resumed ones no signature.
    """

    process: Process
    word: str
    peer: str
    direction: str
    version: str
    suite: str
    bits: int
    key_exchange: str | None
    server_signature: str | None
    client_signature: str | None


@dataclass(frozen=True, slots=True)
class Reject:
    """smtpd or postscreen refused a command (``stage``: RCPT, MAIL…) with ``code`` and RFC 3463 status ``enhanced``."""

    process: Process
    queue_id: str
    stage: str
    client: str
    code: int
    enhanced: str | None
    text: str
    sender: str | None
    recipient: str | None
    helo: str | None


@dataclass(frozen=True, slots=True)
class Abort:
    """smtpd gave the session up right after the handshake, for the client certificate's sake."""

    process: Process
    client: str
    reason: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """smtpd took the first recipient of a message: it has a queue id from here on."""

    process: Process
    queue_id: str
    client: str
    sasl_method: str | None
    sasl_user: str | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one recipient; ``status`` is sent, deferred, bounced or expired."""

    process: Process
    queue_id: str
    to: str
    relay: str
    dsn: str
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class SaslFailed:
    """A login that failed; Postfix tells the user from release to release."""

    process: Process
    client: str
    method: str
    reason: str
    user: str | None


@dataclass(frozen=True, slots=True)
class Unverified:
    """Why a peer's certificate was not trusted."""

    process: Process
    peer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """``level`` is warning, error, fatal or panic."""

    process: Process
    level: str
    text: str


Record = (
    Connect | Disconnect | TlsEstablished | Reject | Abort | Accepted | Delivered | SaslFailed | Unverified | Complaint
)
_SIMPLE: tuple[tuple[re.Pattern[str], Callable[..., Record]], ...] = (
    (_CONNECT, Connect),
    (_DISCONNECT, Disconnect),
    (_ACCEPTED, Accepted),
    (_DELIVERED, Delivered),
    (_SASL_FAILED, SaslFailed),
    (_UNVERIFIED, Unverified),
    (_COMPLAINT, Complaint),
)


def parse(line: str) -> Record | None:
    """The record that a line of the mail log holds, or None for other programs' and other lines."""
    head = split(line)
    if head is None or head.pid is None or not head.program.startswith("postfix"):
        return None
    name, _, daemon = head.program.rpartition("/")
    process = Process(name.partition("/")[2], daemon, head.pid)
    for special in (_established, _reject, _abort):
        record = special(process, head.text)
        if record:
            return record
    for pattern, make in _SIMPLE:
        found = pattern.fullmatch(head.text)
        if found:
            return make(process, **found.groupdict())
    return None


def _established(process: Process, text: str) -> TlsEstablished | None:
    found = _ESTABLISHED.fullmatch(text)
    if not found:
        return None
    detail: dict[str, str] = dict(_DETAIL.findall(found["detail"]))
    return TlsEstablished(
        process=process,
        word=found["word"],
        peer=found["peer"],
        direction=found["direction"],
        version=found["version"],
        suite=found["suite"],
        bits=int(found["bits"]),
        key_exchange=detail.get("key-exchange"),
        server_signature=detail.get("server-signature"),
        client_signature=detail.get("client-signature"),
    )


def _reject(process: Process, text: str) -> Record | None:
    found = _REJECT.fullmatch(text)
    make: Callable[..., Record] = Reject
    return make(process, **found.groupdict() | {"code": int(found["code"])}) if found else None


def _abort(process: Process, text: str) -> Abort | None:
    found = _ABORT.fullmatch(text)
    return Abort(process, found["client"], found["reason"]) if found else None
