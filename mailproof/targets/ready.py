"""Is a started container ready? Only a real dialogue with each of its services says so. Knows no settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from threading import Event
from time import monotonic

from mailproof.errors import Busy, ConnectionDropped, DidNotStart, MailproofError, TimedOut, Unreachable
from mailproof.model import Role, Service
from mailproof.targets.follower import LOG
from mailproof.targets.inner import InnerStream
from mailproof.targets.inside import Inside
from mailproof.targets.lab import Started
from mailproof.wire.peer import Peer
from mailproof.wire.stream import SocketStream

READY_DEADLINE = 30.0
"""Seconds that the daemons of a started container may take until all services answer."""
DIALOGUE_DEADLINE = 10.0
"""Seconds that one dialogue with a service may take."""
LMTP_SOCKET = "/run/dovecot/lmtp"


def await_ready(started: Started, inside: Inside, services: Iterable[Service]) -> None:
    """Hold a real dialogue with each service; raises `DidNotStart` with the log's last lines when one stays silent."""
    end = monotonic() + READY_DEADLINE
    for service in services:
        while (problem := _silent(started, service)) is not None:
            if monotonic() > end:
                tail = inside.run(f"tail -n 5 {LOG}; cat /run/mailproof-*.out 2>/dev/null").text
                raise DidNotStart(
                    f"{service} does not answer within {READY_DEADLINE:g} s ({problem}): {last_words(tail)}"
                )
            Event().wait(0.02)


def _silent(started: Started, service: Service) -> MailproofError | None:
    try:
        greet(started, service)
    except (Unreachable, ConnectionDropped, TimedOut, Busy) as problem:
        return problem
    return None


def greet(started: Started, service: Service, lmtp: str = LMTP_SOCKET) -> None:
    """Raises what keeps a service from answering. An MX is asked for a recipient as well: postscreen(8), which may
    stand before it, serves nobody whom it has not seen as far as that. One that decides slowly (DNS) is ready, too.
    """
    if service.protocol is None:
        return
    reached = Peer(
        service.protocol, service.security, reach(started, service, lmtp), "ready.mailproof.test", DIALOGUE_DEADLINE
    )
    with reached.session() as session:
        if service.role is Role.MX:
            with suppress(TimedOut):
                session.mail("")
                session.rcpt("ready@foreign.example")


def reach(started: Started, service: Service, lmtp: str = LMTP_SOCKET) -> Callable[[float], SocketStream]:
    """How a service is reached from here: its port, or the socket ``lmtp`` inside of one that has none."""
    if service.port is None:
        return partial(InnerStream.dial, started.container, lmtp)
    return partial(SocketStream.connect, *started.address(service.port))


def trouble(examine: Callable[[], object]) -> str:
    """What is wrong with a started container, as one sentence; "" where its examination ends well."""
    try:
        examine()
    except MailproofError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 a thread's boundary: what nobody foresaw must not look like «still starting»
        return f"unforeseen while it was examined: {error!r}"
    return ""


def last_words(text: str) -> str:
    """The last lines of an output, as part of a sentence."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-6:]) or "no word of why"
