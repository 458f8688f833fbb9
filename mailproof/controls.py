"""What a control is written with: the one module that a check imports.

A control is a test function that carries a `Control`. It asks one question of a capability (a fixture: ``settings``,
``endpoint``, ``journal``, ``delivery``) and says with ``assert`` what it found. It must not know pytest, containers or
releases.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from inspect import cleandoc
from typing import TypeVar

from mailproof.dialect import version_key
from mailproof.errors import Unusable
from mailproof.logs.postfix import Reject as Rejected
from mailproof.model import Control, Daemon, Level, Mutation, Role, Security, Settings, Severity, Source
from mailproof.targets.advice import Advice
from mailproof.targets.dane import Dane
from mailproof.targets.delivery import Delivery
from mailproof.targets.endpoint import Endpoint
from mailproof.targets.journal import Journal
from mailproof.targets.people import traveller
from mailproof.targets.sending import Sending
from mailproof.targets.startup import Startup
from mailproof.targets.view import EffectiveSettings
from mailproof.targets.wardrobe import FIXTURES
from mailproof.tlswords import allows_older_than_1_2, excludes, forward_secret_only
from mailproof.wire.answers import Agreed, Answer, Refused
from mailproof.wire.clients import Client, Outcome, load_clients, simulate
from mailproof.wire.facts import TLS_1_2_HELLO, strength_problem
from mailproof.wire.gate import rules_of
from mailproof.wire.hellos import (
    ANONYMOUS,
    BROKEN_CIPHERS,
    FINITE_FIELD,
    OLD_VERSIONS,
    POST_QUANTUM,
    PRE_QUANTUM,
    STATIC_RSA,
)  # fmt: skip
from mailproof.wire.injection import Discarded
from mailproof.wire.offers import (
    ANONYMOUS_FIRST,
    AUTHENTICATED_ECDSA,
    AUTHENTICATED_RSA,
    FINITE_FIELD_FIRST,
    MODERN,
    TLS_1_2,
    TLS_1_3,
    WORSE_FIRST_1_2,
    WORSE_FIRST_1_3,
)  # fmt: skip
from mailproof.wire.smuggling import ENDS, Whole
from mailproof.wire.tls.chosen import Chosen, listed
from mailproof.wire.tls.primes import weakness
from mailproof.wire.trust import chain_problem, name_problem

__all__ = [
    "ACCESS", "ANONYMOUS", "ANONYMOUS_FIRST", "AUTHENTICATED_ECDSA", "AUTHENTICATED_RSA", "BROKEN_CIPHERS",
    "CRITICAL", "DAEMON", "DOVECOT", "ENDS", "FINITE_FIELD", "FINITE_FIELD_FIRST", "HIGH",
    "INFORMATIVE", "LOCAL", "LOW",
    "MEDIUM", "MODERN", "MUST", "MUST_NOT", "MX", "OLD_VERSIONS", "POSTFIX", "POST_QUANTUM", "PRE_QUANTUM",
    "RELAY", "SHOULD", "SHOULD_NOT",
    "STARTTLS", "STATIC_RSA", "SUBMISSION", "TLS_1_2", "TLS_1_2_HELLO", "TLS_1_3", "TLS_ROLES", "WORSE_FIRST_1_2",
    "WORSE_FIRST_1_3", "Advice", "Agreed", "Answer", "Chosen", "Dane", "Delivery", "Discarded", "EffectiveSettings",
    "Endpoint", "Journal", "Outcome", "Refused", "Rejected", "Sending", "Startup", "Whole",
    "allows_older_than_1_2", "article",
    "at_least", "bcp195", "broken_by", "chain_problem", "control", "control_of", "dovecot", "ecdhe_mlkem", "excludes",
    "forward_secret_only", "listed", "mail_client", "name_problem", "no_other_way", "postconf", "postconf_command",
    "postfix_command", "postfix_readme", "rfc", "right_now", "rules_of", "simulate", "strength_problem",
    "tolerates", "traveller",
    "weakness",
]  # fmt: skip

MUST, MUST_NOT, SHOULD, SHOULD_NOT, INFORMATIVE = Level
CRITICAL, HIGH, MEDIUM, LOW = Severity
MX, SUBMISSION, ACCESS, RELAY, LOCAL, DAEMON = Role
POSTFIX, DOVECOT = Daemon
STARTTLS = Security.STARTTLS
ACRONYMS = frozenset({"ca", "dhe", "ecdhe", "ehlo", "lmtp", "starttls", "mx", "rsa", "tls"})
TLS_ROLES = (MX, SUBMISSION, ACCESS, RELAY)

Check = TypeVar("Check", bound=Callable[..., None])
Changes = Mapping[str, str | None]


def rfc(number: int, section: str) -> Source:
    """A section of an RFC."""
    return Source(f"rfc{number}", section)


def ecdhe_mlkem(section: str) -> Source:
    """A section of the Internet-Draft «Post-quantum hybrid ECDHE-MLKEM Key Agreement for TLSv1.3»."""
    return Source("draft-ietf-tls-ecdhe-mlkem", section)


def bcp195(section: str) -> Source:
    """A section of RFC 9325, «Recommendations for Secure Use of TLS and DTLS»."""
    return rfc(9325, section)


def postconf(parameter: str) -> Source:
    """A parameter of the manual page postconf(5)."""
    return Source("postconf", parameter)


def postconf_command(option: str) -> Source:
    """An option of the manual page postconf(1)."""
    return Source("postconf-1", option)


def postfix_command(name: str) -> Source:
    """A command of the manual page postfix(1)."""
    return Source("postfix-1", name)


def postfix_readme(document: str, section: str) -> Source:
    """A section of one of Postfix's README files."""
    return Source(f"postfix-{document}", section)


