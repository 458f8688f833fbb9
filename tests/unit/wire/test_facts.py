"""How strong a certificate is: weak ones are minted for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mailproof.wire.facts import strength_problem

BITS = {"rsa": 2048, "ecdsa": 256}
SHA256_WITH_RSA, SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d010105")


def _leaf(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1()),
            ed25519.Ed25519PrivateKey.generate()],
)  # fmt: skip
def test_a_strong_leaf_is_no_problem(key: CertificateIssuerPrivateKeyTypes) -> None:
    assert strength_problem(_leaf(key), BITS) is None


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (rsa.generate_private_key(65537, 1024), "the RSA key has 1024 bits"),  # noqa: S505 it is meant to be weak
        (ec.generate_private_key(ec.SECP192R1()), "the ECDSA key has 192 bits"),
    ],
)
def test_a_short_key_is_a_problem(key: CertificateIssuerPrivateKeyTypes, said: str) -> None:
    assert strength_problem(_leaf(key), BITS) == said


def test_the_least_size_is_the_callers() -> None:
    leaf = _leaf(ec.generate_private_key(ec.SECP256R1()))
    assert strength_problem(leaf, {"rsa": 2048, "ecdsa": 384}) == "the ECDSA key has 256 bits"


def test_a_broken_hash_is_a_problem() -> None:
    """The library signs with SHA-1 no more: a certificate that says so need not be one that verifies."""
    leaf = _leaf(rsa.generate_private_key(65537, 2048)).replace(SHA256_WITH_RSA, SHA1_WITH_RSA)
    assert strength_problem(leaf, BITS) == "the certificate is signed with SHA1"


@pytest.mark.parametrize("junk", [b"", b"\x30\x03\x02\x01\x01"])
def test_what_cannot_be_read_is_a_problem(junk: bytes) -> None:
    assert "cannot be read" in str(strength_problem(junk, BITS))
