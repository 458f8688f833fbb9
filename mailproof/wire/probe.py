"""One question about TLS over a stream: a hello by numbers, and what the server makes of it. Knows no mail protocol.

The hello is ours to the last byte, so nothing can thin it on the way; that it went out whole is checked.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from mailproof.errors import ConnectionDropped
from mailproof.wire.answers import Refused, declines
from mailproof.wire.stream import Carrier
from mailproof.wire.tls.alerts import Alert
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import NONCE, ClientHello
from mailproof.wire.tls.flight import Flight
from mailproof.wire.tls.octets import pairs
from mailproof.wire.tls.registry import group_name, suite_name

_NAMED = 24


def probe(stream: Carrier, hello: ClientHello) -> Chosen | Refused:
    """Say ``hello`` and read the answer; the handshake is left there, and the stream is of no more use.

    Refused means a fatal alert by which a peer declines, or an orderly close without a byte after our whole hello went
    out. Raises CannotOffer, GarbledReply (no TLS, or what was not offered), ConnectionDropped (any other end),
    TimedOut.
    """
    stream.send(hello.encode(secrets.token_bytes(NONCE)))
    flight = Flight(hello)
    while flight.outcome is None:
        data = stream.receive()
        if not data:
            return _closed(stream, hello, flight)
        flight.feed(data)
    if isinstance(flight.outcome, Alert):
        return _alerted(hello, flight, flight.outcome)
    return replace(flight.outcome, transcript=_story(hello, f"chose {flight.outcome}"))


def _closed(stream: Carrier, hello: ClientHello, flight: Flight) -> Refused:
    if stream.delivered and flight.silent:
        return Refused("closed", None, _story(hello, "closed without a byte"))
    raise ConnectionDropped(f"the peer closed the connection in the middle of its answer to the TLS hello ({hello})")


def _alerted(hello: ClientHello, flight: Flight, alert: Alert) -> Refused:
    if flight.began is not None:
        raise ConnectionDropped(f"the server chose {flight.began}, and then gave up: {alert} ({hello})")
    if not declines(alert.name):
        raise ConnectionDropped(f"the TLS handshake broke down ({hello}): {alert}")
    return Refused("alert", alert.name, _story(hello, str(alert)))


def _story(hello: ClientHello, outcome: str) -> str:
    """What happened in TLS, for a transcript; a long list of suites stands there by its numbers, 1301 0035 c02f …"""
    few = len(hello.suites) <= _NAMED or hello.versions == ("SSLv2",)
    suites = " ".join(map(suite_name, hello.suites)) if few else pairs(hello.suites).hex(" ", 2)
    groups = " ".join(map(group_name, hello.groups)) or "no groups"
    return f"TLS hello «{hello}»: {', '.join(hello.versions)}; {suites}; {groups}\nanswer: {outcome}"
