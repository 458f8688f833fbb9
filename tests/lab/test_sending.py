"""How Postfix sends, measured: levels and words against destinations; and a chain of laptop, relay and the world."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache

import pytest

from mailproof.controller import report_directory
from mailproof.ledger import Recorder
from mailproof.logs import postfix
from mailproof.model import Mutation
from mailproof.run import Run, new_id
from mailproof.selection import Options, select
from mailproof.targets.course import Sent, arrival
from mailproof.targets.destinations import destinations
from mailproof.targets.inside import docker_inside
from mailproof.targets.journal import finished_sessions
from mailproof.targets.sending import Sending
from mailproof.targets.specimen import Specimen
from tests.lab.conftest import CHECKOUT, EVERY_TARGET, STABLE

COLUMNS = ("good", "wrong-name", "self-signed", "expired", "no-starttls", "broken-starttls", "tls-1.0", "dh-1024",
           "static-rsa", "anonymous")  # fmt: skip
CLEAR = "in clear"
NOT_OFFERED = "4.7.4 TLS is required, but was not offered by HOST"
REFUSED = "4.7.0 TLS is required, but HOST refused to start TLS: 454 4.7.0 TLS not available due to local problem"
UNVERIFIED = "4.7.5 Server certificate not verified"
UNTRUSTED = "4.7.5 Server certificate not trusted"
NO_HANDSHAKE = "4.7.5 Cannot start TLS: handshake failure"
T, U, V, A = "Trusted", "Untrusted", "Verified", "Anonymous"
BY_NAME = (V, UNVERIFIED, UNVERIFIED, UNVERIFIED, NOT_OFFERED, REFUSED, NO_HANDSHAKE, V, NO_HANDSHAKE, V)
LEVELS: Mapping[str, tuple[str, ...]] = {
    "none": (CLEAR,) * len(COLUMNS),
    "may": (T, T, U, U, CLEAR, CLEAR, NO_HANDSHAKE, T, NO_HANDSHAKE, A),
    "encrypt": (T, T, U, U, NOT_OFFERED, REFUSED, NO_HANDSHAKE, T, NO_HANDSHAKE, T),
    "verify": BY_NAME,
    "secure": BY_NAME,
    "fingerprint": (V, UNVERIFIED, UNVERIFIED, UNVERIFIED, NOT_OFFERED, REFUSED, NO_HANDSHAKE, UNVERIFIED,
                    NO_HANDSHAKE, UNVERIFIED),
}  # fmt: skip
"""What becomes of a message, by level and destination: the word of its TLS, or why it waits."""
OTHERWISE = {"debian-11": {UNVERIFIED: UNTRUSTED}}
"""What a release says instead where the certificate's chain is the matter (verify and secure)."""
WORDS = {"NONE": "none", "MAY": "may", "MUST_NOPEERMATCH": "encrypt", "MUST": "verify"}
"""Words of smtp_tls_per_site -> the level of smtp_tls_policy_maps that means the same."""
LITERAL = {"smtp_use_tls": "yes", "smtp_enforce_tls": "yes"}
ANYTHING = {"smtp_tls_protocols": ">=TLSv1", "smtp_tls_exclude_ciphers": ""}

