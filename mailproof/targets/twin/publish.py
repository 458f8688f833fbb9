"""A held container becomes a twin: surveyed, staged, started, looked at, and described to all processes of the run."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from mailproof.errors import DidNotTake
from mailproof.model import Daemon, Role, Service
from mailproof.origins.postfix import assigned, assignments
from mailproof.settings import lmtp_socket
from mailproof.targets.examination import Choice, Sight, described, look, software
from mailproof.targets.inside import docker_inside
from mailproof.targets.lab import Files, Started
from mailproof.targets.ready import trouble
from mailproof.targets.standing import standing
from mailproof.targets.twin.postfix import everywhere
from mailproof.targets.twin.stage import running, stage
from mailproof.targets.twin.standin import Site
from mailproof.targets.twin.survey import survey
from mailproof.targets.twin.twin import Twin, begin, declared, kinds, misconfigured, put, recipient, silent
from mailproof.trees import Tree

_PLACED = """#!/bin/sh
set -eu
@CLEARED@
tree=/etc/mailproof/tree
for own in postfix dovecot aliases mailname; do [ ! -e $tree/$own ] || cp -R $tree/$own /etc/; done
cp -R -n $tree/. /etc/
find /etc/postfix -maxdepth 1 -name '*.cf' -exec touch -d '1 minute ago' {} +
"""
_ABSENT = re.compile(r'open "\w+" configuration ".*": No such file|readlink\(.*dovecot\.conf\) failed')
"""What the tools say of a table whose access data only its owner has (it is stood in for), and of a Dovecot that never
ran."""
_LISTENING = re.compile(rb"^\s*(?:\S*:)?(\d{1,5})\s+inet\s|\bport\s*=\s*(\d{1,5})\b", re.MULTILINE)


def twin_files(tree: Tree) -> Files:
    """What lies in a twin's container when it starts: the tree, to be placed over what the packages bring. What they
    have outside of the daemons' own directories stays."""
    cleared = [f"rm -rf /etc/{daemon}; mkdir /etc/{daemon}" for daemon in Daemon if tree.exclusive]
    placed = _PLACED.replace("@CLEARED@", "\n".join(cleared)).encode()
    files = {f"tree/{name}": (_bound(name, content), 0o644) for name, content in tree.files.items()}
    return {**files, "held": (b"", 0o644), "dress": (placed, 0o700)}


def _bound(name: str, content: bytes) -> bytes:
    """Postconf itself gives up where it finds no interface of that address: main.cf is read with all of them."""
    if name != "postfix/main.cf":
        return content
    text = content.decode("utf-8", "surrogateescape")
    listens = [each.value for each in assignments(text) if each.name == "inet_interfaces"]
    bound = text if not listens or everywhere(listens[-1]) else assigned(text, {"inet_interfaces": "all"})
    return bound.encode("utf-8", "surrogateescape")


def twin_ports(tree: Tree, packaged: Collection[int]) -> tuple[int, ...]:
    """The ports to open to the outside: those of the packages, and every number in the tree that may be one. Whether
    anything listens there is for the daemons to say."""
    named = [int(one or other) for text in tree.files.values() for one, other in _LISTENING.findall(text)]
    return tuple(sorted({*packaged, *(port for port in named if 0 < port < 65536)}))


def publish_twin(directory: Path, started: Started, choice: Choice) -> str:
    """Make a held container a twin and describe it; returns a line that says how it went."""
    found: dict[str, Any] = {}

    def making() -> None:
        found.update(_made(started, choice, choice.trees[started.key]))

    problem = started.problem or trouble(making)
    return described(directory, started, problem, found or {"text": "", "software": {}})


def _made(started: Started, choice: Choice, tree: Tree) -> dict[str, Any]:
    release, _ = choice.keys[started.key]
    inside = docker_inside(started.container, started.key)
    site = Site.of(tree, release, survey(inside), choice.people, choice.dialects, choice.password)
    staging = stage(site, started.own_address)
    put(started.container, staging.files)
    words, remarks = begin(inside, staging, running(site))
    readings = Sight.of(look(inside), refusable=True).readings
    refused = {str(daemon): list(said) for daemon, said in {**site.survey.readings.refused, **words}.items()
               if daemon in tree.daemons}  # fmt: skip
    services = _reached(declared(tree.daemons, readings, refused))
    lmtp = "" if Daemon.DOVECOT in refused else lmtp_socket(readings.dovecot)
    mute = silent(started, inside, services, lmtp)
    text = look(inside)  # before the probe does anything that a daemon could complain of
    if standing(Sight.of(text, refusable=True).log, started.own_address, readings).own:
        raise DidNotTake(f"the probe comes from {started.key}'s own address: its verdicts would mean nothing")
    answering = [each for each in services if str(each) not in mute]
    mute |= misconfigured(started, inside, answering, staging.home, staging.name)
    answering = [each for each in answering if str(each) not in mute]
    twin = Twin(
        staging.name, recipient(started, answering, staging.home), dict(staging.home.senders),
        staging.account, [each.row for each in staging.standins],
        {str(daemon): dict(needs) for daemon, needs in staging.unchecked.items()}, refused, mute,
        kinds(started, answering, staging.name), _complaints(site, remarks), lmtp,
    )  # fmt: skip
    return {"text": text, "software": software(readings), "twin": twin.to_json(), "texts": dict(site.survey.texts)}


def _reached(services: Collection[Service]) -> list[Service]:
    """What a client can ask: an smtpd on loopback serves the host alone."""
    return [each for each in services if each.daemon is Daemon.DOVECOT or each.role is not Role.LOCAL]


def _complaints(site: Site, remarks: list[str]) -> dict[str, list[str]]:
    """What the tools say of the owner's files as they are; those that make tables speak of Postfix's."""
    readings = site.survey.readings
    postfix, dovecot = ([line for line in view.complaints if not _ABSENT.search(line)]
                        for view in (readings.postfix, readings.dovecot))  # fmt: skip
    return {Daemon.POSTFIX.value: [*postfix, *remarks], Daemon.DOVECOT.value: dovecot}
