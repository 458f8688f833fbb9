"""The script that dresses a specimen: run for real, in a directory of its own, with a `postconf` that writes down."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproof.model import Daemon, Service, Step
from mailproof.targets.dress import HOME, STALE, Dress, entries, restart, script

POSTCONF = """#!/bin/sh
[ "$1" = -F ] && echo y && exit
for word in "$@"; do printf '%s\\n' "$word" >>{log}; done
echo -- >>{log}
"""
Wear = Callable[[Dress], list[list[str]]]


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    for name in ("postfix/main.cf", "postfix/master.cf", "dovecot/dovecot.conf", "dovecot/conf.d/10-auth.conf"):
        path = tmp_path / "etc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"the package's {name}\n")
    (tmp_path / "etc/mailproof/files").mkdir(parents=True)
    (tmp_path / "etc/ssl").mkdir()
    (tmp_path / "etc/rsyslog.d").mkdir()
    (tmp_path / "etc/ssl/openssl.cnf").write_text("openssl_conf = first\n[first]\n")
    return tmp_path / "etc"


@pytest.fixture
def wear(etc: Path, tmp_path: Path) -> Wear:
    """Run the script of a dress; returns the words of each call of postconf."""
    log, program = tmp_path / "log", tmp_path / "bin" / "postconf"
    program.parent.mkdir()
    program.write_text(POSTCONF.format(log=log))
    program.chmod(0o700)

    def run(dress: Dress) -> list[list[str]]:
        log.write_text("")
        text = script(dress).replace("/etc/", f"{etc}/")
        path = f"{program.parent}:{os.environ['PATH']}"
        subprocess.run(["sh", "-c", text], env={"PATH": path}, check=True, capture_output=True, text=True)
        return [call.splitlines() for call in log.read_text().split("--\n")[:-1]]

    return run


def test_settings_are_given_to_postconf_word_by_word(wear: Wear) -> None:
    values = {"smtpd_tls_protocols": ">=TLSv1.2", "myorigin": "$mydomain",
              "smtpd_banner": "it's \"quoted\" `id` \\ here", "relay_domains": ""}  # fmt: skip
    assert wear(Dress(values, {})) == [
        ["-e", "smtpd_tls_protocols = >=TLSv1.2", "myorigin = $mydomain", "smtpd_banner = it's \"quoted\" `id` \\ here",
         "relay_domains = "],
    ]  # fmt: skip


def test_a_service_is_declared_with_its_own_settings_and_the_release_s_own_chroot(wear: Wear) -> None:
    dress = Dress(
        {}, {}, {"2525/inet": "2525 inet n - @CHROOT@ - - smtpd"}, {"2525/inet": {"syslog_name": "postfix/a b"}}
    )
    assert wear(dress) == [["-M", "2525/inet=2525 inet n - y - - smtpd -o { syslog_name = postfix/a b }"]]


def test_settings_of_a_service_that_the_package_declares_are_worn_too(wear: Wear) -> None:
    dress = Dress({}, {}, overrides={"smtp/inet": {"smtpd_tls_loglevel": "2", "syslog_name": "a b"}})
    assert wear(dress) == [["-P", "smtp/inet/smtpd_tls_loglevel=2"], ["-P", "smtp/inet/syslog_name=a b"]]


def test_an_entry_is_taken_out_and_text_is_pasted_as_it_stands(wear: Wear, etc: Path) -> None:
    assert wear(Dress({}, {}, removed=("tlsmgr/unix",), pasted="smtpd_use_tsl = 'yes'\n%s\\n")) == [
        ["-MX", "tlsmgr/unix"]
    ]
    assert (etc / "postfix/main.cf").read_text() == "the package's postfix/main.cf\nsmtpd_use_tsl = 'yes'\n%s\\n\n"


def test_dovecot_reads_base_text_then_settings(wear: Wear, etc: Path) -> None:
    wear(Dress({}, {"ssl": "required", "login_greeting": "$HOME `id`"}, dovecot_base="passdb static {\n}"))
    assert (
        etc / "dovecot/local.conf"
    ).read_text() == "passdb static {\n}\nssl = required\nlogin_greeting = $HOME `id`\n"


def test_packaged_files_are_emptied_where_they_would_interfere(wear: Wear, etc: Path) -> None:
    wear(Dress({}, {}, emptied=("/etc/dovecot/conf.d/10-auth.conf",)))
    assert (etc / "dovecot/conf.d/10-auth.conf").read_text() == ""
    assert (etc / "dovecot/dovecot.conf").read_text() == "the package's dovecot/dovecot.conf\n"


def test_nothing_of_an_older_dress_is_left(wear: Wear, etc: Path) -> None:
    bare = Dress({}, {})
    wear(bare)
    before = {path.relative_to(etc): path.read_text() for path in etc.rglob("*") if path.is_file()}
    wear(Dress({"a": "b"}, {"ssl": "no"}, emptied=("/etc/dovecot/dovecot.conf",), pasted="a typo"))
    wear(bare)
    assert {path.relative_to(etc): path.read_text() for path in etc.rglob("*") if path.is_file()} == before


def test_a_step_that_fails_ends_the_script(wear: Wear, tmp_path: Path, etc: Path) -> None:
    (tmp_path / "bin/postconf").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(subprocess.CalledProcessError):
        wear(Dress({"a": "b"}, {"ssl": "no"}))
    assert not (etc / "dovecot/local.conf").exists()


def test_the_services_to_declare_are_postfix_s_own_but_for_port_25(services: dict[str, Service]) -> None:
    assert entries(services.values()) == {
        "submission/inet": "submission inet n - @CHROOT@ - - smtpd",
        "submissions/inet": "submissions inet n - @CHROOT@ - - smtpd",
    }


def test_a_restart_stops_then_dresses_then_starts() -> None:
    only = restart([Daemon.POSTFIX])
    assert (
        only.index("postfix stop") < only.index("pidof master") < only.index(f"{HOME}/dress") < only.index("master -w")
    )
    both = restart(list(Daemon))
    assert (
        both.index("postfix stop")
        < both.index(f"{HOME}/dress")
        < both.index("dovecot </dev/null")
        < both.index("master -w")
    )
    assert both.index("dovecot stop") < both.index("pidof dovecot") < both.index(f"{HOME}/dress")


@pytest.mark.parametrize("daemon", Daemon)
def test_a_daemon_that_is_not_concerned_goes_on_running(daemon: Daemon) -> None:
    other = restart([each for each in Daemon if each is not daemon])
    assert daemon.value not in other.replace(HOME, "")


def test_what_did_not_dress_does_not_start() -> None:
    assert f"{HOME}/dress && dovecot" in restart(list(Daemon))


def test_what_is_down_is_stopped_and_not_started() -> None:
    steps = restart([Daemon.POSTFIX], down=[Daemon.POSTFIX])
    assert "postfix stop" in steps
    assert "master -w" not in steps


def test_who_has_not_been_told_starts_with_a_copy_of_what_he_wears() -> None:
    steps = restart(list(Daemon), stale=True)
    kept = f"{HOME}/dress && rm -rf {STALE} && mkdir -p {STALE} && cp -a /etc/postfix /etc/dovecot {STALE}/ && "
    assert f"{kept}dovecot -c {STALE}/dovecot/dovecot.conf" in steps
    assert f"master -c {STALE}/postfix -w" in steps


def test_the_log_starts_anew_before_those_who_write_to_it() -> None:
    steps = restart(list(Daemon), log=True)
    assert steps.index(f"{HOME}/dress") < steps.index("rsyslogd") < steps.index("dovecot </dev/null")
    assert "rsyslogd" not in restart(list(Daemon))


def test_another_version_of_a_file_is_worn_until_the_next_dress(wear: Wear, etc: Path) -> None:
    (etc / "mailproof/flawed").mkdir()
    (etc / "mailproof/files/rsa.pem").write_text("healthy")
    (etc / "mailproof/flawed/rsa-expired.pem").write_text("expired")
    wear(Dress({}, {}, swapped={"rsa.pem": "rsa-expired.pem"}))
    assert (etc / "mailproof/files/rsa.pem").read_text() == "expired"
    wear(Dress({}, {}))
    assert (etc / "mailproof/files/rsa.pem").read_text() == "healthy"


def test_the_library_s_defaults_stand_in_the_section_that_its_file_names(wear: Wear, etc: Path) -> None:
    before = (etc / "ssl/openssl.cnf").read_text()
    wear(Dress({}, {}, openssl={"MinProtocol": "TLSv1.3", "Groups": "P-384"}))
    said = (etc / "ssl/openssl.cnf").read_text()
    assert said.startswith(before)
    assert said.removeprefix(before).split("\n") == [
        "", "[first]", "ssl_conf = ssl_sect", "[ssl_sect]", "system_default = system_default_sect",
        "[system_default_sect]", "MinProtocol = TLSv1.3", "Groups = P-384", "",
    ]  # fmt: skip
    wear(Dress({}, {}))
    assert (etc / "ssl/openssl.cnf").read_text() == before


def test_a_log_loses_the_lines_of_one_daemon_until_the_next_dress(wear: Wear, etc: Path) -> None:
    wear(Dress({}, {}, lost={"postfix": "TLS connection"}))
    rule = "if $syslogtag startswith 'postfix' and re_match($msg, 'TLS connection') then stop\n"
    assert (etc / "rsyslog.d/00-mailproof.conf").read_text() == rule
    wear(Dress({}, {}))
    assert not (etc / "rsyslog.d/00-mailproof.conf").exists()


def test_what_is_pasted_comes_after_what_is_worn_and_before_what_takes_it_back(wear: Wear, etc: Path) -> None:
    steps = (
        Step("one", Daemon.POSTFIX, run="postconf -e smtpd_tls_eecdh_grade=strong"),
        Step("two", Daemon.DOVECOT, file="/etc/dovecot/conf.d/10-auth.conf", text="ssl_min_protocol = TLSv1"),
    )
    calls = wear(Dress({"myorigin": "a"}, {}, overrides={"smtp/inet": {"smtpd_tls_loglevel": "0"}}, steps=steps))
    assert [call[0] for call in calls] == ["-e", "-e", "-P"]
    assert calls[1] == ["-e", "smtpd_tls_eecdh_grade=strong"]
    pasted = (etc / "dovecot/conf.d/10-auth.conf").read_text()
    assert pasted == "the package's dovecot/conf.d/10-auth.conf\nssl_min_protocol = TLSv1\n"


def test_a_command_that_is_gone_is_followed_by_the_nearest_one_and_both_are_told(wear: Wear, etc: Path) -> None:
    wear(Dress({}, {}, steps=(Step("dh", Daemon.POSTFIX, run="no-such-command", nearest="echo made >/etc/dh.pem"),)))
    said = etc / "mailproof/said"
    assert (said / "dh.status").read_text() == "127\n"
    assert "no-such-command" in (said / "dh.out").read_text()
    assert (etc / "dh.pem").read_text() == "made\n"


def test_what_a_command_made_out_of_nothing_is_made_once(wear: Wear, etc: Path) -> None:
    step = Step("dh", Daemon.POSTFIX, run="no-such-command", nearest="date +%N >/etc/postfix/dh.pem")
    wear(Dress({}, {}, steps=(step,)))
    first = (etc / "postfix/dh.pem").read_text()
    wear(Dress({}, {}, steps=(step,)))
    assert (etc / "postfix/dh.pem").read_text() == first
