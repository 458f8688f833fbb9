"""What is possible before TLS, and after it."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    CRITICAL,
    DOVECOT,
    HIGH,
    LOCAL,
    MODERN,
    MUST,
    MUST_NOT,
    MX,
    POSTFIX,
    RELAY,
    STARTTLS,
    SUBMISSION,
    Endpoint,
    broken_by,
    control,
    rfc,
    tolerates,
)  # fmt: skip

LOGIN_IN_CLEAR = {"smtpd_tls_auth_only": "no", "smtpd_tls_security_level": "may"}


@control(
    "AUTH-3", MUST_NOT, rfc(4954, "4"),
    "Server sites SHOULD NOT use any configuration which permits a plaintext password mechanism without such a protection "
    "mechanism against password snooping.",
    on=(SUBMISSION, ACCESS), severity=CRITICAL, security=STARTTLS,
    expects="before TLS no login is offered, and one that is tried all the same is refused",
    remedy="Postfix: smtpd_tls_auth_only = yes · Dovecot: auth_allow_cleartext = no",
)  # fmt: skip
@broken_by("logins-in-clear", services={"submission:587": LOGIN_IN_CLEAR},
           dovecot={"auth_allow_cleartext": "yes", "ssl": "yes"})  # fmt: skip
@tolerates("by-the-level", services={"submission:587": {"smtpd_tls_auth_only": "no"}}, dovecot={"ssl": "yes"})
def test_no_login_before_tls(endpoint: Endpoint) -> None:
    """Most programs send the password as soon as they are offered to."""
    with endpoint.session() as session:
        offered = session.offers_login
        reply = session.login(*endpoint.account())
    assert not offered and not reply.ok, f"offered: {offered}; tried: {reply}"


@control(
    "AUTH-4", MUST, rfc(4954, "3"),
    'The EHLO keyword value associated with this extension is "AUTH".',
    on=(SUBMISSION, ACCESS), severity=HIGH, expects="under TLS a login is offered, and the right one succeeds",
    remedy="Postfix: smtpd_sasl_auth_enable = yes and a running SASL back-end · Dovecot: a passdb",
)  # fmt: skip
@broken_by("no-logins", services={name: {"smtpd_sasl_auth_enable": "no"} for name in ("submission:587", "submissions:465")},
           dovecot={"auth_mechanisms": "cram-md5"})  # fmt: skip
@tolerates(
    "for-old-programs-too", postfix={"broken_sasl_auth_clients": "yes"}, dovecot={"auth_mechanisms": "plain login"}
)
def test_login_after_tls(endpoint: Endpoint) -> None:
    """A port that refuses everybody passes every other check."""
    user, password = endpoint.account()
    with endpoint.session(MODERN, endpoint.holder(user)) as session:
        offered = session.offers_login
        reply = session.login(user, password) if offered else None
    assert offered and reply is not None and reply.ok, f"offered: {offered}; tried: {reply}"


@control(
    "AUTH-5", MUST_NOT, rfc(3207, "4"),
    "530 Must issue a STARTTLS command first",
    on=(SUBMISSION, RELAY), daemons=(POSTFIX,), severity=HIGH, security=STARTTLS,
    expects="MAIL before TLS is answered 530", remedy="postconf -P SERVICE/inet/smtpd_tls_security_level=encrypt",
)  # fmt: skip
@broken_by(
    "tls-optional", services={name: {"smtpd_tls_security_level": "may"} for name in ("submission:587", "relay:2525")}
)
@tolerates("certificates-asked-for", services={"submission:587": {"smtpd_tls_ask_ccert": "yes"},
                                               "relay:2525": {"smtpd_tls_ask_ccert": "yes"}})  # fmt: skip
def test_no_mail_before_tls(endpoint: Endpoint) -> None:
    """Where TLS is demanded, nothing of a message may travel in clear, its sender included."""
    with endpoint.session() as session:
        reply = session.mail(endpoint.stranger)
    assert reply.code == "530", f"{reply}"


@control(
    "MX-1", MUST, rfc(3207, "4"),
    "A publicly-referenced SMTP server MUST NOT require use of the STARTTLS extension in order to deliver mail locally.",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, expects="a recipient of this host is accepted without TLS",
    remedy="postconf -e smtpd_tls_security_level=may smtpd_tls_req_ccert=no",
)  # fmt: skip
@broken_by("tls-demanded", postfix={"smtpd_tls_security_level": "encrypt"})
@tolerates("certificates-asked-for", postfix={"smtpd_tls_ask_ccert": "yes"})
def test_accepts_local_mail_without_tls(endpoint: Endpoint) -> None:
    """An MX that demands TLS loses mail from everybody who has none."""
    with endpoint.session() as session:
        replies = [session.mail(endpoint.stranger), session.rcpt(endpoint.home)]
    assert all(reply.ok for reply in replies), "; ".join(map(str, replies))


@control(
    "MX-3", MUST, rfc(3207, "2"),
    "the EHLO keyword value associated with the extension is STARTTLS",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, expects="STARTTLS is announced", remedy="postconf -e smtpd_tls_security_level=may",
)  # fmt: skip
@broken_by("tls-switched-off", postfix={"smtpd_tls_security_level": "none"})
@tolerates("certificates-asked-for", postfix={"smtpd_tls_ask_ccert": "yes"})
def test_announces_starttls(endpoint: Endpoint) -> None:
    """A sender that is not told of TLS sends in clear."""
    with endpoint.session() as session:
        offered, said = session.offers_starttls, sorted(session.capabilities)
    assert offered, f"EHLO does not name STARTTLS: {' '.join(said)}"


@control(
    "LMTP-1", MUST, rfc(2033, "4"),
    "The LMTP protocol is identical to the SMTP protocol SMTP [SMTP] [HOST-REQ] with its service extensions [ESMTP], "
    "except as modified by this document.",
    on=(LOCAL,), severity=HIGH, expects="the socket accepts mail for a local user without TLS",
    remedy="leave ssl out of Dovecot's service lmtp", daemons=(DOVECOT,),
)  # fmt: skip
@broken_by("no-recipients", dovecot={"auth_username_chars": "0"})
@tolerates("tls-optional-elsewhere", dovecot={"ssl": "yes"})
def test_lmtp_needs_no_tls(endpoint: Endpoint) -> None:
    """The socket never leaves the host: a demand for TLS there would only stop delivery."""
    with endpoint.session() as session:
        replies = [session.mail(""), session.rcpt("probe")]
    assert all(reply.ok for reply in replies), "; ".join(map(str, replies))
