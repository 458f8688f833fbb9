"""Whole runs in a process of their own, broken by hand where a test asks for it, and what they leave behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import NotFound

from mailproof.controller import report_directory
from mailproof.model import Service
from mailproof.releases import choose, load_releases
from mailproof.reporting.record import validate
from mailproof.run import SECRETS, Run, new_id
from mailproof.selection import Options, select
from mailproof.targets.specimen import Specimen

CHECKOUT = Path(__file__).parents[2]
RELEASES = load_releases(CHECKOUT / "containers" / "releases.toml")
STABLE = choose((), RELEASES)[0].name
EVERY_TARGET = [name if name == STABLE else pytest.param(name, marks=pytest.mark.nightly) for name in RELEASES]
DEADLINE = 400.0
"""Seconds that an inner run may take. Most take a few; releases as packaged delay failed logins, and take minutes."""

# A plugin of an inner run: does something once, right before its n-th case.
MID_RUN = """
import os, resource, signal, subprocess
import pytest
from mailproof.plugin import RUN

seen = []

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    seen.append(item.nodeid)
    if len(seen) == {before}:
        run = item.config.stash[RUN]
        specimen = run.specimen(next(iter(run.selection.keys)))
        {do}
"""


@dataclass(frozen=True)
class Outcome:
    """How an inner run ended: exit status, what it printed, where its report lies, what the engine still has of it."""

    status: int
    text: str
    report: Path
    left: list[str]

    @property
    def words(self) -> str:
        """What it printed, without its line breaks; an exception that nobody caught is no message."""
        assert "Traceback" not in self.text, self.text
        assert "INTERNALERROR" not in self.text, self.text
        return " ".join(self.text.split())

    @property
    def record(self) -> dict[str, Any]:
        """The record, which holds against its schema."""
        assert (self.report / "evidence.json").is_file(), self.text
        found: dict[str, Any] = json.loads((self.report / "evidence.json").read_text(encoding="utf-8"))
        validate(found)
        return found

    def rows(self, word: str = "") -> list[dict[str, Any]]:
        """The record's rows whose node id has the word in it; none is a mistake of the test."""
        found = [row for row in self.record["results"] if word in row["node"]]
        assert found, f"no row has {word} in its node id"
        return found

    def verdicts(self, word: str = "") -> set[str]:
        """The verdicts of these rows."""
        return {row["verdict"] for row in self.rows(word)}


