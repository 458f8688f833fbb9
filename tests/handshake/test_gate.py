"""The gate: everything that the profile forbids, offered in one hello for each class."""

from __future__ import annotations

from collections.abc import Mapping

from mailproof.controls import (
    BROKEN_CIPHERS,
    CRITICAL,
    FINITE_FIELD,
    HIGH,
    MUST,
    MUST_NOT,
    SHOULD_NOT,
    TLS_ROLES,
    Endpoint,
    bcp195,
    broken_by,
    control,
    listed,
    rules_of,
    tolerates,
    weakness,
)  # fmt: skip

NO_ENCRYPTION = {"smtpd_tls_exclude_ciphers": "kDHE", "smtpd_tls_mandatory_exclude_ciphers": "kDHE",
                 "tls_high_cipherlist": "ALL:eNULL:@SECLEVEL=0", "tls_medium_cipherlist": "ALL:eNULL:@SECLEVEL=0",
                 "smtpd_tls_ask_ccert": "no"}  # fmt: skip
ODD_CURVES = "secp256k1 X25519 prime256v1 secp384r1"
SHORT_DH = {"smtpd_tls_dh1024_param_file": "/etc/mailproof/files/dh-1024.pem"}
LESS = {"tls": {"versions": ["TLSv1.2", "TLSv1.3"], "suites": ["ECDHE"], "never": ["eNULL"],
                "tls13_suites": ["TLS_AES_128_CCM_8_SHA256"], "groups": ["secp521r1"]}}  # fmt: skip


@control(
    "PFS-8", SHOULD_NOT, bcp195("4.1"),
    "Implementations SHOULD NOT negotiate cipher suites that use algorithms offering less than 128 bits of security.",
    on=TLS_ROLES, severity=HIGH, variants=("tls-1.2", "tls-1.3"), parameters=("tls",),
    expects="a hello of every suite but those that the profile allows is refused",
    remedy="Postfix: smtpd_tls_exclude_ciphers, smtpd_tls_ciphers = high · Dovecot: ssl_cipher_list, ssl_cipher_suites",
)  # fmt: skip
@broken_by("static-rsa-readmitted", postfix={"smtpd_tls_exclude_ciphers": "aNULL", "smtpd_tls_mandatory_exclude_ciphers": "aNULL"},
           dovecot={"ssl_cipher_list": "ALL"}, variants=("tls-1.2",))  # fmt: skip
@broken_by("less-allowed", parameters=LESS, variants=("tls-1.3",))
@tolerates("fewer-suites", postfix={"tls_high_cipherlist": "ECDHE+AESGCM:kRSA", "tls_medium_cipherlist": "ECDHE+AESGCM:kRSA"},
           dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})  # fmt: skip
def test_agrees_to_no_other_suite(endpoint: Endpoint, parameters: Mapping[str, object], variant: str) -> None:
    """One weak suite is enough: whoever sits in between leaves only that one in the client's list."""
    agreed = endpoint.agreements(rules_of(parameters["tls"]).forbidden[f"suites {variant}"])
    assert not agreed, f"agreed to {listed(agreed)}"


@control(
    "PFS-9", MUST_NOT, bcp195("4.5"),
    "Curves of less than 224 bits MUST NOT be used.",
    on=TLS_ROLES, severity=HIGH, certificate="rsa", variants=("tls-1.2", "tls-1.3"), parameters=("tls",),
    expects="a hello of every group but those that the profile allows is refused",
    remedy="Postfix: leave tls_eecdh_auto_curves at its default · Dovecot: leave ssl_curve_list at its default",
)  # fmt: skip
@broken_by("an-odd-curve", postfix={"tls_eecdh_auto_curves": ODD_CURVES}, dovecot={"ssl_curve_list": "secp256k1:X25519:P-256"},
           variants=("tls-1.2",))  # fmt: skip
@broken_by("less-allowed", parameters=LESS, variants=("tls-1.3",))
@tolerates(
    "fewer-groups", postfix={"tls_eecdh_auto_curves": "X25519 prime256v1"}, dovecot={"ssl_curve_list": "X25519:P-256"}
)
def test_agrees_to_no_other_group(endpoint: Endpoint, parameters: Mapping[str, object], variant: str) -> None:
    """The suites say nothing of it: a server with the best of them may still exchange keys in a group that is too small."""
    agreed = endpoint.agreements(rules_of(parameters["tls"]).forbidden[f"groups {variant}"])
    assert not agreed, f"agreed to {listed(agreed)}"


@control(
    "PFS-10", MUST_NOT, bcp195("4.1"),
    "Implementations MUST NOT negotiate the cipher suites with NULL encryption.",
    on=TLS_ROLES, severity=CRITICAL, expects="no encryption, export, RC4, RC2, DES, 3DES, IDEA and MD5 are refused",
    remedy="Postfix: leave tls_*_cipherlist at its default · Dovecot: leave ssl_cipher_list at its default",
)  # fmt: skip
@broken_by(
    "no-encryption",
    postfix=NO_ENCRYPTION,
    services={"relay:2525": {"smtpd_tls_req_ccert": "no"}},
    dovecot={"ssl_cipher_list": "ALL:eNULL:@SECLEVEL=0"},
)
@tolerates("fewer-suites", postfix={"tls_high_cipherlist": "ECDHE+AESGCM:kRSA", "tls_medium_cipherlist": "ECDHE+AESGCM:kRSA"},
           dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})  # fmt: skip
def test_refuses_broken_ciphers(endpoint: Endpoint) -> None:
    """What they protect can be read today, or was never encrypted at all."""
    agreed = endpoint.agreements(BROKEN_CIPHERS)
    assert not agreed, f"agreed to {listed(agreed)}"


@control(
    "PFS-11", MUST, bcp195("4.5"),
    'With a key exchange based on modular exponential (MODP) Diffie-Hellman groups ("DHE" cipher suites), DH key lengths of '
    "at least 2048 bits are REQUIRED.",
    on=TLS_ROLES, severity=HIGH, parameters=("smallest_dh",), expects="DHE with a prime of that size at least, or refused",
    remedy="Postfix: smtpd_tls_dh1024_param_file at its default · Dovecot: ssl_server_dh_file with 2048 bits or more, or none",
)  # fmt: skip
@broken_by("parameters-of-2013", postfix=SHORT_DH)
@broken_by(
    "more-required",
    dovecot={"ssl_server_dh_file": "/etc/mailproof/files/dh-2048.pem"},
    parameters={"smallest_dh": 8192},
)
@tolerates("no-dhe", postfix={"smtpd_tls_exclude_ciphers": "aNULL, kRSA, kDHE", "smtpd_tls_mandatory_exclude_ciphers": "aNULL, kRSA, kDHE"},
           dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})  # fmt: skip
def test_dh_is_long_enough_or_refused(endpoint: Endpoint, parameters: Mapping[str, object]) -> None:
    """1024 bits are within reach of states, and one broken prime opens every server that shares it."""
    agreed = endpoint.agreements(FINITE_FIELD)
    least = int(str(parameters["smallest_dh"]))
    weak = {prime: weakness(prime, least) for prime in {each.prime or 0 for each in agreed}}
    assert not any(weak.values()), f"{', '.join(filter(None, weak.values()))}: {listed(agreed)}"
