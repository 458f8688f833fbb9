"""Where probes stand: the lab network, and how a published service is reached from outside. Knows no daemons.

The address that a daemon sees decides verdicts: it must be nobody's in mynetworks and not the daemon's own, so lab
networks come from the benchmarking range of RFC 2544, which no configuration trusts.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import docker
from docker.errors import APIError, NotFound
from docker.models.networks import Network

from mailproof.errors import EngineTrouble, Unusable

RANGE = "198.18.0.0/15"
PREFIX = 26
_NO_WAY_OUT = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
"""Nobody outside answers an address of the lab: what a target sends there goes nowhere."""


class Outside(Protocol):
    """How services of a container are reached from where the probe stands."""

    @property
    def bind(self) -> str | None:
        """The address that ports are published on; None where they are not published."""

    def address(self, attrs: Mapping[str, Any], port: int) -> tuple[str, int]:
        """Host and port of a container's service, from the engine's description of the container."""


@dataclass(frozen=True, slots=True)
class Published:
    """Ports published on the engine's machine: loopback of this one, or the host of a remote engine."""

    host: str
    bind: str | None

    def address(self, attrs: Mapping[str, Any], port: int) -> tuple[str, int]:
        """The published port."""
        found = attrs["NetworkSettings"]["Ports"].get(f"{port}/tcp") or []
        if not found:
            raise EngineTrouble(f"the engine did not publish port {port} of {attrs['Name'].lstrip('/')}")
        return self.host, int(found[0]["HostPort"])


@dataclass(frozen=True, slots=True)
class Shared:
    """mailproof runs in a container of the same engine and joins the lab network: services are reached directly."""

    network: str
    bind: str | None = None

    def address(self, attrs: Mapping[str, Any], port: int) -> tuple[str, int]:
        """The container's own address."""
        return str(attrs["NetworkSettings"]["Networks"][self.network]["IPAddress"]), port


def outside(client: docker.DockerClient, network: Network) -> Outside:
    """Where we stand towards an engine: the one place that knows."""
    remote = urlsplit(os.environ.get("DOCKER_HOST", ""))
    if remote.scheme in ("tcp", "ssh", "http", "https") and remote.hostname:
        return Published(remote.hostname, "0.0.0.0")  # noqa: S104 on the engine's machine, for us to reach
    if _join(client, network):
        return Shared(str(network.name))
    return Published("127.0.0.1", "127.0.0.1")


def create_network(client: docker.DockerClient, name: str, labels: dict[str, str]) -> Network:
    """A small network of its own for a run; raises `EngineTrouble` when the engine accepts none of the range."""
    refused = "no free network left"
    for subnet in candidates(_range(), _taken(), seed=name):
        pool = docker.types.IPAMPool(subnet=str(subnet))
        try:
            ipam = docker.types.IPAMConfig(pool_configs=[pool])
            return client.networks.create(name, ipam=ipam, labels=labels, options=_NO_WAY_OUT)
        except APIError as error:
            refused = str(error.explanation or error)
            if "overlap" not in refused.lower():
                break
    raise EngineTrouble(f"the container engine makes no lab network in {_range()}: {refused}")


def candidates(wide: IPv4Network, taken: Iterable[IPv4Network], seed: str) -> Iterator[IPv4Network]:
    """Subnets of the range that hide no known route, starting at a place that differs from run to run; at most 64."""
    avoid = list(taken)
    width = 1 << (PREFIX - wide.prefixlen)
    start = sum(seed.encode()) * 37 % width
    for step in range(min(64, width)):
        base = int(wide.network_address) + ((start + step) % width << (32 - PREFIX))
        subnet = IPv4Network((base, PREFIX))
        if not any(subnet.overlaps(other) for other in avoid):
            yield subnet


def _range() -> IPv4Network:
    text = os.environ.get("MAILPROOF_NETWORK", RANGE)
    try:
        wide = IPv4Network(text)
    except ValueError as error:
        raise Unusable(f"MAILPROOF_NETWORK={text} is no IPv4 network: {error}") from None
    if wide.prefixlen > PREFIX:
        raise Unusable(f"MAILPROOF_NETWORK={text} is too small: give at least a /{PREFIX}")
    return wide


def _taken() -> Iterator[IPv4Network]:
    """The host's routes (but for the default one) and the resolvers that it asks."""
    for line in _lines("/proc/net/route")[1:]:
        words = line.split()
        base, mask = (int.from_bytes(bytes.fromhex(word)[::-1]) for word in (words[1], words[7]))
        if mask:
            yield IPv4Network((base, mask.bit_count()))
    for line in _lines("/etc/resolv.conf"):
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver" and ip_address(words[1].partition("%")[0]).version == 4:
            yield IPv4Network(words[1])


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="ascii", errors="replace").splitlines() if file.exists() else []


def _join(client: docker.DockerClient, network: Network) -> bool:
    """Join the network if we are a container of this very engine."""
    if not Path("/.dockerenv").exists():
        return False
    try:
        network.connect(client.containers.get(socket.gethostname()))
    except (NotFound, APIError):
        return False
    return True
