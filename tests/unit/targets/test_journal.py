"""Which lines of a log belong to a connection: recorded logs of four releases, and what could be taken for ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailproof.errors import Ambiguous
from mailproof.logs import dovecot, postfix
from mailproof.targets.journal import Trace, _delivery, _login_line, _session

LOGS = Path(__file__).parents[3] / "fixtures" / "logs"
RELEASES = ("debian-11", "debian-12", "debian-13", "debian-14")
OURS = "probe-0011.mailproof.test"
HEAD = "2026-11-22T23:07:21.900462+00:00 mail postfix"


def recorded(release: str, name: str) -> list[str]:
    return (LOGS / release / f"{name}.log").read_text(encoding="utf-8").splitlines()


def session(pid: int, helo: str = "", tls: bool = True, ended: bool = True) -> list[str]:
    """An smtpd's lines as Postfix 3.10 writes them; the HELO stands in a refusal alone."""
    client, smtpd = "unknown[198.18.77.1]", f"{HEAD}/smtpd[{pid}]"
    envelope = f"from=<a@b.test> to=<x@foreign.example> proto=ESMTP helo=<{helo}>"
    refusal = f"554 5.7.1 <x@foreign.example>: Relay access denied; {envelope}"
    established = (
        f"Anonymous TLS connection established from {client}: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
    )
    return [
        f"{smtpd}: connect from {client}",
        *([f"{smtpd}: {established}"] if tls else []),
        *([f"{smtpd}: NOQUEUE: reject: RCPT from {client}: {refusal}"] if helo else []),
        *([f"{smtpd}: disconnect from {client} ehlo=2 starttls=1 quit=1 commands=4"] if ended else []),
    ]


def found(lines: list[str], helo: str = OURS) -> Trace:
    trace = _session(lines, helo)
    assert trace is not None
    return trace


@pytest.mark.parametrize("release", RELEASES)
def test_a_recorded_session_is_found_by_its_helo(release: str) -> None:
    trace = found(recorded(release, "postfix"), "h5.probe.test")
    assert {record.process.pid for record in trace.records} == {trace.records[0].process.pid}
    assert isinstance(trace.records[0], postfix.Connect)
    assert isinstance(trace.records[-1], postfix.Disconnect)
    assert trace.tls is not None
    assert (trace.tls.word, trace.tls.version) == ("Untrusted", "TLSv1.2")
    assert [reject.helo for reject in trace.of(postfix.Reject)] == ["h5.probe.test"]


@pytest.mark.parametrize("release", RELEASES)
def test_an_earlier_session_of_the_same_process_is_not_ours(release: str) -> None:
    """h6 spoke in clear to a process that had served h4 under TLS."""
    assert found(recorded(release, "postfix"), "h6.probe.test").tls is None


@pytest.mark.parametrize("release", RELEASES)
def test_a_session_that_postscreen_kept_to_itself_is_none_of_smtpd_s(release: str) -> None:
    lines = recorded(release, "postscreen")
    assert _session([line for line in lines if "/smtpd[" not in line], "h1.probe.test") is None
    assert {record.process.daemon for record in found(lines, "h2.probe.test").records} == {"smtpd"}


def test_lines_before_the_connection_are_not_its_own() -> None:
    """What stands before the mark is cut off; a session that had begun before it has no beginning."""
    earlier = session(50)[1:]
    assert found([*earlier, *session(50, OURS, tls=False)]).tls is None
    assert _session(earlier, OURS) is None


def test_interleaved_processes_are_told_apart() -> None:
    ours, other = session(50, OURS, tls=False), session(51, "elsewhere.test")
    mixed = [line for pair in zip(ours, other, strict=False) for line in pair] + other[len(ours) :]
    trace = found(mixed)
    assert {record.process.pid for record in trace.records} == {50}
    assert trace.tls is None
    assert trace.text.splitlines() == ours


def test_lines_of_other_daemons_are_not_the_session_s() -> None:
    ours = session(50, OURS)
    noise = [
        f"{HEAD}/cleanup[57]: E0DFB19A7C6: message-id=<>",
        "",
        "no log line at all",
        *recorded("debian-13", "dovecot"),
    ]
    assert found([ours[0], *noise, *ours[1:]]).text.splitlines() == ours


def test_a_session_that_has_not_ended_is_waited_for() -> None:
    assert _session(session(50, OURS, ended=False), OURS) is None
    assert _session([], OURS) is None


def test_the_one_session_that_names_nobody_is_ours() -> None:
    """A session that was accepted leaves no HELO in the log."""
    assert found([*session(51, "elsewhere.test"), *session(50)]).records[0].process.pid == 50


def test_a_session_that_names_somebody_else_is_never_ours() -> None:
    assert _session(session(51, "elsewhere.test"), OURS) is None


def test_two_sessions_that_name_nobody_are_ambiguous() -> None:
    with pytest.raises(Ambiguous, match="2 sessions"):
        _session([*session(50), *session(51)], OURS)


def test_two_sessions_that_name_us_are_ambiguous() -> None:
    with pytest.raises(Ambiguous, match="2 sessions"):
        _session([*session(50, OURS), *session(50, OURS)], OURS)


