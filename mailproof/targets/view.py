"""Effective settings at one service, in the newest release's words, whatever the target's release calls them."""

from __future__ import annotations

from mailproof.dialect import Dialect
from mailproof.errors import NoTranslation, UnknownSetting, Unread
from mailproof.ledger import Recorder
from mailproof.model import Daemon, Service
from mailproof.settings import DovecotView, PostfixView
from mailproof.targets.target import Target


class EffectiveSettings:
    """What a daemon says it uses at a service. Each look is recorded."""

    def __init__(self, target: Target, service: Service, recorder: Recorder) -> None:
        readings = target.readings
        self.service = service
        self._view: PostfixView | DovecotView
        self._view = readings.postfix if service.daemon is Daemon.POSTFIX else readings.dovecot
        self._dialect: Dialect = target.dialects.for_version(service.daemon, self._view.version)
        self._target = target
        self._recorder = recorder

    def __getitem__(self, name: str) -> str:
        """The effective value; raises `NoTranslation` or `UnknownSetting` where the release has no such setting."""
        native = self._dialect.native_name(name)
        value = _plain(self._view.effective(self.service.entry, native))
        newest = self._dialect.to_newest({native: value})[name]
        spelled = "" if (native, value) == (name, newest) else f" (here {native} = {value})"
        self._recorder.note(name, f"{newest or '(empty)'}{spelled}")
        return newest

    def knows(self, name: str) -> bool:
        """Whether this release has the setting at all."""
        try:
            self._view.effective(self.service.entry, self._dialect.native_name(name))
        except (NoTranslation, UnknownSetting):
            return False
        return True

    def words(self, name: str) -> frozenset[str]:
        """The value as a set of words, whatever separates them."""
        return frozenset(self[name].replace(",", " ").split())

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of the lookup tables that a setting names (postmap(1), ``-s``); raises `Unread` where one can't be
        listed."""
        found: list[str] = []
        for table in self[name].replace(",", " ").split():
            found += self._target.table_keys(table)
        self._seen(f"keys of {name}", "\n".join(found) or "none")
        return tuple(found)

    @property
    def version(self) -> str:
        """The daemon's version."""
        return self._seen(f"{self.service.daemon.value} version", self._view.version)

    @property
    def release(self) -> str:
        """The target's release, as a reader calls it."""
        return self._target.release.title

    @property
    def library(self) -> str:
        """The OpenSSL that the daemon really runs with."""
        return self._seen("TLS library", self._view.library)

    def said(self, command: str) -> str:
        """What a command prints on the target; raises `Unread` where it fails or prints nothing."""
        answer = self._target.inside.run(command)
        if answer.status or not answer.text.strip():
            raise Unread(f"«{command}» failed with status {answer.status}, or printed nothing")
        return self._seen(command, answer.text.strip())

    @property
    def entries(self) -> frozenset[str]:
        """The services of master.cf, as ``name/type``."""
        found = frozenset(self._view.entries) if isinstance(self._view, PostfixView) else frozenset()
        self._seen("master.cf", " ".join(sorted(found)))
        return found

    @property
    def complaints(self) -> tuple[str, ...]:
        """What the configuration tools and the daemon's start said against the configuration, line by line."""
        found = self._target.complaints(self.service.daemon)
        self._seen("complaints", "\n".join(found) or "none")
        return found

    def _seen(self, what: str, shown: str) -> str:
        self._recorder.note(what, shown)
        return shown


def _plain(value: str) -> str:
    """A yes or no as everybody writes it: postconf(1) shows a boolean in the letters of whoever wrote it."""
    return value.lower() if value.lower() in ("yes", "no") else value
