"""The two articles as data: nothing of them is passed over, and each line and claim is judged by what exists."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from mailproof.model import Control, Step
from mailproof.profile import Profile
from mailproof.reporting.advice import Entry, load_advice

KINDS = {"line", "claim", "question", "remark"}
DISPOSITIONS = {"line", "control", "profile", "not-technical", "obsolete"}
COMMENTS = range(1, 20)
PLACED = re.compile(r"(de|fr|co(?P<comment>\d+))-")

Entries = tuple[Entry, ...]


@pytest.fixture(scope="module")
def entries(root: Path) -> Entries:
    return load_advice(root / "fixtures" / "advice.toml")


@pytest.fixture(scope="module")
def historic(profiles: tuple[Profile, ...]) -> tuple[Profile, ...]:
    found = tuple(profile for profile in profiles if profile.verbatim)
    assert found
    return found


@pytest.fixture(scope="module")
def steps(historic: tuple[Profile, ...]) -> tuple[Step, ...]:
    return tuple(step for profile in historic for step in profile.steps)


def test_every_entry_has_an_id_of_its_own_that_says_where_it_stands(entries: Entries) -> None:
    assert not [entry.id for entry in entries if not PLACED.match(entry.id)]
    assert not [each for each, times in Counter(entry.id for entry in entries).items() if times > 1]


def test_every_entry_says_what_it_is_and_what_to_do_today(entries: Entries) -> None:
    assert not [entry.id for entry in entries if entry.kind not in KINDS or entry.disposition not in DISPOSITIONS]
    assert not [entry.id for entry in entries if not (entry.place and entry.original.strip() and entry.today.strip())]


def test_a_line_is_judged_by_pasting_it_and_nothing_else_is(entries: Entries) -> None:
    assert not [entry.id for entry in entries if (entry.kind == "line") != (entry.disposition == "line")]


def test_what_a_profile_wears_names_the_profile(entries: Entries, profiles: tuple[Profile, ...]) -> None:
    names = {profile.name for profile in profiles if not profile.verbatim}
    assert not [entry.id for entry in entries if entry.profile and entry.profile not in names]
    assert not [entry.id for entry in entries if entry.disposition == "profile" and not entry.profile]


def test_what_is_obsolete_says_why(entries: Entries) -> None:
    assert not [entry.id for entry in entries if entry.disposition == "obsolete" and "because" not in entry.today]


def test_every_comment_has_an_entry_at_its_own_place(entries: Entries) -> None:
    comments = {entry: found["comment"] for entry in entries if (found := PLACED.match(entry.id)) and found["comment"]}
    assert {int(number) for number in comments.values()} == set(COMMENTS)
    assert not [entry.id for entry, number in comments.items() if f"comment {number}," not in entry.place]


def test_lines_and_steps_are_the_same(entries: Entries, steps: tuple[Step, ...]) -> None:
    """A line that nobody pastes has no verdict, and a step that no entry quotes is shown nowhere."""
    pasted = Counter(step.line for step in steps)
    assert set(pasted) == {entry.id for entry in entries if entry.disposition == "line"}
    assert not [line for line, times in pasted.items() if times > 1]


def test_every_line_is_judged_where_it_is_pasted(controls: tuple[Control, ...], historic: tuple[Profile, ...]) -> None:
    """The control of pasted lines takes those that begin in its way: one of another beginning would go untried."""
    for profile in historic:
        begun = tuple(start for each in controls if each.id in profile.requires for start in each.per_line)
        assert not [step.line for step in profile.steps if not step.line.startswith(begun)], profile.name


def test_every_claim_is_judged_by_controls_that_a_historic_profile_requires(
    entries: Entries, historic: tuple[Profile, ...]
) -> None:
    required = {name for profile in historic for name in profile.requires}
    claims = [entry for entry in entries if entry.disposition == "control"]
    assert claims
    assert not [entry.id for entry in claims if not entry.controls], "claims that no control judges"
    assert not [f"{entry.id}: {name}" for entry in claims for name in entry.controls if name not in required]


def test_a_control_named_beside_a_profile_is_required_there(entries: Entries, profiles: tuple[Profile, ...]) -> None:
    required = {profile.name: profile.requires for profile in profiles}
    named = [entry for entry in entries if entry.disposition != "control" and entry.controls]
    assert not [each.id for each in named if not set(each.controls) <= set(required.get(each.profile, ()))]


def test_the_documented_table_has_every_entry_on_every_release(root: Path) -> None:
    page = (root / "docs" / "advice.md").read_text(encoding="utf-8")
    for entry in load_advice(root / "fixtures" / "advice.toml"):
        assert f"\n### {entry.id}\n" in page, entry.id
        assert entry.original.strip() in page, entry.id
        assert entry.today in page, entry.id
    assert "| line or claim | debian-11 | debian-12 | debian-13 | debian-14 |" in page
    assert "not judged" not in page
    assert "not asked" not in page
