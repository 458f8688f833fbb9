"""Passwords only inside TLS, as the settings say it."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    CRITICAL,
    DOVECOT,
    MUST,
    MX,
    POSTFIX,
    SUBMISSION,
    EffectiveSettings,
    broken_by,
    control,
    no_other_way,
    postconf,
    rfc,
    tolerates,
)  # fmt: skip


@control(
    "AUTH-1", MUST, postconf("smtpd_tls_auth_only"),
    "When TLS encryption is optional in the Postfix SMTP server, do not announce or accept SASL authentication over "
    "unencrypted connections.",
    on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=CRITICAL,
    expects="where logins are possible, they are possible under TLS alone",
    remedy="postconf -P SERVICE/inet/smtpd_tls_auth_only=yes",
)  # fmt: skip
@broken_by(
    "logins-in-clear", postfix={"smtpd_sasl_auth_enable": "yes"},
    services={name: {"smtpd_tls_auth_only": "no", "smtpd_tls_security_level": "may", "smtpd_tls_wrappermode": "no"}
              for name in ("submission:587", "submissions:465")},
)  # fmt: skip
@tolerates("enforced-by-level", services={"submission:587": {"smtpd_tls_auth_only": "no"}})
def test_logins_need_tls(settings: EffectiveSettings) -> None:
    """A password sent in clear is everybody's on the way."""
    enforced = settings["smtpd_tls_security_level"] == "encrypt" or settings["smtpd_tls_wrappermode"] == "yes"
    possible, only = settings["smtpd_sasl_auth_enable"] == "yes", settings["smtpd_tls_auth_only"]
    assert not possible or enforced or only == "yes", f"logins are possible without TLS: smtpd_tls_auth_only = {only}"


@control(
    "AUTH-2", MUST, rfc(3501, "6.2.3"),
    "Server sites SHOULD NOT use any configuration which permits the LOGIN command without such a protection mechanism "
    "against password snooping.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=CRITICAL, expects="auth_allow_cleartext = no",
    remedy="auth_allow_cleartext = no (Dovecot 2.3: disable_plaintext_auth = yes)",
)  # fmt: skip
@broken_by("cleartext-allowed", dovecot={"auth_allow_cleartext": "yes", "ssl": "yes"})
@no_other_way("the setting has two values, and the other one is the fault")
def test_cleartext_logins_are_off(settings: EffectiveSettings) -> None:
    """Dovecot takes a connection from its own address for secure, so only a look from outside settles the rest."""
    assert settings["auth_allow_cleartext"] == "no", f"auth_allow_cleartext = {settings['auth_allow_cleartext']}"
