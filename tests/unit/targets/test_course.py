"""What became of a message: recorded logs of senders on four releases and of destinations, and what could mislead."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproof.errors import Ambiguous, Undecided
from mailproof.targets.course import Course, arrival, course, sent
from mailproof.targets.journal import Trace

LOGS = Path(__file__).parents[3] / "fixtures" / "logs"
RELEASES = ("debian-11", "debian-12", "debian-13", "debian-14")
GOOD, TLS_1_2, SELF_SIGNED, NO_STARTTLS, STATIC_RSA = (f"000000000000000{place}" for place in range(5))
HEAD = "2026-11-23T05:45:46.492763+00:00 mail postfix"
TO = "to=<a@good.destinations.test>, relay=good.destinations.test[198.18.0.9]:10025, delay=0.1, delays=0/0/0/0"


def sender(release: str) -> list[str]:
    return (LOGS / release / "sending.log").read_text(encoding="utf-8").splitlines()


def receiver(release: str) -> list[str]:
    return (LOGS / release / "destinations.log").read_text(encoding="utf-8").splitlines()


def ended(lines: list[str], token: str) -> Course:
    found = course(lines, token)
    assert found is not None
    return found


def came(lines: list[str], token: str) -> Trace:
    found = arrival(lines, token)
    assert found is not None
    return found


def small(*between: str, daemon: str = "smtp", status: str = "dsn=2.0.0, status=sent (250 Ok)") -> list[str]:
    """A sender's log of one message, with more lines before its outcome."""
    return [
        f"{HEAD}/cleanup[7]: A1: message-id=<{GOOD}@mailproof.test>",
        *between,
        f"{HEAD}/{daemon}[9]: A1: {TO}, {status}",
        f"{HEAD}/qmgr[5]: A1: removed",
    ]


def established(pid: int = 9, word: str = "Trusted", suite: str = "TLS_AES_256_GCM_SHA384") -> str:
    peer = "good.destinations.test[198.18.0.9]:10025"
    return (
        f"{HEAD}/smtp[{pid}]: {word} TLS connection established to {peer}: TLSv1.3 with cipher {suite} (256/256 bits)"
    )


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    ("token", "word", "version"),
    [(GOOD, "Trusted", "TLSv1.3"), (TLS_1_2, "Trusted", "TLSv1.2"), (SELF_SIGNED, "Untrusted", "TLSv1.3")],
)
def test_a_recorded_message_that_came_with_tls(release: str, token: str, word: str, version: str) -> None:
    found = sent(ended(sender(release), token), came(receiver(release), token))
    assert (found.status, found.dsn) == ("sent", "2.0.0")
    assert found.logged and (found.logged.word, found.logged.version) == (word, version)
    assert found.tls and found.tls.version == version
    assert (found.forward_secret, found.in_clear, found.held_back) == (True, False, False)


@pytest.mark.parametrize("release", RELEASES)
def test_a_recorded_message_that_came_in_clear(release: str) -> None:
    found = sent(ended(sender(release), NO_STARTTLS), came(receiver(release), NO_STARTTLS))
    assert (found.in_clear, found.tls, found.logged, found.forward_secret) == (True, None, None, False)
    assert "came in clear" in str(found)


@pytest.mark.parametrize("release", RELEASES)
def test_a_recorded_message_that_was_held_back(release: str) -> None:
    assert arrival(receiver(release), STATIC_RSA) is None
    found = sent(ended(sender(release), STATIC_RSA), None)
    assert (found.status, found.dsn, found.text) == ("deferred", "4.7.5", "Cannot start TLS: handshake failure")
    assert (found.held_back, found.in_clear, found.logged) == (True, False, None)
    assert found.relay.startswith("static-rsa.destinations.test[")


@pytest.mark.parametrize("release", RELEASES)
def test_nothing_is_said_of_a_message_before_its_end(release: str) -> None:
    lines = sender(release)
    end = next(place for place, line in enumerate(lines) if line.endswith(": removed"))
    assert course(lines[:end], GOOD) is None
    assert course(lines[: end + 1], GOOD) is not None
    assert course(lines, "f" * 16) is None


