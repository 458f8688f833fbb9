"""Readings recorded on four stock releases (fixtures/recorded), and what must never pass for one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mailproof.errors import Ambiguous, UnknownSetting, Unread
from mailproof.model import Role, Security
from mailproof.settings import (
    Readings,
    dovecot_services,
    features,
    features_of,
    parse_readings,
    postfix,
    postfix_services,
)

RECORDED = Path(__file__).parents[2] / "fixtures" / "recorded"
KNOWN = RECORDED.parent / "dialects" / "known"
RELEASES = ("debian-11", "debian-12", "debian-13", "debian-14")
MARK = "00000000-0000-4000-8000-000000000000"
SCREENED = """smtp inet n - y - 1 postscreen
smtpd pass - - y - - smtpd
tlsproxy unix - - y - 0 tlsproxy"""


def text_of(release: str) -> str:
    return (RECORDED / f"{release}.txt").read_text(encoding="utf-8")


def reading(release: str = "debian-13") -> Readings:
    return parse_readings(text_of(release))


def with_section(name: str, content: str, errors: str = "", status: int = 0) -> str:
    """Debian 13's reading with one section replaced."""
    before, _, after = text_of("debian-13").partition(f"{MARK} begin {name}\n")
    rest = after[after.index(f"\n{MARK} errors ") + 1 :]
    rest = rest[rest.index("\n", rest.index("errors")) + 1 :]
    following = rest[rest.index(f"{MARK} ") :]
    return f"{before}{MARK} begin {name}\n{content}\n{MARK} errors {status}\n{errors}\n{following}"


def with_master(rows: str, overrides: str = "") -> Readings:
    text = parse_readings(with_section("postconf-entries", rows))
    changed = parse_readings(with_section("postconf-overrides", overrides))
    values = {**text.postfix.values, **behind(text.postfix.values, "3.10")}
    return replace(text, postfix=replace(text.postfix, values=values, overrides=changed.postfix.overrides))


def behind(values: Mapping[str, str], version: str) -> dict[str, str]:
    """What a release says of postscreen and its fellows where nobody sets it (postconf(5)): what smtpd says."""
    known = (KNOWN / f"postfix-{version}.txt").read_text(encoding="utf-8").split()
    prefixes = re.compile("(tlsproxy|postscreen)(?=_(tls|use_tls|enforce_tls))")
    fellows = {name: prefixes.sub("smtpd", name) for name in known if prefixes.match(name)}
    names = {"smtpd_service_name": "smtpd", "tlsproxy_service_name": "tlsproxy", "postscreen_greet_wait": "6s"}
    return {**names, **{name: values[smtpd] for name, smtpd in fellows.items() if smtpd in values}}


@pytest.mark.parametrize(
    ("release", "postfix", "dovecot", "library"),
    [
        ("debian-11", "3.5.25", "2.3.13", "OpenSSL 1.1.1w"),
        ("debian-12", "3.7.11", "2.3.19.1", "OpenSSL 3.0.22"),
        ("debian-13", "3.10.13", "2.4.1", "OpenSSL 3.5.7"),
        ("debian-14", "3.11.7", "2.4.5", "OpenSSL 3.6.5"),
    ],
)
def test_versions_and_libraries_are_those_that_run(release: str, postfix: str, dovecot: str, library: str) -> None:
    found = reading(release)
    assert (found.postfix.version, found.dovecot.version) == (postfix, dovecot)
    assert (found.postfix.library, found.dovecot.library) == (library, library)
    assert found.packages["postfix"].startswith(postfix)
    assert found.os


@pytest.mark.parametrize("release", RELEASES)
def test_stock_configuration_draws_no_complaint(release: str) -> None:
    found = reading(release)
    assert (found.postfix.complaints, found.dovecot.complaints) == ((), ())


@pytest.mark.parametrize("release", RELEASES)
def test_stock_declares_port_25_and_dovecots_protocols(release: str) -> None:
    found = reading(release)
    assert [str(service) for service in postfix_services(found.postfix)] == ["postfix", "smtp:25"]
    names = {str(service) for service in dovecot_services(found.dovecot)}
    assert names - {"sieve:2000"} == {"dovecot", "imap:143", "imaps:993", "pop3:110", "pop3s:995", "sieve:4190", "lmtp"}
    assert ("sieve:2000" in names) == (release in ("debian-13", "debian-14"))


