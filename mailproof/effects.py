"""What a pasted line does: facts of a server without it, facts with it, and what the tools said → its effects. Pure.

A fact is a good property of a service, put so that more is better: something that it serves, refuses, prefers or logs.
So nobody has to say beforehand what a line should do: what it gains is what it is for, what it loses is its harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

Facts = Mapping[str, int | None]
"""Property -> a number that is better when it is greater (1 and 0: it holds, or not); None where nobody can tell, which
is never a gain, and a loss of what held before. A service that is dead has none but that it is."""


class Effect(StrEnum):
    """What a line does. Several may hold. *Elsewhere* is under settings that the line presupposes and the packaged host
    does not have."""

    WORKS = "works"
    WORKS_ELSEWHERE = "works elsewhere"
    NOTHING = "does nothing"
    DEPRECATED = "deprecated"
    REFUSED = "refused"
    HARMFUL = "harmful"
    HARMFUL_ELSEWHERE = "harmful elsewhere"


_COMPLAINT = re.compile(r"(?:\b(?:warning|error|fatal|Warning|Error|Fatal): |^Invalid command ).*")
_SAYS = {
    Effect.DEPRECATED: re.compile(r"will be removed|deprecated|Obsolete setting|no longer supported"),
    Effect.REFUSED: re.compile(
        r"unused parameter|Unknown setting|unknown smtpd restriction|Invalid command|Invalid TLS protocol list"
        r"|bad field count|invalid unprivileged field|unsupported TLS level|Could not find a minimum|disabling TLS"
        r"|Failed to expand|Can't require client certs unless|Unknown ssl_min_protocol|Failed to initialize SSL"
        r"|open database|cannot load|error opening|error decoding|error configuring|ignoring unknown|not found"
    ),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """A server without the line and with it, in one ``context`` (by itself, in the whole); ``said`` is what tools and
    daemons have to say with the line and had not without. ``elsewhere``: under settings that the packaged host has not.
    """

    context: str
    before: Facts
    after: Facts
    said: tuple[str, ...] = ()
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The effects of a line, and what they were seen by: one sentence for each thing that changed, or was said."""

    effects: tuple[Effect, ...]
    seen: tuple[str, ...] = ()

    @property
    def as_promised(self) -> bool:
        """True where the line works on the packaged host, and has no other effect."""
        return Effect.WORKS in self.effects and set(self.effects) <= {Effect.WORKS, Effect.WORKS_ELSEWHERE}

    def __str__(self) -> str:
        return "; ".join([", ".join(self.effects), *self.seen])


def finding(trials: Iterable[Trial], refused: str = "") -> Finding:
    """What the trials of a line amount to; ``refused`` is how the pasted command failed, "" where it did not."""
    seen: dict[str, Effect] = {f"the command fails: {refused}": Effect.REFUSED} if refused else {}
    for trial in trials:
        seen |= {f"{trial.context}: {what}": effect for what, effect in _changes(trial)}
        seen |= {said: effect for said in trial.said for effect, words in _SAYS.items() if words.search(said)}
    found = set(seen.values())
    if not found & {Effect.WORKS, Effect.HARMFUL, Effect.REFUSED}:
        found.add(Effect.NOTHING)
    return Finding(tuple(effect for effect in Effect if effect in found), tuple(seen))


def complaints(text: str) -> tuple[str, ...]:
    """Warnings and errors in what tools and daemons said, without time and process, each once."""
    found = (_COMPLAINT.search(line) for line in text.splitlines())
    return tuple(dict.fromkeys(" ".join(each[0].split()) for each in found if each))


def _changes(trial: Trial) -> Iterable[tuple[str, Effect]]:
    gain, loss = (Effect.WORKS, Effect.HARMFUL)
    if trial.elsewhere:
        gain, loss = (Effect.WORKS_ELSEWHERE, Effect.HARMFUL_ELSEWHERE)
    for fact, was in trial.before.items():
        now = trial.after.get(fact, was)
        if was and now is None:
            yield f"nobody can tell any more that it {fact}", loss
        elif was is not None and now is not None and was != now:
            amount = "" if {was, now} == {0, 1} else f" ({was} before, {now} now)"
            yield (f"now {fact}{amount}", gain) if now > was else (f"no longer {fact}{amount}", loss)
