"""Images on a real engine: built once, known again at once, rebuilt when the recipe changes, loud when it is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from docker.errors import DockerException

from mailproof.errors import EngineTrouble
from mailproof.model import Release
from mailproof.releases import choose, load_releases
from mailproof.targets import images
from mailproof.targets.base import Base
from mailproof.targets.images import ensure_image, image_tag

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    """The engine of this machine."""
    found = docker.from_env(version="auto", timeout=120)
    yield found
    found.close()


@pytest.fixture
def stable() -> Release:
    """The default target."""
    return choose((), load_releases(CHECKOUT / "containers" / "releases.toml"))[0]


@pytest.fixture
def scratch(
    client: docker.DockerClient, stable: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Release]:
    """A release of a name of its own, whose recipe is a line on top of the stable image; its images are removed."""
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN true\n", encoding="utf-8")
    base = ensure_image(client, stable, lambda line: None).tag
    monkeypatch.setattr(images, "CONTAINERS", tmp_path)
    monkeypatch.setattr(images, "ensure_base", lambda *given: Base(base, "the stable image"))
    monkeypatch.setattr(images, "image_tag", lambda release: image_tag(release, tmp_path))
    yield replace(stable, name="mailproof-test-images", note="a note")
    for image in client.images.list(filters={"label": "mailproof.release=mailproof-test-images"}):
        client.images.remove(str(image.id), force=True)


def test_an_image_is_there_after_ensuring_it_and_the_second_time_at_once(
    client: docker.DockerClient, stable: Release
) -> None:
    first = ensure_image(client, stable, lambda line: None)
    said: list[str] = []
    began = time.monotonic()
    again = ensure_image(client, stable, said.append)
    assert again == first
    assert said == []
    assert time.monotonic() - began < 1.0
    assert client.images.get(first.tag).id == first.digest


def test_the_image_has_run_postfix_check_and_has_both_daemons(client: docker.DockerClient, stable: Release) -> None:
    image = ensure_image(client, stable, lambda line: None)
    script = "test -d /var/spool/postfix/active && postconf -h mail_version && dovecot --version"
    shown = client.containers.run(image.tag, ["-c", script], entrypoint="/bin/sh", remove=True, network_disabled=True)
    assert len(shown.decode().split("\n")) >= 3


def test_notes_outlive_the_run_that_built_the_image(client: docker.DockerClient, scratch: Release) -> None:
    built = ensure_image(client, scratch, lambda line: None)
    assert any("a note" in note for note in built.notes)
    assert ensure_image(client, scratch, lambda line: None).notes == built.notes


def test_a_changed_recipe_is_built_and_the_superseded_image_goes(
    client: docker.DockerClient, scratch: Release, tmp_path: Path
) -> None:
    old = ensure_image(client, scratch, lambda line: None)
    (tmp_path / "mail" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN touch /new\n", encoding="utf-8")
    new = ensure_image(client, scratch, lambda line: None)
    assert new.tag != old.tag
    with pytest.raises(DockerException):
        client.images.get(old.tag)


def test_a_superseded_image_in_use_stays(client: docker.DockerClient, scratch: Release, tmp_path: Path) -> None:
    old = ensure_image(client, scratch, lambda line: None)
    user = client.containers.create(old.tag, ["true"])
    try:
        (tmp_path / "mail" / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN touch /new\n", encoding="utf-8")
        ensure_image(client, scratch, lambda line: None)
        assert client.images.get(old.tag).id == old.digest
    finally:
        user.remove(force=True)


def test_runs_that_start_together_build_once(client: docker.DockerClient, scratch: Release) -> None:
    said: list[str] = []
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: ensure_image(client, scratch, said.append), range(4)))
    assert len(set(found)) == 1
    assert sum(": built " in line for line in said) == 1


def test_a_recipe_that_fails_says_its_last_lines(client: docker.DockerClient, scratch: Release, tmp_path: Path) -> None:
    recipe = tmp_path / "mail" / "Dockerfile"
    recipe.write_text("ARG BASE\nFROM ${BASE}\nRUN echo the reason; exit 7\n", encoding="utf-8")
    with pytest.raises(EngineTrouble, match=r"(?s)returned a non-zero code: 7.*the reason"):
        ensure_image(client, scratch, lambda line: None)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["debian-11", "debian-12", "debian-13", "debian-14"])
def test_every_release_builds_and_ships_what_its_row_says(client: docker.DockerClient, name: str) -> None:
    release = load_releases(CHECKOUT / "containers" / "releases.toml")[name]
    image = ensure_image(client, release, lambda line: None)
    assert image.tag == image_tag(release)
    script = "postconf -h mail_version; dovecot --version; openssl version; postconf -m"
    shown = client.containers.run(image.tag, ["-c", script], entrypoint="/bin/sh", remove=True, network_disabled=True)
    postfix, dovecot, openssl, *maps = shown.decode().splitlines()
    assert openssl.split()[1].startswith(release.openssl), "it has drifted"
    assert f"{postfix}.".startswith(f"{release.postfix}."), "containers/releases.toml has drifted"
    assert f"{dovecot.partition('-')[0].split()[0]}.".startswith(f"{release.dovecot}."), "it has drifted"
    assert {"pcre", "ldap", "lmdb", "pgsql", "mysql", "sqlite", "cdb"} <= set(maps)
