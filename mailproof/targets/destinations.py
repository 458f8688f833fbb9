"""Whom specimens send to: one destination for each other side that a sender meets in the world. Pure but for its data
file, fixtures/destinations.toml. All live in one container, the `Receiver`, whose address is known only once it runs:
names lead to it by the hosts file of whoever sends.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parents[2] / "fixtures" / "destinations.toml"
SMTP = 25
SENDER = "mailproof.test"
"""The domain that messages are sent from: what comes back to it is thrown away."""


@dataclass(frozen=True, slots=True)
class Destination:
    """One other side: ``name`` is its host name's first label, unless it is ``named`` otherwise. ``postfix`` are its
    settings, in the newest words; ``willing`` options of s_client(1) to which it must agree, "" where it need not be
    proved to."""

    name: str
    port: int
    certificate: str = ""
    postfix: Mapping[str, str] = field(default_factory=dict)
    willing: str = ""
    named: str = ""

    @property
    def host(self) -> str:
        """Its host name."""
        return self.named or f"{self.name}.{_data()['domain']}"

    @property
    def entry(self) -> str:
        """Its place in master.cf, where the package declares port 25 by its name."""
        return f"{'smtp' if self.port == SMTP else self.port}/inet"


@cache
def destinations() -> Mapping[str, Destination]:
    """All of them, by name."""
    return {name: Destination(name, **facts) for name, facts in _data()["destination"].items()}


def common() -> Mapping[str, str]:
    """The settings that all of them have, in the newest words."""
    found: dict[str, str] = _data()["postfix"]
    return found


def certificates() -> Mapping[str, Mapping[str, Any]]:
    """Certificate's name -> its ``key``, and where it has them its ``flaw`` and the ``names`` that it gives, which
    otherwise are those of the destinations that it is for."""
    found: dict[str, dict[str, Any]] = _data()["certificate"]
    own = {name: [each.host for each in destinations().values() if each.certificate == name] for name in found}
    return {name: {"names": own[name], **facts} for name, facts in found.items()}


def hosts(address: str) -> str:
    """The lines of a hosts file (hosts(5)) by which every destination's name leads to an address."""
    return "".join(f"{address} {each.host}\n" for each in destinations().values())


def transport() -> str:
    """The transport(5) table (texthash) that takes mail for each destination to its port, and bounces nowhere."""
    ways = {each.host: f"smtp:[{each.host}]:{each.port}" for each in destinations().values()}
    ways[SENDER] = "discard:bounced"
    return "".join(f"{domain} {way}\n" for domain, way in ways.items())


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))