def dovecot(page: str) -> Source:
    """A page of Dovecot's documentation (2.4)."""
    return Source("dovecot", page)


def article(language: str, section: str) -> Source:
    """A section of one of the two articles that the project was created from: ``de`` or ``fr``."""
    return Source(f"article-{language}", section)


def control(
    id: str, level: Level, source: Source, quote: str, *, on: Collection[Role], expects: str, remedy: str,
    severity: Severity = MEDIUM, daemons: Collection[Daemon] = tuple(Daemon), variants: Collection[str] = (),
    per_certificate: bool = False, per_line: Collection[str] = (), certificate: str | None = None,
    feature: str | None = None, security: Security | None = None, parameters: Collection[str] = (),
    stopped: bool = False,
) -> Callable[[Check], Check]:  # fmt: skip
    """Make a test function a control: ``quote`` is the source's own sentence, the docstring says why it matters."""

    def attach(check: Check) -> Check:
        facts = Control(
            id, level, Source(source.document, source.section, quote), severity, _title(check), _why(check), expects,
            remedy, frozenset(on), frozenset(daemons), tuple(variants), per_certificate, tuple(per_line), certificate,
            feature, security, tuple(parameters), tuple(getattr(check, "mutations", ())),
            tuple(getattr(check, "innocents", ())), getattr(check, "no_other_way", ""), stopped,
        )  # fmt: skip
        check.control = facts  # type: ignore[attr-defined]
        return check

    return attach


def broken_by(
    name: str, postfix: Changes | None = None, dovecot: Changes | None = None,
    services: Mapping[str, Changes] | None = None, *, removed: Collection[str] = (), pasted: str = "",
    pki: Settings | None = None, tables: Settings | None = None, openssl: Mapping[Daemon, Settings] | None = None,
    lost: Mapping[Daemon, str] | None = None, absent: Collection[str] = (),
    refused: Collection[Daemon] = (), parameters: Mapping[str, object] | None = None, variants: Collection[str] = (),
    middlebox: str = "",
) -> Callable[[Check], Check]:  # fmt: skip
    """A fault that must turn the control red: settings in the newest release's words; None removes one.

    ``services`` holds overrides by service id (``submission:587``), ``removed`` entries of master.cf to take out,
    ``pasted`` text for main.cf as it stands. ``pki`` gives a certificate a flaw (``{"rsa": "expired"}``), ``tables``
    puts another version of a table in its place (``{"relay_clientcerts": "md5"}``), ``openssl`` puts commands of
    SSL_CONF_cmd(3) into the host's openssl.cnf, by the daemon that heeds them, ``lost`` names the lines that a daemon's
    log loses, ``absent`` files that are gone, ``refused`` the daemons that don't start with it.
    ``parameters`` is what the profile is made to require instead;
    ``middlebox`` puts a box in front (mailproof/wire/middlebox.py); ``variants`` limits which variants it concerns.
    """
    worn = Mutation(
        name, postfix or {}, dovecot or {}, services or {}, tuple(removed), pasted, pki or {}, tables or {},
        openssl or {}, lost or {}, tuple(absent), refused=tuple(refused), parameters=parameters or {},
        variants=tuple(variants),
        middlebox=middlebox,
    )  # fmt: skip
    return _carry("mutations", worn)


def tolerates(
    name: str, postfix: Changes | None = None, dovecot: Changes | None = None,
    services: Mapping[str, Changes] | None = None, *, removed: Collection[str] = (), pasted: str = "",
    pki: Settings | None = None, tables: Settings | None = None, openssl: Mapping[Daemon, Settings] | None = None,
    variants: Collection[str] = (),
) -> Callable[[Check], Check]:  # fmt: skip
    """A different but right way to the same end, under which the control must stay green; said as in `broken_by`."""
    worn = Mutation(name, postfix or {}, dovecot or {}, services or {}, tuple(removed), pasted, pki or {}, tables or {},
                    openssl or {}, variants=tuple(variants))  # fmt: skip
    return _carry("innocents", worn)


def no_other_way(reason: str) -> Callable[[Check], Check]:
    """Why there is no different right way that the control would have to tolerate."""

    def attach(check: Check) -> Check:
        check.no_other_way = reason  # type: ignore[attr-defined]
        return check

    return attach


def at_least(version: str, least: str) -> bool:
    """Whether a version is not older than another: ``OpenSSL 3.5.7`` than ``3.0``."""
    return version_key(version) >= version_key(least)


def mail_client(id: str) -> Client:
    """A mail program or sender by its id in fixtures/clients.toml; raises `Unusable` for any other."""
    known = _clients()
    if id not in known:
        raise Unusable(f"fixtures/clients.toml has no client {id}")
    return known[id]


def right_now() -> datetime:
    """The time at which certificates are judged."""
    return datetime.now(UTC)


def control_of(function: object) -> Control | None:
    """The control that a test function carries, or None."""
    found = getattr(function, "control", None)
    return found if isinstance(found, Control) else None


@cache
def _clients() -> Mapping[str, Client]:
    return load_clients(FIXTURES / "clients.toml")


def _carry(attribute: str, mutation: Mutation) -> Callable[[Check], Check]:
    def attach(check: Check) -> Check:
        setattr(check, attribute, (mutation, *getattr(check, attribute, ())))
        return check

    return attach


def _title(check: Callable[..., None]) -> str:
    words = check.__name__.removeprefix("test_").replace("1_", "1.").split("_")
    spelled = [word.upper() if word in ACRONYMS else word for word in words]
    title = " ".join(spelled)
    return title[0].upper() + title[1:]


def _why(check: Callable[..., None]) -> str:
    return cleandoc(check.__doc__ or "")
