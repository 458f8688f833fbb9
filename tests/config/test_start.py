"""Whether the daemons start at all with their configuration."""

from __future__ import annotations

from mailproof.controls import (
    CRITICAL,
    DAEMON,
    DOVECOT,
    MUST,
    POSTFIX,
    Startup,
    broken_by,
    control,
    postfix_command,
    tolerates,
)


@control(
    "CFG-4", MUST, postfix_command("start"),
    "Start the Postfix mail system. This also runs the configuration check described above.",
    on=(DAEMON,), severity=CRITICAL, stopped=True,
    expects="the daemon starts on this release, and each service that it declares answers",
    remedy="correct the line that the daemon names; where the release has other words for it, use those",
)  # fmt: skip
@broken_by("never-rendered", pasted="{% if tls %}", dovecot={"ssl": "{{ tls }}"}, refused=(POSTFIX, DOVECOT))
@broken_by("neither-yes-nor-no", services={"submission:587": {"smtpd_tls_ask_ccert": "maybe"}},
           dovecot={"auth_verbose": "maybe"}, refused=(POSTFIX, DOVECOT))  # fmt: skip
@tolerates("a-remark", pasted="# {{ who may relay }}", dovecot={"verbose_proctitle": "yes"})
def test_starts_on_this_release(startup: Startup) -> None:
    """What a release refuses is found out when the host is upgraded, by those who get no mail."""
    refusals = startup.refusals
    assert not refusals, "; ".join(refusals)
