"""Every setting that a profile, a mutation or the specimens' own base wears, in the words of every release and back.

What is gathered here is what there is: a setting that somebody adds is asked of every dialect without further ado.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mailproof.dialect import Dialect, Dialects
from mailproof.errors import NoTranslation
from mailproof.model import Control, Daemon, Release
from mailproof.tlswords import allowed_versions

Worn = tuple[Daemon, str, str]
NO_REASON = "it does not know the setting"


@pytest.fixture(scope="module")
def worn(root: Path, controls: tuple[Control, ...]) -> frozenset[Worn]:
    files = [root / "fixtures" / "specimen.toml", *sorted((root / "fixtures" / "profiles").glob("*.toml"))]
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in files]
    return frozenset(
        (daemon, name, value)
        for daemon, settings in [*_in_tables(tables), *_in_mutations(controls), *_in_lab(root / "tests" / "lab")]
        for name, value in settings.items()
        if value is not None
    )


def test_settings_are_found_wherever_one_may_stand(worn: frozenset[Worn]) -> None:
    expected = {
        (Daemon.POSTFIX, "myhostname", "mail.mailproof.test"),
        (Daemon.POSTFIX, "smtpd_tls_eccert_file", "/etc/mailproof/files/ecdsa.pem"),
        (Daemon.POSTFIX, "smtpd_tls_protocols", ">=TLSv1.2"),
        (Daemon.POSTFIX, "smtpd_tls_wrappermode", "yes"),
        (Daemon.POSTFIX, "smtpd_tls_received_header", "YES"),
        (Daemon.DOVECOT, "ssl_server_prefer_ciphers", "client"),
        (Daemon.DOVECOT, "auth_debug", "yes"),
    }
    assert expected <= worn


def test_every_setting_comes_back_as_it_went(
    worn: frozenset[Worn], releases: tuple[Release, ...], dialects: Dialects
) -> None:
    """Or it cannot be said, and the dialect knows why."""
    wrong = [
        f"{release.name}: {daemon} {name} = {value}: {problem}"
        for release in releases
        for daemon, name, value in sorted(worn)
        if (problem := _problem(_dialect(dialects, release, daemon), name, value))
    ]
    assert not wrong, "\n".join(wrong)


def _problem(dialect: Dialect, name: str, value: str) -> str:
    try:
        native = dialect.to_native({name: value})
    except NoTranslation as refusal:
        return str(refusal) if NO_REASON in str(refusal) else ""
    back = dialect.to_newest(native)
    same = back.keys() == {name} and _meaning(name, back[name]) == _meaning(name, value)
    return "" if same else f"{native} is read as {back}"


def _meaning(name: str, value: str) -> object:
    """A protocol list is what it allows: Postfix 3.5 has one spelling for a bound and for what it excludes."""
    return allowed_versions(value) if name.endswith("_protocols") else value


def _dialect(dialects: Dialects, release: Release, daemon: Daemon) -> Dialect:
    return dialects.for_version(daemon, release.postfix if daemon is Daemon.POSTFIX else release.dovecot)


def _in_tables(tables: Iterable[Any]) -> Iterator[tuple[Daemon, Mapping[str, str]]]:
    """Every table that a daemon's name heads, at whatever depth: settings, services, certificates."""
    for table in tables:
        for key, inner in table.items():
            if isinstance(inner, dict):
                settings = inner if key in set(Daemon) else {}
                texts = {name: value for name, value in settings.items() if isinstance(value, str)}
                yield from [(Daemon(key), texts)] if texts else []
                yield from _in_tables([inner])


def _in_mutations(controls: Iterable[Control]) -> Iterator[tuple[Daemon, Mapping[str, str | None]]]:
    for control in controls:
        for mutation in (*control.mutations, *control.innocents):
            yield Daemon.POSTFIX, mutation.postfix
            yield Daemon.DOVECOT, mutation.dovecot
            yield from ((Daemon.POSTFIX, settings) for settings in mutation.services.values())


def _in_lab(room: Path) -> Iterator[tuple[Daemon, Mapping[str, str]]]:
    """What mutations of lab tests literally wear."""
    for file in sorted(room.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in set(Daemon) and isinstance(node.value, ast.Dict):
                yield Daemon(node.arg), dict(_literals(node.value))


def _literals(written: ast.Dict) -> Iterator[tuple[str, str]]:
    for name, value in zip(written.keys, written.values, strict=True):
        if isinstance(name, ast.Constant) and isinstance(value, ast.Constant):
            yield str(name.value), str(value.value)
