"""What a phase's end means, how phases become a row, and what a mutation's row proves (DESIGN §1.2)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from mailproof.errors import CannotOffer, Unreachable
from mailproof.ledger import Phase, Recorder, completeness, fingerprint, judged, merge, prove, sentence, verdict_of
from mailproof.model import Result, Verdict
from mailproof.plan import Case, skeleton


def holds(value: bool) -> None:
    assert value


def helping(value: bool) -> bool:
    assert value
    return value


def helped(value: bool) -> None:
    holds(value)


def in_a_nested_function(value: bool) -> None:
    def inner() -> None:
        assert value

    inner()


def in_a_comprehension(value: bool) -> None:
    assert all(helping(each) for each in [value])


def in_a_library(value: bool) -> None:
    """As testinfra's `check_output` does it: an AssertionError from somebody else's code."""
    expected = 0 if value else 1
    exec(compile(f"assert {expected} == 0", "testinfra/host.py", "exec"))  # noqa: S102


def failing(value: bool) -> None:
    if not value:
        pytest.fail("a judgement by another road")


def skipping(value: bool) -> None:
    if not value:
        pytest.skip("never")


def expecting_to_fail(value: bool) -> None:
    if not value:
        pytest.xfail("never")


def raising(value: bool) -> None:
    if not value:
        raise CannotOffer("our library cannot send it")


def dying(value: bool) -> None:
    if not value:
        raise KeyboardInterrupt


def with_a_kind_of_its_own(value: bool) -> None:
    class OwnKind(AssertionError):
        pass

    if not value:
        raise OwnKind


def running(value: bool) -> None:
    subprocess.run(["true" if value else "false"], check=True)


Check = Callable[[bool], None]


def caught(check: Check) -> BaseException:
    try:
        check(False)
    except BaseException as problem:  # noqa: BLE001
        return problem
    raise RuntimeError("the check was to fail")


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
def test_what_raises_nothing_passes(when: str) -> None:
    assert verdict_of(when, None, holds.__code__) is Verdict.PASS


def test_a_control_s_own_assert_in_the_call_phase_fails() -> None:
    problem = caught(holds)
    assert judged(problem, holds.__code__)
    assert verdict_of("call", problem, holds.__code__) is Verdict.FAIL


@pytest.mark.parametrize("when", ["setup", "teardown"])
def test_the_same_assert_in_another_phase_is_an_error(when: str) -> None:
    assert verdict_of(when, caught(holds), holds.__code__) is Verdict.ERROR


@pytest.mark.parametrize(
    "check",
    [
        helped, in_a_nested_function, in_a_comprehension, in_a_library, failing, skipping, expecting_to_fail, raising,
        dying, with_a_kind_of_its_own, running,
    ],
)  # fmt: skip
def test_everything_else_is_an_error(check: Check) -> None:
    assert verdict_of("call", caught(check), check.__code__) is Verdict.ERROR


def test_an_assert_of_another_control_is_an_error() -> None:
    assert verdict_of("call", caught(holds), helped.__code__) is Verdict.ERROR


def test_an_assertion_error_without_a_traceback_is_an_error() -> None:
    assert verdict_of("call", AssertionError("from nowhere"), holds.__code__) is Verdict.ERROR


@pytest.fixture
def row(case: Case) -> Result:
    return skeleton(case, "tests/x.py::test_y[debian-13/pfs/smtp:25]")


def phases(**verdicts: str) -> list[Phase]:
    """Phases in the order given; an error has a reason, a failure a message."""
    return [
        Phase("node", when, verdict, message=f"{when} said no" * (verdict == "fail"),
              reason=f"{when} broke" * (verdict == "error"), observed=f"seen in {when}", seconds=0.25)
        for when, verdict in verdicts.items()
    ]  # fmt: skip


def test_a_row_takes_the_verdict_of_its_call(row: Result) -> None:
    found = merge(row, phases(setup="pass", call="fail", teardown="pass"))
    assert (found.verdict, found.raw_verdict, found.message, found.reason) == ("fail", "fail", "call said no", "")
    assert (found.observed, found.seconds) == ("seen in call", 0.25)
    assert merge(row, phases(setup="pass", call="pass", teardown="pass")).verdict == "pass"


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        ({"setup": "error", "teardown": "pass"}, "setup broke"),
        ({"setup": "pass", "call": "error", "teardown": "pass"}, "call broke"),
        ({"setup": "pass", "call": "pass", "teardown": "error"}, "teardown broke"),
        ({"setup": "pass", "call": "fail", "teardown": "error"}, "teardown broke"),
    ],
)
def test_an_error_in_any_phase_is_an_error(row: Result, reported: dict[str, str], reason: str) -> None:
    found = merge(row, phases(**reported))
    assert (found.verdict, found.raw_verdict, found.reason) == ("error", "error", reason)


@pytest.mark.parametrize(
    ("reported", "missing"),
    [
        ({}, "setup and call and teardown"),
        ({"setup": "pass"}, "call and teardown"),
        ({"setup": "pass", "call": "pass"}, "teardown"),
        ({"setup": "pass", "call": "fail"}, "teardown"),
        ({"call": "pass", "teardown": "pass"}, "setup"),
        ({"setup": "pass", "teardown": "pass"}, "call"),
    ],
)
def test_a_phase_that_never_reported_is_an_error(row: Result, reported: dict[str, str], missing: str) -> None:
    found = merge(row, phases(**reported))
    assert (found.verdict, found.raw_verdict) == ("error", "error")
    assert found.reason == f"no report of the {missing} phase arrived"


def test_a_second_report_does_not_undo_an_error(row: Result) -> None:
    twice = [*phases(setup="pass", call="error", teardown="pass"), *phases(setup="pass", call="pass", teardown="pass")]
    assert merge(row, twice).verdict == "error"


def said(row: Result, verdict: str) -> Result:
    message = "AssertionError: it is 0" if verdict == "fail" else ""
    reason = "why" if verdict == "error" else ""
    return replace(row, verdict=verdict, raw_verdict=verdict, message=message, reason=reason, observed="it: 0")


@pytest.mark.parametrize(
    ("broken", "innocent", "proof"),
    [("fail", False, "proven"), ("pass", False, "blind"), ("pass", True, "proven"), ("fail", True, "false-alarm")],
)
def test_what_a_control_says_under_a_mutation_proves_it_or_not(
    row: Result, broken: str, innocent: bool, proof: str
) -> None:
    found = prove(said(row, "pass"), said(replace(row, innocent=innocent), broken), said(row, "pass"))
    assert (found.verdict, found.raw_verdict) == (proof, broken)


@pytest.mark.parametrize("innocent", [True, False])
def test_an_error_under_the_mutation_proves_nothing(row: Result, innocent: bool) -> None:
    found = prove(said(row, "pass"), said(replace(row, innocent=innocent), "error"), said(row, "pass"))
    assert (found.verdict, found.reason) == ("error", "under the mutation: why")


@pytest.mark.parametrize("innocent", [True, False])
@pytest.mark.parametrize("broken", ["pass", "fail"])
@pytest.mark.parametrize("again", ["fail", "error", None])
def test_a_control_that_does_not_hold_again_proves_nothing(
    row: Result, again: str | None, broken: str, innocent: bool
) -> None:
    under = said(replace(row, innocent=innocent), broken)
    found = prove(said(row, "pass"), under, said(row, again) if again else None)
    assert found.verdict == "error"
    assert found.reason.startswith("the control did not hold again after restoring: ")


def test_a_blind_control_says_so(row: Result) -> None:
    assert "stayed green" in prove(said(row, "pass"), said(row, "pass"), said(row, "pass")).reason


@pytest.mark.parametrize("broken", ["pass", "fail", "error"])
def test_what_fails_as_it_is_worn_cannot_be_broken(row: Result, broken: str) -> None:
    """Red under the fault would look like a proof of it."""
    found = prove(said(row, "fail"), said(row, broken), said(row, "fail"))
    assert (found.verdict, found.raw_verdict) == ("not-checked", broken)
    assert found.reason == "it fails as the profile is worn: there is nothing to break"


def test_what_could_not_be_judged_as_it_is_worn_proves_nothing(row: Result) -> None:
    found = prove(said(row, "error"), said(row, "fail"), said(row, "pass"))
    assert (found.verdict, found.reason) == ("error", "as the profile is worn: why")


def test_what_the_caller_left_out_before_it_does_not_hinder_a_proof(row: Result) -> None:
    assert prove(None, said(row, "fail"), said(row, "pass")).verdict == "proven"


@pytest.mark.parametrize(
    ("message", "observed"), [("AssertionError: no further words", "it: 0"), ("AssertionError: it is 0", "")]
)
def test_red_without_a_word_on_what_was_seen_proves_nothing(row: Result, message: str, observed: str) -> None:
    found = prove(said(row, "pass"), replace(said(row, "fail"), message=message, observed=observed), said(row, "pass"))
    assert found.verdict == "error"
    assert "without saying" in found.reason


def test_the_recorder_keeps_everything_and_quotes_the_last() -> None:
    recorder = Recorder()
    for number in range(20):
        recorder.note(f"look {number}", f"saw {number}", raw="S: 220 raw\n" if number == 0 else "")
    assert recorder.observed().splitlines()[0] == "look 8: saw 8"
    assert recorder.observed().splitlines()[-1] == "look 19: saw 19"
    assert recorder.transcript().startswith("== look 0\nS: 220 raw\n== look 1\nsaw 1\n")


def test_a_transcript_is_named_by_its_digest_whatever_a_server_sent() -> None:
    assert fingerprint("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert fingerprint("\udcff") != fingerprint("\udcfe")


def test_an_exception_is_told_in_one_line() -> None:
    assert sentence(Unreachable("nothing\n  listens")) == "Unreachable: nothing listens"
    assert sentence(KeyboardInterrupt()) == "KeyboardInterrupt: no further words"


def test_completeness_names_what_is_missing(row: Result) -> None:
    idle = [replace(row, verdict="not-applicable"), replace(row, verdict="not-checked")]
    found = completeness({"b": row, "a": row, "c": row}, idle, ["c"])
    assert found == {
        "planned": 5, "run": 3, "reported": 1, "not_applicable": 1, "not_checked": 1, "missing": ["a", "b"],
        "holds": False,
    }  # fmt: skip
    assert completeness({"c": row}, [], ["c"])["holds"] is True
