"""What a choice says of itself."""

from __future__ import annotations

from mailproof.wire.tls.chosen import Chosen, listed
from mailproof.wire.tls.primes import standard_prime


def test_agreements_are_listed_version_by_version() -> None:
    found = [Chosen("TLSv1.2", 0x002F), Chosen("TLSv1.2", 0x009F, prime=standard_prime(2048)), Chosen("TLSv1", 0x0035)]
    dhe = "DHE-RSA-AES256-GCM-SHA384, DH 2048 bits (RFC 3526 group 14)"
    assert listed(found) == f"TLSv1.2: AES128-SHA; {dhe} · TLSv1: AES256-SHA"
    assert listed([]) == ""


def test_a_choice_knows_what_it_is_worth() -> None:
    hybrid = Chosen("TLSv1.3", 0x1301, 4588)
    assert (hybrid.forward_secret, hybrid.authenticated, hybrid.quantum_safe) == (True, True, True)
    anonymous = Chosen("TLSv1.2", 0x00A6, prime=standard_prime(1024))
    assert (anonymous.forward_secret, anonymous.authenticated, anonymous.dh_bits) == (False, False, 1024)
    assert not Chosen("SSLv2", 0x010080).forward_secret
