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
_X25519, _P_256, _X25519_MLKEM_768 = 29, 23, 4588
POST_QUANTUM = {
    "hybrid-share": ClientHello(("TLSv1.3",), TLS_1_3_SUITES, (_X25519_MLKEM_768, _X25519, _P_256), "hybrid share",
                                shares=(_X25519_MLKEM_768,)),
    "x25519-share": ClientHello(("TLSv1.3",), TLS_1_3_SUITES, (_X25519_MLKEM_768, _X25519, _P_256),
                                "hybrid group, X25519 share", shares=(_X25519,)),
}  # fmt: skip
"""Clients that can do X25519MLKEM768: with a key share for it, or with one for X25519 alone (it takes a retry then)."""
PRE_QUANTUM = {
    "x25519": ClientHello(("TLSv1.3",), TLS_1_3_SUITES, (_X25519,), "X25519 only", shares=(_X25519,)),
    "p-256": ClientHello(("TLSv1.3",), TLS_1_3_SUITES, (_P_256,), "P-256 only", shares=(_P_256,)),
    "tls-1.2": hello_of("TLSv1.2"),
}  # fmt: skip
"""Clients that cannot: those of one group of TLS 1.3, and those that end at TLS 1.2."""
