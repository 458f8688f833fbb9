"""Clients as facts: the file is read strictly, and what a client makes of an answer is told apart."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from mailproof.errors import Unusable
from mailproof.wire.answers import Refused
from mailproof.wire.clients import Basis, Client, Kind, Outcome, load_clients, simulate, simulation_table
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import client_hello
from mailproof.wire.tls.registry import GROUPS, SUITES
from mailproof.wire.tls.suites import forward_secret, words

ROOT = Path(__file__).parents[3]
CLIENTS = ROOT / "fixtures" / "clients.toml"
CONTROLS = ROOT / "tests" / "handshake" / "test_old_clients.py"
NONCE = bytes(range(64))
SUITE = {name: number for number, name in SUITES.items()}
GROUP = {name: number for number, name in GROUPS.items()}
REFUSED = Refused("alert", "handshake_failure")

WRITTEN = """
[old-mail]
title = "Old Mail"
kind = "mail-program"
era = 2012
versions = "TLSv1 TLSv1.2"
suites = "ECDHE-RSA-AES128-SHA AES128-SHA DHE-RSA-AES128-SHA"
groups = "secp256r1"
shares = ""
signatures = "rsa_pkcs1_sha256"
server_name = true
ticket = true
extended_master_secret = false
encrypt_then_mac = false
renegotiation_info = true
smallest_dh = 1024
largest_dh = 4096
basis = "recorded"
source = "a recording"
"""


@pytest.fixture(scope="module")
def clients() -> dict[str, Client]:
    return load_clients(CLIENTS)


def written(place: Path, text: str = WRITTEN) -> Path:
    path = place / "clients.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def old_mail(tmp_path: Path) -> Client:
    return load_clients(written(tmp_path))["old-mail"]


def chosen(suite: str, version: str = "TLSv1.2", prime: int | None = None) -> Chosen:
    return Chosen(version, SUITE[suite], prime=prime)


def test_a_client_is_read_whole(old_mail: Client) -> None:
    hello = old_mail.hello
    assert (old_mail.title, old_mail.kind, old_mail.era) == ("Old Mail", Kind.MAIL_PROGRAM, 2012)
    assert (old_mail.smallest_dh, old_mail.largest_dh, old_mail.basis) == (1024, 4096, Basis.RECORDED)
    assert hello.versions == ("TLSv1", "TLSv1.2")
    assert hello.suites == (0xC013, 0x002F, 0x0033)
    assert (hello.groups, hello.shares, hello.signatures) == ((23,), (), (0x0401,))
    assert (hello.ticket, hello.extended_master_secret, hello.encrypt_then_mac) == (b"", False, False)


def test_a_client_names_the_server_only_where_it_does(old_mail: Client) -> None:
    assert old_mail.hello_to("mail.test").server_name == "mail.test"
    assert replace(old_mail, names_server=False).hello_to("mail.test").server_name is None


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ('kind = "mail-program"', 'kind = "mail-programme"', "old-mail.kind: mail-programme is unknown: did you mean"),
        ('basis = "recorded"', 'basis = "heard"', "old-mail.basis: heard is unknown"),
        ("era = 2012", "era = 20120", "old-mail.era: must be a year"),
        ("era = 2012", 'era = "2012"', "old-mail.era: must be of type int"),
        ("ticket = true", "ticket = 1", "old-mail.ticket: must be of type bool"),
        ("smallest_dh = 1024", "smallest_dh = true", "old-mail.smallest_dh: must be of type int"),
        ("smallest_dh = 1024", "smallest_dh = -1", "old-mail.smallest_dh: must be at least 0"),
        ("smallest_dh = 1024", "smallest_dh = 8192", "old-mail.largest_dh: must be above smallest_dh"),
        ("smallest_dh = 1024", "", "old-mail.smallest_dh: is missing"),
        ("server_name = true", "sni = true", "old-mail.sni: sni is unknown"),
        ('title = "Old Mail"', 'title = " "', "old-mail.title: is empty"),
        ('source = "a recording"', 'source = ""', "old-mail.source: is empty"),
        ('versions = "TLSv1 TLSv1.2"', 'versions = "TLSv1 TLS1.2"', "old-mail.versions: TLS1.2 is unknown: did"),
        ('versions = "TLSv1 TLSv1.2"', 'versions = "SSLv2 TLSv1.2"', "old-mail.versions: make no hello"),
        ('versions = "TLSv1 TLSv1.2"', 'versions = "TLSv1"', "old-mail.signatures: must be there with TLS 1.2"),
        ('versions = "TLSv1 TLSv1.2"', 'versions = "TLSv1.2 TLSv1.3"', "old-mail.suites: must hold some of TLS 1.3"),
        ('suites = "ECDHE-RSA-AES128-SHA ', 'suites = "ECDHE-RSA-AES129-SHA ', "did you mean ECDHE-RSA-AES128-SHA?"),
        ('suites = "ECDHE-RSA-AES128-SHA ', 'suites = "AES128-SHA ', "old-mail.suites: names something twice"),
        ('suites = "ECDHE-RSA-AES128-SHA ', 'suites = "TLS_AES_128_GCM_SHA256 ', "old-mail.suites: must hold some"),
        ('groups = "secp256r1"', 'groups = "secp256r2"', "old-mail.groups: secp256r2 is unknown"),
        ('shares = ""', 'shares = "secp256r1"', "old-mail.shares: must be there with TLS 1.3"),
        ('signatures = "rsa_pkcs1_sha256"', 'signatures = "rsa"', "old-mail.signatures: rsa is unknown"),
        ("[old-mail]", '["Old Mail"]', "Old Mail is no client"),
        ("[old-mail]", "nothing = 1\n[old-mail]", "nothing is no client"),
        ("[old-mail]", "[old-mail", "cannot be read"),
        (WRITTEN, "", "holds no clients"),
    ],
)  # fmt: skip
def test_a_field_that_makes_no_sense_is_named(tmp_path: Path, before: str, after: str, complaint: str) -> None:
    assert before in WRITTEN
    path = written(tmp_path, WRITTEN.replace(before, after, 1))
    with pytest.raises(Unusable) as raised:
        load_clients(path)
    assert str(raised.value).startswith(str(path))
    assert complaint in str(raised.value)


def test_tls_1_3_needs_a_share_of_an_offered_group(tmp_path: Path) -> None:
    text = WRITTEN.replace("TLSv1.2", "TLSv1.2 TLSv1.3").replace('suites = "', 'suites = "TLS_AES_128_GCM_SHA256 ')
    with pytest.raises(Unusable, match=r"old-mail\.shares: must be there with TLS 1\.3"):
        load_clients(written(tmp_path, text))
    with pytest.raises(Unusable, match=r"old-mail\.shares: must be for groups that are offered"):
        load_clients(written(tmp_path, text.replace('shares = ""', 'shares = "x25519"')))
    with pytest.raises(Unusable, match=r"old-mail\.groups: must not be empty"):
        load_clients(written(tmp_path, text.replace('groups = "secp256r1"', 'groups = ""')))
    assert load_clients(written(tmp_path, text.replace('shares = ""', 'shares = "secp256r1"')))


def test_no_file_is_no_clients(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="cannot be read"):
        load_clients(tmp_path / "clients.toml")


@pytest.mark.parametrize(
    ("answer", "outcome", "said"),
    [
        (REFUSED, Outcome.REFUSED, "handshake_failure"),
        (chosen("ECDHE-RSA-AES128-SHA"), Outcome.SAFE, "TLSv1.2 ECDHE-RSA-AES128-SHA"),
        (chosen("AES128-SHA"), Outcome.UNSAFE, "TLSv1.2 AES128-SHA"),
        (chosen("DHE-RSA-AES128-SHA", prime=2**1022 + 1), Outcome.GIVES_UP, "no DH below 1024 bits, and gets 1023"),
        (chosen("DHE-RSA-AES128-SHA", prime=2**1023 + 1), Outcome.SAFE, "DH 1024 bits"),
        (chosen("DHE-RSA-AES128-SHA", prime=2**4095 + 1), Outcome.SAFE, "DH 4096 bits"),
        (chosen("DHE-RSA-AES128-SHA", prime=2**4096 + 1), Outcome.GIVES_UP, "no DH above 4096 bits, and gets 4097"),
        (chosen("ADH-AES128-SHA"), Outcome.GIVES_UP, "did not offer ADH-AES128-SHA"),
        (chosen("AES128-SHA", "TLSv1.1"), Outcome.GIVES_UP, "does not speak TLSv1.1"),
    ],
)
def test_what_becomes_of_an_answer(old_mail: Client, answer: Chosen | Refused, outcome: Outcome, said: str) -> None:
    found = simulate(old_mail, answer)
    assert found.outcome is outcome
    assert found.goes_on is (outcome in {Outcome.SAFE, Outcome.UNSAFE})
    assert said in str(found)
    assert str(found).startswith("Old Mail: ")


def test_a_sender_that_offers_anonymous_suites_takes_them_and_has_no_forward_secrecy(
    clients: dict[str, Client],
) -> None:
    found = simulate(clients["postfix-3.10"], chosen("ADH-AES256-GCM-SHA384", prime=2**2047 + 1))
    assert found.outcome is Outcome.UNSAFE


def test_limits_that_are_not_known_are_no_limits(old_mail: Client) -> None:
    client = replace(old_mail, smallest_dh=0, largest_dh=None)
    for bits in (512, 8192):
        answer = chosen("DHE-RSA-AES128-SHA", prime=2 ** (bits - 1) + 1)
        assert simulate(client, answer).outcome is Outcome.SAFE


def test_the_table_has_a_row_for_each_client_and_a_column_for_each_service(old_mail: Client) -> None:
    sender = replace(old_mail, id="sender", title="A Sender", kind=Kind.SENDER, era=1999)
    older = replace(old_mail, id="older", title="Older Mail", era=2010, basis=Basis.DOCUMENTED)
    agreed, static = simulate(old_mail, chosen("ECDHE-RSA-AES128-SHA")), simulate(older, chosen("AES128-SHA"))
    table = simulation_table({"smtp:25": [simulate(sender, REFUSED)], "imap:143": [agreed, static]})
    assert table == (
        ("client", "year", "basis", "smtp:25", "imap:143"),
        ("Older Mail", "2010", "documented", "", "agreed, not forward secret: TLSv1.2 AES128-SHA"),
        ("Old Mail", "2012", "recorded", "", "agreed, forward secret: TLSv1.2 ECDHE-RSA-AES128-SHA"),
        ("A Sender", "1999", "recorded", "refused (alert handshake_failure)", ""),
    )
    assert simulation_table({}) == (("client", "year", "basis"),)


def test_every_client_can_be_said_and_read_back(clients: dict[str, Client]) -> None:
    for client in clients.values():
        said = client.hello_to("mail.test")
        heard = client_hello(said.encode(NONCE))
        assert (heard.suites, heard.groups, heard.shares) == (said.suites, said.groups, said.shares), client.id
        assert heard.signatures == said.signatures, client.id
        assert (heard.server_name, heard.ticket) == (said.server_name, said.ticket), client.id
        assert heard.renegotiation_info, client.id
        assert heard.newest == said.newest, client.id


def test_the_clients_that_the_issue_asks_for_are_there(clients: dict[str, Client]) -> None:
    kinds = {client.kind for client in clients.values()}
    assert kinds == set(Kind)
    for family in ("apple-mail", "outlook", "thunderbird", "thunderbird-android", "k9-mail", "android-mail", "exim",
                   "postfix-2.11", "postfix-3", "exchange-2016", "exchange-2019", "gmail"):  # fmt: skip
        assert any(id.startswith(family) for id in clients), family


def test_what_the_clients_are_known_for(clients: dict[str, Client]) -> None:
    """The German article's Apple Mail and K-9, Debian's Exim, and key exchange of today."""
    apple = clients["apple-mail-10.8"].hello.suites
    assert apple.index(SUITE["AES128-SHA"]) < apple.index(SUITE["DHE-RSA-AES128-SHA"])
    assert clients["k9-mail-4.4"].hello.suites[:2] == (SUITE["RC4-MD5"], SUITE["RC4-SHA"])
    assert not any("ECDHE" in words(SUITES[suite]) for suite in clients["exim-4.80"].hello.suites)
    assert clients["exim-4.80"].smallest_dh == 2048
    assert clients["gmail"].hello.groups[0] == GROUP["X25519MLKEM768"]
    anonymous = SUITES[clients["postfix-3.10"].hello.suites[3]]
    assert "aNULL" in words(anonymous)


def asked() -> dict[str, tuple[str, ...]]:
    """Control -> the variants that it is asked in, as its decorator says."""
    calls = [node for node in ast.walk(ast.parse(CONTROLS.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    declared = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "control"]
    return {
        ast.literal_eval(call.args[0]): ast.literal_eval(keyword.value)
        for call in declared
        for keyword in call.keywords
        if keyword.arg == "variants"
    }


def test_controls_ask_only_about_clients_that_are_known(clients: dict[str, Client]) -> None:
    kinds = {"CLI-1": Kind.MAIL_PROGRAM, "CLI-2": Kind.MAIL_PROGRAM, "CLI-3": Kind.SENDER, "CLI-4": Kind.SENDER}
    assert set(asked()) == set(kinds)
    for control, variants in asked().items():
        assert {clients[variant].kind for variant in variants} == {kinds[control]}, control


def test_whoever_is_asked_for_forward_secrecy_could_do_without(clients: dict[str, Client]) -> None:
    """A client of TLS 1.3 cannot agree to less; asking it would prove nothing."""
    for control in ("CLI-1", "CLI-3"):
        for variant in asked()[control]:
            hello = clients[variant].hello
            assert hello.newest != "TLSv1.3", variant
            assert any(not forward_secret("TLSv1.2", SUITES[suite]) for suite in hello.suites), variant
