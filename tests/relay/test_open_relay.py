"""Nobody relays without a reason: no certificate, no login."""

from __future__ import annotations

from mailproof.controls import (
    CRITICAL,
    MODERN,
    MUST_NOT,
    MX,
    POSTFIX,
    SUBMISSION,
    Endpoint,
    broken_by,
    control,
    postconf,
    tolerates,
)  # fmt: skip

OPEN = "check_client_access static:OK, reject"  # a bare permit stops smtpd: it wants some refusal in the list
IN_ONE_LIST = {"smtpd_relay_restrictions": "", "smtpd_recipient_restrictions":
               "permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination"}  # fmt: skip
NOT_APART = {key: {"smtpd_relay_restrictions": None} for key in ("submission:587", "submissions:465")}


@control(
    "OPEN-1", MUST_NOT, postconf("smtpd_relay_restrictions"),
    "Access restrictions for mail relay control that the Postfix SMTP server applies in the context of the RCPT TO "
    "command, before smtpd_recipient_restrictions.",
    on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=CRITICAL,
    expects="recipients abroad are refused by the relay decision, whoever the sender claims to be",
    remedy="postconf -e 'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, "
           "reject_unauth_destination'",
)  # fmt: skip
@broken_by("open-relay", postfix={"smtpd_relay_restrictions": OPEN},
           services={name: {"smtpd_relay_restrictions": OPEN} for name in ("submission:587", "submissions:465")})  # fmt: skip
@broken_by("sender-decides", postfix={
    "smtpd_relay_restrictions": "check_sender_access inline:{{mail.mailproof.test=permit}}, reject_unauth_destination"},
    services={name: {"smtpd_relay_restrictions": "check_sender_access inline:{{mail.mailproof.test=permit}}, reject"}
              for name in ("submission:587", "submissions:465")})  # fmt: skip
@tolerates("all-in-the-recipients-list", postfix=IN_ONE_LIST, services=NOT_APART)
def test_strangers_relay_nothing(endpoint: Endpoint) -> None:
    """An open relay is found within hours, and its host is on every blocklist the day after."""
    decisions = endpoint.refused(MODERN)
    assert not any(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "OPEN-2", MUST_NOT, postconf("smtpd_relay_restrictions"),
    "Access restrictions for mail relay control that the Postfix SMTP server applies in the context of the RCPT TO "
    "command, before smtpd_recipient_restrictions.",
    on=(MX,), daemons=(POSTFIX,), severity=CRITICAL,
    expects="recipients abroad are refused by the relay decision in clear too",
    remedy="postconf -e 'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, "
           "reject_unauth_destination'",
)  # fmt: skip
@broken_by("open-relay", postfix={"smtpd_relay_restrictions": OPEN})
@broken_by("trusted-neighbours", postfix={"mynetworks": "127.0.0.0/8 198.18.0.0/15"})
@tolerates("all-in-the-recipients-list", postfix=IN_ONE_LIST)
def test_strangers_relay_nothing_in_clear(endpoint: Endpoint) -> None:
    """A network in mynetworks is a permission that no certificate and no password guards."""
    decisions = endpoint.refused(None)
    assert not any(decision.relayed for decision in decisions), "; ".join(map(str, decisions))
