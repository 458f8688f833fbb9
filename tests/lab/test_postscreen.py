"""postscreen and tlsproxy before port 25: a client that is put off, or whom they serve, is never judged wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mailproof.errors import Ambiguous, Busy, LogSilent
from mailproof.ledger import Recorder
from mailproof.logs import postfix
from mailproof.model import Mutation, Service
from mailproof.settings import READ_SCRIPT, PostfixView, parse_readings, postfix_services
from mailproof.targets import journal
from mailproof.targets.decisions import FOREIGN, LOCAL
from mailproof.targets.dress import HOME
from mailproof.targets.endpoint import Endpoint
from mailproof.targets.follower import LOG
from mailproof.targets.journal import Journal
from mailproof.targets.ready import await_ready
from mailproof.targets.specimen import Specimen
from mailproof.wire.answers import Refused
from mailproof.wire.offers import ANONYMOUS, MODERN, STATIC_RSA, TLS_1_1, TLS_1_2, TLS_1_3, Offer
from mailproof.wire.stream import SocketStream
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello

Screen = Callable[..., PostfixView]

OTHER = Mutation("other", postfix={"smtpd_tls_loglevel": "2"})
PATIENCE = 12.0
SCRIPT = """
set -e
postfix stop 2>/dev/null || true
{home}/dress
chroot=$(postconf -F -h smtp/inet/chroot)
postconf -M "smtp/inet=smtp inet n - $chroot - 1 postscreen" "smtpd/pass=smtpd pass - - $chroot - - smtpd" \
  "dnsblog/unix=dnsblog unix - - $chroot - 0 dnsblog" "tlsproxy/unix=tlsproxy unix - - $chroot - 0 tlsproxy"
