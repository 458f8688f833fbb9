"""Primes of finite-field Diffie-Hellman that are known: from standards, and from software that ships the same to all.

Pure. A prime that many servers share makes one large computation pay off against all of them, so its size counts double
(Adrian et al., «Imperfect Forward Secrecy», 2015); a number that is not prime may have no strength at all.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from mailproof.errors import GarbledReply

_PI_GROUPS = {768: ("RFC 2409 group 1", 149686), 1024: ("RFC 2409 group 2", 129093), 1536: ("RFC 3526 group 5", 741804),
              2048: ("RFC 3526 group 14", 124476), 3072: ("RFC 3526 group 15", 1690314),
              4096: ("RFC 3526 group 16", 240904), 6144: ("RFC 3526 group 17", 929484),
              8192: ("RFC 3526 group 18", 4743158)}  # fmt: skip
_E_GROUPS = {2048: ("RFC 7919 ffdhe2048", 560316), 3072: ("RFC 7919 ffdhe3072", 2625351),
             4096: ("RFC 7919 ffdhe4096", 5736041), 6144: ("RFC 7919 ffdhe6144", 15705020),
             8192: ("RFC 7919 ffdhe8192", 10965728)}  # fmt: skip

# The first 24 digits of the SHA-256 of the prime's bytes, its bits, and where it comes from.
_SHARED = """
3cdb020b9ef298b2f3f6cf5a  512 Apache           db01e702899166da28c9bc78  512 Apache
bf910d9df4e0b2e76cda7443 1024 Apache           f79d1db3c955a28fdeca4626 1024 Apache
486e235226a927b22b9389bf 1024 HAProxy          7b6551ea6ff09bd78c24bede 2048 HAProxy
a67f41cb161353e098a815bf 4096 HAProxy          bfa876fe4671a9c696c8e256 1024 IronPort
73b391ec8da33ee197aed17d  512 Java             ee5483fe4b96caa10cb5b863  768 Java
cc21a33dd1a3edf40bf636b5 1024 Java             d9f6f2a0adb3427cbe12b007  784 LibTomCrypt
d6dcdf1380fcf5d1edae326f 1036 LibTomCrypt      0ce3987be0923295e23002da 1288 LibTomCrypt
362b5d25eb8b949b20a3471c 1540 LibTomCrypt      22e8c3768c4947ee7f9a8e6c 1792 LibTomCrypt
8bf91c38e2a92b253a362a9b 2072 LibTomCrypt      8ab7986eaa2c27eb246db536 3080 LibTomCrypt
a642950d9c2cdc78d1e9659e 4116 LibTomCrypt      f26e2403f3f0794665440490  512 OpenSSL
66d0bf38b0bdfacf2fdae33f 1024 OpenSSL          3166ce19180005327a6059a2 2048 OpenSSL
9e348a9471b7d123aa97071e 2048 OpenSSL          ce7728db3aed1119a82b9f17 4096 OpenSSL
449ab49c277d21a601e806df  512 Postfix          6c863838510bab3e2093066f  512 Postfix
b85e2291d140459398cf0cd2  512 Postfix          bc66927384785251c604a383  512 Postfix
e2b343fa226b71092716a0ce  512 Postfix          7dafc874c19963c0dd38e642  768 Postfix
ad225f9367840e76af41a007  768 Postfix          b36ac84e5fa8bd7a6363e1fb  768 Postfix
20ce5e9531472e234e1ef767 1024 Postfix          3b37d357836b4c0b81ae99d4 1024 Postfix
d2ae65bfc24596c0333a3ad5 1024 Postfix          ef627d8cc44144f36a075d8d 1024 Postfix
245ccb3bb7e5f8e431c3786c 1536 Postfix          bd646809c4e2d255e7082482 1536 Postfix
f5b0f0db19c1ffb9edd48c27 1536 Postfix          4e1f16b0a537becf0398e0d6 2048 Postfix
b22223eba55eff07fda0073c 2048 Postfix          ee302f149664decf1b364551 2048 Postfix
0a64b51e01fbccd80d5c45d6 1024 ProFTPD          0ea9ef1fd4b42cff37a02344 1024 ProFTPD
3576d07c0658c0230f4e4a4a 1024 ProFTPD          46ff79361993e5e6e9025cdf 1024 ProFTPD
6ab0cedf512ead33f4827d0a 1024 ProFTPD          6b79f7880e90204b6f8cb64f 1024 ProFTPD
80b421f627228225bc69d267 1024 ProFTPD          8b4fa096eb2414e26babeef0 1024 ProFTPD
984a91adb717c9753fd52ab8 1024 ProFTPD          9f5e9f4e49f8499926f4bfd7 1024 ProFTPD
c43bb4fe47a641335004ca60 1024 ProFTPD          eba4ea9cdaf56d1c93fdf9b3 1024 ProFTPD
3e21a641dbe236fd883f1a29 1536 ProFTPD          a5bdec8cf036e2ab8f8b4bb6 1536 ProFTPD
bd132a9c3bb1b0db7199048b 1536 ProFTPD          cf44c99b85dabecceda32d2b 1536 ProFTPD
e7257339c7b3c36b4fe27080 1536 ProFTPD          f17daff1413023f299ae1a1a 1536 ProFTPD
1401ba0d70afd57f87974faa 2048 ProFTPD          2f4370d98ffd18aa6be9a279 2048 ProFTPD
a2052ee3a461387eb489dfb4 2048 ProFTPD          cfb14315e90c3ce241b5351a 2048 ProFTPD
406b95f336f4588f7f07b7ab 4096 ProFTPD          d3d1fa2923c8dc2da6783a7f 4096 ProFTPD
3504275b93e5db8a692b4a5b 6144 ProFTPD          adaf2d463f6f71d615f9db38 6144 ProFTPD
5de6d78891cd9a759d1eeada 8192 ProFTPD          fb2de97ce408f3d2b00cda7e 8192 ProFTPD
44c55cfee5c075927cf682da 1024 RFC_5114         0b7835722cb619827610c254 2048 RFC_5114
bfe545862ca102ad1eeddb5f 2048 RFC_5114         6215d41bb617b390082b066d 1024 SKIP
725541d91fe79bcf52e6d965 2048 SKIP             ac10fa3c5965ca361c07b351 1024 Socat
d03fdc7fe0f0d300624dd6d8 2048 Socat            8ae47dca3d24e9b646400626 1024 nginx
196085cb4281d1ff18efaad0 1024 widespread       2b07d24b932aa7a015c45a3f 1024 widespread
52d4faa53003b8349dac3e98 1024 widespread       5f856a00120eee6d6b87ef8f 1024 widespread
74a5cce5b6a93eb755e2f482 1024 widespread       80571b97f71f89727ab0c40b 1024 widespread
8523c7205704383308991516 1024 widespread       ac0ff7a415f003c6503d4c12 1024 widespread
bc19c041491e550f381d0941 1024 widespread       deb671287187265a5383df13 1024 widespread
"""
_SMALL_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)
_BASES = (2, 3)

MOST_BITS = 8192
"""The largest number that is tested: a peer chooses its size, and the work grows with its cube."""


def known_prime(prime: int) -> str | None:
    """Where a prime comes from, such as ``RFC 7919 ffdhe2048`` or ``Postfix``; None where it is nobody's we know."""
    return _of_standards(prime.bit_length()).get(prime) or _of_software().get(_fingerprint(prime))