@pytest.mark.parametrize("release", RELEASES)
def test_nobody_has_arrived_before_his_session_ended(release: str) -> None:
    lines = receiver(release)
    end = next(place for place, line in enumerate(lines) if ": disconnect from " in line)
    assert arrival(lines[:end], GOOD) is None
    assert arrival(lines[: end + 1], GOOD) is not None


def test_the_handshake_of_another_message_is_not_ours() -> None:
    earlier = f"{HEAD}/smtp[9]: B2: {TO}, dsn=2.0.0, status=sent (250 Ok)"
    assert ended(small(established(), earlier), GOOD).tls is None
    assert ended(small(established(pid=8)), GOOD).tls is None
    assert ended(small(earlier, established()), GOOD).tls is not None


@pytest.mark.parametrize("daemon", ["discard", "error", "local"])
def test_what_was_not_given_to_the_smtp_client_is_not_judged(daemon: str) -> None:
    """A site that Postfix takes for dead is served by error(8), which has asked nobody."""
    with pytest.raises(Undecided, match="not given to the SMTP client"):
        course(small(daemon=daemon), GOOD)


def test_two_outcomes_two_handshakes_or_two_messages_are_one_too_many() -> None:
    outcome = f"{HEAD}/smtp[9]: A1: {TO}, dsn=4.7.5, status=deferred (Cannot start TLS: handshake failure)"
    with pytest.raises(Undecided, match="2 outcomes"):
        course(small(outcome), GOOD)
    with pytest.raises(Ambiguous, match="2 times"):
        course(small(established(), established()), GOOD)
    with pytest.raises(Ambiguous, match="2 messages"):
        course(small(f"{HEAD}/cleanup[7]: A2: message-id=<{GOOD}@mailproof.test>"), GOOD)


def test_a_message_without_an_outcome_is_not_judged() -> None:
    lines = [line for line in small() if "status=" not in line]
    with pytest.raises(Undecided, match="0 outcomes"):
        course(lines, GOOD)


@pytest.mark.parametrize("line", [established(suite="TLS_AES_128_GCM_SHA256"), established()])
def test_both_sides_must_have_seen_the_same(line: str) -> None:
    """Another cipher at the sender; or TLS at the sender, and at its destination none."""
    token = GOOD if "128" in line else NO_STARTTLS
    with pytest.raises(Undecided, match="the sender logs"):
        sent(ended(small(line), GOOD), came(receiver("debian-13"), token))


def test_a_sender_that_logs_nothing_contradicts_nobody() -> None:
    found = sent(ended(small(), GOOD), came(receiver("debian-13"), GOOD))
    assert found.logged is None
    assert found.tls is not None


def test_a_destination_that_counts_a_handshake_must_have_logged_it() -> None:
    silent = [line for line in receiver("debian-13") if "TLS connection established" not in line]
    with pytest.raises(Undecided, match="does not say whether"):
        arrival(silent, GOOD)
    assert came(silent, NO_STARTTLS).tls is None


@pytest.mark.parametrize(
    ("status", "held"),
    [
        ("dsn=4.7.4, status=deferred (TLS is required, but was not offered by host x)", True),
        ("dsn=4.7.5, status=deferred (Server certificate not verified)", True),
        ("dsn=4.4.1, status=deferred (connect to x: Connection refused)", False),
        ("dsn=5.7.4, status=bounced (TLS is required, but was not offered by host x)", False),
    ],
)
def test_only_what_waits_for_security_s_sake_is_held_back(status: str, held: bool) -> None:
    assert sent(ended(small(status=status), GOOD), None).held_back is held


@pytest.mark.parametrize(
    ("suite", "secret"),
    [("ECDHE-RSA-AES256-GCM-SHA384", True), ("DHE-RSA-AES256-GCM-SHA384", True), ("ADH-AES256-GCM-SHA384", True),
     ("AECDH-AES256-SHA", True), ("AES256-GCM-SHA384", False), ("ECDH-RSA-AES256-SHA", False)],
)  # fmt: skip
def test_forward_secrecy_is_the_suite_s_key_exchange(suite: str, secret: bool) -> None:
    lines = [line.replace("ECDHE-ECDSA-AES256-GCM-SHA384", suite) for line in receiver("debian-13")]
    assert sent(ended(small(), GOOD), came(lines, TLS_1_2)).forward_secret is secret
