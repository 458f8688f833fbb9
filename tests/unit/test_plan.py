"""Which cases a control becomes, what they are called, and what is left out with which reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mailproof.model import Control, Daemon, Level, Mutation, Role, Security, Service, Step, Verdict
from mailproof.plan import RESTORED, Case, Proof, Subject, gap_row, plan, schedule, skeleton
from mailproof.profile import Profile

MakeControl = Callable[..., Control]
MakeProfile = Callable[..., Profile]
BREAK_POSTFIX = Mutation("broken", postfix={"smtpd_tls_loglevel": "0"})


def ids(control: Control, subject: Subject, prove: Proof = Proof.NONE) -> list[str]:
    return [str(case).removeprefix("debian-13/pfs/") for case in plan(control, [subject], prove)[0]]


def test_one_case_for_each_service_whose_role_the_profile_names(
    make_control: MakeControl, make_profile: MakeProfile, subject: Subject
) -> None:
    profile = make_profile(requires={"PFS-3": {Role.MX: Level.MUST_NOT, Role.ACCESS: Level.SHOULD_NOT}})
    cases, gaps = plan(make_control(), [replace(subject, profile=profile)])
    assert [(str(case), case.level) for case in cases] == [
        ("debian-13/pfs/smtp:25", Level.MUST_NOT),
        ("debian-13/pfs/imap:143", Level.SHOULD_NOT),
    ]
    assert gaps == []


def test_a_control_that_the_profile_does_not_require_is_not_asked(make_control: MakeControl, subject: Subject) -> None:
    assert plan(make_control("PFS-1"), [subject], prove=Proof.FULL) == ([], [])


def test_a_control_is_asked_of_its_own_daemons_alone(make_control: MakeControl, subject: Subject) -> None:
    control = make_control(daemons=frozenset({Daemon.DOVECOT}))
    assert ids(control, subject) == ["dovecot", "imap:143", "lmtp"]


def test_each_variant_is_a_case(make_control: MakeControl, subject: Subject) -> None:
    found = ids(make_control(variants=("tls-1.0", "tls-1.1")), subject)
    assert found[:4] == ["postfix-tls-1.0", "postfix-tls-1.1", "dovecot-tls-1.0", "dovecot-tls-1.1"]


def test_each_certificate_is_a_case_named_by_its_key_type(make_control: MakeControl, subject: Subject) -> None:
    dual = replace(subject, certificates=("rsa-2048", "ecdsa-p256"))
    assert ids(make_control(per_certificate=True), dual)[:2] == ["postfix-rsa", "postfix-ecdsa"]


def test_a_service_that_is_not_declared_is_not_applicable(make_control: MakeControl, subject: Subject) -> None:
    without = replace(subject, services=tuple(each for each in subject.services if each.name != "imap"))
    cases, gaps = plan(make_control(), [without])
    assert "imap:143" not in [str(case.service) for case in cases]
    assert [(str(gap.case.service), gap.verdict, gap.reason) for gap in gaps] == [
        ("imap:143", Verdict.NOT_APPLICABLE, "debian-13 declares no service imap:143")
    ]


def test_a_service_that_the_profile_does_not_know_is_asked_by_its_role(
    make_control: MakeControl, make_profile: MakeProfile, subject: Subject, services: dict[str, Service]
) -> None:
    narrow = replace(subject, profile=make_profile(services=(services["smtp"],)))
    assert "imap:143" in ids(make_control(), narrow)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"certificate": "ecdsa"}, "debian-13 shows no ECDSA certificate there"),
        ({"feature": "client-certificates"}, "the configuration of debian-13 uses no client-certificates"),
    ],
)
def test_what_a_target_lacks_makes_a_control_not_applicable_with_the_reason(
    make_control: MakeControl, subject: Subject, changes: dict[str, str], reason: str
) -> None:
    cases, gaps = plan(make_control(**changes), [subject], prove=Proof.FULL)
    assert cases == []
    assert {gap.reason for gap in gaps} == {reason}
    assert len(gaps) == len(subject.services)


def test_what_a_target_has_makes_the_control_apply(make_control: MakeControl, subject: Subject) -> None:
    having = replace(subject, certificates=("rsa-2048", "ecdsa-p256"), features=frozenset({"client-certificates"}))
    control = make_control(certificate="ecdsa", feature="client-certificates")
    assert len(ids(control, having)) == len(subject.services)


def test_what_comes_before_tls_does_not_apply_where_tls_comes_first(
    make_control: MakeControl, subject: Subject
) -> None:
    cases, gaps = plan(make_control(security=Security.STARTTLS), [subject])
    assert {str(case.service) for case in cases} == {"smtp:25", "submission:587", "imap:143"}
    assert "TLS begins with the first byte of submissions:465" in {gap.reason for gap in gaps}


def test_proofs_follow_their_case_broken_then_restored(
    make_control: MakeControl, make_profile: MakeProfile, subject: Subject
) -> None:
    only_mx = replace(subject, profile=make_profile(requires={"PFS-3": {Role.MX: Level.MUST}}))
    innocent = Mutation("spelling", postfix={"smtpd_tls_loglevel": "1"})
    control = make_control(mutations=(BREAK_POSTFIX,), innocents=(innocent,))
    assert ids(control, only_mx) == ["smtp:25"]
    assert ids(control, only_mx, prove=Proof.FULL) == [
        "smtp:25", "smtp:25+broken", "smtp:25+broken+restored", "smtp:25+spelling", "smtp:25+spelling+restored",
    ]  # fmt: skip
    assert [case.innocent for case in plan(control, [only_mx], prove=Proof.FULL)[0]] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_nothing_is_broken_where_the_control_does_not_apply(make_control: MakeControl, subject: Subject) -> None:
    control = make_control(mutations=(BREAK_POSTFIX,), certificate="ecdsa")
    assert ids(control, subject, prove=Proof.FULL) == []


@pytest.mark.parametrize(
    ("mutation", "broken"),
    [
        (BREAK_POSTFIX, {"postfix", "smtp:25", "submission:587", "submissions:465"}),
        (Mutation("broken", dovecot={"ssl": "no"}), {"dovecot", "imap:143", "lmtp"}),
        (Mutation("broken", removed=("tlsmgr/unix",)), {"postfix", "smtp:25", "submission:587", "submissions:465"}),
        (Mutation("broken", pasted="a typo"), {"postfix", "smtp:25", "submission:587", "submissions:465"}),
        (Mutation("broken", services={"submission:587": {"syslog_name": "x"}}), {"postfix", "submission:587"}),
        (Mutation("broken", services={"submission:587": {"syslog_name": "x"}}, dovecot={"ssl": "no"}),
         {"postfix", "submission:587", "dovecot", "imap:143", "lmtp"}),
        (Mutation("broken", services={"submission:587": {"syslog_name": "x"}}, postfix={"smtpd_tls_loglevel": "0"}),
         {"postfix", "smtp:25", "submission:587", "submissions:465"}),
    ],
    ids=["main.cf", "dovecot", "entry", "text", "master.cf", "master.cf and dovecot", "master.cf and main.cf"],
)  # fmt: skip
def test_a_mutation_proves_something_only_where_it_acts(
    make_control: MakeControl, subject: Subject, mutation: Mutation, broken: set[str]
) -> None:
    cases, _ = plan(make_control(mutations=(mutation,)), [subject], prove=Proof.FULL)
    assert {str(case.service) for case in cases if case.mutation} == broken


def test_a_mutation_may_concern_some_variants_only(make_control: MakeControl, subject: Subject) -> None:
    only = replace(BREAK_POSTFIX, variants=("tls-1.1",))
    cases, _ = plan(make_control(variants=("tls-1.0", "tls-1.1"), mutations=(only,)), [subject], prove=Proof.FULL)
    assert {case.variant for case in cases if case.mutation} == {"tls-1.1"}


def test_subjects_keep_their_order_and_their_own_profiles(
    make_control: MakeControl, make_profile: MakeProfile, subject: Subject
) -> None:
    other = replace(
        subject, target="debian-12", profile=make_profile("relay", requires={"PFS-3": {Role.MX: Level.MUST}})
    )
    found = [str(case) for case in plan(make_control(), [other, subject])[0]]
    assert found[0] == "debian-12/relay/smtp:25"
    assert found[1:] == [str(case) for case in plan(make_control(), [subject])[0]]


def test_each_specimen_and_each_mutation_on_it_is_visited_once(make_control: MakeControl, subject: Subject) -> None:
    """Dressed first; then, for each fault, all its cases before anything is restored."""
    other = replace(subject, specimen="debian-12/pfs", target="debian-12")
    control = make_control(mutations=(BREAK_POSTFIX, Mutation("worse", postfix={"smtpd_tls_loglevel": "4"})))
    cases = sorted(plan(control, [subject, other], prove=Proof.FULL)[0], key=schedule)
    visits = [(case.subject.specimen, case.mutation.name if case.mutation else "", case.restored) for case in cases]
    changes = [visit for before, visit in zip([None, *visits], visits, strict=False) if visit != before]
    assert len(changes) == len(set(changes))
    assert changes[:5] == [
        ("debian-12/pfs", "", False), ("debian-12/pfs", "broken", False), ("debian-12/pfs", "broken", True),
        ("debian-12/pfs", "worse", False), ("debian-12/pfs", "worse", True),
    ]  # fmt: skip


def test_a_row_is_an_error_until_a_report_says_otherwise(case: Case) -> None:
    row = skeleton(case, "tests/x.py::test_y[debian-13/pfs/smtp:25]")
    assert (row.verdict, row.raw_verdict) == ("error", "error")
    assert row.reason == "no report of this case arrived"
    assert (row.control, row.level, row.severity, row.role) == ("PFS-3", "MUST NOT", "high", "mx")
    assert (row.target, row.profile, row.service, row.mutation) == ("debian-13", "pfs", "smtp:25", None)
    assert row.sources[0]["document"] == "rfc9325"


def test_a_row_names_its_mutation(case: Case) -> None:
    broken = replace(case, mutation=BREAK_POSTFIX)
    assert skeleton(broken, "node").mutation == "broken"
    assert str(replace(broken, restored=True)) == f"{broken.base}+{RESTORED}"


def test_the_row_of_a_gap_says_why(make_control: MakeControl, subject: Subject) -> None:
    gap = plan(make_control(certificate="ecdsa"), [subject])[1][0]
    row = gap_row(gap, "node")
    assert (row.verdict, row.raw_verdict, row.reason) == ("not-applicable", "not-applicable", gap.reason)


def test_a_target_that_cannot_wear_the_profile_is_asked_for_its_versions_alone(
    make_control: MakeControl, make_profile: MakeProfile, subject: Subject
) -> None:
    profile = make_profile(requires={"CFG-2": {Role.DAEMON: Level.MUST}, "PFS-3": {Role.MX: Level.MUST_NOT}})
    refused = replace(subject, profile=profile, refused="too old")
    judging = make_control("CFG-2", parameters=("versions",), mutations=(BREAK_POSTFIX,))
    cases, gaps = plan(judging, [refused], prove=Proof.FULL)
    assert [(str(case.service), case.mutation) for case in cases] == [("postfix", None), ("dovecot", None)]
    assert gaps == []
    cases, gaps = plan(make_control(), [refused], prove=Proof.FULL)
    assert cases == []
    assert [(str(gap.case.service), gap.verdict, gap.reason) for gap in gaps] == [
        ("smtp:25", Verdict.NOT_CHECKED, "too old")
    ]


def test_a_control_of_pasted_lines_has_a_case_for_each_line_at_its_daemon(
    make_control: MakeControl, make_profile: MakeProfile, subject: Subject
) -> None:
    steps = tuple(Step(line, daemon, run="true") for line, daemon in (
        ("de-grade", Daemon.POSTFIX), ("de-log", Daemon.DOVECOT), ("fr-table", Daemon.POSTFIX),
    ))  # fmt: skip
    requires = {"DE-1": {Role.DAEMON: Level.MUST}}
    pasted = replace(subject, profile=make_profile(requires=requires, verbatim=True, steps=steps))
    control = make_control("DE-1", roles=frozenset({Role.DAEMON}), per_line=("de-", "co"))
    assert ids(control, pasted) == ["postfix-de-grade", "dovecot-de-log"]
