"""Postfix lines as recorded on four releases."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from mailproof.logs import postfix
from mailproof.logs.postfix import Accepted, Complaint, Delivered, Record, Reject, SaslFailed, TlsEstablished

_LOGS = Path(__file__).parents[3] / "fixtures" / "logs"
_RELEASES = ["debian-11", "debian-12", "debian-13", "debian-14"]
_HEAD = "Nov 22 13:57:00 mail postfix/smtpd[54]: "


def _records(release: str, name: str = "postfix.log") -> list[Record]:
    lines = (_LOGS / release / name).read_text(encoding="utf-8").splitlines()
    return [record for record in map(postfix.parse, lines) if record]


@pytest.mark.parametrize("release", _RELEASES)
def test_handshakes_of_both_versions_are_read(release: str) -> None:
    made = [record for record in _records(release) if isinstance(record, TlsEstablished)]
    assert {record.word for record in made} == {"Anonymous", "Untrusted", "Trusted"}
    assert all((record.key_exchange is not None) == (record.version == "TLSv1.3") for record in made)
    assert {(record.key_exchange or "x25519").lower() for record in made} == {"x25519"}
    assert all(record.suite.startswith(("ECDHE-", "TLS_")) and record.bits == 256 for record in made)
    trusted = next(record for record in made if record.word == "Trusted")
    assert trusted.client_signature == "RSA-PSS (2048 bits)"
    assert trusted.peer == "unknown[198.18.77.1]"


@pytest.mark.parametrize("release", _RELEASES)
def test_a_relay_refusal_names_client_reply_and_helo(release: str) -> None:
    refused = [record for record in _records(release) if isinstance(record, Reject)]
    assert [record.helo for record in refused] == ["h4.probe.test", "h5.probe.test", "h6.probe.test"]
    first, empty = refused[0], refused[-1]
    assert (first.stage, first.code, first.enhanced, first.client) == ("RCPT", 554, "5.7.1", "unknown[198.18.77.1]")
    assert (first.text, first.recipient) == ("<x@foreign.example>: Relay access denied", "x@foreign.example")
    assert (first.sender, empty.sender) == ("a@client.test", "")


@pytest.mark.parametrize("release", _RELEASES)
def test_who_served_a_client_behind_postscreen_shows_in_the_process(release: str) -> None:
    records = _records(release, "postscreen.log")
    made = [record for record in records if isinstance(record, TlsEstablished)]
    assert [record.process.daemon for record in made] == ["tlsproxy", "smtpd"]
    assert [re.fullmatch(r"(unknown)?\[[\d.]+\](:\d+)?", record.peer) is not None for record in made] == [True, True]
    assert {record.version for record in made} == {"TLSv1.3"}
    refused = [record for record in records if isinstance(record, Reject)]
    assert [(each.process.daemon, each.code, each.enhanced) for each in refused] == [
        ("postscreen", 450, "4.3.2"), ("smtpd", 554, "5.7.1"),
    ]  # fmt: skip
    assert [(each.sender, each.recipient, each.helo) for each in refused] == [
        ("a@client.test", "x@foreign.example", "h1.probe.test"),
        ("a@client.test", "x@foreign.example", "h2.probe.test"),
    ]  # fmt: skip


@pytest.mark.parametrize("release", _RELEASES)
def test_the_service_tag_tells_the_services_apart(release: str) -> None:
    by_tag = {record.process.tag for record in _records(release) if isinstance(record, TlsEstablished)}
    assert by_tag == {"", "submission", "submissions", "relay"}


@pytest.mark.parametrize("release", _RELEASES)
def test_logins_at_smtpd_are_told_with_their_user(release: str) -> None:
    records = _records(release)
    assert {record.sasl_user for record in records if isinstance(record, Accepted)} == {None, "any9", "any11"}
    failed = [record for record in records if isinstance(record, SaslFailed)]
    assert [(record.method, record.user) for record in failed] == [("PLAIN", "any10")]


@pytest.mark.parametrize("release", _RELEASES)
def test_an_abort_after_the_handshake_says_why(release: str) -> None:
    aborts = [record.reason for record in _records(release) if isinstance(record, postfix.Abort)]
    assert aborts == ["No client certificate presented", "Client certificate not trusted"]


@pytest.mark.parametrize("release", _RELEASES)
def test_sending_is_told_with_its_outcome(release: str) -> None:
    records = _records(release, "postfix-trouble.log")
    outcomes = {(record.status, record.dsn) for record in records if isinstance(record, Delivered)}
    assert outcomes == {("bounced", "5.4.6"), ("deferred", "4.4.1"), ("sent", "2.0.0")}
    fresh, resumed = (record for record in records if isinstance(record, TlsEstablished))
    assert (fresh.word, fresh.direction) == ("Verified", "to")
    assert resumed.key_exchange is not None


@pytest.mark.parametrize("release", _RELEASES)
def test_complaints_keep_their_level(release: str) -> None:
    found = {(r.level, r.text) for r in _records(release, "postfix-trouble.log") if isinstance(r, Complaint)}
    assert ("fatal", "bad boolean configuration: smtpd_tls_ask_ccert = maybe") in found
    assert ("warning", 'unknown smtpd restriction: "nonsense_word"') in found


def test_the_group_in_brackets_and_a_server_name_are_read() -> None:
    record = postfix.parse(
        f"{_HEAD}Anonymous TLS connection established from c[198.18.0.9] to mail.example: TLSv1.3 with cipher "
        "TLS_AES_128_GCM_SHA256 (128/128 bits) key-exchange ECDHE (P-256) server-signature ECDSA (P-256) "
        "server-digest SHA256"
    )
    assert isinstance(record, TlsEstablished)
    assert (record.peer, record.key_exchange, record.server_signature) == (
        "c[198.18.0.9]",
        "ECDHE (P-256)",
        "ECDSA (P-256)",
    )


def test_a_sender_cannot_dress_up_as_another_helo() -> None:
    record = postfix.parse(
        f"{_HEAD}NOQUEUE: reject: RCPT from c[198.18.0.9]: 554 5.7.1 <x>: Relay access denied; "
        'from=<"a; from=<b> to=<c> proto=ESMTP helo=<our.probe>"@x> to=<x> proto=ESMTP helo=<real>'
    )
    assert record is None or (isinstance(record, Reject) and record.helo == "real")


def test_a_reused_connection_and_the_hybrid_group_are_read() -> None:
    record = postfix.parse(
        "Nov 22 13:57:00 mail postfix/smtp[54]: Untrusted TLS connection reused to d[198.18.0.9]:25: "
        "TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 (128/128 bits) key-exchange SecP256r1MLKEM768"
    )
    assert isinstance(record, TlsEstablished)
    assert (record.reused, record.direction, record.group) == (True, "to", "secp256r1mlkem768")


def test_a_certificate_that_names_a_fingerprint_of_its_own_is_no_record() -> None:
    octets = ":".join(["AB"] * 32)
    honest = f"c[198.18.0.9]: subject_CN=%s, issuer=CA, cert fingerprint={octets}, pkey fingerprint={octets}"
    assert isinstance(postfix.parse(_HEAD + honest % "a"), postfix.Presented)
    for name in (f"x, issuer=Y, cert fingerprint={octets}", "x=y", f"x, pkey fingerprint={octets}"):
        assert postfix.parse(_HEAD + honest % name) is None


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        " ",
        ": ",
        "=",
        ";",
        "<",
        "> ",
        ", x=y",
        ", issuer=",
        "AB:",
        " from=<",
        " key-exchange ",
        " to=<>;",
        "(",
        "%{",
    ],
)
@pytest.mark.parametrize(
    "start",
    [
        "", "NOQUEUE: reject: RCPT from c[1]: 554 5.7.1 ", "1A: to=<x>, ", "c: subject_CN=", "lost connection after ",
        "Trusted TLS connection established to d[1]:25: TLSv1.3 with cipher X (1/1 bits)",
        "c: depth=0 verify=0 subject=", "certificate verification failed for ",
        "warning: c: SASL PLAIN authentication failed: ",
    ],
)  # fmt: skip
def test_long_hostile_lines_are_read_at_once(start: str, piece: str) -> None:
    began = time.process_time()
    postfix.parse(_HEAD + start + piece * (8000 // len(piece)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize("line", ["", "junk", "Nov 22 13:57:00 mail sshd[1]: connect from x", f"{_HEAD}something else"])
def test_other_lines_are_no_record(line: str) -> None:
    assert postfix.parse(line) is None
