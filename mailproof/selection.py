"""What the caller chose, checked before anything starts: releases, profiles, and the containers they make.

A wrong name ends here, as `Unusable`, with the file or option, what is wrong, and the nearest valid name.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mailproof.catalogue import askers, catalogue
from mailproof.dialect import Dialects, older
from mailproof.errors import NoTranslation, Unusable
from mailproof.model import Daemon, Release
from mailproof.plan import Proof, Subject
from mailproof.profile import Profile, load_profiles
from mailproof.releases import choose, load_releases
from mailproof.subjects import as_it_is, dressed
from mailproof.targets.hosts import Host, load_certificate
from mailproof.targets.lab import Wanted
from mailproof.targets.live import Live
from mailproof.targets.people import People, gather
from mailproof.targets.receiver import wanted_receiver
from mailproof.targets.resolver import wanted_resolver
from mailproof.targets.specimen import Specimen
from mailproof.targets.twin.publish import twin_files, twin_ports
from mailproof.targets.wardrobe import dress, files, outfit
from mailproof.trees import STOCK, Tree, load_trees
from mailproof.wire.gate import rules_of
from mailproof.wire.offers import ClientCertificate

_COUNTS = frozenset({"smallest_dh", "ticket_key_hours"})
STOCK_PORTS = (25, 465, 587, 110, 143, 993, 995, 2000, 4190)
"""Every port on which a packaged Postfix or Dovecot listens on some release (2000: ManageSieve's old one)."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, taken apart."""

    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("pfs", "relay")
    mail_configs: tuple[str, ...] = ()
    prove: Proof = Proof.NONE
    strict: bool = False
    exclusive: bool = False
    hosts: tuple[Host, ...] = ()
    client_certificate: str = ""


@dataclass(frozen=True)
class Selection:
    """The checked choice. ``keys`` name the containers of the run: one for each target × profile, or target × tree."""

    root: Path
    options: Options
    releases: tuple[Release, ...]
    profiles: tuple[Profile, ...]
    dialects: Dialects
    people: People
    password: str
    given: tuple[Tree, ...] = ()

    @cached_property
    def trees(self) -> dict[str, Tree]:
        """Container key -> the user's own configuration in it, of those that have one."""
        return {f"{release.name}:{tree.name}": tree for release in self.releases for tree in self.given}

    @cached_property
    def keys(self) -> dict[str, tuple[Release, Profile | None]]:
        """Container key -> its release, and the profile that it wears (None: as packaged)."""
        if self.given:
            return {
                **self._live,
                **{f"{release.name}:{tree.name}": (release, None) for release in self.releases for tree in self.given},
            }
        refused = {*self.too_old, *self.unsaid}
        worn = {key: (release, None if key in refused else profile) for key, (release, profile) in self._pairs.items()}
        return {**self._live, **worn}

    @cached_property
    def hosts(self) -> dict[str, Host]:
        """Key -> live host."""
        return {host.uri.replace("://", ":"): host for host in self.options.hosts}

    @cached_property
    def certificate(self) -> ClientCertificate | None:
        """What the caller handed over for a live host; raises `Unusable`."""
        return load_certificate(self.options.client_certificate) if self.options.client_certificate else None

    @property
    def _live(self) -> dict[str, tuple[Release, Profile | None]]:
        return {key: (Release(key, "", key, "", "", ""), None) for key in self.hosts}

    @cached_property
    def _pairs(self) -> dict[str, tuple[Release, Profile]]:
        if self.hosts and not self.options.targets:
            return {}
        return {f"{r.name}/{profile.name}": (r, profile) for r in self.releases for profile in self.profiles}

    @cached_property
    def too_old(self) -> dict[str, str]:
        """Container key -> why its release cannot meet what the profile requires of its software."""
        found = {key: _too_old(release, profile) for key, (release, profile) in self._pairs.items()}
        return {key: reason for key, reason in found.items() if reason}

    @cached_property
    def unsaid(self) -> dict[str, str]:
        """Container key -> what its release has no words for, although it is new enough for the profile."""
        new = {key: pair for key, pair in self._pairs.items() if key not in self.too_old}
        found = {key: self._unsaid(*pair) for key, pair in new.items()}
        return {key: reason for key, reason in found.items() if reason}

    def _unsaid(self, release: Release, profile: Profile) -> str:
        try:
            dress(outfit(profile), profile, release, self.dialects, self.password)
        except NoTranslation as error:
            return f"{release.title} cannot wear the profile {profile.name}: {error}"
        return ""

    def wanted(self) -> list[Wanted]:
        """The containers to start. The specimens come last: some wait for the resolver, and it for the destinations
        that its names lead to."""
        names = any(self.resolves(key) for key in self.keys)
        beside = [*([self._receiver()] if self.sends else []), *([wanted_resolver(self._stable())] if names else [])]
        return [*beside, *(self._wanted(key, *pair) for key, pair in self.keys.items() if key not in self.hosts)]

    def _wanted(self, key: str, release: Release, profile: Profile | None) -> Wanted:
        tree = self.trees.get(key)
        if tree and not tree.stock:
            return Wanted(key, release, twin_files(tree), twin_ports(tree, STOCK_PORTS))
        return Wanted(key, release, files(release, profile, self.people, self.dialects, self.password), _ports(profile))

    @cached_property
    def sends(self) -> bool:
        """Whether a specimen of the run is asked how it sends mail."""
        return any(self._asks(key, "sending", "dane", "advice") for key in self.keys)

    def resolves(self, key: str) -> bool:
        """Whether a specimen is asked what it makes of DNS."""
        return self._asks(key, "dane")

    def _asks(self, key: str, *capabilities: str) -> bool:
        _, profile = self.keys[key]
        asking = frozenset().union(*(askers(self.root / "tests", each) for each in capabilities))
        return profile is not None and not asking.isdisjoint(profile.requires)

    def _receiver(self) -> Wanted:
        authority = next(iter(self.people.servers.values())).authority
        return wanted_receiver(self._stable(), authority, self.dialects)

    def _stable(self) -> Release:
        return choose((), load_releases(self.root / "containers" / "releases.toml"))[0]

    def subjects(self, target: Callable[[str], Specimen | Live]) -> tuple[Subject, ...]:
        """Targets under profiles, in the order asked for; those that wear none are asked for their services."""
        tests, certificate = self.root / "tests", bool(self.options.client_certificate)
        found = [as_it_is(key, profile, target, tests, certificate)
                 for key in (*self.hosts, *self.trees) for profile in self.profiles]  # fmt: skip
        refused = {**self.too_old, **self.unsaid}
        worn = {} if self.given else self._pairs
        return (*found, *(dressed(key, *pair, refused.get(key, "")) for key, pair in worn.items()))

    def target_facts(self, key: str) -> dict[str, Any]:
        """What the record says of a target before it runs."""
        release, worn = self.keys[key]
        if key in self.hosts:
            return {"name": key, "kind": "live", "release": "", "profile": None}
        profile = None if self.given else self._pairs[key][1].name
        own = key in self.trees and not self.trees[key].stock
        kind = "config" if own else "specimen" if worn else STOCK
        return {"name": key.partition("/")[0], "kind": kind, "release": release.name, "profile": profile}


def select(root: Path, options: Options, here: Path, people: People | None = None, password: str = "") -> Selection:
    """Check the options against mailproof's data; raises `Unusable`. ``here`` is the caller's directory."""
    releases = load_releases(root / "containers" / "releases.toml")
    dialects = Dialects.load(root / "fixtures" / "dialects")
    controls = catalogue(root / "tests")
    known = {daemon: dialects.newest(daemon) for daemon in Daemon}
    names = [str(here / name) if "/" in name or name.endswith(".toml") else name for name in options.profiles]
    profiles = load_profiles(names, root / "fixtures" / "profiles", controls, known)
    for profile in profiles:
        _check_parameters(profile)
    for given, others in (("--mail-config", options.mail_configs), ("--hosts", options.hosts)):
        if options.prove and others:
            raise Unusable(f"--prove breaks what it judges, so it goes with specimens only: leave out {given}")
    return Selection(
        root, options, choose(options.targets, releases), profiles, dialects,
        people or gather(sorted({key for profile in profiles for key in profile.certificates}), bool(options.prove)),
        password or secrets.token_urlsafe(18), load_trees(options.mail_configs, here, options.exclusive),
    )  # fmt: skip


def _check_parameters(profile: Profile) -> None:
    """What controls would stumble over one by one is refused before anything starts."""
    try:
        if "tls" in profile.parameters:
            rules_of(profile.parameters["tls"])
    except Unusable as wrong:
        raise Unusable(f"{profile.path}: {wrong}") from wrong
    for name in _COUNTS & set(profile.parameters):
        if not isinstance(profile.parameters[name], int):
            raise Unusable(f"{profile.path}: the parameter {name} must be a whole number")


def _ports(profile: Profile | None) -> tuple[int, ...]:
    if profile is None:
        return STOCK_PORTS
    return tuple(service.port for service in profile.services if service.port)


def _too_old(release: Release, profile: Profile) -> str:
    ships = {"postfix": release.postfix, "dovecot": release.dovecot, "openssl": release.openssl}
    old = [f"{name} {ships[name]} (required: {least})" for name, least in profile.versions.items()
           if ships[name] and older(ships[name], least)]  # fmt: skip
    reason = profile.parameters.get("reason")
    why = f": {reason}" if reason else ""
    return f"{release.title} is too old for the profile {profile.name}, it has {', '.join(old)}{why}" if old else ""
