"""Postfix log lines as records, in the wording of releases 3.5 to 3.11 (smtpd(8), smtp(8), tls_log_summary).

Behind postscreen(8) a line's process says who served the client: tlsproxy(8) logs the handshake of one whom postscreen
keeps to itself, by address and port. Such a session has no «connect from», so it is never taken for one of smtpd's.

Addresses and names in them are the peer's own words: a line that can be read in two ways is no record.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mailproof.logs import split
from mailproof.logs.postfix_records import (
    Abort,
    Accepted,
    BrokenOff,
    Checked,
    Complaint,
    Connect,
    Delivered,
    Disconnect,
    Identified,
    NoHandshake,
    Presented,
    Process,
    Record,
    Reject,
    Removed,
    SaslFailed,
    TicketIssued,
    TlsEstablished,
    Unreached,
    Unverified,
)

__all__ = [
    "Abort",
    "Accepted",
    "BrokenOff",
    "Checked",
    "Complaint",
    "Connect",
    "Delivered",
    "Disconnect",
    "Identified",
    "NoHandshake",
    "Presented",
    "Process",
    "Record",
    "Reject",
    "Removed",
    "SaslFailed",
    "TicketIssued",
    "TlsEstablished",
    "Unreached",
    "Unverified",
    "parse",
]

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
_BROKEN_OFF = re.compile(
    rf"(?:{_QUEUE}: )?(?P<what>lost connection|timeout|too many errors|improper command pipelining) "
    r"after (?P<stage>\S+)(?: \((?:approximately )?\d+ bytes\))? from (?P<client>[^\s:]+\[[^\]\s]+\])(?:: .*)?"
)
_NO_HANDSHAKE = re.compile(r"SSL_(?P<call>accept|connect) error (?:from|to) (?P<peer>\S+): (?P<reason>.*)")
_ACCEPTED = re.compile(
    rf"{_QUEUE}: client=(?P<client>[^\s,]+)(?:, sasl_method=(?P<sasl_method>[^\s,]+))?"
    r"(?:, sasl_username=(?P<sasl_user>[^\s,]+))?(?:, sasl_sender=\S+)?(?:, orig_.*)?"
)
_DELIVERED = re.compile(
    rf"{_QUEUE}: to=<(?P<to>[^<>]*)>, (?:orig_to=<[^<>]*>, )?relay=(?P<relay>[^\s,]+), "
    r"(?:[a-z_]+=[^\s,]+, )*?dsn=(?P<dsn>\d\.\d{1,3}\.\d{1,3}), status=(?P<status>\w+) \((?P<text>.*)\)"
)
_IDENTIFIED = re.compile(rf"{_QUEUE}: (?:resent-)?message-id=<(?P<message_id>[^<>]*)>")
_REMOVED = re.compile(rf"{_QUEUE}: removed")
_SASL_FAILED = re.compile(
    r"warning: (?P<client>\S+): SASL (?P<method>\S+) authentication failed: (?P<reason>.*?)"
    r"(?:, sasl_username=(?P<user>\S+))?"
)
_UNVERIFIED = re.compile(
    r"(?:(?:client|server) )?certificate verification failed for (?P<peer>\S+?): "
    r"(?:num=(?P<number>\d+):)?(?P<reason>.*)"
)
_CHECKED = re.compile(r"(?P<peer>\S+): depth=(?P<depth>\d+) verify=(?P<verify>[01]) subject=(?P<subject>.*)")
_OCTETS = r"[0-9A-F]{2}(?::[0-9A-F]{2})+"
_PRESENTED = re.compile(
    r"(?P<peer>\S+): subject_CN=(?P<name>.*), issuer(?:_CN)?=(?P<issuer>.*), "
    rf"(?:cert )?fingerprint=(?P<fingerprint>{_OCTETS}), pkey[_ ]fingerprint=(?P<key_fingerprint>{_OCTETS})"
)
_TICKET = re.compile(r"(?P<client>\S+): Issuing session ticket, key expiration: (?P<expires>\d+)")
_UNREACHED = re.compile(r"connect to (?P<host>\S+): (?P<reason>.*)")
_COMPLAINT = re.compile(r"(?P<level>warning|error|fatal|panic): (?P<text>.*)")


_SIMPLE: tuple[tuple[re.Pattern[str], Callable[..., Record]], ...] = (
    (_CONNECT, Connect),
    (_DISCONNECT, Disconnect),
    (_ACCEPTED, Accepted),
    (_IDENTIFIED, Identified),
    (_DELIVERED, Delivered),
    (_REMOVED, Removed),
    (_SASL_FAILED, SaslFailed),
    (_UNVERIFIED, Unverified),
    (_BROKEN_OFF, BrokenOff),
    (_NO_HANDSHAKE, NoHandshake),
    (_UNREACHED, Unreached),
    (_COMPLAINT, Complaint),
)


def parse(line: str) -> Record | None:
    """The record that a line of the mail log holds, or None for other programs' and other lines."""
    head = split(line)
    if head is None or head.pid is None or not head.program.startswith("postfix"):
        return None
    name, _, daemon = head.program.rpartition("/")
    process = Process(name.partition("/")[2], daemon, head.pid)
    for special in (_established, _reject, _abort, _checked, _presented, _ticket):
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
        server_digest=detail.get("server-digest"),
        client_digest=detail.get("client-digest"),
        server_name=found["server_name"],
        reused=found["how"] == "reused",
    )


def _reject(process: Process, text: str) -> Record | None:
    found = _REJECT.fullmatch(text)
    make: Callable[..., Record] = Reject
    return make(process, **found.groupdict() | {"code": int(found["code"])}) if found else None


def _abort(process: Process, text: str) -> Abort | None:
    found = _ABORT.fullmatch(text)
    return Abort(process, found["client"], found["reason"]) if found else None


def _checked(process: Process, text: str) -> Checked | None:
    found = _CHECKED.fullmatch(text)
    if not found:
        return None
    return Checked(process, found["peer"], int(found["depth"]), found["verify"] == "1", found["subject"])


def _presented(process: Process, text: str) -> Presented | None:
    """A name that holds an issuer or a fingerprint of its own could be read in two ways."""
    found = _PRESENTED.fullmatch(text)
    make: Callable[..., Presented] = Presented
    return make(process, **found.groupdict()) if found and text.count("=") == 4 else None


def _ticket(process: Process, text: str) -> TicketIssued | None:
    found = _TICKET.fullmatch(text)
    return TicketIssued(process, found["client"], int(found["expires"])) if found else None
