"""What a server can answer to an offer: it agrees or it refuses. Every other outcome raises instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from mailproof.wire.kept import Kept
from mailproof.wire.tickets import Shown
from mailproof.wire.tls.registry import ALERTS
from mailproof.wire.tls.suites import forward_secret, words

BROKEN = frozenset({
    "unexpected_message", "bad_record_mac", "decryption_failed", "record_overflow", "decode_error", "decrypt_error",
    "internal_error", "user_canceled", "close_notify",
})  # fmt: skip
"""Alerts that say that something broke, or that the peer gives up for reasons of its own: no answer to an offer."""

_REGISTERED = frozenset(ALERTS.values())


def declines(alert: str) -> bool:
    """Whether a fatal alert of this name says no to an offer; one that nobody registered says nothing."""
    return alert in _REGISTERED and alert not in BROKEN


@dataclass(frozen=True, slots=True)
class Agreed:
    """A finished handshake. ``version`` and ``suite`` are OpenSSL's names; ``group`` is None where no key was exchanged
    in a named group; ``chain`` is DER, leaf first, as sent (empty with an anonymous suite).

    ``certificate_sent`` is true only where our client proved to hold the key of a certificate that it sent. ``shown``
    is what its plaintext shows of sessions, ``kept`` what it leaves to resume by.
    """

    version: str
    suite: str
    group: str | None = None
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    certificate_requested: bool = False
    certificate_sent: bool = False
    transcript: str = field(default="", repr=False)
    shown: Shown | None = field(default=None, repr=False, compare=False)
    kept: Kept | None = field(default=None, repr=False, compare=False)

    @property
    def forward_secret(self) -> bool:
        """Whether a recorded session stays secret after the server's key leaks; never true of an anonymous suite."""
        return forward_secret(self.version, self.suite)

    @property
    def authenticated(self) -> bool:
        """Whether the server proved to hold the key of a certificate that it sent."""
        return bool(self.chain) and "aNULL" not in words(self.suite)

    def __str__(self) -> str:
        group = f", group {self.group}" if self.group else ""
        return f"{self.version} {self.suite}{group}"


@dataclass(frozen=True, slots=True)
class Refused:
    """The server ended the handshake: by a fatal ``alert`` (RFC 8446 §6.2, its name), or ``closed`` without a byte."""

    how: Literal["alert", "closed"]
    alert: str | None = None
    transcript: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"refused (alert {self.alert})" if self.how == "alert" else "refused (closed without an alert)"


Answer = Agreed | Refused
