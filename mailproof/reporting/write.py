"""Puts the report on disk: the record, its views, and the hashes of all. The only module of reporting that writes.

Each file appears whole or not at all: it is written under another name first, then renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mailproof.errors import ReportNotWritten
from mailproof.reporting.advice import Entry, advice
from mailproof.reporting.html import html
from mailproof.reporting.junit import junit
from mailproof.reporting.proof import proof
from mailproof.reporting.record import Record, validate
from mailproof.reporting.sources import Sources
from mailproof.reporting.summary import summary

HASHES = "SHA256SUMS"
RAW = "raw"
FIXES = "fixes"


def write_report(
    record: Record, directory: Path, latest: Path | None, sources: Sources, entries: Sequence[Entry] = (),
    patches: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write evidence.json, junit.xml, summary.md, report.html and SHA256SUMS into ``directory``, advice.md where lines
    of the ``entries`` were tried, proof.md where mutations were, fixes/TARGET.patch for each of the ``patches``, and
    point the link ``latest`` at it. The transcripts lie there already, as ``raw/<sha256>.txt``.

    Raises `InvalidRecord` before anything is written, and `ReportNotWritten` for what could not be written; also, after
    all else is written, where a transcript that the record names is missing or altered.
    """
    validate(record)
    raw = directory / RAW
    wanted = sorted({row["transcript"] for row in record["results"] if row["transcript"]})
    transcripts = _transcripts(raw, wanted)
    fixes = {f"{FIXES}/{target.replace(':', '@')}.patch": text for target, text in (patches or {}).items()}
    texts = {**views(record, transcripts, sources, entries), **fixes}
    for name, text in texts.items():
        _write(directory / name, text)
    _write(directory / HASHES, _hashes(directory, [*(directory / name for name in texts), *_files(raw)]))
    if latest is not None:
        _link(latest, directory)
    lost = [sha for sha in wanted if sha not in transcripts]
    if lost:
        raise ReportNotWritten(f"{raw / lost[0]}.txt is missing or altered ({len(lost)} such): run again")


def views(
    record: Record, transcripts: Mapping[str, str], sources: Sources, entries: Sequence[Entry] = ()
) -> dict[str, str]:
    """File name → text of the record and of every view; the same record gives the same bytes. ``transcripts`` maps a
    SHA-256 to its text.
    """
    pages = {"advice.md": advice(record, entries), "proof.md": proof(record)}
    return {
        **{name: page for name, page in pages.items() if page},
        "evidence.json": json.dumps(record, indent=1, sort_keys=True) + "\n",
        "junit.xml": junit(record, sources),
        "summary.md": summary(record, sources),
        "report.html": html(record, transcripts, sources, entries),
    }


def _transcripts(raw: Path, wanted: Iterable[str]) -> dict[str, str]:
    """The transcripts that are there and are what their names say."""
    found: dict[str, str] = {}
    for sha in wanted:
        path = raw / f"{sha}.txt"
        content = _read(path) if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() == sha:
            found[sha] = content.decode("utf-8", "backslashreplace")
    return found


def _files(raw: Path) -> list[Path]:
    return [path for path in raw.iterdir() if path.is_file()] if raw.is_dir() else []


def _hashes(directory: Path, files: Iterable[Path]) -> str:
    """The files in the format of sha256sum(1), by name."""
    named = {path.relative_to(directory).as_posix(): hashlib.sha256(_read(path)).hexdigest() for path in files}
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(named.items()))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise ReportNotWritten(f"{path} could not be read ({problem.strerror}): run again") from problem


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8", newline="\n")
        draft.replace(path)
    except OSError as problem:
        raise _not_written(path, draft, problem) from problem


def _link(latest: Path, directory: Path) -> None:
    draft = latest.with_name(f".{latest.name}.{os.getpid()}")
    try:
        latest.parent.mkdir(parents=True, exist_ok=True)
        draft.symlink_to(os.path.relpath(directory.resolve(), latest.parent.resolve()), target_is_directory=True)
        draft.replace(latest)
    except OSError as problem:
        raise _not_written(latest, draft, problem) from problem


def _not_written(path: Path, draft: Path, problem: OSError) -> ReportNotWritten:
    with suppress(OSError):  # out of reach as well: the problem at hand says why
        draft.unlink(missing_ok=True)
    why = problem.strerror or problem
    return ReportNotWritten(f"{path} could not be written ({why}): make room or name another place, --report-dir DIR")
