"""Certificates of a run: each has the one flaw that its name says, and no repr shows a key."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import Certificate, DNSName, ExtendedKeyUsage, SubjectAlternativeName, load_pem_x509_certificate
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


def _named(leaf: Leaf) -> list[str]:
    return _read(leaf).extensions.get_extension_for_class(SubjectAlternativeName).value.get_values_for_type(DNSName)


def _bits(leaf: Leaf) -> int:
    key = _read(leaf).public_key()
    return key.key_size if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) else 0


def _is_of(leaf: Leaf, authority: Authority) -> bool:
    try:
        _read(leaf).verify_directly_issued_by(load_pem_x509_certificate(authority.cert_pem))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("kind", ["ecdsa-p256", "rsa-2048"])
@pytest.mark.parametrize("flaw", [None, *Flaw])
def test_a_flawed_leaf_has_that_flaw_and_no_other(authority: Authority, flaw: Flaw | None, kind: str) -> None:
    leaf = authority.leaf("a.test", purpose="client", key=kind, flaw=flaw)
    digest = _read(leaf).signature_hash_algorithm
    others = (Flaw.SELF_SIGNED, Flaw.STRANGER, Flaw.MISSING_CHAIN, Flaw.SHA1)
    expected = ExtendedKeyUsageOID.SERVER_AUTH if flaw is Flaw.SERVER_ONLY else ExtendedKeyUsageOID.CLIENT_AUTH
    assert _valid_now(leaf) == (flaw not in (Flaw.EXPIRED, Flaw.NOT_YET_VALID))
    assert (_read(leaf).issuer == _read(leaf).subject) == (flaw is Flaw.SELF_SIGNED)
    assert _usages(leaf) == {expected}
    assert _named(leaf) == (["other.example"] if flaw is Flaw.WRONG_NAME else ["a.test"])
    assert (_bits(leaf) < int(kind[-4:] if kind.startswith("rsa") else "256")) == (flaw is Flaw.SHORT_KEY)
    assert digest is not None
    assert (digest.name == "sha1") == (flaw is Flaw.SHA1)
    assert _is_of(leaf, authority) == (flaw not in others)


@pytest.mark.parametrize("flaw", [flaw for flaw in Flaw if flaw is not Flaw.SHORT_KEY])
def test_a_flaw_that_is_not_the_key_s_leaves_the_key(authority: Authority, flaw: Flaw) -> None:
    healthy = authority.leaf("a.test")
    assert healthy.flawed(flaw).public_key_fingerprint("sha256") == healthy.public_key_fingerprint("sha256")


def test_a_chain_that_is_not_sent_leads_to_the_authority(authority: Authority) -> None:
    leaf = authority.leaf("a.test", flaw=Flaw.MISSING_CHAIN)
    intermediate = load_pem_x509_certificate(leaf.authority.cert_pem)
    _read(leaf).verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(load_pem_x509_certificate(authority.cert_pem))


def test_what_is_signed_with_sha_1_is_signed_indeed(authority: Authority) -> None:
    """The signature fits: what a library finds wrong with it is the hash, and not that it was tampered with."""
    certificate = _read(authority.leaf("a.test", flaw=Flaw.SHA1))
    assert certificate.signature_algorithm_oid._name == "sha1WithRSAEncryption"
    assert len(certificate.signature) == 256


def test_fingerprints_are_what_postfix_compares(authority: Authority) -> None:
    leaf = authority.leaf("a.test")
    spki = _read(leaf).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert leaf.fingerprint("sha256") == hashlib.sha256(leaf.der).digest().hex(":").upper()
    assert leaf.public_key_fingerprint("sha256") == hashlib.sha256(spki).digest().hex(":").upper()


@pytest.mark.parametrize("flaw", [None, Flaw.EXPIRED, Flaw.NOT_YET_VALID, Flaw.SERVER_ONLY])
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
