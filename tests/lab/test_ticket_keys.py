"""How long the keys of session tickets live in real daemons: across connections, a reload, a restart, and time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mailproof.ledger import Recorder
from mailproof.model import Mutation, Service
from mailproof.targets.endpoint import Endpoint
from mailproof.targets.specimen import Specimen

LOGIN = "service/imap-login"
FOR_EVER = {f"{LOGIN}/restart_request_count": "unlimited", f"{LOGIN}/process_min_avail": "1"}
KEPT = Mutation("keys-kept", dovecot=FOR_EVER)
FLOOR = Mutation("keys-at-the-floor", postfix={"smtpd_tls_session_cache_timeout": "20s"})
NO_TICKETS = Mutation("no-tickets", postfix={"tls_ssl_options": "no_ticket"}, dovecot={"ssl_options": "no_ticket"})
FLOOR_HINT = 240
"""Seconds: twice the 120 that Postfix takes for any shorter timeout."""
PATIENCE = 15.0


@pytest.fixture
def worn(each: Specimen) -> Iterator[Specimen]:
    """A specimen, in its profile again afterwards."""
    yield each
    each.wear(None)


def _service(specimen: Specimen, id: str) -> Service:
    return next(service for service in specimen.services if str(service) == id)


def _endpoint(specimen: Specimen, id: str) -> Endpoint:
    return Endpoint(specimen, _service(specimen, id), Recorder())


def _keys(specimen: Specimen, id: str, times: int = 1) -> set[bytes]:
    return {key for found in _endpoint(specimen, id).resumptions("ticket", times) for key in found.keys}


def _changes(specimen: Specimen, id: str, before: set[bytes], within: float) -> bool:
    """Whether another key comes into use in time."""
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        if not _keys(specimen, id) <= before:
            return True
        time.sleep(0.2)
    return False


@pytest.mark.parametrize("id", ["smtp:25", "submissions:465"])
def test_postfix_has_one_key_for_all_processes(each: Specimen, id: str) -> None:
    found = _endpoint(each, id).resumptions("ticket", 3)
    assert all(one.resumed for one in found)
    assert len({key for one in found for key in one.keys} | _keys(each, "submission:587")) == 1


def test_dovecot_has_a_key_for_each_connection(each: Specimen) -> None:
    found = _endpoint(each, "imap:143").resumptions("ticket", 3)
    assert not any(one.resumed for one in found)
    assert len({key for one in found for key in one.keys}) == 6


def test_tls_1_3_resumes_with_fresh_keys(each: Specimen) -> None:
    (found,) = _endpoint(each, "smtp:25").resumptions("pre-shared key", 1)
    assert found.resumed
    assert found.group


def test_a_login_process_that_lives_keeps_its_key(worn: Specimen) -> None:
    worn.wear(KEPT)
    found = _endpoint(worn, "imap:143").resumptions("ticket", 4)
    keys = [key for one in found for key in one.keys]
    assert any(one.resumed for one in found)
    assert len(set(keys)) < len(keys)


def test_without_tickets_nothing_is_given_in_tls_1_2(worn: Specimen) -> None:
    worn.wear(NO_TICKETS)
    for id in ("smtp:25", "imap:143"):
        (found,) = _endpoint(worn, id).resumptions("ticket", 1)
        assert not found.given
        assert not found.tickets


@pytest.mark.parametrize("command", ["postfix reload", "postfix stop; postfix start"])
def test_postfix_s_keys_die_with_tlsmgr(worn: Specimen, command: str) -> None:
    before = _keys(worn, "smtp:25")
    assert worn.inside.run(command).status == 0
    assert _changes(worn, "smtp:25", before, PATIENCE)


@pytest.mark.parametrize(
    "command", ["doveadm reload", "doveadm stop; while pidof dovecot; do sleep 0.1; done; dovecot"]
)
def test_dovecot_s_keys_die_with_the_process(worn: Specimen, command: str) -> None:
    worn.wear(KEPT)
    before = _keys(worn, "imap:143", times=4)
    assert worn.inside.run(f"({command}) </dev/null >/dev/null 2>&1").status == 0
    assert _changes(worn, "imap:143", before, PATIENCE)


@pytest.mark.nightly
def test_postfix_replaces_its_key_by_itself_within_the_hint(worn: Specimen) -> None:
    """Half of the hint is the timeout, and half of that the time that a key is given out for."""
    worn.wear(FLOOR)
    (found,) = _endpoint(worn, "smtp:25").resumptions("ticket", 1)
    assert {ticket.lifetime for ticket in found.tickets} == {FLOOR_HINT}
    assert _changes(worn, "smtp:25", set(found.keys), FLOOR_HINT)
