"""What the words of Postfix's and OpenSSL's lists mean: protocol lists and cipher lists. Pure."""

from __future__ import annotations

import re

ORDER = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
OLD = frozenset(ORDER[:4])


def allowed_versions(protocols: str) -> frozenset[str]:
    """The versions that a Postfix protocol list leaves (postconf(5), smtpd_tls_protocols): bounds, exclusions, and
    bare names, which include only themselves; in any case of letters. An empty list leaves everything."""
    words = [_spelt(word) for word in re.split(r"[\s,:]+", protocols.strip()) if word]
    bare = {word for word in words if word[0] not in "!<>"}
    found = set(bare or ORDER) - {word[1:] for word in words if word.startswith("!")}
    for word in words:
        if word.startswith(">="):
            found -= set(ORDER[: _place(word[2:])])
        elif word.startswith("<="):
            found -= set(ORDER[_place(word[2:]) + 1 :])
    return frozenset(found)


def allows_older_than_1_2(protocols: str) -> bool:
    """True where the list admits a version older than TLS 1.2, or leaves TLS 1.3 out."""
    allowed = allowed_versions(protocols)
    return bool(allowed & OLD) or "TLSv1.3" not in allowed


def excludes(cipher_list: str, *classes: str) -> bool:
    """True where an OpenSSL cipher list (openssl-ciphers(1)) strikes each class out for good (``!kRSA``)."""
    return {f"!{name}" for name in classes} <= _elements(cipher_list)


def forward_secret_only(cipher_list: str) -> bool:
    """True where every element that adds suites names an ephemeral, authenticated key exchange."""
    adding = [element for element in _elements(cipher_list) if element[0] not in "!-+"]
    return bool(adding) and all(re.search(r"(?<![A-Za-z])(EC)?DHE", element) for element in adding)


def _elements(cipher_list: str) -> set[str]:
    return {element.partition("@")[0] for element in re.split(r"[\s,:]+", cipher_list)} - {""}


def _spelt(word: str) -> str:
    """A word of a list with its version as `ORDER` writes it."""
    mark = next((mark for mark in ("!", ">=", "<=") if word.startswith(mark)), "")
    name = word.removeprefix(mark)
    return mark + next((version for version in ORDER if version.lower() == name.lower()), name)


def _place(version: str) -> int:
    """A version's place; one that is not known counts as the newest bound, so that nothing is admitted by mistake."""
    return ORDER.index(version) if version in ORDER else 0
