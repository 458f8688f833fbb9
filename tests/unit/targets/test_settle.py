"""Who waits for whom: the resolver for the destinations, and a specimen for the resolver where its profile asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from mailproof.targets import settle
from mailproof.targets.lab import Started
from mailproof.targets.receiver import KEY, Receiver
from mailproof.targets.resolver import RESOLVER
from mailproof.targets.settle import Chosen
from mailproof.trees import Tree

HERE = Path()


class Asking:
    """A choice in which some specimens ask the resolver."""

    trees: Mapping[str, Tree] = {}

    def resolves(self, key: str) -> bool:
        return key == "debian-13/dane"


def started(key: str) -> Started:
    return Started(key, key, container=f"{key}-id", own_address="198.18.0.3")


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was waited for, and who was made to ask whom, in order."""
    found: list[str] = []

    def published(directory: Path, each: Started, chosen: Chosen, prepare: Callable[[Started], None]) -> str:
        prepare(each)
        return "examined"

    def answering(directory: Path, each: Started, receiver: Callable[[], Receiver]) -> str:
        return f"leads to {receiver().started.key}"

    monkeypatch.setattr(settle, "publish", published)
    monkeypatch.setattr(settle, "publish_resolver", answering)
    monkeypatch.setattr(settle, "publish_receiver", lambda directory, each: "listens")
    monkeypatch.setattr(settle, "docker_inside", lambda container, name: name)
    monkeypatch.setattr(settle, "let_ask", lambda inside, address: found.append(f"{inside} asks {address}"))
    return found


def settled(key: str, waited: list[str]) -> str:
    def running(other: str) -> dict[str, Any]:
        waited.append(other)
        return {"started": {"key": other, "release": "", "own_address": "198.18.0.4"}}

    return settle.settle(HERE, started(key), cast("Chosen", Asking()), running)


def test_the_destinations_wait_for_nobody(waited: list[str]) -> None:
    assert settled(KEY, waited) == "listens"
    assert waited == []


def test_the_resolver_waits_for_the_destinations(waited: list[str]) -> None:
    assert settled(RESOLVER, waited) == f"leads to {KEY}"
    assert waited == [KEY]


def test_a_specimen_that_is_asked_about_dns_waits_for_the_resolver(
    waited: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailproof.targets.resolver.docker_inside", lambda container, name: name)
    assert settled("debian-13/dane", waited) == "examined"
    assert waited == [RESOLVER, "debian-13/dane asks 198.18.0.4"]


def test_another_specimen_asks_nobody(waited: list[str]) -> None:
    assert settled("debian-13/pfs", waited) == "examined"
    assert waited == []
