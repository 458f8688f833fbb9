"""What Postfix and Dovecot say they use of TLS, each service by its own effective settings."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    DAEMON,
    DOVECOT,
    HIGH,
    LOW,
    MEDIUM,
    MUST,
    MX,
    POSTFIX,
    RELAY,
    SHOULD,
    SUBMISSION,
    EffectiveSettings,
    allows_older_than_1_2,
    article,
    bcp195,
    broken_by,
    control,
    dovecot,
    excludes,
    forward_secret_only,
    no_other_way,
    postconf,
    rfc,
    tolerates,
)  # fmt: skip

ENFORCED = "encrypt"


@control(
    "TLS-1", MUST, postconf("smtpd_tls_security_level"),
    "may Opportunistic TLS: announce STARTTLS support to remote SMTP clients, but do not require that clients use TLS "
    "encryption.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH,
    expects="level may on an MX; encrypt or wrapper mode on submission; encrypt on a relay port",
    remedy="postconf -e smtpd_tls_security_level=may; postconf -P SERVICE/inet/smtpd_tls_security_level=encrypt",
)  # fmt: skip
@broken_by("tls-switched-off", postfix={"smtpd_tls_security_level": "none"},
           services={"submission:587": {"smtpd_tls_security_level": "may"},
                     "submissions:465": {"smtpd_tls_security_level": "may", "smtpd_tls_wrappermode": "no"},
                     "relay:2525": {"smtpd_tls_security_level": "may"}})  # fmt: skip
@tolerates("by-wrapper-mode-alone", services={"submissions:465": {"smtpd_tls_security_level": "may"}})
def test_tls_is_on_as_the_role_demands(settings: EffectiveSettings) -> None:
    """Strangers must be able to deliver without TLS; whoever logs in or relays must not be able to do without it."""
    level, wrapped = settings["smtpd_tls_security_level"], settings["smtpd_tls_wrappermode"]
    if settings.service.role is MX:
        assert level == "may", f"an MX announces TLS and does not demand it; the level is «{level}»"
    else:
        assert level == ENFORCED or wrapped == "yes", f"TLS is not enforced: level «{level}», wrapper mode {wrapped}"


@control(
    "TLS-2", MUST, bcp195("3.1.1"), "Implementations MUST NOT negotiate TLS version 1.1 [RFC4346].",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH,
    expects="the protocol list that rules at this level begins with TLS 1.2 and has no upper end",
    remedy="postconf -e 'smtpd_tls_protocols = >=TLSv1.2' 'smtpd_tls_mandatory_protocols = >=TLSv1.2'",
)  # fmt: skip
@broken_by("tls-1.0-readmitted", postfix={"smtpd_tls_protocols": ">=TLSv1", "smtpd_tls_mandatory_protocols": ">=TLSv1"})
@broken_by(
    "the-other-list-set", postfix={"smtpd_tls_mandatory_protocols": ">=TLSv1", "smtpd_tls_protocols": ">=TLSv1.1"}
)
@tolerates("exclusions", postfix={"smtpd_tls_protocols": "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1",
                                  "smtpd_tls_mandatory_protocols": "!SSLv2 !SSLv3 !TLSv1 !TLSv1.1"})  # fmt: skip
def test_protocols_begin_with_tls_1_2(settings: EffectiveSettings) -> None:
    """Two lists exist and only one of them counts: the mandatory one at encrypt, the plain one at may."""
    mandatory = settings["smtpd_tls_security_level"] == ENFORCED or settings["smtpd_tls_wrappermode"] == "yes"
    name = "smtpd_tls_mandatory_protocols" if mandatory else "smtpd_tls_protocols"
    assert not allows_older_than_1_2(settings[name]), f"{name} rules here and is «{settings[name]}»"


@control(
    "TLS-3", MUST, bcp195("4.1"),
    'Implementations SHOULD NOT negotiate cipher suites based on RSA key transport, a.k.a. "static RSA".',
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH, expects="kRSA and aNULL are excluded",
    remedy="postconf -e 'smtpd_tls_exclude_ciphers = aNULL, kRSA' 'smtpd_tls_mandatory_exclude_ciphers = aNULL, kRSA'",
)  # fmt: skip
@broken_by("nothing-excluded", postfix={"smtpd_tls_exclude_ciphers": "", "smtpd_tls_mandatory_exclude_ciphers": ""})
@tolerates("another-spelling", postfix={"smtpd_tls_exclude_ciphers": "kRSA aNULL MD5"})
def test_suites_without_forward_secrecy_are_excluded(settings: EffectiveSettings) -> None:
    """Postfix's own list ends with static RSA, and with tls_preempt_cipherlist begins with anonymous suites."""
    words = settings.words("smtpd_tls_exclude_ciphers")
    if settings["smtpd_tls_security_level"] == ENFORCED or settings["smtpd_tls_wrappermode"] == "yes":
        words |= settings.words("smtpd_tls_mandatory_exclude_ciphers")
    assert words >= {"aNULL", "kRSA"}, f"excluded are only: {', '.join(sorted(words)) or 'none'}"


