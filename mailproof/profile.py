"""fixtures/profiles/NAME.toml → `Profile`: what a profile wears, what it requires of whom, and by which parameters.

Every name in a profile is checked before anything starts: a typo must not become a requirement that nobody asks, or a
setting that nobody wears. Reads profile files and nothing else; must not know releases, targets or checks' code.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from mailproof.errors import Unusable, nearest
from mailproof.model import Daemon, Level, Protocol, Role, Security, Service, Settings, Step
from mailproof.tables import File
from mailproof.verbatim import read_material, read_steps

_KEYS: Mapping[str, type] = {
    "name": str, "title": str, "edition": date, "source": str, "extends": str, "abstract": bool, "certificates": list,
    "versions": dict, "reason": str, "services": dict, "requires": dict, "parameters": dict, "settings": dict,
    "verbatim": bool, "steps": list, "material": dict,
}  # fmt: skip
_IDENTITY = ("name", "title", "edition", "source")
_VERSIONED = ("postfix", "dovecot", "openssl")
_SERVICE_KEYS: Mapping[str, type] = {
    "port": int, "role": str, "protocol": str, "security": str, "daemon": str, "entry": str, "postfix": dict,
}  # fmt: skip
_CERTIFICATE = re.compile(r"rsa-(2048|3072|4096)|ecdsa-p(256|384)")


@dataclass(frozen=True, slots=True)
class ControlFacts:
    """What a profile must respect of a control: the roles it can judge and the parameters it reads."""

    roles: frozenset[Role]
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A hardening profile, with everything that it extends merged in; settings are in the newest vocabulary.

    A ``verbatim`` profile wears no settings but what its ``steps`` paste, over ``material`` that they presuppose (path
    -> whose). ``services`` are those that a specimen has, ``overrides`` their master.cf settings by service id
    (``submission:587``). ``requires`` maps a control's id to a level for each role that it is asked of. ``parameters``
    are TOML values by name, ``versions`` (the least version by software) and ``reason`` (why no older one will do)
    among them. ``certificates`` are the keys
    that a specimen is given (``rsa-2048``). ``sha256`` is over the files of the ``extends`` chain, base first.
    """

    name: str
    title: str
    edition: str
    source: str
    certificates: tuple[str, ...]
    versions: Mapping[str, str]
    services: tuple[Service, ...]
    overrides: Mapping[str, Settings]
    requires: Mapping[str, Mapping[Role, Level]]
    parameters: Mapping[str, object]
    postfix: Settings
    dovecot: Settings
    sha256: str
    path: str
    verbatim: bool = False
    steps: tuple[Step, ...] = ()
    material: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The names that a profile may use."""

    controls: Mapping[str, ControlFacts]
    known: Mapping[Daemon, frozenset[str]]

    @property
    def parameters(self) -> set[str]:
        return {name for control in self.controls.values() for name in control.parameters} - {"versions", "reason"}


def load_profiles(
    names_or_paths: Sequence[str],
    directory: Path,
    controls: Mapping[str, ControlFacts],
    known: Mapping[Daemon, frozenset[str]],
) -> tuple[Profile, ...]:
    """The chosen profiles in the order asked for; a name with a slash or ``.toml`` is a path.

    Raises `Unusable` with one sentence: the file, the key, what is wrong with it, and the nearest valid name.
    """
    vocabulary = _Vocabulary(controls, known)
    found: dict[str, Profile] = {}
    for wanted in dict.fromkeys(names_or_paths):
        profile = _load(_path(wanted, directory, "--profile"), directory, vocabulary)
        if profile.name in found:
            raise Unusable(f"{profile.path}: the name {profile.name} is taken by {found[profile.name].path}")
        found[profile.name] = profile
    return tuple(found.values())


def _load(path: Path, directory: Path, vocabulary: _Vocabulary) -> Profile:
    chain = _chain(path, directory, ())
    for file in chain:
        _check(file, vocabulary)
    merged: dict[str, Any] = {}
    for file in chain:
        merged = _merged(merged, file.data)
    chosen = chain[-1]
    if chosen.data.get("abstract"):
        chosen.refuse("the profile is abstract: it can only be extended, not chosen")
    for key in ("certificates", "requires"):
        if not merged.get(key):
            chosen.refuse(f"{key} is empty: a profile gives a specimen certificates and requires something of it")
    digest = hashlib.sha256(b"".join(file.content for file in chain)).hexdigest()
    return _profile(chosen, merged, digest)


def _path(name: str, directory: Path, where: str) -> Path:
    if "/" in name or name.endswith(".toml"):
        return Path(name)
    names = sorted(path.stem for path in directory.glob("*.toml"))
    if name not in names:
        close = nearest(name, names)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(names) or 'none'}"
        raise Unusable(f"{where}: there is no profile {name} in {directory} ({hint})")
    return directory / f"{name}.toml"


def _chain(path: Path, directory: Path, above: tuple[Path, ...]) -> list[File]:
    """The file and all that it extends, base first."""
    if path.resolve() in above:
        raise Unusable(f"{path}: extends: the profile extends itself")
    try:
        content = path.read_bytes()
        data = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise Unusable(f"{path}: the profile cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Unusable(f"{path}: the profile is no TOML: {error}") from None
    file = File(path, content, data)
    file.typed("top level", data, _KEYS)
    base = data.get("extends")
    below = _chain(_base(file, base, directory), directory, (*above, path.resolve())) if base else []
    return [*below, file]


def _base(file: File, name: str, directory: Path) -> Path:
    found = _path(name, directory, f"{file.path}: extends")
    return file.path.parent / found if "/" in name or name.endswith(".toml") else found


def _merged(base: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Tables merge key by key, at every depth; anything else is replaced."""
    both = {key: _merged(base[key], child[key]) for key in base.keys() & child.keys() if isinstance(base[key], dict)}
    return {**base, **child, **both}


