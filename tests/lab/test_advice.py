"""The historic profiles as users run them, and docs/advice.md: it says what a run sees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailproof.reporting.advice import advised, load_advice

if TYPE_CHECKING:
    from tests.lab.conftest import Inner

CHECKOUT = Path(__file__).parents[2]
HISTORIC = "pfs-2013,applied-crypto-2014,inclusion-list,received-header,relay-original"


def documented(release: str) -> dict[str, str]:
    """Entry -> what its cell says of a release."""
    found: dict[str, str] = {}
    for part in (CHECKOUT / "docs" / "advice.md").read_text(encoding="utf-8").split("\n### ")[1:]:
        table = re.search(r"^\| (.*) \|\n\|[-| ]+\|\n\| (.*) \|$", part, re.MULTILINE)
        if table:
            cells = dict(zip(table[1].split(" | "), table[2].split(" | "), strict=True))
            found[part.partition("\n")[0]] = cells[release]
    return found


def test_a_line_that_is_gone_and_one_that_works(inner: Inner, stable: str) -> None:
    ended = inner("--profile", "pfs-2013", "-k", "gendh-512 or smtpd-loglevel")
    gone, works = ended.rows("de-gendh-512]")[0], ended.rows("de-smtpd-loglevel]")[0]
    assert (ended.status, ended.left) == (1, [])
    assert (gone["verdict"], gone["effects"]) == ("fail", ["refused"])
    assert "Invalid command 'gendh'" in gone["message"]
    assert (works["verdict"], works["effects"]) == ("pass", ["works"])
    assert "smtp:25 has TLSv1.3 and its suite in the log" in works["observed"]


@pytest.mark.nightly
@pytest.mark.parametrize("release", ["debian-11", "debian-12", "debian-13", "debian-14"])
def test_the_documented_table_is_what_a_run_sees(inner: Inner, release: str) -> None:
    ended = inner("--profile", HISTORIC, "--target", release, "-n", "4")
    assert ended.left == []
    assert "error" not in ended.verdicts()
    seen = advised(ended.record, load_advice(CHECKOUT / "fixtures" / "advice.toml"))
    cells = {line.entry.id: line.cells[release].words for line in seen if release in line.cells}
    assert len(cells) > 80
    assert cells == documented(release)