def test_tls_begins_at_once_only_on_ports_that_say_so() -> None:
    found = {str(service): service.security for service in dovecot_services(reading().dovecot)}
    assert found["imaps:993"] is Security.IMPLICIT
    assert found["imap:143"] is Security.STARTTLS
    assert found["lmtp"] is Security.NONE


def test_a_port_of_zero_and_a_protocol_switched_off_are_no_services() -> None:
    view = reading().dovecot
    closed = replace(view, values={**view.values, "service/imap-login/inet_listener/imap/port": "0"})
    assert "imap:143" not in map(str, dovecot_services(closed))
    without = replace(view, values={**view.values, "protocols": "imap"})
    assert [str(each) for each in dovecot_services(without)] == ["dovecot", "imap:143", "imaps:993"]


@pytest.mark.parametrize(
    ("row", "settings", "name", "role", "security"),
    [
        ("smtp inet n - y - - smtpd", {"smtpd_tls_security_level": "encrypt", "smtpd_tls_req_ccert": "yes"}, "smtp:25",
         Role.MX, Security.STARTTLS),
        ("submission inet n - y - - smtpd", {}, "submission:587", Role.SUBMISSION, Security.STARTTLS),
        ("submissions inet n - y - - smtpd", {"smtpd_tls_wrappermode": "yes"}, "submissions:465", Role.SUBMISSION,
         Security.IMPLICIT),
        ("2525 inet n - y - - smtpd", {"smtpd_tls_security_level": "encrypt", "smtpd_tls_req_ccert": "yes"},
         "relay:2525", Role.RELAY, Security.STARTTLS),
        ("2525 inet n - y - - smtpd", {"smtpd_tls_security_level": "encrypt"}, "submission:2525", Role.SUBMISSION,
         Security.STARTTLS),
        ("2525 inet n - y - - smtpd", {"smtpd_enforce_tls": "yes", "smtpd_tls_security_level": ""}, "submission:2525",
         Role.SUBMISSION, Security.STARTTLS),
        ("2525 inet n - y - - smtpd", {"smtpd_tls_security_level": "may"}, "smtp:2525", Role.MX, Security.STARTTLS),
        ("127.0.0.1:10025 inet n - y - - smtpd", {}, "smtp:10025", Role.LOCAL, Security.STARTTLS),
        (SCREENED, {}, "smtp:25", Role.MX, Security.STARTTLS),
    ],
)  # fmt: skip
def test_a_role_follows_from_the_effective_settings(
    row: str, settings: dict[str, str], name: str, role: Role, security: Security
) -> None:
    entry = "/".join(row.split()[:2])
    overrides = "\n".join(f"{entry}/{key} = {value}" for key, value in settings.items())
    service = postfix_services(with_master(row, overrides).postfix)[1]
    assert (str(service), service.role, service.security) == (name, role, security)


def test_behind_postscreen_smtpd_s_own_settings_are_those_of_the_smtpd_behind_it() -> None:
    overrides = "smtp/inet/smtpd_relay_restrictions = permit\nsmtpd/pass/smtpd_relay_restrictions = reject"
    view = with_master(SCREENED, overrides).postfix
    assert view.effective("smtp/inet", "smtpd_relay_restrictions") == "reject"
    assert view.effective("smtp/inet", "postscreen_greet_wait") == view.values["postscreen_greet_wait"]


@pytest.mark.parametrize("release", RELEASES)
def test_behind_postscreen_every_tls_setting_can_be_read_where_nothing_differs(release: str) -> None:
    plain = reading(release).postfix
    own = behind(plain.values, plain.version.rpartition(".")[0])
    assert {"tlsproxy_tls_protocols", "postscreen_tls_security_level"} <= own.keys()
    rows = postfix.entries(SCREENED)
    view = replace(plain, entries={**plain.entries, **rows}, values={**plain.values, **own})
    names = [name for name in plain.values if name.startswith(("smtpd_tls_", "tls_"))]
    assert {name: view.effective("smtp/inet", name) for name in names} == {name: plain.values[name] for name in names}