@dataclass
class Inner:
    """Starts runs in processes of their own, and removes what they may leave."""

    home: Path
    engine: docker.DockerClient
    ends: ExitStack
    reports: dict[int, Path] = field(default_factory=dict)

    def __call__(
        self,
        *arguments: str,
        before: int = 0,
        do: str = "",
        plugin: str = "",
        report: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> Outcome:
        """A whole run. ``do`` is a statement executed before its n-th case, ``plugin`` the text of a pytest plugin."""
        text = MID_RUN.format(before=before, do=do) if do else ""
        return self.finish(self.start(*arguments, plugin=text + plugin, report=report, environment=environment))

    def start(
        self, *arguments: str, plugin: str = "", report: Path | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """A run that goes on by itself, in a process group of its own as a shell would give it."""
        module = f"breakage_{len(self.reports)}"
        (self.home / f"{module}.py").write_text(plugin, encoding="utf-8")
        report = report or self.home / f"report-{len(self.reports)}"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "mailproof.plugin", "-p", module]
        command += ["--report-dir", str(report)]
        process = self.ends.enter_context(
            subprocess.Popen(
                [*command, *arguments], cwd=CHECKOUT, env=self._environment(environment or {}), text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            )
        )  # fmt: skip
        self.ends.callback(process.kill)
        self.reports[process.pid] = report
        return process

    def beside(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """A Python program that runs beside a run; it has said that it is ready."""
        command = [sys.executable, "-c", program, *arguments]
        process = self.ends.enter_context(subprocess.Popen(command, text=True, stdout=subprocess.PIPE))
        self.ends.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def finish(self, process: subprocess.Popen[str]) -> Outcome:
        """Wait for a run's end. What is left of it is looked at now, and removed after the test."""
        text, _ = process.communicate(timeout=DEADLINE)
        print(text)  # shown where the test fails
        header = re.search(r"^run (\S+)$", text, re.MULTILINE)
        left = self.left(header[1]) if header else []
        if header:
            self.ends.callback(self._remove, header[1])
        if (self.reports[process.pid] / SECRETS).exists():
            left.append(f"{SECRETS}: keys and passwords")
        return Outcome(process.returncode, text, self.reports[process.pid], left)

    def left(self, run: str) -> list[str]:
        """The names of a run's containers and networks that the engine has."""
        mine: dict[str, Any] = {"label": f"mailproof.run={run}"}
        found = [*self.engine.containers.list(all=True, filters=mine), *self.engine.networks.list(filters=mine)]
        return [str(each.attrs["Name"]).lstrip("/") for each in found]

    def _remove(self, run: str) -> None:
        mine: dict[str, Any] = {"label": f"mailproof.run={run}"}
        with suppress(NotFound):
            for container in self.engine.containers.list(all=True, filters=mine):
                container.remove(force=True, v=True)
            for network in self.engine.networks.list(filters=mine):
                network.remove()

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        """Ours, without what our own pytest says to its plugins."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return {**kept, "PYTHONPATH": str(self.home), "COLUMNS": "200", "CI": "true", **more}


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """The engine of this machine."""
    found = docker.from_env(version="auto", timeout=120)
    yield found
    found.close()


@pytest.fixture
def inner(tmp_path: Path, engine: docker.DockerClient) -> Iterator[Inner]:
    """Starts whole runs."""
    with ExitStack() as ends:
        yield Inner(tmp_path, engine, ends)


@pytest.fixture(scope="session")
def stable() -> str:
    """The name of the default target."""
    return STABLE


@pytest.fixture(scope="session")
def dress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Specimen]]:
    """Starts a specimen of a target in the pfs profile, when it is first asked for."""
    with ExitStack() as ends:

        @cache
        def start(target: str) -> Specimen:
            selection = select(CHECKOUT, Options(targets=(target,), profiles=("pfs",)), CHECKOUT)
            run_id = new_id()
            run = Run(run_id, report_directory(CHECKOUT, run_id, tmp_path_factory.mktemp("dressed")), selection)
            ends.callback(run.close)
            run.start()
            run.wait(print)
            return run.specimen(next(iter(selection.keys)))

        yield start


@pytest.fixture(scope="session")
def dressed(dress: Callable[[str], Specimen], stable: str) -> Specimen:
    """A running specimen of the default target in the pfs profile; whoever breaks it mends it."""
    return dress(stable)


@pytest.fixture(scope="session", params=EVERY_TARGET)
def target(request: pytest.FixtureRequest) -> str:
    """The name of every target."""
    return str(request.param)


@pytest.fixture(scope="session")
def each(target: str, dress: Callable[[str], Specimen]) -> Specimen:
    """A running specimen of every target in the pfs profile; whoever breaks it mends it."""
    return dress(target)


@pytest.fixture
def service(dressed: Specimen) -> dict[str, Service]:
    """The specimen's services by their ids."""
    return {str(each): each for each in dressed.services}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much the cross-check compared: a green that compared little would look like any other."""
    passed = [dict(report.user_properties) for report in terminalreporter.getreports("passed")]
    cells = [sum(int(found.get(name, 0)) for found in passed) for name in ("cells", "explained")]
    if any(cells):
        terminalreporter.write_line(
            "cross-check: {} cells compared with other tools, {} differences explained".format(*cells)
        )
    if peers := sum(int(found.get("peers", 0)) for found in passed):
        terminalreporter.write_line(f"peers: {peers} ways of mail between specimens and other software held")
