"""One message stays one message, and a client waits for its turn."""

from __future__ import annotations

from mailproof.controls import (
    CRITICAL,
    ENDS,
    HIGH,
    LOW,
    MEDIUM,
    MUST,
    MUST_NOT,
    MX,
    POSTFIX,
    RELAY,
    SUBMISSION,
    Delivery,
    EffectiveSettings,
    Endpoint,
    Whole,
    broken_by,
    control,
    postconf,
    rfc,
    tolerates,
)  # fmt: skip

WITH_LINE_FEEDS = ("lf-dot-lf", "lf-dot-crlf", "crlf-dot-lf")
WITHOUT = ("cr-dot-cr", "crlf-dot-cr")


@control(
    "SMUG-1", MUST, postconf("smtpd_forbid_bare_newline"),
    "Reject or restrict input lines from an SMTP client that end in <LF> instead of the standard <CR><LF>.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH,
    expects="smtpd_forbid_bare_newline = normalize, yes or reject",
    remedy="postconf -e smtpd_forbid_bare_newline=normalize",
)  # fmt: skip
@broken_by("bare-newlines-allowed", postfix={"smtpd_forbid_bare_newline": "no"})
@tolerates("rejected", postfix={"smtpd_forbid_bare_newline": "reject"})
@tolerates("by-its-old-name", postfix={"smtpd_forbid_bare_newline": "yes"})
def test_bare_newlines_are_forbidden(settings: EffectiveSettings) -> None:
    """Off by default before Postfix 3.9, and an old configuration keeps it off by naming it."""
    value = settings["smtpd_forbid_bare_newline"]
    assert value.lower() in ("normalize", "yes", "reject"), f"smtpd_forbid_bare_newline = {value}"


@control(
    "SMUG-2", MUST_NOT, rfc(5321, "4.1.1.4"),
    'In particular, the sequence "<LF>.<LF>" (bare line feeds, without carriage returns) MUST NOT be treated as equivalent '
    "to <CRLF>.<CRLF> as the end of mail data indication.",
    on=(MX,), daemons=(POSTFIX,), severity=CRITICAL, variants=tuple(ENDS),
    expects="a message with such a sequence in its text stays one message, or is rejected",
    remedy="postconf -e smtpd_forbid_bare_newline=normalize; take away a box that rewrites line ends",
)  # fmt: skip
@broken_by("bare-newlines-allowed", postfix={"smtpd_forbid_bare_newline": "no"}, variants=WITH_LINE_FEEDS)
@broken_by("careless-middlebox", middlebox="careless", variants=WITHOUT)
@tolerates("rejected", postfix={"smtpd_forbid_bare_newline": "reject"}, variants=WITH_LINE_FEEDS)
def test_a_message_ends_where_it_ends(delivery: Delivery, variant: str) -> None:
    """A second message inside the first comes with the first one's good name: SMTP smuggling, CVE-2023-51764."""
    found = delivery.smuggle(variant)
    assert isinstance(found, Whole), f"{found}"


@control(
    "SMUG-3", MUST, postconf("smtpd_forbid_unauth_pipelining"),
    "Disconnect remote SMTP clients that violate RFC 2920 (or 5321) command pipelining constraints.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=LOW, expects="smtpd_forbid_unauth_pipelining = yes",
    remedy="postconf -e smtpd_forbid_unauth_pipelining=yes",
)  # fmt: skip
@broken_by("hurry-allowed", postfix={"smtpd_forbid_unauth_pipelining": "no"})
@tolerates("capitals", postfix={"smtpd_forbid_unauth_pipelining": "YES"})
def test_early_pipelining_is_forbidden(settings: EffectiveSettings) -> None:
    """Off by default before Postfix 3.9."""
    value = settings["smtpd_forbid_unauth_pipelining"]
    assert value == "yes", f"smtpd_forbid_unauth_pipelining = {value}"


@control(
    "SMUG-4", MUST_NOT, rfc(2920, "3.1"),
    "The EHLO, DATA, VRFY, EXPN, TURN, QUIT, and NOOP commands can only appear as the last command in a group since their "
    "success or failure produces a change of state which the client SMTP must accommodate.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=MEDIUM,
    expects="a client that sends more behind EHLO, before the reply, is turned out",
    remedy="postconf -e smtpd_forbid_unauth_pipelining=yes",
)  # fmt: skip
@broken_by("hurry-allowed", postfix={"smtpd_forbid_unauth_pipelining": "no"})
@tolerates("capitals", postfix={"smtpd_forbid_unauth_pipelining": "YES"})
def test_a_client_that_does_not_wait_is_turned_out(endpoint: Endpoint) -> None:
    """Who does not read replies sends a script: a bot, or a browser that was tricked into speaking SMTP."""
    reply = endpoint.hurry()
    assert reply, f"EHLO and the command behind it were both answered with yes; it was turned out with «{reply}»"