Lab = Callable[[str], Run]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Runs of a target with a sender, a relay, a laptop and destinations, started when they are first asked for."""
    with ExitStack() as ends:

        @cache
        def start(target: str) -> Run:
            options = Options(targets=(target,), profiles=("pfs", "relay", "relay-client"))
            run_id = new_id()
            directory = report_directory(CHECKOUT, run_id, tmp_path_factory.mktemp("sending"))
            run = Run(run_id, directory, select(CHECKOUT, options, CHECKOUT))
            ends.callback(run.close)
            run.start()
            run.wait(print)
            return run

        yield start


@pytest.fixture
def target(request: pytest.FixtureRequest) -> str:
    """Overridden by the parameters of a test."""
    return str(getattr(request, "param", STABLE))


@pytest.fixture
def run(lab: Lab, target: str) -> Run:
    return lab(target)


@pytest.fixture
def sender(run: Run, target: str) -> Iterator[Specimen]:
    """A specimen in the pfs profile, which it wears again afterwards."""
    found = run.specimen(f"{target}/pfs")
    yield found
    found.wear(None)


def dressed(run: Run, sender: Specimen, changes: Mapping[str, str | None]) -> Sending:
    sender.wear(Mutation("tried", postfix=changes))
    return Sending(sender, run.receiver, Recorder())


def outcome(sent: Sent) -> str:
    if sent.arrival is None:
        return f"{sent.dsn} {re.sub(r'host [^ ]+', 'HOST', sent.text)}"
    return sent.logged.word if sent.logged else CLEAR


def row(sending: Sending) -> tuple[str, ...]:
    return tuple(outcome(sending.post(destinations()[name].host)) for name in COLUMNS)


def expected(target: str, level: str) -> tuple[str, ...]:
    chain = {"self-signed", "expired"} if level in ("verify", "secure") else set()
    words = OTHERWISE.get(target, {})
    cells = zip(COLUMNS, LEVELS[level], strict=True)
    return tuple(words.get(cell, cell) if name in chain else cell for name, cell in cells)


def fingerprint_of_good(run: Run) -> str:
    inside = docker_inside(run.receiver.started.container, "destinations")
    said = inside.run("openssl x509 -noout -fingerprint -sha256 -in /etc/mailproof/files/good.pem").text
    return said.strip().partition("=")[2]


def test_every_destination_is_what_it_is_there_for(run: Run, sender: Specimen) -> None:
    """A sender that takes anything gets through to each, by what the name says."""
    sending = dressed(run, sender, ANYTHING)
    seen = {name: sending.post(destinations()[name].host) for name in ("tls-1.0", "tls-1.2", *COLUMNS)}
    made = {name: sent.tls and (sent.tls.version, sent.tls.suite) for name, sent in seen.items()}
    assert made["tls-1.0"] == ("TLSv1", "ECDHE-RSA-AES256-SHA")
    assert made["tls-1.2"] == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")
    assert made["dh-1024"] == ("TLSv1.2", "DHE-RSA-AES256-GCM-SHA384")
    assert made["static-rsa"] == ("TLSv1.2", "AES256-GCM-SHA384")
    assert made["anonymous"] == ("TLSv1.2", "ADH-AES256-GCM-SHA384")
    assert {name for name, sent in seen.items() if sent.in_clear} == {"no-starttls", "broken-starttls"}


@pytest.mark.parametrize("level", [each if each == "secure" else pytest.param(each, marks=pytest.mark.nightly)
                                   for each in LEVELS])  # fmt: skip
@pytest.mark.parametrize("target", EVERY_TARGET, indirect=True)
def test_a_level_decides_who_gets_mail(run: Run, sender: Specimen, target: str, level: str) -> None:
    changes = {"smtp_tls_security_level": level, "smtp_tls_fingerprint_digest": "sha256",
               "smtp_tls_fingerprint_cert_match": fingerprint_of_good(run)}  # fmt: skip
    assert row(dressed(run, sender, changes)) == expected(target, level)


@pytest.mark.nightly
@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("target", EVERY_TARGET, indirect=True)
def test_a_word_per_site_means_what_its_successor_means(run: Run, sender: Specimen, target: str, word: str) -> None:
    unset = {"smtp_tls_security_level": ""}
    before = row(dressed(run, sender, {**unset, "smtp_tls_per_site": f"static:{word}"}))
    after = row(dressed(run, sender, {**unset, "smtp_tls_policy_maps": f"static:{WORDS[word]}"}))
    assert before == after == expected(target, WORDS[word])


@pytest.mark.nightly
@pytest.mark.parametrize("target", EVERY_TARGET, indirect=True)
def test_the_article_s_words_yield_to_any_level_that_is_set(run: Run, sender: Specimen, target: str) -> None:
    """Debian's own main.cf sets the level to may, and from 3.11 on that is the default: mail goes out in clear."""
    sending = dressed(run, sender, {**LITERAL, "smtp_tls_security_level": None})
    assert row(sending) == expected(target, "may")
    sending = dressed(run, sender, {**LITERAL, "smtp_tls_security_level": ""})
    assert row(sending) == expected(target, "verify")


@pytest.mark.nightly
@pytest.mark.parametrize("target", EVERY_TARGET, indirect=True)
def test_without_any_level_the_newest_release_sends_in_clear(run: Run, sender: Specimen, target: str) -> None:
    """No SMTP client runs before the first message, so it reads what is written here."""
    sending = dressed(run, sender, {**LITERAL, "smtp_tls_security_level": None})
    sender.inside.run("postconf -X smtp_tls_security_level; touch -d '1 minute ago' /etc/postfix/main.cf")
    assert row(sending) == expected(target, "may" if target == "debian-14" else "verify")


