"""One run of the suite: what was selected, what was planned, what was reported, and the record that comes of it.

A run is seen from several processes (pytest-xdist's workers): they share its directory, in which the controlling
process publishes what it started and workers publish plan and transcripts. Must not know pytest.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from cryptography.hazmat.backends.openssl import backend

from mailproof.errors import DidNotStart, MailproofError, NoTranslation, ReportNotWritten, TimedOut
from mailproof.ledger import Phase
from mailproof.model import Daemon
from mailproof.plan import Case, Gap, Subject, gap_row, skeleton
from mailproof.proving import proofs, swept
from mailproof.remedy import deciding
from mailproof.selection import Options, Selection, select
from mailproof.targets.hosts import Host
from mailproof.targets.lab import Lab, Started, state_path
from mailproof.targets.live import Live
from mailproof.targets.looking import publish_live
from mailproof.targets.people import People
from mailproof.targets.receiver import KEY, Receiver
from mailproof.targets.settle import settle
from mailproof.targets.specimen import Specimen

SECRETS = ".mailproof"
"""Where the processes of a run meet: keys and passwords of the lab lie there, and it goes when the run ends."""
START_DEADLINE = 900.0
"""Seconds until every specimen runs: images may have to be built first."""


@dataclass(slots=True)
class Run:
    """A run as one process sees it. ``starts`` is false where nothing will be started (``--collect-only``)."""

    id: str
    directory: Path
    selection: Selection
    starts: bool = True
    started: str = field(default_factory=lambda: now())
    said: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)
    phases: dict[str, list[Phase]] = field(default_factory=dict)
    _trouble: MailproofError | None = None
    _lab: Lab | None = None
    _specimens: dict[str, Specimen] = field(default_factory=dict)
    _hosts: dict[str, Live] = field(default_factory=dict)
    _receiver: Receiver | None = None

    @classmethod
    def join(cls, ticket: Mapping[str, str], root: Path, options: Options, here: Path) -> Run:
        """The run that a worker belongs to, by what the controlling process told it."""
        directory = Path(ticket["directory"])
        people = People.load(directory / SECRETS / "people.json")
        return cls(ticket["id"], directory, select(root, options, here, people, ticket["password"]))

    def ticket(self) -> dict[str, str]:
        """What a worker must know to join: JSON primitives."""
        return {"id": self.id, "directory": str(self.directory), "password": self.selection.password}

    def start(self) -> None:
        """Start every specimen of the selection in the background; raises `ReportNotWritten`."""
        self._lab = Lab(self.id, self.directory, self.said.put)
        with _writing(self.directory):
            self.selection.people.save(self.directory / SECRETS / "people.json")
        self._lab.start(self.selection.wanted(), self._settle)
        for key, host in self.selection.hosts.items():
            threading.Thread(target=self._look, args=(key, host), name=f"look at {key}", daemon=True).start()

    def wait(self, show: Callable[[str], None]) -> None:
        """Wait until every specimen has settled, showing meanwhile what is going on; raises `ReportNotWritten`."""
        end = monotonic() + START_DEADLINE
        while not all(self._settled(key) for key in self.selection.keys) and monotonic() < end:
            self._show(show, 0.02)
        self._show(show, 0)

    def specimen(self, key: str) -> Specimen:
        """The running specimen; raises `DidNotStart` with the reason when it does not run, `NoTranslation` where its
        release has no words for the profile."""
        if not self.starts:
            raise DidNotStart("nothing is started for a mere look at the collection")
        if key in self.selection.unsaid:
            raise NoTranslation(self.selection.unsaid[key])
        if key not in self._specimens:
            self._specimens[key] = Specimen.attach(self._running(key), self.selection)
        return self._specimens[key]

    def live(self, key: str) -> Live:
        """The live host; raises `DidNotStart` with the reason where it cannot be looked at."""
        if not self.starts:
            raise DidNotStart("nobody is asked for a mere look at the collection")
        if key not in self._hosts:
            chosen = self.selection
            self._hosts[key] = Live.attach(self._running(key), chosen.hosts[key], chosen.dialects, chosen.certificate)
        return self._hosts[key]

    def target(self, key: str) -> Specimen | Live:
        """Whatever is called so; raises as `specimen` and `live`."""
        return self.live(key) if key in self.selection.hosts else self.specimen(key)

    @property
    def receiver(self) -> Receiver:
        """Whom specimens send to; raises `DidNotStart` with the reason when it does not run."""
        if not self.selection.sends:
            raise DidNotStart("no profile of this run asks how mail goes out: there is nobody to send to")
        if self._receiver is None:
            self._receiver = Receiver.attach(self._running(KEY))
        return self._receiver

    def close(self) -> str:
        """Stop following logs and, in the controlling process, remove everything that the run started; returns what
        stood in the way, if anything did."""
        for specimen in self._specimens.values():
            specimen.close()
        self._specimens.clear()
        if self._receiver:
            self._receiver.close()
            self._receiver = None
        problem = ""
        if self._lab:
            problem = self._lab.close()
            self._lab = None
            shutil.rmtree(self.directory / SECRETS, ignore_errors=True)
        return problem

    def keep(self, digest: str, text: str) -> str:
        """Keep a transcript under its digest, from whichever process; returns the digest. Raises `ReportNotWritten`."""
        path = self.directory / "raw" / f"{digest}.txt"
        if not path.exists():
            _write(path, text)
        return digest

    def publish_plan(self, cases: Mapping[str, Case], gaps: list[tuple[Gap, str]], deselected: list[str]) -> None:
        """Say which cases will run, under their node ids: what is not reported later is missed by this list."""
        plan = {
            "cases": {node: asdict(skeleton(case, node)) for node, case in cases.items() if not case.swept},
            "proofs": proofs(cases),
            "swept": swept(cases),
            "deciding": {
                case.control.id: {each: deciding(case.control, each) for each in Daemon} for case in cases.values()
            },
            "gaps": [asdict(gap_row(gap, node)) for gap, node in gaps],
            "deselected": sorted(deselected),
        }  # fmt: skip
        _write(self._plan_path, json.dumps(plan))

    def report(self, phase: Phase) -> None:
        """Take in the end of one phase."""
        self.phases.setdefault(phase.node, []).append(phase)

    def plan(self) -> dict[str, Any]:
        """What `publish_plan` said, or that nothing was planned."""
        if not self._plan_path.exists():
            return {"cases": {}, "proofs": {}, "swept": [], "deciding": {}, "gaps": [], "deselected": []}
        found: dict[str, Any] = json.loads(self._plan_path.read_text())
        return found

    def state(self, key: str) -> dict[str, Any]:
        """What is published of a container, nothing as long as it is not."""
        path = self._state(key)
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return found

    @property
    def _plan_path(self) -> Path:
        return self.directory / SECRETS / "plan.json"

    def _state(self, key: str) -> Path:
        return state_path(self.directory / SECRETS, key)

    def _settle(self, started: Started) -> None:
        try:
            with _writing(self.directory):
                self.said.put(settle(self.directory / SECRETS, started, self.selection, self._running))
        except MailproofError as trouble:  # a thread's boundary: whoever waits for the state will raise it
            self._trouble = trouble

    def _look(self, key: str, host: Host) -> None:
        try:
            with _writing(self.directory):
                self.said.put(publish_live(self.directory / SECRETS, key, host))
        except MailproofError as trouble:  # a thread's boundary, as above
            self._trouble = trouble

    def _running(self, key: str) -> dict[str, Any]:
        state = self._await(key)
        if state["started"]["problem"]:
            raise DidNotStart(state["started"]["problem"])
        return state

    def _settled(self, key: str) -> bool:
        if self._trouble:
            raise self._trouble
        return self._state(key).exists()

    def _await(self, key: str) -> dict[str, Any]:
        end = monotonic() + START_DEADLINE
        while not self._settled(key):
            if monotonic() > end:
                raise TimedOut(f"{key} did not settle within {START_DEADLINE:g} s")
            Event().wait(0.01)
        found: dict[str, Any] = json.loads(self._state(key).read_text())
        return found

    def _show(self, show: Callable[[str], None], seconds: float) -> None:
        try:
            show(self.said.get(timeout=seconds) if seconds else self.said.get_nowait())
            self._show(show, 0)
        except queue.Empty:
            return


def subjects(run: Run) -> tuple[Subject, ...]:
    """The run's subjects; those whose services only a running target can tell are asked now."""
    return run.selection.subjects(run.target)


def now() -> str:
    """The time in UTC, to the second, as the record writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def timestamp(seconds: float) -> str:
    """A time since the epoch as the record writes it, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """A run's id: its time, and something that no other run of the same second has."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def our_openssl() -> str:
    """The OpenSSL that our probes are made with."""
    return backend.openssl_version_text()


def commit(root: Path) -> str | None:
    """The commit that mailproof runs from, with ``+`` where the tree differs from it; None outside of git."""
    said = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=40", "--exclude=*"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return said.stdout.strip() or None if said.returncode == 0 else None


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all: other processes may look for it meanwhile."""
    with _writing(path):
        scratch = path.with_suffix(f".{os.getpid()}.part")
        scratch.write_text(text, encoding="utf-8", errors="backslashreplace")
        scratch.replace(path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReportNotWritten(
            f"{path} could not be written ({error.strerror or error}): make room, or name another place (--report-dir)"
        ) from None
