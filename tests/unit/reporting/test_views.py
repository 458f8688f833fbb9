"""What all views have in common: the same figures, the same bytes, and no harm from what a server sends."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mailproof.model import Result
from mailproof.reporting.html import html
from mailproof.reporting.record import counts
from mailproof.reporting.summary import summary
from mailproof.reporting.terminal import closing, failures, header_lines
from mailproof.reporting.text import clip, one_line, printable
from mailproof.reporting.write import views

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
Sources = dict[str, dict[str, str]]
ParseXml = Callable[[str], ET.Element]

HARMFUL = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]|[\u202a-\u202e\u2066-\u2069]")
"""What must not reach any view as it is: controls, surrogates, text that runs backwards."""


class Tags(HTMLParser):
    """Collects the tags of a page, and the text outside script and style."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    return tags


def test_every_view_has_the_figures_of_the_record(mixed: Record, sources: Sources, parse_xml: ParseXml) -> None:
    found = counts(mixed)
    texts = views(mixed, {}, sources)
    assert counts(json.loads(texts["evidence.json"])) == found
    suite = parse_xml(texts["junit.xml"])[0]
    assert Counter(child.get("type") for case in suite for child in case) == {
        verdict: number for verdict, number in found.items() if number and verdict != "pass"
    }
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["7", "2", "1", "3"]
    table = dict(re.findall(r"^\| \S (\S+) \| (\d+) \|$", texts["summary.md"], re.MULTILINE))
    assert table == {verdict: str(number) for verdict, number in found.items() if number}
    shown = dict(re.findall(r'<b data-count="([a-z-]+)">(\d+)</b>', texts["report.html"]))
    assert shown == {verdict: str(number) for verdict, number in found.items() if number}
    tags = parsed(texts["report.html"]).tags
    rows = Counter(attributes["data-verdict"] for _, attributes in tags if "data-verdict" in attributes)
    assert rows == {verdict: number for verdict, number in found.items() if number}
    line = closing(mixed, Path("reports/latest/report.html"), 1.0)
    assert all(f"{number} {verdict}" in line for verdict, number in found.items() if number)


def test_the_same_record_gives_the_same_bytes(mixed: Record, sources: Sources, transcript: tuple[str, str]) -> None:
    again = json.loads(json.dumps(mixed))
    assert views(mixed, dict([transcript]), sources) == views(again, dict([transcript]), sources)


def test_nothing_harmful_reaches_a_view(mixed: Record, sources: Sources, transcript: tuple[str, str]) -> None:
    terminal = "\n".join([*header_lines(mixed["run"], mixed["targets"]), *failures(mixed)])
    for name, text in {**views(mixed, dict([transcript]), sources), "terminal": terminal}.items():
        assert not HARMFUL.search(text), f"{name}: {HARMFUL.search(text)}"
        assert "\\x1b[31mred" in text or name == "evidence.json", name


def test_hostile_text_stays_text_in_the_page(mixed: Record, transcript: tuple[str, str]) -> None:
    page = parsed(html(mixed, dict([transcript]), {}))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "<script>alert(1)</script>" in page.text


def test_hostile_text_stays_inside_code_blocks_of_the_summary(mixed: Record) -> None:
    text = summary(mixed, {})
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert "<script>" in text
    assert "script" not in outside
    assert "# head" not in outside


def test_hostile_text_has_no_style_in_the_terminal(make_record: MakeRecord, make_row: MakeRow) -> None:
    record = make_record([make_row("smtp:25", "fail", observed="[bold red]x[/] [link=file:///]y[/link]\x1b]0;z\x07")])
    shown = "\n".join(failures(record, colour=True, width=120))
    assert "[bold red]x[/] [link=file:///]y[/link]\\x1b]0;z\\x07" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\n", "plain\ttext\n"),
        ("\x1b[0m\r\x00\x7f\x9b", "\\x1b[0m\\x0d\\x00\\x7f\\x9b"),
        ("250 ok\r\n221 bye\r\n", "250 ok\n221 bye\n"),
        ("\u202e\u2028\ufeff\ud800\uffff", "\\u202e\\u2028\\ufeff\\ud800\\uffff"),
        ("Grüße, 世界 🙂", "Grüße, 世界 🙂"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_has_no_shape_is_spelt_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_text_says_how_much_was_left_out() -> None:
    assert clip("abcdef", 4) == "abcd… (2 more characters)"
    assert clip("abcd", 4) == "abcd"
    assert one_line(" a\n\tb ") == "a b"
