"""Profiles of our own making: what is merged, and that no wrong name gets through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailproof.errors import Unusable
from mailproof.model import Daemon, Level, Protocol, Role, Security, Service
from mailproof.profile import ControlFacts, Profile, load_profiles

CONTROLS = {
    "PFS-1": ControlFacts(frozenset({Role.MX, Role.SUBMISSION}), ("min_dh_bits",)),
    "PFS-3": ControlFacts(frozenset({Role.MX, Role.SUBMISSION, Role.ACCESS})),
    "CFG-1": ControlFacts(frozenset({Role.DAEMON}), ("versions",)),
}
KNOWN = {
    Daemon.POSTFIX: frozenset({"smtpd_tls_loglevel", "smtpd_tls_security_level", "smtpd_tls_wrappermode"}),
    Daemon.DOVECOT: frozenset({"ssl", "ssl_min_protocol"}),
}
BASE = """
name = "base"
title = "What all have"
edition = 2026-11-22
source = "RFC 9325"
abstract = true
certificates = ["rsa-2048"]
[versions]
postfix = "3.5"
[services.submission]
port = 587
role = "submission"
entry = "submission/inet"
[services.submission.postfix]
smtpd_tls_security_level = "encrypt"
[services.imap]
port = 143
role = "access"
protocol = "imap"
daemon = "dovecot"
[services.lmtp]
role = "local"
protocol = "lmtp"
security = "none"
daemon = "dovecot"
[settings.postfix]
smtpd_tls_loglevel = "0"
[requires]
PFS-3 = { mx = "SHOULD NOT", submission = "MUST NOT" }
"""
CHILD = """
name = "child"
title = "One of them"
edition = 2026-11-23
source = "RFC 9325"
extends = "base"
[services.submission.postfix]
smtpd_tls_loglevel = "2"
[settings.postfix]
smtpd_tls_loglevel = "1"
[settings.dovecot]
ssl = "required"
[parameters]
min_dh_bits = 2048
[requires]
PFS-3 = { mx = "MUST NOT" }
PFS-1 = { mx = "MUST" }
"""
SUBMISSION = "[services.submission.postfix]"
Load = Callable[..., tuple[Profile, ...]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def loading(*names: str, **files: str) -> tuple[Profile, ...]:
        for name, text in {"base": BASE, "child": CHILD, **files}.items():
            (tmp_path / f"{name}.toml").write_text(text)
        return load_profiles(names or ("child",), tmp_path, CONTROLS, KNOWN)

    return loading


def test_a_child_adds_to_its_base_key_by_key(load: Load) -> None:
    (found,) = load()
    assert (found.name, found.edition, found.certificates) == ("child", "2026-11-23", ("rsa-2048",))
    assert found.postfix == {"smtpd_tls_loglevel": "1"}
    assert found.dovecot == {"ssl": "required"}
    assert found.requires["PFS-3"] == {Role.MX: Level.MUST_NOT, Role.SUBMISSION: Level.MUST_NOT}
    assert found.requires["PFS-1"] == {Role.MX: Level.MUST}
    assert found.overrides == {"submission:587": {"smtpd_tls_security_level": "encrypt", "smtpd_tls_loglevel": "2"}}


def test_services_have_sensible_defaults(load: Load) -> None:
    assert load()[0].services == (
        Service(
            "submission", 587, Role.SUBMISSION, Daemon.POSTFIX, Protocol.SMTP, Security.STARTTLS, "submission/inet"
        ),
        Service("imap", 143, Role.ACCESS, Daemon.DOVECOT, Protocol.IMAP, Security.STARTTLS, "imap"),
        Service("lmtp", None, Role.LOCAL, Daemon.DOVECOT, Protocol.LMTP, Security.NONE, "lmtp"),
    )


def test_versions_are_a_parameter(load: Load) -> None:
    (found,) = load()
    assert found.parameters == {"min_dh_bits": 2048, "versions": {"postfix": "3.5"}, "reason": ""}
    assert found.versions == {"postfix": "3.5"}


def test_the_digest_covers_the_whole_chain(load: Load) -> None:
    first = load()[0].sha256
    assert load()[0].sha256 == first
    assert load(base=BASE.replace('"0"', '"1"'))[0].sha256 != first
    assert load(child=CHILD + "# a word\n")[0].sha256 != first


def test_a_profile_of_ones_own_is_a_path_and_may_extend_a_shipped_one(load: Load, tmp_path: Path) -> None:
    own = tmp_path / "own" / "mine.toml"
    own.parent.mkdir()
    own.write_text(CHILD.replace('"child"', '"mine"'))
    assert load(str(own))[0].path == str(own)


def test_profiles_come_in_the_order_asked_for_and_once(load: Load) -> None:
    second = CHILD.replace('"child"', '"second"')
    assert [each.name for each in load("second", "child", "second", second=second)] == ["second", "child"]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("", "nonsense = 1\n", "child.toml: top level: there is no nonsense"),
        ("title =", "titel =", "did you mean title"),
        ('title = "One of them"\n', "", "title is missing"),
        ('"child"', '"other"', "name is 'other'"),
        ("2026-11-23", '"2026-11-23"', "edition must be a date"),
        ('loglevel = "1"', 'loglevle = "1"', r"settings\.postfix.*did you mean smtpd_tls_loglevel"),
        ('loglevel = "1"', "loglevel = 1", "text in quotes, not 1"),
        ('loglevel = "2"', 'lglevel = "2"', r"services\.submission\.postfix.*smtpd_tls_loglevel"),
        ("[settings.dovecot]", "[settings.dovcot]", "did you mean dovecot"),
        ("ssl =", "ssll =", r"settings\.dovecot.*did you mean ssl"),
        ("PFS-1 =", "PSF-1 =", r"\[requires\].*did you mean PFS-1"),
        ('mx = "MUST" }', 'xm = "MUST" }', r"PFS-1: there is no xm"),
        ('mx = "MUST" }', 'mx = "SHALL" }', "PFS-1 mx: there is no SHALL"),
        ('mx = "MUST" }', 'access = "MUST" }', "cannot judge the role access"),
        ("min_dh_bits", "min_dh_bit", r"\[parameters\].*did you mean min_dh_bits"),
        ("min_dh_bits = 2048", "versions = 1", r"\[parameters\]: there is no versions"),
        (SUBMISSION, "[services.submission]\nprot = 587\n" + SUBMISSION, "mean port"),
        (SUBMISSION, "[services.submission]\nport = '587'\n" + SUBMISSION, "number"),
        (SUBMISSION, "[services.submission]\nrole = 'mta'\n" + SUBMISSION, "no mta"),
        (SUBMISSION, "[services.new]\nport = 26\n" + SUBMISSION, "role is missing"),
        (SUBMISSION, "[services.new]\nrole = 'mx'\n" + SUBMISSION, "port is missing"),
        (SUBMISSION, "[services.imap.postfix]\nsmtpd_tls_loglevel = '1'\n" + SUBMISSION, "service of Dovecot"),
        ("[parameters]", "[versions]\nopenssl3 = '3.0'\n[parameters]", "did you mean openssl"),
        ("[parameters]", "[versions]\nopenssl = 'new'\n[parameters]", "must be a version"),
        ('extends = "base"', 'extends = "bse"', "extends: there is no profile bse.*did you mean base"),
        ('extends = "base"', 'extends = "child"', "extends itself"),
        ('extends = "base"', 'extends = "base"\ncertificates = ["rsa-512"]', "there is no rsa-512"),
        ('extends = "base"', "", "certificates is empty"),
        ("title", "= title", "no TOML"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_named_in_one_sentence(load: Load, before: str, after: str, why: str) -> None:
    text = CHILD.replace(before, after, 1) if before else after + CHILD
    with pytest.raises(Unusable, match=why) as caught:
        load(child=text)
    assert "child.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_wrong_in_the_base_is_named_by_the_base(load: Load) -> None:
    with pytest.raises(Unusable, match=r"base\.toml: \[settings\.postfix\]"):
        load(base=BASE.replace("smtpd_tls_loglevel", "smtpd_tls_loglvl"))


def test_a_longer_cycle_is_found(load: Load) -> None:
    with pytest.raises(Unusable, match="extends itself"):
        load(base=BASE.replace("abstract = true", 'extends = "child"'))


def test_an_abstract_profile_cannot_be_chosen(load: Load) -> None:
    with pytest.raises(Unusable, match="abstract"):
        load("base")


def test_an_unknown_profile_is_named_with_the_nearest(load: Load) -> None:
    with pytest.raises(Unusable, match=r"there is no profile chld .*did you mean child"):
        load("chld")


def test_a_path_to_nothing_is_named(load: Load, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="cannot be read"):
        load(str(tmp_path / "nothing.toml"))


def test_two_profiles_of_one_name_cannot_be_told_apart(load: Load, tmp_path: Path) -> None:
    twin = tmp_path / "own" / "child.toml"
    twin.parent.mkdir()
    twin.write_text(CHILD)
    with pytest.raises(Unusable, match="the name child is taken"):
        load("child", str(twin))
