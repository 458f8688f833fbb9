"""LMTP: SMTP that says LHLO (RFC 2033). Knows no socket and no TLS."""

from __future__ import annotations

from typing import ClassVar

from mailproof.wire.mail.smtp import Smtp


class Lmtp(Smtp):
    """LMTP, up to RCPT the same as SMTP but for the greeting word."""

    asks_capabilities: ClassVar[str | None] = "LHLO {helo}"
