"""Alerts that a peer sends in plaintext: what it says where it does not go on (RFC 8446 §6, RFC 5246 §7.2). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mailproof.errors import GarbledReply
from mailproof.wire.tls.octets import Reader
from mailproof.wire.tls.registry import alert_name

_WARNING, _FATAL = 1, 2
_MOST_WARNINGS = 8


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert by name."""

    name: str
    fatal: bool

    def __str__(self) -> str:
        return f"{'fatal' if self.fatal else 'warning'} alert {self.name}"


class Alerts:
    """Reads the alerts of one connection and counts those that only warn."""

    def __init__(self) -> None:
        self._warnings = 0

    def feed(self, payload: bytes) -> Alert | None:
        """Take a record's payload in and give the first alert in it that ends the connection: one that is fatal, or
        says that the peer leaves. Raises GarbledReply where it holds no whole alerts, and for a flood of warnings."""
        if not payload:
            raise GarbledReply("a record of alerts with none in it")
        body = Reader(payload)
        while body:
            level, name = body.number(1), alert_name(body.number(1))
            if level not in (_WARNING, _FATAL):
                raise GarbledReply(f"the alert {name} is neither a warning nor fatal")
            if level == _FATAL or name == "close_notify":
                return Alert(name, level == _FATAL)
            self._warned()
        return None

    def _warned(self) -> None:
        self._warnings += 1
        if self._warnings > _MOST_WARNINGS:
            raise GarbledReply("an answer to the TLS hello of nothing but warnings")
