"""The cipher suites up to TLS 1.2 that a hello of ours can hold, and OpenSSL's words for kinds of them.

Our own table and our own reading of a cipher list (ciphers(1)): what the TLS library made of the list is checked
against it. Knows no connection. PSK and SRP suites are left out, because no offer of ours asks for them.
"""

from __future__ import annotations

import re

_TABLE = """
0001 NULL-MD5                      0002 NULL-SHA                      0007 IDEA-CBC-SHA
002F AES128-SHA                    0032 DHE-DSS-AES128-SHA            0033 DHE-RSA-AES128-SHA
0034 ADH-AES128-SHA                0035 AES256-SHA                    0038 DHE-DSS-AES256-SHA
0039 DHE-RSA-AES256-SHA            003A ADH-AES256-SHA                003B NULL-SHA256
003C AES128-SHA256                 003D AES256-SHA256                 0040 DHE-DSS-AES128-SHA256
0041 CAMELLIA128-SHA               0044 DHE-DSS-CAMELLIA128-SHA       0045 DHE-RSA-CAMELLIA128-SHA
0046 ADH-CAMELLIA128-SHA           0067 DHE-RSA-AES128-SHA256         006A DHE-DSS-AES256-SHA256
006B DHE-RSA-AES256-SHA256         006C ADH-AES128-SHA256             006D ADH-AES256-SHA256
0084 CAMELLIA256-SHA               0087 DHE-DSS-CAMELLIA256-SHA       0088 DHE-RSA-CAMELLIA256-SHA
0089 ADH-CAMELLIA256-SHA           0096 SEED-SHA                      0099 DHE-DSS-SEED-SHA
009A DHE-RSA-SEED-SHA              009B ADH-SEED-SHA                  009C AES128-GCM-SHA256
009D AES256-GCM-SHA384             009E DHE-RSA-AES128-GCM-SHA256     009F DHE-RSA-AES256-GCM-SHA384
00A2 DHE-DSS-AES128-GCM-SHA256     00A3 DHE-DSS-AES256-GCM-SHA384     00A6 ADH-AES128-GCM-SHA256
00A7 ADH-AES256-GCM-SHA384         00BA CAMELLIA128-SHA256            00BD DHE-DSS-CAMELLIA128-SHA256
00BE DHE-RSA-CAMELLIA128-SHA256    00BF ADH-CAMELLIA128-SHA256        00C0 CAMELLIA256-SHA256
00C3 DHE-DSS-CAMELLIA256-SHA256    00C4 DHE-RSA-CAMELLIA256-SHA256    00C5 ADH-CAMELLIA256-SHA256
C006 ECDHE-ECDSA-NULL-SHA          C009 ECDHE-ECDSA-AES128-SHA        C00A ECDHE-ECDSA-AES256-SHA
C010 ECDHE-RSA-NULL-SHA            C013 ECDHE-RSA-AES128-SHA          C014 ECDHE-RSA-AES256-SHA
C015 AECDH-NULL-SHA                C018 AECDH-AES128-SHA              C019 AECDH-AES256-SHA
C023 ECDHE-ECDSA-AES128-SHA256     C024 ECDHE-ECDSA-AES256-SHA384     C027 ECDHE-RSA-AES128-SHA256
C028 ECDHE-RSA-AES256-SHA384       C02B ECDHE-ECDSA-AES128-GCM-SHA256 C02C ECDHE-ECDSA-AES256-GCM-SHA384
C02F ECDHE-RSA-AES128-GCM-SHA256   C030 ECDHE-RSA-AES256-GCM-SHA384   C050 ARIA128-GCM-SHA256
C051 ARIA256-GCM-SHA384            C052 DHE-RSA-ARIA128-GCM-SHA256    C053 DHE-RSA-ARIA256-GCM-SHA384
C056 DHE-DSS-ARIA128-GCM-SHA256    C057 DHE-DSS-ARIA256-GCM-SHA384    C05C ECDHE-ECDSA-ARIA128-GCM-SHA256
C05D ECDHE-ECDSA-ARIA256-GCM-SHA384 C060 ECDHE-ARIA128-GCM-SHA256     C061 ECDHE-ARIA256-GCM-SHA384
C072 ECDHE-ECDSA-CAMELLIA128-SHA256 C073 ECDHE-ECDSA-CAMELLIA256-SHA384
C076 ECDHE-RSA-CAMELLIA128-SHA256  C077 ECDHE-RSA-CAMELLIA256-SHA384  C09C AES128-CCM
C09D AES256-CCM                    C09E DHE-RSA-AES128-CCM            C09F DHE-RSA-AES256-CCM
C0A0 AES128-CCM8                   C0A1 AES256-CCM8                   C0A2 DHE-RSA-AES128-CCM8
C0A3 DHE-RSA-AES256-CCM8           C0AC ECDHE-ECDSA-AES128-CCM        C0AD ECDHE-ECDSA-AES256-CCM
C0AE ECDHE-ECDSA-AES128-CCM8       C0AF ECDHE-ECDSA-AES256-CCM8       CCA8 ECDHE-RSA-CHACHA20-POLY1305
CCA9 ECDHE-ECDSA-CHACHA20-POLY1305 CCAA DHE-RSA-CHACHA20-POLY1305
1301 TLS_AES_128_GCM_SHA256        1302 TLS_AES_256_GCM_SHA384        1303 TLS_CHACHA20_POLY1305_SHA256
"""

