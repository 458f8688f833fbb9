"""Whether a chain leads to a root and a certificate bears a name: a sentence, or None, never an exception."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from mailproof.pki import Authority, Flaw, Leaf
from mailproof.wire.trust import chain_problem, name_problem

NOW = datetime.now(UTC)


def test_a_leaf_of_the_authority_is_trusted(authority: Authority, rsa_leaf: Leaf, ecdsa_leaf: Leaf) -> None:
    for leaf in (rsa_leaf, ecdsa_leaf):
        assert chain_problem([leaf.der], authority.cert_pem, NOW) is None


def test_the_root_may_be_sent_along(authority: Authority, ecdsa_leaf: Leaf) -> None:
    root = load_pem_x509_certificate(authority.cert_pem).public_bytes(Encoding.DER)
    assert chain_problem([ecdsa_leaf.der, root], authority.cert_pem, NOW) is None


@pytest.mark.parametrize(
    ("flaw", "sentence"),
    [
        (Flaw.EXPIRED, "certificate has expired"),
        (Flaw.NOT_YET_VALID, "certificate is not yet valid"),
        (Flaw.SELF_SIGNED, "self-signed certificate"),
    ],
)
def test_a_flaw_is_named(authority: Authority, flaw: Flaw, sentence: str) -> None:
    found = chain_problem([authority.leaf("mail.test", flaw=flaw).der], authority.cert_pem, NOW)
    assert found is not None
    assert sentence in found


def test_a_strangers_leaf_is_not_trusted(authority: Authority) -> None:
    found = chain_problem([Authority.create("stranger").leaf("mail.test").der], authority.cert_pem, NOW)
    assert found is not None
    assert "unable to get local issuer certificate" in found


def test_a_strangers_leaf_of_the_same_name_is_not_trusted(authority: Authority) -> None:
    assert chain_problem([Authority.create("test CA").leaf("mail.test").der], authority.cert_pem, NOW) is not None


def test_a_client_certificate_is_none_for_servers(authority: Authority) -> None:
    found = chain_problem([authority.leaf("mail.test", purpose="client").der], authority.cert_pem, NOW)
    assert found == "the certificate is not meant for servers (extended key usage)"


def test_time_is_judged_in_utc_whatever_zone_it_is_told_in(authority: Authority, ecdsa_leaf: Leaf) -> None:
    far_east, far_west = (timezone(timedelta(hours=hours)) for hours in (14, -12))
    edge = load_pem_x509_certificate(ecdsa_leaf.cert_pem).not_valid_after_utc
    for zone in (far_east, far_west):
        assert chain_problem([ecdsa_leaf.der], authority.cert_pem, (edge - timedelta(hours=1)).astimezone(zone)) is None
        assert (
            chain_problem([ecdsa_leaf.der], authority.cert_pem, (edge + timedelta(hours=1)).astimezone(zone))
            is not None
        )


@pytest.mark.parametrize("chain", [[], [b"no certificate"]])
def test_what_is_no_certificate_is_a_sentence_too(authority: Authority, chain: list[bytes]) -> None:
    assert chain_problem(chain, authority.cert_pem, NOW) is not None
    assert name_problem(b"".join(chain), "mail.test") is not None


@pytest.mark.parametrize(
    ("names", "name", "fits"),
    [
        (["mail.test"], "mail.test", True),
        (["mail.test"], "MAIL.test.", True),
        (["mail.test"], "smtp.mail.test", False),
        (["*.mail.test"], "a.mail.test", True),
        (["*.mail.test"], "a.b.mail.test", False),
        (["*.mail.test"], "mail.test", False),
        (["*.test"], "mail.test", False),
        (["198.18.0.1"], "198.18.0.1", True),
        (["198.18.0.1"], "198.18.0.2", False),
        (["mail.test"], "198.18.0.1", False),
    ],
)
def test_names_are_compared_as_rfc_9525_says(authority: Authority, names: list[str], name: str, fits: bool) -> None:
    assert (name_problem(authority.leaf("mail.test", names=names).der, name) is None) == fits


def test_the_sentence_says_what_the_certificate_names(ecdsa_leaf: Leaf) -> None:
    assert name_problem(ecdsa_leaf.der, "other.test") == "the certificate names mail.test, not other.test"
    root = load_pem_x509_certificate(ecdsa_leaf.authority.cert_pem).public_bytes(Encoding.DER)
    assert name_problem(root, "test CA") == "the certificate names no host at all, so not test CA either"
