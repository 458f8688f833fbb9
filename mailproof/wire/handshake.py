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
from mailproof.wire.answers import Agreed, Refused, declines
from mailproof.wire.kept import Held, Kept, Resumable
from mailproof.wire.offers import VERSIONS, ClientCertificate, Offer
from mailproof.wire.promise import broken_promise
from mailproof.wire.stream import Carrier, TlsStream, Witness, outgoing, reason
from mailproof.wire.tickets import offered_session, shown
from mailproof.wire.tls.clienthello import client_hello
from mailproof.wire.tls.flight import Flight
from mailproof.wire.tls.registry import alert_name

_NUMBERS = dict(
    zip(VERSIONS, (SSL.TLS1_VERSION, SSL.TLS1_1_VERSION, SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION), strict=True)
)
_REQUESTED = b"SSLv3/TLS read server certificate request"
_PROVED = b"SSLv3/TLS write certificate verify"


def handshake(stream: Carrier, offer: Offer) -> tuple[Agreed, TlsStream] | Refused:
    """Offer, and return what the server answered; with an agreement comes the stream to go on with.

    Refused means a fatal alert by which a peer declines, or an orderly close without a byte after our whole hello went
    out. Raises CannotOffer (our library would not send what the offer promises, or gave up what the server had agreed
    to), GarbledReply (no TLS, or TLS broken), ConnectionDropped (any other end), TimedOut.
    """
    return _Client(stream, offer).shake()


class _Client:
    """One attempt. ``flight`` is the peer's answer, read beside the TLS library with our own eyes."""

    def __init__(self, stream: Carrier, offer: Offer) -> None:
        self.stream = stream
        self.offer = offer
        self.held = offer.session if isinstance(offer, Resumable) else None
        self.witness = Witness() if self.held is None else self.held.watched_anew()
        self.connection = _connection(offer, self.held, self.witness)
        self.sent = b""
        self.received = bytearray()
        self.flight: Flight

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
        hello = client_hello(data)
        problem = broken_promise(self.offer, hello)
        if problem:
            raise CannotOffer(f"our TLS library would not send the hello of the offer {self.offer}: {problem}")
        if self.held is not None and offered_session(data)[0] is None:
            raise CannotOffer(f"our TLS library would not offer the session of {self.offer}")
        self.flight, self.sent = Flight(hello, resumable=True), data
        self.stream.send(data)

    def _look(self, data: bytes) -> None:
        """Read the beginning of the answer. Raises GarbledReply where it is no TLS, or chooses what was not offered."""
        self.received += data
        if self.flight.outcome is None:
            self.flight.feed(data)

    def _flush(self) -> None:
        data = outgoing(self.connection)
        if data:
            self.stream.send(data)

    def _closed(self) -> Refused:
        if self.stream.delivered and self.flight.silent:
            return Refused("closed", None, self._story("closed without a byte"))
        raise ConnectionDropped(f"the peer closed the connection in the middle of the TLS handshake ({self.offer})")

    def _failed(self, error: SSL.Error) -> Refused:
        if self.witness.alert is not None:
            return self._alerted(alert_name(self.witness.alert))
        began = self.flight.began
        if began is None:
            raise GarbledReply(f"the peer's answer to the TLS hello makes no sense: {reason(error)}") from error
        self._flush()
        words = f"the server chose {began.version} {began.suite_name}, and our TLS library gave up"
        raise CannotOffer(f"{words} ({self.offer}): {reason(error)}") from error

    def _alerted(self, alert: str) -> Refused:
        if not declines(alert):
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
        left = replace(answer, shown=shown(self.sent, bytes(self.received)), kept=Kept(tls, self.witness))
        return replace(left, transcript=self._story(f"agreed {answer}; {asked}, {sent}"))

    def _story(self, outcome: str) -> str:
        """What happened in TLS, for a transcript."""
        suites = self.connection.get_cipher_list()
        offered = f"TLS hello «{self.offer}»: {', '.join(self.offer.versions)}; {' '.join(suites)}"
        return f"{offered}\nanswer: {outcome}"


def _connection(offer: Offer, held: Held | None, witness: Witness) -> SSL.Connection:
    """A connection on memory that is about to say ``offer``'s hello. Raises CannotOffer."""
    try:
        connection = SSL.Connection(_context(offer, witness) if held is None else held.context, None)
        if held is not None:
            connection.set_session(held.session)
    except (SSL.Error, ValueError) as error:
        raise CannotOffer(f"our TLS library cannot offer {offer}: {reason(error)}") from error
    if offer.server_name is not None:
        connection.set_tlsext_host_name(offer.server_name.encode("ascii", "replace"))
    connection.set_connect_state()
    return connection


def _context(offer: Offer, witness: Witness) -> SSL.Context:
    """Security level 0: our library must not refuse on the server's behalf, nor thin what the offer asks for."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    numbers = [_NUMBERS[version] for version in offer.versions]
    context.set_min_proto_version(min(numbers))
    context.set_max_proto_version(max(numbers))
    context.set_cipher_list(f"{offer.suites}:@SECLEVEL=0".encode())
    context.set_options(SSL.OP_LEGACY_SERVER_CONNECT)
    if isinstance(offer, Resumable) and not offer.tickets:
        context.set_options(SSL.OP_NO_TICKET)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_info_callback(witness)
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
