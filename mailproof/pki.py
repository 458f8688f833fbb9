"""Certificates for a run: an authority, and leaves with one named flaw each. Knows no TLS and no server.

A stranger is simply another authority. Leaves cross process borders as JSON, with their keys: whoever writes that down
must keep it private.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Purpose = Literal["server", "client", "both"]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_USAGES = {
    "server": [ExtendedKeyUsageOID.SERVER_AUTH],
    "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
    "both": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
}
_CURVES: dict[str, ec.EllipticCurve] = {"p224": ec.SECP224R1(), "p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
_OTHER_HOST = "other.example"
_SHA224_WITH_RSA = bytes.fromhex("06092a864886f70d01010e")
_SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d010105")
_DAY = timedelta(days=1)


class Flaw(StrEnum):
    """What is wrong with a certificate, and nothing else is."""

    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    SELF_SIGNED = "self-signed"
    SERVER_ONLY = "server-only"
    CLIENT_ONLY = "client-only"
    WRONG_NAME = "wrong-name"
    STRANGER = "stranger"
    MISSING_CHAIN = "missing-chain"
    SHORT_KEY = "short-key"
    SHA1 = "sha1"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a certificate says: its subject's common name, the hosts it names, its purpose, and its flaw."""

    common_name: str
    names: tuple[str, ...]
    purpose: Purpose
    flaw: Flaw | None


