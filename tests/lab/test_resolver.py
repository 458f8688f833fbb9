"""The lab's DNS on a real resolver: it vouches for what is signed, for nothing else, and withholds what is bogus."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest

from mailproof.errors import DidNotStart
from mailproof.releases import choose, load_releases
from mailproof.run import new_id
from mailproof.targets.lab import Lab, Started
from mailproof.targets.resolver import Resolver, wanted_resolver
from mailproof.targets.zone import BOGUS, INSECURE, SECURE, Answer, State, Zone, address, exchange, tlsa

CHECKOUT = Path(__file__).parents[2]
DENIED = "NXDOMAIN"


def _zone(state: State) -> Zone:
    name = f"{state}.test"
    host = f"mx.{name}"
    records = (exchange(name, host), address(host, "198.18.0.9"), tlsa(host, 25, f"3 1 1 {'AB' * 32}"))
    return Zone(name, state, records)


ZONES = tuple(_zone(state) for state in State)


@pytest.fixture(scope="module")
def resolver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resolver]:
    """A resolver that serves a zone of each state."""
    settled: queue.SimpleQueue[Started] = queue.SimpleQueue()
    stable = choose((), load_releases(CHECKOUT / "containers" / "releases.toml"))[0]
    with closing(Lab(new_id(), tmp_path_factory.mktemp("resolver"), print)) as lab:
        lab.start([wanted_resolver(stable)], settled.put)
        started = settled.get(timeout=300)
        assert not started.problem, started.problem
        found = Resolver.attach({"started": asdict(started)})
        found.serve(ZONES)
        yield found


@pytest.mark.parametrize(
    ("state", "there", "records"),
    [
        (State.SIGNED, SECURE, SECURE),
        (State.UNSIGNED, INSECURE, INSECURE),
        (State.EXPIRED, BOGUS, BOGUS),
        (State.TAMPERED, SECURE, BOGUS),
    ],
)
def test_a_zone_is_what_its_state_says(resolver: Resolver, state: State, there: Answer, records: Answer) -> None:
    assert resolver.ask(f"{state}.test", "MX") == there
    assert resolver.ask(f"mx.{state}.test", "A") == there
    assert resolver.ask(f"_25._tcp.mx.{state}.test", "TLSA") == records


def test_that_there_is_nothing_is_vouched_for_as_well(resolver: Resolver) -> None:
    assert resolver.ask("_26._tcp.mx.signed.test", "TLSA") == Answer(DENIED, True)
    assert resolver.ask("_26._tcp.mx.unsigned.test", "TLSA") == Answer(DENIED, False)
    assert resolver.ask("elsewhere.example", "A") == Answer(DENIED, True), "the root itself is the lab's"


def test_without_validation_nothing_is_vouched_for_and_everything_answered(resolver: Resolver) -> None:
    resolver.validate(False)
    try:
        for state in State:
            assert resolver.ask(f"_25._tcp.mx.{state}.test", "TLSA") == INSECURE
    finally:
        resolver.validate(True)
    assert resolver.ask("_25._tcp.mx.signed.test", "TLSA") == SECURE


def test_a_zone_that_cannot_be_signed_is_told(resolver: Resolver) -> None:
    try:
        with pytest.raises(DidNotStart, match=r"the zones cannot be signed: .*line"):
            resolver.serve([Zone("broken.test", State.SIGNED, ("broken.test. IN A nowhere",))])
    finally:
        resolver.serve(ZONES)


def test_a_zone_that_is_not_as_its_state_says_is_told(resolver: Resolver) -> None:
    elsewhere = tlsa("mx.elsewhere.test", 25, f"3 1 1 {'AB' * 32}")
    try:
        with pytest.raises(
            DidNotStart, match=r"answers _25\._tcp\.mx\.elsewhere\.test\. TLSA with .* where it must with"
        ):
            resolver.serve([Zone("tampered.test", State.TAMPERED, (elsewhere,))])
    finally:
        resolver.serve(ZONES)
