"""Whether a certificate chain leads to a root, and whether a certificate bears a name. Pure; knows no connection.

The chain is judged by OpenSSL, as mail clients and servers do; the name by RFC 9525 (subjectAltName only).
"""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import crypto


def chain_problem(chain_der: Sequence[bytes], roots_pem: bytes, at: datetime) -> str | None:
    """Why the chain (DER, leaf first) does not lead to one of ``roots_pem`` for a server at ``at`` (an aware time), in
    one sentence, or None where it does.
    """
    if not chain_der:
        return "the server showed no certificate"
    try:
        chain = [x509.load_der_x509_certificate(der) for der in chain_der]
        roots = _roots(roots_pem)
        purpose = _purpose_problem(chain[0])
    except (ValueError, x509.DuplicateExtension) as error:
        return f"a certificate cannot be read: {error}"
    return _path_problem(chain, roots, at) or purpose


def _roots(pem: bytes) -> list[x509.Certificate]:
    """The roots, whatever is odd about them: some that everybody trusts have serial numbers that RFC 5280 forbids."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_pem_x509_certificates(pem)


def name_problem(leaf_der: bytes, name: str) -> str | None:
    """Why the certificate is not one of host ``name`` (DNS name or IP address), in one sentence; None where it is."""
    try:
        leaf = x509.load_der_x509_certificate(leaf_der)
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        dns = names.get_values_for_type(x509.DNSName)
        addresses = names.get_values_for_type(x509.IPAddress)
    except x509.ExtensionNotFound:
        return f"the certificate names no host at all, so not {name} either"
    except (ValueError, x509.DuplicateExtension) as error:
        return f"the certificate cannot be read: {error}"
    if _is_address(name):
        matches = ipaddress.ip_address(name) in addresses
    else:
        matches = any(_covers(pattern.lower(), name.lower().rstrip(".")) for pattern in dns)
    shown = ", ".join([*dns, *map(str, addresses)]) or "no host"
    return None if matches else f"the certificate names {shown}, not {name}"


def _path_problem(chain: list[x509.Certificate], roots: list[x509.Certificate], at: datetime) -> str | None:
    store = crypto.X509Store()
    for root in roots:
        store.add_cert(crypto.X509.from_cryptography(root))
    store.set_time(at.astimezone(UTC))
    leaf, *others = [crypto.X509.from_cryptography(certificate) for certificate in chain]
    try:
        crypto.X509StoreContext(store, leaf, others).verify_certificate()
    except crypto.X509StoreContextError as error:
        depth = error.errors[1]
        of = "of the server" if depth == 0 else f"number {depth} of its chain"
        return f"the certificate {of} is not trusted: {error}"
    except crypto.Error as error:
        return f"the chain cannot be verified: {error}"
    return None


def _purpose_problem(leaf: x509.Certificate) -> str | None:
    """RFC 5280 §4.2.1.12: an extended key usage, where there is one, must allow server authentication."""
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    allowed = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return None if allowed & set(usages) else "the certificate is not meant for servers (extended key usage)"


def _covers(pattern: str, name: str) -> bool:
    """RFC 9525 §6.3: a wildcard is the whole leftmost label, and stands for exactly one."""
    label, _, rest = name.partition(".")
    return pattern == name or (bool(label) and "." in rest and pattern == f"*.{rest}")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