@dataclass(frozen=True, slots=True)
class Authority:
    """A certification authority. ``cert_pem`` is its root; ``key_pem`` its key, which no repr shows."""

    cert_pem: bytes
    key_pem: bytes = field(repr=False)

    @classmethod
    def create(cls, name: str) -> Authority:
        """A new authority with this common name."""
        key = _new_key("ecdsa-p256")
        subject = _subject(name)
        builder = _builder(subject, subject, key, (-_DAY, 365 * _DAY))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_key_usage(authority=True), critical=True)
        builder = _identified(builder, key, key)
        return cls(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM), _key_pem(key))

    def subordinate(self, name: str) -> Authority:
        """An intermediate authority that this one certifies."""
        key, signer = _new_key("ecdsa-p256"), _load_key(self.key_pem)
        issuer = x509.load_pem_x509_certificate(self.cert_pem).subject
        builder = _identified(_builder(_subject(name), issuer, key, (-_DAY, 90 * _DAY)), key, signer)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_key_usage(authority=True), critical=True)
        return Authority(builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM), _key_pem(key))

    def leaf(
        self, common_name: str, names: Sequence[str] = (), key: str = "ecdsa-p256", purpose: Purpose = "both",
        flaw: Flaw | None = None,
    ) -> Leaf:  # fmt: skip
        """A new key and its certificate. ``names``: the hosts (or addresses) it names, ``common_name`` where empty;
        ``key``: ``ecdsa-p256``, ``ecdsa-p384``, or ``rsa-`` and its bits. Raises ValueError for any other.
        """
        terms = Terms(common_name, tuple(names) or (common_name,), purpose, None)
        healthy = self._issue(terms, _new_key(key))
        return healthy.flawed(flaw) if flaw else healthy

    def _issue(self, terms: Terms, key: PrivateKey) -> Leaf:
        self_signed = terms.flaw is Flaw.SELF_SIGNED
        signer = key if self_signed else _load_key(self.key_pem)
        subject = _subject(terms.common_name)
        issuer = subject if self_signed else x509.load_pem_x509_certificate(self.cert_pem).subject
        builder = _identified(_builder(subject, issuer, key, _validity(terms.flaw)), key, signer)
        for extension, critical in _extensions(terms):
            builder = builder.add_extension(extension, critical)
        return Leaf(builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM), _key_pem(key), self, terms)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An end entity's certificate and key (PEM), with what it takes to renew it. No repr shows a key."""

    cert_pem: bytes
    key_pem: bytes = field(repr=False)
    authority: Authority
    terms: Terms

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates to send, PEM, leaf first; the root is not among them."""
        return (self.cert_pem,)

    @property
    def der(self) -> bytes:
        """The certificate, DER."""
        return self._certificate().public_bytes(Encoding.DER)

    def fingerprint(self, digest: str) -> str:
        """The certificate's fingerprint, ``AA:BB:…``; ``digest`` is ``md5``, ``sha256`` or ``sha512``."""
        return self._certificate().fingerprint(_digest(digest)).hex(":").upper()

    def public_key_fingerprint(self, digest: str) -> str:
        """The fingerprint of the public key alone (its SubjectPublicKeyInfo), ``AA:BB:…``."""
        public = self._certificate().public_key()
        hasher = hashes.Hash(_digest(digest))
        hasher.update(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        return hasher.finalize().hex(":").upper()

    def renewed(self) -> Leaf:
        """Another certificate of the same authority for the same key, on the same terms."""
        return self.authority._issue(self.terms, _load_key(self.key_pem))

    def flawed(self, flaw: Flaw) -> Leaf:
        """Another certificate on the same terms but for its flaw; for the same key where that is not the flaw."""
        terms, key = replace(self.terms, flaw=flaw), _load_key(self.key_pem)
        if flaw is Flaw.WRONG_NAME:
            terms = replace(terms, common_name=_OTHER_HOST, names=(_OTHER_HOST,))
        if flaw is Flaw.SHORT_KEY:
            key = _new_key("rsa-1024" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa-p224")
        if flaw is Flaw.SHA1:
            return replace(self, cert_pem=_signed_with_sha1(terms, key), terms=terms)
        return self._issuer(flaw)._issue(terms, key)

    def _issuer(self, flaw: Flaw) -> Authority:
        if flaw is Flaw.STRANGER:
            return Authority.create("a stranger's CA")
        return self.authority.subordinate("an intermediate CA") if flaw is Flaw.MISSING_CHAIN else self.authority

    def to_json(self) -> dict[str, Any]:
        """All of it, keys included, in JSON primitives."""
        authority = {"cert_pem": self.authority.cert_pem.decode(), "key_pem": self.authority.key_pem.decode()}
        terms = {"common_name": self.terms.common_name, "names": list(self.terms.names), "purpose": self.terms.purpose,
                 "flaw": self.terms.flaw and self.terms.flaw.value}  # fmt: skip
        pair = {"cert_pem": self.cert_pem.decode(), "key_pem": self.key_pem.decode()}
        return pair | {"authority": authority, "terms": terms}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> Leaf:
        """The leaf that :meth:`to_json` kept."""
        authority = Authority(kept["authority"]["cert_pem"].encode(), kept["authority"]["key_pem"].encode())
        terms = kept["terms"]
        flaw = Flaw(terms["flaw"]) if terms["flaw"] else None
        said = Terms(terms["common_name"], tuple(terms["names"]), terms["purpose"], flaw)
        return Leaf(kept["cert_pem"].encode(), kept["key_pem"].encode(), authority, said)

    def _certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.cert_pem)


def _new_key(kind: str) -> PrivateKey:
    family, _, size = kind.partition("-")
    if family == "rsa" and size.isdigit():
        return rsa.generate_private_key(public_exponent=65537, key_size=int(size))
    if family == "ecdsa" and size in _CURVES:
        return ec.generate_private_key(_CURVES[size])
    raise ValueError(f"no such kind of key: {kind}")


def _load_key(pem: bytes) -> PrivateKey:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError("a key that is neither RSA nor elliptic curve")
    return key


def _key_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _signed_with_sha1(terms: Terms, key: PrivateKey) -> bytes:
    """The library signs no certificate with SHA-1 any more: what it signed with SHA-224 is told otherwise, and signed
    again, by an authority of its own (the two algorithm identifiers of RFC 8017 §A.2.4 are as long as each other)."""
    signer = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    builder = _builder(_subject(terms.common_name), _subject("an old CA"), key, _validity(None))
    for extension, critical in _extensions(terms):
        builder = builder.add_extension(extension, critical)
    signed = builder.sign(signer, hashes.SHA224())
    told = signed.tbs_certificate_bytes.replace(_SHA224_WITH_RSA, _SHA1_WITH_RSA)
    again = signer.sign(told, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  the flaw itself
    der = signed.public_bytes(Encoding.DER).replace(signed.tbs_certificate_bytes, told)
    der = der.replace(_SHA224_WITH_RSA, _SHA1_WITH_RSA).replace(signed.signature, again)
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _validity(flaw: Flaw | None) -> tuple[timedelta, timedelta]:
    """From when until when, seen from now."""
    if flaw is Flaw.EXPIRED:
        return -30 * _DAY, -_DAY
    if flaw is Flaw.NOT_YET_VALID:
        return _DAY, 30 * _DAY
    return -_DAY, 30 * _DAY


def _builder(
    subject: x509.Name, issuer: x509.Name, key: PrivateKey, validity: tuple[timedelta, timedelta]
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now + validity[0]).not_valid_after(now + validity[1])


def _identified(builder: x509.CertificateBuilder, key: PrivateKey, signer: PrivateKey) -> x509.CertificateBuilder:
    """RFC 5280 §4.2.1.1, §4.2.1.2: which key this is, and which key signed."""
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return builder.add_extension(own, critical=False).add_extension(of_issuer, critical=False)


def _extensions(terms: Terms) -> list[tuple[x509.ExtensionType, bool]]:
    only: dict[Flaw | None, Purpose] = {Flaw.SERVER_ONLY: "server", Flaw.CLIENT_ONLY: "client"}
    purpose = only.get(terms.flaw, terms.purpose)
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(authority=False), True),
        (x509.ExtendedKeyUsage(_USAGES[purpose]), False),
        (x509.SubjectAlternativeName([_general_name(name) for name in terms.names]), False),
    ]


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    """An authority signs certificates; a leaf signs, and decrypts where its key is used for static RSA."""
    return x509.KeyUsage(
        digital_signature=not authority, key_encipherment=not authority, key_cert_sign=authority, crl_sign=authority,
        content_commitment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _digest(name: str) -> hashes.HashAlgorithm:
    known: dict[str, hashes.HashAlgorithm] = {
        "md5": hashes.MD5(), "sha1": hashes.SHA1(),  # noqa: S303  what old tables hold
        "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512(),
    }  # fmt: skip
    return known[name]