def test_a_helo_is_compared_whole() -> None:
    assert _session(session(50, f"{OURS}.elsewhere.test"), OURS) is None


@pytest.mark.parametrize("release", RELEASES)
def test_a_recorded_delivery_is_found_by_its_queue_id(release: str) -> None:
    lines = recorded(release, "postfix")
    ids = [record.queue_id for record in map(postfix.parse, lines) if isinstance(record, postfix.Accepted)]
    outcomes = [_delivery(lines, queue_id) for queue_id in ids]
    assert len(ids) > 3
    assert [outcome and outcome.queue_id for outcome in outcomes] == ids
    assert {outcome.status for outcome in outcomes if outcome} == {"sent"}
    assert _delivery(lines, "0000000000") is None


def logins(release: str = "debian-13", name: str = "dovecot") -> list[str]:
    return recorded(release, name)


@pytest.mark.parametrize("release", RELEASES)
def test_a_recorded_login_is_found_by_its_user(release: str) -> None:
    login = _login_line(logins(release), ("any3",), dovecot.LoggedIn, "imap")
    assert login is not None
    assert (login[1].pairs["user"], login[1].version, login[1].secured) == ("any3", "TLSv1.3", True)
    assert "any3" in login[0]


@pytest.mark.parametrize("release", RELEASES)
def test_a_recorded_failed_login_is_found_by_its_user(release: str) -> None:
    login = _login_line(logins(release), ("any6",), dovecot.LoginFailed, "imap")
    assert login is not None
    assert (login[1].pairs["user"], login[1].pairs["rip"]) == ("any6", "198.18.77.1")


def test_a_login_of_another_service_is_not_ours() -> None:
    assert _login_line(logins(), ("any4",), dovecot.LoggedIn, "pop3") is not None
    assert _login_line([line for line in logins() if "any4" in line], ("any4",), dovecot.LoggedIn, "imap") is None


def test_a_successful_login_is_no_failed_one() -> None:
    assert _login_line([line for line in logins() if "any3" in line], ("any3",), dovecot.LoginFailed, "imap") is None


def test_managesieve_logs_under_a_name_of_its_own() -> None:
    login = _login_line(logins("debian-14", "dovecot-own-file")[:2], ("any20",), dovecot.LoggedIn, "sieve")
    assert login is not None
    assert login[1].service == "managesieve-login"


def test_a_login_line_of_literal_variables_is_ours_if_it_is_the_one() -> None:
    """Dovecot 2.4 logs the short variables of 2.3 as they stand: that is for the control to judge."""
    junk = [line for line in logins("debian-14", "dovecot-own-file") if "imap-login" in line and "user=<%u>" in line]
    login = _login_line(junk[:1], ("any21",), dovecot.LoggedIn, "imap")
    assert login is not None
    assert login[1].pairs["user"] == "%u"
    assert not login[1].secured
    with pytest.raises(Ambiguous, match="2 lines"):
        _login_line([junk[0], junk[0]], ("any21",), dovecot.LoggedIn, "imap")


@pytest.mark.parametrize("elements", ["", " ", " user=<>, rip=198.18.77.1", " rip=198.18.77.1, TLS"])
def test_a_login_line_that_names_nobody_is_ours_if_it_is_the_one(elements: str) -> None:
    line = f"2026-11-22T23:07:21.661497+00:00 mail dovecot: imap-login: Logged in:{elements}"
    found = _login_line([line], ("any3",), dovecot.LoggedIn, "imap")
    assert found is not None
    assert found[0] == line


def test_a_login_line_that_names_somebody_else_is_never_ours() -> None:
    other = [line for line in logins() if "imap-login" in line and "user=<any3>" in line]
    assert len(other) == 1
    assert _login_line(other, ("probe-0011",), dovecot.LoggedIn, "imap") is None


def test_our_own_line_counts_beside_those_that_name_nobody() -> None:
    ours = next(line for line in logins() if "imap-login: Logged in: user=<any3>" in line)
    nobody = re.sub(r"user=<any3>, ", "", ours)
    found = _login_line([nobody, ours, nobody], ("any3",), dovecot.LoggedIn, "imap")
    assert found is not None
    assert found[0] == ours


def test_two_lines_that_name_us_are_ambiguous() -> None:
    ours = next(line for line in logins() if "imap-login: Logged in: user=<any3>" in line)
    with pytest.raises(Ambiguous, match="2 lines"):
        _login_line([ours, ours], ("any3",), dovecot.LoggedIn, "imap")


def test_a_login_of_either_of_two_users_is_found() -> None:
    line = next(line for line in logins() if "any3" in line)
    found = _login_line([line], ("probe-0011", "any3"), dovecot.LoggedIn, "imap")
    assert found is not None and found[1].pairs["user"] == "any3"


def test_logins_of_both_of_two_users_are_ambiguous() -> None:
    ours = next(line for line in logins() if "any3" in line)
    with pytest.raises(Ambiguous, match="login of any3 or probe-0011"):
        _login_line([ours, ours.replace("any3", "probe-0011")], ("any3", "probe-0011"), dovecot.LoggedIn, "imap")
