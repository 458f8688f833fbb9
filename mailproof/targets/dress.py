"""What a specimen puts on: profile settings in its release's own words, as one shell script. Pure.

The script starts from the packages' pristine files each time, so a specimen is never dressed on top of an older dress,
and what it writes is what Postfix's own `postconf` and Dovecot's own local.conf take: no template of a whole file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from shlex import quote

from mailproof.model import Service, Settings

HOME = "/etc/mailproof"
PRISTINE = f"{HOME}/pristine"


@dataclass(frozen=True, slots=True)
class Dress:
    """Native settings of both daemons: ``entries`` are rows to add to master.cf, ``overrides`` their own settings,
    ``dovecot_base`` native text put before,
    ``removed`` entries of master.cf that are taken out,
    ``emptied`` packaged files that are emptied, ``pasted`` text for main.cf as it stands."""

    postfix: Settings
    dovecot: Settings
    entries: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Settings] = field(default_factory=dict)
    dovecot_base: str = ""
    removed: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    pasted: str = ""


def script(dress: Dress) -> str:
    """The script that dresses a stopped specimen; it exits non-zero when one of its steps fails."""
    return "\n".join(["#!/bin/sh", "set -eu", *_pristine(), *_postfix(dress), *_dovecot(dress), _COLD, ""])


def entries(services: Iterable[Service]) -> dict[str, str]:
    """master.cf rows for the smtpd services that a release does not declare itself; ``@CHROOT@`` is its own habit."""
    return {
        service.entry: f"{service.entry.partition('/')[0]} inet n - @CHROOT@ - - smtpd"
        for service in services
        if service.entry.endswith("/inet") and service.entry != "smtp/inet"
    }


def restart(postfix: bool, dovecot: bool) -> str:
    """Stop, dress anew, start: deterministic where a reload is not (the old process may still answer after one)."""
    stop = [*([_STOP_POSTFIX] if postfix else []), *([_STOP_DOVECOT] if dovecot else [])]
    start = [*([_START_DOVECOT] if dovecot else []), *([_START_POSTFIX] if postfix else [])]
    return "; ".join([*stop, " && ".join([f"{HOME}/dress", *start])])


_STOP_POSTFIX = "postfix stop 2>/dev/null || true"
_START_POSTFIX = "/usr/lib/postfix/sbin/master -w </dev/null >/run/mailproof-postfix.out 2>&1"
_STOP_DOVECOT = "dovecot stop 2>/dev/null || true; while pidof dovecot >/dev/null; do sleep 0.02; done"
_START_DOVECOT = "dovecot </dev/null >/run/mailproof-dovecot.out 2>&1"
# Every Postfix process waits until main.cf is two seconds old, lest it read a file that is still being written.
_COLD = "touch -d '1 minute ago' /etc/postfix/main.cf /etc/postfix/master.cf"


def _pristine() -> list[str]:
    return [
        f"if [ ! -d {PRISTINE} ]; then mkdir -p {PRISTINE}; cp -a /etc/postfix /etc/dovecot {PRISTINE}/; fi",
        "for d in postfix dovecot; do rm -rf /etc/$d; cp -a " + PRISTINE + "/$d /etc/$d; done",
    ]


def _postfix(dress: Dress) -> list[str]:
    lines = ["chroot=$(postconf -F -h smtp/inet/chroot)"] if dress.entries else []
    for entry, row in dress.entries.items():
        options = "".join(f" -o {{ {name} = {value} }}" for name, value in dress.overrides.get(entry, {}).items())
        before, after = f"{entry}={row}{options}".split("@CHROOT@")
        lines.append(f'postconf -M {quote(before)}"$chroot"{quote(after)}')
    for entry in sorted(dress.overrides.keys() - dress.entries.keys()):  # a service that the package declares itself
        lines += [f"postconf -P {quote(f'{entry}/{name}={value}')}" for name, value in dress.overrides[entry].items()]
    assignments = [f"{name} = {value}" for name, value in dress.postfix.items()]
    if assignments:
        lines.append(f"postconf -e {_words(assignments)}")
    lines += [f"postconf -MX {quote(entry)}" for entry in dress.removed]
    if dress.pasted:
        lines.append(f"printf '%s\\n' {quote(dress.pasted)} >>/etc/postfix/main.cf")
    return lines


def _dovecot(dress: Dress) -> list[str]:
    text = "\n".join([dress.dovecot_base, *(f"{name} = {value}" for name, value in dress.dovecot.items()), ""])
    return [
        *(f": >{quote(path)}" for path in dress.emptied),
        f"cat >/etc/dovecot/local.conf <<'MAILPROOF'\n{text}MAILPROOF",
    ]


def _words(words: Iterable[str]) -> str:
    return " ".join(quote(word) for word in words)
