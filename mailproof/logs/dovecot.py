"""Dovecot login lines as records, in the wording of 2.3 («Login:») and 2.4 («Logged in:»); syslog or its own file.

The elements of a line are what the administrator chose in login_log_format_elements: whatever stands there is kept,
literal variables and nothing at all included, for a control to judge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailproof.logs import split

_SOURCE = re.compile(
    r"(?P<service>[a-z][\w-]*)(?:\([^)]*\))?(?:<[^<>]*>)*: "
    r"(?:(?P<level>Debug|Info|Warning|Error|Fatal|Panic): )?(?P<text>.*)"
)
_LEVELS = frozenset({"Warning", "Error", "Fatal", "Panic"})
_LOGGED_IN = re.compile(r"(?:Login|Logged in):(?: (?P<elements>.*))?")
_ENDED = re.compile(
    r"(?P<message>(?P<kind>Login failed|Login aborted|Aborted login|Disconnected)\b.*?)(?:: (?P<elements>\w+=.*)|: ?)?"
)
_ELEMENT = re.compile(r"(?:(?P<key>\w+)=(?:<(?P<bracketed>[^<>]*)>|(?P<bare>[^<>,]*))|(?P<word>[^,]+?))(?:, |,? ?$)")
_NO_TLS = re.compile(
    r"Failed to initialize SSL (?:server context|connection): (?:Couldn't initialize SSL server context: )?"
    r"(?P<reason>.*?)(?:: \w+=<.*)?"
)
_NO_WORDS = re.compile(r"Failed to expand log_format_elements=(?P<element>.*): (?P<reason>[^:]*)")
_CERTIFICATES = {"client didn't send a cert": "missing", "client sent an invalid cert": "untrusted",
                 "client sent an untrusted cert": "untrusted"}  # fmt: skip
_TLS = re.compile(r"(?P<version>TLSv\S+|SSLv\S+) with cipher (?P<suite>\S+) \((?P<bits>\d+)/\d+ bits\)")


@dataclass(frozen=True, slots=True)
class Login:
    """One line of a login service (``imap-login``). ``message`` stands before the elements; ``pairs`` are those of
    the form key=value or key=<value>, ``words`` the others, in order.
    """

    service: str
    message: str
    pairs: Mapping[str, str]
    words: tuple[str, ...]

    @property
    def secured(self) -> bool:
        """Whether the line says that the login went over TLS."""
        return "TLS" in self.words

    @property
    def version(self) -> str | None:
        """The TLS version that the line names, or None."""
        return self._tls("version")

    @property
    def suite(self) -> str | None:
        """The cipher suite that the line names, in OpenSSL's spelling, or None."""
        return self._tls("suite")

    @property
    def certificate(self) -> str | None:
        """What was wrong with the client's certificate where one is demanded (auth_ssl_require_client_cert):
        ``missing`` or ``untrusted`` on every release; None where the line says nothing of it."""
        found = [word for text, word in _CERTIFICATES.items() if f"({text})" in self.message]
        return found[0] if len(found) == 1 else None

    def _tls(self, part: str) -> str | None:
        named = [found for found in map(_TLS.fullmatch, self.words) if found]
        return named[0][part] if len(named) == 1 else None


@dataclass(frozen=True, slots=True)
class LoggedIn(Login):
    """A user logged in."""


@dataclass(frozen=True, slots=True)
class LoginFailed(Login):
    """A login was tried and refused: wrong password, or no TLS where it is demanded."""


@dataclass(frozen=True, slots=True)
class Aborted(Login):
    """The client left, or was sent away, before it had logged in, without a refused login."""


@dataclass(frozen=True, slots=True)
class Disconnected(Login):
    """The connection ended before a login; what 2.3 says where 2.4 says aborted."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """``level`` is Warning, Error, Fatal or Panic; ``service`` the process that complains."""

    service: str
    level: str
    text: str


@dataclass(frozen=True, slots=True)
class TlsDead(Complaint):
    """A login service cannot do TLS at all, although Dovecot started: ``reason`` is what OpenSSL, or Dovecot, found.
    It says so at each connection and at no other time.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class NotExpanded(Complaint):
    """An ``element`` of login_log_format_elements that the release has no variable for: it is left out of the line."""

    element: str
    reason: str


_Ending = LoggedIn | LoginFailed | Aborted | Disconnected
Record = _Ending | Complaint


def parse(line: str) -> Record | None:
    """The record that a log line holds, or None: other programs, other lines, and lines whose elements name one key
    twice, as a hostile user name may make them.
    """
    head = split(line)
    found = _SOURCE.fullmatch(head.text) if head and head.program == "dovecot" else None
    if not found:
        return None
    if found["level"] in _LEVELS:
        return _complaint(found["service"], found["level"], found["text"])
    return _login(found["service"], found["text"]) if found["service"].endswith("-login") else None


def _complaint(service: str, level: str, text: str) -> Complaint:
    if found := _NO_TLS.fullmatch(text):
        return TlsDead(service, level, text, found["reason"])
    if found := _NO_WORDS.fullmatch(text):
        return NotExpanded(service, level, text, found["element"], found["reason"])
    return Complaint(service, level, text)


def _login(service: str, text: str) -> _Ending | None:
    found = _LOGGED_IN.fullmatch(text)
    if found:
        return _made(LoggedIn, service, text.partition(":")[0], found["elements"])
    found = _ENDED.fullmatch(text)
    if not found:
        return None
    if "auth failed" in found["message"] or found["kind"] == "Login failed":
        return _made(LoginFailed, service, found["message"], found["elements"])
    kind = Disconnected if found["kind"] == "Disconnected" else Aborted
    return _made(kind, service, found["message"], found["elements"])


def _made(kind: type[_Ending], service: str, message: str, elements: str | None) -> _Ending | None:
    pairs: dict[str, str] = {}
    words = []
    for element in _ELEMENT.finditer(elements or ""):
        key = element["key"]
        if key in pairs:
            return None
        if key:
            pairs[key] = element["bracketed"] if element["bracketed"] is not None else element["bare"]
        else:
            words.append(element["word"].strip())
    return kind(service, message, pairs, tuple(words))
