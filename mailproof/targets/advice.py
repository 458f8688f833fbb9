"""Trying the lines of a historic profile, one by one, on a running server. Judges nothing.

A line is tried by itself on the packaged host (with the lines that it needs), with the settings under which its effect
can show, and as the one that is left out of the whole: each time the facts with it are compared with those without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote

from mailproof.effects import Effect, Facts, Finding, Trial, complaints, finding
from mailproof.errors import DidNotTake
from mailproof.ledger import Recorder
from mailproof.model import Daemon, Step
from mailproof.targets.dress import SAID
from mailproof.targets.follower import LOG
from mailproof.targets.looks import Looks
from mailproof.targets.receiver import Receiver
from mailproof.targets.specimen import Specimen
from mailproof.verbatim import whole

_GIVEN = {Daemon.POSTFIX: "/etc/postfix/main.cf", Daemon.DOVECOT: "/etc/dovecot/local.conf"}
_GIVEN_THAT = "given "
Steps = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """A daemon that wears some steps: its facts, and what tools and daemon complain of."""

    facts: Facts
    said: tuple[str, ...]


class Advice:
    """What the lines of a specimen's verbatim profile do on its release."""

    def __init__(self, specimen: Specimen, receiver: Receiver, recorder: Recorder) -> None:
        if specimen.profile is None:
            raise DidNotTake(f"{specimen.key} wears no profile: nothing is pasted there")
        self._specimen = specimen
        self._receiver = receiver
        self._profile = specimen.profile
        self._recorder = recorder

    def finding(self, line: str) -> Finding:
        """The effects of one line."""
        step = next(each for each in self._profile.steps if each.line == line)
        found = self._answered(step) if step.shows else self._tried(step)
        self._recorder.effects = tuple(found.effects)
        self._recorder.note(f"effect of {line}", str(found), "\n".join([_pasted(step), *found.effects, *found.seen]))
        return found

    def _answered(self, step: Step) -> Finding:
        """A command that only asks, put to the specimen as it is worn."""
        self._specimen.wear(self._specimen.mutation)
        said = self._specimen.inside.run(f"sh -c {quote(step.run)} 2>&1")
        self._recorder.note(step.run, said.text.strip() or f"nothing, status {said.status}")
        return answered(step, said.status, said.text)

    def _tried(self, step: Step) -> Finding:
        trials = [self._trial(step, *context) for context in self._contexts(step)]
        return finding(trials, self._failure(step))

    def _trial(self, step: Step, context: str, before: Steps, after: Steps) -> Trial:
        without, with_it = self._look(step.daemon, before), self._look(step.daemon, after)
        news = tuple(each for each in with_it.said if each not in without.said or names_file_of(step, each))
        return Trial(context, without.facts, with_it.facts, news, elsewhere=context.startswith(_GIVEN_THAT))

    def _contexts(self, step: Step) -> Iterator[tuple[str, Steps, Steps]]:
        """Context, the steps without the line, the steps with it."""
        needed, with_it = self._needed(step), self._needed(step, itself=True)
        if not step.apart:
            everything = tuple(each for each in whole(self._profile.steps) if each.daemon is step.daemon)
            yield "in the whole", tuple(each for each in everything if each != step), everything
        yield "by itself", needed, with_it
        if step.given:
            given = Step("given", step.daemon, file=_GIVEN[step.daemon], text=step.given)
            yield f"{_GIVEN_THAT}{' '.join(step.given.split())}", (given, *needed), (given, *with_it)

    def _needed(self, step: Step, *, itself: bool = False) -> Steps:
        """What the line needs, with or without the line, in the profile's order."""
        lines = {*step.needs, step.line} if itself else set(step.needs)
        return tuple(each for each in self._profile.steps if each.line in lines)

    def _look(self, daemon: Daemon, steps: Steps) -> Look:
        """What is seen with some steps; what was seen once is not looked at again, until a mutation comes or goes."""
        key = (daemon, steps)
        if key not in self._specimen.looks:
            said = self._specimen.try_on(daemon, steps)
            facts = Looks(self._specimen, self._receiver).facts(daemon)
            log = self._specimen.inside.run(f"cat {LOG}").text
            self._specimen.looks[key] = Look(facts, complaints(f"{said}\n{log}"))
        found: Look = self._specimen.looks[key]
        return found

    def _failure(self, step: Step) -> str:
        """How the pasted command failed on the packaged host, "" where it did not."""
        if not step.run:
            return ""
        self._specimen.try_on(step.daemon, self._needed(step, itself=True))
        status = self._specimen.inside.run(f"cat {SAID}/{step.line}.status").text.strip()
        said = self._specimen.inside.run(f"cat {SAID}/{step.line}.out").text
        return "" if status == "0" else f"status {status}, {' '.join(said.split())[:120]}"


def answered(step: Step, status: int, said: str) -> Finding:
    """What a question showed: its pattern must be found and, where it has a group, that must hold something."""
    found = re.search(step.shows, said, re.MULTILINE)
    shown = found[0].strip() if found else " | ".join(said.strip().splitlines()[:3])
    seen = (f"it shows: {shown}",) if shown else ()
    if status:
        return Finding((Effect.REFUSED,), (f"status {status}", *seen))
    return Finding((Effect.WORKS if found and (any(found.groups()) or not found.groups()) else Effect.NOTHING,), seen)


def names_file_of(step: Step, complaint: str) -> bool:
    """Whether a complaint is about a file that the step itself names, such as a table: then it is the step's, although
    other steps that name the file have brought it about already."""
    path = re.match(r"\w+: (/[^ :]+): ", complaint)
    return path is not None and path[1] in f"{step.run} {step.text}"


def _pasted(step: Step) -> str:
    return step.run or f"{step.file}:\n{step.text}"
