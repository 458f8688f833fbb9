"""What the bytes of a handshake show of sessions: built by hand, so that a server may lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailproof.errors import GarbledReply
from mailproof.wire.tickets import Shown, Ticket, offered_session, shown
from mailproof.wire.tls.octets import pairs, vector
from mailproof.wire.tls.records import HANDSHAKE, record

CHANCE = bytes(32)
SESSION = b"s" * 32
SEALED = b"k" * 16 + b"sealed" * 20
TICKET, PSK, VERSIONS = 35, 41, 43
CCS = record(20, b"\1", 0x0303)
TLS_1_3 = {VERSIONS: b"\3\4"}


def _extensions(found: dict[int, bytes]) -> bytes:
    return vector(2, b"".join(pairs((kind,)) + vector(2, data) for kind, data in found.items()))


def _message(kind: int, body: bytes) -> bytes:
    return record(HANDSHAKE, bytes([kind]) + vector(3, body), 0x0303)


def _hello(session: bytes = b"", found: dict[int, bytes] | None = None) -> bytes:
    body = b"\3\3" + CHANCE + vector(1, session) + vector(2, b"\xc0\x2f") + vector(1, b"\0")
    return _message(1, body + _extensions(found or {}))


def _server(session: bytes = b"", found: dict[int, bytes] | None = None) -> bytes:
    return _message(2, b"\3\3" + CHANCE + vector(1, session) + b"\xc0\x2f\0" + _extensions(found or {}))


def _given(lifetime: int = 7200, sealed: bytes = SEALED) -> bytes:
    return _message(4, lifetime.to_bytes(4, "big") + vector(2, sealed))


DONE = _message(14, b"")
NEW = _server(b"new") + _message(11, b"\0\0\0") + DONE


@pytest.mark.parametrize(
    ("hello", "how"),
    [
        (_hello(), None),
        (_hello(found={TICKET: b""}), None),
        (_hello(SESSION), "session id"),
        (_hello(SESSION, {TICKET: SEALED}), "ticket"),
        (_hello(SESSION, {VERSIONS: b"\2\3\4"}), None),  # chance, for the sake of old middleboxes
        (_hello(SESSION, {VERSIONS: b"\2\3\4", PSK: b"x"}), "pre-shared key"),
    ],
)
def test_what_a_hello_offers(hello: bytes, how: str | None) -> None:
    assert offered_session(hello)[0] == how


@pytest.mark.parametrize("junk", [b"", b"\x16\3\3\0\1\2", _server(), _hello()[:40]])
def test_no_hello_is_garbled(junk: bytes) -> None:
    with pytest.raises(GarbledReply):
        offered_session(junk)


@pytest.mark.parametrize(
    ("hello", "answer", "expected"),
    [
        (_hello(), NEW + _given() + CCS, Shown(None, False, True, Ticket(7200, b"k" * 16, len(SEALED)))),
        (_hello(), _server() + DONE + _given(sealed=b"") + CCS, Shown()),
        (_hello(SESSION), NEW + CCS, Shown("session id", False, True)),
        (_hello(SESSION), _server(SESSION) + CCS, Shown("session id", True, True)),
        (_hello(SESSION, {TICKET: SEALED}), _server(SESSION) + _given(0) + CCS,
         Shown("ticket", True, True, Ticket(0, b"k" * 16, len(SEALED)))),
        (_hello(SESSION, {VERSIONS: b"\2\3\4", PSK: b"x"}), _server(SESSION, {**TLS_1_3, PSK: b"\0\0"}) + CCS,
         Shown("pre-shared key", True)),
        (_hello(SESSION, {VERSIONS: b"\2\3\4", PSK: b"x"}), _server(SESSION, TLS_1_3) + CCS, Shown("pre-shared key")),
        (_hello(SESSION, {VERSIONS: b"\2\3\4", PSK: b"x"}),
         _server(SESSION, TLS_1_3) + CCS + _server(SESSION, {**TLS_1_3, PSK: b"\0\0"}), Shown("pre-shared key", True)),
    ],
)  # fmt: skip
def test_what_a_handshake_shows(hello: bytes, answer: bytes, expected: Shown) -> None:
    assert shown(hello, answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        DONE,
        _server(SESSION) + DONE + CCS,  # takes the session up, and begins a new one
        _server(b"another") + CCS,  # begins a new one, and ends it at once
        _server(b"") + CCS,
        _server(SESSION)[:30],
    ],
)
def test_a_contradiction_is_garbled_and_never_not_resumed(answer: bytes) -> None:
    with pytest.raises(GarbledReply):
        shown(_hello(SESSION), answer)


def test_what_is_encrypted_is_not_read() -> None:
    """Behind the change of cipher a record of the handshake's type is the encrypted Finished."""
    assert shown(_hello(SESSION), _server(SESSION) + CCS + record(HANDSHAKE, b"\xff" * 40, 0x0303)).resumed


def test_a_ticket_shows_its_key_and_nothing_of_what_is_sealed() -> None:
    ticket = shown(_hello(), NEW + _given() + CCS).ticket
    assert (b"k" * 16).hex() in str(ticket)
    assert b"sealed".hex() not in repr(ticket)
    assert "sealed" not in repr(ticket)


@given(st.binary(max_size=200))
def test_whatever_comes_is_shown_or_garbled(junk: bytes) -> None:
    for answer in (junk, _server(SESSION) + junk, NEW + junk):
        try:
            shown(_hello(SESSION), answer)
        except GarbledReply:
            continue
