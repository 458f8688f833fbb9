"""Clearing away what runs leave: two at once do not stumble over each other."""

from __future__ import annotations

from typing import Any, cast

import pytest
from docker.errors import APIError
from docker.models.containers import Container
from requests import Response

from mailproof.errors import Unreachable
from mailproof.targets.lab import Started, _discard


class Stubborn:
    """A container that the engine does not remove, for a reason given as an HTTP status."""

    def __init__(self, status: int) -> None:
        self.status = status

    def remove(self, **how: bool) -> None:
        response = Response()
        response.status_code = self.status
        raise APIError("refused", response=cast("Any", response))


@pytest.mark.parametrize("status", [404, 409])
def test_a_container_that_is_going_already_is_no_trouble(status: int) -> None:
    _discard(cast("Container", Stubborn(status)))


def test_an_engine_that_cannot_remove_is_heard() -> None:
    with pytest.raises(APIError):
        _discard(cast("Container", Stubborn(500)))


def test_a_port_that_was_not_published_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="port 2000 of debian-13:stock"):
        Started("debian-13:stock", "debian-13").address(2000)
