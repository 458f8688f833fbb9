"""Zone files and the script that signs them; that a resolver takes them is tests/lab/test_resolver.py's."""

from __future__ import annotations

import pytest

from mailproof.targets import zone
from mailproof.targets.zone import BOGUS, INSECURE, SECURE, Answer, State, Zone

RECORD = zone.tlsa("mx.a.test", 25, "3 1 1 AB")


def test_records_are_lines_of_a_zone_file() -> None:
    assert zone.address("mx.a.test", "198.18.0.9") == "mx.a.test. IN A 198.18.0.9"
    assert zone.exchange("a.test", "mx.a.test") == "a.test. IN MX 10 mx.a.test."
    assert RECORD == "_25._tcp.mx.a.test. IN TLSA 3 1 1 AB"


def test_a_zone_has_its_authority_and_its_records() -> None:
    lines = zone.text(Zone("a.test", State.SIGNED, (RECORD,))).splitlines()
    assert lines[0] == "$ORIGIN a.test."
    assert [line for line in lines if " SOA " in line]
    assert lines[-1] == RECORD


def test_the_root_delegates_every_zone_and_signs_for_none() -> None:
    text = zone.root([Zone("a.test", State.SIGNED, ()), Zone("b.test", State.UNSIGNED, ())])
    assert "$ORIGIN .\n" in text
    assert "\na.test. IN NS ns.lab.\n" in text
    assert "\nb.test. IN NS ns.lab.\n" in text
    assert " DS " not in text


@pytest.mark.parametrize(
    ("state", "signed", "rest"),
    [
        (State.SIGNED, ["sign a.test a.test "], 0),
        (State.UNSIGNED, [], 0),
        (State.EXPIRED, ["sign a.test a.test -i 20200101000000 -e 20200201000000"], 0),
        (State.TAMPERED, ["sign a.test a.test "], 1),
    ],
)
def test_a_zone_is_signed_as_its_state_says(state: State, signed: list[str], rest: int) -> None:
    lines = zone.script([Zone("a.test", state, (RECORD,))]).splitlines()
    assert [line for line in lines if line.startswith("sign a.test")] == signed
    assert sum(line.startswith("sed ") for line in lines) == rest
    assert ("cat a.test.ds >>root" in lines) == (state is not State.UNSIGNED), "the root vouches for what is signed"
    assert "sign root ." in lines, "and is signed in any case"


def test_every_zone_is_answered_by_way_of_the_validator() -> None:
    text = zone.script([Zone("a.test", State.SIGNED, ()), Zone("b.test", State.UNSIGNED, ())])
    for name in (".", "a.test", "b.test"):
        assert f'name: "{name}"' in text
    assert text.count("for-downstream: no") == text.count("for-upstream: yes") == text.count("auth-zone:") == 3


@pytest.mark.parametrize(
    ("state", "whole", "records"),
    [
        (State.SIGNED, SECURE, None),
        (State.UNSIGNED, INSECURE, None),
        (State.EXPIRED, BOGUS, None),
        (State.TAMPERED, SECURE, BOGUS),
    ],
)
def test_what_a_validating_resolver_must_answer(state: State, whole: Answer, records: Answer | None) -> None:
    found = zone.expected(Zone("a.test", state, (zone.address("mx.a.test", "198.18.0.9"), RECORD)))
    assert found.pop(("a.test", "SOA")) == whole
    assert found == ({("_25._tcp.mx.a.test.", "TLSA"): records} if records else {})
