"""A run's record: every planned case has a row, whatever was reported of it and by whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from mailproof.dialect import Dialects
from mailproof.errors import DidNotStart, ReportNotWritten
from mailproof.evidence import record as record_of
from mailproof.ledger import Phase, fingerprint
from mailproof.model import Control, Mutation, Release, Verdict
from mailproof.pki import Authority
from mailproof.plan import Case, Gap, Proof, Subject, plan
from mailproof.profile import Profile
from mailproof.reporting.record import validate
from mailproof.run import SECRETS, Run, new_id, now, our_openssl, timestamp
from mailproof.selection import Options, Selection
from mailproof.targets.lab import Started, write_state
from mailproof.targets.people import People

ROOT = Path(__file__).parents[2]
DIALECTS = Dialects.load(ROOT / "fixtures" / "dialects")
MakeControl = Callable[..., Control]
MakeProfile = Callable[..., Profile]
Rows = dict[str, dict[str, Any]]
BROKEN = Mutation("broken", postfix={"smtpd_tls_loglevel": "0"})
SPELLING = Mutation("spelling", postfix={"smtpd_tls_loglevel": "1"})


@pytest.fixture
def run(tmp_path: Path, make_profile: MakeProfile, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run on one specimen, of which nothing was started, from a tree outside of git."""
    monkeypatch.setattr("mailproof.evidence.commit", lambda _: None)
    release = Release("debian-13", "debian", "Debian 13", "trixie", "", "", "3.10", "2.4.1")
    people = People(b"", {}, {}, {}, "")
    chosen = Selection(ROOT, Options(), (release,), (make_profile(),), DIALECTS, people, "secret")
    for name in ("raw", SECRETS):
        (tmp_path / name).mkdir()
    found = Run("run-1", tmp_path, chosen)
    write_state(tmp_path / SECRETS, Started("debian-13/pfs", "debian-13", "image", container="c0ffee"), {})
    return found


def node(case: Case) -> str:
    return f"tests/x/test_x.py::test_x[{case}]"


def published(run: Run, cases: list[Case], gaps: list[Gap] | None = None, deselected: list[str] | None = None) -> None:
    run.publish_plan(
        {node(case): case for case in cases}, [(gap, node(gap.case)) for gap in gaps or []], deselected or []
    )


def report(run: Run, case: Case, call: str = "pass", **others: str) -> None:
    for when, verdict in {"setup": "pass", "call": call, "teardown": "pass", **others}.items():
        reason = f"{when} broke" if verdict == "error" else ""
        said = "AssertionError: it is 0" if verdict == "fail" else ""
        run.report(
            Phase(node(case), when, verdict, said, reason, "it: 0", started="2026-11-22T22:50:01.250Z", seconds=0.5)
        )


def rows(record: dict[str, Any]) -> Rows:
    return {row["node"].partition("[")[2].rstrip("]"): row for row in record["results"]}


def test_what_was_reported_is_the_record(run: Run, case: Case) -> None:
    published(run, [case])
    report(run, case)
    record = record_of(run, ["pytest", "--target", "debian-13"])
    validate(record)
    assert rows(record)["debian-13/pfs/smtp:25"]["verdict"] == "pass"
    assert record["run"]["exit_status"] == 0
    assert record["run"]["selection"]["options"] == ["--target", "debian-13"]
    assert record["completeness"]["holds"] is True
    assert record["targets"][0]["container"] == "c0ffee"


def test_a_planned_case_that_nobody_reported_is_an_error(run: Run, case: Case, subject: Subject) -> None:
    """Another that passed does not make up for it."""
    lost = replace(case, service=subject.services[-1])
    published(run, [case, lost])
    report(run, case)
    record = record_of(run, ["pytest"])
    assert rows(record)["debian-13/pfs/lmtp"]["verdict"] == "error"
    assert record["completeness"]["missing"] == [node(lost)]
    assert record["run"]["exit_status"] == 10


def test_a_case_whose_worker_died_after_the_call_is_an_error(run: Run, case: Case) -> None:
    published(run, [case])
    run.report(Phase(node(case), "setup", "pass"))
    run.report(Phase(node(case), "call", "pass"))
    record = record_of(run, ["pytest"])
    assert rows(record)["debian-13/pfs/smtp:25"]["verdict"] == "error"
    assert record["run"]["exit_status"] == 10


