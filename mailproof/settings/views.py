"""What a daemon says it uses: frozen views of effective settings. Knows no commands and no format of their output.

A setting that a view does not hold raises: it is never an empty string, which is a value of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mailproof.errors import Ambiguous, UnknownSetting
from mailproof.model import Daemon
from mailproof.settings.postfix import command
from mailproof.settings.screening import BEHIND, SCREEN, Place, places


@dataclass(frozen=True, slots=True)
class PostfixView:
    """Postfix's settings: main.cf with defaults, all ``$name`` expanded, and what master.cf overrides.

    ``entries`` maps ``service/type`` (as ``postconf -P`` names it) to the row's eight fields, joined by single blanks;
    ``overrides`` maps it to its ``-o`` settings. ``complaints`` are the lines that any postconf call left on stderr.
    ``library`` is the TLS library that Postfix runs with (``OpenSSL 3.5.7``).
    """

    version: str
    library: str
    values: Mapping[str, str]
    overrides: Mapping[str, Mapping[str, str]]
    entries: Mapping[str, str]
    map_types: frozenset[str]
    complaints: tuple[str, ...] = ()

    def effective(self, entry: str, name: str) -> str:
        """The value that rules at a master.cf entry (``smtp/inet``; ``""`` for main.cf alone).

        Behind postscreen it is the one on which all agree that serve the port (`mailproof.settings.screening`): raises
        `Ambiguous` where they differ. Raises `UnknownSetting` where this release has no such parameter, or master.cf no
        such entry.
        """
        if not self._screened(entry):
            return self._at(entry, name)
        found = {place: self._at(*place) for place in self._places(entry, name)}
        if len(set(found.values())) > 1:
            said = ", ".join(f"{place.entry}: {place.name} = {value}" for place, value in found.items())
            raise Ambiguous(f"behind postscreen, {name} is not the same for known and for new clients: {said}")
        return next(iter(found.values()))

    def _screened(self, entry: str) -> bool:
        return entry in self.entries and command(self.entries[entry]) == SCREEN

    def _places(self, screen: str, name: str) -> Iterator[Place]:
        smtpd, tlsproxy = (f"{self._at(screen, service)}/{kind}" for service, kind in BEHIND.items())
        for place in places(screen, smtpd, tlsproxy, name):
            if place.name == name or place.name in self.values:
                yield place
                if name in self.overrides.get(place.entry, {}):
                    yield Place(place.entry, name)

    def _at(self, entry: str, name: str) -> str:
        if entry and entry not in self.entries:
            raise UnknownSetting(f"master.cf has no entry {entry}")
        if name in self.overrides.get(entry, {}):
            return self.overrides[entry][name]
        if name not in self.values:
            raise UnknownSetting(f"Postfix {self.version} does not know the parameter {name}")
        return self.values[name]


@dataclass(frozen=True, slots=True)
class DovecotView:
    """Dovecot's settings with defaults, in one flat level.

    Blocks are flattened: ``ssl_server { cert_file }`` as ``ssl_server_cert_file``, named ones as ``doveconf`` accepts
    them (``service/imap-login/inet_listener/imap/port``). ``protocols`` keeps what ``protocol NAME { }`` sections
    override; ``scopes`` are the other conditional sections (``local``, ``remote``, ``local_name``), by heading.
    ``hidden`` are names whose value doveconf withholds. ``library``: see `PostfixView`.
    """

    version: str
    library: str
    values: Mapping[str, str]
    protocols: Mapping[str, Mapping[str, str]]
    scopes: Mapping[str, Mapping[str, str]]
    hidden: frozenset[str] = frozenset()
    complaints: tuple[str, ...] = ()

    def effective(self, protocol: str, name: str) -> str:
        """The value that rules for a protocol (``imap``; ``""`` outside of protocol sections).

        Raises `UnknownSetting` where this release has no such setting, or withholds its value.
        """
        if name in self.hidden:
            raise UnknownSetting(f"Dovecot {self.version} does not show the value of {name}")
        found = self.protocols.get(protocol, {}).get(name, self.values.get(name))
        if found is None:
            raise UnknownSetting(f"Dovecot {self.version} does not know the setting {name}")
        return found


@dataclass(frozen=True, slots=True)
class Readings:
    """One reading of a target: both daemons, the versions of the packages that matter, and the Debian version.

    ``refused``: what a daemon's own tool says of a configuration that it refuses; of that daemon nothing is shown.
    """

    postfix: PostfixView
    dovecot: DovecotView
    packages: Mapping[str, str]
    os: str
    refused: Mapping[Daemon, tuple[str, ...]] = field(default_factory=dict)
