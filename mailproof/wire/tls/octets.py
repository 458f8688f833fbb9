"""Fields on the front of bytes and around them as TLS writes them: big-endian, vectors with their length."""

from __future__ import annotations

import struct

from mailproof.errors import GarbledReply


class Reader:
    """Takes big-endian fields off the front of bytes. Raises GarbledReply where they end early."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        """Whether bytes are left."""
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise GarbledReply("a TLS message that ends in the middle")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, size: int) -> int:
        """The next ``size`` bytes as a number."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """The bytes whose count stands before them in ``size`` bytes."""
        return self.take(self.number(size))

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data) - self._at)


def vector(size: int, data: bytes) -> bytes:
    """``data`` with its length before it in ``size`` bytes."""
    return len(data).to_bytes(size, "big") + data


def pairs(numbers: tuple[int, ...]) -> bytes:
    """Numbers of two bytes each, one after the other."""
    return struct.pack(f">{len(numbers)}H", *numbers)


def unpaired(data: bytes) -> tuple[int, ...]:
    """The numbers of two bytes each in ``data``. Raises GarbledReply for an odd byte at the end."""
    if len(data) % 2:
        raise GarbledReply("a list of two-byte numbers with an odd byte at its end")
    return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))
