"""Peers in this process: a script on a loopback port, and TLS servers of every kind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from OpenSSL import SSL

from mailproof.pki import Authority, Leaf

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]
ServerContext = Callable[..., SSL.Context]

_VERSIONS = {"TLSv1": SSL.TLS1_VERSION, "TLSv1.1": SSL.TLS1_1_VERSION, "TLSv1.2": SSL.TLS1_2_VERSION,
             "TLSv1.3": SSL.TLS1_3_VERSION}  # fmt: skip


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Run a script for every connection to a new loopback port; returns the port."""
    with ExitStack() as ends:

        def start(script: Script) -> int:
            listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=_accept, args=(listener, script), daemon=True)
            thread.start()
            ends.callback(thread.join, 5)
            ends.callback(listener.shutdown, socket.SHUT_RDWR)
            return int(listener.getsockname()[1])

        yield start


def _accept(listener: socket.socket, script: Script) -> None:
    with suppress(OSError):
        while True:
            connected, _ = listener.accept()
            connected.settimeout(5)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connected, suppress(OSError, SSL.Error):
                script(connected)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority.create("test CA")


@pytest.fixture(scope="session")
def rsa_leaf(authority: Authority) -> Leaf:
    return authority.leaf("mail.test", key="rsa-2048", purpose="server")


@pytest.fixture(scope="session")
def ecdsa_leaf(authority: Authority) -> Leaf:
    return authority.leaf("mail.test", purpose="server")


@pytest.fixture
def server_context(rsa_leaf: Leaf) -> ServerContext:
    """A server's context: versions, suites, certificate, and (``judge``) what it thinks of a client certificate."""

    def make(
        versions: Sequence[str] = ("TLSv1.2", "TLSv1.3"), suites: str = "ECDHE", leaf: Leaf | None = rsa_leaf,
        judge: bool | None = None,
    ) -> SSL.Context:  # fmt: skip
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        context.set_min_proto_version(_VERSIONS[versions[0]])
        context.set_max_proto_version(_VERSIONS[versions[-1]])
        context.set_cipher_list(f"{suites}:@SECLEVEL=0".encode())
        if leaf is not None:
            context.use_certificate(load_pem_x509_certificate(leaf.cert_pem))
            key = load_pem_private_key(leaf.key_pem, None, unsafe_skip_rsa_key_validation=True)  # ours, and much faster
            context.use_privatekey(key)  # type: ignore[arg-type]
        if judge is not None:
            context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: judge)
        return context

    return make


@pytest.fixture
def tls_script() -> Callable[[SSL.Context, Callable[[SSL.Connection], None]], Script]:
    """A script that shakes hands as a TLS server, then hands the secured connection to another script."""

    def make(context: SSL.Context, then: Callable[[SSL.Connection], None]) -> Script:
        def script(connected: socket.socket) -> None:
            connected.settimeout(None)
            secured = SSL.Connection(context, connected)
            secured.set_accept_state()
            try:
                secured.do_handshake()
                then(secured)
            except SSL.Error:
                connected.shutdown(socket.SHUT_WR)
                while connected.recv(4096):  # let the alert arrive before the port is torn down
                    pass

        return script

    return make
