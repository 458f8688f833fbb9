"""The setting names that fixtures/dialects lists for a release are those that its daemons know."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from mailproof.dialect import Dialects
from mailproof.model import Daemon
from mailproof.releases import choose, load_releases
from mailproof.settings import READ_SCRIPT, parse_readings
from mailproof.targets.images import ensure_image

FIXTURES = Path(__file__).parents[2] / "fixtures"
RELEASES = load_releases(FIXTURES.parent / "containers" / "releases.toml")
STABLE = choose((), RELEASES)[0].name


@pytest.mark.parametrize(
    "name", [name if name == STABLE else pytest.param(name, marks=pytest.mark.nightly) for name in RELEASES]
)
def test_the_known_settings_are_those_of_the_release(engine: docker.DockerClient, name: str) -> None:
    release, dialects = RELEASES[name], Dialects.load(FIXTURES / "dialects")
    image = ensure_image(engine, release, print)
    shown = engine.containers.run(
        image.tag, ["-c", READ_SCRIPT], entrypoint="/bin/sh", remove=True, network_disabled=True
    )
    readings = parse_readings(shown.decode())
    assert dialects.known(Daemon.POSTFIX, release.postfix) == set(readings.postfix.values)
    flat = {setting for setting in {*readings.dovecot.values, *readings.dovecot.hidden} if "/" not in setting}
    assert dialects.known(Daemon.DOVECOT, release.dovecot) == flat
