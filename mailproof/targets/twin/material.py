"""Stand-ins for files of TLS that nobody hands over: certificates and keys, authorities, DH parameters, and the table
of clients, to which the probe's own are added in the form of the owner's entries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from mailproof.model import Daemon
from mailproof.pki import Leaf
from mailproof.settings import features_of
from mailproof.targets.twin.lookups import domains, numbered, spelled
from mailproof.targets.twin.standin import PLACE, Content, Site, StandIn
from mailproof.targets.wardrobe import dh_parameters

_PAIRS = {
    "smtpd_tls_cert_file": "smtpd_tls_key_file", "smtpd_tls_eccert_file": "smtpd_tls_eckey_file",
    "smtp_tls_cert_file": "smtp_tls_key_file", "smtp_tls_eccert_file": "smtp_tls_eckey_file",
}  # fmt: skip
_DOVECOT_PAIRS = {"ssl_server_cert_file": "ssl_server_key_file", "ssl_server_alt_cert_file": "ssl_server_alt_key_file"}
_CHAINS = ("smtpd_tls_chain_files", "smtp_tls_chain_files")
_AUTHORITIES = ("smtpd_tls_CAfile", "smtp_tls_CAfile")
_CLIENTS = f"{PLACE}/clients"
_DIGESTS = {16: "md5", 20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}


def postfix_certificates(site: Site) -> Iterator[StandIn]:
    """Postfix's certificates of which file or key is not in the tree."""
    for name, key_name in _PAIRS.items():
        keys = site.everywhere(key_name)
        for entry, path in site.everywhere(name).items():
            key = keys.get(entry, keys[""]) or path
            if path and path != "none" and not (site.has(path) and site.has(key)):
                kind = "ecdsa-p256" if name.endswith("_eccert_file") else "rsa-2048"
                yield _certificate(site, f"{name} = {path}", site.place(name, entry), {path}, {key}, kind)
    for name in site.known(*_CHAINS):
        for entry, value in site.everywhere(name).items():
            if value and not all(map(site.has, value.replace(",", " ").split())):
                yield from _chains(site, f"{name} = {value}", site.place(name, entry), value)


def _chains(site: Site, named: str, place: str, value: str) -> Iterator[StandIn]:
    """One certificate for a list of files, or one for each file where each holds a key of its own: of the type that the
    file's name tells, RSA where it tells none."""
    certificates, keys = _halves(value)
    if certificates != keys:
        yield _certificate(site, named, place, certificates, keys, "rsa-2048")
        return
    for path in sorted(certificates):
        kind = "ecdsa-p256" if re.search(r"(?<![a-z])ec(?:dsa|c)?(?![a-z])", path.lower()) else "rsa-2048"
        yield _certificate(site, named, place, {path}, {path}, kind)


def named_certificates(site: Site) -> Iterator[StandIn]:
    """Those of single names (tls_server_sni_maps): each line of the table names key and chain of one."""
    for number, path, line in numbered(site, site.default("tls_server_sni_maps")):
        name, _, files = line.partition(" ")
        paths = " ".join(re.findall(r"/[^\s,]+", files))
        if paths and not all(map(site.has, paths.split())):
            yield _certificate(
                site, line, f"{site.label(path)}:{number}", *_halves(paths), "rsa-2048", f"local_name {name}"
            )


def _halves(value: str) -> tuple[set[str], set[str]]:
    """The files of a list that hold certificates, and those that hold keys: by their names, else all both."""
    paths = set(value.replace(",", " ").split())
    keys = {path for path in paths if re.search(r"key|priv", path)} or paths
    return (paths - keys or paths), keys


def dovecot_certificates(site: Site) -> Iterator[StandIn]:
    """Dovecot's, whether for every name or for one alone."""
    dialect = site.dialects.for_version(Daemon.DOVECOT, site.release.dovecot)
    for name, key_name in _DOVECOT_PAIRS.items():
        native, native_key = dialect.native_name(name), dialect.native_name(key_name)
        keys = {origin.scope: origin.value for origin in site.origins if origin.name == native_key}
        for origin in site.origins:
            path, key = _path(origin.value), _path(keys.get(origin.scope, keys.get("", "")))
            if origin.name == native and path and not (site.has(path) and site.has(key)):
                place = f"{site.label(origin.file)}:{origin.line}"
                kind = "ecdsa-p256" if "alt" in name else "rsa-2048"
                yield _certificate(site, f"{native} = {origin.value}", place, {path}, {key} - {""}, kind, origin.scope)


def postfix_authorities(site: Site) -> Iterator[StandIn]:
    """Files of authorities: the lab's where there is none; beside the owner's where clients show certificates, so that
    one can be shown that is trusted."""
    for name in _AUTHORITIES:
        for entry, path in site.everywhere(name).items():
            own = site.survey.texts.get(path, "") if path and site.has(path) else ""
            beside = bool(own) and name == "smtpd_tls_CAfile" and _asks_clients(site)
            if path and (beside or not site.has(path)):
                told = "the same and the lab's authority" if own else "the lab's authority"
                content = f"{own}\n{site.people.authority.decode()}".lstrip("\n").encode()
                yield StandIn(
                    "authority", f"{name} = {path}", site.place(name, entry), told, files={path: (content, 0o644)}
                )


