"""Groups of the key exchange, and key shares of the right form."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519

from mailproof.errors import CannotOffer
from mailproof.wire.tls.groups import ALL_GROUPS, ELLIPTIC, FINITE_FIELDS, HYBRID, NUMBERS, group_numbers, key_share
from mailproof.wire.tls.registry import GROUPS

SIZES = {
    23: 65, 24: 97, 25: 133, 29: 32, 30: 56, 31: 65, 32: 97, 33: 129, 256: 256, 257: 384, 258: 512, 259: 768, 260: 1024,
    512: 800, 513: 1184, 514: 1568, 4587: 65 + 1184, 4588: 1184 + 32, 4589: 97 + 1568,
}  # fmt: skip
"""RFC 8446 §4.2.8.1 and §4.2.8.2, RFC 8734, FIPS 203, and the hybrids of them."""


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_a_share_has_its_group_s_size_or_cannot_be_offered(group: int) -> None:
    if group in SIZES:
        assert len(key_share(group)) == SIZES[group]
    else:
        with pytest.raises(CannotOffer, match="no key share"):
            key_share(group)


@pytest.mark.parametrize(
    ("group", "curve"),
    [(23, ec.SECP256R1()), (24, ec.SECP384R1()), (25, ec.SECP521R1()), (31, ec.BrainpoolP256R1()),
     (32, ec.BrainpoolP384R1()), (33, ec.BrainpoolP512R1())],
)  # fmt: skip
def test_a_share_on_a_curve_is_a_point_of_it(group: int, curve: ec.EllipticCurve) -> None:
    assert ec.EllipticCurvePublicKey.from_encoded_point(curve, key_share(group)).curve.name == curve.name


def test_a_share_of_the_other_curves_agrees_to_a_key() -> None:
    """A point of small order would be refused by the exchange."""
    assert any(x25519.X25519PrivateKey.generate().exchange(x25519.X25519PublicKey.from_public_bytes(key_share(29))))
    assert any(x448.X448PrivateKey.generate().exchange(x448.X448PublicKey.from_public_bytes(key_share(30))))


@pytest.mark.parametrize("group", sorted(FINITE_FIELDS))
def test_a_share_of_a_finite_field_lies_between_one_and_the_prime(group: int) -> None:
    bits = int(GROUPS[group].removeprefix("ffdhe"))
    assert 1 < int.from_bytes(key_share(group), "big") < 2 ** (bits - 1)


def test_the_post_quantum_part_of_a_hybrid_stands_where_it_belongs() -> None:
    assert key_share(4588).endswith(key_share(29))
    assert key_share(4587).startswith(key_share(23))
    assert key_share(4589).startswith(key_share(24))


def test_every_group_is_of_one_kind_and_offered_once() -> None:
    assert sorted(ALL_GROUPS) == sorted(GROUPS) == sorted([*HYBRID, *FINITE_FIELDS, *ELLIPTIC])
    assert {512, 513, 514, 4587, 4588, 4589, 4590, 25497, 25498} == HYBRID
    assert {256, 257, 258, 259, 260} == FINITE_FIELDS
    assert set(ALL_GROUPS[: len(HYBRID)]) == HYBRID


def test_groups_are_found_by_any_of_their_names() -> None:
    assert group_numbers(["X25519", "prime256v1", "P-384", "SecP521r1", "x25519mlkem768"]) == (29, 23, 24, 25, 4588)
    assert all(NUMBERS[name.lower()] == number for number, name in GROUPS.items())
    with pytest.raises(CannotOffer, match="curve9000, x9"):
        group_numbers(["x25519", "curve9000", "x9"])