@control(
    "TLS-4", MUST, bcp195("4.1"),
    "Implementations MUST support and prefer to negotiate cipher suites offering forward secrecy.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=MEDIUM,
    expects="Diffie-Hellman groups are the library's own: no file of one's own, no pinned curve",
    remedy="postconf -X smtpd_tls_dh1024_param_file smtpd_tls_dh512_param_file smtpd_tls_eecdh_grade",
)  # fmt: skip
@broken_by("parameters-of-2013", postfix={"smtpd_tls_dh1024_param_file": "/etc/ssl/certs/ssl-cert-snakeoil.pem"})
@broken_by("curve-pinned", postfix={"smtpd_tls_eecdh_grade": "strong"})
@tolerates("said-aloud", postfix={"smtpd_tls_eecdh_grade": "auto"})
def test_key_exchange_groups_are_not_pinned(settings: EffectiveSettings) -> None:
    """A DH file of 1024 bits is served by every release, and a pinned curve takes X25519 away."""
    file, grade = settings["smtpd_tls_dh1024_param_file"], settings["smtpd_tls_eecdh_grade"]
    assert file in ("", "auto"), f"DH parameters come from a file: {file}"
    assert grade == "auto", f"the curve is pinned by smtpd_tls_eecdh_grade = {grade}"


@control(
    "TLS-5", MUST, postconf("smtp_tls_security_level"),
    "may Opportunistic TLS. Use TLS if this is supported by the remote SMTP server, otherwise use plaintext.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, expects="the sending side uses TLS wherever it is offered",
    remedy="postconf -e smtp_tls_security_level=may",
)  # fmt: skip
@broken_by("sending-in-clear", postfix={"smtp_tls_security_level": "none"})
@tolerates("stricter", postfix={"smtp_tls_security_level": "encrypt"})
def test_sending_side_uses_tls(settings: EffectiveSettings) -> None:
    """What is received under TLS is worth little when it is sent on in clear."""
    assert settings["smtp_tls_security_level"] in {
        "may",
        "encrypt",
        "dane",
        "dane-only",
        "fingerprint",
        "verify",
        "secure",
    }


@control(
    "TLS-6", SHOULD, article("fr", "master.cf"), "Vérifiez la présence d'une entrée pour le service tlsmgr.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=LOW, expects="master.cf runs tlsmgr",
    remedy="postconf -M 'tlsmgr/unix=tlsmgr unix - - y 1000? 1 tlsmgr'",
)  # fmt: skip
@broken_by("tlsmgr-taken-out", removed=("tlsmgr/unix",))
@no_other_way("master.cf has the entry, or nothing runs tlsmgr")
def test_tlsmgr_runs(settings: EffectiveSettings) -> None:
    """Without tlsmgr Postfix finds no entropy and switches TLS off, while it goes on announcing STARTTLS."""
    entries = settings.entries
    assert "tlsmgr/unix" in entries, f"master.cf has no entry tlsmgr/unix among its {len(entries)}"


@control(
    "TLS-7", MUST, dovecot("ssl"), "SSL/TLS support: yes, no, required.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, expects="ssl = required", remedy="ssl = required",
)  # fmt: skip
@broken_by("tls-optional", dovecot={"ssl": "yes"})
@no_other_way("of the three values one requires TLS")
def test_access_requires_tls(settings: EffectiveSettings) -> None:
    """A mailbox password and everything it opens crosses the network here."""
    assert settings["ssl"] == "required", f"ssl = {settings['ssl']}"


@control(
    "TLS-8", MUST, bcp195("3.1.1"), "Implementations MUST NOT negotiate TLS version 1.1 [RFC4346].",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, expects="ssl_min_protocol = TLSv1.2 or newer",
    remedy="ssl_min_protocol = TLSv1.2",
)  # fmt: skip
@broken_by("tls-1.0-readmitted", dovecot={"ssl_min_protocol": "TLSv1"})
@no_other_way("of the values that all releases know, one is right: to Dovecot 2.3.13 nothing is newer")
def test_lowest_version_is_tls_1_2(settings: EffectiveSettings) -> None:
    """Dovecot 2.3.13's default is TLS 1.0; later ones begin with TLS 1.2."""
    assert settings["ssl_min_protocol"] in {"TLSv1.2", "TLSv1.3"}, f"ssl_min_protocol = {settings['ssl_min_protocol']}"


@control(
    "TLS-9", MUST, bcp195("4.1"),
    'Implementations SHOULD NOT negotiate cipher suites based on RSA key transport, a.k.a. "static RSA".',
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, expects="the cipher list leaves kRSA and aNULL out",
    remedy="ssl_cipher_list = ALL:!kRSA:!SRP:!kDHd:!DSS:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!MD5:!PSK:!RC4:!ADH:!LOW@STRENGTH",
)  # fmt: skip
@broken_by("every-suite", dovecot={"ssl_cipher_list": "ALL"})
@tolerates("named-suites-only", dovecot={"ssl_cipher_list": "ECDHE+AESGCM:ECDHE+CHACHA20"})
def test_cipher_list_is_forward_secret(settings: EffectiveSettings) -> None:
    """Dovecot's own default leaves static RSA out; a list of one's own often lets it in again."""
    listed = settings["ssl_cipher_list"]
    assert excludes(listed, "kRSA", "aNULL") or forward_secret_only(listed), f"ssl_cipher_list = {listed}"


@control(
    "MX-2", MUST, rfc(3207, "4"),
    "A publicly-referenced SMTP server MUST NOT require use of the STARTTLS extension in order to deliver mail locally.",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, expects="no client certificate is demanded of an MX's clients",
    remedy="postconf -e smtpd_tls_req_ccert=no",
)  # fmt: skip
@broken_by("certificate-demanded", postfix={"smtpd_tls_req_ccert": "yes"})
@tolerates("certificates-asked-for", postfix={"smtpd_tls_ask_ccert": "yes"})
def test_mx_demands_no_client_certificate(settings: EffectiveSettings) -> None:
    """Other hosts that bring mail have no certificate of ours; a port of its own is the place to demand one."""
    required = settings["smtpd_tls_req_ccert"]
    assert required == "no", f"smtpd_tls_req_ccert = {required}"