def dovecot_authorities(site: Site) -> Iterator[StandIn]:
    """The same for Dovecot."""
    native = site.dialects.for_version(Daemon.DOVECOT, site.release.dovecot).native_name("ssl_server_ca_file")
    for origin in site.origins:
        path = _path(origin.value)
        if origin.name == native and path and not site.has(path):
            yield StandIn("authority", f"{native} = {origin.value}", f"{site.label(origin.file)}:{origin.line}",
                          "the lab's authority", files={path: (site.people.authority, 0o644)})  # fmt: skip


def postfix_parameters(site: Site) -> Iterator[StandIn]:
    """Diffie-Hellman parameters that are not in the tree: 2048 bits, of which nothing is concluded."""
    name = "smtpd_tls_dh1024_param_file"
    for entry, path in site.everywhere(name).items():
        if path.startswith("/") and not site.has(path):
            yield _parameters(f"{name} = {path}", site.place(name, entry), path)


def dovecot_parameters(site: Site) -> Iterator[StandIn]:
    """The same for Dovecot, which does not start where the file is missing."""
    native = site.dialects.for_version(Daemon.DOVECOT, site.release.dovecot).native_name("ssl_server_dh_file")
    for origin in site.origins:
        path = _path(origin.value)
        if origin.name == native and path and not site.has(path):
            yield _parameters(f"{native} = {origin.value}", f"{site.label(origin.file)}:{origin.line}", path)


def _parameters(named: str, place: str, path: str) -> StandIn:
    why = f"the DH parameters are not in the tree ({place}): others stand in for them"
    return StandIn("DH parameters", named, place, "2048 bits", files={path: (dh_parameters(2048), 0o644)},
                   unchecked={"smallest_dh": why})  # fmt: skip


def clients(site: Site) -> Iterator[StandIn]:
    """The probe's fingerprints, beside the owner's and in the very form of theirs."""
    if not _asks_clients(site):
        return
    for entry, value in site.everywhere("relay_clientcerts").items():
        if entry or value:
            keys = spelled(site, "relay_clientcerts")
            form, digest = _form(keys, site.default("smtpd_tls_fingerprint_digest"))
            text = "".join(f"{form(fingerprint)} {name}\n" for name, fingerprint in site.people.listed(digest).items())
            now = f"{value}, texthash:{_CLIENTS}"
            told = f"the same and the probe's {digest} fingerprints, written as the first entry is"
            changed = (
                {"overrides": {entry: {"relay_clientcerts": now}}}
                if entry
                else {"settings": {"relay_clientcerts": now}}
            )
            yield StandIn("client table", f"relay_clientcerts = {value}", site.place("relay_clientcerts", entry), told,
                          files={_CLIENTS: (text.encode(), 0o644)}, **changed)  # fmt: skip


def names(site: Site) -> list[str]:
    """The names that the host goes by, the first one first."""
    found = [site.default("myhostname"), *domains(site.default("mydestination"))]
    scopes = [origin.scope for origin in site.origins if origin.scope.startswith("local_name ")]
    found += [scope.removeprefix("local_name ").strip('"') for scope in scopes]
    return list(dict.fromkeys(name for name in found if re.fullmatch(r"[\w*-]+(?:\.[\w-]+)+", name))) or [
        site.people.name
    ]


def _asks_clients(site: Site) -> bool:
    return "client-certificates" in features_of(value for _, _, value in site.assignments())


def _certificate(
    site: Site, named: str, place: str, certificates: set[str], keys: set[str], kind: str, scope: str = ""
) -> StandIn:
    wanted = [scope.removeprefix("local_name ").strip('"')] if scope.startswith("local_name ") else names(site)
    leaf = site.people.issue(wanted, kind)
    told = f"a certificate of the lab's authority for {', '.join(wanted)}, {kind}"
    return StandIn("certificate and key", named, place, told, files=_files(leaf, certificates, keys),
                   unchecked={"certificate": f"the tree lacks its files ({place}): others stand in"})  # fmt: skip


def _files(leaf: Leaf, certificates: set[str], keys: set[str]) -> Mapping[str, Content]:
    both = certificates & keys
    contents = ((certificates - both, (leaf.cert_pem, 0o644)), (keys - both, (leaf.key_pem, 0o600)),
                (both, (leaf.key_pem + leaf.cert_pem, 0o600)))  # fmt: skip
    return {path: content for paths, content in contents for path in paths}


def _path(value: str) -> str:
    """The file that a Dovecot setting names: 2.3 writes ``<`` before it."""
    path = value.lstrip("<").strip().strip('"')
    return path if path.startswith("/") else ""


def _form(keys: list[str], digest: str) -> tuple[Callable[[str], str], str]:
    """How the owner writes fingerprints, and with which digest they are made; without entries: as Postfix does."""
    first = keys[0] if keys else "A:B"
    separator = next((mark for mark in ":-" if mark in first), "")
    octets = len(first.replace(separator, "") if separator else first) // 2
    letters = str.lower if first == first.lower() else str.upper
    return (lambda fingerprint: letters(fingerprint.replace(":", separator))), _DIGESTS.get(octets, digest)
