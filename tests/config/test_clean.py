"""The configuration as a whole: nothing that a daemon complains of, and software new enough for what is required."""

from __future__ import annotations

from collections.abc import Mapping

from mailproof.controls import (
    DAEMON,
    HIGH,
    MEDIUM,
    MUST,
    POSTFIX,
    EffectiveSettings,
    at_least,
    bcp195,
    broken_by,
    control,
    no_other_way,
    postconf,
    postconf_command,
    tolerates,
)  # fmt: skip


@control(
    "CFG-1", MUST, postconf_command("-n"),
    "Show only configuration parameters that have explicit name=value settings in main.cf.",
    on=(DAEMON,), severity=MEDIUM, expects="neither the configuration tools nor the daemons' start complain of anything",
    remedy="correct or remove each line that is named: unknown, unused, set twice, deprecated",
)  # fmt: skip
@broken_by("a-typo", pasted="smtpd_tls_security_levle = may")
@broken_by("set-twice", pasted="mail_name = one\nmail_name = another")
@broken_by("more-logins-than-auth-takes", dovecot={"default_process_limit": "5000"})
@tolerates("a-remark", pasted="# who may relay: see relay_clientcerts", dovecot={"verbose_proctitle": "yes"})
def test_configuration_is_clean(settings: EffectiveSettings) -> None:
    """Both tools exit 0 for a misspelt parameter: what was meant is then not in force, and only stderr says so."""
    complaints = settings.complaints
    assert not complaints, "; ".join(complaints)


@control(
    "CFG-2", MUST, bcp195("3.1.1"), "Implementations MUST support TLS 1.2 [RFC5246].",
    on=(DAEMON,), severity=HIGH, expects="the daemon and the TLS library that it really runs with are new enough",
    remedy="upgrade the distribution release", parameters=("versions", "reason"),
)  # fmt: skip
@broken_by("a-newer-daemon-required", parameters={"versions": {"postfix": "99", "dovecot": "99", "openssl": "1.1.1"}})
@broken_by(
    "a-newer-library-required", parameters={"versions": {"postfix": "3.5", "dovecot": "2.3.13", "openssl": "99"}}
)
@no_other_way("a version is new enough or not: nothing that is configured changes it")
def test_software_is_new_enough(settings: EffectiveSettings, parameters: Mapping[str, object]) -> None:
    """The daemon's library counts, not what `openssl version` says of another one on the same host."""
    wanted = parameters["versions"]
    assert isinstance(wanted, Mapping)
    daemon = settings.service.daemon.value
    where, why = settings.release, parameters["reason"] or "older ones cannot do what the profile requires"
    assert at_least(settings.version, wanted[daemon]), (
        f"{where} has {daemon} {settings.version}, older than {wanted[daemon]}: {why}"
    )
    assert at_least(settings.library, wanted["openssl"]), (
        f"{where} has {settings.library}, older than OpenSSL {wanted['openssl']}: {why}"
    )


@control(
    "CFG-3", MUST, postconf("smtpd_tls_received_header"),
    "Request that the Postfix SMTP server produces Received: message headers that include information about the protocol "
    "and cipher used, as well as the remote SMTP client CommonName and client certificate issuer CommonName.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, expects="smtpd_tls_received_header = yes",
    remedy="postconf -e smtpd_tls_received_header=yes",
)  # fmt: skip
@broken_by("header-off", postfix={"smtpd_tls_received_header": "no"})
@tolerates("capitals", postfix={"smtpd_tls_received_header": "YES"})
def test_received_header_is_asked_for(settings: EffectiveSettings) -> None:
    """The recipient can then see, of each message, how it travelled the last hop."""
    assert settings["smtpd_tls_received_header"] == "yes"
