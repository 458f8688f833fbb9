"""Where probes stand: a subnet that hides nothing, and how a port is reached from outside."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any, cast

import docker
import pytest
from docker.errors import APIError
from docker.models.networks import Network

from mailproof.errors import EngineTrouble, Unusable
from mailproof.targets import network
from mailproof.targets.network import PREFIX, RANGE, Published, Shared, candidates, create_network, outside

WIDE = IPv4Network(RANGE)
ATTRS = {
    "Name": "/mailproof-run-debian-13-pfs",
    "NetworkSettings": {
        "Ports": {"25/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32768"}], "587/tcp": None},
        "Networks": {"lab": {"IPAddress": "198.18.77.12"}},
    },
}


def test_candidates_are_small_distinct_and_of_the_range() -> None:
    found = list(candidates(WIDE, [], "run-1"))
    assert len(set(found)) == len(found) == 64
    assert all(subnet.prefixlen == PREFIX and subnet.subnet_of(WIDE) for subnet in found)


def test_runs_begin_at_different_places() -> None:
    assert len({next(candidates(WIDE, [], f"mailproof-run-{n}")) for n in range(8)}) > 4


def test_a_candidate_hides_no_route() -> None:
    first = next(candidates(WIDE, [], "run"))
    host = IPv4Network(f"{first.network_address + 5}/32")
    assert all(not subnet.overlaps(host) for subnet in candidates(WIDE, [host], "run"))
    assert list(candidates(WIDE, [IPv4Network("198.0.0.0/8")], "run")) == []


def test_a_range_of_one_subnet_has_one_candidate() -> None:
    only = IPv4Network("198.18.7.64/26")
    assert list(candidates(only, [], "run")) == [only]


def test_the_range_is_the_caller_s_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILPROOF_NETWORK", "198.19.0.0/20")
    assert network._range() == IPv4Network("198.19.0.0/20")
    monkeypatch.delenv("MAILPROOF_NETWORK")
    assert network._range() == WIDE


@pytest.mark.parametrize("given", ["somewhere", "198.18.0.1/15", "198.18.0.0/27", "2001:db8::/32", ""])
def test_a_range_that_is_none_is_unusable(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("MAILPROOF_NETWORK", given)
    with pytest.raises(Unusable, match=f"MAILPROOF_NETWORK={given} "):
        network._range()


def test_routes_and_resolvers_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "/proc/net/route": [
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
            "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
            "eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
        ],
        "/etc/resolv.conf": [
            "# comment",
            "search x.test",
            "nameserver 198.18.0.53",
            "nameserver fe80::1%eth0",
            "nameserver",
        ],
    }
    monkeypatch.setattr(network, "_lines", files.__getitem__)
    assert list(network._taken()) == [IPv4Network("192.168.0.0/24"), IPv4Network("198.18.0.53/32")]


def test_a_published_port_is_reached_on_the_engine_s_machine() -> None:
    assert Published("127.0.0.1", "127.0.0.1").address(ATTRS, 25) == ("127.0.0.1", 32768)


@pytest.mark.parametrize("port", [587, 993])
def test_a_port_that_the_engine_did_not_publish_is_its_trouble(port: int) -> None:
    with pytest.raises(EngineTrouble, match=f"did not publish port {port} of mailproof-run-debian-13-pfs"):
        Published("127.0.0.1", "127.0.0.1").address(ATTRS, port)


def test_on_a_shared_network_the_container_itself_is_reached() -> None:
    shared = Shared("lab")
    assert shared.address(ATTRS, 587) == ("198.18.77.12", 587)
    assert shared.bind is None


NOBODY = cast("docker.DockerClient", None)
NOWHERE = cast("Network", None)


@pytest.mark.parametrize(
    ("engine", "host"),
    [("tcp://engine.test:2376", "engine.test"), ("ssh://me@engine.test", "engine.test"), ("tcp://[::1]:2375", "::1")],
)
def test_a_remote_engine_s_ports_are_on_its_host(monkeypatch: pytest.MonkeyPatch, engine: str, host: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine)
    assert outside(NOBODY, NOWHERE) == Published(host, "0.0.0.0")  # noqa: S104


@pytest.mark.parametrize("engine", ["", "unix:///var/run/docker.sock"])
def test_a_local_engine_s_ports_are_on_loopback_alone(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine)
    monkeypatch.setattr(network, "_join", lambda *_: False)
    assert outside(NOBODY, NOWHERE) == Published("127.0.0.1", "127.0.0.1")


class Networks:
    """An engine's networks, as far as making one goes."""

    def __init__(self, refuse: Callable[[str], str]) -> None:
        self.refuse = refuse
        self.asked: list[str] = []

    @property
    def networks(self) -> Networks:
        return self

    def create(
        self, name: str, ipam: Any, labels: dict[str, str], options: dict[str, str]
    ) -> tuple[str, str, dict[str, str]]:
        subnet = ipam["Config"][0]["Subnet"]
        assert "false" in options.values(), "what a target sends abroad would leave under our own address"
        self.asked.append(subnet)
        if reason := self.refuse(subnet):
            raise APIError("refused", explanation=reason)
        return name, subnet, labels


@pytest.fixture
def nothing_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_taken", lambda: iter(()))


@pytest.mark.usefixtures("nothing_taken")
def test_a_subnet_that_another_network_has_is_passed_over() -> None:
    first, second, *_ = candidates(WIDE, [], "run")
    taken = Networks(lambda subnet: "Pool overlaps with other one" if subnet == str(first) else "")
    made = create_network(cast("docker.DockerClient", taken), "run", {"mailproof": "1"})
    assert cast("object", made) == ("run", str(second), {"mailproof": "1"})


@pytest.mark.usefixtures("nothing_taken")
def test_any_other_refusal_is_the_engine_s_trouble_at_once() -> None:
    broken = Networks(lambda _: "permission denied")
    with pytest.raises(EngineTrouble, match="permission denied"):
        create_network(cast("docker.DockerClient", broken), "run", {})
    assert len(broken.asked) == 1


def test_a_full_range_is_the_engine_s_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_taken", lambda: iter([WIDE]))
    with pytest.raises(EngineTrouble, match="no free network left"):
        create_network(cast("docker.DockerClient", Networks(lambda _: "")), "run", {})
