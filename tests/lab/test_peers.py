"""Mail to and from software that we did not write: whoever talks to a specimen, it arrives, and is forward-secret.

Each case is a cell of a matrix: release × program × way. It holds where both sides tell of the same TLS and the message
is really there. What is not to be had fails, and is no cell. The matrix is written among the temporary files.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import astuple, dataclass, replace
from shlex import quote

import pytest

from mailproof.errors import DidNotStart
from mailproof.model import Mutation
from mailproof.selection import Options, select
from mailproof.targets.lab import Started
from mailproof.targets.specimen import Specimen
from tests.lab.conftest import CHECKOUT, RELEASES, STABLE
from tests.lab.peer_clients import CLIENTS, RECIPIENT, Errand, script
from tests.lab.peers import (
    DEADLINE,
    MAILBOX,
    MTAS,
    VERIFIED,
    WORDS,
    Agreed,
    Meeting,
    Peer,
    arrival,
    attached,
    by_postfix,
    departure,
    login,
    message,
    read,
)

PEER_RELEASES = (STABLE, next(iter(RELEASES)))
"""Where the MTAs come from: today's, and the oldest that there is; the clients are today's."""
MTA_CASES = [(release, name, origin) for release in RELEASES for origin in PEER_RELEASES for name in MTAS]
ONLY_DHE = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA"
CLIENT_CASES = [
    (release, name, service, old)
    for release in RELEASES
    for name, client in CLIENTS.items()
    for service in client.services
    for old in (False, True)
]
HEAD = (
    "| specimen | peer | way | version | suite | group | trust | the peer says |\n|---|---|---|---|---|---|---|---|\n"
)

Count = Callable[["Cell"], None]


@dataclass(frozen=True)
class Cell:
    """What was agreed between a specimen and a peer: the specimen's own words, and the peer's."""

    release: str
    peer: str
    way: str
    ours: Agreed
    theirs: Agreed

    def __str__(self) -> str:
        """A row of a Markdown table."""
        said = " ".join(word for word in astuple(self.theirs) if word) or "nothing"
        columns = (self.release, self.peer, self.way, self.ours.version, self.ours.suite,
                   self.ours.group or self.theirs.group, self.theirs.trust or self.ours.trust, said)  # fmt: skip
        return f"| {' | '.join(columns)} |\n"


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meeting]:
    """Every release in the pfs profile, and every peer, in one network."""
    selection = select(CHECKOUT, Options(targets=tuple(RELEASES), profiles=("pfs",)), CHECKOUT)
    mtas = [(name, RELEASES[origin]) for origin in PEER_RELEASES for name in MTAS]
    with ExitStack() as ends:
        found = Meeting(selection, [("clients", RELEASES[STABLE]), *mtas], tmp_path_factory.mktemp("meeting"))
        ends.callback(found.close)
        yield found


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Cell]]:
    """All cells that held, written down in the end."""
    cells: list[Cell] = []
    yield cells
    path = tmp_path_factory.mktemp("peers") / "matrix.md"
    table = HEAD + "".join(map(str, cells))
    path.write_text(table, encoding="utf-8")
    print(f"\n{table}{path}: {len(cells)} cells")


@pytest.fixture
def count(request: pytest.FixtureRequest, matrix: list[Cell]) -> Count:
    """Judge a cell, and tell the closing line of it."""

    def counted(cell: Cell) -> None:
        judge(cell)
        matrix.append(cell)
        request.node.user_properties.append(("peers", 1))

    return counted


def judge(cell: Cell) -> None:
    """Fail unless both sides tell of the same TLS, which is new enough and forward-secret."""
    ours, theirs = cell.ours, cell.theirs
    assert ours.forward_secret, f"not forward-secret: {cell}"
    assert theirs.version in ("", ours.version), f"two versions: {cell}"
    assert theirs.suite in ("", ours.suite), f"two suites: {cell}"


@pytest.mark.nightly
@pytest.mark.parametrize(("release", "name", "origin"), MTA_CASES)
def test_mail_from_another_mta_arrives(meeting: Meeting, count: Count, release: str, name: str, origin: str) -> None:
    """The MTA was told to deliver to a verified host alone; an opportunistic one would not look at the certificate."""
    specimen, peer = _facing(meeting, release, name, origin)
    count(_received(specimen, peer, f"{name} of {origin}", "to smtp:25"))


@pytest.mark.nightly
@pytest.mark.parametrize(("release", "name", "origin"), MTA_CASES)
def test_mail_to_another_mta_arrives(meeting: Meeting, count: Count, release: str, name: str, origin: str) -> None:
    """The profile's client is opportunistic: «Trusted» says that the certificate is the CA's, not whose it is."""
    specimen, peer = _facing(meeting, release, name, origin)
    count(_sent(specimen, peer, f"{name} of {origin}", "from smtp"))


@pytest.mark.nightly
@pytest.mark.parametrize(("release", "name", "service", "old"), CLIENT_CASES)
def test_a_client_sends_or_fetches(
    meeting: Meeting, count: Count, release: str, name: str, service: str, old: bool
) -> None:
    """It trusts the run's CA; with another authority it does neither, so that its success says that it looked."""
    specimen, peer = _facing(meeting, release, "clients", STABLE)
    errand = _errand(specimen, service, old)
    refused = peer.inside.run(script(CLIENTS[name], replace(errand, ca="stranger")))
    assert refused.status != 0, f"{name} trusts a stranger's authority:\n{refused.text}"
    assert "certificate" in refused.text.lower(), f"{name} fails for another reason:\n{refused.text}"
    since = specimen.follower.mark()
    done = peer.inside.run(script(CLIENTS[name], errand))
    assert done.status == 0, done.text + done.errors
    ours, theirs = _here(specimen, errand, done.text, since), read(CLIENTS[name].says, done.text)
    assert theirs, f"{name} does not say what it agreed to:\n{done.text}"
    assert ours.version == ("TLSv1.2" if old else "TLSv1.3")
    count(Cell(release, name, service, ours, replace(theirs, trust="verified")))