def test_a_run_without_a_plan_judged_nothing(run: Run) -> None:
    record = record_of(run, ["pytest"])
    assert record["results"] == []
    assert record["run"]["exit_status"] == 10


@pytest.mark.parametrize(("call", "status"), [("pass", 0), ("fail", 1), ("error", 10)])
def test_the_exit_status_follows_from_the_rows(run: Run, case: Case, call: str, status: int) -> None:
    published(run, [case])
    report(run, case, call)
    assert record_of(run, ["pytest"])["run"]["exit_status"] == status


def test_gaps_are_rows_with_their_reason(run: Run, case: Case, subject: Subject) -> None:
    gap = Gap(replace(case, service=subject.services[-1]), Verdict.NOT_APPLICABLE, "there is none")
    published(run, [case], [gap], ["tests/x/test_x.py::test_x[debian-13/pfs/imap:143]"])
    report(run, case)
    record = record_of(run, ["pytest"])
    validate(record)
    assert rows(record)["debian-13/pfs/lmtp"]["verdict"] == "not-applicable"
    assert rows(record)["debian-13/pfs/lmtp"]["reason"] == "there is none"
    assert record["completeness"]["planned"] == 2
    assert record["run"]["selection"]["deselected"] == ["tests/x/test_x.py::test_x[debian-13/pfs/imap:143]"]
    assert record["run"]["exit_status"] == 0


@pytest.fixture
def proofs(make_control: MakeControl, subject: Subject) -> dict[str, Case]:
    """Dressed, broken and restored cases of one service, by what stands behind it in their id."""
    control = make_control(mutations=(BROKEN,), innocents=(SPELLING,))
    found = plan(control, [subject], prove=Proof.FULL)[0]
    return {str(case).partition("smtp:25")[2]: case for case in found if case.service.name == "smtp"}


@pytest.mark.parametrize(
    ("broken", "again", "verdict", "status"),
    [
        ("fail", "pass", "proven", 0),
        ("pass", "pass", "blind", 11),
        ("error", "pass", "error", 10),
        ("fail", "fail", "error", 10),
        ("fail", "error", "error", 10),
    ],
)
def test_a_mutation_s_row_and_the_one_after_it_become_a_proof(
    run: Run, proofs: dict[str, Case], broken: str, again: str, verdict: str, status: int
) -> None:
    chosen = [proofs[name] for name in ("", "+broken", "+broken+restored")]
    published(run, chosen)
    for case, call in zip(chosen, ("pass", broken, again), strict=True):
        report(run, case, call)
    record = record_of(run, ["pytest"])
    validate(record)
    assert {id: row["verdict"] for id, row in rows(record).items()} == {
        "debian-13/pfs/smtp:25": "pass", "debian-13/pfs/smtp:25+broken": verdict,
    }  # fmt: skip
    assert rows(record)["debian-13/pfs/smtp:25+broken"]["raw_verdict"] == broken
    assert record["run"]["exit_status"] == status


@pytest.mark.parametrize(("spelling", "verdict", "status"), [("pass", "proven", 0), ("fail", "false-alarm", 11)])
def test_another_right_way_must_not_alarm(
    run: Run, proofs: dict[str, Case], spelling: str, verdict: str, status: int
) -> None:
    chosen = [proofs[name] for name in ("", "+spelling", "+spelling+restored")]
    published(run, chosen)
    for case, call in zip(chosen, ("pass", spelling, "pass"), strict=True):
        report(run, case, call)
    record = record_of(run, ["pytest"])
    assert rows(record)["debian-13/pfs/smtp:25+spelling"]["verdict"] == verdict
    assert record["run"]["exit_status"] == status


def test_a_mutation_whose_restoration_was_deselected_proves_nothing(run: Run, proofs: dict[str, Case]) -> None:
    published(run, [proofs["+broken"]])
    report(run, proofs["+broken"], "fail")
    row = rows(record_of(run, ["pytest"]))["debian-13/pfs/smtp:25+broken"]
    assert (row["verdict"], row["reason"]) == (
        "error",
        "the control did not hold again after restoring: it was not asked again",
    )


