"""Files on disk: whole or not at all, hashed, and an unwritable place is one clear error."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mailproof.errors import InvalidRecord, ReportNotWritten
from mailproof.reporting.write import write_report

Record = dict[str, Any]


@pytest.fixture
def raw(tmp_path: Path, transcript: tuple[str, str]) -> Path:
    """A folder with the sample's transcript, where a run's own lies."""
    folder = tmp_path / "run-1" / "raw"
    folder.mkdir(parents=True)
    (folder / f"{transcript[0]}.txt").write_bytes(transcript[1].encode())
    return folder


def disagreeing(directory: Path) -> list[str]:
    """The files whose hash is not the one in SHA256SUMS, as `sha256sum --check` finds them."""
    lines = (directory / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    listed = [line.split("  ", 1) for line in lines]
    return [name for sha, name in listed if hashlib.sha256((directory / name).read_bytes()).hexdigest() != sha]


def test_the_hashes_cover_every_file_and_a_flipped_byte_is_found(tmp_path: Path, raw: Path, mixed: Record) -> None:
    write_report(mixed, tmp_path / "run-1", None, {})
    files = sorted(path for path in (tmp_path / "run-1").rglob("*") if path.is_file())
    assert len((tmp_path / "run-1" / "SHA256SUMS").read_text().splitlines()) == len(files) - 1 == 5
    assert disagreeing(tmp_path / "run-1") == []
    for path in files:
        if path.name != "SHA256SUMS":
            content = path.read_bytes()
            path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    assert len(disagreeing(tmp_path / "run-1")) == 5


def test_writing_twice_gives_the_same_bytes_and_leaves_no_drafts(tmp_path: Path, raw: Path, mixed: Record) -> None:
    directory = tmp_path / "run-1"
    write_report(mixed, directory, None, {})
    first = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    write_report(mixed, directory, None, {})
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == first
    assert json.loads((directory / "evidence.json").read_text()) == mixed


def test_what_else_lies_there_is_no_part_of_the_report(tmp_path: Path, raw: Path, mixed: Record) -> None:
    (tmp_path / "run-1" / "people.json").write_text("{}")
    write_report(mixed, tmp_path / "run-1", None, {})
    assert "people.json" not in (tmp_path / "run-1" / "SHA256SUMS").read_text()


def test_latest_points_at_the_newest_report(tmp_path: Path, raw: Path, mixed: Record) -> None:
    shutil.copytree(tmp_path / "run-1", tmp_path / "run-2")
    for name in ("run-1", "run-2"):
        write_report(mixed, tmp_path / name, tmp_path / "latest", {})
        assert (tmp_path / "latest").readlink() == Path(name)
        assert (tmp_path / "latest" / "report.html").is_file()


def test_an_altered_transcript_is_reported_after_all_else_is_written(
    tmp_path: Path, raw: Path, mixed: Record, transcript: tuple[str, str]
) -> None:
    (raw / f"{transcript[0]}.txt").write_text("altered")
    with pytest.raises(ReportNotWritten, match="missing or altered"):
        write_report(mixed, tmp_path / "run-1", None, {})
    assert (tmp_path / "run-1" / "report.html").is_file()


def test_an_unwritable_place_is_one_clear_error(tmp_path: Path, raw: Path, mixed: Record) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ReportNotWritten, match=r"evidence\.json could not be written .*--report-dir"):
        write_report(mixed, tmp_path / "file", None, {})


def test_a_folder_in_the_place_of_latest_is_one_clear_error(tmp_path: Path, raw: Path, mixed: Record) -> None:
    (tmp_path / "latest").mkdir()
    with pytest.raises(ReportNotWritten, match="latest could not be written"):
        write_report(mixed, tmp_path / "run-1", tmp_path / "latest", {})
    assert not list(tmp_path.glob(".latest*"))


def test_an_invalid_record_is_never_written(tmp_path: Path, raw: Path, mixed: Record) -> None:
    with pytest.raises(InvalidRecord):
        write_report({**mixed, "schema": "other"}, tmp_path / "run-3", None, {})
    assert not (tmp_path / "run-3").exists()
