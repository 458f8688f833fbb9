"""The main job as users run it: green on every release in our profiles, red on what releases ship."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailproof.reporting.record import problems

if TYPE_CHECKING:
    from tests.lab.conftest import Inner

CHECKOUT = Path(__file__).parents[2]
STOCK_25 = ("--mail-config", "stock", "--profile", "pfs", "tests/handshake", "-k", "smtp:25")
RED = ("refuses_static_rsa[{}:stock/pfs/smtp:25]", "refuses_old_versions[{}:stock/pfs/smtp:25-tls-1.1]")


def test_check_may_be_called_from_any_directory(tmp_path: Path) -> None:
    done = subprocess.run([CHECKOUT / "check", "--collect-only", "-q", "-k", "static_rsa"], cwd=tmp_path, text=True,
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_refuses_static_rsa[" in done.stdout


def test_stock_postfix_accepts_static_rsa_and_tls_1_1_on_port_25(inner: Inner, stable: str) -> None:
    ended = inner(*STOCK_25)
    for node in RED:
        [row] = ended.rows(node.format(stable))
        assert (row["verdict"], row["observed"] != "") == ("fail", True)
    assert (ended.status, ended.left) == (1, [])
    assert {row["verdict"] for row in ended.rows("/submission")} == {"not-applicable"}
    assert not any(row["verdict"] == "error" for row in ended.rows())
    assert "PFS-3" in ended.words and "PFS-6" in ended.words


@pytest.mark.nightly
@pytest.mark.parametrize("release", ["debian-12", "debian-14"])
def test_so_do_the_releases_before_and_after(inner: Inner, release: str) -> None:
    ended = inner(*STOCK_25, "--target", release)
    for node in RED:
        assert ended.verdicts(node.format(release)) == {"fail"}
    assert (ended.status, ended.left) == (1, [])


@pytest.mark.nightly
def test_both_profiles_hold_on_every_release(inner: Inner) -> None:
    ended = inner("--target", "all")
    assert ended.status == 0, ended.text
    assert ended.left == []
    assert {target["name"] for target in ended.record["targets"]} == {f"debian-{number}" for number in range(11, 15)}
    assert ended.verdicts() <= {"pass", "not-applicable"}
    assert problems(ended.record) == []
    assert all(target["versions"] and target["image_digest"] for target in ended.record["targets"])


@pytest.mark.nightly
def test_stock_is_judged_on_every_release_without_an_error(inner: Inner) -> None:
    ended = inner("--target", "all", "--mail-config", "stock")
    assert (ended.status, ended.left) == (1, [])
    assert "error" not in ended.verdicts()
