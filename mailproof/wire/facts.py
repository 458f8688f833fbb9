"""What a handshake shows beyond version, suite and group: what is asked for it, and how strong a leaf is. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.groups import ALL_GROUPS
from mailproof.wire.tls.suites import chosen_by

TLS_1_2_HELLO = ClientHello(
    ("TLSv1.2",), chosen_by(("ECDHE+AESGCM", "ECDHE+CHACHA20")), ALL_GROUPS, "TLS 1.2 with DEFLATE", compressions=(1, 0)
)  # fmt: skip
"""Asks for all that a server may confirm, and for compression (RFC 3749) rather than none."""

_BROKEN = frozenset({"md5", "sha1"})


def strength_problem(leaf_der: bytes, bits: Mapping[str, int]) -> str | None:
    """Why the certificate (DER) is too weak, in one sentence, None where it is not (RFC 9325 §4.5).

    ``bits`` is the least size of a key: ``rsa`` that of the modulus, ``ecdsa`` that of the curve. Edwards curves are
    strong enough; any other kind of key, and one that cannot be read, is a problem.
    """
    try:
        leaf = x509.load_der_x509_certificate(leaf_der)
        digest, key = leaf.signature_hash_algorithm, leaf.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        return f"the certificate cannot be read: {error}"
    if digest is not None and digest.name in _BROKEN:
        return f"the certificate is signed with {digest.name.upper()}"
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        return None
    kind = "rsa" if isinstance(key, rsa.RSAPublicKey) else "ecdsa"
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return f"the certificate's key is of a kind that nobody should use: {type(key).__name__}"
    return f"the {kind.upper()} key has {key.key_size} bits" if key.key_size < bits[kind] else None
