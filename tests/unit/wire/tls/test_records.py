"""Records and handshake messages: cut and joined again, whatever the network made of them, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproof.errors import GarbledReply
from mailproof.wire.tls.records import (
    ALERT,
    CONTENT_TYPES,
    HANDSHAKE,
    MOST_IN_MESSAGE,
    MOST_IN_RECORD,
    Messages,
    Records,
    first_message,
    record,
)
from tests.unit.wire.stubs import message, pieces

RECORDS = st.lists(st.tuples(st.sampled_from(sorted(CONTENT_TYPES)), st.binary(max_size=30)), max_size=6)


@settings(max_examples=40, deadline=None)
@given(RECORDS, st.lists(st.integers(0, 20)))
def test_records_survive_any_split(wanted: list[tuple[int, bytes]], sizes: list[int]) -> None:
    said = b"".join(bytes([kind, 3, 3]) + len(data).to_bytes(2, "big") + data for kind, data in wanted)
    reader = Records()
    assert [each for piece in pieces(said, sizes) for each in reader.feed(piece)] == wanted
    assert not reader.pending


@settings(max_examples=40, deadline=None)
@given(RECORDS, st.lists(st.integers(0, 20)))
def test_messages_survive_any_split(wanted: list[tuple[int, bytes]], sizes: list[int]) -> None:
    reader = Messages()
    said = b"".join(message(kind, data) for kind, data in wanted)
    assert [each for piece in pieces(said, sizes) for each in reader.feed(piece)] == wanted
    assert not reader.pending


@pytest.mark.parametrize("size", [0, 1, 2**14, 2**14 + 1, 3 * 2**14])
def test_a_long_payload_takes_several_records(size: int) -> None:
    read = list(Records().feed(record(HANDSHAKE, bytes(size), 0x0301)))
    assert b"".join(payload for _, payload in read) == bytes(size)
    assert all(len(payload) <= 2**14 for _, payload in read)


def test_what_is_not_whole_is_pending() -> None:
    records, messages = Records(), Messages()
    assert list(records.feed(b"\x16\3\3\0\5abcd")) == []
    assert records.pending
    assert list(messages.feed(b"\2\0\0\5abcd")) == []
    assert messages.pending


@pytest.mark.parametrize(
    "header", [b"\x13\3\3\0\0", b"\x19\3\3\0\0", b"\x16\2\0\0\0", b"\x16\3\3\xff\xff", b"220 m", b"* OK "]
)
def test_a_header_that_is_no_record_s_is_garbled_at_once(header: bytes) -> None:
    with pytest.raises(GarbledReply, match="not TLS"):
        list(Records().feed(header))


def test_the_longest_record_and_message_are_read_and_no_longer_ones() -> None:
    longest = bytes([ALERT, 3, 3]) + MOST_IN_RECORD.to_bytes(2, "big")
    assert list(Records().feed(longest + bytes(MOST_IN_RECORD))) == [(ALERT, bytes(MOST_IN_RECORD))]
    with pytest.raises(GarbledReply):
        list(Records().feed(bytes([ALERT, 3, 3]) + (MOST_IN_RECORD + 1).to_bytes(2, "big")))
    assert len(list(Messages().feed(message(11, bytes(MOST_IN_MESSAGE))))) == 1
    with pytest.raises(GarbledReply):
        list(Messages().feed(b"\x0b" + (MOST_IN_MESSAGE + 1).to_bytes(3, "big")))


def test_the_first_message_is_found_behind_any_cut() -> None:
    said = record(HANDSHAKE, message(2, b"abc"), 0x0303)
    assert first_message(said + b"more") == (2, b"abc")
    assert first_message(said[:-1]) is None
    assert first_message(record(HANDSHAKE, b"\2\0", 0x0303) + record(HANDSHAKE, b"\0\3abc", 0x0303)) == (2, b"abc")
    assert first_message(record(ALERT, b"\2\x28", 0x0303) + said) is None
