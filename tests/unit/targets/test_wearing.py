"""What was looked at under one mutation is not taken for what another shows; the real thing is shown by --prove."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from mailproof.errors import DidNotStart
from mailproof.model import Mutation
from mailproof.targets.specimen import Specimen

BROKEN = Mutation("broken", postfix={"smtpd_tls_loglevel": "0"})


@pytest.fixture
def specimen(monkeypatch: pytest.MonkeyPatch) -> Specimen:
    """A specimen that nothing runs behind, and that has looked at something."""
    monkeypatch.setattr(Specimen, "_change", lambda self, mutation: None)
    found = Specimen(*cast("Any", ("debian-13/pfs-2013", *[None] * 6, ())))
    found.looks["a line"] = "seen"
    return found


def test_looks_are_kept_while_nothing_else_is_worn(specimen: Specimen) -> None:
    specimen.tried = True
    specimen.wear(None)
    assert specimen.looks == {"a line": "seen"}
    assert not specimen.tried


def test_looks_end_when_a_mutation_comes_and_when_it_goes(specimen: Specimen) -> None:
    specimen.wear(BROKEN)
    assert specimen.looks == {}
    specimen.looks["a line"] = "seen, broken"
    specimen.wear(None)
    assert specimen.looks == {}


def test_what_wears_the_same_is_worn_once(specimen: Specimen, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[Mutation | None] = []
    monkeypatch.setattr(Specimen, "_change", lambda self, mutation: changes.append(mutation))
    for mutation in (BROKEN, replace(BROKEN, name="the same", variants=("tls-1.2",)), None):
        specimen.wear(mutation)
    assert changes == [BROKEN.worn, None]


def test_what_only_requires_something_else_changes_nothing(specimen: Specimen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Specimen, "_change", lambda self, mutation: pytest.fail("it was changed"))
    specimen.wear(Mutation("more", parameters={"least": 9}))
    assert specimen.mutation is None


def test_what_failed_to_be_worn_fails_each_time(specimen: Specimen, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Specimen, mutation: Mutation | None) -> None:
        raise DidNotStart("fatal")

    monkeypatch.setattr(Specimen, "_change", refuse)
    for _ in range(2):
        with pytest.raises(DidNotStart, match="fatal"):
            specimen.wear(BROKEN)
    assert specimen.spent > 0
