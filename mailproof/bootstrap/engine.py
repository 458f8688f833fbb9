"""The container engine: found where the caller says, otherwise installed and started. Knows no images.

Never installs where `DOCKER_HOST` or a Docker context names an engine, nor where one answers already.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mailproof import machine
from mailproof.bootstrap.dockerd import start
from mailproof.errors import EngineTrouble, OurFault
from mailproof.machine import Say

DEFAULT = "unix:///var/run/docker.sock"
PACKAGES = ("docker.io", "iptables", "ca-certificates")
CLIENT = ("docker-cli",)
"""The client, where a release packs it apart from the engine."""


def endpoint(environ: Mapping[str, str], home: Path) -> str:
    """The engine's address, as Docker's own client finds it: `DOCKER_HOST`, then the current context, then the socket.

    Raises `OurFault` where a context is named that the client cannot describe.
    """
    if environ.get("DOCKER_HOST"):
        return environ["DOCKER_HOST"]
    context = environ.get("DOCKER_CONTEXT") or _current_context(Path(environ.get("DOCKER_CONFIG", home / ".docker")))
    if context in ("", "default"):
        return DEFAULT
    return machine.run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}", context], 20).strip()


def answers(address: str) -> bool:
    """True where an engine answers there."""
    if address.startswith("unix://"):
        return _ping(address.removeprefix("unix://"))
    try:
        return bool(
            machine.run(["docker", "--host", address, "version", "--format", "{{.Server.Version}}"], 30).strip()
        )
    except OurFault:
        return False


def ready(address: str) -> bool:
    """True where nothing is left to set up: an engine answers, and its client, which testinfra calls, is here."""
    return bool(machine.find("docker")) and answers(address)


def ensure_engine(address: str, say: Say) -> None:
    """Make the engine at ``address`` answer; raises `EngineTrouble` or `OurFault`: what is missing, how to get it."""
    with machine.locked("engine"):
        if address != DEFAULT:
            _ensure_client(say)
            if not answers(address):
                raise EngineTrouble(f"{_named(address)} does not answer: start it, or unset what names it")
        elif not answers(address):
            _check_access(address)
            if not machine.find("dockerd"):
                machine.install(PACKAGES, say, where_packaged=CLIENT)
            start(lambda: answers(address), say)
        _ensure_client(say)


def _named(address: str) -> str:
    return f"the container engine {address}, which DOCKER_HOST or the Docker context names,"


def _ensure_client(say: Say) -> None:
    """Docker's own client is what testinfra calls; an engine may answer where the client is missing."""
    if machine.find("docker"):
        return
    with suppress(OurFault):
        machine.install((), say, where_packaged=CLIENT)
    if not machine.find("docker"):
        raise EngineTrouble(
            "Docker's client, the program docker, is missing: sudo apt-get install docker-cli "
            "(Debian 12 and older have it in docker.io)"
        )


def _check_access(address: str) -> None:
    """Raise `EngineTrouble` where only somebody else could make the engine at this socket answer."""
    path = address.removeprefix("unix://")
    if Path(path).exists() and not os.access(path, os.W_OK):
        raise EngineTrouble(
            f"the container engine's socket {path} is not yours to use: run as root, or join its group "
            "(sudo usermod -aG docker $USER, then log in anew)"
        )
    if os.geteuid() == 0:
        return
    if machine.find("dockerd"):
        raise EngineTrouble("the container engine is installed but does not run: sudo service docker start")
    packages = " ".join(PACKAGES)
    raise EngineTrouble(
        f"no container engine is installed, and only root may install one: sudo apt-get install {packages} "
        "(and docker-cli from Debian 13 on), or set DOCKER_HOST to an engine of yours"
    )


def _current_context(config: Path) -> str:
    try:
        found = json.loads((config / "config.json").read_text(encoding="utf-8"))
        return str(found.get("currentContext", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _ping(path: str) -> bool:
    """GET /_ping of the engine's API, by hand: the standard library has no HTTP over local sockets."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        try:
            link.connect(path)
            link.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            return link.recv(64).split(b" ")[1:2] == [b"200"]
        except OSError:
            return False