def standard_prime(bits: int) -> int:
    """The prime of that size from RFC 2409 §6 or RFC 3526: 768, 1024, 1536, 2048, 3072, 4096, 6144 or 8192 bits."""
    return next(prime for prime, name in _of_standards(bits).items() if name == _PI_GROUPS[bits][0])


def weakness(prime: int, least: int) -> str | None:
    """Why a modulus does not make a Diffie-Hellman key exchange safe, in a few words, where at least ``least`` bits are
    wanted; None where it does. Raises GarbledReply for one that is too large to be tested."""
    if prime.bit_length() < least:
        return f"{prime.bit_length()} bits where {least} are required"
    return None if known_prime(prime) or is_prime(prime) else "its modulus is not a prime"


def is_prime(number: int) -> bool:
    """Whether a number is prime, by Miller and Rabin's test with fixed bases: one that is composite by mistake or by
    chance is found out, one that is made to pass is not. Raises GarbledReply for more than :data:`MOST_BITS` bits.
    """
    if number.bit_length() > MOST_BITS:
        raise GarbledReply(f"a prime of {number.bit_length()} bits, more than anybody uses")
    if number < 2 or any(number % small == 0 for small in _SMALL_PRIMES):
        return number in _SMALL_PRIMES
    return all(_passes(number, base) for base in _BASES)


def _passes(number: int, base: int) -> bool:
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    power = pow(base, odd, number)
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


@cache
def _of_standards(bits: int) -> dict[int, str]:
    """RFC 2409 §6, RFC 3526 and RFC 7919 §A make a prime of every size from the digits of pi and of e."""
    found = {}
    for groups, constant in ((_PI_GROUPS, _pi), (_E_GROUPS, _e)):
        if bits in groups:
            name, added = groups[bits]
            middle = (constant(bits - 130) + added) << 64
            found[2**bits - 2 ** (bits - 64) + middle - 1] = name
    return found


@cache
def _of_software() -> dict[str, str]:
    words = _SHARED.split()
    return {fingerprint: name.replace("_", " ") for fingerprint, name in zip(words[::3], words[2::3], strict=True)}


def _fingerprint(prime: int) -> str:
    return sha256(prime.to_bytes((prime.bit_length() + 7) // 8, "big")).hexdigest()[:24]


def _pi(bits: int) -> int:
    """2**bits times pi, rounded down (Machin's formula)."""
    one = 1 << (bits + 64)
    return 4 * (4 * _arc_cotangent(5, one) - _arc_cotangent(239, one)) >> 64


def _arc_cotangent(number: int, one: int) -> int:
    power = one // number
    total, place = power, 1
    while power:
        power //= -number * number
        place += 2
        total += power // place
    return total


def _e(bits: int) -> int:
    """2**bits times e, rounded down."""
    term = total = 1 << (bits + 64)
    count = 1
    while term:
        term //= count
        total += term
        count += 1
    return total >> 64