postconf -e postscreen_greet_action=enforce postscreen_greet_wait=1s {settings}
{more}
touch -d '1 minute ago' /etc/postfix/main.cf /etc/postfix/master.cf
rm -f "$(postconf -h data_directory)"/postscreen_cache*
: >{log}
/usr/lib/postfix/sbin/master -w </dev/null >/run/mailproof-postfix.out 2>&1
"""
DEEP = ("postscreen_pipelining_enable=yes", "postscreen_non_smtp_command_enable=yes",
        "postscreen_bare_newline_enable=yes")  # fmt: skip
FORGETFUL = (*DEEP, "postscreen_cache_map=")
"""Every client is a new one, so that it is always tlsproxy with which we shake hands."""
LIMITS = {  # postscreen counts the clients that it keeps, anvil those that smtpd has
    "postscreen": (*FORGETFUL, "postscreen_client_connection_count_limit=1"),
    "smtpd": ("smtpd_client_connection_count_limit=1", "postscreen_client_connection_count_limit=50"),
}
X25519, STATIC = (29,), (0x9C, 0x9D)
ALLOWED = (0x1301, 0x1302, 0xC02B, 0xC02C, 0xC02F, 0xC030)


@pytest.fixture(scope="module")
def screen(each: Specimen) -> Iterator[Screen]:
    """Puts postscreen before port 25, without what an earlier test put there; returns what Postfix says of itself."""

    def put(*settings: str, more: str = "") -> PostfixView:
        done = each.inside.run(SCRIPT.format(settings=" ".join(map(repr, settings)), more=more, home=HOME, log=LOG))
        assert done.status == 0, done.errors
        return parse_readings(each.inside.run(READ_SCRIPT).text).postfix

    yield put
    each.wear(OTHER)  # what touches Postfix dresses it anew
    each.wear(None)


@pytest.fixture
def mx(each: Specimen) -> Endpoint:
    """Port 25, as controls ask it."""
    return Endpoint(each, service(each), Recorder())


def service(specimen: Specimen) -> Service:
    return next(each for each in specimen.services if str(each) == "smtp:25")


def logged(specimen: Specimen) -> str:
    return specimen.inside.run(f"cat {LOG}").text


def dialled(specimen: Specimen) -> SocketStream:
    """A connection to port 25 on which nothing was said."""
    return SocketStream.connect(*specimen.started.address(25), PATIENCE)


def test_we_wait_for_the_whole_of_the_greeting(each: Specimen, mx: Endpoint, screen: Screen) -> None:
    screen()
    with mx.session() as session:
        said = session.transcript
    greeting = said.partition("> EHLO")[0].splitlines()
    assert [line[:6] for line in greeting] == ["< 220-", "< 220 "]
    assert "PREGREET" not in logged(each)
    assert "PASS NEW" in logged(each)


def test_one_who_does_not_wait_is_caught(each: Specimen, screen: Screen) -> None:
    """Else the test above would show nothing."""
    screen()
    early = dialled(each)
    early.send(b"EHLO early.mailproof.test\r\n")
    while early.receive().rpartition(b"\r\n")[0].rpartition(b"\n")[2][:4] != b"250 ":
        pass
    early.close()
    assert "PREGREET" in logged(each)


def test_a_new_client_who_is_put_off_is_no_verdict_and_a_known_one_gets_smtpd(mx: Endpoint, screen: Screen) -> None:
    for recipient in (FOREIGN, LOCAL):
        screen(*DEEP)
        with pytest.raises(Busy, match=r"450 4\.3\.2"):
            mx.decisions(MODERN, recipient=recipient)
        assert {each.relayed for each in mx.decisions(MODERN, recipient=recipient)} == {recipient == LOCAL}


def test_who_has_been_seen_ready_is_no_new_client(each: Specimen, mx: Endpoint, screen: Screen) -> None:
    screen(*DEEP)
    await_ready(each.started, each.inside, [service(each)])
    assert not any(decision.relayed for decision in mx.decisions(None))
    assert logged(each).count("PASS NEW") == 1


def test_tlsproxy_answers_offers_as_smtpd_does(each: Specimen, mx: Endpoint, screen: Screen) -> None:
    screen(*FORGETFUL)
    assert mx.agreed(TLS_1_3).version == "TLSv1.3"
    assert mx.agreed(TLS_1_2).version == "TLSv1.2"
    assert {offer.name: _how(mx, offer) for offer in (STATIC_RSA, ANONYMOUS, TLS_1_1)} == {
        "static RSA": ("alert", "handshake_failure"), "anonymous": ("alert", "handshake_failure"),
        "TLS 1.1": ("alert", "protocol_version"),
    }  # fmt: skip
    assert _shaken(each) == {"tlsproxy"}


def test_tlsproxy_answers_our_own_hellos_as_smtpd_does(each: Specimen, mx: Endpoint, screen: Screen) -> None:
    screen(*FORGETFUL)
    chosen = mx.peer().probe(ClientHello(("TLSv1.2", "TLSv1.3"), ALLOWED, X25519))
    assert isinstance(chosen, Chosen)
    assert chosen.version == "TLSv1.3"
    refused = mx.peer().probe(ClientHello(("TLSv1.2",), STATIC, X25519))
    assert isinstance(refused, Refused)
    assert (refused.how, refused.alert) == ("alert", "handshake_failure")


def test_a_log_that_only_tlsproxy_wrote_is_none_of_smtpd_s(
    each: Specimen, mx: Endpoint, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen(*FORGETFUL)
    monkeypatch.setattr(journal, "DEADLINE", 1.0)
    looking = Journal(each, service(each), Recorder())
    with pytest.raises(Busy):
        mx.visit(MODERN)
    with pytest.raises(LogSilent):
        looking.connection("probe-of-nobody.mailproof.test")


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_too_many_connections_are_an_error(
    each: Specimen, mx: Endpoint, screen: Screen, limits: tuple[str, ...]
) -> None:
    screen(*limits)
    with mx.session():
        with pytest.raises(Busy, match=r"421 4\.7\.0 .*too many connections"):
            mx.offer(STATIC_RSA)
        with pytest.raises(Busy, match=r"421 4\.7\.0 .*too many connections"):
            mx.peer().probe(ClientHello(("TLSv1.2",), STATIC))
    mx.agreed(MODERN)


@pytest.mark.parametrize("where", ["tlsproxy/unix/smtpd_tls_protocols", "tlsproxy/unix/tlsproxy_tls_protocols"])
def test_what_rules_tlsproxy_alone_leaves_the_setting_undecided(mx: Endpoint, screen: Screen, where: str) -> None:
    """What is read agrees with the wire: new clients are refused what known ones may have."""
    plain = screen(*FORGETFUL)
    assert plain.effective("smtp/inet", "smtpd_tls_protocols")
    mx.agreed(TLS_1_2)
    changed = screen(*FORGETFUL, more=f"postconf -P '{where}=!SSLv2,!SSLv3,!TLSv1,!TLSv1.1,!TLSv1.2'")
    assert isinstance(mx.peer().offer(TLS_1_2), Refused)
    with pytest.raises(Ambiguous, match="smtpd_tls_protocols is not the same"):
        changed.effective("smtp/inet", "smtpd_tls_protocols")


@pytest.mark.parametrize("name", ["postscreen_tls_security_level", "smtpd_tls_security_level"])
def test_postscreen_has_a_tls_level_of_its_own(mx: Endpoint, screen: Screen, name: str) -> None:
    view = screen(*FORGETFUL, more=f"postconf -P smtp/inet/{name}=none")
    with mx.session() as session:
        assert not session.offers_starttls
    with pytest.raises(Ambiguous, match="smtpd_tls_security_level is not the same"):
        view.effective("smtp/inet", "smtpd_tls_security_level")


def test_every_tls_setting_can_be_read_behind_a_postscreen_that_adds_nothing(each: Specimen, screen: Screen) -> None:
    view = screen()
    names = [name for name in view.values if name.startswith(("smtpd_", "tls_"))]
    assert {name: view.effective("smtp/inet", name) for name in names} == {name: view.values[name] for name in names}
    assert service(each) in postfix_services(view)


def _how(mx: Endpoint, offer: Offer) -> tuple[str, str | None]:
    answer = mx.peer().offer(offer)
    assert isinstance(answer, Refused)
    return answer.how, answer.alert


def _shaken(specimen: Specimen) -> set[str]:
    """The daemons that logged a finished handshake."""
    records = map(postfix.parse, logged(specimen).splitlines())
    return {record.process.daemon for record in records if isinstance(record, postfix.TlsEstablished)}