def _check(file: File, vocabulary: _Vocabulary) -> None:
    """Refuse whatever is wrong in one file by itself."""
    for key in _IDENTITY:
        if key not in file.data:
            file.refuse(f"{key} is missing")
    if file.data["name"] != file.path.stem:
        file.refuse(f"name is {file.data['name']!r}, but the file is called {file.path.name}")
    for key in file.data.get("certificates", []):
        if not isinstance(key, str) or not _CERTIFICATE.fullmatch(key):
            file.refuse(
                f"certificates: there is no {key} (there are rsa-2048, rsa-3072, rsa-4096, ecdsa-p256, ecdsa-p384)"
            )
    for check in (
        _check_versions, _check_settings, _check_services, _check_requires, _check_parameters, _check_verbatim,
    ):  # fmt: skip
        check(file, vocabulary)


def _check_versions(file: File, _: _Vocabulary) -> None:
    for name, version in file.texts("[versions]", file.data.get("versions", {})).items():
        file.known("[versions]", name, _VERSIONED)
        if not re.fullmatch(r"\d+(\.\d+)*[a-z]?", version):
            file.refuse(f"[versions]: {name} must be a version, not {version!r}")


def _check_settings(file: File, vocabulary: _Vocabulary) -> None:
    for daemon, settings in file.data.get("settings", {}).items():
        file.known("[settings]", daemon, Daemon)
        _check_names(file, f"[settings.{daemon}]", settings, vocabulary.known[Daemon(daemon)])


def _check_names(file: File, key: str, settings: object, known: Iterable[str]) -> None:
    for name in file.texts(key, settings):
        file.known(key, name, known)


