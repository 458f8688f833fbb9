"""A ClientHello by numbers: what is written can be read back, and what cannot be written is not sent."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL

from mailproof.errors import CannotOffer, GarbledReply
from mailproof.wire.stream import outgoing
from mailproof.wire.tls.clienthello import (
    ALL_SIGNATURES,
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    KEY_SHARE,
    NONCE,
    POINT_FORMATS,
    PSK_MODES,
    RENEGOTIATION_INFO,
    SERVER_NAME,
    SESSION_TICKET,
    SIGNATURE_ALGORITHMS,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    ClientHello,
    client_hello,
    extensions,
)
from mailproof.wire.tls.groups import ALL_GROUPS
from mailproof.wire.tls.records import first_message
from mailproof.wire.tls.registry import SUITES
from mailproof.wire.tls.suites import SIGNALS
from tests.unit.wire.stubs import extension, message, record, two, vector

OLD = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2")
VERSIONS = (*OLD, "TLSv1.3")
MODERN = ClientHello(("TLSv1.3", "TLSv1.2"), (0x1301, 0xC02F), (29, 23), shares=(29,), ticket=b"")
CHANCE = bytes(range(NONCE))

HELLOS = st.builds(
    ClientHello,
    versions=st.lists(st.sampled_from(VERSIONS), min_size=1, unique=True).map(tuple),
    suites=st.lists(st.integers(0, 0xFFFF).filter(lambda number: number not in SIGNALS), min_size=1).map(tuple),
    groups=st.lists(st.integers(0, 0xFFFF)).map(tuple),
    signatures=st.lists(st.integers(0, 0xFFFF)).map(tuple),
    server_name=st.none() | st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x21), max_size=40),
    shares=st.lists(st.sampled_from([29, 23, 30, 256, 4587, 4588, 4589]), max_size=4).map(tuple),
    ticket=st.none() | st.binary(max_size=40),
    extended_master_secret=st.booleans(),
    encrypt_then_mac=st.booleans(),
    renegotiation_info=st.booleans(),
    compressions=st.lists(st.integers(0, 255), min_size=1, max_size=3).map(tuple),
)


def as_it_can_be_read(hello: ClientHello) -> ClientHello:
    """What of a hello its versions have words for: the newest alone before TLS 1.3, no extensions in SSL 3."""
    old, new = hello.versions != ("TLSv1.3",), "TLSv1.3" in hello.versions
    bare = hello.newest == "SSLv3"
    return replace(
        hello, versions=hello.versions if new else (hello.newest,), groups=() if bare else hello.groups,
        signatures=hello.signatures if hello.newest in ("TLSv1.2", "TLSv1.3") else (),
        server_name=None if bare else hello.server_name, shares=hello.shares if new else (),
        ticket=None if bare else hello.ticket, extended_master_secret=hello.extended_master_secret and old and not bare,
        encrypt_then_mac=hello.encrypt_then_mac and old and not bare,
        renegotiation_info=hello.renegotiation_info and old,
    )  # fmt: skip


def sent(hello: ClientHello) -> dict[int, bytes]:
    """The extensions of an encoded hello."""
    found = first_message(hello.encode(CHANCE))
    assert found is not None
    body = found[1]
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at : at + 2], "big")
    return extensions(body[at + 1 + body[at] :])


@settings(max_examples=40, deadline=None)
@given(HELLOS)
def test_what_is_written_can_be_read_back(hello: ClientHello) -> None:
    assert client_hello(hello.encode(CHANCE)) == as_it_can_be_read(hello)


@pytest.mark.parametrize("version", OLD)
def test_an_old_hello_with_everything_in_it(version: str) -> None:
    hello = ClientHello((version,), tuple(SUITES), ALL_GROUPS)
    assert client_hello(hello.encode(CHANCE)) == as_it_can_be_read(hello)


def test_the_bytes_of_chance_are_the_random_and_the_session() -> None:
    assert CHANCE[:32] in MODERN.encode(CHANCE)
    assert CHANCE[32:] in MODERN.encode(CHANCE)
    assert CHANCE[32:] not in replace(MODERN, versions=("TLSv1.2",)).encode(CHANCE)


@pytest.mark.parametrize(
    ("versions", "numbers"),
    [
        (("SSLv3",), b"\x03\x00 \x03\x00"), (("TLSv1",), b"\x03\x01 \x03\x01"),
        (("TLSv1.1", "TLSv1"), b"\x03\x01 \x03\x02"),
        (("TLSv1.2",), b"\x03\x01 \x03\x03"), (("TLSv1.3",), b"\x03\x01 \x03\x03"), (VERSIONS, b"\x03\x01 \x03\x03"),
    ],
)  # fmt: skip
def test_the_record_and_the_hello_name_the_versions_that_every_server_bears(
    versions: tuple[str, ...], numbers: bytes
) -> None:
    data = replace(MODERN, versions=versions).encode(CHANCE)
    assert data[1:3] + b" " + data[9:11] == numbers


EVERY = replace(MODERN, server_name="mail.test")
COMMON = {SERVER_NAME, SUPPORTED_GROUPS, SESSION_TICKET}
BEFORE_1_3 = {POINT_FORMATS, ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, RENEGOTIATION_INFO}
SINCE_1_3 = {SUPPORTED_VERSIONS, PSK_MODES, KEY_SHARE}


@pytest.mark.parametrize(
    ("hello", "kinds"),
    [
        (replace(EVERY, versions=("SSLv3",)), set()),
        (replace(EVERY, versions=("TLSv1",)), COMMON | BEFORE_1_3),
        (replace(EVERY, versions=("TLSv1.2",)), COMMON | BEFORE_1_3 | {SIGNATURE_ALGORITHMS}),
        (replace(EVERY, versions=("TLSv1.3",)), COMMON | SINCE_1_3 | {SIGNATURE_ALGORITHMS}),
        (EVERY, COMMON | BEFORE_1_3 | SINCE_1_3 | {SIGNATURE_ALGORITHMS}),
        (ClientHello(("TLSv1.2",), (0x2F,), signatures=(), extended_master_secret=False, encrypt_then_mac=False,
                     renegotiation_info=False), set()),
    ],
    ids=["SSLv3", "TLSv1", "TLSv1.2", "TLSv1.3", "both", "bare"],
)  # fmt: skip
def test_every_version_has_its_own_extensions(hello: ClientHello, kinds: set[int]) -> None:
    assert set(sent(hello)) == kinds


def test_ssl_3_signals_secure_renegotiation_by_a_suite() -> None:
    hello = ClientHello(("SSLv3",), (0x0005,))
    assert b"\x00\x04\x00\x05\x00\xff" in hello.encode(CHANCE)
    assert b"\x00\xff" not in replace(hello, renegotiation_info=False).encode(bytes(NONCE))
    assert first_message(hello.encode(CHANCE)) is not None


def test_without_a_share_tls_1_3_still_asks_which_group() -> None:
    assert sent(replace(MODERN, shares=()))[KEY_SHARE] == b"\0\0"


def test_ssl_2_has_a_hello_of_its_own() -> None:
    hello = ClientHello(("SSLv2",), (0x010080, 0x0700C0))
    body = b"\x01\x00\x02" + two(6, 0, 16) + bytes.fromhex("0100800700c0") + CHANCE[:16]
    assert hello.encode(CHANCE) == two(0x8000 | len(body)) + body
    with pytest.raises(GarbledReply):
        client_hello(hello.encode(CHANCE))


@pytest.mark.parametrize(
    ("hello", "words"),
    [
        (replace(MODERN, suites=()), "no suite"),
        (replace(MODERN, suites=tuple(range(0x8000))), "does not fit"),
        (replace(MODERN, groups=tuple(range(0x8000))), "does not fit"),
        (replace(MODERN, signatures=ALL_SIGNATURES * 3000), "does not fit"),
        (replace(MODERN, ticket=bytes(0x10000)), "does not fit"),
        (replace(MODERN, ticket=bytes(0xFFFF)), "does not fit"),
        (replace(MODERN, server_name="m" * 0x10000), "does not fit"),
        (replace(MODERN, server_name="münchen.test"), "A-labels"),
        (replace(MODERN, compressions=(0,) * 256), "does not fit"),
        (replace(MODERN, compressions=(256,)), "does not fit"),
        (replace(MODERN, suites=(0x010080,)), "does not fit"),
        (replace(MODERN, suites=(-1,)), "does not fit"),
        (replace(MODERN, groups=(0x10000,)), "does not fit"),
        (replace(MODERN, shares=(24, 999)), "no key share"),
        (ClientHello(("SSLv2",), (0x1000000,)), "does not fit"),
        (ClientHello(("SSLv2",), (0x010080,) * 11000), "does not fit"),
        (ClientHello(("SSLv2",), (0x010080,) * 30000), "does not fit"),
    ],
)
def test_what_does_not_fit_is_not_sent(hello: ClientHello, words: str) -> None:
    with pytest.raises(CannotOffer, match=words):
        hello.encode(CHANCE)


@pytest.mark.parametrize("versions", [(), ("TLSv1.4",), ("SSLv2", "TLSv1"), ("0x7F1C",)])
def test_versions_that_no_hello_can_offer(versions: tuple[str, ...]) -> None:
    with pytest.raises(CannotOffer):
        ClientHello(versions, (0x2F,))


@pytest.mark.parametrize(
    ("offered", "allowed"),
    [
        (("TLSv1.2",), OLD), (("TLSv1.1",), OLD[:3]), (("SSLv3",), OLD[:1]), (("SSLv2",), ("SSLv2",)),
        (("TLSv1.3",), ("TLSv1.3",)),
        (("TLSv1.3", "TLSv1"), ("TLSv1", "TLSv1.3")),
    ],
)  # fmt: skip
def test_what_a_server_may_answer_with(offered: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    hello = replace(MODERN, versions=offered)
    assert tuple(version for version in ("SSLv2", *VERSIONS, "0x0305") if hello.allows(version)) == allowed


def test_a_hello_has_a_name() -> None:
    assert str(MODERN) == "TLSv1.3, TLSv1.2; 2 suites, 2 groups"
    assert str(replace(MODERN, name="modern")) == "modern"
    assert replace(MODERN, name="modern") == MODERN
    assert MODERN.naming("mail.test").server_name == "mail.test"


VERSION_NUMBERS = {"TLSv1": SSL.TLS1_VERSION, "TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}


@pytest.mark.parametrize(
    ("oldest", "newest", "versions"),
    [("TLSv1", "TLSv1", {"TLSv1"}), ("TLSv1.2", "TLSv1.2", {"TLSv1.2"}), ("TLSv1.3", "TLSv1.3", {"TLSv1.3"}),
     ("TLSv1.2", "TLSv1.3", {"TLSv1.2", "TLSv1.3"})],
)  # fmt: skip
def test_what_openssl_really_sends_is_read(oldest: str, newest: str, versions: set[str]) -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(VERSION_NUMBERS[oldest])
    context.set_max_proto_version(VERSION_NUMBERS[newest])
    context.set_cipher_list(b"ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
    client = SSL.Connection(context, None)
    client.set_tlsext_host_name(b"mail.test")
    client.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        client.do_handshake()
    hello = client_hello(outgoing(client))
    assert set(hello.versions) == versions
    assert hello.server_name == "mail.test"
    assert {29, 23} <= set(hello.groups)
    assert set(hello.suites) >= ({0x1301} if newest == "TLSv1.3" else {0xC013})
    assert bool(hello.shares) == (newest == "TLSv1.3")
    assert set(hello.shares) <= set(hello.groups)
    assert bool(hello.signatures) == (newest != "TLSv1")
    assert hello.extended_master_secret or oldest == "TLSv1.3"
    assert not SIGNALS & set(hello.suites)
    assert client_hello(hello.encode(CHANCE)) == as_it_can_be_read(hello)


EXTENSIONS = (
    extension(SERVER_NAME, vector(2, b"\0" + vector(2, b"mail.test")))
    + extension(SUPPORTED_GROUPS, vector(2, two(29, 23)))
    + extension(SUPPORTED_VERSIONS, vector(1, two(0x7A7A, 0x0304, 0x0303)))
)
BODY = b"\3\3" + bytes(32) + b"\0" + vector(2, two(0x1301, 0x9C, 0xFF, 0x5600)) + b"\1\0"
HELLO = message(1, BODY + vector(2, EXTENSIONS))


def test_a_hello_is_read_from_one_record_or_many() -> None:
    expected = ClientHello(
        ("TLSv1.3", "TLSv1.2"), (0x1301, 0x9C), (29, 23), "", (), "mail.test", extended_master_secret=False,
        encrypt_then_mac=False,
    )  # fmt: skip
    assert client_hello(record(HELLO)) == expected
    assert client_hello(b"".join(record(HELLO[at : at + 7]) for at in range(0, len(HELLO), 7))) == expected


def test_a_hello_without_extensions_offers_its_legacy_version() -> None:
    bare = message(1, b"\3\2" + bytes(32) + b"\0" + vector(2, two(0x2F)) + b"\1\0")
    hello = client_hello(record(bare))
    assert (hello.versions, hello.suites, hello.groups, hello.server_name) == (("TLSv1.1",), (0x2F,), (), None)
    assert not (hello.renegotiation_info or hello.extended_master_secret or hello.encrypt_then_mac)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"EHLO mail.test\r\n", record(HELLO)[:-1], record(message(2, BODY)), record(b"\2\x28", 21),
        record(message(1, b"\3\3" + bytes(31))), record(message(1, b"\x7f\x1c" + BODY[2:])),
        record(message(1, BODY + vector(2, EXTENSIONS) + b"x")), record(message(1, BODY + vector(2, EXTENSIONS * 2))),
        record(message(1, BODY + vector(2, extension(SUPPORTED_GROUPS, b"\0\3\0\0\0")))),
        record(message(1, BODY + vector(2, extension(SERVER_NAME, b"\0")))),
        record(message(1, BODY + vector(2, extension(SUPPORTED_VERSIONS, b"\4\0\2\3\4")))),
    ],
    ids=["nothing", "text", "cut", "ServerHello", "alert", "short", "version", "behind", "twice", "odd", "name", "SSL"],
)  # fmt: skip
def test_what_is_no_hello_is_garbled(data: bytes) -> None:
    with pytest.raises(GarbledReply):
        client_hello(data)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(HELLO) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_no_bytes_whatever_raise_anything_else(changes: list[tuple[int, int]]) -> None:
    spoilt = bytearray(HELLO)
    for at, byte in changes:
        spoilt[at] = byte
    with suppress(GarbledReply):
        client_hello(record(bytes(spoilt)))
