"""The plugin in a session of its own: what each end of each phase becomes, and what is refused before anything starts.

The session runs controls of ours on a run that starts nothing; what they say ends in a real record. Many controls share
a session, and many tests its record: a session costs more than all that is asked of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailproof import capabilities, plugin
from mailproof.dialect import Dialects
from mailproof.evidence import record as record_of
from mailproof.ledger import Phase, fingerprint
from mailproof.model import Level, Release, Role
from mailproof.plan import Proof, Subject
from mailproof.profile import Profile
from mailproof.run import SECRETS, Run
from mailproof.selection import Options, Selection
from mailproof.targets.lab import Started, write_state
from mailproof.targets.people import People

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
DIALECTS = Dialects.load(ROOT / "fixtures" / "dialects")
MakeProfile = Callable[..., Profile]
Judge = Callable[..., "Judged"]
QUICK = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Plugins that such a session has no use for, and that cost it a second."""

SAMPLE = """
import pytest
from mailproof.controls import MUST, MX, broken_by, control as declared, rfc, tolerates

def control(id="PFS-3", **more):
    return declared(id, MUST, rfc(9325, "4.1"), "A quote.", on=(MX,), expects="x", remedy="y", **more)

def helper(value):
    assert value

@pytest.fixture
def failing_fixture():
    assert False, "not the control's own assertion"

@pytest.fixture
def failing_at_the_end():
    yield
    assert False, "not the control's own assertion"

"""
ENDS = """
@control()
def test_holds(variant):
    assert variant == ""

@control()
def test_does_not_hold(variant):
    assert variant == "one", "it is another"

@control()
def test_observes(variant, recorder):
    recorder.note("a look", "a sight")
    assert variant

@control()
def test_left_out(variant):
    assert True

@control("PFS-99")
def test_required_by_nobody(variant):
    assert False

@control(certificate="ecdsa")
def test_not_applicable(variant):
    assert False

@pytest.mark.xfail
@control()
def test_expected_to_fail(variant):
    assert variant

@control()
def test_assert_in_a_helper(variant):
    helper(variant)

@control()
def test_assert_in_a_lambda(variant):
    (lambda: helper(variant))()

@control()
def test_assert_in_a_fixture(variant, failing_fixture):
    assert True

@control()
def test_assert_in_a_fixture_s_end(variant, failing_at_the_end):
    assert True

@control()
def test_fails_and_its_fixture_too(variant, failing_at_the_end):
    assert False, "its own"

@control()
def test_unknown_fixture(variant, no_such_fixture):
    assert True

@control()
def test_pytest_fail(variant):
    pytest.fail("no judgement")

@control()
def test_pytest_skip(variant):
    pytest.skip("never")

@control()
def test_pytest_xfail(variant):
    pytest.xfail("never")

@control()
def test_pytest_raises(variant):
    with pytest.raises(ValueError):
        pass
    assert True

@control()
def test_exception(variant):
    raise OSError("the peer is gone")

@control()
def test_unreachable_target(endpoint):
    assert endpoint

@pytest.mark.skip(reason="a marker")
@control()
def test_marked_skip(variant):
    assert True

@pytest.mark.skipif(True, reason="a marker")
@control()
def test_marked_skipif(variant):
    assert True

@pytest.mark.xfail(run=False)
@control()
def test_marked_xfail_without_a_run(variant):
    assert True

@pytest.mark.xfail(strict=True)
@control()
def test_marked_xfail_but_holds(variant):
    assert True
"""
PROOFS = """
FAULT = broken_by("broken", postfix={"smtpd_tls_loglevel": "0"})
OTHER_WAY = tolerates("spelling", postfix={"smtpd_tls_loglevel": "1"})

@control()
@FAULT
@OTHER_WAY
def test_sees(case, recorder):
    recorder.note("level", "0")
    assert case.restored or not case.mutation or case.innocent

@control()
@FAULT
def test_sees_and_says_nothing(case):
    assert case.restored or not case.mutation

@control()
@FAULT
def test_failed_before(case, recorder):
    recorder.note("level", "0")
    assert case.restored

@control()
@FAULT
def test_blind(case):
    assert True

@control()
@FAULT
def test_does_not_recover(case):
    assert not case.mutation

@control()
@FAULT
def test_crashes_under_the_fault(case):
    if case.mutation and not case.restored:
        raise OSError("it died")
    assert True

@control()
@OTHER_WAY
def test_alarms(case):
    assert case.restored or not case.mutation
"""
ERRORS = {
    "assert_in_a_helper": "AssertionError",
    "assert_in_a_lambda": "AssertionError",
    "assert_in_a_fixture": "not the control's own assertion",
    "assert_in_a_fixture_s_end": "not the control's own assertion",
    "fails_and_its_fixture_too": "not the control's own assertion",
    "unknown_fixture": "no_such_fixture",
    "pytest_fail": "Failed: no judgement",
    "pytest_skip": "never",
    "pytest_xfail": "never",
    "pytest_raises": "DID NOT RAISE",
    "exception": "OSError: the peer is gone",
    "unreachable_target": "DidNotStart: the engine refused",
    "marked_skip": "a marker",
    "marked_skipif": "a marker",
    "marked_xfail_without_a_run": "XFailed",
    "marked_xfail_but_holds": "pytest calls it failed",
}