@pytest.mark.nightly
@pytest.mark.parametrize("origin", PEER_RELEASES)
@pytest.mark.parametrize("release", RELEASES)
def test_exim_and_a_server_of_nothing_but_dhe(meeting: Meeting, count: Count, release: str, origin: str) -> None:
    """Where Exim demands 2048 bits, as Debian's once did, a server whose prime is shorter gets no mail from it."""
    specimen, peer = _facing(meeting, release, "exim4", origin, ONLY_DHE, "2048", **_dhe(2048))
    cell = _received(specimen, peer, f"exim4 of {origin}", "to smtp:25, DHE 2048")
    count(cell)
    specimen.wear(_ways(meeting, **_dhe(1024)))
    since, token = peer.follower.mark(), secrets.token_hex(8)
    peer.do(_posted(token, f"probe@{peer.host}", RECIPIENT))
    refused = peer.follower.wait(
        lambda lines: any("Diffie-Hellman prime" in each for each in lines) or None, since, DEADLINE
    )
    assert refused, f"Exim does not mind the prime:\n{_end(peer, since)}"
    assert specimen.inside.run(f"grep -q {token} {MAILBOX}").status == 1


@pytest.mark.nightly
@pytest.mark.parametrize("origin", PEER_RELEASES)
@pytest.mark.parametrize("release", RELEASES)
def test_exim_as_it_is_today_takes_a_prime_of_1024_bits(meeting: Meeting, release: str, origin: str) -> None:
    """So it is for the server to have none: no cell, since nobody should call this secret."""
    specimen, peer = _facing(meeting, release, "exim4", origin, ONLY_DHE, **_dhe(1024))
    cell = _received(specimen, peer, f"exim4 of {origin}", "to smtp:25, DHE 1024")
    assert (cell.ours.suite.partition("-")[0], cell.theirs.group) == ("DHE", "CUSTOM1024")


@pytest.mark.parametrize(
    ("agreed", "secret"),
    [
        (Agreed("TLSv1.3", "TLS_AES_128_GCM_SHA256"), True),
        (Agreed("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384"), True),
        (Agreed("TLSv1.2", "DHE-RSA-AES256-GCM-SHA384"), True),
        (Agreed("TLSv1.2", "AES256-GCM-SHA384"), False),
        (Agreed("TLSv1.2", "ADH-AES256-GCM-SHA384"), False),
        (Agreed("TLSv1.2", "AECDH-AES256-SHA"), False),
        (Agreed("TLSv1.1", "ECDHE-RSA-AES256-SHA"), False),
        (Agreed(), False),
    ],
)
def test_what_is_forward_secret(agreed: Agreed, secret: bool) -> None:
    assert agreed.forward_secret is secret


@pytest.mark.parametrize(
    "theirs", [Agreed("TLSv1.2", "TLS_AES_256_GCM_SHA384"), Agreed("TLSv1.3", "TLS_AES_128_GCM_SHA256")]
)
def test_a_peer_that_tells_of_another_connection_fails(theirs: Agreed) -> None:
    with pytest.raises(AssertionError, match="two"):
        judge(Cell("debian-13", "a", "smtp:25", Agreed("TLSv1.3", "TLS_AES_256_GCM_SHA384"), theirs))


def test_a_peer_that_is_not_to_be_had_is_named() -> None:
    key = "exim4-debian-13"
    with pytest.raises(DidNotStart, match=f"{key} is not to be had: no such package"):
        attached({key: Started(key, "", problem="no such package")}, "exim4", key)
    with pytest.raises(DidNotStart, match=f"{key} is not to be had: it did not start in time"):
        attached({}, "exim4", key)


