"""What a control's capabilities need of a target, whatever it is: a specimen, a twin or a live host. Nothing here
changes one: only a `mailproof.targets.specimen.Specimen` can be dressed, mutated and restored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from mailproof.dialect import Dialects
from mailproof.model import Daemon, Release, Service
from mailproof.settings import Readings
from mailproof.targets.inside import Output
from mailproof.wire.offers import ClientCertificate
from mailproof.wire.stream import SocketStream

T = TypeVar("T")


class Log(Protocol):
    """A mail log that is followed."""

    def mark(self) -> int:
        """The position after everything written so far."""

    def lines(self, since: int = 0) -> list[str]:
        """The lines that have arrived so far, from a position on."""

    def wait(self, find: Callable[[list[str]], T | None], since: int, deadline: float = 5.0) -> T | None:
        """What ``find`` finds in the lines from a position on, as soon as it does; None when the deadline passes."""


class Commands(Protocol):
    """Where commands run on a target."""

    def run(self, command: str, deadline: int = 30) -> Output:
        """Run one shell command; raises `Unreachable`, `TimedOut`."""


class Target(Protocol):
    """A running target, as it may be looked at and talked to."""

    @property
    def key(self) -> str: ...
    @property
    def release(self) -> Release: ...
    @property
    def dialects(self) -> Dialects: ...
    @property
    def readings(self) -> Readings: ...
    @property
    def services(self) -> tuple[Service, ...]: ...
    @property
    def features(self) -> frozenset[str]: ...
    @property
    def follower(self) -> Log: ...
    @property
    def inside(self) -> Commands: ...
    @property
    def name(self) -> str: ...
    @property
    def home(self) -> str: ...
    @property
    def senders(self) -> Mapping[str, str]: ...
    @property
    def authority(self) -> bytes: ...
    @property
    def refused(self) -> Mapping[str, Iterable[str]]: ...

    def connect(self, service: Service) -> Callable[[float], SocketStream]:
        """How a client reaches a service."""

    def account(self) -> tuple[str, str]:
        """A user and a password with which a login must succeed."""

    def client(self, name: str) -> ClientCertificate:
        """What a client of the run presents; raises `CannotOffer` where there is none of that name."""

    def complaints(self, daemon: Daemon) -> tuple[str, ...]:
        """What tools and start said against the configuration."""

    def silent(self, services: Iterable[Service]) -> Mapping[str, str]:
        """Services that don't serve anybody, by their ids, each with the reason."""

    def table_keys(self, table: str) -> list[str]:
        """The keys of a Postfix lookup table; raises `Unread`."""
