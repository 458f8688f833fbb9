"""How a target sends to hosts that say in DNS which certificate they show (RFC 7672). Judges nothing.

The target asks the lab's own validating resolver; what it finds there, fixtures/dane.toml says.
"""

from __future__ import annotations

from mailproof.targets.course import Sent
from mailproof.targets.sending import Sending

MATCHING = "matching.signed.test"
"""A host whose records are as they should be."""


class Dane:
    """Sends messages from a target to the names of the lab's resolver."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending

    def send(self, name: str, beside: str = MATCHING) -> Sent:
        """Send to a name of fixtures/dane.toml; a message that does not come says something only where one to the name
        ``beside`` does (`Sending.sure`)."""
        return self._sending.sure(name, beside)
