"""Effective settings → the services that a target declares, with their roles (DESIGN §5). Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePosixPath

from mailproof.errors import Ambiguous, Unread
from mailproof.model import Daemon, Protocol, Role, Security, Service
from mailproof.settings.postfix import command
from mailproof.settings.screening import SCREEN
from mailproof.settings.views import DovecotView, PostfixView

POSTFIX_DAEMON = Service("postfix", None, Role.DAEMON, Daemon.POSTFIX)
DOVECOT_DAEMON = Service("dovecot", None, Role.DAEMON, Daemon.DOVECOT)

_LOOPBACK = re.compile(r"loopback-only|localhost|127(?:\.\d+){3}|::1")
_PORTS = {"smtp": 25, "smtps": 465, "ssmtp": 465, "urd": 465, "submissions": 465, "submission": 587}
_CERTIFICATE_RULES = re.compile(r"\b(permit_tls_clientcerts|permit_tls_all_clientcerts|check_ccert_access)\b")

_LISTENER = re.compile(r"service/(?P<service>[^/]+)/inet_listener/(?P<listener>.+)/port")
_LMTP = re.compile(r"service/lmtp/unix_listener/(?P<path>.+)/mode")
_DIALOGUES = {
    "imap": (Protocol.IMAP, Role.ACCESS),
    "pop3": (Protocol.POP3, Role.ACCESS),
    "sieve": (Protocol.SIEVE, Role.ACCESS),
    "submission": (Protocol.SMTP, Role.SUBMISSION),
    "lmtp": (Protocol.LMTP, Role.LOCAL),
}


def postfix_services(view: PostfixView) -> tuple[Service, ...]:
    """Postfix itself, then each smtpd or postscreen that listens on a TCP port, in master.cf's order.

    Raises `Unread` where a port is named by a word that is none of SMTP's, `Ambiguous` where two rows share a port.
    """
    return _distinct([POSTFIX_DAEMON, *(_smtpd(view, entry) for entry in _listening(view))])


def dovecot_services(view: DovecotView) -> tuple[Service, ...]:
    """Dovecot itself, then the listeners of its enabled protocols, and LMTP's socket. `Ambiguous`: as above."""
    return _distinct([DOVECOT_DAEMON, *_ports(view), *_socket(view)])


def lmtp_socket(view: DovecotView) -> str:
    """The path of the first socket on which LMTP is spoken, "" where there is none."""
    for name, mode in view.values.items():
        found = _LMTP.fullmatch(name)
        if found and mode != "0":
            return str(PurePosixPath(view.values.get("base_dir", "/run/dovecot"), found["path"]))
    return ""


def features(view: PostfixView) -> frozenset[str]:
    """What a configuration uses that some controls need: ``client-certificates``, ``sasl``."""
    overridden = (value for each in view.overrides.values() for value in each.values())
    sasl = any(view.effective(entry, "smtpd_sasl_auth_enable") == "yes" for entry in _listening(view))
    return features_of([*view.values.values(), *overridden]) | ({"sasl"} if sasl else set())


def features_of(values: Iterable[str]) -> frozenset[str]:
    """The features that show in values alone: ``client-certificates``, where a restriction list relies on them."""
    return frozenset({"client-certificates"} if any(map(_CERTIFICATE_RULES.search, values)) else ())


def _listening(view: PostfixView) -> Iterator[str]:
    for entry, row in view.entries.items():
        if entry.endswith("/inet") and command(row) in ("smtpd", SCREEN):
            yield entry


def _smtpd(view: PostfixView, entry: str) -> Service:
    """The service of a row."""
    host, _, port_name = entry.removesuffix("/inet").rpartition(":")
    port = _port(port_name)
    implicit = view.effective(entry, "smtpd_tls_wrappermode") == "yes"
    role = _role(view, entry, port, loopback=_loopback([host] if host else _interfaces(view)))
    security = Security.IMPLICIT if implicit else Security.STARTTLS
    return Service(_name(role, port, implicit), port, role, Daemon.POSTFIX, Protocol.SMTP, security, entry)


