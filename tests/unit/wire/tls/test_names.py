"""Names that a peer wrote: readable, and never believed to be more than they are."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from mailproof.wire.tls.names import distinguished_name
from tests.unit.wire.stubs import attribute, named

NAME, FIRM = "550403", "55040a"


def test_what_a_library_writes_is_read() -> None:
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Grün & Söhne"),
        x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "test"), x509.NameAttribute(NameOID.COMMON_NAME, "mail.test"),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "7"),
    ])  # fmt: skip
    assert distinguished_name(name.public_bytes()) == "C=DE,O=Grün & Söhne,DC=test,CN=mail.test,550405=7"


@pytest.mark.parametrize(
    ("der", "shown"),
    [
        (named(attribute(NAME, "ä€".encode("utf-16-be"), 0x1E)), "CN=ä€"),
        (named(attribute(NAME, b"\xd8\x00\x41", 0x1E)), "CN=\N{REPLACEMENT CHARACTER}"),
        (named(attribute(NAME, b"a,O=Trusted")), r"CN=a\,O\=Trusted"),
        (named(attribute(NAME, rb"a\x00")), r"CN=a\\x00"),
        (named(attribute(NAME, b"a\0b\x1b[2J\r\n")), r"CN=a\x00b\x1b[2J\r\n"),
        (named(attribute(NAME, "\N{RIGHT-TO-LEFT OVERRIDE}x".encode())), r"CN=\u202ex"),
        (named(attribute(NAME, b"\xff\xfe")), r"CN=\xff\xfe"),
        (named(attribute("2a03", b"x"), attribute(FIRM, b"")), "2a03=x,O="),
        (named(attribute(FIRM, b"x" * 200)[:2] + attribute(FIRM, b"x" * 200)[2:]), "#"),
        (named(), "(an empty name)"),
        (named(b"\x31\0"), "(an empty name)"),
    ],
)  # fmt: skip
def test_odd_names_are_shown_as_they_are(der: bytes, shown: str) -> None:
    assert distinguished_name(der).startswith(shown)
    assert distinguished_name(der).isprintable()


@pytest.mark.parametrize(
    "der",
    [
        b"", b"?", b"\x30", b"\x30\x80\0\0", b"\x30\x84\xff\xff\xff\xff", b"\x30\x05\x31\x03", b"\x30\x02\x30\0",
        b"\x31\x00", named(attribute(NAME, b"x")) + b"x", b"\x30\x81", b"\x30\x82\xff", named(b"\x31\x02\x30\x00"),
        named(b"\x31\x06\x30\x04\x06\x02\x55\x04"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_shown_in_hexadecimal(der: bytes) -> None:
    assert distinguished_name(der) == f"#{der.hex()}"


def test_a_name_of_endless_nesting_is_no_name() -> None:
    assert distinguished_name(b"\x30\x82\xff\xfc" * 16000).startswith("#3082")
    assert len(distinguished_name(b"\x30\x82\xff\xfc" * 16000)) < 200


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_give_one_printable_line(data: bytes) -> None:
    assert distinguished_name(data).isprintable()
    assert distinguished_name(named(attribute(NAME, data))).isprintable()
