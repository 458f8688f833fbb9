"""Groups of the key exchange: what kind each is, and a key share for it that costs no cryptography. Pure.

A server looks at a client's share only to see that it has the right form; so one fixed public value for each group is
enough for a hello that asks what would be chosen and never goes on.
"""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailproof.errors import CannotOffer
from mailproof.wire.tls.registry import GROUPS, group_name

HYBRID = frozenset(number for number, name in GROUPS.items() if "MLKEM" in name or "Kyber" in name)
"""Groups that stay secret even before a quantum computer: post-quantum alone, or beside an elliptic curve."""

FINITE_FIELDS = frozenset(number for number, name in GROUPS.items() if name.startswith("ffdhe"))
"""Groups of RFC 7919."""

ELLIPTIC = frozenset(GROUPS) - HYBRID - FINITE_FIELDS
"""Elliptic curves."""

ALL_GROUPS = (*sorted(HYBRID, reverse=True), 29, 23, 30, 24, 25,
              *sorted(ELLIPTIC - {29, 23, 30, 24, 25}, reverse=True), *sorted(FINITE_FIELDS))  # fmt: skip
"""Every group we know, in the order in which a client of today would like them."""

NUMBERS = {name.lower(): number for number, name in GROUPS.items()} | {
    "prime256v1": 23, "p-256": 23, "p-384": 24, "p-521": 25,
}  # fmt: skip
"""Name in lower case -> number, OpenSSL's and NIST's other names included."""

_CURVES: dict[int, ec.EllipticCurve] = {
    23: ec.SECP256R1(), 24: ec.SECP384R1(), 25: ec.SECP521R1(), 31: ec.BrainpoolP256R1(), 32: ec.BrainpoolP384R1(),
    33: ec.BrainpoolP512R1(),
}  # fmt: skip
_FIXED = {29: b"\x09" + bytes(31), 30: b"\x05" + bytes(55)}
_FINITE_SIZES = {256: 256, 257: 384, 258: 512, 259: 768, 260: 1024}
_KEM_SIZES = {512: 800, 513: 1184, 514: 1568}
# RFC 10024 and draft-ietf-tls-ecdhe-mlkem: the first part comes first on the wire.
_HYBRID_PARTS = {4587: (23, 513), 4588: (513, 29), 4589: (24, 514)}


def group_numbers(names: list[str]) -> tuple[int, ...]:
    """The numbers of groups by name, whatever their case. Raises CannotOffer for a name that nobody registered."""
    unknown = [name for name in names if name.lower() not in NUMBERS]
    if unknown:
        raise CannotOffer(f"no group is called {', '.join(unknown)}")
    return tuple(NUMBERS[name.lower()] for name in names)


@cache
def key_share(group: int) -> bytes:
    """A well-formed public value for the group. Raises CannotOffer where we know none."""
    if group in _HYBRID_PARTS:
        return b"".join(key_share(part) for part in _HYBRID_PARTS[group])
    if group in _FIXED:
        return _FIXED[group]
    if group in _CURVES:
        public = ec.derive_private_key(1, _CURVES[group]).public_key()
        return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    if group in _FINITE_SIZES:
        return b"\x40".ljust(_FINITE_SIZES[group], b"\x01")
    if group in _KEM_SIZES:
        return bytes(_KEM_SIZES[group])  # coefficients of zero are below the modulus (FIPS 203 §7.2)
    raise CannotOffer(f"no key share is known for the group {group_name(group)}")
