"""One TLS handshake as a client: an offer over a stream, and the server's answer.

The hello is proved before a byte of it is sent. Certificates are not judged here (that is trust's), so that a bad chain
is an agreement that can be looked at. Knows no mail protocol.
"""

from __future__ import annotations

from dataclasses import replace

from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL

from mailproof.errors import CannotOffer, ConnectionDropped, GarbledReply
from mailproof.wire.answers import Agreed, Refused
from mailproof.wire.hello import ServerHello, alert_name, client_hello, first_flight
from mailproof.wire.offers import VERSIONS, ClientCertificate, Offer
from mailproof.wire.promise import broken_promise
from mailproof.wire.stream import SocketStream, TlsStream, Witness, outgoing, reason

_NUMBERS = dict(
    zip(VERSIONS, (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION, SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION), strict=True)
)
_REQUESTED = b"SSLv3/TLS read server certificate request"
_PROVED = b"SSLv3/TLS write certificate verify"
BROKEN = {"unexpected_message", "bad_record_mac", "decryption_failed", "record_overflow", "decode_error",
           "decrypt_error", "internal_error", "user_canceled", "close_notify"}  # fmt: skip
"""Alerts that say that something broke, or that the peer gives up for reasons of its own: no answer to an offer."""


def handshake(stream: SocketStream, offer: Offer) -> tuple[Agreed, TlsStream] | Refused:
    """Offer, and return what the server answered; with an agreement comes the stream to go on with.

    Refused means a fatal alert by which a peer declines, or an orderly close without a byte after our whole hello went
    out. Raises CannotOffer (our library would not send what the offer promises, or gave up what the server had agreed
    to), GarbledReply (no TLS, or TLS broken), ConnectionDropped (any other end), TimedOut.
    """
    return _Client(stream, offer).shake()


class _Client:
    """One attempt. ``flight`` is what the peer sent before its first message was whole."""

    def __init__(self, stream: SocketStream, offer: Offer) -> None:
        self.stream = stream
        self.offer = offer
        self.witness = Witness()
        self.connection = _connection(offer, self.witness)
        self.flight = b""
        self.began: ServerHello | None = None

    def shake(self) -> tuple[Agreed, TlsStream] | Refused:
        self._hello()
        while True:
            data = self.stream.receive()
            if not data:
                return self._closed()
            self._look(data)
            try:
                self.connection.bio_write(data)
                self.connection.do_handshake()
            except SSL.WantReadError:
                self._flush()
            except SSL.Error as error:
                return self._failed(error)
            else:
                self._flush()
                return self._agreed(), TlsStream(self.stream, self.connection, self.witness)

    def _hello(self) -> None:
        try:
            self.connection.do_handshake()
        except SSL.WantReadError:
            pass
        except SSL.Error as error:
            raise CannotOffer(f"our TLS library cannot offer {self.offer}: {reason(error)}") from error
        data = outgoing(self.connection)
        problem = broken_promise(self.offer, client_hello(data))
        if problem:
            raise CannotOffer(f"our TLS library would not send the hello of the offer {self.offer}: {problem}")
        self.stream.send(data)

    def _look(self, data: bytes) -> None:
        """Read the beginning of the answer with our own eyes. Raises GarbledReply where it is no TLS."""
        if self.began is None:
            self.flight += data
            found = first_flight(self.flight)
            self.began = found if isinstance(found, ServerHello) else None

    def _flush(self) -> None:
        data = outgoing(self.connection)
        if data:
            self.stream.send(data)

    def _closed(self) -> Refused:
        if self.stream.delivered and not self.flight:
            return Refused("closed", None, self._story("closed without a byte"))
        raise ConnectionDropped(f"the peer closed the connection in the middle of the TLS handshake ({self.offer})")

    def _failed(self, error: SSL.Error) -> Refused:
        if self.witness.alert is not None:
            return self._alerted(alert_name(self.witness.alert))
        if self.began is None:
            raise GarbledReply(f"the peer's answer to the TLS hello makes no sense: {reason(error)}") from error
        self._flush()
        words = f"the server chose {self.began.version} {self.began.suite}, and our TLS library gave up"
        raise CannotOffer(f"{words} ({self.offer}): {reason(error)}") from error

    def _alerted(self, alert: str) -> Refused:
        if alert in BROKEN:
            raise ConnectionDropped(f"the TLS handshake broke down ({self.offer}): alert {alert}")
        return Refused("alert", alert, self._story(f"fatal alert {alert}"))

    def _agreed(self) -> Agreed:
        states, tls = self.witness.states, self.connection
        version, suite = tls.get_protocol_version_name(), tls.get_cipher_name()
        if version not in self.offer.versions or suite is None:
            raise GarbledReply(f"the server chose {version} {suite}, which {self.offer} does not offer")
        answer = Agreed(version, suite, tls.get_group_name(), _chain(tls), _REQUESTED in states, _PROVED in states)
        asked = (
            "a client certificate was asked for" if answer.certificate_requested else "no client certificate asked for"
        )
        sent = "and sent, with proof of its key" if answer.certificate_sent else "none sent"
        return replace(answer, transcript=self._story(f"agreed {answer}; {asked}, {sent}"))

    def _story(self, outcome: str) -> str:
        """What happened in TLS, for a transcript."""
        suites = self.connection.get_cipher_list()
        offered = f"TLS hello «{self.offer}»: {', '.join(self.offer.versions)}; {' '.join(suites)}"
        return f"{offered}\nanswer: {outcome}"


def _connection(offer: Offer, witness: Witness) -> SSL.Connection:
    """A connection on memory that is about to say ``offer``'s hello. Raises CannotOffer."""
    try:
        context = _context(offer)
        context.set_info_callback(witness)
        connection = SSL.Connection(context, None)
    except (SSL.Error, ValueError) as error:
        raise CannotOffer(f"our TLS library cannot offer {offer}: {reason(error)}") from error
    if offer.server_name is not None:
        connection.set_tlsext_host_name(offer.server_name.encode("ascii", "replace"))
    connection.set_connect_state()
    return connection


def _context(offer: Offer) -> SSL.Context:
    """Security level 0: our library must not refuse on the server's behalf, nor thin what the offer asks for."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    numbers = [_NUMBERS[version] for version in offer.versions]
    context.set_min_proto_version(min(numbers))
    context.set_max_proto_version(max(numbers))
    context.set_cipher_list(f"{offer.suites}:@SECLEVEL=0".encode())
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
    context.set_verify(SSL.VERIFY_NONE)
    if offer.certificate is not None:
        _present(context, offer.certificate)
    return context


def _present(context: SSL.Context, certificate: ClientCertificate) -> None:
    leaf, *issuers = load_pem_x509_certificates(certificate.cert_pem)
    context.use_certificate(leaf)
    context.use_privatekey(load_pem_private_key(certificate.key_pem, None))  # type: ignore[arg-type]
    for issuer in issuers:
        context.add_extra_chain_cert(issuer)
    context.check_privatekey()


def _chain(tls: SSL.Connection) -> tuple[bytes, ...]:
    certificates = tls.get_peer_cert_chain(as_cryptography=True) or []
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in certificates)
