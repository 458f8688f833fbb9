"""What hosts of four releases really said of settings that they wore (fixtures/recorded/worn), and of settings that are
wrong (fixtures/recorded/troubles): each setting comes back as it was meant, and no trouble is taken for a reading."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from mailproof.dialect import Dialect, Dialects
from mailproof.errors import NoTranslation, Unread
from mailproof.model import Daemon
from mailproof.settings import DovecotView, PostfixView, Readings, parse_readings

FIXTURES = Path(__file__).parents[2] / "fixtures"
RECORDED = FIXTURES / "recorded"
WORN: Mapping[str, Mapping[str, str]] = tomllib.loads((RECORDED / "worn" / "settings.toml").read_text(encoding="utf-8"))
DIALECTS = Dialects.load(FIXTURES / "dialects")
RELEASES = ("debian-11", "debian-12", "debian-13", "debian-14")
UNSAYABLE = {
    ("debian-11", "tls_ffdhe_auto_groups"),
    ("debian-12", "tls_ffdhe_auto_groups"),
    ("debian-11", "ssl_cipher_suites"),
}
REMOVED_SOON = {
    "smtp_enforce_tls", "smtp_tls_per_site", "smtp_use_tls", "smtpd_enforce_tls", "smtpd_tls_dh1024_param_file",
    "smtpd_tls_eecdh_grade", "smtpd_use_tls",
}  # fmt: skip

releases = pytest.mark.parametrize("release", RELEASES)
settings = pytest.mark.parametrize(
    ("daemon", "name"), [(Daemon(daemon), name) for daemon, each in WORN.items() for name in each]
)


def reading(path: str) -> Readings:
    return parse_readings((RECORDED / path).read_text(encoding="utf-8"))


def spoken(release: str, daemon: Daemon) -> tuple[PostfixView | DovecotView, Dialect]:
    found = reading(f"worn/{release}.txt")
    view = found.postfix if daemon is Daemon.POSTFIX else found.dovecot
    return view, DIALECTS.for_version(daemon, view.version)


@releases
@settings
def test_a_setting_that_is_worn_is_read_back_as_it_was_meant(release: str, daemon: Daemon, name: str) -> None:
    view, dialect = spoken(release, daemon)
    if (release, name) in UNSAYABLE:
        with pytest.raises(NoTranslation):
            dialect.to_native({name: WORN[daemon][name]})
        return
    native = dialect.native_name(name)
    if name in dialect.hidden:
        assert not view.values.get(native), "a setting that is said to be hidden is shown"
        return
    assert dialect.to_newest({native: view.effective("", native)}) == {name: WORN[daemon][name]}


@releases
def test_a_withheld_value_is_hidden_in_the_dialect_too(release: str) -> None:
    view, dialect = spoken(release, Daemon.DOVECOT)
    assert isinstance(view, DovecotView)
    worn = {dialect.native_name(name): name for name in WORN["dovecot"] if (release, name) not in UNSAYABLE}
    assert {worn[name] for name in view.hidden if name in worn} == dialect.hidden & set(WORN["dovecot"])


@releases
def test_parameters_that_will_be_removed_are_complained_of_from_3_10(release: str) -> None:
    complaints = " ".join(reading(f"worn/{release}.txt").postfix.complaints)
    named = {name for name in WORN["postfix"] if f'support for parameter "{name}" will be removed' in complaints}
    assert named >= REMOVED_SOON if release in ("debian-13", "debian-14") else not named
    assert ("https://www.postfix.org/DEPRECATION_README.html" in complaints) == (release == "debian-14")


@releases
def test_a_misspelt_and_a_doubled_parameter_are_complaints_although_postconf_exits_0(release: str) -> None:
    complaints = reading(f"troubles/{release}-complaints.txt").postfix.complaints
    assert "postconf: warning: /etc/postfix/main.cf: unused parameter: smtpd_tls_foo=1" in complaints
    assert "postconf: warning: /etc/postfix/master.cf: unused parameter: smtpd_tls_levle=may" in complaints
    assert any("overriding earlier entry: mail_name=one" in complaint for complaint in complaints)


@releases
@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("broken-master", "bad field count"),
        ("unknown-setting", "Unknown setting: foo_bar"),
        ("bad-value", "Invalid value: maybe"),
    ],
)
def test_what_is_fatal_is_no_reading(release: str, trouble: str, why: str) -> None:
    with pytest.raises(Unread, match=why):
        reading(f"troubles/{release}-{trouble}.txt")
