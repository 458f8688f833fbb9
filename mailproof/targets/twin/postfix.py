"""Stand-ins for what surrounds a Postfix at home: filters, ways out, logins, addresses, users, the log, its pace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from mailproof.model import Daemon
from mailproof.settings.postfix import command
from mailproof.targets.twin.standin import PLACE, Site, StandIn

AUTHENTICATOR = f"{PLACE}/authenticator.conf"
KEPT = "/var/mail/mailproof-outgoing"
"""Where mail for other hosts lies."""
_KEEP = f"pipe flags=F user=probe argv=/usr/bin/tee -a {KEPT}"
_FILTERS = {
    "smtpd_milters": "a filter that accepts everything", "non_smtpd_milters": "a filter that accepts everything",
    "smtpd_milter_maps": "a filter that accepts everything", "content_filter": "no filter: mail goes straight on",
    "smtpd_proxy_filter": "no filter: mail goes straight on",
}  # fmt: skip
_LOOPBACK = re.compile(r"loopback-only|localhost|127\.[\d.]+|\[?::1\]?")
_LIMITS = (
    "smtpd_client_connection_rate_limit", "smtpd_client_connection_count_limit", "smtpd_client_message_rate_limit",
    "smtpd_client_recipient_rate_limit", "smtpd_client_new_tls_session_rate_limit", "smtpd_client_auth_rate_limit",
)  # fmt: skip
_WAITS = {"postscreen_greet_wait": "1s", "postscreen_bare_newline_enable": "no",
          "postscreen_non_smtp_command_enable": "no", "postscreen_pipelining_enable": "no",
          "postscreen_greet_action": "ignore"}  # fmt: skip
_LOG = {"maillog_file": "", "syslog_facility": "mail"}


def filters(site: Site) -> Iterator[StandIn]:
    """Milters and content filters."""
    for name, told in _FILTERS.items():
        for entry, value in site.everywhere(name).items():
            if value:
                yield _set(site, "mail filter", entry, name, "", told)


def exits(site: Site) -> Iterator[StandIn]:
    """Whatever would send mail to other hosts keeps it."""
    view = site.survey.readings.postfix
    sending = [entry for entry, row in view.entries.items() if command(row) == "smtp"]
    if sending:
        where = {name: site.default(name) for name in ("relayhost", "default_transport", "transport_maps")}
        named = next((name for name in ("relayhost", "transport_maps") if where[name]), "default_transport")
        yield StandIn(
            "way out", f"{named} = {where[named]}", site.place(named), "mail for other hosts stays in a file",
            commands=(f": >{KEPT}; chmod 666 {KEPT}", *(_kept(entry) for entry in sending)),
            unchecked={"lab-destinations": "nothing may leave a twin: mail for other hosts stays in a file"},
        )  # fmt: skip
    for name in site.known("virtual_transport", "mailbox_transport", "local_transport", "relay_transport"):
        if re.match(
            r"(?:lmtp|smtp|relay):(?!unix:)(?!\[?127\.|\[?::1|inet:\[?127\.|inet:localhost|localhost)",
            site.default(name),
        ):
            yield _set(site, "way out", "", name, "discard:", "mail is thrown away")


def _kept(entry: str) -> str:
    """pipe(8) starts with rights that it gives up later."""
    fields = {"command": _KEEP, "unprivileged": "n", "chroot": "n"}
    return "postconf -F " + " ".join(quote(f"{entry}/{name}={value}") for name, value in fields.items())


def logins(site: Site) -> Iterator[StandIn]:
    """Who may log in is known to somebody else: to a Dovecot of ours where the tree's own does not answer Postfix."""
    asked = [entry for entry, value in site.everywhere("smtpd_sasl_auth_enable").items() if value == "yes"]
    for entry in asked:
        own = site.overrides.get(entry, {})
        type, path = (own.get(name, site.default(name)) for name in ("smtpd_sasl_type", "smtpd_sasl_path"))
        if type == "dovecot" and _answers(site, path):
            continue
        text = site.dialects.for_version(Daemon.DOVECOT, site.release.dovecot).authenticator_text(site.password)
        worn = {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": "private/auth"}
        named = f"smtpd_sasl_type = {type}, smtpd_sasl_path = {path}"
        yield StandIn(
            "login back-end", named, site.place("smtpd_sasl_path", entry if "smtpd_sasl_path" in own else ""),
            "a Dovecot that knows the probe alone", files={AUTHENTICATOR: (text.encode(), 0o600)},
            **({"overrides": {entry: worn}} if entry else {"settings": worn}),
        )  # fmt: skip


def _answers(site: Site, path: str) -> bool:
    """Whether the tree's Dovecot listens where Postfix asks."""
    if Daemon.DOVECOT not in site.tree.daemons or Daemon.DOVECOT in site.survey.readings.refused:
        return False
    names = site.survey.readings.dovecot.values
    if path.startswith("inet:"):
        host, _, port = path.removeprefix("inet:").rpartition(":")
        local = not host or _LOOPBACK.fullmatch(host)
        return bool(local) and port in {
            names[each] for each in names if re.fullmatch(r"service/auth/inet_listener/.+/port", each)
        }
    socket = path.removeprefix("unix:")
    wanted = socket if socket.startswith("/") else f"{site.default('queue_directory')}/{socket}"
    return any(name.startswith(f"service/auth/unix_listener/{wanted}/") for name in names)


def everywhere(listens: str) -> bool:
    """Whether a value of inet_interfaces means the same on every host; "" where it is not set."""
    return listens in ("", "all") or all(_LOOPBACK.fullmatch(each) for each in listens.replace(",", " ").split())


def addresses(site: Site) -> Iterator[StandIn]:
    """Addresses and networks that only the host at home has."""
    listens = site.written("inet_interfaces")
    if not everywhere(listens):
        yield StandIn("address", f"inet_interfaces = {listens}", site.place("inet_interfaces"),
                      "every address of the twin", settings={"inet_interfaces": "all"})  # fmt: skip
    for entry in site.survey.readings.postfix.entries:
        host, colon, port = entry.removesuffix("/inet").rpartition(":")
        if entry.endswith("/inet") and colon and not _LOOPBACK.fullmatch(host):
            moved = f"postconf -F {quote(f'{entry}/service={port}')}"
            yield StandIn("address", entry, site.place("", entry), f"port {port} of the twin", commands=(moved,))
    if "mynetworks" not in site.main and site.default("mynetworks_style") != "host":
        style = site.default("mynetworks_style")
        yield StandIn("network", f"mynetworks_style = {style}", site.place("mynetworks_style"),
                      "a network without the probe", settings={"mynetworks": "127.0.0.0/8 [::1]/128"})  # fmt: skip


def pace(site: Site) -> Iterator[StandIn]:
    """Limits and waits that would turn a probe away before it has asked."""
    for name in site.known(*_LIMITS):
        for entry, value in site.everywhere(name).items():
            if value != "0" and (entry or name in site.main):
                yield _set(site, "limit", entry, name, "0", "no limit: the probe connects often")
    screened = any(command(row) == "postscreen" for row in site.survey.readings.postfix.entries.values())
    for name in site.known(*_WAITS) if screened else ():
        if site.default(name) != _WAITS[name]:
            yield _set(site, "postscreen", "", name, _WAITS[name], "the probe is served at once")


def log(site: Site) -> Iterator[StandIn]:
    """Wherever the log goes at home, here it goes to the twin's own syslog."""
    for name in site.known(*_LOG):
        for entry, value in site.everywhere(name).items():
            if value != _LOG[name]:
                yield _set(site, "log", entry, name, _LOG[name], "the syslog of the twin")


def owners(site: Site) -> Iterator[StandIn]:
    """Users whom pipe(8) and spawn(8) run as."""
    for entry, row in site.survey.readings.postfix.entries.items():
        if command(row) in ("pipe", "spawn") and (found := re.search(r" user=([\w.-]+)(?::([\w.-]+))?", row)):
            user, group = found[1], found[2] or found[1]
            yield from _made(site, user, group, f"user={user}", site.place("", entry))


def _made(site: Site, user: str, group: str, named: str, place: str) -> Iterator[StandIn]:
    made = [f"groupadd --system {group}"] if group not in site.survey.groups and not group.isdecimal() else []
    if user not in site.survey.users and not user.isdecimal():
        made.append(f"useradd --system --no-create-home --gid {group} {user}")
    if made:
        yield StandIn("user", named, place, "a user of that name without rights", commands=tuple(made))


def _set(site: Site, subject: str, entry: str, name: str, value: str, told: str) -> StandIn:
    named = f"{name} = {site.everywhere(name).get(entry, '')}"
    changed = {"overrides": {entry: {name: value}}} if entry else {"settings": {name: value}}
    return StandIn(subject, named, site.place(name, entry), told, **changed)