def _facing(
    meeting: Meeting, release: str, name: str, origin: str, *words: str, **settings: str
) -> tuple[Specimen, Peer]:
    """A specimen and a peer that know the way to each other: it wears the settings, and the peer starts with words."""
    specimen, peer = meeting.specimen(f"{release}/pfs"), meeting.peer(name, origin)
    specimen.wear(_ways(meeting, **settings))
    peer.face(specimen, *words)
    return specimen, peer


def _ways(meeting: Meeting, **settings: str) -> Mutation:
    """The way to all peers, and what else a specimen is to wear."""
    return Mutation("ways", postfix={"transport_maps": meeting.transport(), **settings})


def _dhe(bits: int) -> dict[str, str]:
    """A server with a prime of this many bits, and nothing else up to TLS 1.2."""
    return {
        "tls_medium_cipherlist": "kDHE:!aNULL:@SECLEVEL=0",
        "smtpd_tls_dh1024_param_file": f"/etc/mailproof/files/dh-{bits}.pem",
    }


def _received(specimen: Specimen, peer: Peer, name: str, way: str) -> Cell:
    """Have the peer send a message to the specimen's mailbox, and see it there."""
    token = secrets.token_hex(8)
    since, theirs = specimen.follower.mark(), peer.follower.mark()
    peer.do(_posted(token, f"probe@{peer.host}", RECIPIENT))
    tls = specimen.follower.wait(lambda lines: arrival(lines, token), since, DEADLINE)
    assert tls, f"no TLS of a message of {name}:\n{_end(specimen, since)}\n{_end(peer, theirs)}"
    _await_in_mailbox(specimen, token)
    said = peer.log(WORDS[peer.name].sending, theirs)
    assert said.trust in VERIFIED, f"{name} does not trust the certificate: {said}"
    return Cell(specimen.release.name, name, way, by_postfix(tls), said)


def _sent(specimen: Specimen, peer: Peer, name: str, way: str) -> Cell:
    """Have the specimen send a message to the peer's mailbox, and see it there."""
    token = secrets.token_hex(8)
    since, theirs = specimen.follower.mark(), peer.follower.mark()
    done = specimen.inside.run(_posted(token, RECIPIENT, f"probe@{peer.host}"))
    assert done.status == 0, done.errors
    gone = specimen.follower.wait(lambda lines: departure(lines, token), since, DEADLINE)
    assert gone, f"the message came to no end:\n{_end(specimen, since)}"
    delivered, tls = gone
    assert delivered.status == "sent", f"{delivered.text}\n{_end(specimen, since)}"
    assert tls, f"it went in clear:\n{_end(specimen, since)}"
    assert tls.word == "Trusted", tls
    _await_in_mailbox(peer, token)
    said = replace(peer.log(WORDS[peer.name].receiving, theirs), trust="")
    return Cell(specimen.release.name, name, way, by_postfix(tls), said)


def _errand(specimen: Specimen, service: str, old: bool) -> Errand:
    """An errand with a user of its own, for whom a message lies ready where one is to be fetched."""
    user, password = specimen.account()
    found = next(each for each in specimen.services if str(each) == service)
    errand = Errand(found, user, password, secrets.token_hex(8), old=old)
    if not errand.sends:
        done = specimen.inside.run(f"printf {quote(message(errand.token, user))} | doveadm save -u {user}")
        assert done.status == 0, done.errors
    return errand


def _here(specimen: Specimen, errand: Errand, fetched: str, since: int) -> Agreed:
    """What the specimen says of the errand's connection, once its message is where it should be."""
    log = specimen.follower
    if errand.sends:
        tls = log.wait(lambda lines: arrival(lines, errand.token), since, DEADLINE)
        assert tls, f"no TLS of the message:\n{_end(specimen, since)}"
        _await_in_mailbox(specimen, errand.token)
        return by_postfix(tls)
    assert errand.token in fetched, f"the message was not fetched:\n{fetched}"
    entry = log.wait(lambda lines: login(lines, errand.user), since, DEADLINE)
    assert entry, f"no login of {errand.user}:\n{_end(specimen, since)}"
    return Agreed(entry.version or "", entry.suite or "")


def _posted(token: str, sender: str, to: str) -> str:
    return f"printf {quote(message(token, to))} | sendmail -f {sender} {to}"


def _await_in_mailbox(where: Specimen | Peer, token: str) -> None:
    """A mailbox is written after its server has answered for it."""
    found = where.inside.run(f"until grep -qs {token} {MAILBOX}; do sleep 0.02; done", int(DEADLINE))
    assert found.status == 0


def _end(where: Specimen | Peer, since: int) -> str:
    return "\n".join(where.follower.lines(since)[-15:])
