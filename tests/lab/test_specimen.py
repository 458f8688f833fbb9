"""A specimen: wears what it says, is ready when it answers, and sees us come from where nobody is trusted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from mailproof.errors import DidNotStart, DidNotTake, MailproofError, Unreachable
from mailproof.ledger import Recorder, verdict_of
from mailproof.logs import postfix
from mailproof.model import Mutation, Service, Settings, Verdict
from mailproof.settings import Readings
from mailproof.targets import ready
from mailproof.targets import specimen as specimens
from mailproof.targets.dress import Dress, script
from mailproof.targets.endpoint import Endpoint
from mailproof.targets.inside import docker_inside
from mailproof.targets.journal import Journal
from mailproof.targets.network import RANGE
from mailproof.targets.ready import await_ready
from mailproof.targets.specimen import Specimen
from mailproof.wire.offers import MODERN

LOUD = Mutation("loud", postfix={"smtpd_tls_loglevel": "2"}, dovecot={"auth_debug": "yes"})
WITHOUT: dict[str, Callable[[Dress], Dress]] = {
    "main.cf: smtpd_tls_loglevel": lambda worn: replace(worn, postfix=_without(worn.postfix, "smtpd_tls_loglevel")),
    "local.conf: auth_verbose": lambda worn: replace(worn, dovecot=_without(worn.dovecot, "auth_verbose")),
    "submission/inet: smtpd_tls_auth_only": lambda worn: replace(
        worn,
        overrides={entry: _without(each, "smtpd_tls_auth_only") for entry, each in worn.overrides.items()},
    ),
}


@pytest.fixture
def worn(dressed: Specimen) -> Iterator[Specimen]:
    """The specimen, in its profile again afterwards."""
    yield dressed
    dressed.wear(None)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines for what will not come."""
    monkeypatch.setattr(ready, "READY_DEADLINE", 0.5)
    monkeypatch.setattr(ready, "DIALOGUE_DEADLINE", 0.2)


def test_a_mutation_is_worn_and_taken_off_again(worn: Specimen) -> None:
    before = _steady(worn)
    worn.wear(LOUD)
    assert worn.readings.postfix.effective("smtp/inet", "smtpd_tls_loglevel") == "2"
    assert worn.readings.dovecot.effective("", "auth_debug") == "yes"
    worn.wear(None)
    assert _steady(worn) == before


def test_what_is_worn_is_not_put_on_again(worn: Specimen, monkeypatch: pytest.MonkeyPatch) -> None:
    worn.wear(LOUD)
    monkeypatch.setattr(worn.inside, "run", lambda *given: pytest.fail("the specimen was touched"))
    worn.wear(LOUD)
    monkeypatch.undo()


@pytest.mark.parametrize("where", WITHOUT)
def test_a_setting_without_effect_is_an_error_each_time(
    worn: Specimen, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(specimens, "script", lambda dress: script(WITHOUT[where](dress)))
    for _ in range(2):
        with pytest.raises(DidNotTake, match=f"{where} was set to «"):
            worn.wear(LOUD)
    monkeypatch.undo()
    worn.wear(None)
    assert worn.readings.postfix.effective("smtp/inet", "smtpd_tls_loglevel") == "1"


def test_a_fault_that_does_not_start_is_an_error_each_time_and_mended(worn: Specimen) -> None:
    fatal = Mutation("fatal", dovecot={"ssl_server_cert_file": "/nowhere.pem"})
    for _ in range(2):
        with pytest.raises(DidNotStart):
            worn.wear(fatal)
    worn.wear(None)
    assert worn.mutation is None


def test_what_nobody_foresaw_while_dressing_leaves_nothing_to_be_judged(
    worn: Specimen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(specimens, "examine", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        worn.wear(LOUD)
    monkeypatch.undo()
    with pytest.raises((MailproofError, ZeroDivisionError)):
        worn.wear(LOUD)


@pytest.mark.usefixtures("little_patience")
def test_a_port_that_only_accepts_is_not_ready(
    dressed: Specimen, service: dict[str, Service], silent_port: int
) -> None:
    behind = {**dressed.started.addresses, "25": ["127.0.0.1", silent_port]}
    with pytest.raises(DidNotStart, match="smtp:25 does not answer within"):
        await_ready(replace(dressed.started, addresses=behind), dressed.inside, [service["smtp:25"]])


@pytest.mark.usefixtures("little_patience")
def test_a_published_port_with_no_daemon_behind_is_not_ready(worn: Specimen, service: dict[str, Service]) -> None:
    worn.inside.run("doveadm stop; while pidof dovecot >/dev/null; do sleep 0.02; done")
    try:
        with pytest.raises(DidNotStart, match="imap:143 does not answer within"):
            await_ready(worn.started, worn.inside, [service["imap:143"]])
        with pytest.raises(DidNotStart, match="lmtp does not answer within"):
            await_ready(worn.started, worn.inside, [service["lmtp"]])
    finally:
        worn.wear(replace(LOUD, postfix={}))  # what touches Dovecot starts it


def test_postfix_sees_a_stranger(dressed: Specimen, service: dict[str, Service]) -> None:
    journal = Journal(dressed, service["smtp:25"], Recorder())
    visit = Endpoint(dressed, service["smtp:25"], Recorder()).visit(MODERN)
    [connect] = journal.connection(visit.helo).of(postfix.Connect)
    seen = ip_address(connect.client.rpartition("[")[2].rstrip("]"))
    assert seen in ip_network(RANGE)
    trusted = dressed.readings.postfix.effective("smtp/inet", "mynetworks").split()
    assert not any(seen in ip_network(each.replace("[", "").replace("]", "")) for each in trusted)


def test_a_container_that_died_runs_no_commands() -> None:
    gone = docker_inside("0" * 64, "gone")
    with pytest.raises(Unreachable, match="gone no longer runs commands"):
        gone.run("true")
    with pytest.raises(AssertionError) as problem:
        gone.host.check_output("true")  # type: ignore[attr-defined]
    check = test_a_container_that_died_runs_no_commands.__code__
    assert verdict_of("call", problem.value, check) is Verdict.ERROR


def test_daemons_that_a_mutation_does_not_touch_run_on(worn: Specimen) -> None:
    def processes(name: str) -> str:
        return worn.inside.run(f"pidof {name}").text

    master, dovecot = processes("master"), processes("dovecot")
    worn.wear(replace(LOUD, dovecot={}))
    assert processes("dovecot") == dovecot
    assert processes("master") != master


def _without(settings: Settings, name: str) -> dict[str, str]:
    return {each: value for each, value in settings.items() if each != name}


def _steady(specimen: Specimen) -> Readings:
    """Its readings, but for what is new each time that somebody looks."""
    readings = specimen.readings
    return replace(readings, postfix=replace(readings.postfix, values=_without(readings.postfix.values, "process_id")))


def test_no_client_s_name_is_asked_of_a_resolver(dressed: Specimen) -> None:
    """The kernel limits how often it says that nobody listens; a resolver that hears nothing waits for five seconds."""
    roots = "for root in '' /var/spool/postfix; do"
    names = dressed.inside.run(f"{roots} grep -h '^hosts:' $root/etc/nsswitch.conf; done").text.split("\n")
    servers = dressed.inside.run(f"{roots} cat $root/etc/resolv.conf; done").text.split()
    assert {" ".join(line.split()) for line in names if line} == {"hosts: files"}
    assert set(servers) == {"nameserver", "127.0.0.1"}
