"""Controls × subjects × services → the cases to run, and the rows that need none, each with its reason. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from mailproof.model import Control, Daemon, Level, Mutation, Result, Role, Service, Verdict
from mailproof.profile import Profile

RESTORED = "restored"


class Proof(StrEnum):
    """What ``--prove`` shows: each control under each of its own mutations, under the first of them, or every control
    under the mutations of all."""

    NONE = ""
    FULL = "full"
    QUICK = "quick"
    MATRIX = "matrix"


FIRST = ("", "", False)
"""The `schedule` of what is no case."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A target under a profile. ``specimen`` is the key of the container that shows it: several subjects may share one.

    ``certificates`` are the key types that it serves, ``kinds`` those of single services, ``features`` what its
    configuration uses. ``refused`` says why the target cannot wear the profile: then it runs as packaged, and only what
    judges versions is asked of it. ``unchecked``: what cannot be asked, and why: of a daemon (``postfix``), of a
    service (``smtp:25``), of a daemon what needs something (``postfix certificate``), or of a control, at a role
    or in a variant (``OPEN-1``, ``OPEN-1 submission``, ``REL-8-renewed-tls-1.3``).
    """

    target: str
    profile: Profile
    specimen: str
    services: tuple[Service, ...]
    certificates: tuple[str, ...]
    features: frozenset[str] = frozenset()
    refused: str = ""
    kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unchecked: Mapping[str, str] = field(default_factory=dict)

    def shown(self, service: Service) -> tuple[str, ...]:
        """The key types of a service's certificates."""
        return self.kinds.get(str(service), self.certificates)

    @property
    def name(self) -> str:
        """The first two segments of a case id: ``debian-13/pfs``."""
        return f"{self.target}/{self.profile.name}"


