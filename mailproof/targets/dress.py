"""What a specimen puts on: profile settings in its release's own words, as one shell script. Pure.

The script starts from the packages' pristine files each time, so a specimen is never dressed on top of an older dress,
and what it writes is what Postfix's own `postconf` and Dovecot's own local.conf take: no template of a whole file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from shlex import quote

from mailproof.model import Daemon, Service, Settings, Step

HOME = "/etc/mailproof"
PRISTINE = f"{HOME}/pristine"
FLAWED = f"{HOME}/flawed"
"""Other versions of the specimen's own files, to be put in the place of those."""
OPENSSL = "/etc/ssl/openssl.cnf"
LOSSES = "/etc/rsyslog.d/00-mailproof.conf"
STALE = f"{HOME}/stale"
"""The configuration that daemons run with who have not been told of a change."""
SAID = f"{HOME}/said"
"""What pasted commands said (LINE.out) and their exit status (LINE.status)."""


@dataclass(frozen=True, slots=True)
class Dress:
    """Native settings of both daemons: ``entries`` are rows to add to master.cf, ``overrides`` their own settings,
    ``dovecot_base`` native text put before,
    ``removed`` entries of master.cf that are taken out,
    ``emptied`` packaged files that are emptied, ``steps`` what a reader pastes on top of it all, over ``material``
    (path -> files of ours that are put there), ``pasted`` text for main.cf as it stands, after everything else;
    ``swapped`` files of ours and the flawed ones in their place, ``openssl`` defaults of the library for every program,
    ``lost`` the beginning of a syslog tag and the lines that are lost of it (POSIX extended regular expression)."""

    postfix: Settings
    dovecot: Settings
    entries: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Settings] = field(default_factory=dict)
    dovecot_base: str = ""
    removed: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    material: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    pasted: str = ""
    swapped: Mapping[str, str] = field(default_factory=dict)
    openssl: Settings = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)


def script(dress: Dress) -> str:
    """The script that dresses a stopped specimen; it exits non-zero when one of its steps fails."""
    parts = [
        _pristine(),
        _flawed(dress),
        _postfix(dress),
        _dovecot(dress),
        _material(dress),
        _steps(dress),
        _overridden(dress),
    ]
    return "\n".join(["#!/bin/sh", "set -eu", *chain.from_iterable(parts), _COLD, ""])


def entries(services: Iterable[Service]) -> dict[str, str]:
    """master.cf rows for the smtpd services that a release does not declare itself; ``@CHROOT@`` is its own habit."""
    return {
        service.entry: f"{service.entry.partition('/')[0]} inet n - @CHROOT@ - - smtpd"
        for service in services
        if service.entry.endswith("/inet") and service.entry != "smtp/inet"
    }


def restart(
    touched: Collection[Daemon], down: Collection[Daemon] = (), stale: bool = False, log: bool = False,
    refused: Collection[Daemon] = (),
) -> str:  # fmt: skip
    """Stop, dress anew, start: deterministic where a reload is not (the old process may still answer after one), and no
    slower. What is ``down`` stays so; ``stale`` daemons run with a copy of what they are dressed in now; ``log``: the
    log's own daemon starts anew as well, before those that write to it; ``refused``: they need not start."""
    begun = [daemon for daemon in (Daemon.DOVECOT, Daemon.POSTFIX) if daemon in touched and daemon not in down]
    dressed = [f"{HOME}/dress", *([_KEEP_STALE] if stale else []), *([_RESTART_LOG] if log else [])]
    return "; ".join(
        [
            *(_STOP[each] for each in touched),
            " && ".join([*dressed, *(_start(one, stale, one in refused) for one in begun)]),
        ]
    )


def _start(daemon: Daemon, stale: bool, refused: bool) -> str:
    if refused:
        return f"{{ {_start(daemon, stale, refused=False)} || true; }}"
    if daemon is Daemon.POSTFIX:
        other = f" -c {STALE}/postfix" if stale else ""
        return f"/usr/lib/postfix/sbin/master{other} -w </dev/null >/run/mailproof-postfix.out 2>&1"
    other = f" -c {STALE}/dovecot/dovecot.conf" if stale else ""
    return f"dovecot{other} </dev/null >/run/mailproof-dovecot.out 2>&1"


# postfix(1) stops nothing where it cannot read master.cf: the master is told by its number, lest an old one answer.
_STOP_POSTFIX = "postfix stop 2>/dev/null || true; while kill $(pidof master) 2>/dev/null; do sleep 0.02; done"
# An old auth process would go on answering the smtpd processes that are connected to it.
_STOP_DOVECOT = (
    "dovecot stop 2>/dev/null || true; while pidof dovecot >/dev/null; do sleep 0.02; done; "
    "while kill $(pidof auth) 2>/dev/null; do sleep 0.02; done"
)
_RESTART_LOG = "{ while kill $(pidof rsyslogd) 2>/dev/null; do sleep 0.02; done; rsyslogd </dev/null >/dev/null 2>&1; }"
_KEEP_STALE = f"rm -rf {STALE} && mkdir -p {STALE} && cp -a /etc/postfix /etc/dovecot {STALE}/"
_STOP = {Daemon.POSTFIX: _STOP_POSTFIX, Daemon.DOVECOT: _STOP_DOVECOT}
# Every Postfix process waits until main.cf is two seconds old, lest it read a file that is still being written.
_COLD = "touch -d '1 minute ago' /etc/postfix/main.cf /etc/postfix/master.cf"


