"""summary.md: the verdict first, and never too long to be shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mailproof.model import Result
from mailproof.reporting.summary import summary

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
Sources = dict[str, dict[str, str]]


def test_the_verdict_comes_first(mixed: Record) -> None:
    assert summary(mixed, {}).startswith("# ✕ Failed: 2 of 4 judged cases failed, 1 could not be judged, 1 waived.")


def test_a_finding_says_required_observed_fix_and_source(
    make_record: MakeRecord, make_row: MakeRow, sources: Sources
) -> None:
    text = summary(make_record([make_row("smtp:25", "fail")]), sources)
    parts = [
        "### ✕ PFS-3: Refuses static rsa",
        "**Required**\n\n```text\nstatic RSA is refused\n```",
        "**Observed** on `debian-13/pfs: smtp:25`\n\n```text\nagreed on AES128-SHA\n```",
        "**Fix**\n\n```text\nsmtpd_tls_exclude_ciphers = kRSA\n```",
        "**Source** [RFC 9325 §4.1](<https://www.rfc-editor.org/rfc/rfc9325#section-4.1>)",
    ]
    places = [text.find(part) for part in parts]
    assert -1 not in places
    assert places == sorted(places)


def test_a_long_summary_fits_and_says_what_it_leaves_out(make_record: MakeRecord, make_row: MakeRow) -> None:
    rows = [make_row(f"smtp:{n}", "fail", control=f"X-{n}", observed="é\x1b" * 9000) for n in range(300)]
    text = summary(make_record(rows), {})
    more = re.search(r"\*\*(\d+) more findings\*\* in report.html", text)
    assert len(text.encode()) < 1_048_576
    assert more
    assert int(more[1]) + text.count("\n### ") == 300


def test_many_observations_of_one_finding_are_counted_not_listed(make_record: MakeRecord, make_row: MakeRow) -> None:
    rows = [make_row(f"smtp:{n}", "fail", observed=f"saw {n}") for n in range(30)]
    text = summary(make_record(rows), {})
    assert text.count("**Observed**") == 20
    assert "**10 more** observations" in text


def test_a_clean_run_has_no_findings(make_record: MakeRecord, make_row: MakeRow) -> None:
    text = summary(make_record([make_row()]), {})
    assert text.startswith("# ✓ All hold: 0 of 1 judged cases failed.")
    assert "## Findings" not in text
