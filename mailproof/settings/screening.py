"""Behind which master.cf rows do a service's settings really live? Data, and the rules that apply it. Pure.

postscreen(8) hands the clients that it knows to ``smtpd/pass``; with others it speaks itself, and tlsproxy(8) does
their TLS. So what is asked of a port behind it must hold at each of these places, under the name that it has there.
Where these names are not set they mean ``$smtpd_…`` (postconf(5)), so a ``-o smtpd_…`` at such a row rules there too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

SCREEN = "postscreen"
"""The command of a master.cf row that screens what comes in."""

BEHIND = {"smtpd_service_name": "pass", "tlsproxy_service_name": "unix"}
"""The parameters of postscreen that name the rows behind it, and the types of these rows."""

_OWN = "postscreen_"
_TLSPROXY = {"smtpd_tls_": "tlsproxy_tls_", "smtpd_use_tls": "tlsproxy_use_tls",
             "smtpd_enforce_tls": "tlsproxy_enforce_tls", "tls_": "tls_"}  # fmt: skip
_SCREEN = {
    "smtpd_tls_security_level": "postscreen_tls_security_level",
    "smtpd_use_tls": "postscreen_use_tls",
    "smtpd_enforce_tls": "postscreen_enforce_tls",
    "smtpd_banner": "smtpd_banner",
    "myhostname": "myhostname",
}


class Place(NamedTuple):
    """Where a setting stands (``service/type``), and what it is called there."""

    entry: str
    name: str


def places(screen: str, smtpd: str, tlsproxy: str, name: str) -> Iterator[Place]:
    """Every place that has a say in the setting ``name`` of a service: that of smtpd first, its fellows only where they
    have the setting at all. What is postscreen's own stands at its own row."""
    if name.startswith(_OWN):
        yield Place(screen, name)
        return
    yield Place(smtpd, name)
    if name in _SCREEN:
        yield Place(screen, _SCREEN[name])
    for prefix, own in _TLSPROXY.items():
        if name.startswith(prefix):
            yield Place(tlsproxy, own + name.removeprefix(prefix))
