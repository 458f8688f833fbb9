"""What the caller chose, checked before anything starts: releases, profiles, and the containers they make.

A wrong name ends here, as `Unusable`, with the file or option, what is wrong, and the nearest valid name.
"""

from __future__ import annotations

import ast
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from mailproof.dialect import Dialects, older
from mailproof.errors import MailproofError, NoTranslation, Unusable
from mailproof.model import Daemon, Release, Role, Service
from mailproof.plan import Proof, Subject
from mailproof.profile import ControlFacts, Profile, load_profiles
from mailproof.releases import choose, load_releases
from mailproof.settings import DOVECOT_DAEMON, POSTFIX_DAEMON, features_of
from mailproof.targets.lab import Wanted
from mailproof.targets.people import People, gather
from mailproof.targets.receiver import wanted_receiver
from mailproof.targets.resolver import wanted_resolver
from mailproof.targets.specimen import Specimen
from mailproof.targets.twin.publish import twin_files, twin_ports
from mailproof.targets.twin.twin import Twin
from mailproof.targets.wardrobe import dress, files, outfit
from mailproof.trees import STOCK, Tree, load_trees
from mailproof.wire.gate import rules_of

ROOMS = ("config", "handshake", "relay", "logs")
_COUNTS = frozenset({"smallest_dh", "ticket_key_hours"})
WAY_OUT = "lab-destinations"
"""The feature of a target whose mail to destinations of the lab gets there."""
STOCK_PORTS = (25, 465, 587, 110, 143, 993, 995, 2000, 4190)
"""Every port on which a packaged Postfix or Dovecot listens on some release (2000: ManageSieve's old one)."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, taken apart."""

    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ("pfs", "relay")
    mail_configs: tuple[str, ...] = ()
    exclusive: bool = False
    prove: Proof = Proof.NONE
    strict: bool = False


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
            return {f"{release.name}:{tree.name}": (release, None) for release in self.releases for tree in self.given}
        refused = {*self.too_old, *self.unsaid}
        return {key: (release, None if key in refused else profile) for key, (release, profile) in self._pairs.items()}

    @cached_property
    def _pairs(self) -> dict[str, tuple[Release, Profile]]:
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
        return [*beside, *(self._wanted(key, *pair) for key, pair in self.keys.items())]

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

    def subjects(self, specimen: Callable[[str], Specimen]) -> tuple[Subject, ...]:
        """Targets under profiles, in the order asked for; a stock target is asked for its services."""
        if not self.given:
            refused = {**self.too_old, **self.unsaid}
            return tuple(_dressed(key, *pair, refused.get(key, "")) for key, pair in self._pairs.items())
        return tuple(_as_it_is(key, profile, specimen) for key in self.keys for profile in self.profiles)

    def target_facts(self, key: str) -> dict[str, Any]:
        """What the record says of a target before it runs."""
        release, worn = self.keys[key]
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
    if options.prove and options.mail_configs:
        raise Unusable("--prove breaks what it judges, so it goes with specimens only: leave out --mail-config")
    return Selection(
        root, options, choose(options.targets, releases), profiles, dialects,
        people or gather(sorted({key for profile in profiles for key in profile.certificates}), bool(options.prove)),
        password or secrets.token_urlsafe(18), load_trees(options.mail_configs, here, options.exclusive),
    )  # fmt: skip


@cache
def catalogue(tests: Path) -> Mapping[str, ControlFacts]:
    """Every control's id with the roles and parameters that it declares, read from the source without running it:
    profiles are checked against it before pytest collects anything."""
    found: dict[str, ControlFacts] = {}
    for module in _modules(tests):
        found |= dict(_controls(module))
    return found


@cache
def askers(tests: Path, capability: str) -> frozenset[str]:
    """The ids of the controls that ask a capability, read from the source without running it."""
    functions = [node for module in _modules(tests) for node in module.body if isinstance(node, ast.FunctionDef)]
    asking = [each for each in functions if capability in {argument.arg for argument in each.args.args}]
    return frozenset(id for each in asking for id, _ in _controls(each))


@cache
def _modules(tests: Path) -> tuple[ast.Module, ...]:
    paths = [path for room in ROOMS for path in sorted((tests / room).glob("test_*.py"))]
    return tuple(ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in paths)


def _controls(tree: ast.AST) -> Iterable[tuple[str, ControlFacts]]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "control":
            words = {keyword.arg: keyword.value for keyword in call.keywords}
            yield ast.literal_eval(call.args[0]), ControlFacts(_roles(words["on"]), _literal(words.get("parameters")))


def _roles(node: ast.expr) -> frozenset[Role]:
    """The roles that an ``on=`` names: constants of mailproof.controls, TLS_ROLES among them."""
    names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    tls = {Role.MX, Role.SUBMISSION, Role.ACCESS, Role.RELAY}
    return frozenset().union(*(tls if name == "TLS_ROLES" else {Role[name]} for name in names))


def _literal(node: ast.expr | None) -> tuple[str, ...]:
    return tuple(ast.literal_eval(node)) if node else ()


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


def _dressed(key: str, release: Release, profile: Profile, refused: str = "") -> Subject:
    services: tuple[Service, ...] = (POSTFIX_DAEMON, DOVECOT_DAEMON, *profile.services)
    values = [*profile.postfix.values(), *(value for each in profile.overrides.values() for value in each.values())]
    return Subject(release.name, profile, key, services, profile.certificates, features_of(values) | {WAY_OUT},
                   refused)  # fmt: skip


def _as_it_is(key: str, profile: Profile, specimen: Callable[[str], Specimen]) -> Subject:
    """A target that does not run has a case for each service that the profile expects: each says why it is an error."""
    try:
        found = specimen(key)
    except MailproofError:
        return replace(_dressed(key, Release(key, "", "", "", "", ""), profile), target=key)
    subject = Subject(key, profile, key, found.services, ("rsa",), found.features)
    return of_twin(subject, found.twin, found.release) if found.twin else subject


def of_twin(subject: Subject, twin: Twin, release: Release) -> Subject:
    """A twin as a subject: with what cannot be asked of it."""
    stopped = {
        daemon: f"{daemon} does not start on {release.title}: {words[0]}" for daemon, words in twin.refused.items()
    }
    needs = {f"{daemon} {need}": why for daemon, each in twin.unchecked.items() for need, why in each.items()}
    mute = {service: f"{service} does not serve: {why}" for service, why in twin.silent.items()}
    kinds = {service: tuple(each) for service, each in twin.kinds.items()}
    return replace(subject, features=subject.features | {WAY_OUT}, kinds=kinds, unchecked={**stopped, **needs, **mute})
