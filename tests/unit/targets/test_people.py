"""Who takes part in a run: named clients, and travellers whom the CA knows by their own name."""

from __future__ import annotations

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
