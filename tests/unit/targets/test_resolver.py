"""How a resolver's answers are read, and what is said where it gives none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from mailproof.errors import DidNotStart, Unreachable, Unread
from mailproof.targets import resolver
from mailproof.targets.inside import Inside
from mailproof.targets.lab import Started
from mailproof.targets.receiver import Receiver
from mailproof.targets.resolver import Resolver, let_ask, publish_resolver
from mailproof.targets.zone import BOGUS, INSECURE, SECURE, Answer, State, Zone

STARTED = Started("resolver", "resolver", container="c0ffee", own_address="198.18.0.3")
SAID = """;; ->>HEADER<<- opcode: QUERY, rcode: {status}, id: 60607
;; flags: {flags} ; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 0
;; QUESTION SECTION:
;; ad.test.	IN	A
;; EDNS: version 0; flags: do ; udp: 1232
"""


@dataclass(frozen=True)
class Done:
    """What testinfra gives back."""

    rc: int
    stdout: str
    stderr: str


class Container:
    """Runs no command, but says what a function makes of it."""

    def __init__(self, say: Callable[[str], str], status: int = 0) -> None:
        self.say = say
        self.status = status
        self.commands: list[str] = []

    def run(self, command: str) -> Done:
        self.commands.append(command)
        mark = re.search(r"mailproof-[0-9a-f]{16}", command)
        assert mark is not None
        return Done(0, f"{self.say(command)}\n{mark[0]} {self.status}\n", "the reason")


def one(say: Callable[[str], str], status: int = 0) -> tuple[Resolver, Container]:
    container = Container(say, status)
    return Resolver(STARTED, Inside(container, "resolver")), container


def answering(status: str, flags: str) -> Resolver:
    return one(lambda command: SAID.format(status=status, flags=flags))[0]


@pytest.mark.parametrize(
    ("status", "flags", "answer"),
    [
        ("NOERROR", "qr rd ra ad", SECURE),
        ("NOERROR", "qr rd ra", INSECURE),
        ("SERVFAIL", "qr rd ra", BOGUS),
        ("NXDOMAIN", "qr rd ra ad", Answer("NXDOMAIN", True)),
    ],
)
def test_status_and_the_ad_bit_are_read(status: str, flags: str, answer: Answer) -> None:
    assert answering(status, flags).ask("a.test", "A") == answer


@pytest.mark.parametrize("said", ["", "Error: error sending query: No (valid) nameservers defined in the resolver"])
def test_no_answer_is_no_answer(said: str) -> None:
    with pytest.raises(Unread, match=r"did not answer what a\.test A is"):
        one(lambda command: said)[0].ask("a.test", "A")


def test_a_resolver_that_vouches_for_nothing_is_not_taken_for_one_that_validates() -> None:
    with pytest.raises(DidNotStart, match=r"answers \. NS with .*False.* where it must with .*True"):
        answering("NOERROR", "qr rd ra").validate(True)


def test_a_resolver_that_vouches_is_not_taken_for_one_that_does_not() -> None:
    with pytest.raises(DidNotStart, match="where it must with"):
        answering("NOERROR", "qr rd ra ad").validate(False)


def test_a_bogus_zone_that_is_answered_is_told() -> None:
    with pytest.raises(DidNotStart, match=r"answers a\.test SOA"):
        answering("NOERROR", "qr rd ra ad").serve([Zone("a.test", State.EXPIRED, ())])


def test_a_step_that_fails_is_told_with_its_words() -> None:
    with pytest.raises(DidNotStart, match="the zones cannot be signed: the reason"):
        one(lambda command: "", status=1)[0].serve([])


def test_a_target_asks_in_its_chroot_as_well() -> None:
    _, container = one(lambda command: "")
    let_ask(Inside(container, "target"), "198.18.0.3")
    assert "nameserver 198.18.0.3" in container.commands[0]
    assert "/var/spool/postfix/etc/resolv.conf" in container.commands[0]


def test_a_target_that_cannot_be_made_to_ask_is_told() -> None:
    with pytest.raises(Unreachable, match="target cannot be made to ask another resolver: the reason"):
        let_ask(Inside(Container(lambda command: "", status=1), "target"), "198.18.0.3")


def test_a_resolver_without_destinations_is_published_with_the_reason(tmp_path: Path) -> None:
    def nobody() -> Receiver:
        raise DidNotStart("the destinations do not listen")

    assert publish_resolver(tmp_path, STARTED, nobody) == "resolver: the destinations do not listen"


def test_what_nobody_foresaw_is_published_as_well(tmp_path: Path) -> None:
    def broken() -> Receiver:
        raise RuntimeError("surprise")

    assert "unforeseen" in publish_resolver(tmp_path, STARTED, broken)


def test_destinations_whose_certificates_cannot_be_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = Container(lambda command: "", status=1)
    monkeypatch.setattr(resolver, "docker_inside", lambda *given: Inside(container, "destinations"))
    receiver = Receiver.attach({"started": asdict(STARTED)})
    assert publish_resolver(tmp_path, STARTED, lambda: receiver).startswith(
        "resolver: the destinations' certificates cannot be read: the reason"
    )
