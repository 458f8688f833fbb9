"""Forward secrecy as the wire shows it: what is agreed, and what is refused."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    ANONYMOUS,
    ANONYMOUS_FIRST,
    CRITICAL,
    DOVECOT,
    HIGH,
    MUST,
    MUST_NOT,
    MX,
    RELAY,
    SHOULD_NOT,
    STATIC_RSA,
    SUBMISSION,
    TLS_1_2,
    TLS_ROLES,
    WORSE_FIRST_1_2,
    WORSE_FIRST_1_3,
    Agreed,
    Endpoint,
    bcp195,
    broken_by,
    control,
    listed,
    rfc,
    tolerates,
)  # fmt: skip

STATIC_RSA_FIRST = {"smtpd_tls_exclude_ciphers": "aNULL", "smtpd_tls_mandatory_exclude_ciphers": "aNULL",
                    "tls_preempt_cipherlist": "no"}  # fmt: skip
NO_GROUP_OF_TLS_1_3 = {"ssl_curve_list": "secp256k1", "ssl_server_dh_file": "/etc/mailproof/files/dh-2048.pem"}
"""TLS 1.3 knows no such curve, and TLS 1.2 goes on without one."""


@control(
    "PFS-1", MUST, bcp195("4.1"),
    'Implementations MUST support and prefer to negotiate cipher suites offering forward secrecy, such as those in the '
    'Ephemeral Diffie-Hellman and Elliptic Curve Ephemeral Diffie-Hellman ("DHE" and "ECDHE") families.',
    on=TLS_ROLES, severity=CRITICAL, expects="ECDHE in TLS 1.2, for a client that would rather have static RSA",
    remedy="Postfix: smtpd_tls_exclude_ciphers = aNULL, kRSA · Dovecot: leave ssl_cipher_list at its default",
)  # fmt: skip
@broken_by("client-decides", postfix=STATIC_RSA_FIRST,
           dovecot={"ssl_cipher_list": "ALL", "ssl_server_prefer_ciphers": "client"})  # fmt: skip
@tolerates("client-order", postfix={"tls_preempt_cipherlist": "no"}, dovecot={"ssl_server_prefer_ciphers": "client"})
def test_prefers_forward_secrecy_in_tls_1_2(endpoint: Endpoint) -> None:
    """Old clients put static RSA first; what was recorded of their sessions can be read once the key leaks."""
    answer = endpoint.offer(WORSE_FIRST_1_2)
    assert isinstance(answer, Agreed) and answer.suite.startswith("ECDHE-"), f"{answer}"


@control(
    "PFS-2", MUST, bcp195("3.1.1"),
    "Implementations SHOULD support TLS 1.3 [RFC8446] and, if implemented, MUST prefer to negotiate TLS 1.3 over earlier "
    "versions of TLS.",
    on=TLS_ROLES, severity=HIGH, expects="TLS 1.3 with an ephemeral group, for a client that offers older things too",
    remedy="Postfix: leave no upper end in smtpd_tls_protocols · Dovecot: leave ssl_cipher_suites at its default",
)  # fmt: skip
@broken_by("capped-at-1.2", postfix={"smtpd_tls_protocols": "TLSv1.2", "smtpd_tls_mandatory_protocols": "TLSv1.2"},
           dovecot=NO_GROUP_OF_TLS_1_3)  # fmt: skip
@broken_by("capped-for-the-whole-host", openssl={DOVECOT: {"MaxProtocol": "TLSv1.2"}})
@tolerates("client-order", postfix={"tls_preempt_cipherlist": "no"}, dovecot={"ssl_server_prefer_ciphers": "client"})
def test_prefers_tls_1_3(endpoint: Endpoint) -> None:
    """TLS 1.3 knows no key exchange without forward secrecy, and encrypts the certificates."""
    answer = endpoint.offer(WORSE_FIRST_1_3, beside=TLS_1_2)
    assert isinstance(answer, Agreed) and answer.version == "TLSv1.3" and answer.group, f"{answer}"


@control(
    "PFS-3", SHOULD_NOT, bcp195("4.1"),
    'Implementations SHOULD NOT negotiate cipher suites based on RSA key transport, a.k.a. "static RSA".',
    on=TLS_ROLES, severity=CRITICAL, certificate="rsa", expects="a hello of nothing but static RSA is refused",
    remedy="Postfix: smtpd_tls_exclude_ciphers = aNULL, kRSA · Dovecot: ssl_cipher_list with !kRSA",
)  # fmt: skip
@broken_by("static-rsa-readmitted", postfix=STATIC_RSA_FIRST, dovecot={"ssl_cipher_list": "ALL"})
@tolerates("another-spelling", postfix={"smtpd_tls_exclude_ciphers": "kRSA aNULL"})
def test_refuses_static_rsa(endpoint: Endpoint) -> None:
    """A recorded session stays secret after the server's key leaks."""
    agreed = endpoint.agreements(STATIC_RSA)
    assert not agreed, f"agreed to {listed(agreed)}"


@control(
    "PFS-4", MUST_NOT, rfc(5246, "A.5"),
    "These cipher suites MUST NOT be used by TLS 1.2 implementations unless the application layer has specifically requested "
    "to allow anonymous key exchange.",
    on=(MX,), severity=HIGH, expects="a suite with a certificate, for a client that puts anonymous ones first",
    remedy="postconf -e 'smtpd_tls_exclude_ciphers = aNULL, kRSA'",
)  # fmt: skip
@broken_by("anonymous-preferred", postfix={"smtpd_tls_exclude_ciphers": "kRSA"})
@tolerates("another-spelling", postfix={"smtpd_tls_exclude_ciphers": "kRSA aNULL"})
def test_never_prefers_an_anonymous_suite(endpoint: Endpoint) -> None:
    """With tls_preempt_cipherlist every Postfix picks an anonymous suite if it may: nobody then knows who answered."""
    answer = endpoint.offer(ANONYMOUS_FIRST)
    assert isinstance(answer, Agreed) and answer.authenticated and answer.forward_secret, f"{answer}"


@control(
    "PFS-5", MUST_NOT, rfc(5246, "A.5"),
    "These cipher suites MUST NOT be used by TLS 1.2 implementations unless the application layer has specifically requested "
    "to allow anonymous key exchange.",
    on=(SUBMISSION, ACCESS, RELAY), severity=CRITICAL, expects="a hello of nothing but anonymous suites is refused",
    remedy="Postfix: smtpd_tls_mandatory_exclude_ciphers = aNULL, kRSA · Dovecot: ssl_cipher_list with !aNULL",
)  # fmt: skip
@broken_by("anonymous-readmitted",
           postfix={"smtpd_tls_exclude_ciphers": "kRSA", "smtpd_tls_mandatory_exclude_ciphers": "kRSA",
                    "smtpd_tls_ask_ccert": "no"},
           services={"relay:2525": {"smtpd_tls_req_ccert": "no"}},
           dovecot={"ssl_cipher_list": "aNULL:ALL:@SECLEVEL=0"})  # fmt: skip
@tolerates("fewer-suites", postfix={"tls_high_cipherlist": "ECDHE+AESGCM:kRSA", "tls_medium_cipherlist": "ECDHE+AESGCM:kRSA"},
           dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})  # fmt: skip
def test_refuses_anonymous_suites(endpoint: Endpoint) -> None:
    """Whoever sits in between can answer an anonymous handshake, and take the password."""
    agreed = endpoint.agreements(ANONYMOUS)
    assert not agreed, f"agreed to {listed(agreed)}"
