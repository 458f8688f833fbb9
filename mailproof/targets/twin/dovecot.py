"""Stand-ins for what surrounds a Dovecot at home: its users, their mailboxes, addresses, plugins, and the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from shlex import quote

from mailproof.model import Daemon
from mailproof.origins import dovecot
from mailproof.origins.dovecot import Origin
from mailproof.targets.twin.standin import DOVECOT, Site, StandIn

_LOG = {"log_path": "syslog", "info_log_path": "", "debug_log_path": "", "syslog_facility": "mail"}
_LOOPBACK = re.compile(r"localhost|127\.[\d.]+|\[?::1\]?")
_STORES = ("mail_location", "mail_path", "mail_inbox_path", "mail_home", "location")
_OWNERS = ("user", "group", "mail_uid", "mail_gid", "default_internal_user", "default_login_user",
           "default_internal_group",
           "mail_privileged_group", "mail_access_groups")  # fmt: skip
_LAST = "4294967294"
"""The highest number that a user or a group can have: newer releases take no 0 for «any»."""
_MODULE = re.compile(r".*/modules/lib\d+_(\w+)_plugin\.so")


def users(site: Site) -> Iterator[StandIn]:
    """Databases of users, whatever they are: one password lets everybody in, none else does."""
    found = dovecot.blocks(site.survey.texts, DOVECOT, ("passdb", "userdb"))
    text = site.dialects.for_version(Daemon.DOVECOT, site.release.dovecot).account_text(site.password)
    for block in found:
        yield StandIn(
            "users", block.heading, f"{site.label(block.file)}:{block.first}", "the probe alone", silenced=(block,)
        )
    yield StandIn(
        "users", "passdb, userdb", "" if found else "not set", "every name with the probe's password", text=text
    )


def log(site: Site) -> Iterator[StandIn]:
    """Wherever the log goes at home, here it goes to the twin's own syslog."""
    for name, wanted in _LOG.items():
        value = site.survey.readings.dovecot.values.get(name, wanted)
        if value != wanted:
            yield _set(site, "log", name, value, wanted, "the syslog of the twin")


def addresses(site: Site) -> Iterator[StandIn]:
    """Addresses that only the host at home has."""
    values = site.survey.readings.dovecot.values
    listens = values.get("listen", "*")
    if not {"*", "::", "[::]"} & set(listens.replace(",", " ").split()) and not _local(listens):
        yield _set(site, "address", "listen", listens, "*", "every address of the twin")
    for path, value in values.items():
        found = re.fullmatch(r"service/([^/]+)/inet_listener/([^/]+)/(address|listen)", path)
        if found and value and value != listens and "*" not in value and not _local(value):
            service, listener, name = found.groups()
            text = f"service {service} {{\n  inet_listener {listener} {{\n    {name} = *\n  }}\n}}\n"
            yield StandIn("address", f"{name} = {value}", _place(site, path), "every address of the twin", text=text)


def owners(site: Site) -> Iterator[StandIn]:
    """Users and groups that only the host at home has."""
    values = site.survey.readings.dovecot.values
    made = dict[str, Origin]()
    for origin in site.origins:
        last = origin.name.rpartition("/")[2]
        if last in _OWNERS and re.fullmatch(r"[a-z_][\w.-]*", origin.value):
            made.setdefault(origin.value, origin)
    for name, origin in made.items():
        commands = [f"groupadd --system {name}"] if name not in site.survey.groups else []
        if name not in site.survey.users and "group" not in origin.name and "gid" not in origin.name:
            commands.append(f"useradd --system --no-create-home --gid {name} {name}")
        if commands:
            yield StandIn("user", f"{origin.name} = {name}", _at(site, origin), "a user of that name without rights",
                          commands=tuple(commands))  # fmt: skip
    for name, everybody in (
        ("first_valid_uid", "1"),
        ("last_valid_uid", _LAST),
        ("first_valid_gid", "1"),
        ("last_valid_gid", _LAST),
    ):
        if any(origin.name == name for origin in site.origins):
            yield _set(
                site, "user", name, values.get(name, ""), everybody, "no limit: the probe's user has another number"
            )


def mailboxes(site: Site) -> Iterator[StandIn]:
    """Directories of mail: empty ones in the same place."""
    for origin in site.origins:
        if origin.name.rpartition("/")[2] in _STORES:
            for path in re.findall(r"(?:^|[:=])(/[^:%]*)", origin.value):
                where = path if path.endswith("/") else str(PurePosixPath(path).parent)
                yield StandIn("mailboxes", f"{origin.name} = {origin.value}", _at(site, origin),
                              f"an empty directory {where}",
                              commands=(f"mkdir -p {quote(where)}; chmod 1777 {quote(where)}",))  # fmt: skip


def plugins(site: Site) -> Iterator[StandIn]:
    """Plugins that the release's packages don't bring: left out."""
    installed = {found[1] for path in site.survey.paths if (found := _MODULE.fullmatch(path))}
    view = site.survey.readings.dovecot
    for protocol, values in {"": view.values, **view.protocols}.items():
        words = values.get("mail_plugins", "").split()
        kept = [word for word in words if word in installed]
        if kept != words:
            line = f"mail_plugins = {' '.join(kept)}\n"
            text = f"protocol {protocol} {{\n  {line}}}\n" if protocol else line
            gone = " ".join(word for word in words if word not in kept)
            yield StandIn(
                "plugin",
                f"mail_plugins: {gone}",
                _place(site, "mail_plugins"),
                "left out: not installed here",
                text=text,
            )


def _set(site: Site, subject: str, name: str, value: str, now: str, told: str) -> StandIn:
    return StandIn(subject, f"{name} = {value}", _place(site, name), told, text=f"{name} = {now}\n")


def _place(site: Site, name: str) -> str:
    found = dovecot.deciding(site.origins, "", name)
    return _at(site, found) if found else "not set"


def _at(site: Site, origin: Origin) -> str:
    return f"{site.label(origin.file)}:{origin.line}"


def _local(listens: str) -> bool:
    words = listens.replace(",", " ").split()
    return bool(words) and all(_LOOPBACK.fullmatch(each) for each in words)
