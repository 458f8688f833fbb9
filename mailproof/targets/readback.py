"""Does a specimen use what it wears? What was put on, against what the daemons say. Pure.

A value that a release withholds is left to the handshake; every other difference, down to a setting that a daemon
doesn't mention, means that the specimen is not what a control would take it for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mailproof.errors import DidNotTake, UnknownSetting
from mailproof.model import Service
from mailproof.settings import DovecotView, PostfixView, Readings, dovecot_services, postfix_services
from mailproof.targets.dress import Dress


def check(dress: Dress, readings: Readings) -> None:
    """Raises `DidNotTake` naming the first setting whose effective value is not the one that is worn."""
    for where, worn, used in differences(dress, readings):
        raise DidNotTake(f"{where} was set to «{worn}», but the daemon uses {used}")


def check_services(expected: tuple[Service, ...], readings: Readings) -> None:
    """Raises `DidNotTake` unless every service of the profile is declared, in the role that the profile gives it."""
    found = {str(each): each for each in (*postfix_services(readings.postfix), *dovecot_services(readings.dovecot))}
    for service in expected:
        declared = found.get(str(service))
        if declared is None:
            raise DidNotTake(f"the service {service} is worn but not declared; there are {', '.join(found)}")
        if declared != service:
            raise DidNotTake(f"the service {service} should be {service!r}, but its settings make it {declared!r}")


def differences(dress: Dress, readings: Readings) -> Iterator[tuple[str, str, str]]:
    """Setting, worn, used: in the release's own words, as both come from there."""
    for entry, settings in {"": dress.postfix, **dress.overrides}.items():
        yield from _differing(entry or "main.cf", settings, entry, readings.postfix)
    shown = {name: value for name, value in dress.dovecot.items() if name not in readings.dovecot.hidden}
    yield from _differing("local.conf", shown, "", readings.dovecot)


def _differing(
    file: str, settings: Mapping[str, str], entry: str, view: PostfixView | DovecotView
) -> Iterator[tuple[str, str, str]]:
    for name, worn in settings.items():
        try:
            used = view.effective(entry, name)
        except UnknownSetting as unknown:
            yield f"{file}: {name}", worn, f"nothing: {unknown}"
            continue
        if " ".join(used.split()) != " ".join(worn.split()):
            yield f"{file}: {name}", worn, f"«{used}»"
