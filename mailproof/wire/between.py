"""What can stand between a client and a service: a connection handed through, STARTTLS taken out of it, TLS ended
before it comes there. Serves mutations alone; a `Middlebox` listens, one of these has one connection.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509 import Certificate
from OpenSSL import SSL

from mailproof.model import Protocol, Security

STARTTLS = re.compile(rb"^(?:(\S+) )?(?:STARTTLS|STLS)\r\n", re.IGNORECASE | re.MULTILINE)
SEGMENT = 16 * 1024
PATIENCE = 30.0
"""Seconds after which a relayed connection on which nothing happens is given up."""

_CAPABILITY = re.compile(rb"250-STARTTLS\r\n| STARTTLS(?=[ \]\r])|^STLS\r\n|^\"STARTTLS\"\r\n", re.MULTILINE)
_LAST = re.compile(rb"250-([^\r\n]*)\r\n250 STARTTLS\r\n")
_NO = {
    Protocol.SMTP: b"454 4.7.0 TLS not available\r\n", Protocol.IMAP: b" BAD Unknown command\r\n",
    Protocol.POP3: b"-ERR Unknown command\r\n", Protocol.SIEVE: b'NO "Unknown command"\r\n',
}  # fmt: skip
_YES = re.compile(rb"220 |\S+ OK|\+OK|OK")


@dataclass
class Relay:
    """One connection, handed through. ``certificate`` and ``context`` are what TLS is ended with, where it is."""

    protocol: Protocol
    security: Security
    client: socket.socket
    server: socket.socket
    certificate: Certificate
    context: SSL.Context

    def run(self) -> None:
        """Until either side closes or nothing happens any more."""
        exchange(self.client, self.server, self.from_client, self.from_server)

    def from_server(self, data: bytes) -> None:
        """What the service says."""
        self.client.sendall(data)

    def from_client(self, data: bytes) -> None:
        """What the client says."""
        self.server.sendall(data)


class Stripping(Relay):
    """Takes STARTTLS out of what the service offers, and refuses it to whoever asks all the same."""

    def from_server(self, data: bytes) -> None:
        """Capabilities come in one piece; a list that ended with STARTTLS ends one line earlier."""
        if self.security is Security.STARTTLS:
            data = _CAPABILITY.sub(b"", _LAST.sub(rb"250 \1\r\n", data))
        self.client.sendall(data)

    def from_client(self, data: bytes) -> None:
        """The command never reaches the service."""
        found = STARTTLS.match(data) if self.security is Security.STARTTLS else None
        if found:
            self.client.sendall((found[1] or b"") + _NO[self.protocol])
        else:
            self.server.sendall(data)


class Terminating(Relay):
    """Ends TLS as its own ``context`` has it, and speaks TLS to the service by itself: whatever that one is set to, the
    client meets this."""

    def run(self) -> None:
        """Hand through until TLS begins, then from one TLS connection to the other."""
        if self.security is Security.IMPLICIT or self._begins():
            inner, outer = _secured(self.server, _anything()), _secured(self.client, self.context, accepting=True)
            exchange(self.client, self.server, inner.sendall, outer.sendall, outer, inner)

    def _begins(self) -> bool:
        """True as soon as the service has said yes to STARTTLS; the client is told so, and nothing more."""
        with DefaultSelector() as selector:
            selector.register(self.client, EVENT_READ, self.server)
            selector.register(self.server, EVENT_READ, self.client)
            asked = False
            while events := selector.select(PATIENCE):
                for key, _ in events:
                    data = key.fileobj.recv(SEGMENT)  # type: ignore[union-attr]
                    if not data:
                        return False
                    key.data.sendall(data)
                    if asked and key.fileobj is self.server:
                        return _YES.match(data) is not None
                    asked = asked or (key.fileobj is self.client and STARTTLS.match(data) is not None)
        return False


def exchange(
    client: socket.socket, server: socket.socket, from_client: Callable[[bytes], object],
    from_server: Callable[[bytes], object], outer: SSL.Connection | None = None, inner: SSL.Connection | None = None,
) -> None:  # fmt: skip
    """Hand what either side says to the function that takes it, decrypted where it comes by TLS."""
    with DefaultSelector() as selector:
        selector.register(client, EVENT_READ, (outer or client, from_client))
        selector.register(server, EVENT_READ, (inner or server, from_server))
        while events := selector.select(PATIENCE):
            for key, _ in events:
                source, take = key.data
                data = source.recv(SEGMENT)
                if not data:
                    return
                take(data)


def old_fashioned(certificate: Certificate, key: PrivateKeyTypes) -> SSL.Context:
    """TLS as a box of long ago ends it: TLS 1.0 to 1.2, and static RSA before everything else."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_cipher_list(b"kRSA+AES:kECDHE+AES:@SECLEVEL=0")
    context.use_certificate(certificate)
    context.use_privatekey(key)  # type: ignore[arg-type]
    return context


def _anything() -> SSL.Context:
    """As a client that takes any certificate; TLS 1.2, in which nothing but the other side's words comes after the
    handshake."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return context


def _secured(end: socket.socket, context: SSL.Context, accepting: bool = False) -> SSL.Connection:
    end.settimeout(None)
    tls = SSL.Connection(context, end)
    if accepting:
        tls.set_accept_state()
    else:
        tls.set_connect_state()
    tls.do_handshake()
    return tls
