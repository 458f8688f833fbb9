"""The cipher suites that a hello of ours can hold, and OpenSSL's words for kinds of them.

Our own reading of a cipher list (ciphers(1)): what the TLS library made of the list is checked against it. Knows no
connection.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

from mailproof.wire.tls.registry import SUITES as NAMES
from mailproof.wire.tls.registry import suite_name

__all__ = ["NAMES", "SIGNALS", "TLS_1_2_SUITES", "TLS_1_3_SUITES", "asks_for", "chosen_by", "elements",
           "forward_secret", "is_tls13", "rank", "suite_name", "words"]  # fmt: skip

SIGNALS = frozenset({0x00FF, 0x5600})
"""Values in a hello's list that are no suites: TLS_EMPTY_RENEGOTIATION_INFO_SCSV and TLS_FALLBACK_SCSV."""

TLS_1_3_SUITES = tuple(number for number, name in NAMES.items() if name.startswith("TLS_"))
"""The suites of TLS 1.3 (RFC 8446 §B.4 and later registrations)."""

TLS_1_2_SUITES = tuple(number for number in NAMES if number not in TLS_1_3_SUITES)
"""The suites of all older versions, SSL 3 to TLS 1.2."""

# What a name begins with says how keys are exchanged and who is authenticated how.
_EXCHANGES: tuple[tuple[str, frozenset[str]], ...] = (
    (r"TLS_|0x", frozenset()),
    (r"A(EC)?DH-", frozenset({"aNULL"})),
    (r"(RSA-|DHE-|ECDHE-)?PSK-|SRP-|KRB5-|GOST|ECCPWD-", frozenset({"other"})),
    (r"ECDHE-ECDSA-", frozenset({"ECDHE", "aECDSA"})),
    (r"ECDHE-", frozenset({"ECDHE", "aRSA"})),
    (r"ECDH-", frozenset({"kECDH"})),
    (r"DHE-RSA-", frozenset({"DHE", "aRSA"})),
    (r"DHE-DSS-", frozenset({"DHE", "aDSS"})),
    (r"DH-", frozenset({"kDH"})),
    (r"", frozenset({"kRSA", "aRSA"})),
)
# What else a name contains says how data are protected.
_CIPHERS: tuple[tuple[str, str], ...] = (
    ("AESGCM", r"AES\d+-GCM"), ("CHACHA20", r"CHACHA20"), ("AESCCM", r"AES\d+-CCM"), ("eNULL", r"NULL"),
    ("RC4", r"RC4"), ("RC2", r"RC2"), ("DES", r"(?<!3)DES-CBC-"), ("3DES", r"3DES|DES-CBC3"), ("IDEA", r"IDEA"),
    ("SEED", r"SEED"), ("CAMELLIA", r"CAMELLIA"), ("ARIA", r"ARIA"), ("MD5", r"MD5$"), ("SHA1", r"-SHA$"),
    ("CBC", r"CBC|-SHA\d*$"),
)  # fmt: skip
_NOT_CBC = frozenset({"AESGCM", "CHACHA20", "AESCCM", "eNULL", "RC4"})


def is_tls13(number: int) -> bool:
    """Whether the number is one of TLS 1.3's suites (RFC 8446 §B.4)."""
    return number in TLS_1_3_SUITES


@cache
def words(name: str) -> frozenset[str]:
    """The words of ciphers(1) that the suite of this name answers to, as far as our lists use them, with ``EXPORT``,
    ``CBC``, and ``other`` for keys that are shared beforehand.

    A name that is only a number (``0x1305``) answers to none, and so do those of TLS 1.3.
    """
    export = re.match(r"EXP(1024)?-", name)
    exchange = name[export.end() :] if export else name
    kind = next(kind for prefix, kind in _EXCHANGES if re.match(prefix, exchange))
    if not kind:
        return kind
    ciphers = {word for word, part in _CIPHERS if re.search(part, exchange)}
    if ciphers & _NOT_CBC or "-GCM-" in exchange:
        ciphers.discard("CBC")
    return kind | ciphers | ({"EXPORT"} if export else set())


def elements(cipher_list: str) -> list[str]:
    """The elements of an OpenSSL cipher list, such as ``kRSA`` or ``ECDHE+AESGCM``: no list of ours excludes any."""
    return cipher_list.split(":")


def asks_for(element: str, name: str) -> bool:
    """Whether an element of a cipher list asks for the suite of this name, by its kinds or by the name itself."""
    return element == name or set(element.split("+")) <= words(name)


def chosen_by(wanted: Collection[str]) -> tuple[int, ...]:
    """The numbers of all suites that one of the elements asks for, such as ``ECDHE+AESGCM`` or a suite's name."""
    return tuple(number for number, name in NAMES.items() if any(asks_for(element, name) for element in wanted))


def rank(name: str, cipher_list: str) -> int | None:
    """The place of the first element of a cipher list that asks for the suite; None where none does."""
    return next((place for place, element in enumerate(elements(cipher_list)) if asks_for(element, name)), None)


def forward_secret(version: str, suite: str) -> bool:
    """Whether a leaked server key leaves a session of this version and suite secret; never true of anonymous suites,
    where whoever sits in between is the peer, nor of those without encryption or with keys made short on purpose.
    """
    kinds = words(suite)
    return version == "TLSv1.3" or (bool(kinds & {"ECDHE", "DHE"}) and not kinds & {"eNULL", "EXPORT"})
