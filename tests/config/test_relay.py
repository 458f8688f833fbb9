"""Relay by client certificate, as the settings say it."""

from __future__ import annotations

from collections.abc import Mapping

from mailproof.controls import (
    CRITICAL,
    HIGH,
    MUST,
    MX,
    POSTFIX,
    RELAY,
    SUBMISSION,
    EffectiveSettings,
    broken_by,
    control,
    postconf,
    tolerates,
)  # fmt: skip

OCTETS = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
REFUSE = {"reject", "reject_unauth_destination", "defer", "defer_unauth_destination"}


@control(
    "REL-1", MUST, postconf("permit_tls_clientcerts"),
    'This feature requires "smtpd_tls_ask_ccert = yes" and is available with Postfix version 2.2 and later.',
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH, feature="client-certificates",
    expects="clients are asked for a certificate; on a relay port it is required under mandatory TLS",
    remedy="postconf -e smtpd_tls_ask_ccert=yes; postconf -P RELAY/inet/smtpd_tls_req_ccert=yes",
)  # fmt: skip
@broken_by(
    "nobody-asked", postfix={"smtpd_tls_ask_ccert": "no"}, services={"relay:2525": {"smtpd_tls_req_ccert": "no"}}
)
@broken_by("required-where-it-is-ignored", services={"relay:2525": {"smtpd_tls_security_level": "may"}})
@tolerates("required-where-tls-is", services={"submission:587": {"smtpd_tls_req_ccert": "yes"},
           "submissions:465": {"smtpd_tls_req_ccert": "yes"}, "relay:2525": {"smtpd_tls_ask_ccert": "yes"}})  # fmt: skip
def test_clients_are_asked_for_a_certificate(settings: EffectiveSettings) -> None:
    """A certificate that nobody asks for is never sent; one that is required without mandatory TLS is not required."""
    asked, required = settings["smtpd_tls_ask_ccert"], settings["smtpd_tls_req_ccert"]
    if settings.service.role is RELAY:
        level = settings["smtpd_tls_security_level"]
        assert required == "yes", f"smtpd_tls_req_ccert = {required} on a relay port"
        assert level == "encrypt", f"req_ccert is ignored unless TLS is mandatory; the level is «{level}»"
    else:
        assert "yes" in (asked, required), f"no client is asked: ask_ccert = {asked}, req_ccert = {required}"


@control(
    "REL-2", MUST, postconf("smtpd_relay_restrictions"),
    "As of Postfix 2.10, relay permission rules are preferably implemented with smtpd_relay_restrictions, so that a "
    "permissive spam blocking policy under smtpd_recipient_restrictions will no longer result in a permissive mail relay "
    "policy.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=CRITICAL, feature="client-certificates",
    expects="smtpd_relay_restrictions, or where it is empty smtpd_recipient_restrictions, permits listed certificates, no "
            "others, and refuses the rest",
    remedy="postconf -e 'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, "
           "permit_tls_clientcerts, reject_unauth_destination'",
)  # fmt: skip
@broken_by("in-the-wrong-list",
           postfix={"smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
                    "smtpd_recipient_restrictions": "permit_tls_clientcerts, reject_unauth_destination"},
           services={name: {"smtpd_relay_restrictions": None}
                     for name in ("submission:587", "submissions:465", "relay:2525")})  # fmt: skip
@broken_by("any-trusted-certificate",
           postfix={"smtpd_relay_restrictions": "permit_tls_all_clientcerts, reject_unauth_destination"},
           services={name: {"smtpd_relay_restrictions": "permit_tls_all_clientcerts, permit_tls_clientcerts, reject"}
                     for name in ("submission:587", "submissions:465", "relay:2525")})  # fmt: skip
@tolerates("another-order", postfix={"smtpd_relay_restrictions": "permit_tls_clientcerts permit_mynetworks defer_unauth_destination"},
           services={name: {"smtpd_relay_restrictions": "permit_tls_clientcerts permit_sasl_authenticated reject"}
                     for name in ("submission:587", "submissions:465", "relay:2525")})  # fmt: skip
@tolerates("all-in-the-recipients-list", postfix={"smtpd_relay_restrictions": "", "smtpd_recipient_restrictions":
           "permit_mynetworks, permit_sasl_authenticated, permit_tls_clientcerts, reject_unauth_destination"},
           services={name: {"smtpd_relay_restrictions": None}
                     for name in ("submission:587", "submissions:465", "relay:2525")})  # fmt: skip
def test_relay_restrictions_permit_listed_certificates_only(settings: EffectiveSettings) -> None:
    """Each word is asked in turn until one decides: what stands behind the refusal is never reached."""
    decides = settings["smtpd_relay_restrictions"] or settings["smtpd_recipient_restrictions"]
    words = decides.replace(",", " ").split()
    before = words[: min((words.index(word) for word in words if word in REFUSE), default=0)]
    assert "permit_tls_clientcerts" in before, f"listed certificates are not permitted before the refusal: {words}"
    assert not {"permit", "permit_tls_all_clientcerts"} & set(before), f"others are permitted as well: {before}"


@control(
    "REL-3", MUST, postconf("smtpd_tls_fingerprint_digest"), "The best-practice algorithm is now sha256.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH, feature="client-certificates",
    expects="the digest is the profile's, and every entry of the table is as long as that digest",
    remedy="postconf -e smtpd_tls_fingerprint_digest=sha256, and list SHA-256 fingerprints",
    parameters=("fingerprint_digest",),
)  # fmt: skip
@broken_by("digest-of-2008", postfix={"smtpd_tls_fingerprint_digest": "md5"})
@broken_by("table-of-2008", tables={"relay_clientcerts": "md5"})
@broken_by("dashes", tables={"relay_clientcerts": "dashes"})
@broken_by("no-separators", tables={"relay_clientcerts": "no-separators"})
@tolerates("reordered", tables={"relay_clientcerts": "reordered"})
@tolerates("one-who-is-elsewhere", tables={"relay_clientcerts": "one-more"})
def test_fingerprints_match_the_digest(settings: EffectiveSettings, parameters: Mapping[str, object]) -> None:
    """The default digest depends on the compatibility level: a table of the other length silently permits nobody."""
    digest, wanted = settings["smtpd_tls_fingerprint_digest"], parameters["fingerprint_digest"]
    assert digest == wanted, f"fingerprints are made with {digest}"
    keys = settings.keys("relay_clientcerts")
    wrong = [key for key in keys if len(key.split(":")) != OCTETS[digest]]
    assert keys and not wrong, f"no {digest} fingerprint: {', '.join(wrong) or 'the table is empty'}"


@control(
    "REL-9", MUST, postconf("smtpd_tls_req_ccert"),
    "When TLS encryption is optional, this setting is ignored with a warning written to the mail log.",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, feature="client-certificates",
    expects="no certificate is required where TLS is optional", remedy="postconf -e smtpd_tls_req_ccert=no",
)  # fmt: skip
@broken_by("as-in-the-article", postfix={"smtpd_tls_req_ccert": "yes"})
@tolerates("nobody-asked", postfix={"smtpd_tls_ask_ccert": "no"})
def test_certificates_are_not_required_where_tls_is_optional(settings: EffectiveSettings) -> None:
    """The line promises a check that never takes place."""
    required, level = settings["smtpd_tls_req_ccert"], settings["smtpd_tls_security_level"]
    assert required == "no" or level == "encrypt", f"smtpd_tls_req_ccert = yes at level «{level}» is ignored"
