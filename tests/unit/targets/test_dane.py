"""A message that does not come says something only beside one that does."""

from __future__ import annotations

from typing import cast

import pytest

from mailproof.errors import PositiveControlFailed
from mailproof.ledger import Recorder
from mailproof.targets.course import Sent
from mailproof.targets.dane import MATCHING, Dane
from mailproof.targets.journal import Trace
from mailproof.targets.receiver import Receiver
from mailproof.targets.sending import Sending
from mailproof.targets.specimen import Specimen

CAME = Sent("mx", "sent", "2.0.0", "ok", None, Trace((), ""))
KEPT = Sent("mx", "deferred", "4.7.5", "no", None, None)


class Post(Sending):
    """Sends nothing, but knows what becomes of a message."""

    def __init__(self, coming: set[str]) -> None:
        super().__init__(cast("Specimen", None), cast("Receiver", None), Recorder())
        self.coming = coming
        self.asked: list[str] = []

    def post(self, domain: str) -> Sent:
        self.asked.append(domain)
        return CAME if domain in self.coming else KEPT


def dane(*coming: str) -> tuple[Dane, Post]:
    post = Post(set(coming))
    return Dane(post), post


def test_one_that_comes_needs_no_other() -> None:
    asking, post = dane("a.test")
    assert asking.send("a.test") == CAME
    assert post.asked == ["a.test"]


def test_one_that_does_not_come_is_believed_beside_one_that_does() -> None:
    asking, post = dane(MATCHING)
    assert asking.send("a.test") == KEPT
    assert post.asked == ["a.test", MATCHING]


def test_where_none_comes_nothing_is_said() -> None:
    with pytest.raises(PositiveControlFailed, match=f"a message to {MATCHING} does not come either"):
        dane()[0].send("a.test")


@pytest.mark.parametrize("beside", ["", "a.test"])
def test_it_is_its_own_proof_or_needs_none(beside: str) -> None:
    asking, post = dane()
    assert asking.send("a.test", beside) == KEPT
    assert post.asked == ["a.test"]
