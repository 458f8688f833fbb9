"""Relay by client certificate: who is let through, and who is not."""

from __future__ import annotations

from mailproof.controls import (
    CRITICAL,
    HIGH,
    INFORMATIVE,
    LOW,
    MODERN,
    MUST,
    MUST_NOT,
    MX,
    POSTFIX,
    RELAY,
    SUBMISSION,
    Endpoint,
    broken_by,
    control,
    postconf,
    postfix_readme,
    tolerates,
)  # fmt: skip

PORTS = ("submission:587", "submissions:465", "relay:2525")
NOBODY_LISTED = {"relay_clientcerts": "inline:{00:00=nobody}"}
ANYBODY = {"smtpd_relay_restrictions": "permit_tls_all_clientcerts, permit_tls_clientcerts, reject_unauth_destination"}
OPEN = {"smtpd_relay_restrictions": "check_client_access static:OK, reject"}
IN_ONE_LIST = {"smtpd_relay_restrictions": "", "smtpd_recipient_restrictions":
               "permit_mynetworks, permit_sasl_authenticated, permit_tls_clientcerts, reject_unauth_destination"}  # fmt: skip
NOT_APART = {key: {"smtpd_relay_restrictions": None} for key in PORTS}


@control(
    "REL-8", MUST, postconf("permit_tls_clientcerts"),
    "Permit the request when the remote SMTP client certificate fingerprint or public key fingerprint (Postfix 2.9 and "
    "later) is listed in $relay_clientcerts.",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH, feature="client-certificates",
    variants=("listed-tls-1.2", "listed-tls-1.3", "renewed-tls-1.3"),
    expects="recipients abroad are accepted", remedy="list the SHA-256 fingerprint, and permit_tls_clientcerts in "
    "smtpd_relay_restrictions",
)  # fmt: skip
@broken_by("nobody-listed", postfix=NOBODY_LISTED)
@broken_by("digest-of-2008", postfix={"smtpd_tls_fingerprint_digest": "md5"})
@broken_by("permitted-in-the-wrong-list",
           postfix={"smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
                    "smtpd_recipient_restrictions": "permit_tls_clientcerts, reject_unauth_destination"},
           services={name: {"smtpd_relay_restrictions": "reject_unauth_destination"} for name in PORTS})  # fmt: skip
@broken_by("table-of-2008", tables={"relay_clientcerts": "md5"})
@broken_by("dashes", tables={"relay_clientcerts": "dashes"})
@broken_by("no-separators", tables={"relay_clientcerts": "no-separators"})
@broken_by("one-too-few", tables={"relay_clientcerts": "one-too-few"})
@tolerates("reordered", tables={"relay_clientcerts": "reordered"})
@tolerates("one-who-is-elsewhere", tables={"relay_clientcerts": "one-more"})
def test_listed_certificates_relay(endpoint: Endpoint, variant: str) -> None:
    """Renewal with the same key keeps the public key's fingerprint, so its owner is not locked out that day."""
    client, _, version = variant.partition("-tls-")
    decisions = endpoint.decisions(MODERN.only(f"TLSv{version}"), client)
    assert all(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "REL-4", MUST_NOT, postconf("permit_tls_clientcerts"),
    "Permit the request when the remote SMTP client certificate fingerprint or public key fingerprint (Postfix 2.9 and "
    "later) is listed in $relay_clientcerts.",
    on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=CRITICAL, feature="client-certificates",
    variants=("unlisted", "stranger", "self-signed", "expired", "unlisted-tls-1.2"),
    expects="recipients abroad are refused by the relay decision, whoever the sender claims to be",
    remedy="permit_tls_clientcerts instead of permit_tls_all_clientcerts, and a refusal behind it",
)  # fmt: skip
@broken_by("any-trusted-certificate", postfix=ANYBODY, services=dict.fromkeys(PORTS, ANYBODY),
           variants=("unlisted", "unlisted-tls-1.2"))  # fmt: skip
