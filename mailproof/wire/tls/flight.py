"""A server's first flight: its plaintext answer to a ClientHello, read as it comes, up to where cryptography begins.

Pure. Only what the hello offered can be chosen from it; anything else is garbled, never an answer (RFC 8446 §4.1.3,
§4.1.4; RFC 5246 §7.4; RFC 8422 §5.4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mailproof.errors import GarbledReply
from mailproof.wire.tls.alerts import Alert, Alerts
from mailproof.wire.tls.chosen import CertificateRequest, Chosen
from mailproof.wire.tls.clienthello import (
    ENCRYPT_THEN_MAC,
    EXTENDED_MASTER_SECRET,
    KEY_SHARE,
    RENEGOTIATION_INFO,
    SESSION_TICKET,
    SUPPORTED_VERSIONS,
    ClientHello,
    extensions,
)
from mailproof.wire.tls.names import distinguished_name
from mailproof.wire.tls.octets import Reader, unpaired
from mailproof.wire.tls.records import ALERT, CONTENT_TYPES, HANDSHAKE, Messages, Records
from mailproof.wire.tls.registry import group_name, suite_name, version_name
from mailproof.wire.tls.ssl2 import ssl_2_answer
from mailproof.wire.tls.suites import words

MOST_IN_FLIGHT = 256 * 1024
"""How much we read of an answer, in bytes."""

_SERVER_HELLO, _NEW_SESSION_TICKET, _CERTIFICATE, _SERVER_KEY_EXCHANGE = 2, 4, 11, 12
_CERTIFICATE_REQUEST, _SERVER_HELLO_DONE, _CERTIFICATE_STATUS = 13, 14, 22
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
_CHANGE_CIPHER_SPEC = 20
_NAMED_CURVE = 3
_TLS_1_3 = b"\x03\x04"
_CONFIRMED = {
    EXTENDED_MASTER_SECRET: "extended_master_secret", ENCRYPT_THEN_MAC: "encrypt_then_mac",
    RENEGOTIATION_INFO: "renegotiation_info", SESSION_TICKET: "session_ticket",
}  # fmt: skip
"""Extensions of TLS up to 1.2 by which a server confirms that it does what the client offered to do."""


class Flight:
    """Reads the answer to one hello. ``outcome`` is None until the answer is whole, then a :class:`Chosen`, or the
    :class:`Alert` that was fatal or said that the peer leaves. ``began`` is what it had chosen when that came.

    ``resumable``: the hello offers a session, so that the server may skip to its end (RFC 5246 §7.3).
    """

    def __init__(self, hello: ClientHello, *, resumable: bool = False) -> None:
        self.outcome: Chosen | Alert | None = None
        self.began: Chosen | None = None
        self._hello = hello
        self._resumable = resumable
        self._records = Records()
        self._messages = Messages()
        self._alerts = Alerts()
        self._received = 0
        self._read: set[int] = set()
        self._ssl_2 = bytearray()
        self._readers: dict[int, Callable[[Chosen, Reader], Chosen]] = {
            _CERTIFICATE: _chain, _SERVER_KEY_EXCHANGE: self._key_exchange, _CERTIFICATE_REQUEST: _request,
            _CERTIFICATE_STATUS: _unread, _NEW_SESSION_TICKET: _unread,
        }  # fmt: skip

    def feed(self, data: bytes) -> None:
        """Take in what came. Raises GarbledReply where it is no answer to the hello, or longer than anybody's."""
        self._received += len(data)
        if self._received > MOST_IN_FLIGHT:
            raise GarbledReply(f"an answer to the TLS hello of more than {MOST_IN_FLIGHT} bytes")
        if self._hello.versions == ("SSLv2",):
            self._feed_ssl_2(data)
            return
        for kind, payload in self._records.feed(data):
            self._take(kind, payload)
            if self.outcome is not None:
                return

    @property
    def silent(self) -> bool:
        """Whether nothing has come at all."""
        return self._received == 0

    def _take(self, kind: int, payload: bytes) -> None:
        if not payload:
            raise GarbledReply("a record with nothing in it, which no handshake has")
        if kind != HANDSHAKE and self._messages.pending:
            raise GarbledReply("another kind of record in the middle of a handshake message")
        if kind == ALERT:
            self.outcome = self._alerts.feed(payload)
        elif kind == HANDSHAKE:
            for number, body in self._messages.feed(payload):
                self._message(number, Reader(body))
                if self.outcome is not None:
                    return
        elif kind == _CHANGE_CIPHER_SPEC and self.began is not None and self._resumable:
            self.outcome = replace(self.began, resumed=True)
        else:
            raise GarbledReply("the peer's answer to the TLS hello is no ServerHello")

    def _message(self, kind: int, body: Reader) -> None:
        if self.began is None:
            if kind != _SERVER_HELLO:
                raise GarbledReply("the peer's answer to the TLS hello is no ServerHello")
            self.began = self._server_hello(body)
            self.outcome = self.began if self.began.version == "TLSv1.3" else None
        elif kind == _SERVER_HELLO_DONE:
            self.outcome = self._whole(self.began)
        elif kind in self._readers and kind not in self._read:
            self._read.add(kind)
            self.began = self._readers[kind](self.began, body)
        else:
            raise GarbledReply(f"a handshake message of kind {kind} where a server's first flight has none")

    def _server_hello(self, body: Reader) -> Chosen:
        legacy, chance = body.number(2), body.take(32)
        body.vector(1)
        suite, compression = body.number(2), body.number(1)
        found = extensions(body.rest())
        self._confirmed(found)
        retried = chance == _RETRY
        chosen = Chosen(
            _version(legacy, found), suite, _share(found, retried), compression=compression, retried=retried,
            extended_master_secret=EXTENDED_MASTER_SECRET in found, encrypt_then_mac=ENCRYPT_THEN_MAC in found,
            secure_renegotiation=RENEGOTIATION_INFO in found, ticket_promised=SESSION_TICKET in found,
        )  # fmt: skip
        self._offered(chosen)
        return chosen

    def _confirmed(self, found: dict[int, bytes]) -> None:
        """Nobody can confirm what was not offered. Raises GarbledReply."""
        hello = self._hello
        offered = (hello.extended_master_secret, hello.encrypt_then_mac, hello.renegotiation_info,
                   hello.ticket is not None)  # fmt: skip
        for (kind, name), was_offered in zip(_CONFIRMED.items(), offered, strict=True):
            if kind in found and not was_offered:
                raise GarbledReply(f"the server confirmed {name}, which the hello does not offer")

    def _offered(self, chosen: Chosen) -> None:
        """Nobody can choose what was not offered. Raises GarbledReply."""
        if not self._hello.allows(chosen.version):
            raise GarbledReply(f"the server chose {chosen.version}, which the hello does not offer")
        if chosen.suite not in self._hello.suites:
            raise GarbledReply(f"the server chose the suite {suite_name(chosen.suite)}, which the hello does not offer")
        if (chosen.version == "TLSv1.3") != suite_name(chosen.suite).startswith("TLS_"):
            raise GarbledReply(
                f"the server chose {chosen.version} with {suite_name(chosen.suite)}, which is none of its"
            )
        if chosen.version == "TLSv1.3":
            self._shared(chosen)
        elif chosen.retried or chosen.group is not None:
            raise GarbledReply(f"the server chose {chosen.version} with a key share, which only TLS 1.3 has")
        if chosen.compression not in self._hello.compressions:
            raise GarbledReply(f"the server chose the compression {chosen.compression}, which the hello does not offer")

    def _shared(self, chosen: Chosen) -> None:
        """A key can be made with a share that was sent; another hello is worth while for one that was not (RFC 8446
        §4.2.8). Raises GarbledReply."""
        if chosen.group is None:
            raise GarbledReply("the server chose TLS 1.3 without a group for the key exchange")
        self._offered_group(chosen.group)
        if chosen.retried == (chosen.group in self._hello.shares):
            trouble = (
                "asked for a share that it has already" if chosen.retried else "used a group that no share was for"
            )
            raise GarbledReply(f"the server {trouble}: {group_name(chosen.group)}")

    def _offered_group(self, group: int) -> None:
        if group not in self._hello.groups:
            raise GarbledReply(f"the server chose the group {group_name(group)}, which the hello does not offer")

    def _key_exchange(self, chosen: Chosen, body: Reader) -> Chosen:
        """ServerKeyExchange of (EC)DHE, signed or anonymous; those of other suites say nothing that we judge."""
        exchange = _exchange(chosen)
        if exchange == "ECDHE":
            chosen = self._curve(chosen, body)
        elif exchange == "DHE":
            chosen = replace(chosen, prime=int.from_bytes(body.vector(2), "big"))
            body.vector(2)
            body.vector(2)
        else:
            return chosen
        signed = chosen.version == "TLSv1.2" and "aNULL" not in words(suite_name(chosen.suite))
        return replace(chosen, signature=body.number(2)) if signed else chosen

    def _curve(self, chosen: Chosen, body: Reader) -> Chosen:
        if body.number(1) != _NAMED_CURVE:
            raise GarbledReply("a curve that is not one of the named ones, though the hello offers only those")
        group = body.number(2)
        body.vector(1)
        if self._hello.lists_groups:
            self._offered_group(group)
        return replace(chosen, group=group)

    def _whole(self, chosen: Chosen) -> Chosen:
        """A flight up to TLS 1.2 at its end. Raises GarbledReply where what its suite needs has not come."""
        exchange = _exchange(chosen)
        if exchange == "ECDHE" and chosen.group is None:
            raise GarbledReply("the server chose ECDHE and named no curve")
        if exchange == "DHE" and chosen.prime is None:
            raise GarbledReply("the server chose DHE and sent no prime")
        if not words(suite_name(chosen.suite)) & {"aNULL", "other"} and not chosen.chain:
            raise GarbledReply("the server chose a suite with a certificate and sent none")
        return chosen

    def _feed_ssl_2(self, data: bytes) -> None:
        self._ssl_2 += data
        if not self._ssl_2 or self._ssl_2[0] not in CONTENT_TYPES:
            self.outcome = ssl_2_answer(bytes(self._ssl_2), self._hello)
            return
        for kind, payload in self._records.feed(data):  # a server of later versions says no in its own way
            if kind != ALERT:
                raise GarbledReply("the peer's answer to the SSL 2 hello is not SSL 2")
            self.outcome = self._alerts.feed(payload)
            if self.outcome is not None:
                return


