"""What a handshake says beyond version, suite and group: extensions confirmed, compression, the leaf's strength."""

from __future__ import annotations

from collections.abc import Mapping

from mailproof.controls import (
    AUTHENTICATED_ECDSA,
    AUTHENTICATED_RSA,
    HIGH,
    LOW,
    MEDIUM,
    MUST,
    SHOULD_NOT,
    TLS_1_2_HELLO,
    TLS_ROLES,
    Chosen,
    Endpoint,
    bcp195,
    broken_by,
    control,
    strength_problem,
    tolerates,
)  # fmt: skip

NO_LEVEL = {"ssl_cipher_list": "ALL:!aNULL:!kRSA:@SECLEVEL=0"}
"""Dovecot's library takes no weak certificate of its own unless it is told to; nor does it for a Postfix that asks clients
for theirs."""
OFFERS = {"rsa": AUTHENTICATED_RSA, "ecdsa": AUTHENTICATED_ECDSA}


@control(
    "HS-1", MUST, bcp195("3.5"),
    "TLS 1.2 clients and servers MUST implement the renegotiation_info extension, as defined in [RFC5746].",
    on=TLS_ROLES, severity=HIGH,
    expects="renegotiation_info is confirmed in TLS 1.2",
    remedy="update the TLS library; take away a box that ends TLS in front of the daemon",
)  # fmt: skip
@broken_by("antique-box-in-front", middlebox="antique")
@tolerates("fewer-suites", postfix={"tls_high_cipherlist": "ECDHE+AESGCM:kRSA", "tls_medium_cipherlist": "ECDHE+AESGCM:kRSA"},
           dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})  # fmt: skip
def test_renegotiation_is_secured(endpoint: Endpoint) -> None:
    """Without it, an attacker's bytes can be spliced in front of a client's session (CVE-2009-3555)."""
    answer = endpoint.probe(TLS_1_2_HELLO)
    assert isinstance(answer, Chosen) and answer.secure_renegotiation, f"{answer}"


@control(
    "HS-2", MUST, bcp195("3.5"),
    "To address this attack, TLS 1.2 implementations MUST support the extended_master_secret extension defined in "
    "[RFC7627].",
    on=TLS_ROLES, severity=MEDIUM,
    expects="extended_master_secret is confirmed in TLS 1.2",
    remedy="update the TLS library; take ExtendedMasterSecret out of the Options in openssl.cnf",
)  # fmt: skip
@broken_by("antique-box-in-front", middlebox="antique")
@tolerates("fewer-suites", postfix={"tls_high_cipherlist": "ECDHE+AESGCM:kRSA", "tls_medium_cipherlist": "ECDHE+AESGCM:kRSA"},
           dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})  # fmt: skip
def test_master_secret_is_bound_to_the_handshake(endpoint: Endpoint) -> None:
    """Without it, two sessions can be given the same secret, and one passed off as the other (triple handshake)."""
    answer = endpoint.probe(TLS_1_2_HELLO)
    assert isinstance(answer, Chosen) and answer.extended_master_secret, f"{answer}"


@control(
    "HS-3", SHOULD_NOT, bcp195("3.3"),
    "implementations and deployments SHOULD NOT support TLS-level compression (Section 6.2.2 of [RFC5246]); the only "
    "exception is when the application protocol in question has been proven not to be open to such attacks.",
    on=TLS_ROLES, severity=LOW,
    expects="no compression, for a client that puts DEFLATE first",
    remedy="update the TLS library · Dovecot: ssl_options = no_compression",
)  # fmt: skip
@broken_by("antique-box-in-front", middlebox="antique")
@tolerates("fewer-suites", postfix={"tls_high_cipherlist": "ECDHE+AESGCM:kRSA", "tls_medium_cipherlist": "ECDHE+AESGCM:kRSA"},
           dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})  # fmt: skip
def test_nothing_is_compressed(endpoint: Endpoint) -> None:
    """The size of what is compressed tells what it has in common with an attacker's text (CRIME)."""
    answer = endpoint.probe(TLS_1_2_HELLO)
    assert isinstance(answer, Chosen) and answer.compression == 0, f"{answer}"


@control(
    "HS-4", MUST, bcp195("4.5"),
    "When using RSA, servers MUST authenticate using certificates with at least a 2048-bit modulus for the public key. In "
    "addition, the use of the SHA-256 hash algorithm is RECOMMENDED and SHA-1 or MD5 MUST NOT be used "
    "[RFC9155]",
    on=TLS_ROLES, severity=HIGH, per_certificate=True, parameters=("leaf_bits",),
    expects="a key of the profile's size at least, certified with no broken hash",
    remedy="have a certificate issued for a new key: RSA with 2048 bits or more, or ECDSA with P-256",
)  # fmt: skip
@broken_by("asked-for-more", parameters={"leaf_bits": {"rsa": 4096, "ecdsa": 384}})
@broken_by("signed-with-sha-1", pki={"rsa": "sha1", "ecdsa": "sha1"}, dovecot=NO_LEVEL,
           postfix={"smtpd_tls_ask_ccert": "no"}, services={"relay:2525": {"smtpd_tls_req_ccert": "no"}})  # fmt: skip
@broken_by("short-key", pki={"rsa": "short-key"}, dovecot=NO_LEVEL, variants=("rsa",))
@tolerates("in-one-list-of-files", postfix={
    "smtpd_tls_cert_file": "", "smtpd_tls_key_file": "", "smtpd_tls_eccert_file": "", "smtpd_tls_eckey_file": "",
    "smtpd_tls_chain_files": "/etc/mailproof/files/rsa.key /etc/mailproof/files/rsa.pem"},
           dovecot={"ssl_server_prefer_ciphers": "client"}, variants=("rsa",))  # fmt: skip
def test_leaf_is_strong(endpoint: Endpoint, variant: str, parameters: Mapping[str, Mapping[str, int]]) -> None:
    """Whoever breaks the key, or forges a certificate for it, is the server."""
    answer = endpoint.agreed(OFFERS[variant])
    problem = strength_problem(answer.chain[0], parameters["leaf_bits"])
    assert problem is None, f"{problem}"