@broken_by("open-relay", postfix=OPEN, services=dict.fromkeys(PORTS, OPEN))
@broken_by("one-too-many", tables={"relay_clientcerts": "one-too-many"}, variants=("unlisted", "unlisted-tls-1.2"))
@tolerates("reordered", tables={"relay_clientcerts": "reordered"})
@tolerates("one-who-is-elsewhere", tables={"relay_clientcerts": "one-more"})
@tolerates("all-in-the-recipients-list", postfix=IN_ONE_LIST, services=NOT_APART)
def test_unlisted_certificates_relay_nothing(endpoint: Endpoint, variant: str) -> None:
    """A certificate says who somebody is; whether he may relay, only the table says."""
    client, _, version = variant.partition("-tls-")
    decisions = endpoint.refused(MODERN.only(f"TLSv{version}") if version else MODERN, client)
    assert not any(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "REL-10", MUST_NOT, postconf("permit_tls_clientcerts"),
    "Permit the request when the remote SMTP client certificate fingerprint or public key fingerprint (Postfix 2.9 and "
    "later) is listed in $relay_clientcerts.",
    on=(RELAY,), daemons=(POSTFIX,), severity=CRITICAL, feature="client-certificates",
    variants=("unlisted-tls-1.2", "unlisted-tls-1.3"),
    expects="a verified certificate that is not listed relays nothing",
    remedy="permit_tls_clientcerts instead of permit_tls_all_clientcerts, and a refusal behind it",
)  # fmt: skip
@broken_by("any-trusted-certificate", services={"relay:2525": ANYBODY})
@broken_by("open-relay", services={"relay:2525": OPEN})
@broken_by("one-too-many", tables={"relay_clientcerts": "one-too-many"})
@tolerates("reordered", tables={"relay_clientcerts": "reordered"})
@tolerates("one-who-is-elsewhere", tables={"relay_clientcerts": "one-more"})
def test_verified_but_unlisted_certificates_relay_nothing(endpoint: Endpoint, variant: str) -> None:
    """The relay port lets every certificate of the CA in; the table decides about the recipient."""
    client, _, version = variant.partition("-tls-")
    decisions = endpoint.refused(MODERN.only(f"TLSv{version}"), client)
    assert not any(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "REL-5", MUST, postfix_readme("TLS_README", "Server access control"),
    "Postfix TLS support introduces three additional features for Postfix SMTP server access control.",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, feature="client-certificates",
    variants=("unlisted", "stranger", "self-signed", "expired"), expects="mail for this host is accepted all the same",
    remedy="postconf -e smtpd_tls_req_ccert=no smtpd_tls_security_level=may",
)  # fmt: skip
@broken_by("certificates-verified-on-the-mx",
           postfix={"smtpd_recipient_restrictions": "permit_tls_clientcerts, reject"})  # fmt: skip
@tolerates(
    "recipients-guarded-too", postfix={"smtpd_recipient_restrictions": "permit_mynetworks, reject_unauth_destination"}
)
def test_unlisted_certificates_still_deliver_locally(endpoint: Endpoint, variant: str) -> None:
    """Other hosts present certificates too, of whatever quality: their mail for us must not be lost over it."""
    decisions = endpoint.decisions(MODERN, variant, recipient=endpoint.home)
    assert all(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "REL-6", MUST, postconf("smtpd_tls_req_ccert"),
    "With mandatory TLS encryption, require a trusted remote SMTP client certificate in order to allow TLS connections "
    "to proceed.",
    on=(RELAY,), daemons=(POSTFIX,), severity=CRITICAL, feature="client-certificates",
    variants=("none", *(f"listed-{flaw}" for flaw in ("expired", "self-signed", "stranger", "server-only"))),
    expects="421 4.7.1 right after the handshake",
    remedy="postconf -P RELAY/inet/smtpd_tls_req_ccert=yes RELAY/inet/smtpd_tls_security_level=encrypt",
)  # fmt: skip
@broken_by("certificates-asked-only", services={"relay:2525": {"smtpd_tls_req_ccert": "no"}})
@tolerates("deeper-chains", services={"relay:2525": {"smtpd_tls_ccert_verifydepth": "9"}})
def test_relay_port_turns_doubtful_certificates_away(endpoint: Endpoint, variant: str) -> None:
    """The table alone would let a listed certificate relay for ever, expired or not."""
    away = endpoint.turned_away("" if variant == "none" else variant)
    assert away.startswith("421 4.7.1 "), away or "the session goes on"


@control(
    "REL-7", INFORMATIVE, postconf("relay_clientcerts"),
    "List of tables with remote SMTP client-certificate fingerprints or public key fingerprints (Postfix 2.9 and later) "
    "for which the Postfix SMTP server will allow access with the permit_tls_clientcerts feature.",
    on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=LOW, feature="client-certificates",
    variants=tuple(f"listed-{flaw}" for flaw in ("expired", "self-signed", "stranger", "server-only")),
    expects="recorded: on this port a listed fingerprint relays whatever else is wrong with its certificate",
    remedy="take expired and withdrawn certificates off the table, or relay on a port that requires trusted ones",
)  # fmt: skip
@broken_by("nobody-listed", postfix=NOBODY_LISTED)
@tolerates("reordered", tables={"relay_clientcerts": "reordered"})
def test_a_listed_fingerprint_alone_decides(endpoint: Endpoint, variant: str) -> None:
    """Dates, issuer and purpose are not looked at where TLS is optional: whoever keeps the table must know."""
    decisions = endpoint.decisions(MODERN, variant)
    assert all(decision.relayed for decision in decisions), "; ".join(map(str, decisions))
