"""What the other side says of itself in DNS: a promise that is kept, or no mail."""

from __future__ import annotations

from mailproof.controls import (
    CRITICAL,
    DAEMON,
    HIGH,
    INFORMATIVE,
    LOW,
    MEDIUM,
    MUST,
    MUST_NOT,
    POSTFIX,
    Dane,
    broken_by,
    control,
    postconf,
    postfix_readme,
    tolerates,
)  # fmt: skip

DANE = postfix_readme("TLS_README", "DANE TLS authentication")
NEVER_ASKED = {"smtp_dns_support_level": "enabled"}
MAY = {"smtp_tls_security_level": "may"}
DANE_ONLY = {"smtp_tls_security_level": "dane-only"}
TRUST_ANCHORS = ("anchor.destinations.test", "tls-1.2.destinations.test")
OWN_KEYS = ("wrong-name.signed.test", "self-signed.signed.test", "lapsed.signed.test", "anonymous.signed.test")


@control(
    "SEND-20", MUST, DANE,
    'If a remote SMTP server has "usable" (see section 3 of RFC 7672) DANE TLSA records, the server connection will be '
    "authenticated.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations",
    variants=("matching.signed.test", "certificate.signed.test", "rollover.signed.test", "mx-signed.test",
              *TRUST_ANCHORS, *OWN_KEYS),
    expects="the message comes with TLS, and the log calls the other side verified",
    remedy="postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec smtp_host_lookup=dns, and a resolver on "
           "this host that validates",
)  # fmt: skip
@broken_by("opportunistic", postfix=MAY)
@broken_by("no-dnssec", postfix=NEVER_ASKED)
@broken_by("names-from-files", postfix={"smtp_host_lookup": "native"}, variants=TRUST_ANCHORS)
@tolerates("dane-only", postfix=DANE_ONLY)
def test_who_keeps_his_promise_is_verified(dane: Dane, variant: str) -> None:
    """The record is the whole proof: with usage 3 no authority, name or date is looked at, only the key."""
    sent = dane.send(variant)
    assert sent.tls is not None and sent.logged is not None and sent.logged.word == "Verified", f"{sent}"


@control(
    "SEND-21", MUST_NOT, DANE,
    "When DANE authentication fails, there is no fallback to unauthenticated or plaintext delivery.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=CRITICAL, feature="lab-destinations",
    variants=("mismatch.signed.test", "other-name.signed.test", "mx-mismatch.test", "mx-unsigned-mismatch.test"),
    expects="the message stays in the queue: 4.7.5, server certificate not verified",
    remedy="postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec",
)  # fmt: skip
@broken_by("opportunistic", postfix=MAY)
@broken_by("encrypted-to-anybody", postfix={"smtp_tls_security_level": "encrypt"})
@broken_by("unsigned-exchangers-believed", postfix={"smtp_tls_dane_insecure_mx_policy": "may"},
           variants=("mx-unsigned-mismatch.test",))  # fmt: skip
@broken_by("no-dnssec", postfix=NEVER_ASKED)
@tolerates("dane-only", postfix=DANE_ONLY)
def test_nobody_else_gets_the_mail(dane: Dane, variant: str) -> None:
    """Who answers in the other side's place has another key: nothing of the message may reach him."""
    sent = dane.send(variant)
    assert sent.held_back, f"{sent}"


@control(
    "SEND-22", MUST_NOT, DANE,
    'If TLSA records are published for a given remote SMTP server (implying TLS support), but are all "unusable" due to '
    "unsupported parameters or malformed data, the Postfix SMTP client will use mandatory unauthenticated TLS.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=CRITICAL, feature="lab-destinations",
    variants=("in-clear.signed.test", "broken.signed.test", "unusable-in-clear.signed.test"),
    expects="the message stays in the queue where STARTTLS is not offered, or refused",
    remedy="postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec",
)  # fmt: skip
@broken_by("opportunistic", postfix=MAY)
@broken_by("no-dnssec", postfix=NEVER_ASKED)
@tolerates("dane-only", postfix=DANE_ONLY)
def test_nothing_goes_out_in_clear_where_tls_is_promised(dane: Dane, variant: str) -> None:
    """Whoever sits between takes STARTTLS out of the dialogue; out of DNS he cannot take the promise."""
    sent = dane.send(variant)
    assert sent.held_back, f"{sent}"


@control(
    "SEND-23", MUST_NOT, postconf("smtp_dns_support_level"),
    "Postfix DNSSEC support relies on an upstream recursive nameserver that validates DNSSEC signatures.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=CRITICAL, feature="lab-destinations",
    variants=("any.tampered.test", "in-clear.tampered.test"),
    expects="the message stays in the queue where the TLSA records do not hold against their signatures",
    remedy="postconf -e smtp_tls_security_level=dane smtp_dns_support_level=dnssec",
)  # fmt: skip
@broken_by("opportunistic", postfix=MAY)
@broken_by("no-dnssec", postfix=NEVER_ASKED)
@tolerates("dane-only", postfix=DANE_ONLY)
def test_records_that_were_tampered_with_are_no_missing_records(dane: Dane, variant: str) -> None:
    """An answer that cannot be trusted is what an attack looks like: to go on as if there were none would help it."""
    sent = dane.send(variant)
    assert sent.held_back, f"{sent}"


@control(
    "SEND-24", MUST, DANE,
    'If TLSA records are published for a given remote SMTP server (implying TLS support), but are all "unusable" due to '
    "unsupported parameters or malformed data, the Postfix SMTP client will use mandatory unauthenticated TLS.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, feature="lab-destinations",
    variants=("unusable.signed.test", "unknown.signed.test"), expects="the message comes with TLS",
    remedy="postconf -e smtp_tls_security_level=dane; dane-only for destinations that one knows, by smtp_tls_policy_maps",
)  # fmt: skip
@broken_by("dane-only", postfix=DANE_ONLY)
@broken_by("never", postfix={"smtp_tls_security_level": "none"})
@tolerates("encrypted-everywhere", postfix={"smtp_tls_security_level": "encrypt"})
def test_who_promises_tls_and_no_more_gets_mail_with_tls(dane: Dane, variant: str) -> None:
    """A record of a kind that senders do not use for mail still says that there is TLS."""
    sent = dane.send(variant)
    assert sent.tls is not None, f"{sent}"


@control(
    "SEND-25", INFORMATIVE, DANE,
    "Otherwise, when no TLSA records are published, the Postfix SMTP client behavior is the same as with may.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=LOW, feature="lab-destinations",
    variants=("without.signed.test", "without-in-clear.signed.test", "any.unsigned.test", "in-clear.unsigned.test",
              "mx-outside.test"),
    expects="recorded: the message comes, to whoever answers, in clear where there is no TLS",
    remedy="for destinations that one knows: smtp_tls_policy_maps with dane-only or secure",
)  # fmt: skip
@broken_by("dane-only", postfix=DANE_ONLY)
@tolerates("opportunistic", postfix=MAY)
def test_who_promises_nothing_gets_mail_as_ever(dane: Dane, variant: str) -> None:
    """DANE protects mail to those who take part; records in a zone that nobody signed are worth nothing."""
    sent = dane.send(variant)
    assert sent.arrival is not None, f"{sent}"
