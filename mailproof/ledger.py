"""Outcomes and observations → evidence. Pure, but for the transcripts that it hands to a writer.

What is judged is narrow (DESIGN §1.2): an ``assert`` whose raising frame is the control's own function, in the call
phase. Everything else that goes wrong, wherever it is raised, means that we could not judge.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import CodeType, TracebackType

from mailproof.model import Observation, Result, Verdict

SHOWN = 12
"""Observations that a row quotes; the transcript has all of them."""


@dataclass(slots=True)
class Recorder:
    """Collects what the capabilities observe during one case, so that no check can forget to."""

    observations: list[Observation] = field(default_factory=list)
    effects: tuple[str, ...] = ()

    def note(self, what: str, shown: str, raw: str = "") -> None:
        """Keep one observation; ``raw`` must be redacted already."""
        self.observations.append(Observation(what, shown, raw))

    def observed(self) -> str:
        """The last things seen, one to a line."""
        return "\n".join(f"{each.what}: {each.shown}" for each in self.observations[-SHOWN:])

    def transcript(self) -> str:
        """All that was seen, with its raw material."""
        return "".join(f"== {each.what}\n{each.raw.rstrip() or each.shown}\n" for each in self.observations)


@dataclass(frozen=True, slots=True)
class Phase:
    """The end of one phase (setup, call, teardown) of one case: what it says about the verdict. JSON primitives.

    ``broken`` is true where a fault is in force under which the control must fail, ``swept`` where any verdict will do.
    ``worn`` are the seconds that a change of what the target wears took before it.
    """

    node: str
    when: str
    verdict: str
    message: str = ""
    reason: str = ""
    observed: str = ""
    transcript: str | None = None
    started: str = ""
    seconds: float = 0.0
    broken: bool = False
    effects: list[str] = field(default_factory=list)
    swept: bool = False
    worn: float = 0.0


def verdict_of(when: str, problem: BaseException | None, check: CodeType) -> Verdict:
    """What an exception at the end of a phase means: `fail` only where the control's own assert raised it."""
    if problem is None:
        return Verdict.PASS
    return Verdict.FAIL if when == "call" and judged(problem, check) else Verdict.ERROR


def judged(problem: BaseException, check: CodeType) -> bool:
    """True where the exception is an AssertionError of an ``assert`` statement in the check itself."""
    frame = _raising(problem.__traceback__)
    return type(problem) is AssertionError and frame is not None and frame.tb_frame.f_code is check


def merge(row: Result, phases: Iterable[Phase]) -> Result:
    """The row of a case from its phases: the worst verdict wins, also of two reports of one phase, and a phase that
    never reported is an error."""
    by_name = {phase.when: phase for phase in sorted(phases, key=lambda phase: _BEST_FIRST.index(phase.verdict))}
    missing = [name for name in ("setup", "call", "teardown") if name not in by_name]
    failed = [phase for phase in by_name.values() if phase.verdict == Verdict.ERROR]
    call = by_name.get("call")
    if failed:
        worst = failed[0]
        return _row(replace(row, verdict=Verdict.ERROR, reason=worst.reason), worst, call)
    if call is None or missing:
        return replace(row, reason=f"no report of the {' and '.join(missing) or 'call'} phase arrived")
    return _row(replace(row, verdict=call.verdict, reason=""), call, call)


def prove(dressed: Result | None, broken: Result, restored: Result | None) -> Result:
    """What a mutation's row proves, from what the control said before it (None: left out by the caller), under it, and
    after the restoration.

    ``raw_verdict`` keeps what the control said. A crash proves nothing, nor does a server that did not recover, a
    control that had failed already, or one that turns red without a word on what it saw.
    """
    if dressed is not None and dressed.raw_verdict == Verdict.FAIL:
        return replace(broken, verdict=Verdict.NOT_CHECKED, reason=_FAILED_ALREADY)
    if dressed is not None and dressed.raw_verdict != Verdict.PASS:
        return replace(broken, verdict=Verdict.ERROR, reason=f"as the profile is worn: {dressed.reason}")
    if broken.raw_verdict == Verdict.ERROR:
        return replace(broken, verdict=Verdict.ERROR, reason=f"under the mutation: {broken.reason}")
    if restored is None or restored.raw_verdict != Verdict.PASS:
        why = restored.message or restored.reason if restored else "it was not asked again"
        return replace(broken, verdict=Verdict.ERROR, reason=f"the control did not hold again after restoring: {why}")
    verdict, reason = _proved(broken)
    return replace(broken, verdict=verdict, reason=reason)


def _proved(broken: Result) -> tuple[Verdict, str]:
    red = broken.raw_verdict == Verdict.FAIL
    if broken.innocent:
        return (Verdict.FALSE_ALARM, "") if red else (Verdict.PROVEN, "")
    if not red:
        return Verdict.BLIND, _BLIND
    if broken.message.endswith(_WORDLESS) or not broken.observed:
        return Verdict.ERROR, _SILENT
    return Verdict.PROVEN, ""


def fingerprint(text: str) -> str:
    """The name of a transcript: SHA-256 over its UTF-8 bytes, hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def sentence(problem: BaseException) -> str:
    """An exception as one sentence that names its kind; of a failed assert its own message, where it has one."""
    own, _, _ = str(problem).partition("\nassert ")
    text = " ".join(own.split()) or _WORDLESS
    return f"{type(problem).__name__}: {text}"


def completeness(planned: Mapping[str, object], gaps: Iterable[Result], reported: Iterable[str]) -> dict[str, object]:
    """Planned = run + not-applicable + not-checked, run = reported: and whatever is missing, by name."""
    rows = list(gaps)
    missing = sorted(set(planned) - set(reported))
    return {
        "planned": len(planned) + len(rows), "run": len(planned), "reported": len(planned) - len(missing),
        "not_applicable": sum(row.verdict == Verdict.NOT_APPLICABLE for row in rows),
        "not_checked": sum(row.verdict == Verdict.NOT_CHECKED for row in rows),
        "missing": missing, "holds": not missing,
    }  # fmt: skip


_BEST_FIRST = (Verdict.PASS, Verdict.FAIL, Verdict.ERROR)
_BLIND = "the control stayed green although the mutation was in force"
_FAILED_ALREADY = "it fails as the profile is worn: there is nothing to break"
_SILENT = "the control turned red without saying what it expected and what it saw"
_WORDLESS = "no further words"


def _row(row: Result, said: Phase, call: Phase | None) -> Result:
    shown = call or said
    return replace(
        row, verdict=str(row.verdict), raw_verdict=said.verdict, message=said.message, observed=shown.observed,
        transcript=shown.transcript, started=said.started, seconds=round(shown.seconds, 4), effects=shown.effects,
    )  # fmt: skip


def _raising(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback
