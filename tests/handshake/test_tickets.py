"""Session tickets: a TLS 1.2 session that is resumed is as secret as the key of its ticket, for as long as that lives.

Whoever gets the key of a ticket opens every recorded session that was given one under it, since a resumed session, and
the one before it, rest on the secret in the ticket alone. No handshake shows when a key will be thrown away. So a
session that is resumed is not taken for forward secret unless its daemon is one that replaces its keys by itself, and
says by when. Postfix does: with `smtpd_tls_session_cache_timeout` at T its tlsmgr gives out a new key after T/2, of the
old ones smtpd takes the last alone, for T more, and the lifetime hint on the wire is 2 T; tests/lab/test_ticket_keys.py
watches the key change. In Dovecot the keys are OpenSSL's own and live as long as the login process: there nothing but a
process for each connection shows that a key is gone.
"""

from __future__ import annotations

from collections.abc import Mapping

from mailproof.controls import (
    ACCESS,
    CRITICAL,
    DOVECOT,
    HIGH,
    MUST,
    MX,
    POSTFIX,
    RELAY,
    SUBMISSION,
    TLS_ROLES,
    Endpoint,
    bcp195,
    broken_by,
    control,
    tolerates,
)  # fmt: skip

HOUR = 3600
LIVES_FOR_EVER = {
    f"service/{login}/{name}": value
    for login in ("imap-login", "pop3-login", "managesieve-login")
    for name, value in {"restart_request_count": "unlimited", "process_min_avail": "1"}.items()
}


@control(
    "TKT-1", MUST, bcp195("3.4"),
    "Ticket-encryption keys MUST be changed regularly, e.g., once every week, so as not to negate the benefits of forward "
    "secrecy",
    on=(MX, SUBMISSION, RELAY), daemons=(POSTFIX,), severity=CRITICAL, parameters=("ticket_key_hours",),
    expects="a TLS 1.2 ticket is not taken, or its key is replaced within the profile's hours",
    remedy="postconf -X smtpd_tls_session_cache_timeout (1h: keys are gone after two), or tls_ssl_options = no_ticket",
)  # fmt: skip
@broken_by("keys-kept-for-weeks", postfix={"smtpd_tls_session_cache_timeout": "10d"})
@tolerates("no-tickets", postfix={"tls_ssl_options": "no_ticket"})
@tolerates("shorter", postfix={"smtpd_tls_session_cache_timeout": "300s"})
def test_ticket_keys_are_replaced_in_time(endpoint: Endpoint, parameters: Mapping[str, int]) -> None:
    """A key of Postfix's is not used any more when the lifetime that it hints at is over; until then it opens what was
    recorded."""
    found = endpoint.resumptions("ticket", times=2)
    hints = [ticket.lifetime for each in found if each.resumed for ticket in each.tickets]
    assert 0 not in hints and max(hints, default=0) <= parameters["ticket_key_hours"] * HOUR, "; ".join(map(str, found))


@control(
    "TKT-2", MUST, bcp195("3.4"),
    "Ticket-encryption keys MUST be changed regularly, e.g., once every week, so as not to negate the benefits of forward "
    "secrecy",
    on=(ACCESS,), daemons=(DOVECOT,), severity=CRITICAL,
    expects="a TLS 1.2 ticket is not taken, and no two connections get one under the same key",
    remedy="ssl_options = no_ticket, or a login process for each connection (restart_request_count = 1)",
)  # fmt: skip
@broken_by("login-process-lives-for-ever", dovecot=LIVES_FOR_EVER)
@tolerates("no-tickets", dovecot={"ssl_options": "no_ticket"})
@tolerates("no-tickets-from-a-process-that-lives", dovecot={**LIVES_FOR_EVER, "ssl_options": "no_ticket"})
def test_ticket_keys_die_with_their_connection(endpoint: Endpoint) -> None:
    """A login process that serves many connections keeps one key for all of them, and never replaces it."""
    found = endpoint.resumptions("ticket", times=5)
    keys = [key for each in found for key in each.keys]
    taken = any(each.resumed for each in found)
    assert not taken and len(set(keys)) == len(keys), "; ".join(map(str, found))


@control(
    "TKT-3", MUST, bcp195("3.4"),
    "For similar reasons, session ticket validity MUST be limited to a reasonable duration (e.g., half as long as "
    "ticket-encryption key validity).",
    on=TLS_ROLES, severity=HIGH, parameters=("ticket_key_hours",),
    expects="a TLS 1.2 ticket that is given is valid for no longer than the profile's hours",
    remedy="Postfix: smtpd_tls_session_cache_timeout = 1h · Dovecot: ssl_options = no_ticket",
)  # fmt: skip
@broken_by("valid-for-weeks", postfix={"smtpd_tls_session_cache_timeout": "10d"})
@broken_by("less-than-openssl-s-two-hours", parameters={"ticket_key_hours": 1})
@tolerates("no-tickets", postfix={"tls_ssl_options": "no_ticket"}, dovecot={"ssl_options": "no_ticket"})
def test_tickets_expire_in_time(endpoint: Endpoint, parameters: Mapping[str, int]) -> None:
    """A client keeps the secret of a session for as long as the server says that it is good for."""
    (found,) = endpoint.resumptions("ticket", times=1)
    hints = [ticket.lifetime for ticket in found.tickets]
    assert 0 not in hints and max(hints, default=0) <= parameters["ticket_key_hours"] * HOUR, f"{found}"
