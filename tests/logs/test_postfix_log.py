"""What Postfix logs of the very connection that the check made."""

from __future__ import annotations

from mailproof.controls import (
    HIGH,
    MEDIUM,
    MODERN,
    MUST,
    MX,
    POSTFIX,
    RELAY,
    SUBMISSION,
    Delivery,
    Endpoint,
    Journal,
    Rejected,
    broken_by,
    control,
    postconf,
    tolerates,
)  # fmt: skip

SERVER_LOGS_NOTHING = {"smtpd_tls_loglevel": "0"}
OPEN = {"smtpd_relay_restrictions": "check_client_access static:OK, reject"}


@control(
    "LOG-1", MUST, postconf("smtpd_tls_loglevel"), "1 Log only a summary message on TLS handshake completion.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH, variants=("tls-1.2", "tls-1.3"),
    expects="one line with the version and the cipher that were agreed", remedy="postconf -e smtpd_tls_loglevel=1",
)  # fmt: skip
@broken_by("nothing-logged", postfix=SERVER_LOGS_NOTHING)
@tolerates("more-logged", postfix={"smtpd_tls_loglevel": "2"})
@broken_by("lost-on-the-way", lost={POSTFIX: "TLS connection established"})
def test_logs_version_and_cipher(endpoint: Endpoint, journal: Journal, variant: str) -> None:
    """Without the line nobody can say afterwards which sessions were forward secret."""
    visit = endpoint.visit(MODERN.only(f"TLSv{variant.removeprefix('tls-')}"), endpoint.admitted)
    line = journal.connection(visit.helo).tls
    assert line is not None, f"no line says what TLS was agreed: {visit.answer}"
    assert (line.version, line.suite) == (visit.answer.version, visit.answer.suite), f"logged: {line}"


@control(
    "LOG-2", MUST, postconf("smtpd_tls_loglevel"), "1 Log only a summary message on TLS handshake completion.",
    on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=MEDIUM,
    expects="in TLS 1.3 the line names the key exchange, in TLS 1.2 an ECDHE- or DHE- suite",
    remedy="postconf -e smtpd_tls_loglevel=1",
)  # fmt: skip
@broken_by("nothing-logged", postfix=SERVER_LOGS_NOTHING)
@broken_by("lost-on-the-way", lost={POSTFIX: "TLS connection established"})
@tolerates("more-logged", postfix={"smtpd_tls_loglevel": "2"})
def test_log_proves_forward_secrecy(endpoint: Endpoint, journal: Journal) -> None:
    """The article's «grep DHE» misses every TLS 1.3 session: there the group is named apart, or its version proves it."""
    visit = endpoint.visit(MODERN.only("TLSv1.3"))
    line = journal.connection(visit.helo).tls
    assert line is not None and line.version == "TLSv1.3" and line.key_exchange, f"logged: {line}"


@control(
    "LOG-3", MUST, postconf("smtpd_tls_ask_ccert"), "Ask a remote SMTP client for a client certificate.",
    on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=MEDIUM, feature="client-certificates",
    variants=("none", "listed", "stranger"),
    expects="Anonymous without a certificate, Trusted with one of the CA, Untrusted with a stranger's",
    remedy="postconf -e smtpd_tls_ask_ccert=yes smtpd_tls_CAfile=FILE smtpd_tls_loglevel=1",
)  # fmt: skip
@broken_by("nothing-logged", postfix=SERVER_LOGS_NOTHING)
@broken_by("no-authorities", postfix={"smtpd_tls_CAfile": ""}, variants=("listed",))
@broken_by("lost-on-the-way", lost={POSTFIX: "TLS connection established"})
@tolerates("more-logged", postfix={"smtpd_tls_loglevel": "2"})
def test_log_tells_trust(endpoint: Endpoint, journal: Journal, variant: str) -> None:
    """The word tells an auditor who came with which certificate; «Anonymous» speaks of the client, not of the cipher."""
    visit = endpoint.visit(MODERN, "" if variant == "none" else variant)
    line = journal.connection(visit.helo).tls
    word = {"none": "Anonymous", "listed": "Trusted", "stranger": "Untrusted"}[variant]
    assert line is not None and line.word == word, f"logged: {line}"


@control(
    "LOG-4", MUST, postconf("maillog_file"), "An empty value selects logging to syslogd(8).",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH, feature="client-certificates",
    expects="a refused recipient is logged with client, reply, sender, recipient and HELO",
    remedy="let Postfix log through syslog or maillog_file as packaged",
)  # fmt: skip
@broken_by("relayed-instead-of-refused", postfix=OPEN,
           services=dict.fromkeys(("submission:587", "submissions:465", "relay:2525"), OPEN))  # fmt: skip
@broken_by("lost-on-the-way", lost={POSTFIX: "NOQUEUE: reject"})
@tolerates("more-logged", postfix={"smtpd_tls_loglevel": "2"})
def test_refusals_are_logged(endpoint: Endpoint, journal: Journal) -> None:
    """Who tries, and is refused, is the first thing asked after an incident."""
    visit = endpoint.visit(MODERN, "unlisted")
    refused = [each for each in journal.connection(visit.helo).of(Rejected) if each.recipient == visit.recipient]
    assert refused and refused[0].helo == visit.helo, f"the refusal «{visit.reply}» is not in the log: {refused}"
    assert (str(refused[0].code), refused[0].enhanced) == (visit.reply.code, visit.reply.enhanced), f"{refused[0]}"


@control(
    "LOG-8", MUST, postconf("smtpd_tls_received_header"),
    "Request that the Postfix SMTP server produces Received: message headers that include information about the protocol "
    "and cipher used, as well as the remote SMTP client CommonName and client certificate issuer CommonName.",
    on=(MX,), daemons=(POSTFIX,), severity=MEDIUM, expects="the delivered message's Received: header names version and cipher",
    remedy="postconf -e smtpd_tls_received_header=yes",
)  # fmt: skip
@broken_by("header-off", postfix={"smtpd_tls_received_header": "no"})
@tolerates("certificates-asked-for", postfix={"smtpd_tls_ask_ccert": "yes"})
def test_received_header_names_tls(delivery: Delivery) -> None:
    """The one witness of a session's cipher that its recipient can read."""
    message, answer = delivery.send(MODERN)
    received = " ".join(" ".join(message.get_all("Received", [])).split())
    assert f"using {answer.version} with cipher {answer.suite}" in received, received
