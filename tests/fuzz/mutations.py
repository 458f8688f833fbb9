"""New inputs out of kept ones: bytes spoilt blindly, and messages spoilt inside frames that stay right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from mailproof.errors import GarbledReply
from mailproof.wire.tls.octets import vector
from mailproof.wire.tls.records import HANDSHAKE, Messages, Records, record

LONGEST = 4096
"""No input is made longer than this, in bytes."""

TOKENS = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"-", b"*", b"* ", b"* BYE ", b"* OK ", b"* CAPABILITY ", b"a1 OK ", b"a2 OK ",
    b"+OK", b"+OK ", b"-ERR ", b".\r\n", b"..", b"220 ", b"220-", b"250-", b"250 ", b"421 ", b"554 ", b"{5}\r\n",
    b"{9999999}\r\n", b"{0+}\r\n", b'"', b'"SASL" "', b"AUTH ", b"AUTH=", b"STARTTLS", b"STLS", b"OK ", b"NO ", b"BYE ",
    b"\xff\xfe", b"\xe2\x80\xae", b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03", b"\x14\x03\x03\x00\x01\x01",
    b"\x30\x82", b"\x31\x0b\x30\x09\x06\x03\x55\x04\x03", b"\x0e\x00\x00\x00", b"\x00\x2b\x00\x02\x03\x04",
    b"\x00\x33\x00\x02\x00\x1d", b"\xff\x01\x00\x01\x00", b"\x03\x00\x17", b"\x80\x03\x00\x00\x01", b"\xff" * 4,
)  # fmt: skip
"""Pieces that mean something in one of the languages."""

Mutation = Callable[[bytes, Random, Sequence[bytes]], bytes]


def mutated(kept: Sequence[bytes], dice: Random) -> bytes:
    """An input made of one of ``kept`` by a few changes; now and then of nothing but chance."""
    if dice.random() < 0.02:
        return dice.randbytes(below(dice, 80))
    data = kept[below(dice, len(kept))]
    for _ in range(1 + below(dice, 4)):
        data = MUTATIONS[below(dice, len(MUTATIONS))](data, dice, kept)
    return data[:LONGEST]


def below(dice: Random, end: int) -> int:
    """A number from 0 to below ``end`` (0 where that is none); several times as fast as randrange."""
    return int(dice.random() * end)


def _byte(data: bytes, dice: Random, _kept: Sequence[bytes]) -> bytes:
    at = below(dice, len(data))
    return data[:at] + bytes([below(dice, 256)]) + data[at + 1 :]


def _bit(data: bytes, dice: Random, _kept: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = below(dice, len(data))
    return data[:at] + bytes([data[at] ^ (1 << below(dice, 8))]) + data[at + 1 :]


def _step(data: bytes, dice: Random, _kept: Sequence[bytes]) -> bytes:
    """A length or number that is off by one, by much, or at its end."""
    at = below(dice, len(data))
    old = int.from_bytes(data[at : at + 2], "big")
    new = (old + 1, old - 1, 0, 0xFFFF, old << 8, old + 256)[below(dice, 6)] & 0xFFFF
    return data[:at] + new.to_bytes(2, "big") + data[at + 2 :]


def _cut(data: bytes, dice: Random, _kept: Sequence[bytes]) -> bytes:
    at = below(dice, len(data))
    return data[:at] + data[at + 1 + below(dice, 16) :]


def _end(data: bytes, dice: Random, _kept: Sequence[bytes]) -> bytes:
    return data[: below(dice, len(data) + 1)]


def _again(data: bytes, dice: Random, _kept: Sequence[bytes]) -> bytes:
    at = below(dice, len(data))
    return data[:at] + data[at : at + 1 + below(dice, 32)] * (1 + below(dice, 8)) + data[at:]


def _token(data: bytes, dice: Random, _kept: Sequence[bytes]) -> bytes:
    at = below(dice, len(data) + 1)
    return data[:at] + TOKENS[below(dice, len(TOKENS))] + data[at + below(dice, 2) * 4 :]


def _splice(data: bytes, dice: Random, kept: Sequence[bytes]) -> bytes:
    other = kept[below(dice, len(kept))]
    return data[: below(dice, len(data) + 1)] + other[below(dice, len(other)) :]


def _inside(data: bytes, dice: Random, kept: Sequence[bytes]) -> bytes:
    """Handshake messages changed inside, taken out, doubled or swapped, in frames that are right; and as they are,
    where there are none. The first byte is no part of them (it says how the bytes are split)."""
    messages = _messages(data[1:])
    if not messages:
        return _byte(data, dice, kept)
    at = below(dice, len(messages))
    kind, body = messages[at]
    choice = below(dice, 6)
    if choice == 0:
        messages.insert(below(dice, len(messages)), messages.pop(at))
    elif choice == 1:
        messages.insert(at, (kind, body))
    elif choice == 2:
        del messages[at]
    else:
        messages[at] = (kind, MUTATIONS[below(dice, 6)](body, dice, kept))
    whole = b"".join(bytes([kind]) + vector(3, body) for kind, body in messages)
    return data[:1] + _framed(whole, dice)


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    reader = Messages()
    with suppress(GarbledReply):
        for kind, payload in Records().feed(data):
            if kind == HANDSHAKE:
                found += reader.feed(payload)
    return found


def _framed(payload: bytes, dice: Random) -> bytes:
    """In one record, or in as many as chance will have."""
    if dice.random() < 0.7:
        return record(HANDSHAKE, payload, 0x0303)
    size = 1 + below(dice, 60)
    return b"".join(record(HANDSHAKE, payload[at : at + size], 0x0303) for at in range(0, len(payload), size))


MUTATIONS: tuple[Mutation, ...] = (_byte, _bit, _step, _cut, _end, _again, _token, _splice, _inside, _inside)
