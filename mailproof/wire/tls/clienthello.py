"""A ClientHello by numbers: what a client offers, written as bytes and read back from them.

Pure, and independent of any TLS library: it can offer what none of them speaks any more, and testify about what one
really sent (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2, RFC 6101 §5.6.1.2; SSL 2: RFC 6101 §E).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mailproof.errors import CannotOffer, GarbledReply
from mailproof.wire.tls.groups import key_share
from mailproof.wire.tls.octets import Reader, pairs, unpaired, vector
from mailproof.wire.tls.records import HANDSHAKE, first_message, record
from mailproof.wire.tls.registry import SIGNATURES, VERSIONS, version_name
from mailproof.wire.tls.suites import SIGNALS

CLIENT_HELLO = 1
NONCE = 64
"""How many bytes of chance a hello is made with."""

SERVER_NAME, SUPPORTED_GROUPS, POINT_FORMATS, SIGNATURE_ALGORITHMS = 0, 10, 11, 13
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, SESSION_TICKET, PRE_SHARED_KEY = 22, 23, 35, 41
SUPPORTED_VERSIONS, PSK_MODES, KEY_SHARE, RENEGOTIATION_INFO = 43, 45, 51, 0xFF01

ALL_SIGNATURES = tuple(sorted(SIGNATURES, key=lambda number: (number >> 8 not in (4, 5, 6, 8), number)))
"""Every signature scheme we know, those of today first."""

_NUMBERS = {name: number for number, name in VERSIONS.items()}
_SCSV = 0x00FF
_MOST_IN_SSL_2 = 0x7FFF - 64


@dataclass(frozen=True, slots=True)
class ClientHello:
    """What a client offers, all of it in the client's order.

    ``versions`` are OpenSSL's names, ``SSLv2`` alone or any of ``SSLv3`` to ``TLSv1.3``; a hello that offers none
    newer than TLS 1.2 can name only its newest, which stands for all older ones too. ``suites``, ``groups`` and
    ``signatures`` are registry numbers (SSL 2: kinds of three bytes), without the signalling values. ``shares`` are
    the groups that a TLS 1.3 key share is sent for; without any, the server has to say which group it wants.
    ``ticket``: None sends no session_ticket extension, ``b""`` asks for a ticket. SSL 3 knows no extensions.
    """

    versions: tuple[str, ...]
    suites: tuple[int, ...]
    groups: tuple[int, ...] = ()
    name: str = field(default="", compare=False)
    signatures: tuple[int, ...] = ALL_SIGNATURES
    server_name: str | None = None
    shares: tuple[int, ...] = ()
    ticket: bytes | None = field(default=None, repr=False)
    extended_master_secret: bool = True
    encrypt_then_mac: bool = True
    renegotiation_info: bool = True
    compressions: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        unknown = [version for version in self.versions if version not in _NUMBERS]
        if unknown or not self.versions or ("SSLv2" in self.versions and len(self.versions) > 1):
            raise CannotOffer(f"no hello offers the versions {', '.join(self.versions) or 'none'}")

    def encode(self, nonce: bytes) -> bytes:
        """The hello as records. ``nonce``: :data:`NONCE` bytes of chance. Raises CannotOffer where a list or a number
        is too long for its field, the server's name is not ASCII, or a key share is unknown."""
        if not self.suites:
            raise CannotOffer(f"the hello «{self}» offers no suite")
        if self.versions == ("SSLv2",):
            return _ssl_2(self.suites, nonce[:16])
        body = pairs((min(_NUMBERS[self.newest], 0x0303),)) + nonce[:32]
        body += vector(1, nonce[32:64] if "TLSv1.3" in self.versions else b"")
        signal = (_SCSV,) if self.renegotiation_info and self.newest == "SSLv3" else ()
        body += _sized(2, _numbers(2, (*self.suites, *signal))) + _sized(1, _numbers(1, self.compressions))
        body += _sized(2, self._extensions()) if self.newest != "SSLv3" else b""
        message = bytes([CLIENT_HELLO]) + vector(3, body)
        return record(HANDSHAKE, message, 0x0300 if self.newest == "SSLv3" else 0x0301)

    @property
    def newest(self) -> str:
        """The newest version that is offered."""
        return max(self.versions, key=lambda version: _NUMBERS[version])

    def allows(self, version: str) -> bool:
        """Whether a server may answer with this version: those that are listed and, where the newest alone can be
        named, all that are older (RFC 5246 §E.1)."""
        if self.newest in ("SSLv2", "TLSv1.3"):
            return version in self.versions
        return version in _NUMBERS and _NUMBERS["SSLv3"] <= _NUMBERS[version] <= _NUMBERS[self.newest]

    @property
    def lists_groups(self) -> bool:
        """Whether a server learns the groups; one that does not may choose any (RFC 8422 §4)."""
        return bool(self.groups) and self.newest != "SSLv3"

    def naming(self, server_name: str | None) -> ClientHello:
        """The same hello with this server name in it (RFC 6066 §3); SSL 2 and 3 have no place for one."""
        return replace(self, server_name=server_name)

    def __str__(self) -> str:
        return self.name or f"{', '.join(self.versions)}; {len(self.suites)} suites, {len(self.groups)} groups"

    def _extensions(self) -> bytes:
        """The extensions as one field; those that belong to a version only where it is offered."""
        old, new = self.versions != ("TLSv1.3",), "TLSv1.3" in self.versions
        modern = _NUMBERS[self.newest] >= _NUMBERS["TLSv1.2"]
        parts = {
            SERVER_NAME: _named(self.server_name) if self.server_name is not None else None,
            SUPPORTED_GROUPS: _sized(2, _numbers(2, self.groups)) if self.groups else None,
            POINT_FORMATS: b"\1\0" if self.groups and old else None,
            SIGNATURE_ALGORITHMS: _sized(2, _numbers(2, self.signatures)) if self.signatures and modern else None,
            SESSION_TICKET: self.ticket,
            ENCRYPT_THEN_MAC: b"" if self.encrypt_then_mac and old else None,
            EXTENDED_MASTER_SECRET: b"" if self.extended_master_secret and old else None,
            RENEGOTIATION_INFO: b"\0" if self.renegotiation_info and old else None,
            SUPPORTED_VERSIONS: _sized(1, pairs(tuple(_NUMBERS[name] for name in self.versions))) if new else None,
            PSK_MODES: b"\1\1" if new else None,
            KEY_SHARE: _sized(2, b"".join(map(_share, self.shares))) if new else None,
        }
        return b"".join(pairs((kind,)) + _sized(2, data) for kind, data in parts.items() if data is not None)


