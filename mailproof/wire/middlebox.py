"""A middlebox in front of one service: the faults that no setting of Postfix or Dovecot can show.

Serves mutations alone. ``careless`` ends TLS itself and speaks to the daemon in clear, careless in every way that such
boxes have been: what came behind STARTTLS in clear goes on as if it had come inside TLS, after a failed handshake it
goes on in clear, the daemon still offers STARTTLS inside TLS, and every line end of a client is «cleaned» into CRLF.
``antique`` hands through what offers TLS 1.3 and agrees to everything older by itself, as no library of today would:
SSL 2 and SSL 3, no extension confirmed, compression where it is offered. Its handshakes are never finished.
``stripping`` takes STARTTLS out of the dialogue, ``terminating`` ends TLS before the daemon, by settings of its own.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import Certificate, load_pem_x509_certificate
from OpenSSL import SSL

from mailproof.errors import GarbledReply
from mailproof.model import Protocol, Security
from mailproof.wire.between import PATIENCE, SEGMENT, STARTTLS, Relay, Stripping, Terminating, old_fashioned
from mailproof.wire.stream import outgoing
from mailproof.wire.tls.clienthello import ClientHello, client_hello
from mailproof.wire.tls.octets import pairs, vector
from mailproof.wire.tls.records import ALERT, HANDSHAKE, record
from mailproof.wire.tls.registry import VERSIONS
from mailproof.wire.tls.suites import chosen_by

_READY = {
    Protocol.SMTP: b"220 2.0.0 Ready to start TLS\r\n", Protocol.IMAP: b" OK Begin TLS negotiation now.\r\n",
    Protocol.POP3: b"+OK Begin TLS negotiation now.\r\n", Protocol.SIEVE: b'OK "Begin TLS negotiation now."\r\n',
}  # fmt: skip
_RC4_MD5, _AES128_SHA = b"\x01\x00\x80", 0x002F
_EPHEMERAL = chosen_by(("ECDHE+AESGCM",))
_KEY_EXCHANGE = b"\x03" + pairs((29,)) + vector(1, bytes(32)) + pairs((0x0401,)) + vector(2, bytes(256))
_NUMBERS = {name: number for number, name in VERSIONS.items()}
_NO = record(ALERT, b"\x02\x28", 0x0300)


class Middlebox:
    """Listens on a loopback port of its own and relays every connection to ``behind``; ``address`` is its own."""

    def __init__(
        self, kind: str, protocol: Protocol, behind: tuple[str, int], cert_pem: bytes, key_pem: bytes,
        security: Security = Security.STARTTLS,
    ) -> None:  # fmt: skip
        """``kind``: one of `KINDS`; raises KeyError for another. ``security`` is how TLS begins on the service."""
        self._relay = KINDS[kind]
        self._protocol = protocol
        self._security = security
        self._behind = behind
        self._certificate, key = load_pem_x509_certificate(cert_pem), load_pem_private_key(key_pem, None)
        self._context = (old_fashioned if kind == "terminating" else _context)(self._certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more; safe to repeat."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError, SSL.Error), socket.create_connection(self._behind, PATIENCE) as server:
            self._relay(self._protocol, self._security, client, server, self._certificate, self._context).run()


class _Antique(Relay):
    """Agrees to what is older than TLS 1.3; a hello comes in one piece, because a client sends it so."""

    def from_client(self, data: bytes) -> None:
        """A hello is answered here or handed through, by what it offers."""
        if data[2:5] == b"\x01\x00\x02":
            self.client.sendall(_ssl_2(self.certificate) if _RC4_MD5 in data else _NO)
        elif (hello := _old_hello(data)) is not None:
            self.client.sendall(_agreement(hello, self.certificate))
        else:
            self.server.sendall(data)


class _Careless(Relay):
    """``shaking`` from STARTTLS to the end of the handshake, ``secured`` after it."""

    shaking = False
    secured = False
    early = b""  # what came behind STARTTLS
    flight = b""  # what the handshake has been fed

    @cached_property
    def tls(self) -> SSL.Connection:
        """TLS with the client."""
        return SSL.Connection(self.context, None)

    def from_server(self, data: bytes) -> None:
        """What the daemon says in clear, encrypted once the client is."""
        if self.secured:
            self.tls.sendall(data)
            data = outgoing(self.tls)
        self.client.sendall(data)

    def from_client(self, data: bytes) -> None:
        """What the client says, by where its session stands."""
        if self.shaking:
            self._shake(data)
        elif self.secured:
            self.tls.bio_write(data)
            self._decrypted()
        elif found := STARTTLS.search(data):
            self._begin(found[1] or b"", data[: found.start()], data[found.end() :])
        else:
            self._forward(data)

    def _begin(self, tag: bytes, before: bytes, behind: bytes) -> None:
        self._forward(before)
        self.client.sendall(tag + _READY[self.protocol])
        self.shaking, self.early = True, behind
        self.tls.set_accept_state()

    def _shake(self, data: bytes) -> None:
        self.flight += data
        self.tls.bio_write(data)
        try:
            self.tls.do_handshake()
        except SSL.WantReadError:
            self.client.sendall(outgoing(self.tls))
        except SSL.Error:
            self.shaking = False
            self._forward(self.early + self.flight)
        else:
            self._secure()

    def _secure(self) -> None:
        self.client.sendall(outgoing(self.tls))
        self.shaking, self.secured = False, True
        self._forward((b"CAPABILITY\r\n" if self.protocol is Protocol.SIEVE else b"") + self.early)
        self._decrypted()

    def _decrypted(self) -> None:
        with suppress(SSL.WantReadError):
            while True:
                self._forward(self.tls.recv(SEGMENT))

    def _forward(self, data: bytes) -> None:
        if data:
            self.server.sendall(re.sub(rb"\r\n|\r|\n", b"\r\n", data))


def _ssl_2(certificate: Certificate) -> bytes:
    """SERVER-HELLO (RFC 6101 §E): a certificate, RC4 with MD5, and an empty connection id."""
    der = certificate.public_bytes(Encoding.DER)
    body = b"\4\0\1\0\2" + pairs((len(der), 3, 0)) + der + _RC4_MD5
    return pairs((0x8000 | len(body),)) + body


def _old_hello(data: bytes) -> ClientHello | None:
    """The hello in ``data`` where it does not offer TLS 1.3, None where there is another or none at all."""
    with suppress(GarbledReply):
        hello = client_hello(data)
        return None if "TLSv1.3" in hello.versions else hello
    return None


def _agreement(hello: ClientHello, certificate: Certificate) -> bytes:
    """ServerHello, Certificate, a key exchange where the suite has one, ServerHelloDone (RFC 5246 §7.4)."""
    known = (_AES128_SHA, *(_EPHEMERAL if hello.newest == "TLSv1.2" else ()))
    wanted = next((suite for suite in known if suite in hello.suites), None)
    if wanted is None:
        return _NO
    version = min(_NUMBERS[hello.newest], 0x0303)
    said = pairs((version,)) + bytes(32) + b"\0" + pairs((wanted,)) + bytes([max(hello.compressions)])
    chain = vector(3, vector(3, certificate.public_bytes(Encoding.DER)))
    flight = [(2, said), (11, chain), *([] if wanted == _AES128_SHA else [(12, _KEY_EXCHANGE)]), (14, b"")]
    return record(HANDSHAKE, b"".join(bytes([kind]) + vector(3, body) for kind, body in flight), version)


def _context(certificate: Certificate, key: PrivateKeyTypes) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_verify(SSL.VERIFY_PEER, lambda *_: True)  # asks every client for a certificate, and takes any or none
    context.use_certificate(certificate)
    context.use_privatekey(key)  # type: ignore[arg-type]
    return context


KINDS = {"careless": _Careless, "antique": _Antique, "stripping": Stripping, "terminating": Terminating}
"""What a middlebox may be."""
