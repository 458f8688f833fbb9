"""A transcript shows everything but secrets, and nothing that could act on the reader's terminal."""

from __future__ import annotations

import base64

import pytest

from mailproof.wire.mail.reply import Reply
from mailproof.wire.mail.transcript import Transcript


def test_speakers_are_told_apart_line_by_line() -> None:
    said = Transcript()
    said.received(b"220-a\r\n22")
    said.received(b"0 b\r\n")
    said.sent(b"EHLO x\r\n")
    said.note("TLS\nagreed")
    assert str(said) == "< 220-a\n< 220 b\n> EHLO x\n* TLS\n* agreed"


def test_control_characters_are_escaped() -> None:
    said = Transcript()
    said.received(b"220 \x1b[31mred\x00\r\n")
    assert str(said) == r"< 220 \x1b[31mred\x00"


SECRET = 'p"a\\ss wörd'
SHAPES = [
    SECRET.encode(),
    rb"p\"a\\ss w" + "ö".encode() + b"rd",
    base64.b64encode(SECRET.encode()),
    base64.b64encode(f"\0ann\0{SECRET}".encode()),
    base64.b64encode(f"ann\0ann\0{SECRET}".encode()),
    SECRET.encode().hex().encode(),
    SECRET.encode().hex().upper().encode(),
]


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_a_secret_is_hidden_in_every_shape_and_however_it_is_split(shape: bytes) -> None:
    said = Transcript()
    said.hide("ann", SECRET)
    for byte in b"500 you said " + shape + b"\r\n":
        said.received(bytes([byte]))
    assert str(said) == "< 500 you said (hidden)"


def test_a_reply_that_repeats_a_secret_is_cleaned() -> None:
    said = Transcript()
    said.hide("ann", "open")
    reply = said.clean(Reply("500", ("what is open",), b"500 what is open\r\n"))
    assert reply == Reply("500", ("what is (hidden)",), b"500 what is (hidden)\r\n")


def test_an_empty_password_hides_nothing() -> None:
    said = Transcript()
    said.hide("ann", "")
    said.sent(b"NOOP\r\n")
    assert str(said) == "> NOOP"
