"""A live host is looked at once, before it is judged: its settings, its services, its log, and where we stand to it.

Whom it trusts learns nothing about whom it refuses: so what its log says of our own connection decides what is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mailproof.errors import MailproofError, Unreachable
from mailproof.model import Daemon, Role, Security, Service
from mailproof.settings import READ_SCRIPT, Readings, parse_readings
from mailproof.targets.examination import described, software
from mailproof.targets.hosts import Host
from mailproof.targets.lab import Started
from mailproof.targets.live import homes, readable_tables, services_of
from mailproof.targets.polling import Polled, destination
from mailproof.targets.readonly import ADDRESSES, LISTENERS, ReadOnly
from mailproof.targets.ready import DIALOGUE_DEADLINE, trouble
from mailproof.targets.standing import Standing, listening, standing
from mailproof.targets.twin.twin import kinds_of
from mailproof.wire.peer import Peer
from mailproof.wire.stream import SocketStream


def publish_live(directory: Path, key: str, host: Host) -> str:
    """Look at a host and describe it to all processes of the run; returns a line that says how it went."""
    found: dict[str, Any] = {"text": "", "software": {"versions": {}, "packages": {}}}

    def looking() -> None:
        found.update(_looked(host))

    problem = trouble(looking)
    return described(directory, Started(key, "", problem=problem), problem, found)


def _looked(host: Host) -> dict[str, Any]:
    inside = host.inside()
    text = inside.run(READ_SCRIPT).text
    readings = parse_readings(text, refusable=True)
    address = host.where()
    log = destination(inside, readings.postfix.values.get("maillog_file", ""))
    open_ports = listening(inside.run(LISTENERS).text)
    services = [each for each in services_of(readings) if each.port is not None and each.role is not Role.LOCAL]
    closed = {str(each): f"nothing listens on port {each.port} of the host"
              for each in services if each.port not in open_ports}  # fmt: skip
    kept = {str(each): why for each in services if str(each) not in closed and (why := _mute(each, address))}
    mute = {**closed, **kept}
    stood = _standing(inside, log, readings, [each for each in services if str(each) not in mute], address)
    banned = bool(kept) and len(mute) == len(services)
    name = readings.postfix.values.get("myhostname") or address
    answering = [each for each in services if str(each) not in mute and each.security is not Security.NONE]
    kinds = {str(each): kinds_of(_peer(each, address), name) for each in answering}
    return {
        "text": text,
        "software": software(readings),
        "live": {"address": address, "silent": mute, "closed": closed, "log": log, "standing": asdict(stood),
                 "banned": banned, "kinds": kinds, "home": _home(inside, readings, answering, address)},
        "commands": inside.ran,
    }  # fmt: skip


def _mute(service: Service, address: str) -> str:
    try:
        with _peer(service, address).session():
            return ""
    except MailproofError as problem:
        return str(problem)


def _home(inside: ReadOnly, readings: Readings, services: Iterable[Service], address: str) -> str:
    """The first that an MX of the host accepts mail for, the likeliest where there is none."""
    listed = [inside.run(f"postmap -s {table}") for table in readable_tables(readings)]
    candidates = homes(
        readings, [line.split()[0] for done in listed for line in done.text.splitlines() if line.split()]
    )
    for service in services:
        if service.role is Role.MX:
            for each in candidates[:6]:
                with suppress(MailproofError), _peer(service, address).session() as session:
                    if session.mail("").ok and session.rcpt(each).ok:
                        return each
    return candidates[0]


def _standing(
    inside: ReadOnly, log: str | None, readings: Readings, services: Iterable[Service], address: str
) -> Standing:
    """Where an smtpd saw us come from, by its own log."""
    own = inside.run(ADDRESSES).text
    asked = next((each for each in services if each.daemon is Daemon.POSTFIX), None)
    if log is None or asked is None:
        return standing([], own, readings)
    follower = Polled(inside, log)
    with _peer(asked, address).session():
        pass
    follower.wait(lambda lines: [line for line in lines if "connect from" in line] or None, 0)
    return standing(follower.lines(), own, readings)


def _peer(service: Service, address: str) -> Peer:
    if service.protocol is None or service.port is None:
        raise Unreachable(f"{service} is no service of the network")
    port = service.port
    return Peer(service.protocol, service.security, lambda deadline: SocketStream.connect(address, port, deadline),
                "standing.mailproof.test", DIALOGUE_DEADLINE)  # fmt: skip
