"""What phases of broken and swept cases come to: what belongs together, how long it took, the cells of the matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mailproof.ledger import Phase
from mailproof.model import Control, Daemon, Mutation
from mailproof.plan import Case, Fault, Proof, Subject, plan
from mailproof.proving import described, proofs, seen, swept, worn
from mailproof.sweep import GENERIC, faults

MakeControl = Callable[..., Control]
BROKEN = Mutation("broken", postfix={"smtpd_tls_loglevel": "0"})
SAME = Mutation("the-same", postfix={"smtpd_tls_loglevel": "0"})
SPELLING = Mutation("spelling", postfix={"smtpd_tls_loglevel": "1"})
WHOLE = ("setup", "call", "teardown")


def node(case: Case) -> str:
    return f"tests/x.py::test_{case.control.id}[{case}]"


def said(verdict: str, *phases: str) -> list[Phase]:
    return [Phase("node", when, verdict if when == "call" else "pass") for when in phases]


def test_a_mutation_s_cases_belong_together_as_far_as_they_were_chosen(
    make_control: MakeControl, subject: Subject
) -> None:
    cases = {node(case): case for case in plan(make_control(mutations=(BROKEN,)), [subject], Proof.FULL)[0]}
    name = "tests/x.py::test_PFS-3[debian-13/pfs/smtp:25"
    assert proofs(cases)[f"{name}+broken]"] == (f"{name}]", f"{name}+broken+restored]")
    alone = f"{name}+broken]"
    assert proofs({alone: cases[alone]}) == {alone: (None, None)}


def test_controls_of_one_name_in_two_modules_do_not_meet(make_control: MakeControl, subject: Subject) -> None:
    dressed, broken, restored = plan(make_control(mutations=(BROKEN,)), [subject], Proof.FULL)[0][:3]
    cases = {f"tests/x.py::test_a[{dressed}]": dressed, f"tests/x.py::test_b[{broken}]": broken,
             f"tests/x.py::test_b[{restored}]": restored}  # fmt: skip
    assert proofs(cases) == {f"tests/x.py::test_b[{broken}]": (None, f"tests/x.py::test_b[{restored}]")}


def test_changes_are_counted_and_timed_once(case: Case) -> None:
    phases = [Phase("x[a+m]", "setup", "pass", worn=1.5), Phase("x[b+m]", "setup", "pass"),
              Phase("x[a+m+restored]", "setup", "pass", worn=0.5)]  # fmt: skip
    assert worn(phases) == {"mutations": 1, "seconds": 2.0, "longest": 1.5, "median": 1.0}
    assert worn([]) == {"mutations": 0, "seconds": 0.0, "longest": 0.0, "median": 0.0}


def test_what_puts_on_the_same_is_one_fault_of_several_controls(make_control: MakeControl, subject: Subject) -> None:
    requires = {id: dict(subject.profile.requires["PFS-3"]) for id in ("PFS-3", "LOG-1")}
    both = replace(subject, profile=replace(subject.profile, requires=requires))
    other = make_control("LOG-1", mutations=(SAME,))
    controls = [make_control("PFS-3", mutations=(BROKEN,), innocents=(SPELLING,)), other]
    found = {fault.mutation.name: fault for fault in faults(controls, both) if fault.of}
    assert {name: fault.of for name, fault in found.items()} == {"PFS-3.broken": ("PFS-3", "LOG-1")}


def test_what_only_requires_more_is_not_swept(make_control: MakeControl, subject: Subject) -> None:
    more = Mutation("more-required", parameters={"least": 9})
    assert all(not fault.of for fault in faults([make_control(mutations=(more,))], subject))


def test_every_control_is_asked_under_every_fault(make_control: MakeControl, subject: Subject) -> None:
    sweeps = {subject.specimen: faults([make_control(mutations=(BROKEN,))], subject)}
    cases, _ = plan(make_control("PFS-3"), [subject], Proof.MATRIX, sweeps)
    under = {case.mutation.name for case in cases if case.swept and case.mutation}
    assert under == {*(fault.name for fault in GENERIC), "PFS-3.broken"}
    assert len({str(case) for case in cases}) == len(cases) == len(subject.services) * (len(under) + 1)


def test_others_faults_are_asked_of_the_first_variant_alone(make_control: MakeControl, subject: Subject) -> None:
    control = make_control(variants=("tls-1.2", "tls-1.3"))
    own, other = Fault(replace(BROKEN, name="own"), ("PFS-3",)), Fault(replace(BROKEN, name="other"), ("LOG-1",))
    cases, _ = plan(control, [subject], Proof.MATRIX, {subject.specimen: [own, other]})
    asked = {(case.mutation.name, case.variant) for case in cases if case.mutation}
    assert asked == {("own", "tls-1.2"), ("own", "tls-1.3"), ("other", "tls-1.2")}


@pytest.mark.parametrize(
    ("phases", "cell"),
    [
        (said("fail", *WHOLE), "fail"),
        (said("pass", *WHOLE), "pass"),
        (said("error", *WHOLE), "error"),
        (said("pass", "setup", "call"), "error"),
        ([], "error"),
        ([*said("pass", *WHOLE), Phase("node", "teardown", "error")], "error"),
        ([Phase("node", "call", "error"), *said("pass", *WHOLE)], "error"),
        ([*said("fail", *WHOLE), Phase("node", "call", "pass")], "fail"),
    ],
)
def test_a_cell_is_what_the_control_said_and_an_error_where_it_said_nothing(phases: list[Phase], cell: str) -> None:
    fault = Fault(BROKEN, ("PFS-3",))
    [entry] = seen([("node", "debian-13/pfs", "broken", "PFS-3")], {"debian-13/pfs": [fault]}, {"node": phases})
    assert entry["seen"]["PFS-3"] == {**dict.fromkeys(("pass", "fail", "error"), 0), cell: 1}
    assert (entry["target"], entry["profile"], entry["of"], entry["generic"]) == ("debian-13", "pfs", ["PFS-3"], False)


@pytest.mark.parametrize(("other", "problem"), [("error", "DidNotStart: fatal"), ("pass", None)])
def test_a_fault_under_which_nobody_got_as_far_as_asking_says_why(other: str, problem: str | None) -> None:
    phases = {"a": [Phase("a", "setup", "error", reason="DidNotStart: fatal")],
              "b": [Phase("b", "setup", other, reason="DidNotStart: fatal" if other == "error" else "")]}  # fmt: skip
    cells = [(name, "debian-13/pfs", "down", "PFS-3") for name in phases]
    [entry] = seen(cells, {"debian-13/pfs": [Fault(Mutation("down", down=(Daemon.POSTFIX,)))]}, phases)
    assert entry["problem"] == problem


def test_only_swept_cases_make_cells(case: Case) -> None:
    own, under = replace(case, mutation=BROKEN), replace(case, mutation=BROKEN, swept=True)
    assert swept({"a": case, "b": own, "c": under}) == [("c", "debian-13/pfs", "broken", "PFS-3")]


def test_controls_are_described_with_their_rooms(make_control: MakeControl) -> None:
    assert described([("relay", make_control("REL-4", no_other_way="there is none"))]) == [
        {"id": "REL-4", "title": "Refuses static rsa", "room": "relay", "no_other_way": "there is none"}
    ]