# A command that has a nearest one makes files out of nothing, and some take their time over it (primes): what it made
# the first time is put back from then on.
_PASTED = f"""pasted() {{
  kept={HOME}/kept/$1
  if [ -d "$kept" ]; then cp -a "$kept/made/." /; cp "$kept"/$1.* {SAID}/; return 0; fi
  find /etc/ -type f ! -path "{HOME}/*" | sort >{SAID}/before
  status=0; sh -c "$2" >{SAID}/$1.out 2>&1 </dev/null || status=$?
  echo $status >{SAID}/$1.status
  [ -n "$3" ] || return 0
  [ $status -eq 0 ] || sh -c "$3" >{SAID}/$1.nearest 2>&1 </dev/null || true
  mkdir -p "$kept/made"; cp {SAID}/$1.* "$kept/"
  find /etc/ -type f ! -path "{HOME}/*" | sort | comm -13 {SAID}/before - |
    tar -C / -cf - -T - 2>/dev/null | tar -C "$kept/made" -xf -
}}"""


def _pristine() -> list[str]:
    return [
        f"[ -d {PRISTINE} ] || {{ mkdir -p {PRISTINE}",
        f"cp -a /etc/postfix /etc/dovecot {HOME}/files {OPENSSL} {PRISTINE}/; }}",
        f"for d in postfix dovecot mailproof/files; do rm -rf /etc/$d; cp -a {PRISTINE}/${{d#*/}} /etc/$d; done",
        f"cp -a {PRISTINE}/openssl.cnf {OPENSSL}; rm -f {LOSSES}",
    ]


def _flawed(dress: Dress) -> list[str]:
    lines = [f"cp {FLAWED}/{flawed} {HOME}/files/{own}" for own, flawed in dress.swapped.items()]
    if dress.openssl:
        lines += [
            _SECTIONS,
            _appended(OPENSSL, "\n".join(f"{name} = {value}" for name, value in dress.openssl.items())),
        ]
    rules = [f"if $syslogtag startswith '{tag}' and re_match($msg, '{lines}') then stop"
             for tag, lines in dress.lost.items()]  # fmt: skip
    return [*lines, *([_appended(LOSSES, "\n".join(rules))] if rules else [])]


# The sections have Debian 11's names, and go on where a file has them already.
_SECTIONS = f"""section=$(sed -n 's/^openssl_conf *= *//p' {OPENSSL} | tail -n 1)
printf '\\n[%s]\\nssl_conf = ssl_sect\\n[ssl_sect]\\nsystem_default = system_default_sect\\n' "$section" >>{OPENSSL}
echo '[system_default_sect]' >>{OPENSSL}"""


def _postfix(dress: Dress) -> list[str]:
    lines = ["chroot=$(postconf -F -h smtp/inet/chroot)"] if dress.entries else []
    for entry, row in dress.entries.items():
        options = "".join(f" -o {{ {name} = {value} }}" for name, value in dress.overrides.get(entry, {}).items())
        before, after = f"{entry}={row}{options}".split("@CHROOT@")
        lines.append(f'postconf -M {quote(before)}"$chroot"{quote(after)}')
    assignments = [f"{name} = {value}" for name, value in dress.postfix.items()]
    if assignments:
        lines.append(f"postconf -e {_words(assignments)}")
    return lines


def _overridden(dress: Dress) -> list[str]:
    """What comes last: overrides of services that are declared elsewhere, entries taken out, text as it stands."""
    lines = []
    for entry in sorted(dress.overrides.keys() - dress.entries.keys()):
        lines += [f"postconf -P {quote(f'{entry}/{name}={value}')}" for name, value in dress.overrides[entry].items()]
    lines += [f"postconf -MX {quote(entry)}" for entry in dress.removed]
    if dress.pasted:
        lines.append(_appended("/etc/postfix/main.cf", dress.pasted))
    return lines


def _material(dress: Dress) -> list[str]:
    return [
        f"mkdir -p {quote(str(Path(path).parent))}; cat {_words(files)} >{quote(path)}; chmod 600 {quote(path)}"
        for path, files in dress.material.items()
    ]


def _steps(dress: Dress) -> list[str]:
    """Each command in a shell of its own, as pasted; what it says and its status are kept for whoever asks."""
    if not dress.steps:
        return []
    return [f"rm -rf {SAID}; mkdir -p {SAID}", _PASTED, *map(_step, dress.steps)]


def _step(step: Step) -> str:
    if step.text:
        made = [f"mkdir -p {quote(str(Path(step.file).parent))}", _appended(step.file, step.text)]
        return "; ".join([*made, *(_filled(step.file, kind) for kind in ("md5", "sha256"))])
    return f"pasted {_words((step.line, step.run, step.nearest))}"


def _filled(path: str, digest: str) -> str:
    """The reader puts his own client's fingerprint where the article has one."""
    found = f"openssl x509 -noout -fingerprint -{digest} -in {HOME}/files/listed.pem | cut -d= -f2"
    return f'sed -i "s/@{digest.upper()}@/$({found})/g" {quote(path)}'


def _appended(path: str, text: str) -> str:
    return f"printf '%s\\n' {quote(text)} >>{quote(path)}"


def _dovecot(dress: Dress) -> list[str]:
    text = "\n".join([dress.dovecot_base, *(f"{name} = {value}" for name, value in dress.dovecot.items()), ""])
    return [
        *(f": >{quote(path)}" for path in dress.emptied),
        f"cat >/etc/dovecot/local.conf <<'MAILPROOF'\n{text}MAILPROOF",
    ]


def _words(words: Iterable[str]) -> str:
    return " ".join(quote(word) for word in words)
