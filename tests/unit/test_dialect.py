"""The shipped dialects, there and back; and rules that a data file may state."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproof.dialect import Dialect, Dialects, version_key
from mailproof.errors import NoTranslation, Unusable
from mailproof.model import Daemon

DIRECTORY = Path(__file__).parents[2] / "fixtures" / "dialects"
DOVECOTS = ("2.3.13", "2.3.19.1", "2.4.1", "2.4.5")
POSTFIXES = ("3.5.25", "3.7.11", "3.10.13", "3.11.7")


@pytest.fixture(scope="module")
def dialects() -> Dialects:
    return Dialects.load(DIRECTORY)


def dovecot(version: str) -> Dialect:
    return Dialects.load(DIRECTORY).for_version(Daemon.DOVECOT, version)


def postfix(version: str) -> Dialect:
    return Dialects.load(DIRECTORY).for_version(Daemon.POSTFIX, version)


@pytest.mark.parametrize("version", DOVECOTS)
def test_dovecot_settings_come_back_as_they_went(version: str) -> None:
    settings = {
        "ssl": "required",
        "ssl_min_protocol": "TLSv1.2",
        "ssl_server_cert_file": "/etc/x.pem",
        "ssl_server_alt_cert_file": "/etc/y.pem",
        "ssl_server_dh_file": "",
        "ssl_server_prefer_ciphers": "server",
        "ssl_server_request_client_cert": "no",
        "auth_allow_cleartext": "no",
        "login_log_format_elements": "user=<%{user}> method=%{mechanism} rip=%{remote_ip} lip=%{local_ip} "
        "mpid=%{mail_pid} %{secured} %{ssl_security} session=<%{session}>",
    }
    dialect = dovecot(version)
    assert dialect.to_newest(dialect.to_native(settings)) == settings


def test_the_newest_release_speaks_the_newest_vocabulary(dialects: Dialects) -> None:
    settings = {"ssl_server_prefer_ciphers": "server", "auth_allow_cleartext": "no"}
    assert dialects.for_version(Daemon.DOVECOT, "2.4.5").to_native(settings) == settings


@pytest.mark.parametrize("version", ["2.3.13", "2.3.19.1"])
def test_dovecot_2_3_has_other_names_and_inverted_senses(version: str) -> None:
    settings = {"ssl_server_cert_file": "/x", "auth_allow_cleartext": "no", "ssl_server_prefer_ciphers": "client"}
    expected = {"ssl_cert": "</x", "disable_plaintext_auth": "yes", "ssl_prefer_server_ciphers": "no"}
    assert dovecot(version).to_native(settings) == expected


@pytest.mark.parametrize("version", DOVECOTS)
@pytest.mark.parametrize("count", ["unlimited", "1", "100"])
def test_settings_in_a_named_block_come_back_as_they_went(version: str, count: str) -> None:
    settings = {"service/imap-login/restart_request_count": count, "service/pop3-login/process_min_avail": "1"}
    dialect = dovecot(version)
    assert dialect.to_newest(dialect.to_native(settings)) == settings


def test_a_login_process_for_ever_is_said_otherwise_in_2_3() -> None:
    settings = {"service/imap-login/restart_request_count": "unlimited"}
    assert dovecot("2.3.19.1").to_native(settings) == {"service/imap-login/service_count": "0"}


@pytest.mark.parametrize("version", ["2.3.13", "2.3.19.1"])
def test_both_spellings_of_a_variable_are_understood(version: str) -> None:
    for native in ("<%u> %k %c", "<%{user}> %{ssl_security} %{secured}"):
        said = dovecot(version).to_newest({"login_log_format_elements": native})
        assert said == {"login_log_format_elements": "<%{user}> %{ssl_security} %{secured}"}


@pytest.mark.parametrize("version", POSTFIXES)
def test_postfix_protocol_bounds_come_back_as_they_went(version: str) -> None:
    settings = {"smtpd_tls_mandatory_protocols": ">=TLSv1.2", "smtpd_tls_protocols": ">=TLSv1.3"}
    dialect = postfix(version)
    assert dialect.to_newest(dialect.to_native(settings)) == settings


def test_postfix_3_5_is_told_what_to_exclude_and_read_in_any_order() -> None:
    dialect = postfix("3.5.25")
    native = dialect.to_native({"smtpd_tls_protocols": ">=TLSv1.2"})
    assert native == {"smtpd_tls_protocols": "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"}
    shuffled = {"smtpd_tls_protocols": "!TLSv1.1 !TLSv1,!SSLv3  !SSLv2"}
    assert dialect.to_newest(shuffled) == {"smtpd_tls_protocols": ">=TLSv1.2"}


@pytest.mark.parametrize(
    ("daemon", "version", "name", "value", "why"),
    [
        (Daemon.POSTFIX, "3.5.25", "smtpd_tls_protocols", ">=TLSv1, <=TLSv1.2", "bounds since 3.6"),
        (Daemon.POSTFIX, "3.5.25", "tls_ffdhe_auto_groups", "ffdhe2048", "before 3.8"),
        (Daemon.POSTFIX, "3.7.11", "tls_eecdh_auto_curves", "?X25519MLKEM768:DEFAULT", "OpenSSL 3.5"),
        (Daemon.POSTFIX, "3.7.11", "tls_eecdh_auto_curves", "", "fatal"),
        (Daemon.POSTFIX, "3.11.7", "smtpd_tls_nosuch", "x", "does not know"),
        (Daemon.DOVECOT, "2.3.13", "ssl_min_protocol", "TLSv1.3", "leaves TLS dead"),
        (Daemon.DOVECOT, "2.3.13", "ssl_cipher_suites", "TLS_AES_256_GCM_SHA384", "before 2.3.15"),
        (Daemon.DOVECOT, "2.3.19.1", "ssl_curve_list", "X25519MLKEM768:X25519", "hybrid"),
        (Daemon.DOVECOT, "2.3.19.1", "ssl_server_prefer_ciphers", "yes", "no words"),
        (Daemon.DOVECOT, "2.3.19.1", "login_log_format_elements", "%{ssl_ja3_hash}", "no words"),
        (Daemon.DOVECOT, "2.3.19.1", "mail_log_prefix", "%{service}", "before 2.4"),
        (Daemon.DOVECOT, "2.4.1", "ssl_server_request_client_cert", "any-cert", "boolean"),
        (Daemon.DOVECOT, "2.4.5", "ssl_cert", "</x", "does not know"),
        (Daemon.DOVECOT, "2.4.5", "service/imap-login/nosuch", "1", "does not know"),
        (Daemon.DOVECOT, "2.3.13", "service/imap-login/restart_request_count", "0", "no words"),
    ],
)
def test_what_a_release_cannot_say_raises_and_names_both(
    dialects: Dialects, daemon: Daemon, version: str, name: str, value: str, why: str
) -> None:
    with pytest.raises(NoTranslation, match=why) as caught:
        dialects.for_version(daemon, version).to_native({name: value})
    assert name in str(caught.value)
    assert version in str(caught.value)


def test_values_without_newest_words_stay_readable_and_equal_nothing() -> None:
    native = {
        "ssl_prefer_server_ciphers": "maybe",
        "login_log_format_elements": "%u %Z",
        "disable_plaintext_auth": "",
        "not_renamed": "x",
    }
    assert dovecot("2.3.13").to_newest(native) == {
        "ssl_server_prefer_ciphers": "maybe",
        "login_log_format_elements": "%{user} %Z",
        "auth_allow_cleartext": "",
        "not_renamed": "x",
    }


def test_every_release_says_what_it_does_not_show() -> None:
    hidden = {version: dovecot(version).hidden for version in DOVECOTS}
    assert {version for version in DOVECOTS if "ssl_server_key_file" in hidden[version]} == {
        "2.3.13",
        "2.3.19.1",
        "2.4.5",
    }
    assert {version for version in DOVECOTS if "ssl_server_dh_file" in hidden[version]} == {"2.3.13", "2.3.19.1"}


@pytest.mark.parametrize("version", DOVECOTS)
def test_a_specimen_has_its_password_and_no_placeholder(version: str) -> None:
    text = dovecot(version).specimen_text("s3cret")
    assert "{PLAIN}s3cret" in text
    assert "@PASSWORD@" not in text
    assert "/var/spool/postfix/private/auth" in text


def test_names_are_known_by_the_newest_record_that_is_not_newer(dialects: Dialects) -> None:
    assert "tls_ffdhe_auto_groups" not in dialects.known(Daemon.POSTFIX, "3.8.4")
    assert "tls_ffdhe_auto_groups" in dialects.known(Daemon.POSTFIX, "3.10.2")
    assert dialects.known(Daemon.POSTFIX, "4.0") == dialects.newest(Daemon.POSTFIX)
    with pytest.raises(NoTranslation, match="older than every"):
        dialects.known(Daemon.POSTFIX, "3.4.1")


@pytest.mark.parametrize("path", sorted((DIRECTORY / "known").glob("*.txt")), ids=lambda path: str(path.stem))
def test_lists_of_names_are_sorted_and_unique(path: Path) -> None:
    names = path.read_text(encoding="utf-8").splitlines()
    assert names == sorted(set(names))
    assert len(names) > 300


def test_every_rule_names_settings_that_the_newest_release_knows(dialects: Dialects) -> None:
    for daemon in Daemon:
        for row in dialects.data[daemon]["setting"]:
            assert dialects.newest(daemon).issuperset(row.names), row


@pytest.mark.parametrize(
    ("older", "newer"),
    [("2.4.1-4 (7d8c0e5759)", "2.4.5"), ("3.7.11", "3.10"), ("1.1.1", "1.1.1w"), ("1.1.1w", "3.0.22")],
)
def test_versions_compare_as_numbers(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


def test_a_version_without_a_number_raises() -> None:
    with pytest.raises(NoTranslation):
        version_key("unknown")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[setting]]\nname = ['x']", "did you mean names"),
        ("[[settings]]\nnames = ['x']", "did you mean setting"),
        ("[[setting]]\nnames = ['x']\nwords = 'nosuch'", "nosuch"),
        ("not toml", "postfix.toml"),
    ],
)
def test_a_broken_dialect_file_is_unusable(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "postfix.toml").write_text(text)
    with pytest.raises(Unusable, match=why):
        Dialects.load(tmp_path)


def test_a_directory_without_lists_of_names_is_unusable(tmp_path: Path) -> None:
    for daemon in Daemon:
        (tmp_path / f"{daemon}.toml").write_text("")
    with pytest.raises(Unusable, match=r"postfix-VERSION\.txt"):
        Dialects.load(tmp_path)
