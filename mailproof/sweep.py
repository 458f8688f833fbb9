"""Faults under which every control is asked (``--prove=matrix``): all controls' own, and those that befall a whole
target. Reads the controls from their modules; pure beside that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from mailproof.catalogue import ROOMS
from mailproof.controls import control_of
from mailproof.errors import Unusable
from mailproof.model import Control, Daemon, Mutation
from mailproof.plan import Fault, Proof, Subject, plan

_OPEN = {"smtpd_tls_security_level": "none", "smtpd_tls_wrappermode": "no", "smtpd_tls_auth_only": "no"}
_PORTS = ("submission:587", "submissions:465", "relay:2525")
GENERIC = (
    Mutation("postfix-is-down", down=(Daemon.POSTFIX,)),
    Mutation("dovecot-is-down", down=(Daemon.DOVECOT,)),
    Mutation("plaintext-only", postfix=_OPEN, services=dict.fromkeys(_PORTS, _OPEN),
             dovecot={"ssl": "no", "auth_allow_cleartext": "yes"}),
    Mutation("starttls-is-stripped", middlebox="stripping"),
    Mutation("tls-is-terminated-in-front", middlebox="terminating"),
    Mutation("old-processes-answer", stale=True,
             postfix={"smtpd_tls_protocols": ">=TLSv1", "smtpd_tls_mandatory_protocols": ">=TLSv1",
                      "smtpd_tls_exclude_ciphers": "", "smtpd_tls_mandatory_exclude_ciphers": "",
                      "smtpd_tls_mandatory_ciphers": "medium", "smtpd_tls_loglevel": "0"},
             dovecot={"ssl_min_protocol": "TLSv1", "ssl_cipher_list": "ALL",
                      "login_log_format_elements": "rip=%{remote_ip}"}),
    Mutation("login-socket-is-gone", absent=("/var/spool/postfix/private/auth",)),
    Mutation("log-is-lost", lost={Daemon.POSTFIX: ".", Daemon.DOVECOT: "."}),
)  # fmt: skip
"""What befalls a whole target. None is any control's own, and none may go unseen."""


def faults(controls: Iterable[Control], subject: Subject) -> tuple[Fault, ...]:
    """Every fault of a subject, what puts on the same only once: those that befall it whole, then those of controls."""
    found: dict[str, Fault] = {}
    carried = [(control, mutation) for control in controls for mutation in _carried(control, subject)]
    for control, mutation in carried:
        named = replace(mutation.worn, name=f"{control.id}.{mutation.name}")
        known = found.setdefault(repr(mutation.worn), Fault(named))
        found[repr(mutation.worn)] = replace(known, of=tuple(dict.fromkeys((*known.of, control.id))))
    return (*map(Fault, GENERIC), *found.values())


def faults_by_specimen(controls: Iterable[Control], subjects: Iterable[Subject]) -> dict[str, tuple[Fault, ...]]:
    """The faults of each subject, by the specimen that shows it."""
    known = tuple(controls)
    return {subject.specimen: faults(known, subject) for subject in subjects if not subject.refused}


@cache
def controls_in(tests: Path) -> tuple[tuple[str, Control], ...]:
    """Every control with its room, in the order of the files; raises `Unusable` for a module that can't be loaded."""
    paths = [(room, path) for room in ROOMS for path in sorted((tests / room).glob("test_*.py"))]
    return tuple((room, each) for room, path in paths for each in map(control_of, _names(path)) if each)


def _carried(control: Control, subject: Subject) -> list[Mutation]:
    """The mutations that prove something on the subject by what is worn, and by nothing that is required instead."""
    cases, _ = plan(control, [subject], Proof.FULL)
    mutations = [case.mutation for case in cases if case.mutation and not case.restored and not case.innocent]
    unique = [mutation for place, mutation in enumerate(mutations) if mutation not in mutations[:place]]
    return [mutation for mutation in unique if not mutation.parameters]


def _names(path: Path) -> list[object]:
    spec = spec_from_file_location(f"mailproof_swept_{path.parent.name}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Unusable(f"{path}: cannot be loaded")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(vars(module).values())
