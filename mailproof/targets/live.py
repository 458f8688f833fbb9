"""A live host: looked at with commands that only read, talked to sparingly, and never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Any

from mailproof.dialect import Dialects
from mailproof.errors import CannotOffer, Unreachable, Unread
from mailproof.model import Daemon, Release, Service
from mailproof.settings import Readings, dovecot_services, features, parse_readings, postfix_services
from mailproof.targets.decisions import SENDERS
from mailproof.targets.hosts import Host, trusted_here
from mailproof.targets.polling import Polled
from mailproof.targets.readonly import ReadOnly
from mailproof.targets.ready import last_words
from mailproof.wire.offers import ClientCertificate
from mailproof.wire.stream import SocketStream

PAUSE = 0.05
"""Seconds between two connections to one host, where it sets no limit of its own."""
ABROAD = "sender@iana.org"
"""A sender of a domain that there is: hosts ask DNS for it. Nobody gets mail from or for him."""
_RATE = "smtpd_client_connection_rate_limit"


@dataclass(slots=True)
class Live:
    """A host that others depend on, as a `mailproof.targets.target.Target`."""

    key: str
    host: Host
    inside: ReadOnly
    address: str
    readings: Readings
    dialects: Dialects
    told: Mapping[str, Any]
    client_certificate: ClientCertificate | None
    _log: Polled | None = None
    _last: float = 0.0

    @classmethod
    def attach(
        cls, state: Mapping[str, Any], host: Host, dialects: Dialects, certificate: ClientCertificate | None
    ) -> Live:
        """A host as this process sees it, from what the controlling process published."""
        found = state["live"]
        readings = parse_readings(state["text"], refusable=True)
        return cls(state["started"]["key"], host, host.inside(), found["address"], readings, dialects,
                   found, certificate)  # fmt: skip

    @property
    def release(self) -> Release:
        """What runs on it, as far as it says so."""
        return Release(self.key, "", f"{self.key} (Debian {self.readings.os})", "", "", "")

    @property
    def services(self) -> tuple[Service, ...]:
        """What is declared, the daemons themselves first."""
        return services_of(self.readings)

    @property
    def features(self) -> frozenset[str]:
        """What the configuration uses that some controls need."""
        return features(self.readings.postfix)

    @property
    def follower(self) -> Polled:
        """The log, from the first time that it is asked for; raises `Unread` where none can be read."""
        if self._log is None:
            if self.told["log"] is None:
                raise Unread(f"no mail log of {self.key} can be read")
            self._log = Polled(self.inside, self.told["log"])
        return self._log

    @property
    def name(self) -> str:
        """The name by which clients call it."""
        return self.readings.postfix.values.get("myhostname") or self.address

    @property
    def home(self) -> str:
        """The one address that every domain has (RFC 5321 §4.5.1)."""
        found: str = self.told["home"]
        return found

    @property
    def senders(self) -> Mapping[str, str]:
        """Kinds of senders, and an address of each."""
        return {**SENDERS, "foreign sender": ABROAD, "local sender": self.home}

    @property
    def authority(self) -> bytes:
        """The authorities that this very machine trusts."""
        return trusted_here()

    @property
    def refused(self) -> Mapping[str, Iterable[str]]:
        """Daemons whose own tool refuses the configuration, with its words."""
        return {daemon.value: words for daemon, words in self.readings.refused.items()}

    def connect(self, service: Service) -> Callable[[float], SocketStream]:
        """How a client reaches a service: never faster than the host allows."""
        if service.port is None:
            raise Unreachable(f"{service} is reached on the host alone")
        port = service.port

        def paced(deadline: float) -> SocketStream:
            left = self._last + pause(self.readings) - monotonic()
            if left > 0:
                Event().wait(left)
            self._last = monotonic()
            return SocketStream.connect(self.address, port, deadline)

        return paced

    def account(self) -> tuple[str, str]:
        """Nobody: raises `CannotOffer`."""
        raise CannotOffer("nobody logs in on a live host")

    def client(self, name: str) -> ClientCertificate:
        """The certificate that the caller handed over, as the listed client; raises `CannotOffer` for any other."""
        if name != "listed" or self.client_certificate is None:
            raise CannotOffer(f"no client {name} is known to a live host")
        return self.client_certificate

    def complaints(self, daemon: Daemon) -> tuple[str, ...]:
        """What the tools say; what was said at the start is lost in the log's past."""
        return (self.readings.postfix if daemon is Daemon.POSTFIX else self.readings.dovecot).complaints

    def silent(self, services: Iterable[Service]) -> Mapping[str, str]:
        """Services on whose port nothing listens. One that does not answer us may be kept from us on the way."""
        closed = self.told["closed"]
        return {str(each): closed[str(each)] for each in services if str(each) in closed}

    def table_keys(self, table: str) -> list[str]:
        """The keys of a Postfix lookup table, whatever its type; raises `Unread` where it can't be listed."""
        done = self.inside.run(f"postmap -s {table}")
        if done.status:
            raise Unread(f"the keys of {table} cannot be listed: {last_words(done.errors)}")
        return [line.split()[0] for line in done.text.splitlines() if line.strip()]

    def close(self) -> None:
        """Nothing was started, nothing is ended."""


def services_of(readings: Readings) -> tuple[Service, ...]:
    """What a host declares, as far as its daemons show it."""
    found: tuple[Service, ...] = ()
    if readings.postfix.values:
        found += postfix_services(readings.postfix)
    return found + dovecot_services(readings.dovecot) if readings.dovecot.values else found


def homes(readings: Readings, tables: Iterable[str]) -> list[str]:
    """Who may be at home on a host, the likeliest first: the postmaster of every domain that its settings or ``tables``
    spell out, of its own, and of none."""
    values = readings.postfix.values
    names = (
        "mydestination",
        "virtual_mailbox_domains",
        "virtual_alias_domains",
        "relay_domains",
        "mydomain",
        "myhostname",
    )
    words = [word for name in names for word in values.get(name, "").replace(",", " ").split()]
    named = [word for word in (*words, *tables) if "." in word and not set(word) & set("/:$@")]
    domains = dict.fromkeys(word for word in named if not word.startswith("localhost"))
    return [*(f"postmaster@{domain}" for domain in domains), "postmaster"]


def readable_tables(readings: Readings) -> list[str]:
    """The tables of domains that postmap(1) can list."""
    values = readings.postfix.values
    words = [
        word
        for name in ("virtual_mailbox_domains", "relay_domains")
        for word in values.get(name, "").replace(",", " ").split()
    ]
    return [word for word in words if word.partition(":")[0] in ("hash", "btree", "lmdb", "cdb", "texthash")]


def pause(readings: Readings) -> float:
    """Seconds between two connections: no more of them in a unit of time than Postfix allows a client (anvil(8))."""
    limit = readings.postfix.values.get(_RATE, "0")
    unit = readings.postfix.values.get("anvil_rate_time_unit", "60s").rstrip("s")
    if not (limit.isdecimal() and unit.isdecimal() and int(limit)):
        return PAUSE
    return max(PAUSE, 1.1 * int(unit) / int(limit))