@dataclass(frozen=True, slots=True)
class Case:
    """One control asked of one service, in one variant, dressed or broken by one mutation. ``swept``: the mutation is
    not the control's own but one that every control is asked under."""

    control: Control
    subject: Subject
    service: Service
    level: Level
    variant: str = ""
    mutation: Mutation | None = None
    restored: bool = False
    swept: bool = False

    def __str__(self) -> str:
        """The id between the brackets of the node id (DESIGN §2): unique, stable, usable with ``-k``."""
        return f"{self.base}+{RESTORED}" if self.restored else self.base

    @property
    def base(self) -> str:
        """The id that a broken case and its check after the restoration have in common."""
        variant = f"-{self.variant}" if self.variant else ""
        mutation = f"+{self.mutation.name}" if self.mutation else ""
        return f"{self.subject.name}/{self.service}{variant}{mutation}"

    @property
    def innocent(self) -> bool:
        """True where the mutation is a different right way, under which the control must hold."""
        return self.mutation is not None and self.mutation in self.control.innocents

    @property
    def dressed(self) -> Case:
        """The case as it is before it is broken."""
        return replace(self, mutation=None, restored=False, swept=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """A mutation under which every control is asked. ``of`` are the controls that carry it; none: it befalls the whole
    target."""

    mutation: Mutation
    of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """A case that is not run, and why."""

    case: Case
    verdict: Verdict
    reason: str


def plan(
    control: Control, subjects: Iterable[Subject], prove: Proof = Proof.NONE,
    sweeps: Mapping[str, Iterable[Fault]] | None = None,
) -> tuple[list[Case], list[Gap]]:  # fmt: skip
    """Every case of a control over all subjects, in the order of the subjects, and its gaps.

    What is proved is proved once on each target: under the first profile that asks for it there. ``sweeps`` are the
    faults, by specimen, under which every control is asked: by its own in all variants, by others in the first.
    """
    cases: list[Case] = []
    gaps: list[Gap] = []
    shown: set[tuple[str, ...]] = set()
    for subject in subjects:
        for case in _asked(control, subject):
            verdict, reason = _unasked(case)
            if reason:
                gaps.append(Gap(case, verdict, reason))
                continue
            proofs = _shown(case, prove, shown)
            cases += [case, *proofs] if proofs or prove is not Proof.QUICK else []
            cases += _swept(case, (sweeps or {}).get(subject.specimen, ()))
    return cases, gaps


def schedule(case: Case) -> tuple[str, str, bool]:
    """The sort key by which each specimen, and on it each mutation, is visited once: dressed, broken, restored.
    Mutations that put on the same are one."""
    mutation = repr(sorted(asdict(case.mutation.worn).items())) if case.mutation else ""
    return case.subject.specimen, mutation, case.restored


def skeleton(case: Case, node: str) -> Result:
    """The row of a case before anything is known about it: an error, until a report says otherwise."""
    control = case.control
    return Result(
        control=control.id, node=node, title=control.title, level=case.level.value, severity=control.severity.value,
        sources=[{"document": control.source.document, "section": control.source.section,
                  "quote": control.source.quote}],
        target=case.subject.target, profile=case.subject.profile.name, service=str(case.service),
        role=case.service.role.value, mutation=case.mutation.name if case.mutation else None,
        verdict=Verdict.ERROR.value, raw_verdict=Verdict.ERROR.value, reason="no report of this case arrived",
        expected=control.expects, observed="", message="", remediation=control.remedy, transcript=None, started="",
        seconds=0.0, innocent=case.innocent,
    )  # fmt: skip


def gap_row(gap: Gap, node: str) -> Result:
    """The row of a case that is not run."""
    return replace(
        skeleton(gap.case, node), verdict=gap.verdict.value, raw_verdict=gap.verdict.value, reason=gap.reason
    )


def _asked(control: Control, subject: Subject) -> Iterator[Case]:
    levels = subject.profile.requires.get(control.id, {})
    for service in _services(subject):
        level = levels.get(service.role)
        if level is None or service.daemon not in control.daemons:
            continue
        for variant in _variants(control, subject, service):
            yield Case(control, subject, service, level, variant)


def _services(subject: Subject) -> list[Service]:
    """What the subject declares, then what the profile expects and the subject doesn't declare."""
    declared = {str(service) for service in subject.services}
    return [*subject.services, *(wanted for wanted in subject.profile.services if str(wanted) not in declared)]


def _variants(control: Control, subject: Subject, service: Service) -> tuple[str, ...]:
    if control.per_line:
        pasted = [step for step in subject.profile.steps if step.daemon is service.daemon]
        return tuple(step.line for step in pasted if step.line.startswith(control.per_line))
    if control.per_certificate:
        return tuple(key.partition("-")[0] for key in subject.shown(service))
    return control.variants or ("",)


def _inapplicable(case: Case) -> str:
    control, subject = case.control, case.subject
    if case.service not in subject.services:
        return f"{subject.target} declares no service {case.service}"
    if control.certificate and not any(key.startswith(control.certificate) for key in subject.shown(case.service)):
        return f"{subject.target} shows no {control.certificate.upper()} certificate there"
    if control.security and case.service.security is not control.security:
        return f"TLS begins with the first byte of {case.service}"
    if control.feature and control.feature not in subject.features:
        return f"the configuration of {subject.target} uses no {control.feature}"
    return ""


def _unasked(case: Case) -> tuple[Verdict, str]:
    control, unchecked = case.control, case.subject.unchecked
    daemon = str(case.service.daemon)
    if not control.stopped and daemon in unchecked:
        return Verdict.NOT_CHECKED, unchecked[daemon]
    reason = _inapplicable(case)
    if reason or "versions" in control.parameters:
        return Verdict.NOT_APPLICABLE, reason
    whole = (control.id, f"{control.id} {case.service.role}", f"{control.id}-{case.variant}")
    needs = (str(case.service), *(f"{daemon} {need}" for need in _needs(control)), *whole)
    found = "" if control.stopped else next((unchecked[need] for need in needs if need in unchecked), "")
    return Verdict.NOT_CHECKED, found or case.subject.refused


def _needs(control: Control) -> tuple[str, ...]:
    """What a control needs of its target, in the words of `Subject.unchecked`."""
    certificate = ("certificate",) if control.per_certificate else ()
    return (*certificate, *((control.feature,) if control.feature else ()), *control.parameters)


def _shown(case: Case, prove: Proof, shown: set[tuple[str, ...]]) -> list[Case]:
    """What proves the case, unless that is ``shown`` already; in a hurry, one mutation at one service of a daemon."""
    if case.subject.refused or prove not in (Proof.FULL, Proof.QUICK):
        return []
    quick = prove is Proof.QUICK
    where = (case.service.daemon.value,) if quick else (str(case.service), case.variant)
    place = (case.subject.target, *where)
    if place in shown:
        return []
    found = list(_proofs(case))
    if found:
        shown.add(place)
    return found[:2] if quick else found


def _swept(case: Case, faults: Iterable[Fault]) -> list[Case]:
    first = case.variant == _variants(case.control, case.subject, case.service)[0]
    under = [each.mutation for each in faults if first or case.control.id in each.of]
    return [replace(case, mutation=mutation, swept=True) for mutation in under]


def _proofs(case: Case) -> Iterator[Case]:
    for mutation in (*case.control.mutations, *case.control.innocents):
        if _concerns(mutation, case):
            broken = replace(case, mutation=mutation)
            yield broken
            yield replace(broken, restored=True)


def _concerns(mutation: Mutation, case: Case) -> bool:
    """A mutation proves something only where it acts: on its daemons, its services and its variants."""
    if case.service.daemon not in mutation.concerns:
        return False
    if mutation.variants and case.variant not in mutation.variants:
        return False
    everywhere = replace(mutation, services={}, dovecot={}).worn != Mutation("") or not mutation.services
    if everywhere or case.service.daemon is Daemon.DOVECOT or case.service.role is Role.DAEMON:
        return True
    return str(case.service) in mutation.services