def _version(legacy: int, found: dict[int, bytes]) -> str:
    """The version of a ServerHello; TLS 1.3 has a place of its own (RFC 8446 §4.1.3, §4.2.1). Raises GarbledReply."""
    named = found.get(SUPPORTED_VERSIONS)
    if named is None and version_name(legacy) != "TLSv1.3":
        return version_name(legacy)
    if named != _TLS_1_3 or version_name(legacy) != "TLSv1.2":
        raise GarbledReply("the server chose TLS 1.3, or supported_versions, in a way that is not TLS 1.3's")
    return "TLSv1.3"


def _exchange(chosen: Chosen) -> str | None:
    """``ECDHE``, ``DHE``, or None for another key exchange, signed or anonymous alike."""
    kinds, name = words(suite_name(chosen.suite)), suite_name(chosen.suite)
    if "ECDHE" in kinds or name.startswith("AECDH-"):
        return "ECDHE"
    return "DHE" if "DHE" in kinds or name.startswith(("ADH-", "EXP-ADH-")) else None


def _share(found: dict[int, bytes], retried: bool) -> int | None:
    """The group of a TLS 1.3 key share; a retry names the group alone (RFC 8446 §4.2.8)."""
    if KEY_SHARE not in found:
        return None
    share = Reader(found[KEY_SHARE])
    group = share.number(2)
    if not retried:
        share.vector(2)
    return group


def _chain(chosen: Chosen, body: Reader) -> Chosen:
    certificates = []
    listed = Reader(body.vector(3))
    while listed:
        certificates.append(listed.vector(3))
    if body:
        raise GarbledReply("bytes behind a chain of certificates")
    return replace(chosen, chain=tuple(certificates))


def _request(chosen: Chosen, body: Reader) -> Chosen:
    types = tuple(body.vector(1))
    signatures = unpaired(body.vector(2)) if chosen.version == "TLSv1.2" else ()
    names = []
    listed = Reader(body.vector(2))
    while listed:
        names.append(distinguished_name(listed.vector(2)))
    return replace(chosen, request=CertificateRequest(types, signatures, tuple(names)))


def _unread(chosen: Chosen, _body: Reader) -> Chosen:
    return chosen
