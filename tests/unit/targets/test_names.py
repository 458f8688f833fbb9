"""The names of the lab's DNS: what fixtures/dane.toml becomes."""

from __future__ import annotations

import pytest

from mailproof.targets.destinations import certificates, destinations, transport
from mailproof.targets.names import AUTHORITY, Digests, exchangers, hashed, hashing, hosts, served, zones
from mailproof.targets.names import transport as transport_of_names
from mailproof.targets.zone import State, Zone

WHERE = "198.18.0.9"


@pytest.fixture(scope="module")
def digests() -> Digests:
    """Digests that tell whose they are."""
    return hashed("".join(f"{name} {name}-c - {name}-k -\n" for name in [*certificates(), AUTHORITY]))


@pytest.fixture(scope="module")
def found(digests: Digests) -> dict[str, Zone]:
    """The zones by name."""
    return {zone.name: zone for zone in zones(WHERE, digests)}


def test_every_host_lies_in_a_zone() -> None:
    for name in hosts():
        assert sum(name.endswith(f".{zone}") for zone in served()) == 1, name


def test_every_state_of_a_zone_is_there(found: dict[str, Zone]) -> None:
    assert {zone.state for zone in found.values()} == set(State)


def test_a_record_has_the_digest_that_its_word_stands_for(found: dict[str, Zone]) -> None:
    signed, own = found["signed.test"].records, found["destinations.test"].records
    assert "_10025._tcp.matching.signed.test. IN TLSA 3 1 1 good-k" in signed
    assert "_10025._tcp.certificate.signed.test. IN TLSA 3 0 1 good-c" in signed
    assert "_10028._tcp.self-signed.signed.test. IN TLSA 3 1 1 self-signed-k" in signed
    assert "_10037._tcp.anchor.destinations.test. IN TLSA 2 0 1 ca-c" in own
    assert "_10026._tcp.tls-1.2.destinations.test. IN TLSA 2 1 1 ca-k" in own


def test_nobody_s_digest_is_nobody_s(found: dict[str, Zone]) -> None:
    (record,) = (each for each in found["signed.test"].records if "tcp.mismatch." in each)
    assert len(record.split()[-1]) == 64


def test_every_destination_of_the_lab_has_an_address_under_its_own_name(found: dict[str, Zone]) -> None:
    own = found["destinations.test"].records
    names = {each.host for each in destinations().values() if each.host.endswith(".destinations.test")}
    assert len(names) > 10
    assert {f"{name}. IN A {WHERE}" for name in names} <= set(own)
    assert len(own) == len(set(own))


def test_a_zone_of_an_exchanger_has_nothing_else(found: dict[str, Zone]) -> None:
    assert found["mx-mismatch.test"].records == ("mx-mismatch.test. IN MX 10 mismatch.signed.test.",)
    assert set(exchangers()) == {name for name, zone in found.items() if " IN MX " in zone.records[0]}


def test_mail_for_a_host_goes_to_its_listener_and_for_a_domain_to_its_exchanger_s() -> None:
    table = transport_of_names()
    assert "in-clear.signed.test smtp:[in-clear.signed.test]:10030\n" in table
    assert "mx-signed.test smtp:mx-signed.test:10025\n" in table


def test_no_table_says_anything_twice() -> None:
    keys = [line.split()[0] for line in (transport() + transport_of_names()).splitlines()]
    assert len(keys) == len(set(keys))


def test_digests_are_asked_of_every_certificate_and_of_the_authority() -> None:
    for name in [*certificates(), AUTHORITY]:
        assert f"/{name}.pem" in hashing()
        assert f"echo {name} " in hashing()