@dataclass(frozen=True)
class Judged:
    """A session's record and what is beside it."""

    record: dict[str, Any]
    transcripts: dict[str, str]
    printed: str

    def row(self, name: str, case: str = "smtp:25") -> dict[str, Any]:
        node = f"test_sample.py::test_{name}[debian-13/pfs/{case}]"
        found: dict[str, Any] = next(row for row in self.record["results"] if row["node"] == node)
        return found


KEPT: dict[str, Judged] = {}
"""Sessions that have run in this process: their records are the same for every test that looks at them."""


class Session:
    """A run in a session: stands in for the controller and starts nothing."""

    def __init__(self, run: Run, subject: Subject) -> None:
        self.run = run
        self.subject = subject

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[capabilities.RUN] = self.run
        config.stash[plugin.SUBJECTS] = (self.subject,)
        config.stash[plugin.GAPS], config.stash[plugin.DESELECTED] = [], []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "mailproof"):
            self.run.report(Phase(**json.loads(report.mailproof)))


@pytest.fixture
def judge(request: pytest.FixtureRequest, tmp_path: Path, make_profile: MakeProfile, subject: Subject) -> Judge:
    """Run a module of controls, or look at the record of when it ran."""
    profile = make_profile(requires={"PFS-3": {Role.MX: Level.MUST}})

    def session(source: str, *arguments: str, prove: Proof = Proof.NONE) -> Judged:
        key = repr((source, arguments))
        if key not in KEPT:
            run = _run(tmp_path, profile, prove)
            pytester: pytest.Pytester = request.getfixturevalue("pytester")
            path = pytester.makepyfile(test_sample=SAMPLE + source)
            options = ["--import-mode=importlib", *QUICK, "--tb=no", *arguments, str(path)]
            others = [plugin, Session(run, Subject("debian-13", profile, "debian-13/pfs", subject.services, ("rsa",)))]
            printed = str(pytester.runpytest_inprocess(*options, plugins=others).stdout)
            transcripts = {each.stem: each.read_text() for each in (run.directory / "raw").iterdir()}
            KEPT[key] = Judged(record_of(run, ["pytest"]), transcripts, printed)
        return KEPT[key]

    return session


def _run(directory: Path, profile: Profile, prove: Proof) -> Run:
    for name in ("raw", SECRETS):
        (directory / name).mkdir()
    release = Release("debian-13", "debian", "Debian 13", "trixie", "", "", "3.10", "2.4.1")
    people = People(b"", {}, {}, {}, "")
    chosen = Selection(ROOT, Options(prove=prove), (release,), (profile,), DIALECTS, people, "secret")
    write_state(directory / SECRETS, Started("debian-13/pfs", "debian-13", problem="the engine refused"), {})
    return Run("run-1", directory, chosen)


@pytest.fixture
def ends(judge: Judge) -> Judged:
    return judge(ENDS, "-k", "not left_out")


@pytest.fixture
def proofs(judge: Judge) -> Judged:
    return judge(PROOFS, prove=Proof.FULL)


def test_an_own_assertion_that_holds_passes(ends: Judged) -> None:
    row = ends.row("holds")
    assert (row["verdict"], row["raw_verdict"], row["message"], row["reason"]) == ("pass", "pass", "", "")


def test_an_own_assertion_that_does_not_hold_fails(ends: Judged) -> None:
    row = ends.row("does_not_hold")
    assert (row["verdict"], row["reason"]) == ("fail", "")
    assert row["message"].startswith("AssertionError: it is another")


@pytest.mark.parametrize(("name", "reason"), ERRORS.items(), ids=ERRORS.keys())
def test_every_other_end_is_an_error(ends: Judged, name: str, reason: str) -> None:
    row = ends.row(name)
    assert (row["verdict"], row["raw_verdict"]) == ("error", "error")
    assert reason in row["reason"]


def test_a_failure_that_is_expected_is_a_failure(ends: Judged) -> None:
    assert ends.row("expected_to_fail")["verdict"] == "fail"


