"""Controls, profiles and subjects of our own making, small enough to see through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mailproof.model import Control, Daemon, Level, Protocol, Role, Security, Service, Severity, Source
from mailproof.plan import Case, Subject
from mailproof.profile import Profile

MakeControl = Callable[..., Control]
MakeProfile = Callable[..., Profile]

SERVICES = {
    each.name: each
    for each in (
        Service("postfix", None, Role.DAEMON, Daemon.POSTFIX),
        Service("dovecot", None, Role.DAEMON, Daemon.DOVECOT),
        Service("smtp", 25, Role.MX, Daemon.POSTFIX, Protocol.SMTP, Security.STARTTLS, "smtp/inet"),
        Service(
            "submission", 587, Role.SUBMISSION, Daemon.POSTFIX, Protocol.SMTP, Security.STARTTLS, "submission/inet"
        ),
        Service(
            "submissions", 465, Role.SUBMISSION, Daemon.POSTFIX, Protocol.SMTP, Security.IMPLICIT, "submissions/inet"
        ),
        Service("imap", 143, Role.ACCESS, Daemon.DOVECOT, Protocol.IMAP, Security.STARTTLS, "imap"),
        Service("lmtp", None, Role.LOCAL, Daemon.DOVECOT, Protocol.LMTP, Security.NONE, "lmtp"),
    )
}


@pytest.fixture
def services() -> dict[str, Service]:
    """One service of each kind, by name."""
    return dict(SERVICES)


@pytest.fixture
def make_control() -> MakeControl:
    def make(id: str = "PFS-3", **changes: Any) -> Control:
        control = Control(
            id, Level.SHOULD_NOT, Source("rfc9325", "4.1", "SHOULD NOT negotiate static RSA."), Severity.HIGH,
            "Refuses static rsa", "A recorded session stays secret.", "static RSA is refused", "exclude kRSA",
            frozenset(Role),
        )  # fmt: skip
        return replace(control, **changes)

    return make


@pytest.fixture
def make_profile() -> MakeProfile:
    def make(name: str = "pfs", **changes: Any) -> Profile:
        every = dict.fromkeys(Role, Level.MUST)
        profile = Profile(
            name=name, title="Forward secrecy", edition="2026-11-22", source="RFC 9325", certificates=("rsa-2048",),
            versions={}, services=tuple(each for each in SERVICES.values() if each.role is not Role.DAEMON),
            overrides={}, requires={"PFS-3": every}, parameters={"versions": {}}, postfix={}, dovecot={},
            sha256="ab" * 32, path="",
        )  # fmt: skip
        return replace(profile, **changes)

    return make


@pytest.fixture
def subject(make_profile: MakeProfile) -> Subject:
    """A target that declares every kind of service, under a profile that requires PFS-3 of each role."""
    return Subject("debian-13", make_profile(), "debian-13/pfs", tuple(SERVICES.values()), ("rsa-2048",))


@pytest.fixture
def case(make_control: MakeControl, subject: Subject) -> Case:
    return Case(make_control(), subject, SERVICES["smtp"], Level.MUST_NOT)