@pytest.mark.nightly
@pytest.mark.parametrize("target", EVERY_TARGET, indirect=True)
def test_who_cannot_agree_gets_mail_in_clear_later(run: Run, sender: Specimen, target: str) -> None:
    """The price of refusing static RSA at may: after minimal_backoff_time (here seconds) Postfix does without TLS."""
    sender.wear(Mutation("patient", postfix={
        "minimal_backoff_time": "3s", "maximal_backoff_time": "3s", "queue_run_delay": "1s",
        "maximal_queue_lifetime": "1d"}))  # fmt: skip
    since, theirs = len(sender.follower.lines()), len(run.receiver.follower.lines())
    token = "feedfeedfeedfeed"
    sender.inside.run(
        f"echo {run.receiver.hosts.splitlines()[0].split()[0]} {destinations()['static-rsa'].host} >>/etc/hosts; "
        "cp /etc/hosts /etc/nsswitch.conf $(postconf -h queue_directory)/etc/; "
        f"printf 'Message-ID: <{token}@mailproof.test>\\n\\n' | sendmail {token}@{destinations()['static-rsa'].host}"
    )
    came = run.receiver.follower.wait(lambda lines: arrival(lines, token), theirs, 30)
    assert came is not None
    assert came.tls is None
    first = sender.follower.wait(lambda lines: next((each for line in lines if token in line and isinstance(
        each := postfix.parse(line), postfix.Delivered)), None), since)  # fmt: skip
    assert first is not None
    assert (first.status, f"{first.dsn} {first.text}") == ("deferred", NO_HANDSHAKE)


LAPTOP = {"myhostname": "laptop.mailproof.test", "mydestination": "laptop.mailproof.test", "transport_maps": "",
          "relayhost": "[mail.mailproof.test]:2525", "smtp_tls_policy_maps": ""}  # fmt: skip


@pytest.fixture
def laptop(run: Run, target: str) -> Iterator[Specimen]:
    """A client whose relay is the other specimen, by its name."""
    found, relay = run.specimen(f"{target}/relay-client"), run.specimen(f"{target}/relay")
    found.inside.run(
        f"sed '/mail.mailproof.test/d' /etc/hosts >/tmp/hosts; cat /tmp/hosts >/etc/hosts; "
        f"echo {relay.started.own_address} mail.mailproof.test >>/etc/hosts; mkdir -p /var/spool/postfix/etc; "
        "cp /etc/hosts /etc/nsswitch.conf /var/spool/postfix/etc/"
    )
    relay.inside.run(
        f"printf %s '{run.receiver.hosts}' >>/etc/hosts; mkdir -p /var/spool/postfix/etc; "
        "cp /etc/hosts /etc/nsswitch.conf /var/spool/postfix/etc/"
    )
    yield found
    found.wear(None)


@pytest.mark.parametrize("target", EVERY_TARGET, indirect=True)
def test_mail_goes_from_laptop_to_relay_to_the_world(run: Run, laptop: Specimen, target: str) -> None:
    relay = run.specimen(f"{target}/relay")
    since = relay.follower.mark()
    sent = dressed(run, laptop, LAPTOP).post(destinations()["good"].host)
    assert (sent.status, sent.relay.partition("[")[0]) == ("sent", "mail.mailproof.test")
    assert sent.logged is not None
    assert (sent.logged.word, bool(sent.logged.client_signature)) == ("Verified", True)
    assert sent.forward_secret
    relay.follower.mark()
    records = [record for session in finished_sessions(relay.follower.lines(since)) for _, record in session]
    assert [record.word for record in records if isinstance(record, postfix.TlsEstablished)] == ["Trusted"]
    assert {record.process.tag for record in records} == {"relay"}


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"smtp_tls_cert_file": "", "smtp_tls_key_file": ""}, "4.7.1 HOST refused to talk to me: 421 4.7.1 "),
        ({"relayhost": "[mail.mailproof.test]:2525", "smtp_tls_CAfile": ""}, "4.7.5 Server certificate not "),
    ],
)
def test_nothing_passes_where_either_does_not_know_the_other(
    run: Run, laptop: Specimen, changes: dict[str, str], answer: str
) -> None:
    sent = dressed(run, laptop, {**LAPTOP, **changes}).post(destinations()["good"].host)
    assert sent.held_back
    assert outcome(sent).startswith(answer)
