"""The German how-to's claims about logs, under its own lines."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    DOVECOT,
    HIGH,
    MODERN,
    MUST,
    MX,
    POSTFIX,
    Endpoint,
    Journal,
    article,
    broken_by,
    control,
    no_other_way,
)

LOGLEVEL = "Nothing to mend in the server: a TLS 1.3 suite has no key exchange in its name. Search for TLSv1.3 as well."
FORMAT = "login_log_format_elements = … %{secured} %{ssl_security} from Dovecot 2.4 on"


@control(
    "DE-2", MUST, article("de", "Einrichtung von Perfect Forward Secrecy (PFS) in Postfix"),
    "Die Anhebung des tls_loglevels sorgt dafür, daß die verwendeten Ciphers im Logfile auftauchen — anschließend sollten "
    "dort (EC)DHE-Ciphers verzeichnet werden.",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, variants=("tls-1.2", "tls-1.3"),
    expects="the suite that the log records has DHE in its name", remedy=LOGLEVEL,
)  # fmt: skip
@broken_by("nothing-logged", pasted="smtpd_tls_loglevel = 0")
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_postfix_logs_suites_with_dhe(endpoint: Endpoint, journal: Journal, variant: str) -> None:
    """Raising the log level makes the suites appear in the log; (EC)DHE suites should be recorded there from then on."""
    visit = endpoint.visit(MODERN.only(f"TLSv1{variant[-2:]}"))
    line = journal.connection(visit.helo).tls
    assert line is not None and "DHE-" in line.suite, f"logged: {line}"


@control(
    "DE-3", MUST, article("de", "Einrichtung von Perfect Forward Secrecy (PFS) in Dovecot"),
    "Über den Platzhalter „%k“ läßt sich das in den Logzeilen ergänzen.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, variants=("tls-1.2", "tls-1.3"),
    expects="the login line names user, TLS version and suite", remedy=FORMAT,
)  # fmt: skip
@broken_by("left-out", dovecot={"login_log_format_elements": "user=<%{user}> rip=%{remote_ip}"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_percent_k_adds_the_suite_to_the_login_line(endpoint: Endpoint, journal: Journal, variant: str) -> None:
    """The placeholder %k adds it to the log lines: whoever loses the line instead loses who logged in, too."""
    user, password = endpoint.account()
    with endpoint.session(MODERN.only(f"TLSv1{variant[-2:]}")) as session:
        reply = session.login(user, password)
    line = journal.login(user)
    assert reply.ok and line.pairs.get("user") == user and line.suite, f"{reply}; logged: {line}"


@control(
    "DE-4", MUST, article("de", "Einrichtung von Perfect Forward Secrecy (PFS) in Dovecot"),
    "Anschließend kann nach DHE oder ECDHE im Mail-Logfile gegreppt werden oder ein manueller Login-Test mit openssl "
    "vorgenommen werden.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, variants=("tls-1.2", "tls-1.3"),
    expects="a search of the log for DHE finds the login", remedy=LOGLEVEL,
)  # fmt: skip
@broken_by("left-out", dovecot={"login_log_format_elements": "user=<%{user}> rip=%{remote_ip}"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_a_search_for_dhe_finds_logins(endpoint: Endpoint, journal: Journal, variant: str) -> None:
    """Afterwards one can search the mail log for DHE or ECDHE: what is not found there passes for not forward secret."""
    user, password = endpoint.account()
    with endpoint.session(MODERN.only(f"TLSv1{variant[-2:]}")) as session:
        reply = session.login(user, password)
    line = journal.login(user)
    assert reply.ok and "DHE-" in (line.suite or ""), f"{reply}; logged: {line}"