def client_hello(records: bytes) -> ClientHello:
    """The ClientHello in ``records``. Raises GarbledReply where there is none."""
    message = first_message(records)
    if message is None or message[0] != CLIENT_HELLO:
        raise GarbledReply("no ClientHello")
    body = Reader(message[1])
    legacy = version_name(body.number(2))
    body.take(32)
    body.vector(1)
    suites = unpaired(body.vector(2))
    compressions = tuple(body.vector(1))
    found = extensions(body.rest())
    secure = _SCSV in suites or RENEGOTIATION_INFO in found
    try:
        return ClientHello(
            _versions(found) or (legacy,), tuple(number for number in suites if number not in SIGNALS),
            _listed(found, SUPPORTED_GROUPS), "", _listed(found, SIGNATURE_ALGORITHMS), _server_name(found),
            _shares(found), found.get(SESSION_TICKET), EXTENDED_MASTER_SECRET in found, ENCRYPT_THEN_MAC in found,
            secure, compressions,
        )  # fmt: skip
    except CannotOffer as error:
        raise GarbledReply(f"a ClientHello that makes no sense: {error}") from error


def extensions(data: bytes) -> dict[int, bytes]:
    """The extensions at the end of a hello by number; none where ``data`` is empty. Raises GarbledReply."""
    if not data:
        return {}
    whole = Reader(data)
    inside = Reader(whole.vector(2))
    if whole:
        raise GarbledReply("bytes behind the extensions of a hello")
    found: dict[int, bytes] = {}
    while inside:
        kind = inside.number(2)
        if kind in found:
            raise GarbledReply(f"a hello with the extension {kind} twice")
        found[kind] = inside.vector(2)
    return found


def _ssl_2(kinds: tuple[int, ...], challenge: bytes) -> bytes:
    specs = _numbers(3, kinds)
    if len(specs) > _MOST_IN_SSL_2:
        raise CannotOffer(f"a list of {len(specs)} bytes does not fit into an SSL 2 hello")
    lengths = pairs((len(specs), 0, len(challenge)))
    body = bytes([CLIENT_HELLO]) + pairs((_NUMBERS["SSLv2"],)) + lengths + specs + challenge
    return pairs((0x8000 | len(body),)) + body


def _sized(size: int, data: bytes) -> bytes:
    if len(data) >= 1 << 8 * size:
        raise CannotOffer(f"a list of {len(data)} bytes does not fit into a hello")
    return vector(size, data)


def _numbers(size: int, numbers: tuple[int, ...]) -> bytes:
    if any(number >> 8 * size for number in numbers):
        raise CannotOffer(f"a number that does not fit into {size} bytes of a hello")
    return b"".join(number.to_bytes(size, "big") for number in numbers)


def _named(name: str) -> bytes:
    if not name.isascii():
        raise CannotOffer(f"the server's name {name} is not ASCII: give its A-labels")
    return _sized(2, b"\0" + _sized(2, name.encode("ascii")))


def _share(group: int) -> bytes:
    return pairs((group,)) + vector(2, key_share(group))


def _versions(found: dict[int, bytes]) -> tuple[str, ...]:
    listed = unpaired(Reader(found[SUPPORTED_VERSIONS]).vector(1)) if SUPPORTED_VERSIONS in found else ()
    return tuple(VERSIONS[number] for number in listed if number in VERSIONS)


def _listed(found: dict[int, bytes], kind: int) -> tuple[int, ...]:
    return unpaired(Reader(found[kind]).vector(2)) if kind in found else ()


def _server_name(found: dict[int, bytes]) -> str | None:
    if SERVER_NAME not in found:
        return None
    names = Reader(Reader(found[SERVER_NAME]).vector(2))
    names.take(1)
    return names.vector(2).decode("ascii", "backslashreplace")


def _shares(found: dict[int, bytes]) -> tuple[int, ...]:
    groups = []
    shares = Reader(Reader(found[KEY_SHARE]).vector(2)) if KEY_SHARE in found else Reader(b"")
    while shares:
        groups.append(shares.number(2))
        shares.vector(2)
    return tuple(groups)
