"""Is a started container ready? Only a real dialogue with each of its services says so. Knows no settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from threading import Event
from time import monotonic

from mailproof.errors import ConnectionDropped, DidNotStart, MailproofError, TimedOut, Unreachable
from mailproof.model import Security, Service
from mailproof.targets.follower import LOG
from mailproof.targets.inside import Inside
from mailproof.targets.lab import Started
from mailproof.wire.offers import MODERN
from mailproof.wire.session import open_session

READY_DEADLINE = 30.0
"""Seconds that the daemons of a started container may take until all services answer."""
DIALOGUE_DEADLINE = 10.0
"""Seconds that one dialogue with a service may take."""
LMTP_SOCKET = "/run/dovecot/lmtp"


def await_ready(started: Started, inside: Inside, services: Iterable[Service]) -> None:
    """Hold a real dialogue with each service; raises `DidNotStart` with the log's last lines when one stays silent."""
    end = monotonic() + READY_DEADLINE
    for service in services:
        while (problem := _silent(started, inside, service)) is not None:
            if monotonic() > end:
                tail = inside.run(f"tail -n 5 {LOG}; cat /run/mailproof-*.out 2>/dev/null").text
                raise DidNotStart(
                    f"{service} does not answer within {READY_DEADLINE:g} s ({problem}): {last_words(tail)}"
                )
            Event().wait(0.02)


def _silent(started: Started, inside: Inside, service: Service) -> MailproofError | None:
    try:
        _greet(started, inside, service)
    except (Unreachable, ConnectionDropped, TimedOut) as problem:
        return problem
    return None


def _greet(started: Started, inside: Inside, service: Service) -> None:
    if service.protocol is None:
        return
    if service.port is None:
        lmtp_dialogue(inside, "LHLO probe.mailproof.test")
        return
    host, port = started.address(service.port)
    offer = MODERN if service.security is Security.IMPLICIT else None
    with open_session(host, port, service.protocol, service.security, offer=offer, helo="ready.mailproof.test",
                      deadline=DIALOGUE_DEADLINE):  # fmt: skip
        return


def lmtp_dialogue(inside: Inside, *commands: str) -> list[str]:
    """The replies of Dovecot's LMTP socket to each command, greeting first; raises `Unreachable` when it is closed."""
    talk = "".join(f"{command}\\r\\n" for command in (*commands, "QUIT"))
    done = inside.run(f"printf '{talk}' | perl -e '{_LMTP}' {LMTP_SOCKET}", deadline=int(DIALOGUE_DEADLINE))
    replies = re.findall(r"(?:^\d{3}-.*\n)*^\d{3} .*$", done.text.replace("\r", ""), re.MULTILINE)
    if done.status or len(replies) != len(commands) + 2:
        raise Unreachable(f"{LMTP_SOCKET} does not hold a dialogue: {last_words(done.errors + done.text)}")
    return replies[:-1]


_LMTP = (
    "use IO::Socket::UNIX; $s = IO::Socket::UNIX->new($ARGV[0]) or die $!; sub r { do { $_ = <$s>; defined or exit 1; "
    "print } while /^\\d+-/ } r(); while (<STDIN>) { print $s $_; r() }"
)


def last_words(text: str) -> str:
    """The last lines of an output, as part of a sentence."""
    return " | ".join(line.strip() for line in text.strip().splitlines()[-6:]) or "no word of why"
