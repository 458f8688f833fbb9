"""TLS versions as the wire shows them."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    DOVECOT,
    HIGH,
    MUST_NOT,
    MX,
    OLD_VERSIONS,
    SHOULD,
    SUBMISSION,
    TLS_1_2,
    TLS_1_3,
    TLS_ROLES,
    Agreed,
    Endpoint,
    bcp195,
    broken_by,
    control,
    listed,
    tolerates,
)  # fmt: skip

NO_GROUP_OF_TLS_1_3 = {"ssl_curve_list": "secp256k1", "ssl_server_dh_file": "/etc/mailproof/files/dh-2048.pem"}
"""TLS 1.3 knows no such curve, and TLS 1.2 goes on without one."""


@control(
    "PFS-6", MUST_NOT, bcp195("3.1.1"), "Implementations MUST NOT negotiate TLS version 1.1 [RFC4346].",
    on=TLS_ROLES, severity=HIGH, variants=("ssl-2", "ssl-3", "tls-1.0", "tls-1.1"), expects="refused",
    remedy="Postfix: smtpd_tls_protocols and smtpd_tls_mandatory_protocols = >=TLSv1.2 · Dovecot: ssl_min_protocol = TLSv1.2",
)  # fmt: skip
@broken_by("old-versions-readmitted",
           postfix={"smtpd_tls_protocols": ">=TLSv1", "smtpd_tls_mandatory_protocols": ">=TLSv1",
                    "smtpd_tls_ask_ccert": "no"},  # a port that asks for certificates is held to more by the library
           services={"relay:2525": {"smtpd_tls_req_ccert": "no"}},
           dovecot={"ssl_min_protocol": "TLSv1", "ssl_cipher_list": "ALL:@SECLEVEL=0"}, variants=("tls-1.0", "tls-1.1"))  # fmt: skip
@broken_by("antique-box-in-front", middlebox="antique", variants=("ssl-2", "ssl-3"))
@tolerates("exclusions", postfix={"smtpd_tls_protocols": "!SSLv2 !SSLv3 !TLSv1 !TLSv1.1",
                                  "smtpd_tls_mandatory_protocols": "!SSLv2 !SSLv3 !TLSv1 !TLSv1.1"})  # fmt: skip
def test_refuses_old_versions(endpoint: Endpoint, variant: str) -> None:
    """Their handshake is signed over MD5 and SHA-1, and Debian's own library settings do not bind Postfix."""
    agreed = endpoint.agreements(OLD_VERSIONS[variant])
    assert not agreed, f"agreed to {listed(agreed)}"


@control(
    "PFS-7", SHOULD, bcp195("3.1.1"),
    "Implementations SHOULD support TLS 1.3 [RFC8446] and, if implemented, MUST prefer to negotiate TLS 1.3 over earlier "
    "versions of TLS.",
    on=(MX, SUBMISSION, ACCESS), severity=HIGH, expects="a hello of TLS 1.3 alone is agreed to",
    remedy="Postfix: no inclusion list in smtpd_tls_protocols · Dovecot: leave ssl_cipher_suites at its default",
)  # fmt: skip
@broken_by("inclusion-list", postfix={"smtpd_tls_protocols": "TLSv1.2", "smtpd_tls_mandatory_protocols": "TLSv1.2"},
           dovecot=NO_GROUP_OF_TLS_1_3)  # fmt: skip
@broken_by("capped-for-the-whole-host", openssl={DOVECOT: {"MaxProtocol": "TLSv1.2"}})
@tolerates("versions-by-name", postfix={"smtpd_tls_protocols": "TLSv1.2 TLSv1.3", "smtpd_tls_mandatory_protocols": "TLSv1.2, TLSv1.3"},
           dovecot={"ssl_server_prefer_ciphers": "client"})  # fmt: skip
def test_offers_tls_1_3(endpoint: Endpoint) -> None:
    """A list of bare version names, as old articles have it, ends at TLS 1.2 for ever."""
    answer = endpoint.offer(TLS_1_3, beside=TLS_1_2)
    assert isinstance(answer, Agreed) and answer.version == "TLSv1.3", f"{answer}"
