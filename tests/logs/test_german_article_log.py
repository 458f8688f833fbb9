"""What the German how-to says of Dovecot's log before its own line is pasted."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    DOVECOT,
    MEDIUM,
    MODERN,
    MUST,
    Endpoint,
    Journal,
    article,
    broken_by,
    control,
    tolerates,
)


@control(
    "DE-18", MUST, article("de", "Einrichtung von Perfect Forward Secrecy (PFS) in Dovecot"),
    "Dovecot benutzt dann von Hause aus Perfect Forward Secrecy (PFS), was jedoch nicht in den Logfiles verzeichnet ist.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=MEDIUM, variants=("tls-1.2", "tls-1.3"),
    expects="(in English: «by itself, which the log files do not record, however») the session is forward secret, and the "
            "packaged login line, which has the user, names neither version nor suite",
    remedy="login_log_format_elements with %{ssl_security}",
)  # fmt: skip
@broken_by(
    "recorded", dovecot={"login_log_format_elements": "user=<%{user}> rip=%{remote_ip} %{secured} %{ssl_security}"}
)
@tolerates("without-a-session-id", dovecot={"login_log_format_elements": "user=<%{user}> rip=%{remote_ip} %{secured}"})
def test_the_packaged_log_records_no_suite(endpoint: Endpoint, journal: Journal, variant: str) -> None:
    """Judged where the how-to's line is not pasted: what is not recorded cannot be searched for."""
    offer = MODERN.only(f"TLSv1{variant[-2:]}")
    agreed = endpoint.agreed(offer)
    user, password = endpoint.account()
    with endpoint.session(offer) as session:
        reply = session.login(user, password)
    line = journal.login(user)
    assert reply.ok and agreed.forward_secret, f"{reply}; {agreed}"
    assert line.pairs.get("user") == user and not line.suite and not line.version, f"logged: {line}"
