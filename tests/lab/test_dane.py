"""DANE with real DNSSEC: what becomes of mail at the levels dane and dane-only, whatever DNS says of its destination.

The messages go from specimens in the profile dane to the lab's destinations, under the names of fixtures/dane.toml.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mailproof.controller import report_directory
from mailproof.ledger import Recorder
from mailproof.model import Mutation
from mailproof.run import SECRETS, Run, new_id
from mailproof.selection import Options, select
from mailproof.targets.course import Sent
from mailproof.targets.lab import state_path
from mailproof.targets.names import exchangers, hosts
from mailproof.targets.resolver import RESOLVER, Resolver
from mailproof.targets.sending import Sending
from mailproof.targets.specimen import Specimen

CHECKOUT = Path(__file__).parents[2]
DANE, DANE_ONLY = "dane", "dane-only"
CLEAR = ""


@dataclass(frozen=True)
class Fate:
    """What became of a message. ``word`` is what the log calls the other side's certificate, "" where it says nothing
    of TLS; ``text`` stands in the sender's reason."""

    status: str
    dsn: str
    word: str = CLEAR
    text: str = ""

    def befell(self, sent: Sent) -> bool:
        """Whether the message's fate was this; one that is kept must have come nowhere."""
        word = sent.logged.word if sent.logged else CLEAR
        seen = (sent.status, sent.dsn, word, sent.arrival is not None)
        return seen == (self.status, self.dsn, self.word, self.status == "sent") and self.text in sent.text


VERIFIED, TRUSTED, UNTRUSTED, ANONYMOUS, IN_CLEAR = (
    Fate("sent", "2.0.0", word) for word in ("Verified", "Trusted", "Untrusted", "Anonymous", CLEAR)
)
UNVERIFIED = Fate("deferred", "4.7.5", "Untrusted", "Server certificate not verified")
OTHER_NAME = replace(UNVERIFIED, word="Trusted")
NOT_OFFERED = Fate("deferred", "4.7.4", text="TLS is required, but was not offered by host")
BROKEN = Fate("deferred", "4.7.0", text="refused to start TLS: 454 4.7.0")
NO_RECORDS = Fate("deferred", "4.7.5", text="no TLSA records found")
UNUSABLE = Fate("deferred", "4.7.5", text="TLSA records unusable")
UNSIGNED = Fate("deferred", "4.7.5", text="non DNSSEC destination")
BOGUS_RECORDS = Fate("deferred", "4.7.5", text="TLSA lookup error for")
BOGUS_HOST = Fate("deferred", "4.4.3", text="type=A: Host not found, try again")
MISCONFIGURED = Fate("deferred", "4.7.5", text="client TLS configuration problem")

FATES = {  # name -> at dane, at dane-only
    "matching.signed.test": (VERIFIED, VERIFIED),
    "certificate.signed.test": (VERIFIED, VERIFIED),
    "rollover.signed.test": (VERIFIED, VERIFIED),
    "anchor.destinations.test": (VERIFIED, VERIFIED),
    "tls-1.2.destinations.test": (VERIFIED, VERIFIED),
    "wrong-name.signed.test": (VERIFIED, VERIFIED),
    "self-signed.signed.test": (VERIFIED, VERIFIED),
    "lapsed.signed.test": (VERIFIED, VERIFIED),
    "anonymous.signed.test": (VERIFIED, VERIFIED),
    "mismatch.signed.test": (UNVERIFIED, UNVERIFIED),
    "other-name.signed.test": (OTHER_NAME, OTHER_NAME),
    "in-clear.signed.test": (NOT_OFFERED, NOT_OFFERED),
    "broken.signed.test": (BROKEN, BROKEN),
    "unusable.signed.test": (TRUSTED, UNUSABLE),
    "unknown.signed.test": (UNTRUSTED, UNVERIFIED),
    "unusable-in-clear.signed.test": (NOT_OFFERED, UNUSABLE),
    "without.signed.test": (TRUSTED, NO_RECORDS),
    "without-in-clear.signed.test": (IN_CLEAR, NO_RECORDS),
    "any.unsigned.test": (TRUSTED, NO_RECORDS),
    "in-clear.unsigned.test": (IN_CLEAR, NO_RECORDS),
    "any.expired.test": (BOGUS_HOST, BOGUS_HOST),
    "any.tampered.test": (BOGUS_RECORDS, BOGUS_RECORDS),
    "in-clear.tampered.test": (BOGUS_RECORDS, BOGUS_RECORDS),
    "mx-signed.test": (VERIFIED, VERIFIED),
    "mx-mismatch.test": (UNVERIFIED, UNVERIFIED),
    "mx-unsigned.test": (TRUSTED, UNSIGNED),
    "mx-unsigned-mismatch.test": (UNVERIFIED, UNSIGNED),
    "mx-outside.test": (TRUSTED, NO_RECORDS),
}
DIFFERENT = {  # target -> name -> the same: other words for a certificate that the records do not name
    "debian-11": {
        "mismatch.signed.test": (OTHER_NAME, OTHER_NAME),
        "mx-mismatch.test": (OTHER_NAME, OTHER_NAME),
        "mx-unsigned-mismatch.test": (OTHER_NAME, UNSIGNED),
        "unknown.signed.test": (TRUSTED, UNUSABLE),
    },
    "debian-12": {"other-name.signed.test": (UNVERIFIED, UNVERIFIED)},
}
FIRST = {  # one of each kind; the others are asked nightly
    "matching.signed.test", "anchor.destinations.test", "mismatch.signed.test", "in-clear.signed.test",
    "unusable.signed.test", "without-in-clear.signed.test", "any.expired.test", "in-clear.tampered.test",
}  # fmt: skip
NIGHTLY = pytest.mark.nightly
UNVALIDATED = {  # at dane, where nobody validates: as at may, whatever DNS says
    "mismatch.signed.test": TRUSTED,
    "in-clear.tampered.test": IN_CLEAR,
    "matching.signed.test": TRUSTED,
    "self-signed.signed.test": UNTRUSTED,
    "anonymous.signed.test": ANONYMOUS,
    "in-clear.signed.test": IN_CLEAR,
    "any.expired.test": TRUSTED,
}
MISLED = ("mismatch.signed.test", "in-clear.tampered.test")


