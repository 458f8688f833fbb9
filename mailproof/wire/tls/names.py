"""Distinguished names as DER, made readable; a name is the peer's, so what is odd about it is shown and not believed.

Pure. ITU-T X.690 for the bytes, RFC 4514 for the look, RFC 5280 §4.1.2.4 for what is in a name.
"""

from __future__ import annotations

import re

from mailproof.errors import GarbledReply
from mailproof.wire.tls.hostile import printable
from mailproof.wire.tls.octets import Reader

_ATTRIBUTES = {"550403": "CN", "550406": "C", "550407": "L", "550408": "ST", "55040a": "O", "55040b": "OU",
               "0992268993f22c640119": "DC", "2a864886f70d010901": "emailAddress"}  # fmt: skip
_SEQUENCE, _SET, _OBJECT = 0x30, 0x31, 0x06
_UTF_16 = 0x1E
_SPECIAL = re.compile(rb'([,+"\\<>;=])')


def distinguished_name(der: bytes) -> str:
    """A name as ``CN=…,O=…``; bytes that are no name come back in hexadecimal."""
    try:
        return ",".join(_parts(der)) or "(an empty name)"
    except GarbledReply:
        return f"#{der[:64].hex()}"


def _parts(der: bytes) -> list[str]:
    parts = []
    name = Reader(der)
    sets = Reader(_field(name, _SEQUENCE))
    if name:
        raise GarbledReply("bytes behind a name")
    while sets:
        pairs = Reader(_field(sets, _SET))
        while pairs:
            pair = Reader(_field(pairs, _SEQUENCE))
            kind = _field(pair, _OBJECT).hex()
            parts.append(f"{_ATTRIBUTES.get(kind, kind)}={_text(pair)}")
    return parts


def _text(pair: Reader) -> str:
    """The value, so escaped that nothing in it passes for another part of the name (RFC 4514 §2.4)."""
    tag = pair.number(1)
    value = pair.take(_length(pair))
    text = value.decode("utf-16-be", "replace").encode() if tag == _UTF_16 else value
    return printable(_SPECIAL.sub(rb"\\\1", text))


def _field(reader: Reader, tag: int) -> bytes:
    if reader.number(1) != tag:
        raise GarbledReply("not the DER that was expected")
    return reader.take(_length(reader))


def _length(reader: Reader) -> int:
    first = reader.number(1)
    if first < 0x80:
        return first
    if first not in (0x81, 0x82):
        raise GarbledReply("a DER length that is out of bounds")
    return reader.number(first & 0x0F)
