"""A started container takes its place: each kind is examined in its own way, and those wait that need another first."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from mailproof.targets.examination import Choice, publish
from mailproof.targets.inside import docker_inside
from mailproof.targets.lab import Started
from mailproof.targets.receiver import KEY, Receiver, publish_receiver
from mailproof.targets.resolver import RESOLVER, Resolver, let_ask, publish_resolver
from mailproof.targets.twin.publish import publish_twin
from mailproof.trees import STOCK, Tree

Running = Callable[[str], dict[str, Any]]
"""Key -> what is published of the container, as soon as it is; raises `DidNotStart` where it does not run."""


class Chosen(Choice, Protocol):
    """The part of a selection that decides who needs whom."""

    def resolves(self, key: str) -> bool:
        """Whether a specimen is asked what it makes of DNS."""


def settle(directory: Path, started: Started, chosen: Chosen, running: Running) -> str:
    """Examine a started container and describe it to all processes of the run; returns a line that says how it went."""
    if started.key == KEY:
        return publish_receiver(directory, started)
    if started.key == RESOLVER:
        return publish_resolver(directory, started, lambda: Receiver.attach(running(KEY)))
    if not chosen.trees.get(started.key, Tree(STOCK)).stock:
        return publish_twin(directory, started, chosen)
    return publish(directory, started, chosen, partial(_prepare, chosen, running))


def _prepare(chosen: Chosen, running: Running, specimen: Started) -> None:
    """Who is asked what it makes of DNS gets its resolver before it sends anything: no daemon runs yet that would go on
    asking another."""
    if chosen.resolves(specimen.key):
        let_ask(docker_inside(specimen.container, specimen.key), Resolver.attach(running(RESOLVER)).address)
