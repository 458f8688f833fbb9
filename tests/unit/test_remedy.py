"""A finding names the line that decides, and its remedy writes what the profile has, there and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailproof.dialect import Dialects
from mailproof.model import Control, Daemon, Mutation, Role, Service
from mailproof.profile import Profile
from mailproof.remedy import Change, Own, applied, changes, complained, deciding, lines, patch, quoted
from mailproof.settings import parse_readings

ROOT = Path(__file__).parents[2]
MAIN, MASTER, DOVECOT = "/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/dovecot/dovecot.conf"
SMTP = Service("smtp", 25, Role.MX, Daemon.POSTFIX, entry="smtp/inet")
SUBMISSION = Service("submission", 587, Role.SUBMISSION, Daemon.POSTFIX, entry="submission/inet")
IMAP = Service("imap", 143, Role.ACCESS, Daemon.DOVECOT, entry="imap")


@pytest.fixture(scope="module")
def profile() -> Profile:
    found = Profile.__new__(Profile)
    for name, value in {
        "postfix": {"smtpd_tls_protocols": ">=TLSv1.2", "smtpd_tls_loglevel": "1"},
        "dovecot": {"auth_allow_cleartext": "no"},
        "overrides": {"submission:587": {"smtpd_tls_security_level": "encrypt"}}, "services": (SMTP, SUBMISSION, IMAP),
    }.items():  # fmt: skip
        object.__setattr__(found, name, value)
    return found


def own(main: str = "", master: str = "", dovecot: str = "", **values: str) -> Own:
    readings = parse_readings((ROOT / "fixtures/recorded/debian-13.txt").read_text(encoding="utf-8"))
    overrides = {"submission/inet": {"smtpd_tls_security_level": "may"}} if "security_level" in master else {}
    entries = {"smtp/inet": "smtp inet n - n - - smtpd", "submission/inet": "submission inet n - n - - smtpd"}
    postfix = replace(readings.postfix, entries=entries, overrides=overrides,
                      values={**readings.postfix.values, "smtpd_tls_security_level": "may", **values})  # fmt: skip
    cleartext = {"auth_allow_cleartext": "yes"} if "cleartext = yes" in dovecot else {}
    view = replace(readings.dovecot, values={**readings.dovecot.values, **cleartext})
    texts = {MAIN: main, MASTER: master, DOVECOT: dovecot}
    tree = frozenset({"postfix/main.cf", "postfix/master.cf", "dovecot/dovecot.conf"})
    return Own("Debian 13", texts, tree, replace(readings, postfix=postfix, dovecot=view),
               Dialects.load(ROOT / "fixtures/dialects"))  # fmt: skip


def test_the_last_assignment_decides() -> None:
    found = own("smtpd_tls_loglevel = 3\n# later\nsmtpd_tls_loglevel = 0\n", smtpd_tls_loglevel="0")
    assert lines(found, SMTP, ["smtpd_tls_loglevel"]) == ["postfix/main.cf:3: smtpd_tls_loglevel = 0"]


def test_an_override_decides_before_main_cf() -> None:
    master = "submission inet n - n - - smtpd\n  -o syslog_name=x\n  -o smtpd_tls_security_level=may\n"
    found = own("smtpd_tls_security_level = encrypt\n", master)
    assert lines(found, SUBMISSION, ["smtpd_tls_security_level"]) == [
        "postfix/master.cf:3: smtpd_tls_security_level = may"
    ]


def test_what_is_not_set_says_so_with_the_default() -> None:
    [line] = lines(own(smtpd_tls_loglevel="0"), SMTP, ["smtpd_tls_loglevel"])
    assert line == "smtpd_tls_loglevel is not set: Debian 13 has «0» by default"


def test_only_what_differs_is_changed_and_protocols_differ_by_meaning(profile: Profile) -> None:
    same = own(
        "smtpd_tls_protocols = x\n", smtpd_tls_protocols="!SSLv2, !SSLv3, !TLSv1, !TLSv1.1", smtpd_tls_loglevel="0"
    )
    names = ["smtpd_tls_protocols", "smtpd_tls_loglevel", "smtpd_banner"]
    assert changes(same, SMTP, names, profile) == [Change(Daemon.POSTFIX, "smtpd_tls_loglevel", "1")]


def test_a_service_s_own_value_is_written_to_its_own_row(profile: Profile) -> None:
    master = "submission inet n - n - - smtpd\n  -o smtpd_tls_security_level=may\n"
    [change] = changes(own(master=master), SUBMISSION, ["smtpd_tls_security_level"], profile)
    assert change.command == "postconf -P 'submission/inet/smtpd_tls_security_level=encrypt'"
    after = applied({MAIN: "", MASTER: master, DOVECOT: ""}, [change])
    assert after[MASTER] == master.replace("=may", "=encrypt")


def test_dovecot_s_line_is_mended_where_it_stands(profile: Profile) -> None:
    text = "ssl = required\nauth_allow_cleartext = yes\n"
    found = own(dovecot=text)
    [change] = changes(found, IMAP, ["auth_allow_cleartext"], profile)
    assert change.command == "auth_allow_cleartext = no"
    assert "+auth_allow_cleartext = no\n" in patch(found.texts, applied(found.texts, [change]))
    assert applied(found.texts, [change])[DOVECOT] == text.replace("yes", "no")


def test_a_patch_names_files_as_the_tree_does() -> None:
    assert (
        patch({MAIN: "a = 1"}, {MAIN: "a = 2"})
        == "--- a/postfix/main.cf\n+++ b/postfix/main.cf\n@@ -1 +1 @@\n-a = 1\n+a = 2\n"
    )


def test_a_typo_becomes_the_parameter_that_was_meant() -> None:
    found = own("smtpd_tls_loglevle = 1\n")
    places, steps = complained(found, "postconf: warning: /etc/postfix/main.cf: unused parameter: smtpd_tls_loglevle=1")
    assert places == ["postfix/main.cf:1: smtpd_tls_loglevle = 1"]
    assert applied(found.texts, steps)[MAIN] == "#smtpd_tls_loglevle = 1\nsmtpd_tls_loglevel = 1\n"


def test_of_two_assignments_the_one_that_rules_stays() -> None:
    found = own("relayhost = a\nrelayhost = b\n")
    _, steps = complained(found, "warning: /etc/postfix/main.cf, line 2: overriding earlier entry: relayhost=a")
    assert applied(found.texts, steps)[MAIN] == "#relayhost = a\nrelayhost = b\n"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            "doveconf: Fatal: Error in configuration file /etc/dovecot/dovecot.conf line 2: ssl: Invalid",
            "dovecot/dovecot.conf:2: ssl = maybe",
        ),
        (
            "smtpd: fatal: bad boolean configuration: smtpd_helo_required = maybe",
            "postfix/main.cf:2: smtpd_helo_required = maybe",
        ),
        (
            'warning: unknown smtpd restriction: "reject_all"',
            "postfix/main.cf:3: smtpd_sender_restrictions = reject_all",
        ),
        ("error: unsupported dictionary type: dbm", "postfix/main.cf:4: alias_maps = dbm:/etc/aliases"),
    ],
)
def test_a_daemon_s_words_lead_to_the_line(words: str, line: str) -> None:
    main = (
        "# ours\nsmtpd_helo_required = maybe\nsmtpd_sender_restrictions = reject_all\nalias_maps = dbm:/etc/aliases\n"
    )
    assert quoted(own(main, dovecot="# x\nssl = maybe\n"), words) == [line]


def test_what_a_control_s_mutations_break_decides(make_control: object) -> None:
    control = Control.__new__(Control)
    object.__setattr__(control, "stopped", False)
    object.__setattr__(control, "mutations", (
        Mutation("a", postfix={"x": "1"}, services={"submission:587": {"y": None}}, dovecot={"z": "2"}),))  # fmt: skip
    assert (deciding(control, Daemon.POSTFIX), deciding(control, Daemon.DOVECOT)) == (("x", "y"), ("z",))
    object.__setattr__(control, "stopped", True)
    assert deciding(control, Daemon.POSTFIX) == ()
