"""Text of postconf and doveconf → effective settings and declared services. Pure; knows no release's vocabulary.

Views speak the native names of the release that they were read from; `mailproof.dialect` translates.
"""

from __future__ import annotations

from mailproof.settings.reading import READ_SCRIPT, parse_readings
from mailproof.settings.services import (
    DOVECOT_DAEMON,
    POSTFIX_DAEMON,
    dovecot_services,
    features,
    features_of,
    lmtp_socket,
    postfix_services,
)
from mailproof.settings.views import DovecotView, PostfixView, Readings

__all__ = [
    "DOVECOT_DAEMON",
    "POSTFIX_DAEMON",
    "READ_SCRIPT",
    "DovecotView",
    "PostfixView",
    "Readings",
    "dovecot_services",
    "features",
    "features_of",
    "lmtp_socket",
    "parse_readings",
    "postfix_services",
]
