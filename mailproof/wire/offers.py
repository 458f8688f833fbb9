"""What a client offers in a TLS hello: the questions that handshake controls ask. Data; knows no connection."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from mailproof.errors import CannotOffer

VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
"""Protocol versions by OpenSSL's names, oldest first."""


class HasCertificate(Protocol):
    """Anything that carries a certificate and its private key, such as a leaf of our own authority."""

    @property
    def cert_pem(self) -> bytes:
        """The certificate, PEM; issuers may follow it."""

    @property
    def key_pem(self) -> bytes:
        """The private key, PEM, not encrypted."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate to present when the server asks for one. ``cert_pem``: leaf first, issuers may follow."""

    cert_pem: bytes
    key_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """One hello. ``versions`` is a gapless range of :data:`VERSIONS`; ``suites`` an OpenSSL cipher list for versions up
    to TLS 1.2, made of words that :mod:`mailproof.wire.tls.suites` knows, most wanted first; TLS 1.3 always comes with
    the library's own suites. ``server_name`` is sent as SNI where it is not None. Raises CannotOffer for other
    versions.
    """

    name: str
    versions: tuple[str, ...]
    suites: str
    server_name: str | None = None
    certificate: ClientCertificate | None = None

    def __post_init__(self) -> None:
        starts = [place for place, version in enumerate(VERSIONS) if version == next(iter(self.versions), None)]
        if not starts or VERSIONS[starts[0] : starts[0] + len(self.versions)] != self.versions:
            raise CannotOffer(f"versions must be a gapless range of {', '.join(VERSIONS)}: {', '.join(self.versions)}")

    def along_with_allowed(self) -> Offer:
        """The same hello plus what every server of today allows: the positive control of a refusal."""
        first = min(VERSIONS.index(version) for version in (*self.versions, *MODERN.versions))
        added = [element for element in MODERN.suites.split(":") if element not in self.suites.split(":")]
        suites = ":".join([self.suites, *added])
        return replace(self, name=f"{self.name} along with {MODERN.name}", versions=VERSIONS[first:], suites=suites)

    def presenting(self, certificate: HasCertificate | None) -> Offer:
        """The same hello, ready to present ``certificate`` (None: none)."""
        if certificate is None:
            return replace(self, certificate=None)
        return replace(self, certificate=ClientCertificate(certificate.cert_pem, certificate.key_pem))

    def naming(self, server_name: str | None) -> Offer:
        """The same hello with this server name in it (RFC 6066 §3)."""
        return replace(self, server_name=server_name)

    def only(self, version: str) -> Offer:
        """The same hello limited to one version, such as ``TLSv1.2``."""
        return replace(self, name=f"{self.name}, {version} only", versions=(version,))

    def __str__(self) -> str:
        return self.name


_MODERN_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
_ANY_AUTHENTICATED = "ECDHE:DHE:kRSA"

MODERN = Offer("modern", ("TLSv1.2", "TLSv1.3"), _MODERN_SUITES)
TLS_1_3 = Offer("TLS 1.3", ("TLSv1.3",), _MODERN_SUITES)
TLS_1_2 = Offer("TLS 1.2", ("TLSv1.2",), f"{_MODERN_SUITES}:DHE+AESGCM")
TLS_1_1 = Offer("TLS 1.1", ("TLSv1.1",), _ANY_AUTHENTICATED)
TLS_1_0 = Offer("TLS 1.0", ("TLSv1",), _ANY_AUTHENTICATED)
STATIC_RSA = Offer("static RSA", ("TLSv1.2",), "kRSA")
ANONYMOUS = Offer("anonymous", ("TLSv1.2",), "aNULL")
ANONYMOUS_FIRST = Offer("anonymous first", ("TLSv1.2",), f"aNULL:{_ANY_AUTHENTICATED}")
WORSE_FIRST_1_2 = Offer("static RSA first", ("TLSv1.2",), "kRSA:ECDHE")
WORSE_FIRST_1_3 = Offer("static RSA first, and TLS 1.3", ("TLSv1.2", "TLSv1.3"), "kRSA:ECDHE")
FINITE_FIELD_FIRST = Offer("DHE first", ("TLSv1.2",), "DHE:ECDHE")
AUTHENTICATED_RSA = Offer("RSA certificate", ("TLSv1.2",), "ECDHE+aRSA")
AUTHENTICATED_ECDSA = Offer("ECDSA certificate", ("TLSv1.2",), "ECDHE+aECDSA")
