"""Stand-ins for what Postfix looks up elsewhere: directories, databases, policy services, files that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from mailproof.targets.twin.standin import PLACE, Site, StandIn

DOMAIN = "mailproof.test"
"""The domain of a site whose own domains only its database knows."""
PROBE = "probe"
INDEXED = frozenset({"btree", "cdb", "dbm", "hash", "lmdb", "sdbm"})
"""Types of tables that postmap(1) makes from a text (DATABASE_README)."""
TEXTS = INDEXED | {"texthash"}

_ELSEWHERE = re.compile(
    r"(?:proxy:)?(?:ldap|memcache|mongodb|mysql|nis|nisplus|pgsql|socketmap|sqlite|tcp):(?:\{[^{}]*\}|[^\s,{}]+)"
)
_TABLE = re.compile(r"(?<![\w/])(?:proxy:)?(?P<type>[a-z]+):(?P<path>/[^\s,{}]+)")
_POLICY = re.compile(r"check_policy_service[\s,]+(?:\{[^{}]*\}|[^\s,{}]+)")
_CACHE = re.compile(r"_cache_database$|_cache_map$|^address_verify_map$|^proxy_(?:read|write)_maps$")
"""Tables that Postfix itself makes, and lists of what stands elsewhere as well."""
_DOMAINS = ("virtual_mailbox_domains", "mydestination", "relay_domains")
"""The classes of addresses (ADDRESS_CLASS_README): whichever comes first from elsewhere holds the probe's domain."""


def tables(site: Site) -> Iterator[StandIn]:
    """Lookups in databases and directories: the probe's rows where its address must be known, nothing else."""
    for entry, name, value in site.assignments():
        if not _ELSEWHERE.search(value) or _CACHE.search(name):
            continue
        path = f"{PLACE}/{name}"
        now = _ELSEWHERE.sub(f"texthash:{path}", value)
        text = "".join(f"{key} {what}\n" for key, what in _rows(site, name).items())
        told = "a table that knows the probe alone" if text else "an empty table"
        yield _instead(site, "lookup table", entry, name, now, told, {path: (text.encode(), 0o644)})


def absent(site: Site) -> Iterator[StandIn]:
    """Tables whose source is not in the tree: empty ones."""
    for entry, name, value in site.assignments():
        for type, path in () if _CACHE.search(name) else _named(value):
            if type in site.survey.readings.postfix.map_types and _gone(site, type, path):
                yield StandIn("lookup table", f"{name}: {type}:{path}", site.place(name, entry), "an empty table",
                              files={path: (b"", 0o644)})  # fmt: skip


def compiled(site: Site) -> tuple[str, ...]:
    """The commands that make indexed tables from their texts, as every deployment has to."""
    known, found = site.survey.readings.postfix.map_types, dict[str, None]()
    aliases = {name: site.default(name) for name in ("alias_maps", "alias_database")}
    paths = {path for value in aliases.values() for _, path in _named(value)}
    for _, name, value in (*site.assignments(), *(("", *each) for each in aliases.items())):
        for type, path in () if _CACHE.search(name) else _named(value):
            tool = "postalias" if path in paths else "postmap -F" if name == "tls_server_sni_maps" else "postmap"
            if type in INDEXED & known:
                found[f"[ ! -e {quote(path)} ] || {tool} {quote(f'{type}:{path}')}"] = None
    return tuple(found)


def policies(site: Site) -> Iterator[StandIn]:
    """Policy services: they say nothing, as if each answered DUNNO."""
    for entry, name, value in site.assignments():
        if _POLICY.search(value):
            yield _instead(site, "policy service", entry, name, _POLICY.sub("", value), "DUNNO for everybody")


def domains(value: str) -> list[str]:
    """The names that a list of domains spells out: no tables, patterns, or names of this very machine."""
    words = value.replace(",", " ").split()
    return [each for each in words if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", each) and not each.startswith("localhost.")]


def spelled(site: Site, name: str) -> list[str]:
    """The keys of the texts that a setting names as tables, in their order; stand-ins are left out."""
    return keys_in(site, site.default(name))


def keys_in(site: Site, value: str) -> list[str]:
    """The keys of the texts that a value names as tables, wherever in it."""
    return [line.split()[0] for _, path in _named(value) for line in _lines(site, path)]


def numbered(site: Site, value: str) -> Iterator[tuple[int, str, str]]:
    """Number, file and text of each line of the texts that a value names as tables."""
    for _, path in _named(value):
        for number, line in enumerate(site.survey.texts.get(path, "").splitlines(), 1):
            if line.split() and line[0] not in "# \t":
                yield number, path, " ".join(line.split())


def _lines(site: Site, path: str) -> list[str]:
    text = site.survey.texts.get(path, "")
    return [line for line in text.splitlines() if line.split() and not line[0].isspace() and line[0] != "#"]


def _rows(site: Site, name: str) -> dict[str, str]:
    """What the probe needs of a table that stands in."""
    elsewhere = [each for each in _DOMAINS if _ELSEWHERE.search(_original(site, each))]
    if name in _DOMAINS:
        return {DOMAIN: "OK"} if name == elsewhere[0] else {}
    addresses = [f"{PROBE}@{domain}" for domain in at_home(site, name)]
    if name == "virtual_mailbox_maps":
        return {address: f"{address.partition('@')[2]}/{PROBE}/" for address in addresses}
    if name in ("relay_recipient_maps", "local_recipient_maps"):
        return dict.fromkeys(addresses, "OK")
    return {address: address for address in addresses} if name == "smtpd_sender_login_maps" else {}


def at_home(site: Site, name: str) -> list[str]:
    """The domains whose addresses a table of that name holds."""
    classes = {"virtual_mailbox_maps": _DOMAINS[:1], "local_recipient_maps": _DOMAINS[1:2],
               "relay_recipient_maps": _DOMAINS[2:]}.get(name, _DOMAINS)  # fmt: skip
    found = [domain for each in classes for domain in domains(_original(site, each))]
    stood_in = any(_ELSEWHERE.search(_original(site, each)) for each in classes)
    return [*found, *([DOMAIN] if stood_in else [])]


def _original(site: Site, name: str) -> str:
    return site.survey.readings.postfix.values.get(name, "")


def _named(value: str) -> list[tuple[str, str]]:
    return [(found["type"], found["path"]) for found in _TABLE.finditer(value)]


def _gone(site: Site, type: str, path: str) -> bool:
    if type not in TEXTS | {"cidr", "pcre", "regexp"} or path.startswith(PLACE):
        return False
    return not any(site.has(f"{path}{end}") for end in ("", ".db", ".lmdb", ".cdb"))


def _instead(
    site: Site, subject: str, entry: str, name: str, now: str, told: str,
    files: dict[str, tuple[bytes, int]] | None = None,
) -> StandIn:  # fmt: skip
    changed = {"overrides": {entry: {name: now}}} if entry else {"settings": {name: now}}
    return StandIn(subject, name, site.place(name, entry), told, files=files or {}, **changed)