@pytest.mark.parametrize(
    ("override", "name"),
    [
        ("tlsproxy/unix/tlsproxy_tls_protocols = >=TLSv1.3", "smtpd_tls_protocols"),
        ("tlsproxy/unix/smtpd_tls_protocols = >=TLSv1.3", "smtpd_tls_protocols"),
        ("smtpd/pass/smtpd_tls_protocols = >=TLSv1.3", "smtpd_tls_protocols"),
        ("tlsproxy/unix/tls_eecdh_auto_curves = prime256v1", "tls_eecdh_auto_curves"),
        ("smtp/inet/postscreen_tls_security_level = encrypt", "smtpd_tls_security_level"),
        ("smtp/inet/smtpd_tls_security_level = none", "smtpd_tls_security_level"),
        ("tlsproxy/unix/tlsproxy_enforce_tls = yes", "smtpd_enforce_tls"),
    ],
)
def test_behind_postscreen_a_setting_that_is_not_the_same_for_all_clients_is_not_decided(
    override: str, name: str
) -> None:
    with pytest.raises(Ambiguous, match=f"{name} is not the same"):
        with_master(SCREENED, override).postfix.effective("smtp/inet", name)


def test_behind_postscreen_main_cf_s_own_values_for_tlsproxy_count() -> None:
    view = with_master(SCREENED).postfix
    differing = replace(view, values={**view.values, "tlsproxy_tls_protocols": ">=TLSv1.3"})
    with pytest.raises(Ambiguous, match=r"tlsproxy/unix: tlsproxy_tls_protocols = >=TLSv1\.3"):
        differing.effective("smtp/inet", "smtpd_tls_protocols")


def test_an_override_that_says_the_same_everywhere_rules_behind_postscreen() -> None:
    override = "smtpd/pass/smtpd_tls_protocols = >=TLSv1.3\ntlsproxy/unix/tlsproxy_tls_protocols = >=TLSv1.3"
    view = with_master(SCREENED, override).postfix
    assert view.effective("smtp/inet", "smtpd_tls_protocols") == ">=TLSv1.3"


@pytest.mark.parametrize(("missing", "name"), [("tlsproxy/unix", "smtpd_tls_protocols"), ("smtpd/pass", "mynetworks")])
def test_behind_postscreen_a_row_that_is_missing_is_no_setting(missing: str, name: str) -> None:
    view = with_master(SCREENED).postfix
    without = replace(view, entries={entry: row for entry, row in view.entries.items() if entry != missing})
    with pytest.raises(UnknownSetting, match=f"no entry {missing}"):
        without.effective("smtp/inet", name)


def test_postscreen_may_pass_its_clients_to_rows_of_another_name() -> None:
    rows = "smtp inet n - y - 1 postscreen\ninner pass - - y - - smtpd\ntlsproxy unix - - y - 0 tlsproxy"
    overrides = "smtp/inet/smtpd_service_name = inner\ninner/pass/smtpd_relay_restrictions = reject"
    view = with_master(rows, overrides).postfix
    assert view.effective("smtp/inet", "smtpd_relay_restrictions") == "reject"


def test_two_services_on_one_port_cannot_be_told_apart() -> None:
    found = with_master("127.0.0.1:25 inet n - y - - smtpd\n198.18.0.1:25 inet n - y - - smtpd")
    with pytest.raises(Ambiguous, match="smtp:25"):
        postfix_services(found.postfix)


def test_a_port_named_by_an_unknown_word_is_not_guessed() -> None:
    with pytest.raises(Unread, match="mailport"):
        postfix_services(with_master("mailport inet n - y - - smtpd").postfix)


def test_an_override_rules_at_its_entry_alone() -> None:
    rows = "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd"
    view = with_master(rows, "submission/inet/smtpd_tls_security_level = encrypt").postfix
    assert view.effective("submission/inet", "smtpd_tls_security_level") == "encrypt"
    assert view.effective("smtp/inet", "smtpd_tls_security_level") == "may"
    assert view.effective("", "smtpd_tls_security_level") == "may"


