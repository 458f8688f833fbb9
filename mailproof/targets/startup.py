"""Whether a daemon starts with its configuration, and what it says where it does not. Judges nothing."""

from __future__ import annotations

import re

from mailproof.ledger import Recorder
from mailproof.model import Daemon, Service
from mailproof.targets.target import Target

_RUNNING = {Daemon.POSTFIX: "pidof master", Daemon.DOVECOT: "pidof dovecot"}
_MARK = re.compile(r"\{\{-?\s*[A-Za-z_][\w.]*\s*(?:\|[^{}=]*)?-?\}\}|\{%.*%\}|<%=.*%>")
"""What a template has where a value will be."""


class Startup:
    """The start of one daemon of a target."""

    def __init__(self, target: Target, service: Service, recorder: Recorder) -> None:
        self._target = target
        self._daemon = service.daemon
        self._recorder = recorder

    @property
    def refusals(self) -> tuple[str, ...]:
        """What keeps the daemon, or one of its services, from starting, in its own words; nothing where it runs and
        every service answers."""
        found = (*self._refused(), *self._mute(), *self._unrendered())
        running = not self._target.inside.run(_RUNNING[self._daemon]).status
        self._recorder.note(f"{self._daemon}", "runs" if running else "does not run")
        self._recorder.note("refusals", "\n".join(found) or "none")
        return found if found or running else (f"{self._daemon} does not run",)

    def _refused(self) -> tuple[str, ...]:
        return tuple(self._target.refused.get(self._daemon, ()))

    def _mute(self) -> tuple[str, ...]:
        mine = [each for each in self._target.services if each.daemon is self._daemon]
        return tuple(f"{service} does not serve: {why}" for service, why in self._target.silent(mine).items())

    def _unrendered(self) -> tuple[str, ...]:
        """Values that still are marks of a template: some daemons start with them, and do what nobody meant."""
        readings = self._target.readings
        values = (readings.postfix if self._daemon is Daemon.POSTFIX else readings.dovecot).values
        shortest = sorted(values.items(), key=lambda each: len(each[1]))
        first = {mark[0]: (name, value) for name, value in reversed(shortest) if (mark := _MARK.search(value))}
        return tuple(f"{name} = {value} was never rendered" for name, value in first.values())
