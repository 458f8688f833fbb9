"""report.html: complete without script or network, and its own policy allows what it holds."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any

from mailproof.model import Result
from mailproof.reporting.html import CASES, TEMPLATES, TRANSCRIPT, html

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
Sources = dict[str, dict[str, str]]


def test_the_policy_allows_exactly_the_page_s_own_style_and_script(mixed: Record) -> None:
    page = html(mixed, {}, {})
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none';")
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]
    assert " style=" not in page
    assert " onclick=" not in page


def test_the_page_asks_the_network_for_nothing(mixed: Record) -> None:
    page = html(mixed, {}, {})
    assert not re.search(r"<(img|link|iframe|object|embed|audio|video)\b|\bsrc=|@import|url\(", page)


def test_a_source_links_to_its_section(mixed: Record, sources: Sources) -> None:
    assert '<a href="https://www.rfc-editor.org/rfc/rfc9325#section-4.1">RFC 9325 §4.1</a>' in html(mixed, {}, sources)


def test_failures_come_first(mixed: Record) -> None:
    found = re.findall(r'data-verdict="([a-z-]+)"', html(mixed, {}, {}))
    assert found[:3] == ["fail", "fail", "error"]
    assert found[-2:] == ["pass", "not-applicable"]


def test_what_passes_is_folded_by_control(make_record: MakeRecord, make_row: MakeRow) -> None:
    rows = [make_row(f"smtp:{number}", control=f"X-{number % 8}") for number in range(400)]
    page = html(make_record([*rows, make_row("imap:143", "fail", control="X-3")]), {}, {})
    assert re.findall(r'<article class="control (\w+)" id="control-(X-\d)"', page)[:2] == [
        ("fail", "X-3"),
        ("pass", "X-0"),
    ]
    assert page.count('<details class="others">') == 8
    assert page.count('data-verdict="pass"') == 400
    unfolded = re.sub(r'<details class="others">.*?</details>', "", page, flags=re.DOTALL)
    assert re.findall(r'data-verdict="([a-z-]+)"', unfolded) == ["fail"]


def test_a_failure_that_does_not_count_is_noted(make_record: MakeRecord, make_row: MakeRow) -> None:
    page = html(make_record([make_row("smtp:25", "fail", level="SHOULD"), make_row()]), {}, {})
    assert '<article class="finding noted">' in page
    assert "failed, but does not fail the run" in page
    assert '<article class="finding fail">' not in page


def test_more_cases_than_the_page_holds_are_counted(make_record: MakeRecord, make_row: MakeRow) -> None:
    rows = [make_row(f"smtp:{number}", observed="<" * 5000) for number in range(CASES[0])]
    page = html(make_record([*rows, make_row("imap:143", "fail")]), {}, {})
    listed = page.count("data-verdict=")
    assert listed in CASES[1:]
    assert len(page.encode()) < 5_000_000
    assert f"{CASES[0] + 1 - listed:,} more cases, all less urgent" in page
    assert 'data-verdict="fail"' in page


def test_the_page_identifies_run_and_targets(mixed: Record) -> None:
    page = html(mixed, {}, {})
    target = mixed["targets"][0]
    facts = [mixed["run"]["id"], mixed["run"]["commit"], target["image_digest"], target["container"], "cd" * 32]
    assert all(fact in page for fact in [*facts, "3.10.13-0+deb13u1", "suite main only", "7 planned = 5 run"])


def test_a_transcript_is_held_once_and_linked_again(mixed: Record, transcript: tuple[str, str]) -> None:
    page = html(mixed, dict([transcript]), {})
    assert page.count("<pre ") == 1
    assert page.count(f'<a href="#transcript-{transcript[0]}">Transcript shown above</a>') == 2


def test_a_long_transcript_is_cut_and_says_where_it_is_whole(make_record: MakeRecord, make_row: MakeRow) -> None:
    sha = "ef" * 32
    page = html(make_record([make_row("smtp:25", "fail", transcript=sha)]), {sha: "x" * (TRANSCRIPT + 1)}, {})
    assert "x" * TRANSCRIPT in page
    assert "x" * (TRANSCRIPT + 1) not in page
    assert f"Full text in raw/{sha}.txt" in page


def test_many_transcripts_do_not_make_the_page_unreadable(make_record: MakeRecord, make_row: MakeRow) -> None:
    shas = [f"{number:064x}" for number in range(300)]
    rows = [make_row(f"smtp:{number}", transcript=sha) for number, sha in enumerate(shas)]
    for text, least in (("x", 4_500_000), ("<", 4_500_000)):
        page = html(make_record(rows), dict.fromkeys(shas, text * TRANSCRIPT), {})
        assert least < len(page.encode()) < 5_000_000
        assert page.count("<pre ") + page.count("Transcript: full text in raw/") == len(shas)


def test_a_lost_transcript_is_named(mixed: Record, transcript: tuple[str, str]) -> None:
    assert (
        html(mixed, {}, {}).count(f'<b>Transcript missing or altered:</b> <code class="hash">raw/{transcript[0]}.txt')
        == 3
    )


def test_text_has_enough_contrast_in_light_and_dark() -> None:
    light, dark = (dict(_colours(block)) for block in _palettes())
    for palette in (light, dark):
        for tone in ("pass", "fail", "error", "blind", "waived", "idle"):
            grounds = (palette["sheet"], palette["page"], palette[f"{tone}-tint"])
            assert min(_contrast(palette[tone], ground) for ground in grounds) >= 4.5, tone
        for ink in ("ink", "soft", "link"):
            assert min(_contrast(palette[ink], palette[ground]) for ground in ("sheet", "page")) >= 4.5, ink


def _palettes() -> list[str]:
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return re.findall(r":root \{(.*?)\}", style, re.DOTALL)[:2]


def _colours(block: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r"--([a-z-]+): #([0-9a-f]{6})", block)


def _contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    dim, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance of an sRGB colour."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_cell_of_the_matrix_shows_the_worst_verdict_of_those_that_apply(
    make_record: MakeRecord, make_row: MakeRow
) -> None:
    rows = [make_row("smtp:25"), make_row("imap:143"), make_row("lmtp", "not-applicable")]
    assert _cells(html(make_record(rows), {}, {})) == ["pass 2"]
    assert _cells(html(make_record([*rows, make_row("pop3:110", "fail")]), {}, {})) == ["fail 1of 3"]


def _cells(page: str) -> list[str]:
    matrix = page.partition('<table class="matrix">')[2].partition("</table>")[0]
    cells = re.findall(r'<td class="[a-z-]+"><span aria-hidden="true">.</span>(.*?)</td>', matrix)
    return [re.sub(r"<[^>]+>", "", cell) for cell in cells]
