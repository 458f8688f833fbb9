"""Sessions offered again to real TLS servers on loopback: what is resumed, what is not, and what is no answer."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from OpenSSL import SSL

from mailproof.errors import CannotOffer, MailproofError
from mailproof.model import Protocol, Security
from mailproof.wire.answers import Agreed
from mailproof.wire.kept import Resumable
from mailproof.wire.offers import Offer
from mailproof.wire.peer import Peer
from mailproof.wire.resumption import OFFERS, resumption
from mailproof.wire.stream import SocketStream
from mailproof.wire.tickets import How

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]
ServerContext = Callable[..., SSL.Context]
TlsScript = Callable[[SSL.Context, Callable[[SSL.Connection], None]], Script]
Ask = Callable[[Offer], Agreed]

HOWS: tuple[How, ...] = ("ticket", "session id", "pre-shared key")
KEY_NAME = 16


def _mail(connection: SSL.Connection) -> None:
    """Enough of POP3 for a session that ends in order."""
    for reply in (b"+OK\r\n", b"+OK\r\n.\r\n", b"+OK\r\n"):
        connection.sendall(reply)
        with suppress(SSL.ZeroReturnError):
            connection.recv(1024)
    connection.shutdown()  # or the server's cache would drop the session


@pytest.fixture
def asking(serve: Serve, tls_script: TlsScript) -> Callable[..., Ask]:
    """Asks a mail server; of several contexts each connection gets the next one."""

    def make(*contexts: SSL.Context) -> Ask:
        left = list(contexts)

        def script(connected: socket.socket) -> None:
            context = left.pop(0) if len(left) > 1 else left[0]
            tls_script(context, _mail)(connected)

        port = serve(script)
        peer = Peer.at("127.0.0.1", port, Protocol.POP3, Security.IMPLICIT, "probe.test", 5)

        def ask(offer: Offer) -> Agreed:
            answer = peer.offer(offer)
            assert isinstance(answer, Agreed)
            return answer

        return ask

    return make


@pytest.mark.parametrize("how", HOWS)
def test_a_server_that_keeps_its_keys_resumes(
    asking: Callable[..., Ask], server_context: ServerContext, how: How
) -> None:
    found = resumption(asking(server_context()), how)
    assert found.given
    assert found.resumed
    assert found.version == ("TLSv1.3" if how == "pre-shared key" else "TLSv1.2")
    assert bool(found.tickets) == (how == "ticket")


@pytest.mark.parametrize("how", HOWS)
def test_a_server_with_new_keys_does_not_resume(
    asking: Callable[..., Ask], server_context: ServerContext, how: How
) -> None:
    found = resumption(asking(server_context(), server_context()), how)
    assert found.given
    assert not found.resumed
    assert len(set(found.keys)) == len(found.keys) == (2 if how == "ticket" else 0)


def test_a_resumed_tls_1_3_session_has_fresh_keys(asking: Callable[..., Ask], server_context: ServerContext) -> None:
    assert resumption(asking(server_context()), "pre-shared key").group


def test_a_ticket_is_known_by_its_key_and_lifetime(asking: Callable[..., Ask], server_context: ServerContext) -> None:
    context = server_context()
    context.set_timeout(1234)
    ask = asking(context)
    first, second = resumption(ask, "ticket"), resumption(ask, "ticket")
    assert {len(key) for key in first.keys} == {KEY_NAME}
    assert set(first.keys) == set(second.keys)
    assert {ticket.lifetime for ticket in first.tickets} == {1234}
    assert first.keys[0].hex() in str(first)


def test_a_server_without_tickets_gives_nothing_to_resume_by(
    asking: Callable[..., Ask], server_context: ServerContext
) -> None:
    context = server_context()
    context.set_options(SSL.OP_NO_TICKET)
    found = resumption(asking(context), "ticket")
    assert (found.given, found.resumed, found.tickets) == (False, False, ())


def test_a_server_without_a_cache_gives_no_session_id(
    asking: Callable[..., Ask], server_context: ServerContext
) -> None:
    context = server_context()
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    found = resumption(asking(context), "session id")
    assert (found.given, found.resumed) == (False, False)


def test_a_session_that_is_not_in_the_hello_is_an_error(
    asking: Callable[..., Ask], server_context: ServerContext
) -> None:
    """A session of TLS 1.2 by id has no place in the hello of a context that was closed to it."""
    ask = asking(server_context())

    def without(offer: Offer) -> Agreed:
        return ask(replace(offer, session=None) if isinstance(offer, Resumable) else offer)

    with pytest.raises(CannotOffer, match="offered the session by None"):
        resumption(without, "ticket")


def test_a_session_that_the_library_withholds_is_an_error_before_a_byte_is_sent(
    asking: Callable[..., Ask], server_context: ServerContext, serve: Serve
) -> None:
    """TLS 1.3 without a ticket: there is a session, and nothing of it can be offered."""
    context = server_context()
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    answer = asking(context)(replace(OFFERS["ticket"], tickets=False))
    assert answer.kept is not None
    heard: list[bytes] = []
    port = serve(lambda connected: heard.append(connected.recv(1)))
    peer = Peer("pop3", Security.IMPLICIT, lambda deadline: SocketStream.connect("127.0.0.1", port, deadline), "x", 5)  # type: ignore[arg-type]
    with pytest.raises(CannotOffer, match="would not offer the session"):
        peer.offer(OFFERS["ticket"].resuming(answer.kept.held()))
    assert not b"".join(heard)


def test_secrets_of_a_session_reach_no_text(asking: Callable[..., Ask], server_context: ServerContext) -> None:
    answer = asking(server_context())(OFFERS["ticket"])
    assert answer.kept is not None
    resuming = OFFERS["ticket"].resuming(answer.kept.held())
    secret = answer.kept._connection.master_key()
    said = f"{answer!r} {answer.kept!r} {resuming!r} {answer.transcript}"
    assert secret
    assert secret.hex() not in said.lower()
    assert repr(secret) not in said
    assert "session=" not in said
    assert "kept=" not in said


def test_every_way_of_failing_is_typed() -> None:
    def broken(offer: Offer) -> Agreed:
        return Agreed("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384")

    for how in HOWS[:2]:
        with pytest.raises(MailproofError, match="nobody looked"):
            resumption(broken, how)
