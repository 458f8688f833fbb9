"""What a server chose from a hello, read from its plaintext: an agreement that was left unfinished. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mailproof.wire.tls.groups import HYBRID
from mailproof.wire.tls.primes import known_prime
from mailproof.wire.tls.registry import KINDS_OF_SSL_2, group_name, signature_name, suite_name
from mailproof.wire.tls.suites import forward_secret, words


@dataclass(frozen=True, slots=True)
class CertificateRequest:
    """What a server wants of a client certificate: certificate types, signature schemes, and issuers by name (RFC 4514
    style, most significant part last, as far as it can be read)."""

    types: tuple[int, ...]
    signatures: tuple[int, ...]
    authorities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A server's choice. ``version`` is OpenSSL's name, ``suite`` and ``group`` are registry numbers.

    ``prime`` is the modulus of finite-field Diffie-Hellman (None without it), ``chain`` DER, leaf first (TLS 1.3
    encrypts it), ``request`` what is wanted of a client certificate (None: nothing asked, or TLS 1.3), ``signature``
    the scheme that the key exchange is signed with (TLS 1.2), ``kinds`` all that an SSL 2 server offers. ``retried``:
    a TLS 1.3 server asked for the hello again, with a share of ``group``. The flags say which extensions it confirmed.
    """

    version: str
    suite: int
    group: int | None = None
    prime: int | None = field(default=None, repr=False)
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    request: CertificateRequest | None = None
    signature: int | None = None
    compression: int = 0
    extended_master_secret: bool = False
    encrypt_then_mac: bool = False
    secure_renegotiation: bool = False
    ticket_promised: bool = False
    resumed: bool = False
    retried: bool = False
    kinds: tuple[int, ...] = ()
    transcript: str = field(default="", repr=False, compare=False)

    @property
    def suite_name(self) -> str:
        """OpenSSL's name of the suite."""
        return (
            KINDS_OF_SSL_2.get(self.suite, f"{self.suite:06X}") if self.version == "SSLv2" else suite_name(self.suite)
        )

    @property
    def group_name(self) -> str | None:
        """The registered name of the group, None where no key was exchanged in a named one."""
        return None if self.group is None else group_name(self.group)

    @property
    def dh_bits(self) -> int | None:
        """The size of the modulus of finite-field Diffie-Hellman up to TLS 1.2, in bits."""
        return None if self.prime is None else self.prime.bit_length()

    @property
    def forward_secret(self) -> bool:
        """Whether a recorded session stays secret after the server's key leaks; never true of an anonymous suite."""
        return self.version != "SSLv2" and forward_secret(self.version, self.suite_name)

    @property
    def authenticated(self) -> bool:
        """Whether the server would have to prove who it is: any suite with a certificate, and TLS 1.3."""
        return self.version == "TLSv1.3" or not words(self.suite_name) & {"aNULL", "other"}

    @property
    def quantum_safe(self) -> bool:
        """Whether the key exchange resists a quantum computer: a post-quantum or hybrid group."""
        return self.group in HYBRID

    def __str__(self) -> str:
        """One line: version, suite, and what the key exchange rests on."""
        parts = [f"{self.version} {self.suite_name}"]
        if self.group is not None:
            parts.append(f"group {group_name(self.group)}")
        if self.prime is not None:
            parts.append(f"DH {self.dh_bits} bits ({known_prime(self.prime) or 'a prime of its own'})")
        if self.signature is not None:
            parts.append(f"signed {signature_name(self.signature)}")
        return ", ".join(parts)


def listed(agreements: Iterable[Chosen]) -> str:
    """What was chosen, version by version: ``TLSv1.2: AES128-SHA; AES256-SHA``."""
    by_version: dict[str, list[str]] = {}
    for each in agreements:
        by_version.setdefault(each.version, []).append(str(each).removeprefix(f"{each.version} "))
    return " · ".join(f"{version}: {'; '.join(words)}" for version, words in by_version.items())
