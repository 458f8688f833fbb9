"""The log as it is followed on a real syslog: a mark divides before from after, and silence is an error."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import pytest

from mailproof.errors import LogSilent, MailproofError
from mailproof.ledger import Recorder
from mailproof.model import Service
from mailproof.targets import journal as journals
from mailproof.targets.endpoint import Endpoint
from mailproof.targets.follower import Follower
from mailproof.targets.journal import Journal
from mailproof.targets.specimen import Specimen
from mailproof.wire.offers import MODERN


@pytest.fixture
def follower(dressed: Specimen) -> Iterator[Follower]:
    """The specimen's log from its beginning."""
    found = Follower(dressed.started.container)
    yield found
    found.close()


@pytest.fixture
def silenced(dressed: Specimen) -> Iterator[Specimen]:
    """The specimen without its syslog daemon."""
    dressed.inside.run("kill $(pidof rsyslogd); while pidof rsyslogd >/dev/null; do sleep 0.02; done")
    yield dressed
    dressed.inside.run("rsyslogd")


def _said(follower: Follower, word: str, since: int, deadline: float = 5.0) -> str | None:
    return follower.wait(lambda lines: next((line for line in lines if word in line), None), since, deadline)


def test_a_mark_divides_what_was_logged_before_from_what_comes_after(dressed: Specimen, follower: Follower) -> None:
    dressed.inside.run("logger -p mail.info -t probe earlier")
    mark = follower.mark()
    assert any("earlier" in line for line in follower.lines()[:mark])
    assert _said(follower, "earlier", mark, 0.1) is None
    dressed.inside.run("logger -p mail.info -t probe later")
    assert (_said(follower, "later", mark) or "").endswith("probe: later")


def test_marks_grow(follower: Follower) -> None:
    first, second = follower.mark(), follower.mark()
    assert first < second


def test_a_line_is_there_as_soon_as_it_is_written(dressed: Specimen, follower: Follower) -> None:
    mark = follower.mark()
    dressed.inside.run("logger -p mail.info -t probe prompt")
    began = monotonic()
    assert _said(follower, "prompt", mark)
    assert monotonic() - began < 0.5


def test_a_log_that_nobody_writes_is_silent(silenced: Specimen, follower: Follower) -> None:
    with pytest.raises(LogSilent, match=r"does not arrive in /var/log/mail\.log within 0\.5 s"):
        follower.mark(0.5)


def test_a_connection_that_is_not_logged_is_an_error(
    dressed: Specimen, service: dict[str, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "DEADLINE", 0.5)
    journal = Journal(dressed, service["smtp:25"], Recorder())
    with pytest.raises(LogSilent, match=r"no session of nobody\.example in the log"):
        journal.connection("nobody.example")


def test_another_connection_is_not_taken_for_ours(
    dressed: Specimen, service: dict[str, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "DEADLINE", 0.5)
    journal = Journal(dressed, service["smtp:25"], Recorder())
    visit = Endpoint(dressed, service["smtp:25"], Recorder()).visit(MODERN)
    assert journal.connection(visit.helo).tls
    with pytest.raises(LogSilent):
        journal.connection("nobody.example")


def test_the_log_of_a_container_that_is_gone_cannot_be_followed() -> None:
    follower = Follower("0" * 64)
    try:
        with pytest.raises(MailproofError):
            follower.mark(0.5)
    finally:
        follower.close()
