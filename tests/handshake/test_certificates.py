"""Certificates as a client receives them: each one of a dual set."""

from __future__ import annotations

from mailproof.controls import (
    AUTHENTICATED_ECDSA,
    AUTHENTICATED_RSA,
    HIGH,
    MUST,
    TLS_ROLES,
    Endpoint,
    broken_by,
    chain_problem,
    control,
    name_problem,
    rfc,
    right_now,
    tolerates,
)  # fmt: skip

OFFERS = {"rsa": AUTHENTICATED_RSA, "ecdsa": AUTHENTICATED_ECDSA}
FILES = "/etc/mailproof/files/stranger"
STRANGERS_POSTFIX = {"smtpd_tls_cert_file": f"{FILES}-rsa.pem", "smtpd_tls_key_file": f"{FILES}-rsa.key",
                     "smtpd_tls_eccert_file": f"{FILES}-ecdsa.pem", "smtpd_tls_eckey_file": f"{FILES}-ecdsa.key"}  # fmt: skip
STRANGERS_DOVECOT = {"ssl_server_cert_file": f"{FILES}-rsa.pem", "ssl_server_key_file": f"{FILES}-rsa.key",
                     "ssl_server_alt_cert_file": f"{FILES}-ecdsa.pem", "ssl_server_alt_key_file": f"{FILES}-ecdsa.key"}  # fmt: skip


@control(
    "CERT-1", MUST, rfc(5246, "7.4.2"),
    "The sender's certificate MUST come first in the list.  Each following certificate MUST directly certify the one "
    "preceding it.",
    on=TLS_ROLES, severity=HIGH, per_certificate=True, expects="a chain that leads to a trusted root, valid today",
    remedy="install leaf and intermediate certificates in one file, leaf first",
)  # fmt: skip
@broken_by("strangers-certificate", postfix=STRANGERS_POSTFIX, dovecot=STRANGERS_DOVECOT)
@broken_by("expired", pki={"rsa": "expired", "ecdsa": "expired"})
@broken_by("not-yet-valid", pki={"rsa": "not-yet-valid", "ecdsa": "not-yet-valid"})
@broken_by("self-signed", pki={"rsa": "self-signed", "ecdsa": "self-signed"})
@broken_by("missing-chain", pki={"rsa": "missing-chain", "ecdsa": "missing-chain"})
@broken_by("client-only", pki={"rsa": "client-only", "ecdsa": "client-only"})
@tolerates("in-one-list-of-files", postfix={
    "smtpd_tls_cert_file": "", "smtpd_tls_key_file": "", "smtpd_tls_eccert_file": "", "smtpd_tls_eckey_file": "",
    "smtpd_tls_chain_files": "/etc/mailproof/files/rsa.key /etc/mailproof/files/rsa.pem"},
           dovecot={"ssl_server_prefer_ciphers": "client"}, variants=("rsa",))  # fmt: skip
def test_chain_is_trusted(endpoint: Endpoint, variant: str) -> None:
    """A mail program that is told to accept any certificate gives its password to any host."""
    answer = endpoint.agreed(OFFERS[variant])
    problem = chain_problem(answer.chain, endpoint.authority, right_now())
    assert problem is None, f"{problem}"


@control(
    "CERT-2", MUST, rfc(3207, "4.1"),
    "A SMTP client would probably only want to authenticate an SMTP server whose server certificate has a domain name "
    "that is the domain name that the client thought it was connecting to.",
    on=TLS_ROLES, severity=HIGH, per_certificate=True, expects="the certificate names the host",
    remedy="have the certificate issued for the name that clients are told",
)  # fmt: skip
@broken_by("strangers-certificate", postfix=STRANGERS_POSTFIX, dovecot=STRANGERS_DOVECOT)
@broken_by("wrong-name", pki={"rsa": "wrong-name", "ecdsa": "wrong-name"})
@tolerates("in-one-list-of-files", postfix={
    "smtpd_tls_cert_file": "", "smtpd_tls_key_file": "", "smtpd_tls_eccert_file": "", "smtpd_tls_eckey_file": "",
    "smtpd_tls_chain_files": "/etc/mailproof/files/rsa.key /etc/mailproof/files/rsa.pem"},
           dovecot={"ssl_server_prefer_ciphers": "client"}, variants=("rsa",))  # fmt: skip
def test_certificate_names_the_host(endpoint: Endpoint, variant: str) -> None:
    """Without the name, anybody's certificate would do."""
    answer = endpoint.agreed(OFFERS[variant])
    problem = name_problem(answer.chain[0], endpoint.name)
    assert problem is None, f"{problem}"
