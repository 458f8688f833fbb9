"""What Postfix's log lines say, as typed records: values alone, no pattern and no release's wording.

Addresses and names in them are the peer's own words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_GROUPS = {"p-256": "secp256r1", "prime256v1": "secp256r1", "p-384": "secp384r1", "p-521": "secp521r1"}


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
    ``from`` at the server and ``to`` at the client; ``server_name`` is the host name that the client asked for.
    TLS 1.2 lines name no key exchange, resumed ones no signature; ``reused`` speaks of a kept connection (smtp(8),
    smtp_tls_connection_reuse), not of a resumed session.
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
    server_digest: str | None = None
    client_digest: str | None = None
    server_name: str | None = None
    reused: bool = False

    @property
    def group(self) -> str | None:
        """The key-exchange group in one spelling for all releases (``x25519``, ``secp256r1``, ``x25519mlkem768``): 3.5
        and 3.7 write ``ECDHE (P-256)`` and ``ECDHE (prime256v1)`` where 3.10 writes ``secp256r1``. None as above."""
        if self.key_exchange is None:
            return None
        word = re.sub(r"\w+ \((.+)\)", r"\1", self.key_exchange).lower()
        return _GROUPS.get(word, word)


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
class BrokenOff:
    """A session that ended before its QUIT: ``what`` happened after the command ``stage`` (CONNECT: before any)."""

    process: Process
    queue_id: str | None
    what: str
    stage: str
    client: str


@dataclass(frozen=True, slots=True)
class NoHandshake:
    """A handshake that failed; ``call`` is ``accept`` at the server and ``connect`` at the client."""

    process: Process
    call: str
    peer: str
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
class Identified:
    """A message in the queue is the one with this Message-ID."""

    process: Process
    queue_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A message has left the queue: nothing more will be done about it."""

    process: Process
    queue_id: str


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
    """Why a peer's certificate was not trusted. ``number`` is OpenSSL's, as digits, where the line has one (3.7 and
    newer): 62 for another host's name, 65 for another fingerprint.
    """

    process: Process
    peer: str
    number: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One certificate of a peer's chain (log level 2); ``depth`` 0 is the peer's own. OpenSSL goes on after an error:
    of two lines of one depth, the one that is not ``verified`` counts.
    """

    process: Process
    peer: str
    depth: int
    verified: bool
    subject: str


@dataclass(frozen=True, slots=True)
class Presented:
    """The certificate that a peer presented (log level 2), with the fingerprints that a table may list."""

    process: Process
    peer: str
    name: str
    issuer: str
    fingerprint: str
    key_fingerprint: str


@dataclass(frozen=True, slots=True)
class TicketIssued:
    """A session ticket for a client (log level 2); its key dies at ``expires``, in seconds since 1970."""

    process: Process
    client: str
    expires: int


@dataclass(frozen=True, slots=True)
class Unreached:
    """A host that smtp(8) could not connect to: name[address]:port."""

    process: Process
    host: str
    reason: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """``level`` is warning, error, fatal or panic."""

    process: Process
    level: str
    text: str


Record = (
    Connect
    | Disconnect
    | TlsEstablished
    | Reject
    | Abort
    | BrokenOff
    | NoHandshake
    | Accepted
    | Identified
    | Delivered
    | Removed
    | SaslFailed
    | Unverified
    | Checked
    | Presented
    | TicketIssued
    | Unreached
    | Complaint
)
