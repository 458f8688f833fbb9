"""However a run ends, early or beside another one: its status says so, its record is whole, and nothing of it stays."""

from __future__ import annotations

import signal
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from mailproof.controller import report_directory
from mailproof.errors import Unusable
from mailproof.run import SECRETS
from mailproof.targets import lab
from mailproof.targets.lab import hold
from mailproof.targets.specimen import Specimen

if TYPE_CHECKING:
    from tests.lab.conftest import Inner

SMALL_FILES = "resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))"
"""Room for a transcript, not for a report; to who writes it is the same as a disk that is full."""
SMALL_FROM_THE_START = """
import resource
import pytest

@pytest.hookimpl(trylast=True)
def {hook}():
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
"""
UNREADABLE = """
import pytest
collect = pytest.Module.collect

def unreadable(self):
    if self.path.name == "test_certificates.py":
        raise RuntimeError("unreadable")
    return collect(self)

pytest.Module.collect = unreadable
"""
ADVICE = "could not be written (File too large): make room"
VERSIONS = ("--profile", "pfs", "tests/handshake/test_versions.py")

ENDED_EARLY = """
import os, signal

def pytest_collection_finish():
    os.kill(os.getpid(), signal.{name})
"""


@pytest.mark.parametrize(
    "do", ["os.killpg(0, signal.SIGINT)", "os.kill(os.getpid(), signal.SIGTERM)"], ids=["Ctrl-C", "SIGTERM"]
)
def test_an_interrupted_run_leaves_a_record_and_no_container(inner: Inner, do: str) -> None:
    ended = inner(*VERSIONS, "-k", "smtp:25", before=2, do=do)
    assert (ended.status, ended.left) == (2, [])
    assert sorted(row["verdict"] for row in ended.rows()) == ["error"] * 4 + ["pass"]
    assert len(ended.record["completeness"]["missing"]) == 4
    assert "4 planned cases never reported" in ended.words


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_run_that_ends_while_containers_start_leaves_none(inner: Inner, name: str) -> None:
    ended = inner(*VERSIONS, plugin=ENDED_EARLY.format(name=name))
    assert (ended.status, ended.left) == (2, [])
    assert not any(row["verdict"] == "pass" for row in ended.record["results"])
    assert "nothing was judged at all" in ended.words


def test_what_a_killed_run_leaves_is_reaped_by_the_next_one(inner: Inner, dressed: Specimen) -> None:
    killed = inner(*VERSIONS, before=2, do="os.kill(os.getpid(), signal.SIGKILL)")
    assert killed.status == -signal.SIGKILL
    [run] = {name.removeprefix("mailproof-")[:23] for name in killed.left if name.startswith("mailproof-")}
    assert inner.left(run), "the killed run left no container: the test tests nothing"
    ended = inner(*VERSIONS, "-k", "smtp:25 and offers")
    assert (ended.status, ended.left) == (0, [])
    assert inner.left(run) == []
    assert dressed.inside.run("true").status == 0, "a run that still goes on was reaped"


def test_a_report_directory_of_a_killed_run_is_begun_anew(tmp_path: Path) -> None:
    stale = tmp_path / SECRETS / "specimens" / "debian-13@pfs.json"
    stale.parent.mkdir(parents=True)
    stale.touch()
    (tmp_path / "evidence.json").touch()
    (tmp_path / "theirs.txt").touch()
    report_directory(tmp_path, "new", tmp_path)
    assert not stale.exists(), "a dead container would be taken for ours"
    assert not (tmp_path / "evidence.json").exists(), "the record of another run would be taken for ours"
    assert (tmp_path / "theirs.txt").exists()


def test_a_report_directory_of_a_living_run_is_left_alone(tmp_path: Path) -> None:
    """Else each would take the other's specimens and plan for its own, and the last to end would write the record."""
    report_directory(tmp_path, "living", tmp_path)
    kept = tmp_path / SECRETS / "specimens.json"
    kept.touch()
    with closing(hold("living")), pytest.raises(Unusable, match="the run living writes its report to"):
        report_directory(tmp_path, "second", tmp_path)
    assert kept.exists()
    report_directory(tmp_path, "second", tmp_path)
    assert not kept.exists()


def test_two_runs_at_once_do_not_meet(inner: Inner) -> None:
    first, second = (inner.start(*VERSIONS, "-k", "offers or tls-1.1") for _ in range(2))
    ends = [inner.finish(first), inner.finish(second)]
    assert [(ended.status, ended.left) for ended in ends] == [(0, []), (0, [])]
    assert all(ended.verdicts() == {"pass"} for ended in ends)
    one, other = (ended.record for ended in ends)
    assert one["run"]["id"] != other["run"]["id"]
    assert one["targets"][0]["container"] != other["targets"][0]["container"]


def test_a_run_of_somebody_else_is_not_reaped(
    dressed: Specimen, engine: docker.DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "LOCKS", tmp_path)
    lab.reap(engine)
    assert dressed.inside.run("true").status == 0


def test_a_place_that_cannot_be_written_is_known_before_anything_starts(inner: Inner, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    ended = inner(*VERSIONS, report=in_the_way / "report")
    assert ended.status == 4
    assert len(ended.text.strip().splitlines()) == 1, ended.text
    assert str(in_the_way) in ended.words and "--report-dir" in ended.words


@pytest.mark.parametrize("hook", ["pytest_configure", "pytest_sessionstart"])
def test_a_disk_that_is_full_at_the_start_ends_the_run(inner: Inner, hook: str) -> None:
    ended = inner(*VERSIONS, plugin=SMALL_FROM_THE_START.format(hook=hook))
    assert (ended.status, ended.left) == (10, [])
    assert ADVICE in ended.words


def test_a_disk_that_is_full_when_the_report_is_written_is_no_success(inner: Inner) -> None:
    ended = inner(*VERSIONS, "-k", "smtp:25 and offers", before=1, do=SMALL_FILES)
    assert (ended.status, ended.left) == (10, [])
    assert ADVICE in ended.words
    assert not (ended.report / "evidence.json").exists()


def test_a_transcript_that_cannot_be_kept_makes_its_case_an_error(inner: Inner) -> None:
    ended = inner(*VERSIONS, "-k", "smtp:25 and offers", before=1, do="(run.directory / 'raw').rmdir()")
    assert (ended.status, ended.left) == (10, [])
    assert ended.verdicts() == {"error"}
    assert "ReportNotWritten" in ended.words


@pytest.mark.parametrize(
    ("more", "status"), [((), 2), pytest.param(("--continue-on-collection-errors",), 10, marks=pytest.mark.nightly)]
)
def test_a_module_that_cannot_be_read_is_no_success(inner: Inner, more: tuple[str, ...], status: int) -> None:
    ended = inner(*VERSIONS, "tests/handshake/test_certificates.py", "-k", "smtp:25", *more, plugin=UNREADABLE)
    assert (ended.status, ended.left) == (status, [])
    assert ended.record["run"]["exit_status"] == 10
    assert "tests/handshake/test_certificates.py" in ended.record["completeness"]["missing"]
    assert "tests/handshake/test_certificates.py: E RuntimeError: unreadable" in ended.words