def test_unknown_names_and_entries_raise_and_are_never_empty() -> None:
    found = reading()
    with pytest.raises(UnknownSetting, match="smtpd_tls_nosuch"):
        found.postfix.effective("smtp/inet", "smtpd_tls_nosuch")
    with pytest.raises(UnknownSetting, match="submission/inet"):
        found.postfix.effective("submission/inet", "smtpd_tls_loglevel")
    with pytest.raises(UnknownSetting, match="ssl_nosuch"):
        found.dovecot.effective("imap", "ssl_nosuch")


@pytest.mark.parametrize("release", ["debian-13", "debian-14"])
def test_what_a_block_sets_outdoes_the_default_under_the_flat_name(release: str) -> None:
    assert reading(release).dovecot.effective("", "ssl_server_cert_file") == "/etc/dovecot/private/dovecot.pem"


@pytest.mark.parametrize(
    ("release", "name"), [("debian-11", "ssl_key"), ("debian-12", "ssl_dh"), ("debian-14", "ssl_server_key_file")]
)
def test_a_withheld_value_is_known_as_hidden(release: str, name: str) -> None:
    view = reading(release).dovecot
    assert name in view.hidden
    with pytest.raises(UnknownSetting, match="does not show"):
        view.effective("", name)


def test_a_protocol_section_holds_for_its_protocol_alone() -> None:
    text = (
        "ssl = required\nprotocols = imap pop3\nprotocol imap {\n  ssl = no\n}\nlocal 198.18.0.0/15 {\n  ssl = yes\n}"
    )
    view = parse_readings(with_section("doveconf-all", text)).dovecot
    assert [view.effective(each, "ssl") for each in ("imap", "pop3", "")] == ["no", "required", "required"]
    assert view.scopes == {"local 198.18.0.0/15": {"ssl": "yes"}}


def test_stderr_of_any_call_is_a_complaint_once() -> None:
    warning = "postconf: warning: /etc/postfix/main.cf: unused parameter: smtpd_tls_foo=1"
    view = parse_readings(with_section("postconf-set", "biff = no", f"{warning}\n{warning}")).postfix
    assert view.complaints == (warning,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Error response from daemon: container is not running",
        f"mailproof reading {MARK}\n{MARK} end\n",
        with_section("postconf-values", "", "postconf: fatal: open /etc/postfix/main.cf", 1),
        with_section("postconf-values", ""),
        with_section("postconf-values", "not a setting"),
        with_section("doveconf-all", ""),
        with_section("doveconf-services", ""),
        with_section("doveconf-all", "ssl = yes\nservice imap-login {\n"),
        with_section("doveconf-set", "", "doveconf: Fatal: Unknown setting: foo", 89),
        with_section("dovecot-library", ""),
    ],
)
def test_a_reading_that_is_not_whole_raises(text: str) -> None:
    with pytest.raises(Unread):
        parse_readings(text)


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.8, 0.99])
def test_a_reading_that_was_cut_short_raises(cut: float) -> None:
    whole = text_of("debian-13")
    with pytest.raises(Unread):
        parse_readings(whole[: int(len(whole) * cut)])


def test_a_daemon_cannot_forge_the_end_of_a_reading() -> None:
    whole = text_of("debian-13")
    forged = whole[: len(whole) // 2] + "\nmailproof reading deadbeef\ndeadbeef end\n"
    with pytest.raises(Unread):
        parse_readings(forged)


def test_features_come_from_main_cf_and_from_overrides() -> None:
    assert features(reading().postfix) == frozenset()
    rows = "submission inet n - y - - smtpd"
    overrides = (
        "submission/inet/smtpd_relay_restrictions = permit_tls_clientcerts, reject\n"
        "submission/inet/smtpd_sasl_auth_enable = yes"
    )
    assert features(with_master(rows, overrides).postfix) == {"client-certificates", "sasl"}
    assert features_of(["permit_mynetworks, check_ccert_access texthash:/x"]) == {"client-certificates"}
    assert features_of(["no_permit_tls_clientcerts_here"]) == frozenset()
