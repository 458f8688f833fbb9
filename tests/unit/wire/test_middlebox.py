"""The careless middlebox is as careless as it claims: what it breaks is seen through it, and not without it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from OpenSSL import SSL

from mailproof.model import Protocol, Security
from mailproof.pki import Leaf
from mailproof.wire.answers import Agreed
from mailproof.wire.asking import hello_of
from mailproof.wire.facts import TLS_1_2_HELLO
from mailproof.wire.gate import agreements_to
from mailproof.wire.injection import Injected, fall_back, inject
from mailproof.wire.middlebox import Middlebox
from mailproof.wire.offers import MODERN, ClientCertificate
from mailproof.wire.peer import Peer
from mailproof.wire.session import Session
from mailproof.wire.smuggling import Smuggled, smuggle
from mailproof.wire.tls.chosen import Chosen

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]

SMTP = {
    b"EHLO": b"250-mx\r\n250 STARTTLS\r\n",
    b"STARTTLS": b"220 go\r\n",
    b"DATA": b"354 go\r\n",
    b"QUIT": b"221 bye\r\n",
}
IMAP = {b"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%t OK\r\n", b"NOOP": b"%t OK\r\n",
        b"LOGOUT": b"* BYE\r\n%t OK\r\n"}  # fmt: skip
POP3 = {b"CAPA": b"+OK\r\nSTLS\r\n.\r\n", b"NOOP": b"-ERR\r\n", b"QUIT": b"+OK bye\r\n"}
SIEVE = {b"CAPABILITY": b'"STARTTLS"\r\nOK\r\n', b"NOOP": b'OK (TAG "injected") "Done"\r\n', b"LOGOUT": b"OK\r\n"}
GREETINGS = {Protocol.SMTP: b"220 mx\r\n", Protocol.IMAP: b"* OK\r\n", Protocol.POP3: b"+OK\r\n",
             Protocol.SIEVE: b'"STARTTLS"\r\nOK\r\n'}  # fmt: skip
ANSWERS = {Protocol.SMTP: SMTP, Protocol.IMAP: IMAP, Protocol.POP3: POP3, Protocol.SIEVE: SIEVE}
ENDINGS = (b"QUIT", b"LOGOUT")


def _daemon(protocol: Protocol) -> Script:
    """A server that knows no TLS and answers each line; after DATA it waits for the dot."""

    def script(connected: socket.socket) -> None:
        connected.sendall(GREETINGS[protocol])
        text = False
        with connected.makefile("rb") as lines:
            for line in lines:
                tag, word = b"", line.split()[0].upper() if line.split() else b""
                if protocol is Protocol.IMAP:
                    tag, word = line.split()[0], line.split()[1].upper()
                if text and line != b".\r\n":
                    continue
                text = word == b"DATA"
                connected.sendall(ANSWERS[protocol].get(word, b"250 2.0.0 Ok\r\n").replace(b"%t", tag))
                if word in ENDINGS:
                    return

    return script


@pytest.fixture
def through(serve: Serve, rsa_leaf: Leaf) -> Iterator[Callable[[Protocol], Session]]:
    """A session with a daemon behind the middlebox."""
    with ExitStack() as ends:

        def start(protocol: Protocol) -> Session:
            behind = ("127.0.0.1", serve(_daemon(protocol)))
            box = Middlebox("careless", protocol, behind, rsa_leaf.cert_pem, rsa_leaf.key_pem)
            ends.callback(box.close)
            session = Peer.at(*box.address, protocol, Security.STARTTLS, "probe.test", 5).session()
            ends.callback(session.close)
            return session

        yield start


@pytest.mark.parametrize("protocol", ANSWERS)
def test_what_came_behind_starttls_is_answered_inside_tls(
    through: Callable[[Protocol], Session], protocol: Protocol
) -> None:
    assert isinstance(inject(through(protocol), protocol, MODERN), Injected)


@pytest.mark.parametrize(("protocol", "line"), [
    (Protocol.SMTP, "250-mx"), (Protocol.IMAP, "* CAPABILITY IMAP4rev1 STARTTLS"), (Protocol.POP3, "+OK"),
    (Protocol.SIEVE, 'OK (TAG "injected") "Done"'),
])  # fmt: skip
def test_after_a_failed_handshake_it_goes_on_in_clear(
    through: Callable[[Protocol], Session], protocol: Protocol, line: str
) -> None:
    assert fall_back(through(protocol), protocol) == line


def test_the_daemon_behind_it_knows_of_no_tls(through: Callable[[Protocol], Session], rsa_leaf: Leaf) -> None:
    session = through(Protocol.SMTP)
    answer = session.starttls(MODERN.presenting(ClientCertificate(rsa_leaf.cert_pem, rsa_leaf.key_pem)))
    assert isinstance(answer, Agreed)
    assert answer.certificate_sent
    assert session.offers_starttls
    assert session.command("STARTTLS").ok


def test_it_makes_an_end_of_what_was_none(through: Callable[[Protocol], Session]) -> None:
    assert isinstance(smuggle(through(Protocol.SMTP), b"\r.\r"), Smuggled)


@pytest.mark.parametrize("version", ["SSLv2", "SSLv3"])
def test_an_antique_one_agrees_to_what_is_older_than_tls_and_hands_the_rest_through(
    serve: Serve,
    tls_script: Callable[..., Script],
    server_context: Callable[..., SSL.Context],
    rsa_leaf: Leaf,
    version: str,
) -> None:
    port = serve(tls_script(server_context(), lambda _: None))
    box = Middlebox("antique", Protocol.IMAP, ("127.0.0.1", port), rsa_leaf.cert_pem, rsa_leaf.key_pem)
    peer = Peer.at(*box.address, Protocol.IMAP, Security.IMPLICIT, "probe.test", 5)
    old, modern = peer.probe(hello_of(version)), peer.probe(hello_of("TLSv1.3"))
    assert len(agreements_to(peer.probe, hello_of(version))) == 1
    box.close()
    assert isinstance(old, Chosen)
    assert (old.version, old.forward_secret, len(old.chain)) == (version, False, 1)
    assert isinstance(modern, Chosen)
    assert modern.version == "TLSv1.3"


def test_an_antique_one_confirms_nothing_and_compresses(
    serve: Serve, tls_script: Callable[..., Script], server_context: Callable[..., SSL.Context], rsa_leaf: Leaf
) -> None:
    behind = ("127.0.0.1", serve(tls_script(server_context(), lambda _: None)))
    box = Middlebox("antique", Protocol.IMAP, behind, rsa_leaf.cert_pem, rsa_leaf.key_pem)
    answer = Peer.at(*box.address, Protocol.IMAP, Security.IMPLICIT, "probe.test", 5).probe(TLS_1_2_HELLO)
    box.close()
    assert isinstance(answer, Chosen)
    assert (answer.compression, answer.secure_renegotiation, answer.extended_master_secret) == (1, False, False)
