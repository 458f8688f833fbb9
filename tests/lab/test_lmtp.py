"""LMTP over its unix socket and over TCP: TLS, our own hellos, and what keeps us from the socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mailproof.errors import Declined, Unreachable
from mailproof.ledger import Recorder
from mailproof.model import Daemon, Mutation, Protocol, Role, Security, Service
from mailproof.settings import READ_SCRIPT, dovecot_services, parse_readings
from mailproof.targets.endpoint import Endpoint
from mailproof.targets.inner import InnerStream
from mailproof.targets.specimen import Specimen
from mailproof.wire.answers import Refused
from mailproof.wire.offers import MODERN, STATIC_RSA, TLS_1_1, Offer
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello

OTHER = Mutation("other", dovecot={"auth_debug": "yes"})
SOCKET = Service("lmtp", None, Role.LOCAL, Daemon.DOVECOT, Protocol.LMTP, Security.NONE, "lmtp")
PORT = replace(SOCKET, port=110)
"""A port that every specimen opens to the outside: POP3's, which LMTP borrows."""
SCRIPT = """
set -e
cat >>/etc/dovecot/local.conf <<'END'
service lmtp {
  inet_listener lmtp {
    port = 110
  }
}
service pop3-login {
  inet_listener pop3 {
    port = 0
  }
}
END
dovecot stop 2>/dev/null || true
while pidof dovecot >/dev/null; do sleep 0.02; done
dovecot </dev/null >/run/mailproof-dovecot.out 2>&1
"""
X25519, STATIC, ALLOWED = (29,), (0x9C, 0x9D), (0x1301, 0x1302, 0xC02B, 0xC02C, 0xC02F, 0xC030)


@pytest.fixture(params=[SOCKET, PORT], ids=["unix", "tcp"])
def lmtp(each: Specimen, request: pytest.FixtureRequest) -> Iterator[Endpoint]:
    """LMTP on either of its listeners, as controls ask it."""
    if request.param is PORT:
        done = each.inside.run(SCRIPT)
        assert done.status == 0, done.errors
        assert PORT in dovecot_services(parse_readings(each.inside.run(READ_SCRIPT).text).dovecot)
    yield Endpoint(each, request.param, Recorder())
    if request.param is PORT:
        each.wear(OTHER)  # what touches Dovecot dresses it anew
        each.wear(None)


def test_tls_starts_and_mail_is_taken_in_it(lmtp: Endpoint) -> None:
    with lmtp.session() as session:
        assert session.offers_starttls
    with lmtp.session(MODERN) as session:
        assert not session.offers_starttls
        replies = [session.mail(""), session.rcpt("probe")]
    assert all(reply.ok for reply in replies), session.transcript


@pytest.mark.parametrize("offer", [STATIC_RSA, TLS_1_1], ids=str)
def test_a_forbidden_offer_is_refused(lmtp: Endpoint, offer: Offer) -> None:
    assert isinstance(lmtp.offer(offer), Refused)


def test_our_own_hellos_are_answered(lmtp: Endpoint) -> None:
    for version in ("TLSv1.2", "TLSv1.3"):
        chosen = lmtp.peer().probe(ClientHello((version,), ALLOWED, X25519))
        assert isinstance(chosen, Chosen)
        assert (chosen.version, chosen.group) == (version, X25519[0])
    assert isinstance(lmtp.peer().probe(ClientHello(("TLSv1.2",), STATIC, X25519)), Refused)


def test_without_ssl_the_socket_offers_no_tls(each: Specimen) -> None:
    each.wear(Mutation("no-ssl", dovecot={"ssl": "no"}))
    try:
        with pytest.raises(Declined, match="STARTTLS is not among the capabilities"):
            Endpoint(each, SOCKET, Recorder()).offer(MODERN)
    finally:
        each.wear(None)


def test_a_socket_that_nobody_serves_is_unreachable(each: Specimen) -> None:
    with pytest.raises(Unreachable, match="No such file or directory"):
        InnerStream.dial(each.started.container, "/run/nobody", 10.0)
    stale = "perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"/run/stale\", Listen => 1) or die'"
    assert each.inside.run(stale).status == 0
    with pytest.raises(Unreachable, match="Connection refused"):
        InnerStream.dial(each.started.container, "/run/stale", 10.0)
