"""What a known mail client would get from a server: clients as facts, and what each makes of a server's choice.

A hello shows what a client offers, and not what it then refuses: so a client is its hello and the limits that the hello
cannot show. Pure but for reading fixtures/clients.toml; knows no connection.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NoReturn

from mailproof.errors import CannotOffer, Unusable, nearest
from mailproof.wire.answers import Refused
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.registry import GROUPS, SIGNATURES, SUITES, VERSIONS
from mailproof.wire.tls.suites import is_tls13

_FLAGS = ("server_name", "ticket", "extended_master_secret", "encrypt_then_mac", "renegotiation_info")
_KEYS: Mapping[str, type] = {
    "title": str, "kind": str, "era": int, "versions": str, "suites": str, "groups": str, "shares": str,
    "signatures": str, **dict.fromkeys(_FLAGS, bool), "smallest_dh": int, "largest_dh": int, "basis": str,
    "source": str,
}  # fmt: skip
_OPTIONAL = frozenset({"largest_dh"})
_ID = re.compile(r"[a-z0-9.]+(-[a-z0-9.]+)*")
_ERAS = range(1995, 2100)
_NUMBERS: Mapping[str, Mapping[str, int]] = {
    key: {name: number for number, name in registry.items()}
    for key, registry in (("suites", SUITES), ("groups", GROUPS), ("shares", GROUPS), ("signatures", SIGNATURES))
}


class Kind(StrEnum):
    """What a client does with a mail server."""

    MAIL_PROGRAM = "mail-program"
    SENDER = "sender"


class Basis(StrEnum):
    """How we know a hello: a recording of the program itself, the documented list of the library that it uses, or put
    together from recordings of others."""

    RECORDED = "recorded"
    DOCUMENTED = "documented"
    RECONSTRUCTED = "reconstructed"


class Outcome(StrEnum):
    """What becomes of a connection between a client and a server."""

    REFUSED = "refused"
    GIVES_UP = "the client gives up"
    SAFE = "agreed, forward secret"
    UNSAFE = "agreed, not forward secret"


@dataclass(frozen=True, slots=True)
class Client:
    """A mail program or a sending server of a certain time (``era``, a year).

    ``hello`` is without a server name; ``names_server`` says whether the client sends one. ``smallest_dh`` and
    ``largest_dh`` are the sizes of finite-field Diffie-Hellman that it takes, in bits; 0 and None: no limit is known.
    ``source`` says where the facts come from, ``basis`` of what kind they are.
    """

    id: str
    title: str
    kind: Kind
    era: int
    hello: ClientHello = field(repr=False)
    names_server: bool
    smallest_dh: int
    largest_dh: int | None
    source: str = field(repr=False)
    basis: Basis

    def hello_to(self, server: str) -> ClientHello:
        """What the client says to the server of this name."""
        return self.hello.naming(server if self.names_server else None)

    def objection(self, chosen: Chosen) -> str:
        """Why the client would not go on with a server's choice, "" where it would."""
        if chosen.version not in self.hello.versions:
            return f"it does not speak {chosen.version}"
        if chosen.suite not in self.hello.suites:
            return f"it did not offer {chosen.suite_name}"
        bits = chosen.dh_bits
        if bits is not None and bits < self.smallest_dh:
            return f"it takes no DH below {self.smallest_dh} bits, and gets {bits}"
        if bits is not None and self.largest_dh is not None and bits > self.largest_dh:
            return f"it takes no DH above {self.largest_dh} bits, and gets {bits}"
        return ""

    def __str__(self) -> str:
        return self.title


@dataclass(frozen=True, slots=True)
class Simulation:
    """A client, a server's answer to its hello, and what becomes of the two."""

    client: Client
    answer: Chosen | Refused
    outcome: Outcome

    @property
    def goes_on(self) -> bool:
        """Whether the two would talk under TLS."""
        return self.outcome in (Outcome.SAFE, Outcome.UNSAFE)

    @property
    def told(self) -> str:
        """The outcome, and what was agreed or why nothing was, in one line."""
        if isinstance(self.answer, Refused):
            return str(self.answer)
        return f"{self.outcome}: {self.client.objection(self.answer) or self.answer}"

    def __str__(self) -> str:
        return f"{self.client}: {self.told}"


def simulate(client: Client, answer: Chosen | Refused) -> Simulation:
    """What becomes of a client that gets this answer to its hello."""
    return Simulation(client, answer, _outcome(client, answer))


def simulation_table(found: Mapping[str, Iterable[Simulation]]) -> tuple[tuple[str, ...], ...]:
    """Clients against services (``found``: simulations by service) as rows of text, the head first: title, year, basis,
    then a cell for each service, "" where a client was not asked of it. Mail programs first, by year."""
    cells = {(each.client.id, service): each for service, simulations in found.items() for each in simulations}
    clients = {each.client.id: each.client for each in cells.values()}.values()
    head = ("client", "year", "basis", *found)
    return (head, *(_row(client, list(found), cells) for client in sorted(clients, key=_order)))


