"""All that is asked of one container goes to one worker: no case may take another's log lines for its own."""

from __future__ import annotations

import pytest

from mailproof.workers import SpecimenScheduling


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("debian-13/pfs/smtp:25", "debian-13/pfs/imap:143-tls-1.2+broken", True),
        ("debian-13/pfs/smtp:25", "debian-13/relay/smtp:25", False),
        ("debian-13:mail/pfs/smtp:25", "debian-13:mail/relay/smtp:25", True),
        ("debian-13:mail/pfs/smtp:25", "debian-12:mail/pfs/smtp:25", False),
        ("ssh:mx1/pfs/smtp:25", "ssh:mx1/relay/postfix", True),
    ],
)
def test_a_container_is_one_worker_s(one: str, other: str, together: bool) -> None:
    schedule = SpecimenScheduling.__new__(SpecimenScheduling)
    scopes = {schedule._split_scope(f"tests/x.py::test[{case}]") for case in (one, other)}
    assert (len(scopes) == 1) is together
