"""The facts of a daemon on a specimen (mailproof.effects), as they are seen from outside and in its log.

A service that is dead has no facts but that: nobody can tell what it would refuse. While it lives, a refusal is a
fact only where it is the answer to a whole hello: a connection that dies under the question leaves it open (None), and
whatever else keeps from an answer (a rate limit, a time-out, two logs that do not agree) raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from mailproof.errors import (
    Busy,
    ConnectionDropped,
    Declined,
    LogSilent,
    PositiveControlFailed,
    TimedOut,
    Undecided,
    Unreachable,
)
from mailproof.ledger import Recorder
from mailproof.model import Daemon, Protocol, Role, Security, Service
from mailproof.targets.course import Sent
from mailproof.targets.decisions import FOREIGN, LOCAL
from mailproof.targets.delivery import Delivery
from mailproof.targets.destinations import destinations
from mailproof.targets.endpoint import Endpoint
from mailproof.targets.follower import LOG
from mailproof.targets.journal import Journal
from mailproof.targets.people import SERVER
from mailproof.targets.receiver import Receiver
from mailproof.targets.sending import ABROAD, Sending
from mailproof.targets.specimen import Specimen
from mailproof.wire.answers import Agreed, Refused
from mailproof.wire.asking import everything, hello_of
from mailproof.wire.hellos import ANONYMOUS, FINITE_FIELD, MODERN_HELLO, STATIC_RSA
from mailproof.wire.offers import MODERN, Offer
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello
from mailproof.wire.tls.groups import HYBRID, group_numbers
from mailproof.wire.tls.suites import chosen_by

_DEAD = (Unreachable, ConnectionDropped, Declined)
"""How a service that is dead, or whose TLS is, meets a client; 421 and silence are neither."""
_OPEN = (*_DEAD, Busy, PositiveControlFailed, Undecided, LogSilent)
"""What leaves a question open on a service that lives."""
_STARTED_IN_VAIN = re.compile(r"(?:smtpd\[\d+\]|-login): fatal: ", re.IGNORECASE)
_NO_CERTIFICATE = "421 4.7."
"""How Postfix turns away who has not the certificate that it demands."""
_TLS_1_3 = replace(MODERN_HELLO, versions=("TLSv1.3",), name="TLS 1.3")
_TLS_1_2 = replace(MODERN_HELLO, versions=("TLSv1.2",), name="TLS 1.2")
_SERVED: Mapping[str, ClientHello] = {
    "serves TLS 1.3": _TLS_1_3,
    "serves TLS 1.2 with forward secrecy": _TLS_1_2,
    **{f"serves who has {name} alone": replace(_TLS_1_3, groups=group_numbers([name]), name=name)
       for name in ("x25519", "secp256r1", "secp384r1")},
    "serves ECDHE to who has x25519 alone in TLS 1.2": replace(_TLS_1_2, groups=group_numbers(["x25519"])),
    "serves DHE to who has nothing else": FINITE_FIELD,
}  # fmt: skip
_REFUSED: Mapping[str, ClientHello] = {
    "refuses static RSA": STATIC_RSA, "refuses anonymous suites": ANONYMOUS,
    "refuses TLS 1.0": hello_of("TLSv1"), "refuses TLS 1.1": hello_of("TLSv1.1"),
}  # fmt: skip
_WORSE_FIRST = ClientHello(
    ("TLSv1.2",), chosen_by(("kRSA",)) + chosen_by(("ECDHE+AESGCM",)), MODERN_HELLO.groups, "static RSA first",
)  # fmt: skip
_SLOWER_BESIDE = ClientHello(
    ("TLSv1.2",), chosen_by(("ECDHE+AESGCM",)) + chosen_by(("DHE",)), MODERN_HELLO.groups, "ECDHE, then DHE",
)  # fmt: skip
_PREFERRED: Mapping[str, tuple[ClientHello, Callable[[Chosen], int]]] = {
    "prefers forward secrecy against a client's order": (_WORSE_FIRST, lambda chosen: chosen.forward_secret),
    "shows a certificate to a client that offers everything": (
        everything("TLSv1.2"), lambda chosen: chosen.authenticated,
    ),
    "prefers ECDHE to the slower DHE": (_SLOWER_BESIDE, lambda chosen: chosen.prime is None),
    "bits of its Diffie-Hellman prime": (FINITE_FIELD, lambda chosen: chosen.dh_bits or 0),
    "uses a post-quantum hybrid with who can": (MODERN_HELLO, lambda chosen: chosen.group in HYBRID),
}  # fmt: skip


class Looks:
    """Looks at one daemon of a verbatim specimen, whatever state it is in; ``receiver`` is whom it sends to."""

    def __init__(self, specimen: Specimen, receiver: Receiver) -> None:
        self._specimen = specimen
        self._recorder = Recorder()
        self._sending = Sending(specimen, receiver, self._recorder)

    def facts(self, daemon: Daemon) -> dict[str, int | None]:
        """All facts of the daemon, by property and service."""
        found: dict[str, int | None] = {}
        for service in self._services(daemon):
            found |= {f"{service} {fact}": value for fact, value in self._of(service).items()}
        return found | self._sends() if daemon is Daemon.POSTFIX else found

    def _sends(self) -> dict[str, int | None]:
        """How mail goes out. What comes nowhere says something only where a message to a good host comes."""
        runs = self._specimen.inside.run("postfix status").status == 0
        good = self._posted("good") if runs else None
        found: dict[str, int | None] = {"mail reaches a host with a good certificate": int(good is not None)}
        if good is None:
            return found
        clear = self._posted("no-starttls")
        found |= {
            "mail to a host with a good certificate comes under TLS": int(not good.in_clear),
            "the log tells the TLS of what goes out": int(good.logged is not None) if good.tls else None,
            "mail to a host without STARTTLS does not go in clear": int(clear is None),
            "mail to a relay that wants a certificate reaches it": int(self._posted("relay") is not None),
            "mail for everybody goes by the relay": int(self._sending.post(ABROAD).arrival is not None),
        }
        for name in ("wrong-name", "self-signed", "expired"):
            wrong = self._posted(name)
            found[f"no mail goes to a host whose certificate is {name}"] = int(wrong is None)
        return found

    def _posted(self, destination: str) -> Sent | None:
        """What became of a message that came, None where it came nowhere: both logs must say so."""
        found = self._sending.post(destinations()[destination].host)
        return found if found.arrival else None

    def _services(self, daemon: Daemon) -> list[Service]:
        """Every port of Postfix; of Dovecot, whose services have one configuration of TLS, the first."""
        services = self._specimen.profile.services if self._specimen.profile else ()
        found = [each for each in services if each.daemon is daemon and each.port]
        return found if daemon is Daemon.POSTFIX else found[:1]

    def _of(self, service: Service) -> dict[str, int | None]:
        endpoint = Endpoint(self._specimen, service, self._recorder)
        alive = self._greets(endpoint)
        secure = alive and _has_tls(endpoint)
        found: dict[str, int | None] = {"answers": int(alive), "has TLS": int(secure) if alive else None}
        if secure:
            found |= _tls(endpoint)
        if secure and service.protocol is Protocol.SMTP:
            found |= self._logged(endpoint, service)
        if alive and service.protocol is Protocol.SMTP:
            found |= _decisions(endpoint, service, secure=secure)
        if secure and service.role is Role.MX:
            found |= self._delivered(endpoint, service)
        if secure and service.role is Role.ACCESS:
            found |= self._login(endpoint, service)
        return found

    def _greets(self, endpoint: Endpoint) -> bool:
        """Whether the service greets. One that is started in vain accepts connections all the same, and says nothing:
        its log tells it from one that is slow."""
        try:
            with suppress(*_DEAD), endpoint.peer().session():
                return True
        except TimedOut:
            if not _STARTED_IN_VAIN.search(self._specimen.inside.run(f"cat {LOG}").text):
                raise
        return False

    def _logged(self, endpoint: Endpoint, service: Service) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for version in ("TLSv1.2", "TLSv1.3"):
            fact = f"has {version} and its suite in the log"
            found[fact] = _tell(partial(self._names_suite, endpoint, service), MODERN.only(version))
        return found

    def _names_suite(self, endpoint: Endpoint, service: Service, offer: Offer) -> bool:
        journal = Journal(self._specimen, service, self._recorder)
        seen = journal.connection(endpoint.visit(offer).helo).tls
        return seen is not None and bool(seen.suite)

    def _delivered(self, endpoint: Endpoint, service: Service) -> dict[str, int | None]:
        delivery = Delivery(endpoint, Journal(self._specimen, service, self._recorder), self._specimen, self._recorder)
        fact = "says in the Received header what TLS a message came by"
        return {fact: _tell(lambda offer: "using TLS" in str(delivery.send(offer)[0]["Received"]), MODERN)}

    def _login(self, endpoint: Endpoint, service: Service) -> dict[str, int | None]:
        journal, (user, password) = Journal(self._specimen, service, self._recorder), endpoint.account()
        with endpoint.session(MODERN) as session:
            accepted = session.login(user, password).ok
        line = None
        with suppress(LogSilent):
            line = journal.login(user)
        return {
            "lets the right password in": int(accepted),
            "says in the log who logged in": int(line.pairs.get("user") == user) if line else None,
            "has the login's TLS version and suite in the log": int(bool(line.suite)) if line else None,
        }


def _has_tls(endpoint: Endpoint) -> bool:
    with suppress(*_DEAD):
        return isinstance(endpoint.peer().probe(MODERN_HELLO.naming(SERVER)), Chosen)
    return False


def _answer(endpoint: Endpoint, hello: ClientHello) -> Chosen | Refused | None:
    """What a service that has TLS makes of a hello; None where the connection dies under the question."""
    with suppress(ConnectionDropped):
        return endpoint.peer().probe(hello.naming(SERVER))
    return None


def _tls(endpoint: Endpoint) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for fact, hello in _SERVED.items():
        found[fact] = _held(_answer(endpoint, hello), Chosen)
    for fact, hello in _REFUSED.items():
        found[fact] = _held(_answer(endpoint, hello), Refused)
    for fact, (hello, better) in _PREFERRED.items():
        answer = _answer(endpoint, hello)
        found[fact] = int(better(answer)) if isinstance(answer, Chosen) else None
    if not _has_tls(endpoint):
        raise PositiveControlFailed(f"{endpoint.service} had TLS and has none any more: its refusals say nothing")
    return found


def _held(answer: Chosen | Refused | None, right: type[Chosen | Refused]) -> int | None:
    return None if answer is None else int(isinstance(answer, right))


def _decisions(endpoint: Endpoint, service: Service, *, secure: bool) -> dict[str, int | None]:
    clear = _takes(endpoint, None, "", LOCAL)
    found: dict[str, int | None] = (
        {"takes mail for its own users in clear": int(clear)} if service.role is Role.MX
        else {"takes no mail in clear": int(not clear)}
    )  # fmt: skip
    if secure:
        found |= {
            "takes mail for its own users from who has a certificate": int(
                _takes(endpoint, MODERN, "unlisted", LOCAL)
            ),
            "takes mail for its own users under TLS": int(_takes(endpoint, MODERN, "", LOCAL)),
            "relays for the listed certificate": int(_takes(endpoint, MODERN, "listed", FOREIGN)),
            "relays nothing for an unlisted certificate": int(not _takes(endpoint, MODERN, "unlisted", FOREIGN)),
            "relays nothing without a certificate": int(not _takes(endpoint, MODERN, "", FOREIGN)),
            "asks clients for a certificate": _tell(partial(_asks, endpoint), MODERN),
        }  # fmt: skip
    return found


def _takes(endpoint: Endpoint, offer: Offer | None, client: str, recipient: str) -> bool:
    """Whether a recipient is accepted, by whatever reply; who is not asked for his certificate comes without."""
    hello = endpoint.presenting(offer, client)
    implicit = endpoint.service.security is Security.IMPLICIT
    try:
        with endpoint.peer().session(hello if implicit else None) as session:
            if hello and not implicit:
                session.starttls(hello)
            session.mail("sender@elsewhere.example")
            return session.rcpt(recipient).ok
    except Busy as busy:
        if not busy.reply.startswith(_NO_CERTIFICATE):
            raise
    return False


def _asks(endpoint: Endpoint, offer: Offer) -> bool:
    said = endpoint.peer().offer(offer)
    return isinstance(said, Agreed) and said.certificate_requested


def _tell(ask: Callable[[Offer], bool], offer: Offer) -> int | None:
    """A yes or no, None where the service ended before it could be told."""
    with suppress(*_OPEN):
        return int(ask(offer))
    return None