@dataclass(frozen=True)
class Lab:
    """A specimen that sends, and whom it asks for names."""

    specimen: Specimen
    sending: Sending
    resolver: Resolver

    def send(self, level: str, name: str, **settings: str) -> Sent:
        """Send at a level, with a resolver that is asked, whatever came before."""
        worn = {"smtp_tls_security_level": level, **settings}
        name_of_it = "-".join([level, *settings.values()])
        self.specimen.wear(
            None if name_of_it == DANE else Mutation(name_of_it, postfix=worn)
        )  # dane is the profile's own
        return self.sending.post(name)


@pytest.fixture(scope="module")
def lab(target: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A specimen of every target in the profile dane, with whom it sends to and whom it asks."""
    selection = select(CHECKOUT, Options(targets=(target,), profiles=("dane",)), CHECKOUT)
    run_id = new_id()
    with closing(Run(run_id, report_directory(CHECKOUT, run_id, tmp_path_factory.mktemp("dane")), selection)) as run:
        run.start()
        run.wait(print)
        specimen = run.specimen(next(iter(selection.keys)))
        state = json.loads(state_path(run.directory / SECRETS, RESOLVER).read_text())
        yield Lab(specimen, Sending(specimen, run.receiver, Recorder()), Resolver.attach(state))


@pytest.fixture(scope="module", params=[DANE, DANE_ONLY])
def level(request: pytest.FixtureRequest) -> str:
    """A level that asks for TLSA records."""
    return str(request.param)


@pytest.fixture
def nobody_validates(lab: Lab) -> Iterator[Lab]:
    """The same lab, with a resolver that answers and vouches for nothing."""
    lab.resolver.validate(False)
    yield lab
    lab.resolver.validate(True)


def test_every_name_has_its_fate() -> None:
    assert set(FATES) == {*hosts(), *exchangers()}


@pytest.mark.parametrize("name", [name if name in FIRST else pytest.param(name, marks=NIGHTLY) for name in FATES])
def test_what_becomes_of_mail(lab: Lab, level: str, target: str, name: str) -> None:
    """Where TLSA records say TLS nothing comes in clear, and to nobody else; that they are bogus is no lack of them."""
    sent = lab.send(level, name)
    fate = {**FATES, **DIFFERENT.get(target, {})}[name][level == DANE_ONLY]
    assert fate.befell(sent), f"{sent}, and not {fate}"
    assert sent.forward_secret == (fate.status == "sent" and fate.word != CLEAR), f"{sent}"


@pytest.mark.parametrize(
    "name", [*MISLED, *(pytest.param(name, marks=NIGHTLY) for name in UNVALIDATED if name not in MISLED)]
)
def test_where_nobody_validates_dane_is_may(nobody_validates: Lab, name: str) -> None:
    """Postfix does not validate: it believes the AD bit, and without it goes on as if there were no records."""
    sent = nobody_validates.send(DANE, name)
    assert UNVALIDATED[name].befell(sent), f"{sent}, and not {UNVALIDATED[name]}"


def test_where_nobody_validates_dane_only_sends_nothing_and_says_why(nobody_validates: Lab) -> None:
    """The warning is the same at dane, where it is all that tells that the level is worth nothing."""
    log = nobody_validates.specimen.follower
    since = log.mark()
    sent = nobody_validates.send(DANE_ONLY, "matching.signed.test", dnssec_probe="ns:.")
    assert NO_RECORDS.befell(sent), f"{sent}"
    assert [line.rpartition("]: ")[2] for line in log.lines(since) if "DNSSEC" in line] == [
        "warning: DNSSEC validation may be unavailable",
        "warning: reason: dnssec_probe 'ns:.' received a response that is not DNSSEC validated",
    ]


@NIGHTLY
def test_without_dnssec_lookups_dane_is_may_and_dane_only_sends_nothing(lab: Lab) -> None:
    """The level alone, as it is often written down."""
    opportunistic = lab.send(DANE, "mismatch.signed.test", smtp_dns_support_level="enabled")
    assert TRUSTED.befell(opportunistic), f"{opportunistic}"
    strict = lab.send(DANE_ONLY, "matching.signed.test", smtp_dns_support_level="enabled")
    assert MISCONFIGURED.befell(strict), f"{strict}"
