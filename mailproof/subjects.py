"""What is judged: a specimen, a packaged release, a user's twin, a live host; each with what it cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from mailproof.errors import MailproofError
from mailproof.livegaps import live_gaps
from mailproof.model import Release, Service
from mailproof.plan import Subject
from mailproof.profile import Profile
from mailproof.settings import DOVECOT_DAEMON, POSTFIX_DAEMON, features_of
from mailproof.targets.live import Live
from mailproof.targets.specimen import Specimen
from mailproof.targets.twin.twin import Twin

WAY_OUT = "lab-destinations"
"""The feature of a target whose mail to destinations of the lab gets there."""


def dressed(key: str, release: Release, profile: Profile, refused: str = "") -> Subject:
    """A specimen that wears the profile, or as packaged where that is ``refused``."""
    services: tuple[Service, ...] = (POSTFIX_DAEMON, DOVECOT_DAEMON, *profile.services)
    values = [*profile.postfix.values(), *(value for each in profile.overrides.values() for value in each.values())]
    return Subject(release.name, profile, key, services, profile.certificates, features_of(values) | {WAY_OUT},
                   refused)  # fmt: skip


def as_it_is(
    key: str, profile: Profile, target: Callable[[str], Specimen | Live], tests: Path, certificate: bool
) -> Subject:
    """A target that wears no profile; ``certificate``: the caller handed one over that a live host knows. One that does
    not run has a case for each service that the profile expects: each says why it is an error."""
    try:
        found = target(key)
    except MailproofError:
        return replace(dressed(key, Release(key, "", "", "", "", ""), profile), target=key)
    subject = Subject(key, profile, key, found.services, ("rsa",), found.features)
    if isinstance(found, Live):
        return of_host(subject, found, live_gaps(tests, found.told, certificate))
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


def of_host(subject: Subject, found: Live, gaps: Mapping[str, str]) -> Subject:
    """A live host as a subject: with what cannot be asked of it."""
    kinds = {service: tuple(each) for service, each in found.told["kinds"].items()}
    stopped = {daemon.value: f"{daemon} does not read its own configuration: {words[0]}"
               for daemon, words in found.readings.refused.items()}  # fmt: skip
    return replace(subject, kinds=kinds, unchecked={**gaps, **stopped})
