"""The controlling process of a run as a pytest plugin: starts specimens, takes reports in, writes the record.

Registered once per run, beside `mailproof.plugin`, in the one process that owns containers and report.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Generator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from mailproof.errors import ExitStatus, MailproofError, Unusable
from mailproof.evidence import mended, record
from mailproof.ledger import Phase
from mailproof.model import Verdict
from mailproof.reporting import terminal
from mailproof.reporting.advice import load_advice
from mailproof.reporting.sources import load_sources
from mailproof.reporting.write import FIXES, HASHES, RAW, write_report
from mailproof.run import SECRETS, Run
from mailproof.targets.lab import alive
from mailproof.trying import fixes

OWN_STATUS = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
"""pytest's statuses that ours replaces; interrupted, internal and usage errors stand as pytest defines them."""

FILES = ("advice.md", "proof.md", "evidence.json", "junit.xml", "summary.md", "report.html", HASHES)
"""What an earlier run may have left in the report's place: it must not stand in for what this one does not write."""


OWNER = "run"
"""The file beside a run's secrets that says whose they are."""


class Controller:
    """Hooks that only the controlling process has. ``default`` is true where the report goes to its usual place."""

    def __init__(self, run: Run, config: pytest.Config, default: bool) -> None:
        self.run = run
        self.config = config
        self.latest = run.directory.parent / "latest" if default else None
        self.began = monotonic()
        self.record: dict[str, Any] | None = None
        self.problem = ""

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Start the specimens while pytest still collects."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            self.run.start()
        except MailproofError as error:
            pytest.exit(str(error), ExitStatus.NOT_JUDGED)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist which run it belongs to."""
        node.workerinput["mailproof"] = self.run.ticket()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Show what is going on until every specimen has settled."""
        try:
            self.run.wait(self._say)
        except MailproofError as error:
            pytest.exit(str(error), ExitStatus.NOT_JUDGED)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what a phase said, wherever it ran."""
        if hasattr(report, "mailproof"):
            self.run.report(Phase(**json.loads(report.mailproof)))
        elif report.failed:  # a worker died under it, or it is no control at all
            self._stray(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be read has cases that nobody knows."""
        if report.failed:
            self._stray(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Remove what was started, write the record, and let it decide the exit status."""
        try:
            self.record = record(self.run, ["pytest", *map(str, self.config.invocation_params.args)])
            found = mended(self.run)
            self.problem = self.run.close() or self.problem
            if found:
                self.record["fixes"] = fixes(self.run, self.record, found, bool(self.config.option.try_fixes))
            self._write(self.record, {target: each.patch for target, each in found.items()})
        except MailproofError as error:
            self.problem = str(error)
        if session.exitstatus in OWN_STATUS:
            session.exitstatus = self._status()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """What failed, how to mend it, and where the report lies."""
        if self.record is not None:
            seconds = monotonic() - self.began
            for line in terminal.summary(self.record, self.run.directory, seconds, colour=terminalreporter.hasmarkup):
                terminalreporter.write_line(line)
        if self.problem:
            terminalreporter.write_line(terminal.printable(self.problem), red=True)

    def pytest_unconfigure(self) -> None:
        """Whatever happened, nothing is left running."""
        self.run.close()

    def _stray(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        """What failed without a control's word on it stands in nobody's plan and must not be lost."""
        *_, reason = report.longreprtext.strip().splitlines() or ["no word of why"]
        self.problem = f"{report.nodeid}: {reason}"
        self.run.report(Phase(report.nodeid, report.when or "", Verdict.ERROR.value, reason=reason))

    def _write(self, record: dict[str, Any], patches: Mapping[str, str]) -> None:
        sources = load_sources(self.run.selection.root / "fixtures" / "sources.toml")
        entries = load_advice(self.run.selection.root / "fixtures" / "advice.toml")
        write_report(record, self.run.directory, self.latest, sources, entries, patches)

    def _status(self) -> int:
        if self.record is None:
            return int(ExitStatus.NOT_JUDGED)
        status = int(self.record["run"]["exit_status"])
        return int(ExitStatus.NOT_JUDGED) if self.problem and status == ExitStatus.ALL_HOLD else status

    def _say(self, line: str) -> None:
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(terminal.printable(line))


def report_directory(root: Path, run: str, chosen: Path | None) -> Path:
    """Where the run's files go: made and cleared now, so that a place that cannot be written is known before anything
    starts. Raises `Unusable`."""
    directory = chosen or root / "reports" / run
    try:
        (directory / RAW).mkdir(parents=True, exist_ok=True)
        _leave_alone(directory / SECRETS)
        if (directory / SECRETS).exists():  # a killed run's: its containers are not ours
            shutil.rmtree(directory / SECRETS)
        (directory / SECRETS).mkdir(mode=0o700)
        (directory / SECRETS / OWNER).write_text(run)
        for name in FILES:
            (directory / name).unlink(missing_ok=True)
        for patch in (directory / FIXES).glob("*.patch"):
            patch.unlink()
    except OSError as error:
        why = error.strerror or error
        raise Unusable(
            f"no report can be written to {directory} ({why}): name another place, --report-dir DIR"
        ) from None
    return directory


def _leave_alone(secrets: Path) -> None:
    """Two runs that meet in one place would take each other's specimens and plan for their own."""
    owner = secrets / OWNER
    if owner.exists() and alive(owner.read_text()):
        raise Unusable(f"the run {owner.read_text()} writes its report to {secrets.parent}: name another place")