def _interfaces(view: PostfixView) -> list[str]:
    return view.values.get("inet_interfaces", "all").replace(",", " ").split()


def _loopback(hosts: Collection[str]) -> bool:
    """Whether nobody but the host itself reaches what listens there."""
    return bool(hosts) and all(_LOOPBACK.fullmatch(host.strip("[]")) for host in hosts)


def _port(name: str) -> int:
    port = int(name) if name.isdecimal() else _PORTS.get(name)
    if port is None:
        raise Unread(f"master.cf names a port {name!r}, which is none of {', '.join(_PORTS)}: write its number")
    return port


def _role(view: PostfixView, entry: str, port: int, loopback: bool) -> Role:
    if loopback:
        return Role.LOCAL
    if port == 25:
        return Role.MX
    enforced = _enforced(view, entry)
    if enforced and view.effective(entry, "smtpd_tls_req_ccert") == "yes":
        return Role.RELAY
    if enforced or port in (465, 587) or view.effective(entry, "smtpd_sasl_auth_enable") == "yes":
        return Role.SUBMISSION
    return Role.MX


def _enforced(view: PostfixView, entry: str) -> bool:
    """No mail is taken without TLS: postconf(5), smtpd_tls_security_level; above ``may`` it is ``encrypt``."""
    level = view.effective(entry, "smtpd_tls_security_level")
    if not level:
        level = "encrypt" if view.effective(entry, "smtpd_enforce_tls") == "yes" else "none"
    return level not in ("none", "may") or view.effective(entry, "smtpd_tls_wrappermode") == "yes"


def _name(role: Role, port: int, implicit: bool) -> str:
    if role is Role.RELAY:
        return "relay"
    if role is Role.SUBMISSION:
        return "submissions" if implicit or port == 465 else "submission"
    return "smtp"


def _ports(view: DovecotView) -> Iterator[Service]:
    for name, port in view.values.items():
        found = _LISTENER.fullmatch(name)
        if not found or port == "0":
            continue
        entry = view.values.get(f"service/{found['service']}/protocol", "")
        if entry in _DIALOGUES and entry in _enabled(view) and not _loopback(_hosts(view, name)):
            implicit = view.values.get(name.removesuffix("port") + "ssl", "no") == "yes"
            yield _listener(entry, int(port), implicit)


def _hosts(view: DovecotView, port: str) -> list[str]:
    """Where a listener listens: its own addresses (2.4: ``listen``, 2.3: ``address``), else those of all."""
    named = [view.values.get(f"{port.removesuffix('port')}{end}", "") for end in ("listen", "address")]
    own = next(filter(None, named), view.values.get("listen", "*"))  # fmt: skip
    return own.replace(",", " ").split()


def _listener(entry: str, port: int, implicit: bool) -> Service:
    protocol, role = _DIALOGUES[entry]
    security = Security.IMPLICIT if implicit else Security.NONE if role is Role.LOCAL else Security.STARTTLS
    return Service(entry + "s" * implicit, port, role, Daemon.DOVECOT, protocol, security, entry)


def _socket(view: DovecotView) -> Iterator[Service]:
    if "lmtp" in _enabled(view) and lmtp_socket(view):
        yield Service("lmtp", None, Role.LOCAL, Daemon.DOVECOT, Protocol.LMTP, Security.NONE, "lmtp")


def _enabled(view: DovecotView) -> list[str]:
    return view.effective("", "protocols").split()


def _distinct(services: Iterable[Service]) -> tuple[Service, ...]:
    found: dict[str, Service] = {}
    for service in services:
        if str(service) in found:
            raise Ambiguous(f"two services are declared as {service}: their checks could not be told apart")
        found[str(service)] = service
    return tuple(found.values())
