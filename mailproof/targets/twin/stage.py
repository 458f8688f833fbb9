"""All stand-ins of a site together, and the files and the script that put them in place. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from shlex import quote

from mailproof.model import Daemon
from mailproof.origins import dovecot as dovecot_text
from mailproof.origins import postfix as postfix_text
from mailproof.targets.decisions import SENDERS, Home
from mailproof.targets.twin import dovecot, lookups, material, postfix
from mailproof.targets.twin.standin import DOVECOT, MAIN, MASTER, PLACE, Content, Site, StandIn

_NAMES = "mailproof.test", "elsewhere.example", "foreign.example"
"""Domains that probes speak of: they exist."""


@dataclass(frozen=True, slots=True)
class Staging:
    """What is put into a container before its daemons start, and what is known of it then: ``files`` by absolute path,
    the ``script`` that follows them, ``unchecked`` needs of controls by daemon, each with its reason."""

    standins: tuple[StandIn, ...]
    files: Mapping[str, Content]
    script: str
    unchecked: Mapping[Daemon, Mapping[str, str]]
    home: Home
    name: str
    account: str


def stage(site: Site, own: str) -> Staging:
    """The stand-ins for a site at the address ``own``, of the daemons that run."""
    found: dict[Daemon, list[StandIn]] = {Daemon.POSTFIX: [], Daemon.DOVECOT: []}
    for daemon, makers in ((Daemon.POSTFIX, _POSTFIX), (Daemon.DOVECOT, _DOVECOT)):
        for make in makers if daemon in running(site) else ():
            made = tuple(make(site))
            site, found[daemon] = site.after(made), [*found[daemon], *made]
    standins = tuple(chain.from_iterable(found.values()))
    unchecked = {
        each: {need: why for one in made for need, why in one.unchecked.items()} for each, made in found.items()
    }
    return Staging(standins, {**_edited(site, standins), **_files(standins)}, _script(site, standins, own),
                   unchecked, home(site), material.names(site)[0], account(site))  # fmt: skip


def _senders(site: Site) -> Iterator[StandIn]:
    """Who may send as whom: the probe as itself, beside what the owner's tables say."""
    user, path = account(site), f"{PLACE}/senders"
    addresses = dict.fromkeys([home(site).recipients[0], f"{user.partition('@')[0]}@{material.names(site)[0]}"])
    text = "".join(f"{address} {user}\n" for address in addresses)
    for entry, value in site.everywhere("smtpd_sender_login_maps").items():
        if value:
            now = {"smtpd_sender_login_maps": f"{value}, texthash:{path}"}
            yield StandIn("table of senders", f"smtpd_sender_login_maps = {value}",
                          site.place("smtpd_sender_login_maps", entry),
                          "the same and the probe", files={path: (text.encode(), 0o644)},
                          **({"overrides": {entry: now}} if entry else {"settings": now}))  # fmt: skip


def running(site: Site) -> frozenset[Daemon]:
    """The daemons of the tree that their own tools don't refuse."""
    return site.tree.daemons - site.survey.readings.refused.keys()


def account(site: Site) -> str:
    """As whom the probe logs in: by its address, or by its bare name where Dovecot's auth_username_format leaves no
    more of it, so that the log names it as it came."""
    address = home(site).recipients[0]
    form = site.survey.readings.dovecot.values.get("auth_username_format", "")
    bare = re.search(r"%L?n|username", form) and not re.search(r"%L?d|domain", form)
    return address.partition("@")[0] if bare and Daemon.DOVECOT in running(site) else address


def home(site: Site) -> Home:
    """Whom a probe can write to, and as whom of the host's own it can pretend to come."""
    stood_in = {name for name in ("virtual_mailbox_domains", "mydestination", "relay_domains")
                if lookups.DOMAIN in lookups.at_home(site, _TABLE_OF[name])}  # fmt: skip
    places = [domain for name in ("mydestination", "virtual_mailbox_domains", "relay_domains")
              for domain in lookups.domains(site.default(name))]  # fmt: skip
    known = [*places, *([lookups.DOMAIN] if stood_in else []), *([] if places or stood_in else [site.people.name])]
    spelled = [key for name in ("virtual_mailbox_maps", "virtual_alias_maps", "relay_recipient_maps")
               for key in lookups.spelled(site, name) if "@" in key.strip("@")]  # fmt: skip
    recipients = [*(f"{lookups.PROBE}@{domain}" for domain in known), *spelled]
    return Home(tuple(dict.fromkeys(recipients)), {**SENDERS, "local sender": f"someone@{known[0]}", **_trusted(site)})


