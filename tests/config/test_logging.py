"""What the daemons are told to log."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    DAEMON,
    DOVECOT,
    MEDIUM,
    MUST,
    POSTFIX,
    EffectiveSettings,
    broken_by,
    control,
    dovecot,
    no_other_way,
    postconf,
    tolerates,
)  # fmt: skip

ELEMENTS = ("%{user}", "%{mechanism}", "%{remote_ip}", "%{local_ip}", "%{mail_pid}", "%{secured}", "%{ssl_security}")


@control(
    "LOG-7", MUST, postconf("smtpd_tls_loglevel"),
    "1 Log only a summary message on TLS handshake completion.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, expects="TLS log level 1 for receiving and for sending",
    remedy="postconf -e smtpd_tls_loglevel=1 smtp_tls_loglevel=1",
)  # fmt: skip
@broken_by("nothing-logged", postfix={"smtpd_tls_loglevel": "0"})
@broken_by("sending-not-logged", postfix={"smtp_tls_loglevel": "0"})
@broken_by("everything-logged", postfix={"smtpd_tls_loglevel": "3"})
@no_other_way("of the four levels one is right, and each of the others is a fault")
def test_tls_log_levels_are_one(settings: EffectiveSettings) -> None:
    """0 leaves no trace of a connection's cipher; above 1 the log fills with what an attacker may read."""
    levels = settings["smtpd_tls_loglevel"], settings["smtp_tls_loglevel"]
    assert levels == ("1", "1"), f"receiving, sending: {levels}"


@control(
    "LOG-9", MUST, dovecot("login_log_format_elements"),
    "Space-separated list of elements we want to log.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=MEDIUM,
    expects="the login line has user, mechanism, both addresses, process, security, TLS version and cipher",
    remedy="login_log_format_elements = user=<%{user}> method=%{mechanism} rip=%{remote_ip} lip=%{local_ip} "
           "mpid=%{mail_pid} %{secured} %{ssl_security}",
)  # fmt: skip
@broken_by("as-packaged", dovecot={"login_log_format_elements": "user=<%{user}> method=%{mechanism} rip=%{remote_ip}"})
@tolerates("another-order", dovecot={"login_log_format_elements":
    "user=<%{user}> %{ssl_security} %{secured} method=%{mechanism} lip=%{local_ip} rip=%{remote_ip} mpid=%{mail_pid} "
    "session=<%{session}>"})  # fmt: skip
def test_login_format_names_what_an_audit_needs(settings: EffectiveSettings) -> None:
    """The packaged format says nothing of TLS version and cipher."""
    missing = [element for element in ELEMENTS if element not in settings["login_log_format_elements"]]
    assert not missing, f"the login line lacks {', '.join(missing)}"
