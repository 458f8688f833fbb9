"""What Dovecot logs of the very login that the check made."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    DOVECOT,
    HIGH,
    MODERN,
    MUST,
    Agreed,
    Endpoint,
    Journal,
    broken_by,
    control,
    dovecot,
    tolerates,
)

PACKAGED = "user=<%{user}> method=%{mechanism} rip=%{remote_ip} lip=%{local_ip} mpid=%{mail_pid} %{secured}"


@control(
    "LOG-5", MUST, dovecot("login_log_format_elements"), "Space-separated list of elements we want to log.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH,
    expects="the login line has user, method, rip, lip, mpid, TLS, and the version and cipher that were agreed",
    remedy="login_log_format_elements = user=<%{user}> method=%{mechanism} rip=%{remote_ip} lip=%{local_ip} "
           "mpid=%{mail_pid} %{secured} %{ssl_security}",
)  # fmt: skip
@broken_by("cipher-left-out", dovecot={"login_log_format_elements": PACKAGED})
@broken_by("user-left-out", dovecot={"login_log_format_elements": "rip=%{remote_ip} %{ssl_security}"})
@tolerates("session-too", dovecot={"login_log_format_elements": f"{PACKAGED} %{{ssl_security}} session=<%{{session}}>"})
def test_login_line_names_user_and_cipher(endpoint: Endpoint, journal: Journal) -> None:
    """A format that a release does not understand is logged as literals, or as nothing, without a word of warning."""
    user, password = endpoint.account()
    with endpoint.session(MODERN, endpoint.holder(user)) as session:
        reply, answer = session.login(user, password), session.answer
    line = journal.login(user)
    assert reply.ok and isinstance(answer, Agreed), f"{reply}"
    missing = [key for key in ("method", "rip", "lip", "mpid") if not line.pairs.get(key)]
    assert not missing and line.pairs.get("user") == user and line.secured, f"missing: {missing}; logged: {line}"
    assert (line.version, line.suite) == (answer.version, answer.suite), f"agreed: {answer}; logged: {line}"


@control(
    "LOG-6", MUST, dovecot("auth_verbose"), "Log unsuccessful authentication attempts and the reasons why they failed.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, expects="a failed login is logged with the user and the client's address",
    remedy="keep %{user} and %{remote_ip} in login_log_format_elements",
)  # fmt: skip
@broken_by("user-left-out", dovecot={"login_log_format_elements": "%{secured} %{ssl_security}"})
@tolerates(
    "another-order", dovecot={"login_log_format_elements": "rip=%{remote_ip} %{secured} user=<%{user}> lip=%{local_ip}"}
)
def test_failed_logins_are_logged(endpoint: Endpoint, journal: Journal) -> None:
    """Guessing goes unseen, and nothing bans the guesser, when his address is not in the line."""
    user, _ = endpoint.account()
    with endpoint.session(MODERN, endpoint.holder(user)) as session:
        reply = session.login(user, "not the password")
    line = journal.failed_login(user)
    assert not reply.ok, f"a wrong password was accepted: {reply}"
    assert line.pairs.get("user") == user and line.pairs.get("rip"), f"logged: {line}"
