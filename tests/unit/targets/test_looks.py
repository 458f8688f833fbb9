"""Facts of a service of our own making: only the answer to a whole hello is a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from mailproof.errors import Busy, ConnectionDropped, MailproofError, PositiveControlFailed, TimedOut
from mailproof.model import Security
from mailproof.targets import looks
from mailproof.targets.endpoint import Endpoint
from mailproof.wire.answers import Refused
from mailproof.wire.hellos import MODERN_HELLO, STATIC_RSA
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import ClientHello

CHOSEN = Chosen("TLSv1.2", 0xC030, 29)
REFUSED = Refused("alert", "handshake_failure")
Answers = Callable[[ClientHello], Chosen | Refused]


class Fake:
    """An endpoint whose peer answers as it is told."""

    def __init__(self, answers: Answers, session: MailproofError | None = None) -> None:
        self.answers, self.trouble = answers, session
        self.service = type("Service", (), {"security": Security.STARTTLS, "__str__": lambda _: "smtp:25"})()

    def peer(self) -> Fake:
        return self

    def probe(self, hello: ClientHello) -> Chosen | Refused:
        return self.answers(hello)

    def presenting(self, offer: object, client: str) -> None:
        return None

    @contextmanager
    def session(self, offer: object) -> Iterator[Any]:
        if self.trouble:
            raise self.trouble
        yield None


def facts(answers: Answers) -> dict[str, int | None]:
    return looks._tls(cast("Endpoint", Fake(answers)))


def dying(error: MailproofError) -> Answers:
    """A service that lives, but for the question about static RSA."""

    def answer(hello: ClientHello) -> Chosen | Refused:
        if hello.name == STATIC_RSA.name:
            raise error
        return CHOSEN

    return answer


def test_a_refusal_is_a_fact() -> None:
    found = facts(lambda hello: REFUSED if hello.name == STATIC_RSA.name else CHOSEN)
    assert (found["refuses static RSA"], found["refuses TLS 1.0"], found["serves TLS 1.3"]) == (1, 0, 1)


def test_a_connection_that_dies_under_the_question_refuses_nothing() -> None:
    assert facts(dying(ConnectionDropped("reset")))["refuses static RSA"] is None


@pytest.mark.parametrize("error", [Busy("421 too many", "421 4.7.0 too many"), TimedOut("silence")])
def test_a_rate_limit_and_silence_are_no_facts_at_all(error: MailproofError) -> None:
    with pytest.raises(type(error)):
        facts(dying(error))


def test_refusals_of_a_service_that_lost_its_tls_meanwhile_say_nothing() -> None:
    def answer(hello: ClientHello) -> Chosen | Refused:
        if hello.name == MODERN_HELLO.name:
            raise ConnectionDropped("gone")
        return REFUSED

    with pytest.raises(PositiveControlFailed):
        facts(answer)


def test_who_is_turned_away_for_his_certificate_is_not_taken_in_and_who_is_limited_is_an_error() -> None:
    wanted = Busy("no", "421 4.7.1 mail Error: No client certificate presented")
    assert looks._takes(cast("Endpoint", Fake(lambda _: CHOSEN, wanted)), None, "", "a@b") is False
    for trouble in (Busy("no", "421 4.3.2 too many connections"), ConnectionDropped("reset")):
        with pytest.raises(type(trouble)):
            looks._takes(cast("Endpoint", Fake(lambda _: CHOSEN, trouble)), None, "", "a@b")
