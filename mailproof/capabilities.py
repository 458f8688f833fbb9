"""The fixtures that a control asks with: its case, and what it may look at, talk to, read or send.

Each makes one capability of the target that the case is about; none decides anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from mailproof.errors import CannotOffer
from mailproof.ledger import Recorder
from mailproof.plan import Case
from mailproof.run import Run
from mailproof.targets.advice import Advice
from mailproof.targets.dane import Dane
from mailproof.targets.delivery import Delivery
from mailproof.targets.endpoint import Endpoint
from mailproof.targets.journal import Journal
from mailproof.targets.live import Live
from mailproof.targets.sending import Sending
from mailproof.targets.specimen import Specimen
from mailproof.targets.startup import Startup
from mailproof.targets.target import Target
from mailproof.targets.view import EffectiveSettings

RUN = pytest.StashKey[Run]()
RECORDER = pytest.StashKey[Recorder]()
WORN = pytest.StashKey[float]()
"""Seconds that it took to put on what the case wears."""


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """What this item asks of what."""
    found = request.param
    return cast("Case", found)


@pytest.fixture
def recorder(request: pytest.FixtureRequest) -> Recorder:
    """Where the capabilities write down what they see."""
    found = request.node.stash.setdefault(RECORDER, Recorder())
    return cast("Recorder", found)


@pytest.fixture
def target(case: Case, request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Target:
    """The running target of the case; a specimen wears the case's mutation or none."""
    found = pytestconfig.stash[RUN].target(case.subject.specimen)
    if isinstance(found, Live):
        return found
    before = found.spent
    try:
        found.wear(None if case.restored else case.mutation)
    finally:
        request.node.stash[WORN] = found.spent - before
    return found


@pytest.fixture
def specimen(target: Target) -> Specimen:
    """The target as one of ours, in a container."""
    if not isinstance(target, Specimen):
        raise CannotOffer(f"{target.key} is no container of ours")
    return target


@pytest.fixture
def variant(case: Case) -> str:
    """The flavour in which the control is asked."""
    return case.variant


@pytest.fixture
def parameters(case: Case) -> Mapping[str, object]:
    """What the profile varies: the values that its requirements name."""
    required = {**case.subject.profile.parameters, "versions": case.subject.profile.versions}
    broken = case.mutation.parameters if case.mutation and not case.restored else {}
    return {**required, **broken}


@pytest.fixture
def settings(target: Target, case: Case, recorder: Recorder) -> EffectiveSettings:
    """What the daemon says that it uses at this service."""
    return EffectiveSettings(target, case.service, recorder)


@pytest.fixture
def endpoint(target: Target, case: Case, recorder: Recorder) -> Endpoint:
    """The service as a client meets it."""
    return Endpoint(target, case.service, recorder)


@pytest.fixture
def journal(target: Target, case: Case, recorder: Recorder) -> Journal:
    """What the daemon logs of one connection."""
    return Journal(target, case.service, recorder)


@pytest.fixture
def delivery(endpoint: Endpoint, journal: Journal, specimen: Specimen, recorder: Recorder) -> Delivery:
    """A message sent to a local mailbox, and read there."""
    return Delivery(endpoint, journal, specimen, recorder)


@pytest.fixture
def sending(specimen: Specimen, pytestconfig: pytest.Config, recorder: Recorder) -> Sending:
    """How the target sends mail."""
    return Sending(specimen, pytestconfig.stash[RUN].receiver, recorder)


@pytest.fixture
def startup(target: Target, case: Case, recorder: Recorder) -> Startup:
    """Whether the daemon starts with its configuration."""
    return Startup(target, case.service, recorder)


@pytest.fixture
def dane(sending: Sending) -> Dane:
    """How the target sends mail to hosts that say in DNS which certificate they show."""
    return Dane(sending)


@pytest.fixture
def advice(specimen: Specimen, pytestconfig: pytest.Config, recorder: Recorder) -> Advice:
    """The lines that a verbatim profile pastes, to be tried one by one."""
    return Advice(specimen, pytestconfig.stash[RUN].receiver, recorder)
