"""What a message that does not come says, and when it says nothing."""

from __future__ import annotations

from typing import cast

import pytest

from mailproof.errors import PositiveControlFailed, Undecided
from mailproof.ledger import Recorder
from mailproof.targets.course import Sent
from mailproof.targets.journal import Trace
from mailproof.targets.receiver import Receiver
from mailproof.targets.sending import ABROAD, Sending, _script
from mailproof.targets.specimen import Specimen

CAME = Sent("host", "sent", "2.0.0", "250 Ok", None, Trace((), ""))
HELD = Sent("host", "deferred", "4.7.5", "Server certificate not verified", None, None)
UNREACHED = Sent("none", "deferred", "4.4.1", "Connection refused", None, None)
HOSTS = "198.18.0.9 good.destinations.test\n198.18.0.9 tls-1.2.destinations.test\n"


class Answered(Sending):
    """A sender whose messages end as given, by the first label of their domain."""

    def __init__(self, ends: dict[str, Sent]) -> None:
        super().__init__(cast("Specimen", None), cast("Receiver", None), Recorder())
        self.ends = ends
        self.posted: list[str] = []

    def post(self, domain: str) -> Sent:
        self.posted.append(domain)
        return self.ends[domain.partition(".")[0]]


def test_what_comes_needs_nothing_beside() -> None:
    sending = Answered({"no-starttls": CAME})
    assert sending.send("no-starttls") is CAME
    assert sending.posted == ["no-starttls.destinations.test"]


def test_what_does_not_come_counts_only_beside_what_does() -> None:
    sending = Answered({"expired": HELD, "good": CAME})
    assert sending.send("expired") is HELD
    assert sending.posted == ["expired.destinations.test", "good.destinations.test"]
    with pytest.raises(PositiveControlFailed, match="good"):
        Answered({"expired": HELD, "good": HELD}).send("expired")
    assert Answered({"expired": HELD}).send("expired", beside="") is HELD


def test_good_has_nothing_beside_it() -> None:
    assert Answered({"good": HELD}).send() is HELD


def test_a_destination_that_is_not_reached_is_no_refusal() -> None:
    with pytest.raises(Undecided, match="Connection refused"):
        Answered({"static-rsa": UNREACHED, "good": CAME}).send("static-rsa")
    with pytest.raises(Undecided, match="Connection refused"):
        Answered({"abroad": UNREACHED}).abroad()


def test_mail_for_the_world_goes_to_a_domain_that_no_table_knows() -> None:
    sending = Answered({"abroad": CAME})
    assert sending.abroad() is CAME
    assert sending.posted == [ABROAD]


def test_a_message_is_known_by_its_message_id_and_the_hosts_are_written_once() -> None:
    text = _script("0123456789abcdef", "good.destinations.test", HOSTS)
    assert "Message-ID: <0123456789abcdef@mailproof.test>" in text
    assert "grep -qF '198.18.0.9 good.destinations.test' /etc/hosts" in text
    assert text.rstrip().endswith("-f 0123456789abcdef@mailproof.test 0123456789abcdef@good.destinations.test")