NAMES: dict[int, str] = {int(number, 16): name for number, name in re.findall(r"([0-9A-F]{4}) (\S+)", _TABLE)}
"""Number in the hello (IANA registry «TLS Cipher Suites») -> OpenSSL's name."""

SIGNALS = frozenset({0x00FF, 0x5600})
"""Values in a hello's list that are no suites: TLS_EMPTY_RENEGOTIATION_INFO_SCSV and TLS_FALLBACK_SCSV."""

_KINDS: tuple[tuple[str, frozenset[str]], ...] = (
    (r"A(EC)?DH-", frozenset({"aNULL"})),
    (r"ECDHE-ECDSA-", frozenset({"ECDHE", "aECDSA"})),
    (r"ECDHE-", frozenset({"ECDHE", "aRSA"})),
    (r"DHE-RSA-", frozenset({"DHE", "aRSA"})),
    (r"DHE-DSS-", frozenset({"DHE", "aDSS"})),
    (r"TLS_|0x", frozenset()),
    (r"", frozenset({"kRSA", "aRSA"})),
)


def is_tls13(number: int) -> bool:
    """Whether the number is one of TLS 1.3's suites (RFC 8446 §B.4)."""
    return number >> 8 == 0x13


def words(name: str) -> frozenset[str]:
    """The words of ciphers(1) that the suite of this name answers to, as far as our lists use them.

    A name that is only a number (``0x1305``) answers to none.
    """
    kind = next(kind for prefix, kind in _KINDS if re.match(prefix, name))
    aead = {word for word, part in (("AESGCM", r"AES\d+-GCM"), ("CHACHA20", "CHACHA20")) if re.search(part, name)}
    return kind | aead


def elements(cipher_list: str) -> list[str]:
    """The elements of an OpenSSL cipher list, such as ``kRSA`` or ``ECDHE+AESGCM``: no list of ours excludes any."""
    return cipher_list.split(":")


def asks_for(element: str, name: str) -> bool:
    """Whether an element of a cipher list asks for the suite of this name."""
    return set(element.split("+")) <= words(name)


def rank(name: str, cipher_list: str) -> int | None:
    """The place of the first element of a cipher list that asks for the suite; None where none does."""
    return next((place for place, element in enumerate(elements(cipher_list)) if asks_for(element, name)), None)


def forward_secret(version: str, suite: str) -> bool:
    """Whether a leaked server key leaves a session of this version and suite secret; never true of anonymous suites,
    where whoever sits in between is the peer.
    """
    return version == "TLSv1.3" or bool(words(suite) & {"ECDHE", "DHE"})
