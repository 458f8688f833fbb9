"""How pytest-xdist shares a run: everything that concerns one specimen goes to one worker."""

from __future__ import annotations

from typing import Any

from xdist.scheduler import LoadScopeScheduling


class SpecimenScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Groups node ids by the target and profile that their case begins with. What wears no profile (``debian-13:mail``,
    ``ssh:mx1``) is one and the same under all profiles, and goes to one worker under all of them."""

    def _split_scope(self, nodeid: str) -> str:
        case = nodeid.partition("[")[2]
        target = case.partition("/")[0]
        worn = target if ":" in target else case.rpartition("/")[0]
        return worn if case else super()._split_scope(nodeid)


def scheduler(config: Any, log: Any) -> SpecimenScheduling:
    """The scheduler of a run."""
    return SpecimenScheduling(config, log)
