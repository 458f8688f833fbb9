"""What every mail dialogue has in common: cutting replies out of bytes, within bounds. Knows no socket and no TLS.

A dialogue is asked with everything received so far and either cuts one whole reply off the front or waits for more.
So it does not matter how the network splits or joins replies.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from mailproof.errors import CannotOffer, GarbledReply
from mailproof.wire.mail.reply import Reply
from mailproof.wire.tls.hostile import printable

MOST_BYTES = 64 * 1024
"""The longest reply that we accept, in bytes."""

MOST_LINES = 512
"""The longest reply that we accept, in lines."""

Capabilities = frozenset[str]
"""Upper-case words; mechanisms stand as ``AUTH=PLAIN`` (SMTP, IMAP) or ``SASL=PLAIN`` (POP3, ManageSieve)."""

_LITERAL = re.compile(rb"\{(\d{1,7})\+?\}$")
_SECRETIVE = re.compile(r"(AUTH(?:ENTICATE)? \S+|PASS|LOGIN) .*", re.IGNORECASE | re.DOTALL)


class Cut(NamedTuple):
    """A whole reply, and how many bytes of what was received it took."""

    reply: Reply
    size: int


class Dialogue(ABC):
    """One protocol: its words, and how its replies are recognised. Holds no state of a connection."""

    starttls: ClassVar[str] = "STARTTLS"
    quit: ClassVar[str] = "QUIT"
    asks_capabilities: ClassVar[str | None]
    """The command whose reply lists the capabilities (``{helo}``: our name); None where the greeting does, and the peer
    lists them again unasked once TLS has started."""
    speaks_unasked: ClassVar[bool] = False
    """Whether the peer may send lines that answer no command (IMAP's untagged responses)."""

    @abstractmethod
    def greeting(self, received: bytes) -> Cut | None:
        """Cut the greeting off ``received``; None while it is not complete. Raises GarbledReply."""

    @abstractmethod
    def reply(self, received: bytes, command: str, /) -> Cut | None:
        """Cut the reply to ``command`` (as it was sent) off ``received``; None while it is not complete.

        Raises GarbledReply.
        """

    @abstractmethod
    def capabilities(self, reply: Reply) -> Capabilities:
        """The capabilities that a reply to ``asks_capabilities`` (or the greeting) lists. Raises GarbledReply."""

    @abstractmethod
    def login(self, user: str, password: str) -> tuple[str, ...]:
        """The commands of a login, to be sent one after the other while each is answered with success."""

    @abstractmethod
    def offers_login(self, capabilities: Capabilities) -> bool:
        """Whether a client may log in now with a password."""

    def offers_starttls(self, capabilities: Capabilities) -> bool:
        """Whether TLS may be started now."""
        return self.starttls in capabilities

    def withholds_login(self, capabilities: Capabilities) -> bool:
        """Whether the capabilities say that no password may be sent now."""
        return not self.offers_login(capabilities)

    def turns_away(self, reply: Reply) -> bool:
        """Whether ``reply`` says «not now» whatever the question was."""
        return reply.code in ("421", "BYE")

    def numbered(self, words: str, _number: int, /) -> str:
        """``words`` as the command of that number on the connection: only IMAP tags its commands."""
        return words


def encode(command: str) -> bytes:
    """A command as sent. Raises CannotOffer for a command that would be more than one line."""
    if re.search(r"[\r\n\0]", command):
        raise CannotOffer("a command must be one line without NUL")
    return command.encode() + b"\r\n"


def redacted(command: str) -> str:
    """``command`` as a transcript may show it: what follows AUTH, AUTHENTICATE, LOGIN or PASS is hidden."""
    return re.sub(_SECRETIVE, r"\1 (hidden)", command)


def cut_line(received: bytes, start: int, *, literals: bool = False) -> tuple[bytes, int] | None:
    """The line at ``start`` without its CRLF, and where the next one starts; None while it is not complete.

    With ``literals`` a line that ends in ``{n}`` goes on after n bytes and to the next line end (RFC 9051 §4.3,
    RFC 5804 §1.2). Raises GarbledReply for a bare CR, LF or NUL.
    """
    seek = start
    while (end := received.find(b"\n", seek)) >= 0:
        line = received[seek : end + 1]
        if not line.endswith(b"\r\n") or re.search(rb"[\r\n\0]", line[:-2]):
            raise GarbledReply(f"a line without CRLF, or with control characters in it: {printable(line[:200])}")
        literal = _LITERAL.search(line[:-2]) if literals else None
        if literal is None:
            return received[start : end - 1], end + 1
        seek = end + 1 + int(literal[1])
    return None


def within_bounds(received: bytes, cut: Cut | None) -> Cut | None:
    """``cut``, unless the reply is longer than we accept, finished or not. Raises GarbledReply."""
    reply = received if cut is None else received[: cut.size]
    if len(reply) > MOST_BYTES or reply.count(b"\n") > MOST_LINES:
        raise GarbledReply(f"a reply without end: {len(reply)} bytes, beginning {printable(reply[:80])}")
    return cut
