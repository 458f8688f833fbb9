"""Certificates of a run: each has the one flaw that its name says, and no repr shows a key."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate, ExtendedKeyUsage, load_pem_x509_certificate
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailproof.pki import Authority, Flaw, Leaf


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("test CA")


def _read(leaf: Leaf) -> Certificate:
    return load_pem_x509_certificate(leaf.cert_pem)


def _usages(leaf: Leaf) -> set[object]:
    return set(_read(leaf).extensions.get_extension_for_class(ExtendedKeyUsage).value)


def _valid_now(leaf: Leaf) -> bool:
    certificate = _read(leaf)
    return certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc


def test_a_leaf_is_signed_by_its_authority(authority: Authority) -> None:
    _read(authority.leaf("a.test")).verify_directly_issued_by(load_pem_x509_certificate(authority.cert_pem))


@pytest.mark.parametrize(
    ("kind", "bits"), [("rsa-1024", 1024), ("rsa-2048", 2048), ("ecdsa-p256", 256), ("ecdsa-p384", 384)]
)
def test_keys_are_of_the_kind_asked_for(authority: Authority, kind: str, bits: int) -> None:
    key = _read(authority.leaf("a.test", key=kind)).public_key()
    assert isinstance(key, rsa.RSAPublicKey if kind.startswith("rsa") else ec.EllipticCurvePublicKey)
    assert key.key_size == bits


@pytest.mark.parametrize("kind", ["dsa-1024", "rsa", "ecdsa-p1", ""])
def test_no_other_keys_are_made(authority: Authority, kind: str) -> None:
    with pytest.raises(ValueError, match="no such kind of key"):
        authority.leaf("a.test", key=kind)


@pytest.mark.parametrize("flaw", [None, *Flaw])
def test_a_flawed_leaf_has_that_flaw_and_no_other(authority: Authority, flaw: Flaw | None) -> None:
    leaf = authority.leaf("a.test", purpose="client", flaw=flaw)
    assert _valid_now(leaf) == (flaw not in (Flaw.EXPIRED, Flaw.NOT_YET_VALID))
    assert (_read(leaf).issuer == _read(leaf).subject) == (flaw is Flaw.SELF_SIGNED)
    expected = ExtendedKeyUsageOID.SERVER_AUTH if flaw is Flaw.SERVER_ONLY else ExtendedKeyUsageOID.CLIENT_AUTH
    assert _usages(leaf) == {expected}


def test_fingerprints_are_what_postfix_compares(authority: Authority) -> None:
    leaf = authority.leaf("a.test")
    spki = _read(leaf).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert leaf.fingerprint("sha256") == hashlib.sha256(leaf.der).digest().hex(":").upper()
    assert leaf.public_key_fingerprint("sha256") == hashlib.sha256(spki).digest().hex(":").upper()


@pytest.mark.parametrize("flaw", [None, *Flaw])
def test_renewal_keeps_key_and_terms_but_not_the_certificate(authority: Authority, flaw: Flaw | None) -> None:
    leaf = authority.leaf("a.test", flaw=flaw)
    renewed = leaf.renewed()
    assert renewed.public_key_fingerprint("sha256") == leaf.public_key_fingerprint("sha256")
    assert renewed.fingerprint("sha256") != leaf.fingerprint("sha256")
    assert (renewed.terms, _usages(renewed), _valid_now(renewed)) == (leaf.terms, _usages(leaf), _valid_now(leaf))


@pytest.mark.parametrize("flaw", [None, Flaw.EXPIRED])
def test_leaves_cross_process_borders(authority: Authority, flaw: Flaw | None) -> None:
    leaf = authority.leaf("a.test", names=["a.test", "198.18.0.1"], flaw=flaw)
    again = Leaf.from_json(json.loads(json.dumps(leaf.to_json())))
    assert again == leaf
    assert again.renewed().public_key_fingerprint("sha256") == leaf.public_key_fingerprint("sha256")


def test_no_repr_shows_a_key(authority: Authority) -> None:
    leaf = authority.leaf("a.test")
    for shown in (repr(leaf), repr(authority), str(leaf)):
        assert "PRIVATE KEY" not in shown
    assert "PRIVATE KEY" in leaf.key_pem.decode()