def _check_services(file: File, vocabulary: _Vocabulary) -> None:
    words: Mapping[str, type[StrEnum]] = {"role": Role, "protocol": Protocol, "security": Security, "daemon": Daemon}
    for name, service in file.data.get("services", {}).items():
        key = f"[services.{name}]"
        if not isinstance(service, dict):
            file.refuse(f"{key} must be a table")
        file.typed(key, service, _SERVICE_KEYS)
        for word, kind in words.items():
            if word in service:
                file.known(f"{key} {word}", service[word], kind)
        _check_names(file, f"[services.{name}.postfix]", service.get("postfix", {}), vocabulary.known[Daemon.POSTFIX])


def _check_requires(file: File, vocabulary: _Vocabulary) -> None:
    for control, levels in file.data.get("requires", {}).items():
        key = f"[requires] {control}"
        file.known("[requires]", control, vocabulary.controls)
        for role, level in file.texts(key, levels).items():
            file.known(key, role, Role)
            file.known(f"{key} {role}", level, Level)
            if Role(role) not in vocabulary.controls[control].roles:
                able = ", ".join(sorted(vocabulary.controls[control].roles))
                file.refuse(f"{key}: the control cannot judge the role {role} (it can judge {able})")


def _check_parameters(file: File, vocabulary: _Vocabulary) -> None:
    for name in file.data.get("parameters", {}):
        file.known("[parameters]", name, vocabulary.parameters)


def _check_verbatim(file: File, _: _Vocabulary) -> None:
    """What is pasted goes with nothing that is worn, else nobody could tell whose effect is seen."""
    if not file.data.get("verbatim"):
        for key in ("steps", "material"):
            if key in file.data:
                file.refuse(f"{key} belongs to a verbatim profile")
        return
    worn = [name for name, service in file.data.get("services", {}).items() if service.get("postfix")]
    if file.data.get("extends") or file.data.get("settings") or worn:
        file.refuse("a verbatim profile wears what its steps paste and nothing else: no extends, no settings")


def _profile(file: File, merged: Mapping[str, Any], digest: str) -> Profile:
    services = {name: _service(file, name, table) for name, table in merged.get("services", {}).items()}
    overrides = {str(services[name]): table["postfix"] for name, table in merged.get("services", {}).items()
                 if table.get("postfix")}  # fmt: skip
    settings, versions = merged.get("settings", {}), merged.get("versions", {})
    requires = {
        control: {Role(role): Level(level) for role, level in levels.items()}
        for control, levels in merged["requires"].items()
    }
    return Profile(
        name=merged["name"], title=merged["title"], edition=merged["edition"].isoformat(), source=merged["source"],
        certificates=tuple(merged["certificates"]), versions=versions, services=tuple(services.values()),
        overrides=overrides, requires=requires,
        parameters={**merged.get("parameters", {}), "versions": versions, "reason": merged.get("reason", "")},
        postfix=settings.get("postfix", {}), dovecot=settings.get("dovecot", {}), sha256=digest, path=str(file.path),
        verbatim=merged.get("verbatim", False), steps=read_steps(file, merged.get("steps", ())),
        material=read_material(file, merged.get("material", {})),
    )  # fmt: skip


def _service(file: File, name: str, table: Mapping[str, Any]) -> Service:
    """A service of the merged profile; what is not said is Postfix, SMTP, STARTTLS, and the port as master.cf entry."""
    if "role" not in table:
        file.refuse(f"[services.{name}]: role is missing")
    daemon = Daemon(table.get("daemon", Daemon.POSTFIX))
    protocol = Protocol(table.get("protocol", Protocol.SMTP))
    port = table.get("port")
    if daemon is Daemon.POSTFIX and port is None:
        file.refuse(f"[services.{name}]: port is missing")
    if daemon is Daemon.DOVECOT and table.get("postfix"):
        file.refuse(f"[services.{name}.postfix]: {name} is a service of Dovecot: master.cf has no settings for it")
    entry = table.get("entry", f"{port}/inet" if daemon is Daemon.POSTFIX else protocol.value)
    security = Security(table.get("security", Security.STARTTLS))
    return Service(name, port, Role(table["role"]), daemon, protocol, security, entry)
