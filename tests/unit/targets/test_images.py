"""Names of images: they change with everything that goes into an image, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from docker.errors import DockerException

from mailproof.errors import EngineTrouble
from mailproof.model import Release
from mailproof.targets import base, images

RELEASE = Release(
    "debian-14", "debian", "Debian 14", "forky", "debian:forky-slim", "mail/Dockerfile",
    apt_options=("Acquire::Check-Valid-Until=false",), drop_suites=("gone", "old"),
)  # fmt: skip


class Answers:
    """An engine's API that pulls what it is told to: events, or an exception."""

    def __init__(self, *events: dict[str, str] | Exception) -> None:
        self.events, self.asked, self.api = events, 0, self

    def pull(self, repository: str, **options: object) -> list[dict[str, str]]:
        self.asked += 1
        found = []
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            found.append(event)
        return found


@pytest.fixture
def containers(tmp_path: Path) -> Path:
    """A recipe of two files."""
    (tmp_path / "mail").mkdir()
    for name in ("Dockerfile", "entrypoint"):
        (tmp_path / "mail" / name).write_text(name, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def _no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_silent", set())


def test_an_unchanged_recipe_keeps_its_tag(containers: Path) -> None:
    assert images.image_tag(RELEASE, containers) == images.image_tag(replace(RELEASE), containers)
    assert images.image_tag(RELEASE, containers).startswith("mailproof/debian-14:")


@pytest.mark.parametrize("name", ["Dockerfile", "entrypoint", "added"])
def test_a_changed_or_added_file_changes_the_tag(containers: Path, name: str) -> None:
    before = images.image_tag(RELEASE, containers)
    (containers / "mail" / name).write_text("changed", encoding="utf-8")
    assert images.image_tag(RELEASE, containers) != before


@pytest.mark.parametrize(
    "changed",
    [{"suite": "sid"}, {"image": "debian:sid"}, {"apt_options": ()}, {"drop_suites": ()}, {"note": "another"}],
)
def test_a_changed_row_changes_the_tag(containers: Path, changed: dict[str, str]) -> None:
    assert images.image_tag(replace(RELEASE, **changed), containers) != images.image_tag(RELEASE, containers)  # type: ignore[arg-type]


def test_becoming_stable_does_not_rebuild(containers: Path) -> None:
    assert images.image_tag(replace(RELEASE, stable=True), containers) == images.image_tag(RELEASE, containers)


def test_mmdebstrap_gets_the_rows_options_and_leaves_dropped_suites_out() -> None:
    command = base.bootstrap_command(RELEASE, "root.tar")
    assert '--aptopt=Acquire::Check-Valid-Until "false"' in command
    assert "/ (gone|old) /d" in " ".join(command)
    assert command[-2:] == ["forky", "root.tar"]


def test_a_pull_that_ends_well_is_a_pull() -> None:
    assert base._pull(Answers({"status": "done"}), RELEASE.image, lambda line: None)  # type: ignore[arg-type]


def test_a_registry_that_does_not_answer_is_asked_once_per_run() -> None:
    engine, said = Answers(DockerException("no such host")), list[str]()
    assert not base._pull(engine, "debian:a", said.append)  # type: ignore[arg-type]
    assert not base._pull(engine, "debian:b", said.append)  # type: ignore[arg-type]
    assert engine.asked == 1
    assert "no such host" in said[-1]


def test_an_error_in_the_middle_of_a_pull_is_no_pull() -> None:
    engine = Answers({"status": "pulling"}, {"error": "unexpected EOF"})
    assert not base._pull(engine, RELEASE.image, lambda line: None)  # type: ignore[arg-type]


def test_a_failed_build_carries_its_last_lines() -> None:
    log, said = list[str](), list[str]()
    for step in ({"stream": "Step 3/9 : RUN apt-get"}, {"stream": "E: no such package\n"}):
        images._follow(step, RELEASE, log, said.append)
    with pytest.raises(EngineTrouble, match=r"(?s)returned 100.*E: no such package"):
        images._follow({"error": "the command returned 100"}, RELEASE, log, said.append)
    assert said == ["debian-14: Step 3/9 : RUN apt-get"]
