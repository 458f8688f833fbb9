"""The hellos that handshake controls offer: what nobody should agree to, class by class, and what everybody may."""

from __future__ import annotations

from mailproof.wire.asking import hello_of
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.groups import ALL_GROUPS
from mailproof.wire.tls.suites import TLS_1_3_SUITES, chosen_by

BROKEN_WORDS = ("eNULL", "EXPORT", "RC4", "RC2", "DES", "3DES", "IDEA", "MD5")
"""No encryption, or one that is broken or too short (RFC 9325 §4.1), by OpenSSL's words."""

MODERN_HELLO = ClientHello(
    ("TLSv1.3", "TLSv1.2"), (*TLS_1_3_SUITES, *chosen_by(("ECDHE+AESGCM", "ECDHE+CHACHA20"))), ALL_GROUPS, "modern",
)  # fmt: skip
STATIC_RSA = ClientHello(("TLSv1.2",), chosen_by(("kRSA",)), ALL_GROUPS, "static RSA")
ANONYMOUS = ClientHello(("TLSv1.2",), chosen_by(("aNULL",)), ALL_GROUPS, "anonymous")
FINITE_FIELD = ClientHello(("TLSv1.2",), chosen_by(("DHE",)), ALL_GROUPS, "DHE")
BROKEN_CIPHERS = ClientHello(("TLSv1.2",), chosen_by(BROKEN_WORDS), ALL_GROUPS, "no encryption, or broken")
OLD_VERSIONS = {"ssl-2": hello_of("SSLv2"), "ssl-3": hello_of("SSLv3"), "tls-1.0": hello_of("TLSv1"),
                "tls-1.1": hello_of("TLSv1.1")}  # fmt: skip