@pytest.mark.parametrize("call", ["pass", "fail", "error"])
def test_a_restoration_whose_mutation_was_deselected_does_not_vanish(
    run: Run, proofs: dict[str, Case], call: str
) -> None:
    published(run, [proofs[""], proofs["+broken+restored"]])
    report(run, proofs[""])
    report(run, proofs["+broken+restored"], call)
    record = record_of(run, ["pytest"])
    assert rows(record)["debian-13/pfs/smtp:25+broken+restored"]["verdict"] == "error"
    assert record["run"]["exit_status"] == 10


def test_a_target_that_did_not_start_is_the_run_s_problem(run: Run, case: Case) -> None:
    problem = Started("debian-13/pfs", "debian-13", problem="the engine refused")
    write_state(run.directory / SECRETS, problem, {})
    published(run, [case])
    report(run, case)
    record = record_of(run, ["pytest"])
    assert record["targets"][0]["problem"] == "the engine refused"
    assert record["run"]["exit_status"] == 10
    with pytest.raises(DidNotStart, match="the engine refused"):
        run.specimen("debian-13/pfs")


def test_a_target_that_had_not_settled_is_the_run_s_problem(run: Run, case: Case) -> None:
    (run.directory / SECRETS / "specimens" / "debian-13@pfs.json").unlink()
    published(run, [case])
    report(run, case)
    record = record_of(run, ["pytest"])
    assert record["targets"][0]["problem"] == "it had not started when the run ended"
    assert record["run"]["exit_status"] == 10


def test_a_mere_look_starts_nothing(run: Run) -> None:
    with pytest.raises(DidNotStart, match="nothing is started"):
        replace(run, starts=False).specimen("debian-13/pfs")


def test_a_transcript_is_kept_once_under_its_digest(run: Run) -> None:
    text = "S: 220 \udcff\n"
    digest = fingerprint(text)
    assert [run.keep(digest, text), run.keep(digest, text)] == [digest, digest]
    kept = list((run.directory / "raw").iterdir())
    assert [path.name for path in kept] == [f"{digest}.txt"]
    assert fingerprint(kept[0].read_text()) == digest


def test_a_transcript_that_cannot_be_kept_is_said(run: Run) -> None:
    (run.directory / "raw").rmdir()
    with pytest.raises(ReportNotWritten, match="--report-dir"):
        run.keep("digest", "text")


def test_a_worker_joins_by_the_ticket(tmp_path: Path) -> None:
    leaf = Authority.create("test CA").leaf("mail.mailproof.test", purpose="server")
    (tmp_path / SECRETS).mkdir()
    People(b"the CA", {"ecdsa-p256": leaf}, {}, {"listed": leaf}, "AA listed\n").save(
        tmp_path / SECRETS / "people.json"
    )
    ticket = json.loads(json.dumps({"id": "run-1", "directory": str(tmp_path), "password": "secret"}))
    joined = Run.join(ticket, ROOT, Options(), tmp_path)
    assert joined.ticket() == ticket
    assert joined.selection.people.servers["ecdsa-p256"].key_pem == leaf.key_pem
    assert list(joined.selection.keys) == ["debian-13/pfs", "debian-13/relay"]


def test_keys_are_their_owner_s_alone(tmp_path: Path) -> None:
    People(b"", {}, {}, {}, "").save(tmp_path / "people.json")
    assert (tmp_path / "people.json").stat().st_mode & 0o077 == 0


def test_ids_and_times_sort_as_they_happened() -> None:
    assert new_id() != new_id()
    assert now().endswith("Z")
    assert timestamp(0.25) == "1970-01-01T00:00:00.250Z"
    assert our_openssl().startswith("OpenSSL ")


def test_a_row_holds_json_primitives_alone(run: Run, case: Case) -> None:
    published(run, [case])
    report(run, case)
    record = record_of(run, ["pytest"])
    assert json.loads(json.dumps(record)) == record
    assert asdict(run.phases[node(case)][0])["verdict"] == "pass"
