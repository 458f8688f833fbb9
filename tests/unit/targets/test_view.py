"""Effective settings as a control reads them: a yes is a yes in whatever letters it was written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from mailproof.dialect import Dialects
from mailproof.ledger import Recorder
from mailproof.model import Daemon, Role, Service
from mailproof.settings import parse_readings
from mailproof.targets.target import Target
from mailproof.targets.view import EffectiveSettings

FIXTURES = Path(__file__).parents[3] / "fixtures"
SMTP = Service("smtp", 25, Role.MX, Daemon.POSTFIX, entry="smtp/inet")


@pytest.mark.parametrize(
    ("written", "read"), [("YES", "yes"), ("No", "no"), ("yes", "yes"), ("Yesterday", "Yesterday"), ("MAY", "MAY")]
)
def test_only_a_yes_or_no_loses_its_capitals(written: str, read: str) -> None:
    text = (FIXTURES / "recorded" / "debian-13.txt").read_text(encoding="utf-8")
    readings = parse_readings(text)
    values = {**readings.postfix.values, "smtpd_tls_received_header": written}
    seen = replace(readings, postfix=replace(readings.postfix, values=values))
    target = SimpleNamespace(readings=seen, dialects=Dialects.load(FIXTURES / "dialects"))
    settings = EffectiveSettings(cast("Target", target), SMTP, Recorder())
    assert settings["smtpd_tls_received_header"] == read
