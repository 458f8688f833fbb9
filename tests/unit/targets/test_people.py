"""Who takes part in a run: named clients, and travellers whom the CA knows by their own name."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate
from cryptography.x509.oid import NameOID

from mailproof.errors import CannotOffer
from mailproof.targets.people import People, gather, traveller


@pytest.fixture(scope="module")
def people() -> People:
    return gather(["rsa-2048"])


def test_a_named_client_presents_the_certificate_of_that_name(people: People) -> None:
    assert people.client("expired").cert_pem == people.clients["expired"].cert_pem


def test_a_traveller_presents_a_certificate_of_the_ca_in_his_own_name(people: People) -> None:
    shown = load_pem_x509_certificate(people.client(traveller("probe-17")).cert_pem)
    shown.verify_directly_issued_by(load_pem_x509_certificate(people.authority))
    assert [each.value for each in shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["probe-17"]


def test_a_traveller_is_not_in_the_relay_table(people: People) -> None:
    shown = load_pem_x509_certificate(people.client(traveller("listed.client.test")).cert_pem)
    rows = {row.split()[0] for row in people.table.splitlines()}
    listed = load_pem_x509_certificate(people.client("listed").cert_pem)
    fingerprints = [each.fingerprint(SHA256()).hex(":").upper() for each in (shown, listed)]
    assert [fingerprint in rows for fingerprint in fingerprints] == [False, True]


def test_a_misspelt_client_gets_no_certificate(people: People) -> None:
    with pytest.raises(CannotOffer, match="there is no client exipred"):
        people.client("exipred")


@pytest.fixture(scope="module")
def flawed() -> People:
    return gather(["rsa-2048", "ecdsa-p256"], flaws=True)


def test_flaws_are_minted_on_demand_alone(people: People, flawed: People) -> None:
    assert (people.flawed, people.tables) == ({}, {})
    assert {"rsa-expired", "ecdsa-wrong-name", "rsa-sha1", "ecdsa-short-key"} <= set(flawed.flawed)


def test_other_processes_of_the_run_know_the_same_people(flawed: People, tmp_path: Path) -> None:
    flawed.save(tmp_path / "people.json")
    assert People.load(tmp_path / "people.json") == flawed


@pytest.mark.parametrize(
    ("version", "same"), [("reordered", True), ("one-more", True), ("one-too-few", False), ("md5", False)]
)
def test_another_table_lists_who_is_listed_or_does_not(flawed: People, version: str, same: bool) -> None:
    table = _fingerprints(flawed.tables[f"relay_clientcerts-{version}"])
    listed = flawed.clients["listed"].fingerprint("sha256")
    assert (listed in table) is same
    assert (_fingerprints(flawed.table) <= table) is same


def test_one_too_many_is_a_client_who_is_played(flawed: People) -> None:
    more = _fingerprints(flawed.tables["relay_clientcerts-one-too-many"]) - _fingerprints(flawed.table)
    assert more == {flawed.clients["unlisted"].fingerprint("sha256")}


@pytest.mark.parametrize(("version", "separator"), [("dashes", "-"), ("no-separators", "")])
def test_fingerprints_may_be_spelt_as_postfix_does_not(flawed: People, version: str, separator: str) -> None:
    spelt = {each.replace(":", separator) for each in _fingerprints(flawed.table)}
    assert _fingerprints(flawed.tables[f"relay_clientcerts-{version}"]) == spelt


def _fingerprints(table: str) -> set[str]:
    return {line.split()[0] for line in table.splitlines() if line and not line.startswith("#")}
