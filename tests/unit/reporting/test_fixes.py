"""What a user's own configuration adds to the views: its lines, its stand-ins, its patch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailproof.model import Result
from mailproof.reporting.html import html
from mailproof.reporting.record import validate
from mailproof.reporting.summary import summary
from mailproof.reporting.terminal import summary as closing

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
TRIED = {"mended": 2, "left": [], "broken": [], "problem": ""}


@pytest.fixture
def own(make_record: MakeRecord, make_row: MakeRow) -> Record:
    """A record in which a user's own configuration failed."""
    lines, fix = ["postfix/main.cf:12: smtpd_tls_loglevel = <0>"], ["postconf -e 'smtpd_tls_loglevel = 1'"]
    record = make_record([make_row("smtp:25", "fail", lines=lines, fix=fix)])
    standin = {
        "subject": "mail filter",
        "named": "smtpd_milters = <b>",
        "place": "postfix/main.cf:3",
        "instead": "none",
    }
    record["targets"][0]["standins"] = [standin]
    record["fixes"] = [{"target": "debian-13:mail", "patch": "fixes/debian-13@mail.patch", "tried": dict(TRIED)}]
    return record


def views(record: Record) -> dict[str, str]:
    return {"page": html(record, {}, {}, ()), "summary": summary(record, {}),
            "terminal": "\n".join(closing(record, Path("report"), 1.0))}  # fmt: skip


def test_the_record_with_them_holds_against_its_schema(own: Record) -> None:
    validate(own)


@pytest.mark.parametrize("view", ["page", "summary", "terminal"])
def test_lines_commands_and_the_patch_are_shown(view: str, own: Record) -> None:
    text = " ".join(views(own)[view].replace("&#39;", "'").split())
    assert "postfix/main.cf:12" in text
    assert "postconf -e 'smtpd_tls_loglevel = 1'" in text
    assert "debian-13@mail.patch" in text.replace("&#64;", "@")
    assert "with it 2 failed cases of 2 hold" in text


@pytest.mark.parametrize("view", ["page", "summary"])
def test_stand_ins_are_listed_and_stay_text(view: str, own: Record) -> None:
    text = views(own)[view]
    assert "postfix/main.cf:3" in text
    assert "smtpd_milters = <b>" not in text or view == "summary"


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        (None, "--try-fixes judges the twin with it"),
        ({**TRIED, "problem": "the engine is gone"}, "not tried: the engine is gone"),
        ({**TRIED, "left": ["a"], "broken": ["b"]}, "with it 2 failed cases of 3 hold, 1 other case no longer"),
    ],
)
def test_what_a_patch_does_is_said_as_it_was_seen(tried: dict[str, Any] | None, said: str, own: Record) -> None:
    own["fixes"][0]["tried"] = tried
    assert said in " ".join(views(own)["terminal"].split())
