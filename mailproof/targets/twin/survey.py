"""What a container with a user's files in it shows before any daemon runs: settings, files, users, and the texts."""

from __future__ import annotations

import base64
import io
import secrets
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from mailproof.errors import Unread
from mailproof.settings import READ_SCRIPT, Readings, parse_readings
from mailproof.targets.inside import Inside

HELD = "/run/mailproof-held"
"""The file that says that the container is ready to be looked at."""
_SCRIPT = """while [ ! -e @HELD@ ]; do sleep 0.01; done
find /etc /usr/lib/dovecot /usr/share/dovecot /var/lib/dovecot -xtype f 2>/dev/null
echo @MARK@; getent passwd | cut -d: -f1
echo @MARK@; getent group | cut -d: -f1
echo @MARK@; tar -C / -chf - etc/postfix etc/dovecot | base64
echo @MARK@
"""


@dataclass(frozen=True, slots=True)
class Survey:
    """``texts``: absolute path -> text of all below /etc/postfix and /etc/dovecot; ``paths``: files that exist."""

    readings: Readings
    paths: frozenset[str]
    users: frozenset[str]
    groups: frozenset[str]
    texts: Mapping[str, str]


def survey(inside: Inside) -> Survey:
    """Look at a container that is held. Raises `Unread` where it shows too little, `TimedOut`, `Unreachable`."""
    mark = secrets.token_hex(8)
    seen = inside.run(_SCRIPT.replace("@HELD@", HELD).replace("@MARK@", mark) + READ_SCRIPT).text
    parts = seen.split(f"{mark}\n")
    if len(parts) != 5:
        raise Unread(f"{inside.name} does not show its files: {seen[-200:]}")
    paths, users, groups, packed, reading = parts
    return Survey(parse_readings(reading, refusable=True), frozenset(paths.splitlines()), frozenset(users.split()),
                  frozenset(groups.split()), _texts(packed))  # fmt: skip


def _texts(packed: str) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed))) as archive:
        files = {f"/{member.name}": archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read().decode("utf-8", "surrogateescape") for name, file in files.items() if file}
