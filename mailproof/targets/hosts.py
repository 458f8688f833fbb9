"""Live hosts as the caller names them: URIs of pytest-testinfra, where they lead to, and what he hands over."""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import testinfra

from mailproof.errors import Unreachable, Unusable
from mailproof.targets.inside import Inside
from mailproof.targets.readonly import ReadOnly
from mailproof.wire.offers import ClientCertificate

_KINDS = ("ssh", "safe-ssh", "paramiko", "docker", "podman", "kubectl", "local")
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----\n?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Host:
    """A live host as the caller names it: a URI of pytest-testinfra, its options for the connection, and the address at
    which its services are asked (empty: what the URI leads to)."""

    uri: str
    options: Mapping[str, Any] = field(default_factory=dict)
    address: str = ""

    def inside(self) -> ReadOnly:
        """Where read-only commands run."""
        return ReadOnly(Inside(testinfra.get_host(self.uri, **self.options), self.uri))

    def where(self) -> str:
        """The address to ask; raises `Unreachable` where the URI leads to none."""
        if self.address:
            return self.address
        return _address(testinfra.get_host(self.uri, **self.options), self.uri)


def hosts_of(uris: Iterable[str], addresses: Iterable[str], options: Mapping[str, Any]) -> tuple[Host, ...]:
    """Hosts by their URIs, with the addresses (``HOST=ADDRESS``, or one for all) that override where they lead to;
    raises `Unusable`."""
    named = dict(_named(each) for each in addresses)
    found = tuple(Host(uri, options, named.pop(uri, named.pop(uri.partition("://")[2], ""))) for uri in _distinct(uris))
    common = named.pop("", "")
    for left in named:
        raise Unusable(f"--address {left}: no such host is named by --hosts")
    return tuple(replace(host, address=host.address or common) for host in found)


def _named(given: str) -> tuple[str, str]:
    host, _, address = given.rpartition("=")
    return host, address


def _distinct(uris: Iterable[str]) -> list[str]:
    found = [uri if "://" in uri else f"ssh://{uri}" for uri in uris]
    for uri in found:
        kind = uri.partition("://")[0]
        if kind not in _KINDS:
            raise Unusable(f"--hosts {uri}: choose from {', '.join(_KINDS)}")
    return list(dict.fromkeys(found))


def _address(host: Any, uri: str) -> str:
    """What a URI leads to: the host name as ssh(1) resolves it, a container's own address, or this machine."""
    kind, _, rest = uri.partition("://")
    if kind in ("local", ""):
        return "127.0.0.1"
    if kind in ("docker", "podman"):
        shown = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        found = host.backend.run_local(f"{kind} inspect -f %s %s", shown, host.backend.name)
        named = found.stdout.split()
        if found.rc == 0 and named:
            return str(named[0])
    if kind in ("ssh", "safe-ssh", "paramiko"):
        name = rest.rpartition("@")[2].partition("?")[0].partition(":")[0]
        return _resolved(name, str(host.backend.ssh_config or ""))
    raise Unreachable(f"{uri} leads to no address that could be asked: name one, --address {uri}=ADDRESS")


def _resolved(name: str, configuration: str) -> str:
    """The host name that ssh(1) would connect to, by its own configuration; the name itself where it cannot say."""
    command = ["ssh", "-G", *(["-F", configuration] if configuration else []), name]
    with suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
        found = [line.split()[1] for line in said.splitlines() if line.startswith("hostname ")]
        return found[0] if found else name
    return name


def trusted_here() -> bytes:
    """The authorities that this very machine trusts (PEM), as any client of a host would; none where it has no list."""
    paths = ssl.get_default_verify_paths()
    file = Path(paths.cafile or paths.openssl_cafile)
    return file.read_bytes() if file.is_file() else b""


def load_certificate(path: str) -> ClientCertificate:
    """A certificate with its key from one PEM file; raises `Unusable`."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise Unusable(f"--client-cert {path} cannot be read: {error.strerror}") from None
    key = _KEY.search(text)
    if key is None or b"-----BEGIN CERTIFICATE-----" not in text:
        raise Unusable(f"--client-cert {path}: it must hold a certificate and its key (PEM)")
    return ClientCertificate(text.replace(key[0], b""), key[0])