def load_clients(path: Path) -> dict[str, Client]:
    """Id -> client, in the file's order. Raises `Unusable` naming the file, the client and the field."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{path} cannot be read: {error}") from None
    if not tables:
        raise Unusable(f"{path} holds no clients")
    return {id: _Table(path, id, table).client() for id, table in tables.items()}


def _outcome(client: Client, answer: Chosen | Refused) -> Outcome:
    if isinstance(answer, Refused):
        return Outcome.REFUSED
    if client.objection(answer):
        return Outcome.GIVES_UP
    return Outcome.SAFE if answer.forward_secret else Outcome.UNSAFE


def _order(client: Client) -> tuple[bool, int, str]:
    return client.kind is Kind.SENDER, client.era, client.title


def _row(client: Client, services: Sequence[str], cells: Mapping[tuple[str, str], Simulation]) -> tuple[str, ...]:
    found = [cells.get((client.id, service)) for service in services]
    return client.title, str(client.era), client.basis.value, *("" if each is None else each.told for each in found)


@dataclass(frozen=True, slots=True)
class _Table:
    """One client as written."""

    path: Path
    id: str
    data: Any

    def client(self) -> Client:
        self._shape()
        least, most = self.data["smallest_dh"], self.data.get("largest_dh")
        self._holds("smallest_dh", least >= 0, "must be at least 0")
        self._holds("largest_dh", most is None or most > least, "must be above smallest_dh")
        self._holds("era", self.data["era"] in _ERAS, "must be a year")
        return Client(
            self.id, self.data["title"], Kind(self._word("kind", Kind)), self.data["era"], self._hello(),
            self.data["server_name"], least, most, self.data["source"], Basis(self._word("basis", Basis)),
        )  # fmt: skip

    def _shape(self) -> None:
        """The client's id, and its keys: all known, all there, each of its type and none of them blank."""
        if not isinstance(self.data, dict) or not _ID.fullmatch(self.id):
            raise Unusable(f"{self.path}: {self.id} is no client: its id or its table has the wrong form")
        for key in self.data:
            self._known(key, key, _KEYS)
        for key in _KEYS.keys() - _OPTIONAL - self.data.keys():
            self._refuse(key, "is missing")
        for key, value in self.data.items():
            self._holds(key, type(value) is _KEYS[key], f"must be of type {_KEYS[key].__name__}")
        for key in ("title", "source", "versions", "suites"):
            self._holds(key, bool(self.data[key].strip()), "is empty")

    def _hello(self) -> ClientHello:
        versions = self._listed("versions", VERSIONS.values())
        suites, groups, shares, signatures = (
            tuple(numbers[name] for name in self._listed(key, numbers)) for key, numbers in _NUMBERS.items()
        )
        self._consistent(versions, suites, groups, shares, signatures)
        flags = {key: self.data[key] for key in _FLAGS if key not in ("server_name", "ticket")}
        try:
            return ClientHello(versions, suites, groups, self.data["title"], signatures, shares=shares,
                               ticket=b"" if self.data["ticket"] else None, **flags)  # fmt: skip
        except CannotOffer as error:
            self._refuse("versions", f"make no hello: {error}")

    def _consistent(
        self, versions: tuple[str, ...], suites: tuple[int, ...], groups: tuple[int, ...], shares: tuple[int, ...],
        signatures: tuple[int, ...],
    ) -> None:  # fmt: skip
        """What RFC 8446 §4.2 and RFC 5246 §7.4.1.4.1 tie to a version is there with it and only with it."""
        newest = "TLSv1.3" in versions
        modern = newest or "TLSv1.2" in versions
        self._holds("suites", any(map(is_tls13, suites)) is newest, "must hold some of TLS 1.3 with it, and only then")
        self._holds("signatures", bool(signatures) is modern, "must be there with TLS 1.2 and newer, and only then")
        self._holds("groups", bool(groups) or not newest, "must not be empty with TLS 1.3")
        self._holds("shares", bool(shares) is newest, "must be there with TLS 1.3, and only then")
        self._holds("shares", set(shares) <= set(groups), "must be for groups that are offered")

    def _listed(self, key: str, valid: Collection[str]) -> tuple[str, ...]:
        names = tuple(self.data[key].split())
        for name in names:
            self._known(key, name, valid)
        self._holds(key, len(set(names)) == len(names), "names something twice")
        return names

    def _word(self, key: str, words: type[StrEnum]) -> str:
        word: str = self.data[key]
        self._known(key, word, [each.value for each in words])
        return word

    def _known(self, key: str, name: str, valid: Collection[str]) -> None:
        if name in valid:
            return
        close = nearest(name, valid)
        self._refuse(key, f"{name} is unknown" + (f": did you mean {close}?" if close else ""))

    def _holds(self, key: str, holds: bool, what: str) -> None:
        if not holds:
            self._refuse(key, what)

    def _refuse(self, key: str, what: str) -> NoReturn:
        raise Unusable(f"{self.path}: {self.id}.{key}: {what}")
