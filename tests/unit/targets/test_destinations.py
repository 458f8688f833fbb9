"""Whom specimens send to: the data hang together, and a container can be made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproof.catalogue import catalogue
from mailproof.dialect import Dialects
from mailproof.model import Daemon, Release
from mailproof.pki import Authority, Flaw
from mailproof.profile import load_profiles
from mailproof.releases import choose, load_releases
from mailproof.targets.destinations import certificates, common, destinations, hosts, transport
from mailproof.targets.receiver import KEY, _proofs, wanted_receiver

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def dialects() -> Dialects:
    return Dialects.load(ROOT / "fixtures" / "dialects")


@pytest.fixture(scope="module")
def stable() -> Release:
    return choose((), load_releases(ROOT / "containers" / "releases.toml"))[0]


@pytest.fixture(scope="module")
def files(stable: Release, dialects: Dialects) -> dict[str, tuple[bytes, int]]:
    made = wanted_receiver(stable, Authority.create("a CA"), dialects)
    assert (made.key, made.release, made.ports) == (KEY, stable, ())
    return dict(made.files)


def test_every_destination_has_a_port_of_its_own_and_a_certificate_that_there_is() -> None:
    ports = [each.port for each in destinations().values()]
    assert len(set(ports)) == len(ports) > 10
    assert {each.certificate for each in destinations().values()} - {""} == set(certificates())


def test_all_settings_are_the_newest_release_s(dialects: Dialects) -> None:
    worn = {*common(), *(name for each in destinations().values() for name in each.postfix)}
    assert not worn - dialects.newest(Daemon.POSTFIX)


def test_names_lead_to_one_address_and_each_to_its_own_port() -> None:
    assert hosts("198.18.0.9").splitlines()[0] == "198.18.0.9 good.destinations.test"
    assert len(hosts("198.18.0.9").splitlines()) == len(destinations())
    assert [line.split()[0] for line in transport().splitlines()] == [
        *(each.host for each in destinations().values()), "mailproof.test",
    ]  # fmt: skip
    assert "static-rsa.destinations.test smtp:[static-rsa.destinations.test]:10034\n" in transport()


def test_certificates_have_the_flaw_that_they_are_there_for() -> None:
    known = certificates()
    assert known["wrong-name"]["names"] == ["other.example"]
    assert "good.destinations.test" in known["good"]["names"]
    assert {Flaw(each["flaw"]) for each in known.values() if "flaw" in each} == {Flaw.EXPIRED, Flaw.SELF_SIGNED}


def test_the_container_is_given_keys_for_its_owner_alone_and_a_row_for_each(
    files: dict[str, tuple[bytes, int]],
) -> None:
    assert {name for name, (content, _) in files.items() if b"PRIVATE KEY" in content} == {
        f"files/{name}.pem" for name in certificates()
    }
    assert all(mode & 0o077 == 0 for content, mode in files.values() if b"PRIVATE KEY" in content)
    dress = files["dress"][0].decode()
    assert all(f"postconf -M {each.entry}=" in dress or f"{each.entry}=" in dress for each in destinations().values())


def test_who_exists_to_be_refused_must_first_have_agreed() -> None:
    proved = {line.split()[1] for line in _proofs()}
    assert proved == {"tls-1.0", "dh-1024", "static-rsa", "anonymous"}


def test_the_relay_host_of_the_profile_is_the_destination_that_wants_a_certificate(dialects: Dialects) -> None:
    known = {daemon: dialects.newest(daemon) for daemon in Daemon}
    profiles = ROOT / "fixtures" / "profiles"
    (profile,) = load_profiles(["relay-client"], profiles, catalogue(ROOT / "tests"), known)
    relay = destinations()["relay"]
    assert profile.postfix["relayhost"] == f"[{relay.host}]:{relay.port}"
    assert relay.postfix["smtpd_tls_req_ccert"] == "yes"
