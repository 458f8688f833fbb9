"""What a specimen wears: layers in the newest words, then a release's own; and which files it is given."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from mailproof.dialect import Dialects
from mailproof.errors import NoTranslation
from mailproof.model import Daemon, Mutation, Release
from mailproof.pki import Authority, Leaf
from mailproof.profile import Profile
from mailproof.releases import load_releases
from mailproof.targets.people import People
from mailproof.targets.wardrobe import dress, files, outfit

ROOT = Path(__file__).parents[3]
MakeProfile = Callable[..., Profile]


@pytest.fixture(scope="module")
def dialects() -> Dialects:
    return Dialects.load(ROOT / "fixtures" / "dialects")


@pytest.fixture(scope="module")
def releases() -> dict[str, Release]:
    return load_releases(ROOT / "containers" / "releases.toml")


@pytest.fixture(scope="module")
def leaf() -> Leaf:
    return Authority.create("test CA").leaf("mail.mailproof.test", purpose="server")


@pytest.fixture
def people(leaf: Leaf) -> People:
    servers = {"rsa-2048": leaf, "ecdsa-p256": leaf}
    return People(b"the CA", servers, {"stranger-rsa": leaf}, {"listed": leaf}, "AA:BB listed\n")


def test_a_profile_s_settings_win_over_what_every_specimen_has(make_profile: MakeProfile) -> None:
    worn = outfit(make_profile(postfix={"myhostname": "other.test", "smtpd_tls_loglevel": "1"}))
    assert worn.postfix["myhostname"] == "other.test"
    assert worn.postfix["smtpd_tls_loglevel"] == "1"
    assert worn.postfix["mynetworks"] == "127.0.0.0/8 [::1]/128"


def test_a_mutation_wins_over_the_profile_and_takes_settings_off(make_profile: MakeProfile) -> None:
    profile = make_profile(
        postfix={"smtpd_tls_loglevel": "1", "smtpd_use_tls": "yes"}, dovecot={"ssl": "required"},
        overrides={"submission:587": {"syslog_name": "x", "smtpd_tls_security_level": "encrypt"}},
    )  # fmt: skip
    broken = outfit(profile, Mutation(
        "broken", postfix={"smtpd_tls_loglevel": "0", "smtpd_use_tls": None}, dovecot={"ssl": "no"},
        services={"submission:587": {"smtpd_tls_security_level": None}, "smtp:25": {"syslog_name": "y"}},
        removed=("tlsmgr/unix",), pasted="a typo",
    ))  # fmt: skip
    assert broken.postfix["smtpd_tls_loglevel"] == "0"
    assert "smtpd_use_tls" not in broken.postfix
    assert broken.dovecot["ssl"] == "no"
    assert broken.overrides == {"submission:587": {"syslog_name": "x"}, "smtp:25": {"syslog_name": "y"}}
    assert (broken.removed, broken.pasted) == (("tlsmgr/unix",), "a typo")
    assert outfit(profile).overrides == profile.overrides


def test_a_mutation_of_a_service_that_the_profile_lacks_is_not_worn_there(make_profile: MakeProfile) -> None:
    assert outfit(make_profile(), Mutation("broken", services={"relay:2525": {"syslog_name": "x"}})).overrides == {}


def test_certificates_are_named_by_type_for_postfix_and_by_place_for_dovecot(make_profile: MakeProfile) -> None:
    worn = outfit(make_profile(certificates=("ecdsa-p256", "rsa-2048")))
    assert worn.postfix["smtpd_tls_eccert_file"] == "/etc/mailproof/files/ecdsa.pem"
    assert worn.postfix["smtpd_tls_cert_file"] == "/etc/mailproof/files/rsa.pem"
    assert worn.dovecot["ssl_server_cert_file"] == "/etc/mailproof/files/ecdsa.pem"
    assert worn.dovecot["ssl_server_alt_cert_file"] == "/etc/mailproof/files/rsa.pem"


def test_one_certificate_leaves_no_second_one(make_profile: MakeProfile) -> None:
    worn = outfit(make_profile())
    assert "smtpd_tls_eccert_file" not in worn.postfix
    assert "ssl_server_alt_cert_file" not in worn.dovecot


@pytest.mark.parametrize("release", ["debian-11", "debian-12", "debian-13", "debian-14"])
def test_a_dress_speaks_the_release_s_own_words(
    make_profile: MakeProfile, dialects: Dialects, releases: dict[str, Release], release: str
) -> None:
    profile = make_profile(postfix={"smtpd_tls_protocols": ">=TLSv1.2"}, dovecot={"auth_allow_cleartext": "no"},
                           overrides={"submission:587": {"smtpd_tls_mandatory_protocols": ">=TLSv1.2"}})  # fmt: skip
    worn = dress(outfit(profile), profile, releases[release], dialects, "secret")
    version = releases[release]
    assert set(worn.postfix) <= dialects.known(Daemon.POSTFIX, version.postfix)
    assert set(worn.dovecot) <= dialects.known(Daemon.DOVECOT, version.dovecot)
    older = "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1" if release == "debian-11" else ">=TLSv1.2"
    assert worn.postfix["smtpd_tls_protocols"].replace(" ", "") == older.replace(" ", "")
    assert worn.overrides["submission/inet"] == {"smtpd_tls_mandatory_protocols": worn.postfix["smtpd_tls_protocols"]}
    assert ("disable_plaintext_auth" in worn.dovecot) == (release in ("debian-11", "debian-12"))


def test_what_a_release_cannot_say_is_not_left_out(
    make_profile: MakeProfile, dialects: Dialects, releases: dict[str, Release]
) -> None:
    profile = make_profile(dovecot={"ssl_cipher_suites": "TLS_AES_128_GCM_SHA256"})
    with pytest.raises(NoTranslation, match="ssl_cipher_suites"):
        dress(outfit(profile), profile, releases["debian-11"], dialects, "secret")


def test_a_specimen_gets_its_certificates_the_table_and_nobody_s_client_key(
    make_profile: MakeProfile, dialects: Dialects, releases: dict[str, Release], people: People
) -> None:
    found = files(releases["debian-13"], make_profile(), people, dialects, "secret")
    assert set(found) == {
        "dress", "files/ca.pem", "files/relay_clientcerts", "files/rsa.pem", "files/rsa.key", "files/stranger-rsa.pem",
        "files/stranger-rsa.key", "files/dh-1024.pem", "files/dh-2048.pem", "files/transport",
    }  # fmt: skip
    assert found["files/relay_clientcerts"][0] == b"AA:BB listed\n"


def test_what_is_secret_is_its_owner_s_alone(
    make_profile: MakeProfile, dialects: Dialects, releases: dict[str, Release], people: People
) -> None:
    found = files(releases["debian-13"], make_profile(), people, dialects, "a very secret word")
    for name, (content, mode) in found.items():
        if b"PRIVATE KEY" in content or b"a very secret word" in content:
            assert stat.S_IMODE(mode) & 0o077 == 0, name
    assert b"a very secret word" in found["dress"][0]


def test_a_stock_target_gets_no_more_than_an_account(
    dialects: Dialects, releases: dict[str, Release], people: People
) -> None:
    found = files(releases["debian-13"], None, people, dialects, "secret")
    assert found == {"dress": (b"#!/bin/sh\necho 'probe:secret' | chpasswd\n", 0o700)}
