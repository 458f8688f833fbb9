"""One question by a hello of our own: only what answers the offer is an answer, everything else raises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from mailproof.errors import CannotOffer, ConnectionDropped, GarbledReply, MailproofError, TimedOut
from mailproof.wire.answers import BROKEN, Refused
from mailproof.wire.probe import probe
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello, client_hello
from mailproof.wire.tls.registry import ALERTS
from tests.unit.wire.stubs import (
    DONE,
    SSL_2_NO_CIPHER,
    alert,
    certificate,
    dhe,
    ecdhe,
    flight,
    record,
    retry,
    server_hello,
    server_hello_13,
    ssl_2_hello,
)

HELLO = ClientHello(("TLSv1.3", "TLSv1.2"), (0x1301, 0xC02F, 0x9E), (29, 23), "both", shares=(29,))
SSL_2 = ClientHello(("SSLv2",), (0x010080,))


class Said:
    """A carrier that hears the hello and says what it is given; an exception in it is raised."""

    def __init__(self, *says: bytes | Exception, delivered: bool = True) -> None:
        self.delivered = delivered
        self.heard = b""
        self._says: Iterable[bytes | Exception] = iter(says)

    def send(self, data: bytes) -> None:
        self.heard += data

    def receive(self) -> bytes:
        said = next(iter(self._says), b"")
        if isinstance(said, Exception):
            raise said
        return said

    def close(self) -> None:
        pass


def test_the_hello_goes_out_whole_and_different_each_time() -> None:
    first, second = Said(alert("handshake_failure")), Said(alert("handshake_failure"))
    probe(first, HELLO)
    probe(second, HELLO)
    assert client_hello(first.heard).suites == HELLO.suites
    assert client_hello(first.heard).shares == HELLO.shares
    assert first.heard != second.heard


@pytest.mark.parametrize(
    ("says", "version", "suite", "group"),
    [
        (flight(server_hello_13()), "TLSv1.3", 0x1301, 29),
        (flight(retry(23)), "TLSv1.3", 0x1301, 23),
        (flight(server_hello(0xC02F), certificate(), ecdhe(23), DONE), "TLSv1.2", 0xC02F, 23),
        (alert("unrecognized_name", 1) + flight(server_hello(0x9E), certificate(), dhe(23), DONE),
         "TLSv1.2", 0x9E, None),
    ],
)  # fmt: skip
def test_a_choice_is_told_with_its_story(says: bytes, version: str, suite: int, group: int | None) -> None:
    answer = probe(Said(says[:5], says[5:]), HELLO)
    assert isinstance(answer, Chosen)
    assert (answer.version, answer.suite, answer.group) == (version, suite, group)
    hello, outcome = answer.transcript.splitlines()
    assert hello == (
        "TLS hello «both»: TLSv1.3, TLSv1.2; TLS_AES_128_GCM_SHA256 ECDHE-RSA-AES128-GCM-SHA256 "
        "DHE-RSA-AES128-GCM-SHA256; x25519 secp256r1"
    )
    assert outcome == f"answer: chose {answer}"


def test_ssl_2_is_chosen_and_refused_in_its_own_words() -> None:
    answer = probe(Said(ssl_2_hello(0x010080)), SSL_2)
    assert isinstance(answer, Chosen)
    assert str(answer) == "SSLv2 RC4-MD5"
    assert probe(Said(SSL_2_NO_CIPHER), SSL_2) == Refused(
        "alert", "handshake_failure", "TLS hello «SSLv2; 1 suites, 0 groups»: SSLv2; 0x10080; no groups\n"
        "answer: fatal alert handshake_failure",
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(ALERTS.values()) - BROKEN))
def test_an_alert_that_declines_is_a_refusal(name: str) -> None:
    answer = probe(Said(alert(name)), HELLO)
    assert isinstance(answer, Refused)
    assert (answer.how, answer.alert) == ("alert", name)
    assert answer.transcript.endswith(f"answer: fatal alert {name}")


def test_a_close_without_a_byte_is_a_refusal_of_its_own_kind() -> None:
    answer = probe(Said(), HELLO)
    assert isinstance(answer, Refused)
    assert (answer.how, answer.alert) == ("closed", None)
    assert answer.transcript.endswith("answer: closed without a byte")


Case = tuple[Sequence[bytes | Exception], bool, type[MailproofError]]

NOTHING: dict[str, Case] = {
    "closed, but the hello was not sent": ([], False, ConnectionDropped),
    "closed in the middle": ([flight(server_hello(0xC02F))], True, ConnectionDropped),
    "closed in the middle of a record": ([b"\x16"], True, ConnectionDropped),
    "closed after a warning": ([alert("unrecognized_name", 1)], True, ConnectionDropped),
    "reset": ([ConnectionDropped("the connection broke")], True, ConnectionDropped),
    "time-out": ([TimedOut("no answer")], True, TimedOut),
    "time-out in the middle": ([flight(server_hello(0xC02F)), TimedOut("no answer")], True, TimedOut),
    "alert after a choice": ([flight(server_hello(0xC02F)), alert("handshake_failure")], True, ConnectionDropped),
    "an alert that nobody registered": ([record(b"\2\xfe", 21)], True, ConnectionDropped),
    "a warning that it leaves": ([alert("close_notify", 1)], True, ConnectionDropped),
    "421 in place of TLS": ([b"421 4.3.2 Service shutting down\r\n"], True, GarbledReply),
    "421, short": ([b"421\n"], True, ConnectionDropped),
    **{f"alert {name}": ([alert(name)], True, ConnectionDropped) for name in sorted(BROKEN)},
}


@pytest.mark.parametrize("case", NOTHING)
def test_what_answers_no_offer_is_never_a_refusal(case: str) -> None:
    says, delivered, trouble = NOTHING[case]
    with pytest.raises(MailproofError) as caught:
        probe(Said(*says, delivered=delivered), HELLO)
    assert type(caught.value) is trouble


def test_a_hello_that_cannot_be_written_sends_nothing() -> None:
    carrier = Said()
    with pytest.raises(CannotOffer):
        probe(carrier, ClientHello(("TLSv1.2",), ()))
    assert carrier.heard == b""
