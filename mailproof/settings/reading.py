"""The script that reads a target's settings in one go, and its output → `Readings`. Pure: running it is another's task.

The output begins with a mark that is new in every run, so nothing that a daemon prints can pass for a section of ours;
it ends with a closing mark, so an output that was cut short is known as such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailproof.errors import Unread
from mailproof.model import Daemon
from mailproof.settings import dovecot, postfix
from mailproof.settings.views import DovecotView, PostfixView, Readings

READ_SCRIPT = r"""#!/bin/sh
# Prints what Postfix and Dovecot say of themselves. Changes nothing. A section: "MARK begin NAME", the command's
# standard output, "MARK errors STATUS", its standard error; "MARK end" follows the last one.
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mark=$(cat /proc/sys/kernel/random/uuid) || exit 1
section() {
  name=$1
  shift
  printf '%s begin %s\n' "$mark" "$name"
  exec 3>&1
  errors=$("$@" 2>&1 >&3 3>&-)
  printf '\n%s errors %s\n%s\n' "$mark" "$?" "$errors"
}
packages() {
  dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' \
    'postfix*' 'dovecot*' 'libssl*' openssl libc6 rsyslog 2>/dev/null | sed -n 's/ installed$//p'
}
dovecot_library() {
  module=$(find /usr/lib/dovecot /usr/lib64/dovecot -name libssl_iostream_openssl.so 2>/dev/null | head -n 1)
  crypto=$(ldd "$module" | sed -n 's/.*libcrypto[^ ]* => \([^ ]*\) .*/\1/p' | head -n 1)
  grep -a -o -m 1 'OpenSSL [0-9][0-9.]*[a-z]* *[0-9]* [A-Z][a-z][a-z] [0-9]*' "$crypto"
}
printf 'mailproof reading %s\n' "$mark"
section postconf-values postconf -x
section postconf-set postconf -nx
section postconf-overrides postconf -Px
section postconf-entries postconf -M
section postconf-maps postconf -m
section postconf-library postconf -T run-version
section doveconf-set doveconf -n
section doveconf-all doveconf -a
section doveconf-services doveconf service
section dovecot-version dovecot --version
section dovecot-library dovecot_library
section packages packages
section os cat /etc/debian_version
printf '%s end\n' "$mark"
"""

_MARK = re.compile(r"^mailproof reading (\S{8,})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """What one command of the script left."""

    text: str
    errors: tuple[str, ...]
    status: int


def parse_readings(text: str, refusable: bool = False) -> Readings:
    """Values of the script's whole output.

    Raises `Unread` where a section is missing or cut short, where a command failed, or where a daemon shows nothing.
    ``refusable``: a daemon whose tool refuses the configuration is shown as such instead, without settings.
    """
    sections = _sections(text)
    refused = {each: words for each in Daemon if refusable and (words := _refusal(sections, each))}
    return Readings(
        postfix=_NO_POSTFIX if Daemon.POSTFIX in refused else _postfix(sections),
        dovecot=_NO_DOVECOT if Daemon.DOVECOT in refused else _dovecot(sections),
        packages=dict(line.split(" ", 1) for line in _text(sections, "packages").splitlines()),
        os=_text(sections, "os").strip(),
        refused=refused,
    )


_TOOLS = {Daemon.POSTFIX: "postconf", Daemon.DOVECOT: "doveconf"}
_NO_POSTFIX = PostfixView("", "", {}, {}, {}, frozenset())
_NO_DOVECOT = DovecotView("", "", {}, {}, {})


def _refusal(sections: Mapping[str, Section], daemon: Daemon) -> tuple[str, ...]:
    """What the tool says that ends with an error; nothing where it reads the configuration to its end."""
    tool = _TOOLS[daemon]
    failed = [each for name, each in sections.items() if name.startswith(f"{tool}-") and each.status]
    words = dict.fromkeys(line for each in failed for line in each.errors)
    return tuple(words) or tuple(f"{tool} ends with status {each.status} without a word" for each in failed[:1])


def _postfix(sections: Mapping[str, Section]) -> PostfixView:
    values = {
        **postfix.assignments(_text(sections, "postconf-values")),
        **postfix.assignments(_text(sections, "postconf-set")),
    }
    if "mail_version" not in values:
        raise Unread("postconf -x shows no mail_version: Postfix's settings cannot be read")
    return PostfixView(
        version=values["mail_version"],
        library=_library(_text(sections, "postconf-library")),
        values=values,
        overrides=postfix.overrides(_text(sections, "postconf-overrides")),
        entries=postfix.entries(_text(sections, "postconf-entries")),
        map_types=frozenset(_text(sections, "postconf-maps").split()),
        complaints=_complaints(sections, "postconf-"),
    )


def _dovecot(sections: Mapping[str, Section]) -> DovecotView:
    shown = [_text(sections, name) for name in ("doveconf-all", "doveconf-services")]
    if not all(text.strip() for text in shown):
        raise Unread("doveconf shows nothing: Dovecot's settings cannot be read")
    tree = dovecot.parse("\n".join(shown))
    _text(sections, "doveconf-set")
    version = re.match(r"\d+(?:\.\d+)+", _text(sections, "dovecot-version"))
    if version is None:
        raise Unread("dovecot --version states no version")
    return DovecotView(
        version=version[0],
        library=_library(_text(sections, "dovecot-library")),
        values=tree.values,
        protocols=tree.protocols,
        scopes=tree.scopes,
        hidden=tree.hidden,
        complaints=_complaints(sections, "doveconf-"),
    )


def _sections(text: str) -> dict[str, Section]:
    found = _MARK.search(text)
    if not found:
        raise Unread("the reading of the settings has no beginning: the target did not run it")
    mark = re.escape(found[1])
    if not re.search(rf"^{mark} end$", text, re.MULTILINE):
        raise Unread("the reading of the settings has no end: the target stopped while it was read")
    pattern = rf"^{mark} begin (\S+)\n(.*?)\n{mark} errors (\d+)\n(.*?)\n(?={mark} )"
    return {
        name: Section(out, tuple(line for line in errors.splitlines() if line.strip()), int(status))
        for name, out, status, errors in re.findall(pattern, text, re.MULTILINE | re.DOTALL)
    }


def _text(sections: Mapping[str, Section], name: str) -> str:
    section = sections.get(name)
    if section is None:
        raise Unread(f"the reading of the settings has no section {name}")
    if section.status != 0:
        last = section.errors[-1] if section.errors else "no message"
        raise Unread(f"reading {name} failed with status {section.status}: {last}")
    return section.text


def _complaints(sections: Mapping[str, Section], prefix: str) -> tuple[str, ...]:
    """Every line on stderr once, in order: the calls repeat each other's."""
    lines = (line for name, section in sections.items() if name.startswith(prefix) for line in section.errors)
    return tuple(dict.fromkeys(lines))


def _library(text: str) -> str:
    found = re.match(r"([A-Za-z]+SSL) (\d\S*)", text.strip())
    if not found:
        raise Unread(f"no TLS library is named in {text.strip()[:60]!r}")
    return f"{found[1]} {found[2]}"
