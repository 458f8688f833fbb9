"""Moduli of Diffie-Hellman: the standards' and the shared ones are known, a composite is found out, size is bounded."""

from __future__ import annotations

from hashlib import sha256

import pytest

from mailproof.errors import GarbledReply
from mailproof.wire.tls import primes
from mailproof.wire.tls.primes import MOST_BITS, is_prime, known_prime
from tests.unit.wire.stubs import COMPOSITE_1024, DH_512, SHARED_1024

_STANDARDS = """
RFC_2409_group_1     768 b52ba6a3026520a6c49d37e458760180  RFC_2409_group_2    1024 3f35a3f5f6c4376a744acad409bb22f8
RFC_3526_group_5    1536 64fcc83ec403930bf18393dbc883ccaa  RFC_3526_group_14   2048 d66436f79bbd6b2e38c0ffbd079be904
RFC_3526_group_15   3072 48cf8b092fbce4359d9871abf74f98e2  RFC_3526_group_16   4096 4ee95187682bcb230ad26a95205f6920
RFC_3526_group_17   6144 d1bfe6d0925ce7e4da262b62861514a7  RFC_3526_group_18   8192 39ab4feab950a3128fb71accb9fc3965
RFC_7919_ffdhe2048  2048 9cd3b7f336872f46c09428d1bbc19877  RFC_7919_ffdhe3072  3072 0eaf67db3a839156d5013494a5318a77
RFC_7919_ffdhe4096  4096 4648414224ac881b3d0dc59b466f96d0  RFC_7919_ffdhe6144  6144 227ac9066b3ddd9e193670cda2388fa8
RFC_7919_ffdhe8192  8192 770b14efaf6f049929c523113b3fa99a
"""
"""Name, bits, and the start of the SHA-256 of the prime's bytes, as libcrypto's own constants have them."""


@pytest.mark.parametrize(("name", "bits", "digest"), list(zip(*[iter(_STANDARDS.split())] * 3, strict=True)))
def test_the_primes_of_the_standards_are_the_real_ones(name: str, bits: str, digest: str) -> None:
    made = {known: prime for prime, known in primes._of_standards(int(bits)).items()}
    prime = made[name.replace("_", " ")]
    assert prime.bit_length() == int(bits)
    assert sha256(prime.to_bytes(int(bits) // 8, "big")).hexdigest().startswith(digest)
    assert known_prime(prime) == name.replace("_", " ")
    assert known_prime(prime - 2) is None


def test_a_shared_prime_is_known_by_where_it_comes_from() -> None:
    assert known_prime(SHARED_1024) == "RFC 5114"
    assert known_prime(DH_512) is None


@pytest.mark.parametrize("number", [0, 1, 2**512, 2**65536 + 1, COMPOSITE_1024], ids=int.bit_length)
def test_any_number_may_be_asked_about(number: int) -> None:
    assert known_prime(number) is None


def test_the_table_of_shared_primes_is_well_formed() -> None:
    words = primes._SHARED.split()
    assert all(len(word) == 24 and int(word, 16) for word in words[::3])
    assert all(64 <= int(bits) <= MOST_BITS for bits in words[1::3])
    assert len(set(words[::3])) == len(words) // 3 > 70


@pytest.mark.parametrize("prime", [2, 3, 37, 41, 65537, 2**61 - 1, 2**521 - 1, DH_512, SHARED_1024])
def test_primes_are_prime(prime: int) -> None:
    assert is_prime(prime)


@pytest.mark.parametrize(
    "number",
    [-7, 0, 1, 4, 1681, 2047, 1373653 * 3, 561, 2**67 - 1, DH_512 * 3, DH_512 + 2, COMPOSITE_1024, SHARED_1024 - 2],
)
def test_composites_are_found_out(number: int) -> None:
    assert not is_prime(number)


def test_what_is_larger_than_anybody_uses_is_not_worked_on() -> None:
    assert not is_prime(2**MOST_BITS - 2)
    with pytest.raises(GarbledReply, match="8193 bits"):
        is_prime(2**MOST_BITS + 1)
