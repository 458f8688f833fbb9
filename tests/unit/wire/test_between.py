"""What stands between a client and a service does what it is for: STARTTLS is gone, or TLS is the box's own."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from OpenSSL import SSL

from mailproof.errors import Declined
from mailproof.model import Protocol, Security
from mailproof.pki import Leaf
from mailproof.wire.answers import Refused
from mailproof.wire.asking import hello_of
from mailproof.wire.hellos import STATIC_RSA
from mailproof.wire.middlebox import Middlebox
from mailproof.wire.offers import MODERN
from mailproof.wire.peer import Peer
from mailproof.wire.tls.chosen import Chosen

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]
Between = Callable[[str, Protocol, Security, Script], Peer]

OFFERED = {
    Protocol.SMTP: (b"220 mx\r\n", {b"EHLO": b"250-mx\r\n250-STARTTLS\r\n250 SIZE\r\n"}),
    Protocol.IMAP: (b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n",
                    {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS LITERAL+\r\n%t OK\r\n"}),
    Protocol.POP3: (b"+OK\r\n", {b"CAPA": b"+OK\r\nUIDL\r\nSTLS\r\n.\r\n"}),
    Protocol.SIEVE: (b'"SIEVE" "x"\r\n"STARTTLS"\r\nOK\r\n', {}),
}  # fmt: skip
YES = {Protocol.SMTP: b"220 go\r\n", Protocol.IMAP: b"%t OK go\r\n", Protocol.POP3: b"+OK go\r\n",
       Protocol.SIEVE: b"OK go\r\n"}  # fmt: skip
BEGINS = (b"STARTTLS", b"STLS")


def _offers(protocol: Protocol, then: Script) -> Script:
    """A server that offers STARTTLS, and does it."""
    greeting, answers = OFFERED[protocol]

    def script(connected: socket.socket) -> None:
        connected.sendall(greeting)
        with connected.makefile("rb") as lines:
            for line in lines:
                words = line.upper().split()
                tag, word = (line.split()[0], words[1]) if protocol is Protocol.IMAP else (b"", words[0])
                said = YES[protocol] if word in BEGINS else answers.get(word, b"%t OK\r\n")
                connected.sendall(said.replace(b"%t", tag))
                if word in BEGINS:
                    break
        then(connected)

    return script


@pytest.fixture
def between(serve: Serve, rsa_leaf: Leaf) -> Iterator[Between]:
    """A client's view of a server behind a box."""
    with ExitStack() as ends:

        def start(kind: str, protocol: Protocol, security: Security, script: Script) -> Peer:
            behind = ("127.0.0.1", serve(script))
            box = Middlebox(kind, protocol, behind, rsa_leaf.cert_pem, rsa_leaf.key_pem, security)
            ends.callback(box.close)
            return Peer.at(*box.address, protocol, security, "probe.test", 5)

        yield start


@pytest.mark.parametrize("protocol", OFFERED)
def test_starttls_is_stripped_from_what_is_offered_and_refused(between: Between, protocol: Protocol) -> None:
    peer = between("stripping", protocol, Security.STARTTLS, _offers(protocol, lambda _: None))
    with peer.session() as session:
        assert not session.offers_starttls
        assert session.capabilities
        reply = session.command(session.starttls_word)
    assert not reply.ok
    with pytest.raises(Declined, match="is not among the capabilities"):
        peer.offer(MODERN)


def test_a_list_that_ends_with_starttls_ends_one_line_earlier(between: Between) -> None:
    def script(connected: socket.socket) -> None:
        connected.sendall(b"220 mx\r\n")
        with connected.makefile("rb") as lines:
            for _ in lines:
                connected.sendall(b"250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n")

    with between("stripping", Protocol.SMTP, Security.STARTTLS, script).session() as session:
        assert set(session.capabilities) == {"SIZE"}


def test_what_is_under_tls_from_the_first_byte_is_handed_through(
    between: Between, tls_script: Callable[..., Script], server_context: Callable[..., SSL.Context]
) -> None:
    script = tls_script(server_context(), lambda _: None)
    answer = between("stripping", Protocol.IMAP, Security.IMPLICIT, script).probe(hello_of("TLSv1.3"))
    assert isinstance(answer, Chosen)
    assert answer.version == "TLSv1.3"


@pytest.mark.parametrize("protocol", OFFERED)
def test_tls_is_the_box_s_own_after_starttls(
    between: Between, tls_script: Callable[..., Script], server_context: Callable[..., SSL.Context], protocol: Protocol
) -> None:
    """The server behind knows no static RSA, the box prefers it."""
    inside = tls_script(server_context(), lambda _: None)
    answer = between("terminating", protocol, Security.STARTTLS, _offers(protocol, inside)).probe(STATIC_RSA)
    assert isinstance(answer, Chosen)
    assert not answer.forward_secret


def test_tls_is_the_box_s_own_from_the_first_byte(
    between: Between, tls_script: Callable[..., Script], server_context: Callable[..., SSL.Context]
) -> None:
    script = tls_script(server_context(), lambda _: None)
    peer = between("terminating", Protocol.IMAP, Security.IMPLICIT, script)
    assert isinstance(peer.probe(STATIC_RSA), Chosen)
    assert isinstance(peer.probe(hello_of("TLSv1.3")), Refused)


def test_what_the_service_says_reaches_the_client_and_back(
    between: Between, tls_script: Callable[..., Script], server_context: Callable[..., SSL.Context]
) -> None:
    def echo(secured: SSL.Connection) -> None:
        secured.sendall(b"* OK hello\r\n")
        while line := secured.recv(4096):
            tag = line.split()[0]
            secured.sendall(b"* CAPABILITY IMAP4rev1 MARK\r\n" + tag + b" OK done\r\n")

    script = tls_script(server_context(), echo)
    with between("terminating", Protocol.IMAP, Security.IMPLICIT, script).session(MODERN.only("TLSv1.2")) as session:
        assert "MARK" in session.capabilities
        assert session.command("NOOP").ok