def test_what_was_observed_is_kept_under_its_digest(ends: Judged) -> None:
    row = ends.row("observes")
    assert (row["verdict"], row["observed"]) == ("fail", "a look: a sight")
    assert ends.transcripts == {fingerprint("== a look\na sight\n"): "== a look\na sight\n"}
    assert row["transcript"] in ends.transcripts


def test_what_does_not_apply_is_a_row_and_no_item(ends: Judged) -> None:
    row = ends.row("not_applicable")
    assert (row["verdict"], row["reason"]) == ("not-applicable", "debian-13 shows no ECDSA certificate there")
    assert "test_not_applicable" not in ends.printed


def test_what_the_caller_leaves_out_is_named(ends: Judged) -> None:
    assert ends.record["run"]["selection"]["deselected"] == ["test_sample.py::test_left_out[debian-13/pfs/smtp:25]"]


def test_nothing_else_is_in_the_record(ends: Judged) -> None:
    """Neither what was left out nor a control that no profile requires."""
    names = {row["node"].partition("::test_")[2].partition("[")[0] for row in ends.record["results"]}
    assert names == {"holds", "does_not_hold", "observes", "not_applicable", "expected_to_fail", *ERRORS}
    assert ends.record["completeness"]["missing"] == []


def test_the_terminal_counts_an_error_as_one(ends: Judged) -> None:
    """A crash in the call phase is no failure, and nothing is ever skipped."""
    last = ends.printed.strip().splitlines()[-1]
    assert "skipped" not in last
    assert "xpassed" not in last
    assert "errors" in last


@pytest.mark.parametrize(
    ("name", "case", "verdict"),
    [
        ("sees", "smtp:25", "pass"),
        ("sees", "smtp:25+broken", "proven"),
        ("sees", "smtp:25+spelling", "proven"),
        ("blind", "smtp:25+broken", "blind"),
        ("sees_and_says_nothing", "smtp:25+broken", "error"),
        ("failed_before", "smtp:25+broken", "not-checked"),
        ("does_not_recover", "smtp:25+broken", "error"),
        ("crashes_under_the_fault", "smtp:25", "pass"),
        ("crashes_under_the_fault", "smtp:25+broken", "error"),
        ("alarms", "smtp:25+spelling", "false-alarm"),
    ],
)
def test_a_fault_must_turn_a_control_red_and_its_removal_green(
    proofs: Judged, name: str, case: str, verdict: str
) -> None:
    assert proofs.row(name, case)["verdict"] == verdict


def test_a_restoration_has_no_row_of_its_own(proofs: Judged) -> None:
    assert not [row["node"] for row in proofs.record["results"] if "restored" in row["node"]]
    assert proofs.record["completeness"]["missing"] == []
    assert proofs.record["run"]["exit_status"] == 11


def test_a_session_that_is_cut_short_leaves_errors(judge: Judge) -> None:
    """What was planned and never asked is not forgotten."""
    two = "".join(f"@control()\ndef test_{name}(variant):\n    assert variant\n" for name in ("first", "second"))
    judged = judge(two, "-x")
    assert judged.row("first")["verdict"] == "fail"
    assert judged.row("second")["verdict"] == "error"
    assert judged.record["completeness"]["missing"] == ["test_sample.py::test_second[debian-13/pfs/smtp:25]"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--assert=plain"], "asserts are not executed"),
        (["--profile", "pffs"], "(did you mean pfs?)"),
        (["--prove", "--mail-config", "stock"], "--prove breaks what it judges"),
    ],
)
def test_unusable_options_end_the_session_before_it_starts(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    result = pytester.runpytest_inprocess(*QUICK, str(ROOT / "tests" / "config"), *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert any(said in line for line in result.errlines), result.errlines


@pytest.mark.parametrize(
    ("interpreter", "arguments", "said"),
    [
        (["-O"], [], "asserts are not executed"),
        ([], ["--target", "debain-13"], "--target debain-13: there is no such target: did you mean debian-13?"),
    ],
    ids=["-O", "--target"],
)
def test_the_exit_status_of_unusable_options_is_4(
    tmp_path: Path, interpreter: list[str], arguments: list[str], said: str
) -> None:
    """A process of its own: no engine answers, and nothing is written."""
    command = [sys.executable, *interpreter, "-m", "pytest", *QUICK, *arguments]
    environment = {**os.environ, "DOCKER_HOST": "tcp://127.0.0.1:9"}
    done = subprocess.run([*command, "--report-dir", str(tmp_path / "report")], cwd=ROOT, env=environment,
                          capture_output=True, text=True, timeout=30, check=False)  # fmt: skip
    assert done.returncode == 4
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []
