"""What was really logged of TLS on four releases (smtpd-tls.log, smtp-tls.log, smtpd-faults.log, dovecot-tls.log): the
same deeds on each, so the same records, whatever a release calls them. A line of MARK says where a deed begins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from mailproof.logs import dovecot, postfix
from mailproof.logs.postfix import (
    Abort,
    BrokenOff,
    Checked,
    Complaint,
    Delivered,
    NoHandshake,
    Presented,
    Reject,
    TicketIssued,
    TlsEstablished,
    Unreached,
    Unverified,
)

LOGS = Path(__file__).parents[3] / "fixtures" / "logs"
RELEASES = ("debian-11", "debian-12", "debian-13", "debian-14")
SECTION = " MARK: "
UNKNOWN_PROBLEM = {"debian-11": "trusted", "debian-12": "verified", "debian-13": "verified", "debian-14": "verified"}
Kind = TypeVar("Kind")

releases = pytest.mark.parametrize("release", RELEASES)


def lines(release: str, name: str) -> list[str]:
    return (LOGS / release / name).read_text(encoding="utf-8").splitlines()


def logged(release: str, name: str, kind: type[Kind], tag: str | None = None) -> list[Kind]:
    found = [record for record in map(postfix.parse, lines(release, name)) if record]
    wanted = [record for record in found if tag is None or record.process.tag == tag]
    return [record for record in wanted if isinstance(record, kind)]


def logins(release: str, section: str) -> Sequence[dovecot.Record | None]:
    text = "\n".join(lines(release, "dovecot-tls.log"))
    body = text.partition(f"{SECTION}{section}\n")[2].splitlines()
    ends = [place for place, line in enumerate(body) if SECTION in line]
    return [dovecot.parse(line) for line in body[: ends[0] if ends else None]]


@releases
def test_every_line_of_tls_is_a_record(release: str) -> None:
    unread = [line for line in lines(release, "smtpd-tls.log") if postfix.parse(line) is None and SECTION not in line]
    assert unread == []
    unread = [line for line in lines(release, "smtp-tls.log") if postfix.parse(line) is None and SECTION not in line]
    assert [line for line in unread if "/tlsproxy[" not in line and not line.endswith(" dest.lab.test")] == []


@releases
def test_the_word_of_trust_follows_the_certificate(release: str) -> None:
    """Listed, unlisted; expired, not yet valid, self-signed, a stranger's, not for clients; none; listed in TLS 1.2."""
    made = logged(release, "smtpd-tls.log", TlsEstablished, "plain")
    expected = ["Trusted"] * 2 + ["Untrusted"] * 5 + ["Anonymous", "Trusted"]
    assert [record.word for record in made[:9]] == expected
    proved = [record.client_signature == "RSA-PSS (2048 bits)" for record in made[:8]]
    assert proved == [True] * 7 + [False]
    assert {(record.server_digest, record.client_digest) for record in made[:7]} == {("SHA256", "SHA256")}


@releases
def test_suites_up_to_tls_1_2_name_their_key_exchange_and_no_group(release: str) -> None:
    older = [each for each in logged(release, "smtpd-tls.log", TlsEstablished, "plain") if each.version != "TLSv1.3"]
    assert all(each.group is None and each.server_signature is None for each in older)
    assert {each.suite for each in older} == {
        "ECDHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-SHA", "AES128-SHA",
    }  # fmt: skip
    assert {each.bits for each in older} == {128, 256}


@pytest.mark.parametrize(
    ("release", "spelt"),
    [
        ("debian-11", {"X25519": "x25519", "ECDHE (P-256)": "secp256r1", "ECDHE (P-384)": "secp384r1", "X448": "x448"}),
        (
            "debian-12",
            {
                "X25519": "x25519",
                "ECDHE (prime256v1)": "secp256r1",
                "ECDHE (secp384r1)": "secp384r1",
                "X448": "x448",
            },
        ),
        ("debian-13", {each: each for each in ("x25519", "secp256r1", "secp384r1", "x448", "ffdhe2048")}),
        (
            "debian-14",
            {each: each for each in ("x25519", "secp256r1", "secp384r1", "x448", "ffdhe2048")}
            | {"X25519MLKEM768": "x25519mlkem768"},
        ),
    ],
)
def test_a_group_has_one_name_whatever_the_release_writes(release: str, spelt: dict[str, str]) -> None:
    made = logged(release, "smtpd-tls.log", TlsEstablished, "plain")
    assert {each.key_exchange: each.group for each in made if each.key_exchange} == spelt


@releases
def test_an_ecdsa_certificate_shows_in_its_signature(release: str) -> None:
    server = logged(release, "smtpd-tls.log", TlsEstablished, "ecdsa")
    curve = "P-256" if release == "debian-11" else "prime256v1"
    assert [each.server_signature for each in server] == [f"ECDSA ({curve})", None]
    assert (server[1].word, server[1].suite) == ("Trusted", "ECDHE-ECDSA-AES256-GCM-SHA384")


@releases
def test_where_certificates_are_demanded_the_reason_stands_before_the_abort(release: str) -> None:
    reasons = [each.reason for each in logged(release, "smtpd-tls.log", Unverified, "relay")]
    assert reasons == [
        "certificate has expired",
        "self-signed certificate",
        "untrusted issuer /CN=OtherCA",
        "not designated for use as a client certificate",
    ]
    aborts = [each.reason for each in logged(release, "smtpd-tls.log", Abort)]
    assert aborts == ["Client certificate not trusted"] * 4 + ["No client certificate presented"]
    refused = logged(release, "smtpd-tls.log", Reject, "relay")
    assert [(each.code, each.helo) for each in refused] == [(554, "unlisted.probe.test")]


@releases
def test_settings_that_do_nothing_are_complained_of(release: str) -> None:
    idle = [each.text for each in logged(release, "smtpd-tls.log", Complaint, "idle")]
    unasked = [each.text for each in logged(release, "smtpd-tls.log", Complaint, "unasked")]
    assert idle == ["Can't require client certs unless TLS is required"]
    assert unasked == ['permit_tls_clientcerts is requested, but "smtpd_tls_ask_ccert = no"']


@releases
def test_a_session_that_breaks_off_is_told_with_the_command_before(release: str) -> None:
    """With NOQUEUE or a queue id from 3.10 on, without before."""
    broken = logged(release, "smtpd-tls.log", BrokenOff, "plain")[-6:]
    assert [each.stage for each in broken] == ["CONNECT", "EHLO", "STARTTLS", "RCPT", "RCPT", "DATA"]
    assert {each.what for each in broken} == {"lost connection"}
    assert {each.client for each in broken} == {"localhost[127.0.0.1]"}
    named = [each.queue_id is not None for each in broken]
    assert named == [release in ("debian-13", "debian-14")] * 6
    failed = logged(release, "smtpd-tls.log", NoHandshake)[-1]
    assert (failed.call, failed.reason) == ("accept", "Connection reset by peer")


@releases
def test_the_talkative_level_tells_the_fingerprint_and_each_check(release: str) -> None:
    shown = logged(release, "smtpd-tls.log", Presented)
    assert [(each.name, each.issuer) for each in shown] == [
        ("laptop.lab.test", "LabCA"),
        ("expired.lab.test", "LabCA"),
        ("selfsigned.lab.test", "selfsigned.lab.test"),
    ]
    assert {len(each.fingerprint) for each in shown} == {len(each.key_fingerprint) for each in shown} == {95}
    checked = [(each.depth, each.verified) for each in logged(release, "smtpd-tls.log", Checked)]
    assert checked == [(1, True), (0, True), (1, True), (0, False), (0, True), (0, False), (0, True)]
    assert len(logged(release, "smtpd-tls.log", TicketIssued)) == 3


LEVELS = ("none", "may", "encrypt", "verify", "secure", "fingerprint", "mismatch", "daneonly")
SENT, NO_TLS, NO_START = ("2.0.0", "sent"), ("4.7.4", "deferred"), ("4.7.0", "deferred")
UNPROVEN = ("4.7.5", "deferred")
OUTCOMES = {
    "good": (SENT, SENT, SENT, SENT, SENT, SENT, UNPROVEN, UNPROVEN),
    "wrong": (SENT, SENT, SENT, UNPROVEN, UNPROVEN, UNPROVEN, UNPROVEN, UNPROVEN),
    "self": (SENT, SENT, SENT, UNPROVEN, UNPROVEN, UNPROVEN, UNPROVEN, UNPROVEN),
    "expired": (SENT, SENT, SENT, UNPROVEN, UNPROVEN, UNPROVEN, UNPROVEN, UNPROVEN),
    "stranger": (SENT, SENT, SENT, UNPROVEN, UNPROVEN, UNPROVEN, UNPROVEN, UNPROVEN),
    "notls": (SENT, SENT, NO_TLS, NO_TLS, NO_TLS, NO_TLS, NO_TLS, UNPROVEN),
    "broken": (SENT, SENT, NO_START, NO_START, NO_START, NO_START, NO_START, UNPROVEN),
}
"""What becomes of mail to a destination at each of `LEVELS`."""


@releases
@pytest.mark.parametrize("destination", OUTCOMES)
def test_what_became_of_each_message_at_each_level(release: str, destination: str) -> None:
    told = {each.to: each for each in logged(release, "smtp-tls.log", Delivered)}
    found = [told[f"x@{level}.{destination}.test"] for level in LEVELS]
    assert tuple((each.dsn, each.status) for each in found) == OUTCOMES[destination]
    assert {each.relay.partition(":")[0] for each in found[:-1]} == {"dest.lab.test[127.0.0.1]"}


@releases
def test_a_message_that_stays_says_why(release: str) -> None:
    told = {each.to: each.text for each in logged(release, "smtp-tls.log", Delivered)}
    assert told["x@verify.notls.test"].startswith("TLS is required, but was not offered by host dest.lab.test[")
    assert "refused to start TLS: 454 4.7.0 TLS not available" in told["x@verify.broken.test"]
    assert told["x@verify.wrong.test"] == "Server certificate not verified"
    assert told["x@verify.self.test"] == f"Server certificate not {UNKNOWN_PROBLEM[release]}"
    assert told["x@daneonly.good.test"] == "client TLS configuration problem"
    unreached = logged(release, "smtp-tls.log", Unreached)
    assert [(each.host, each.reason) for each in unreached] == [("dest.lab.test[127.0.0.1]:9", "Connection refused")]


@releases
def test_the_sending_side_tells_why_a_server_is_not_trusted(release: str) -> None:
    """3.5 says nothing of a wrong name or fingerprint; the others give OpenSSL's number for it."""
    found = {(each.number, each.reason) for each in logged(release, "smtp-tls.log", Unverified)}
    named = {("62", "hostname mismatch"), ("65", "no matching DANE TLSA records")}
    assert found - named == {
        (None, "certificate has expired"),
        (None, "self-signed certificate"),
        (None, "untrusted issuer /CN=OtherCA"),
    }
    assert (named <= found) == (release != "debian-11")


@releases
def test_the_sending_side_tells_trust_suite_and_its_own_certificate(release: str) -> None:
    made = logged(release, "smtp-tls.log", TlsEstablished)
    assert {each.direction for each in made} == {"to"}
    assert {each.word for each in made} == {"Trusted", "Untrusted", "Verified"}
    presented = [each for each in made if each.client_signature]
    assert presented
    assert all(each.client_signature == "RSA-PSS (2048 bits)" for each in presented)
    assert {each.group for each in made if each.version == "TLSv1.3"} >= {"secp384r1"}
    assert {each.suite for each in made if each.version == "TLSv1.2"} == {"ECDHE-RSA-AES256-GCM-SHA384"}
    shown = logged(release, "smtp-tls.log", Presented)
    assert [(each.name, each.peer) for each in shown] == [("dest.lab.test", "dest.lab.test[127.0.0.1]:10025")]


FAULTS = {
    ("warning", 'smtpd_tls_security_level: unsupported TLS level "verify", using "encrypt"'),
    ("warning", 'unknown smtpd_tls_loglevel value "high" in "high"'),
    ("warning", 'cannot get RSA certificate from file "/nope.pem": disabling TLS support'),
    ("warning", 'Invalid TLS protocol list "TLSv1.9": disabling TLS support'),
    ("warning", 'Digest algorithm "foo" not found'),
    ("warning", "disabling TLS support"),
    ("warning", 'localhost[127.0.0.1]: error setting cipher grade: "medium"'),
    ("error", "unsupported dictionary type: foo"),
    ("error", "open database /etc/l/nonexist.db: No such file or directory"),
    ("warning", 'unknown smtpd restriction: "[..]"'),
    ("fatal", "bad boolean configuration: smtpd_tls_ask_ccert = maybe"),
    ("warning", "no entropy for TLS key generation: disabling TLS support"),
}
"""Configuration faults of which no release says a word before somebody connects."""


@releases
def test_faults_that_show_at_the_first_connection_alone_are_complaints(release: str) -> None:
    found = {(each.level, each.text) for each in logged(release, "smtpd-faults.log", Complaint)}
    assert found >= FAULTS
    assert any(level == "fatal" and "reject_unauth_destination" in text for level, text in found)
    assert any("does not match public key in" in text for _, text in found)


@releases
def test_logins_of_each_protocol_tell_what_was_agreed(release: str) -> None:
    found = [each for each in logins(release, "logins") if isinstance(each, dovecot.LoggedIn)]
    assert [(each.service, each.version) for each in found] == [
        ("imap-login", "TLSv1.3"), ("imap-login", "TLSv1.2"), ("pop3-login", "TLSv1.3"), ("pop3-login", "TLSv1.2"),
        ("managesieve-login", "TLSv1.3"),
    ]  # fmt: skip
    assert all(each.pairs["user"] == "alice" and each.secured for each in found)


@releases
def test_refused_logins_and_failed_handshakes_are_no_logins(release: str) -> None:
    found = logins(release, "failures")
    failed = [each for each in found if isinstance(each, dovecot.LoginFailed)]
    assert [(each.service, each.pairs["user"]) for each in failed] == [("imap-login", "bob"), ("pop3-login", "bob")]
    (clear,) = (each for each in found if isinstance(each, dovecot.LoggedIn))
    assert not clear.secured
    assert clear.version is None
    ended = [each for each in found if isinstance(each, dovecot.Aborted | dovecot.Disconnected)]
    assert sum("SSL_accept" in str(each) for each in ended) >= 2


@releases
def test_a_demanded_certificate_that_is_missing_or_untrusted_is_told_in_one_word(release: str) -> None:
    """None, a good one, a stranger's, an expired, a self-signed, one for servers; in TLS 1.2 none, an expired one."""
    found = [each for each in logins(release, "required") if isinstance(each, dovecot.Login)]
    told = [(isinstance(each, dovecot.LoggedIn), each.certificate) for each in found]
    bad, none = (False, "untrusted"), (False, "missing")
    assert told == [none, (True, None), *[bad] * 4, none, bad]


@releases
def test_a_certificate_that_is_only_asked_for_keeps_nobody_out(release: str) -> None:
    found = logins(release, "asked")
    assert [type(each) for each in found] == [dovecot.LoggedIn] * 6
    assert [each.pairs["user"] for each in found if isinstance(each, dovecot.Login)] == [
        "nocert", "good", "good12", "stranger", "expired", "selfsigned",
    ]  # fmt: skip


def test_any_certificate_is_asked_for_and_only_a_missing_one_is_named() -> None:
    found = [each for each in logins("debian-14", "any") if isinstance(each, dovecot.Login)]
    assert [(type(each), each.certificate) for each in found] == [
        (dovecot.LoggedIn, None), (dovecot.LoginFailed, None), (dovecot.Aborted, "missing"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("release", "user", "words"),
    [
        ("debian-11", "alice", 2),
        ("debian-12", "alice", 2),
        ("debian-13", None, 0),
        ("debian-14", "%u", 2),
    ],
)
def test_the_log_format_of_2013_says_nothing_in_2_4(release: str, user: str | None, words: int) -> None:
    """2.4.1 logs nothing behind «Logged in:», 2.4.5 the variables as they stand."""
    found = [each for each in logins(release, "literal") if isinstance(each, dovecot.LoggedIn)]
    assert [(each.pairs.get("user"), len(each.words), each.secured) for each in found] == [
        (user, words, release in ("debian-11", "debian-12"))
    ]


@pytest.mark.parametrize(
    ("release", "element", "reason"),
    [
        ("debian-11", "pfs=%{nosuch}", "Unknown variable '%nosuch'"),
        ("debian-12", "pfs=%{nosuch}", "Unknown variable '%nosuch'"),
        ("debian-13", "cipher=%{ssl_cipher}", "Unknown variable 'ssl_cipher'"),
        ("debian-14", "%{ssl_cipher}", "Unknown variable 'ssl_cipher'"),
    ],
)
def test_a_variable_that_a_release_does_not_know_is_a_complaint(release: str, element: str, reason: str) -> None:
    complaint, login = logins(release, "unexpandable")
    assert isinstance(complaint, dovecot.NotExpanded)
    assert (complaint.element, complaint.reason, complaint.level) == (element, reason, "Error")
    assert isinstance(login, dovecot.LoggedIn)
    assert (dict(login.pairs), login.words) == ({"user": "alice"}, ("TLS",))


@releases
def test_tls_that_is_dead_since_the_start_says_so_at_each_connection(release: str) -> None:
    dead = [each for each in logins(release, "dead") if isinstance(each, dovecot.TlsDead)]
    expected = ["TLSv1.9", "Can't set cipher list to 'FOO'", "Can't set curve list to 'NOSUCH'",
                "is for a different cert", "dh key too small"]  # fmt: skip
    assert [word for word, each in zip(expected, dead, strict=True) if word not in each.reason] == []
    assert all("rip=" not in each.reason for each in dead)
