"""What is said in clear stays outside TLS, and a session that was to have TLS does not go on without it."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    CRITICAL,
    HIGH,
    MEDIUM,
    MODERN,
    MUST,
    MUST_NOT,
    RELAY,
    SHOULD_NOT,
    STARTTLS,
    SUBMISSION,
    TLS_ROLES,
    Discarded,
    Endpoint,
    broken_by,
    control,
    no_other_way,
    rfc,
    tolerates,
)  # fmt: skip

LOGIN_IN_CLEAR = {"smtpd_tls_auth_only": "no", "smtpd_tls_security_level": "may"}


@control(
    "STLS-1", MUST_NOT, rfc(9051, "6.2.1"),
    "In order to avoid this vulnerability, server implementations MUST do one of the following if any data is received in "
    "the same TCP buffer after the CRLF that starts the STARTTLS command: Extra data from the TCP buffer is interpreted as "
    "the beginning of the TLS handshake. (…) Extra data from the TCP buffer is thrown away.",
    on=TLS_ROLES, severity=CRITICAL, security=STARTTLS,
    expects="a command that is sent in clear behind STARTTLS is not answered inside TLS",
    remedy="update the daemon (CVE-2011-0411, CVE-2021-33515); take away a box that ends TLS in front of it",
)  # fmt: skip
@broken_by("careless-middlebox", middlebox="careless")
@no_other_way("no setting leads here or away: the daemons do it by themselves")
def test_nothing_said_in_clear_lives_on_inside_tls(endpoint: Endpoint) -> None:
    """Who can write into the connection before TLS begins would speak with the client's voice inside it."""
    found = endpoint.injection()
    assert isinstance(found, Discarded), f"{found}"


@control(
    "STLS-2", SHOULD_NOT, rfc(3207, "4.2"),
    "A server MUST NOT return the STARTTLS extension in response to an EHLO command received after a TLS handshake has "
    "completed.",
    on=TLS_ROLES, severity=MEDIUM, security=STARTTLS, expects="inside TLS, STARTTLS is not offered any more",
    remedy="take away a box that ends TLS in front of the daemon",
)  # fmt: skip
@broken_by("careless-middlebox", middlebox="careless")
@no_other_way("no setting leads here or away: the daemons do it by themselves")
def test_starttls_is_not_offered_inside_tls(endpoint: Endpoint) -> None:
    """A list of capabilities that does not change is the one from before TLS, which anybody could have written."""
    with endpoint.session(MODERN, endpoint.admitted) as session:
        offered = sorted(session.capabilities)
        still = session.offers_starttls
    assert not still, f"inside TLS the server offers: {' '.join(offered)}"


@control(
    "STLS-3", MUST_NOT, rfc(3207, "4.2"),
    "The server MUST discard any knowledge obtained from the client, such as the argument to the EHLO command, which was "
    "not obtained from the TLS negotiation itself.",
    on=TLS_ROLES, severity=MEDIUM, security=STARTTLS, expects="a second STARTTLS, inside TLS, is refused",
    remedy="take away a box that ends TLS in front of the daemon",
)  # fmt: skip
@broken_by("careless-middlebox", middlebox="careless")
@no_other_way("no setting leads here or away: the daemons do it by themselves")
def test_a_second_starttls_is_refused(endpoint: Endpoint) -> None:
    """A daemon that says yes does not know that it is inside TLS, and treats the session as one in clear."""
    with endpoint.session(MODERN, endpoint.admitted) as session:
        reply = session.command(session.starttls_word)
        session.close()
    assert not reply.ok, f"{session.starttls_word} inside TLS was answered «{reply}»"


@control(
    "STLS-4", MUST_NOT, rfc(9051, "6.2.1"),
    "negotiation begins immediately after the CRLF at the end of the tagged OK response from the server.",
    on=(SUBMISSION, ACCESS, RELAY), severity=HIGH, security=STARTTLS,
    expects="after STARTTLS nothing in clear is answered with yes: the session ends",
    remedy="take away a box that ends TLS in front of the daemon",
)  # fmt: skip
@broken_by("careless-middlebox", middlebox="careless")
@no_other_way("no setting leads here or away: the daemons do it by themselves")
def test_a_failed_handshake_does_not_lead_back_into_the_clear(endpoint: Endpoint) -> None:
    """Who can break a handshake could otherwise read and write all that follows."""
    answer = endpoint.fall_back()
    assert not answer, f"a command in clear behind STARTTLS was answered «{answer}»"


@control(
    "STLS-5", MUST, rfc(9051, "6.2.3"),
    "a server implementation MUST implement a configuration in which it advertises the LOGINDISABLED capability and does "
    "NOT permit the LOGIN command.",
    on=(SUBMISSION, ACCESS), severity=HIGH, security=STARTTLS,
    expects="the capabilities withhold the login before TLS (IMAP: LOGINDISABLED) and offer it inside, in one session",
    remedy="Postfix: smtpd_tls_auth_only = yes · Dovecot: auth_allow_cleartext = no",
)  # fmt: skip
@broken_by("logins-in-clear", services={"submission:587": LOGIN_IN_CLEAR},
           dovecot={"auth_allow_cleartext": "yes", "ssl": "yes"})  # fmt: skip
@tolerates("by-the-level", services={"submission:587": {"smtpd_tls_auth_only": "no"}}, dovecot={"ssl": "yes"})
def test_capabilities_say_where_a_login_is_possible(endpoint: Endpoint) -> None:
    """A program that is not told to wait sends the password in clear, and the refusal comes too late."""
    with endpoint.session() as session:
        withheld = session.withholds_login
        session.starttls(MODERN)
        offered = session.offers_login and not session.withholds_login
    assert withheld and offered, f"before TLS withheld: {withheld}; inside offered: {offered}"