_TABLE_OF = {
    "virtual_mailbox_domains": "virtual_mailbox_maps", "mydestination": "local_recipient_maps",
    "relay_domains": "relay_recipient_maps",
}  # fmt: skip


_POSTFIX: tuple[Callable[[Site], Iterator[StandIn]], ...] = (
    material.postfix_certificates, material.named_certificates, material.postfix_parameters, material.clients,
    material.postfix_authorities, lookups.tables, lookups.absent, lookups.policies, postfix.filters, postfix.exits,
    postfix.logins, postfix.addresses, postfix.pace, postfix.log, postfix.owners, _senders,
)  # fmt: skip
_DOVECOT: tuple[Callable[[Site], Iterator[StandIn]], ...] = (
    material.dovecot_certificates, material.dovecot_parameters, material.dovecot_authorities, dovecot.users,
    dovecot.log, dovecot.addresses, dovecot.owners, dovecot.mailboxes, dovecot.plugins,
)  # fmt: skip


def _trusted(site: Site) -> dict[str, str]:
    """Senders whom the host's own tables name: whoever pretends to be one of them is a stranger all the same."""
    lists = [
        value
        for _, name, value in site.assignments()
        if name.endswith("_restrictions") and "check_sender_access" in value
    ]
    keys = [key for value in lists for key in lookups.keys_in(site, value) if "." in key]
    return {f"sender {key}": key if "@" in key.strip("@") else f"someone@{key.strip('@.')}" for key in keys[:4]}


def _files(standins: tuple[StandIn, ...]) -> dict[str, Content]:
    """What stands in for files; where an earlier one was changed by a later one, both have said so."""
    return {path: content for each in standins for path, content in each.files.items()}


def _edited(site: Site, standins: tuple[StandIn, ...]) -> dict[str, Content]:
    """The owner's files with what stands in for some of their lines; no line moves."""
    texts = dict(site.survey.texts)
    settings = {name: value for each in standins for name, value in each.settings.items()}
    if settings:
        texts[MAIN] = postfix_text.assigned(texts.get(MAIN, ""), settings)
    for each in standins:
        for entry, overrides in each.overrides.items():
            texts[MASTER] = postfix_text.overridden(texts[MASTER], entry, overrides)
    texts = dovecot_text.silenced(texts, [block for each in standins for block in each.silenced])
    appended = "".join(each.text for each in standins)
    if appended:
        texts[DOVECOT] = f"{texts[DOVECOT].rstrip()}\n{appended}"
    changed = {path: text for path, text in texts.items() if text != site.survey.texts.get(path)}
    return {path: (text.encode("utf-8", "surrogateescape"), 0o644) for path, text in changed.items()}


def _script(site: Site, standins: tuple[StandIn, ...], own: str) -> str:
    """What happens between the files and the daemons: its errors are the owner's (a table that cannot be compiled)."""
    queue = quote(site.default("queue_directory") or "/var/spool/postfix")
    known = " ".join(map(quote, (*_NAMES, *material.names(site), *lookups.domains(site.default("mydestination")))))
    return "\n".join([
        "sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf",
        f"mailproof-names {own} {known} </dev/null >/dev/null 2>&1",
        *(command for each in standins for command in each.commands),
        *(lookups.compiled(site) if Daemon.POSTFIX in running(site) else ()),
        f"mkdir -p {queue}/etc; cd /etc; cp hosts resolv.conf nsswitch.conf services localtime {queue}/etc/",
        "[ ! -e /etc/postfix/main.cf ] || touch -d '1 minute ago' /etc/postfix/main.cf",
        "[ ! -e /etc/postfix/master.cf ] || touch -d '1 minute ago' /etc/postfix/master.cf",
    ])  # fmt: skip
