"""Profiles, releases and controls together: everything is asked by somebody, can be worn, and can turn red."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from mailproof.errors import NoTranslation
from mailproof.model import Control
from mailproof.plan import Case, Proof, Subject, plan
from mailproof.profile import Profile
from mailproof.selection import Selection
from mailproof.sweep import GENERIC, faults
from mailproof.targets.wardrobe import dress, outfit

Subjects = tuple[Subject, ...]


@pytest.fixture(scope="module")
def cases(controls: tuple[Control, ...], subjects: Subjects) -> list[Case]:
    """Everything under each profile: what a run proves under one of them, it does not prove again under the next."""
    pairs = product(controls, subjects)
    return [case for control, subject in pairs for case in plan(control, [subject], prove=Proof.FULL)[0]]


def test_every_profile_is_chosen_or_extended(root: Path, profiles: tuple[Profile, ...]) -> None:
    files = {path.stem for path in (root / "fixtures" / "profiles").glob("*.toml")}
    assert {"pfs", "relay"} <= {profile.name for profile in profiles} <= files


def test_every_control_is_required_and_every_required_id_exists(
    controls: tuple[Control, ...], profiles: tuple[Profile, ...]
) -> None:
    required = {id for profile in profiles for id in profile.requires}
    assert required == {control.id for control in controls}


def test_every_parameter_that_a_control_reads_is_given(
    controls: tuple[Control, ...], profiles: tuple[Profile, ...]
) -> None:
    for profile in profiles:
        read = {name for control in controls if control.id in profile.requires for name in control.parameters}
        assert read <= set(profile.parameters), profile.name


def test_every_control_is_really_asked(controls: tuple[Control, ...], cases: list[Case]) -> None:
    asked = {case.control.id for case in cases}
    assert [control.id for control in controls if control.id not in asked] == []


def test_node_ids_are_unique(controls: tuple[Control, ...], subjects: Subjects, cases: list[Case]) -> None:
    gaps = [gap.case for control in controls for gap in plan(control, subjects)[1]]
    ids = [(case.control.id, str(case)) for case in (*cases, *gaps)]
    assert len(set(ids)) == len(ids)


def test_every_case_has_a_mutation_that_breaks_it(cases: list[Case]) -> None:
    """On every service, in every variant, for each daemon: else a control could be blind there unnoticed."""
    broken = {_place(case) for case in cases if case.mutation and not case.innocent}
    worn = [case for case in cases if case.mutation is None and not case.subject.refused]
    unproven = {f"{case.control.id} [{case}]" for case in worn if _place(case) not in broken}
    assert not unproven, "\n".join(sorted(unproven))


def _place(case: Case) -> tuple[str, str, str, str]:
    """A line that is pasted is its own counter-example: its server is always seen without it as well. So one fault for
    each daemon will do."""
    if case.control.per_line:
        return case.control.id, "", str(case.service), ""
    return case.control.id, case.subject.name, str(case.service), case.variant


def test_a_control_tolerates_another_way_or_says_why_there_is_none(controls: tuple[Control, ...]) -> None:
    for control in controls:
        assert bool(control.innocents) is not bool(control.no_other_way), control.id


def test_a_mutation_wears_something_else_than_its_profile(cases: list[Case], selection: Selection) -> None:
    """Or it breaks nothing, and an innocent is none."""
    same: list[str] = []
    mutated = {(case.subject.specimen, repr(case.mutation)): case for case in cases if case.mutation}
    for case in mutated.values():
        release, profile = selection.keys[case.subject.specimen]
        assert profile is not None
        assert case.mutation is not None
        worn, alone = (dress(outfit(profile, each), profile, release, selection.dialects, "secret")
                       for each in (case.mutation, None))  # fmt: skip
        beside = case.mutation.parameters or case.mutation.middlebox or case.mutation.absent
        if worn == alone and not beside:
            same.append(f"{case.control.id} {case.mutation.name} under {case.subject.name}")
    assert not same, "\n".join(sorted(same))


def test_generic_faults_can_be_worn_by_every_specimen(subjects: Subjects, selection: Selection) -> None:
    for subject, fault in product([each for each in subjects if not each.refused], GENERIC):
        release, profile = selection.keys[subject.specimen]
        assert profile is not None
        assert dress(outfit(profile, fault), profile, release, selection.dialects, "secret").postfix


def test_what_is_swept_has_a_name_of_its_own(controls: tuple[Control, ...], subjects: Subjects) -> None:
    for subject in subjects:
        found = [] if subject.refused else faults(controls, subject)
        names = [fault.mutation.name for fault in found]
        assert len(set(names)) == len(names), subject.name
        assert all(fault.of or fault.mutation in GENERIC for fault in found), subject.name


def test_a_proof_in_a_hurry_shows_every_control_once_for_each_daemon(
    controls: tuple[Control, ...], subjects: Subjects
) -> None:
    for control in controls:
        found = plan(control, [each for each in subjects if each.target == "debian-13"], Proof.QUICK)[0]
        broken = [case.service.daemon for case in found if case.mutation and not case.restored]
        assert len(broken) == len(set(broken)) <= len(control.daemons), control.id
        assert broken, control.id


def test_every_mutated_case_is_asked_again_after_the_restoration(cases: list[Case]) -> None:
    mutated = [case.base for case in cases if case.mutation and not case.restored]
    assert mutated == [case.base for case in cases if case.restored]


def test_every_specimen_can_wear_its_profile(selection: Selection) -> None:
    assert len(selection.keys) == len(selection.releases) * len(selection.profiles)
    assert selection.unsaid == {}
    for release, profile in (pair for key, pair in selection.keys.items() if key not in selection.too_old):
        assert profile is not None
        worn = dress(outfit(profile), profile, release, selection.dialects, "secret")
        assert worn.postfix and worn.dovecot
        assert bool(worn.steps) is profile.verbatim


def test_every_mutation_can_be_worn(cases: list[Case], selection: Selection) -> None:
    """A release that has no words for a fault could not prove its control by it."""
    unsayable: list[str] = []
    dressed = [case for case in cases if not case.subject.refused]
    once = {(case.control.id, case.mutation and case.mutation.name, case.subject.name): case for case in dressed}
    for case in once.values():
        release, profile = selection.keys[case.subject.specimen]
        assert profile is not None
        try:
            dress(outfit(profile, case.mutation), profile, release, selection.dialects, "secret")
        except NoTranslation as problem:
            assert case.mutation is not None
            unsayable.append(f"{case.control.id} {case.mutation.name} on {release.name}: {problem}")
    assert not unsayable, "\n".join(unsayable)
