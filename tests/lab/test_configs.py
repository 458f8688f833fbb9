"""The sample trees get the verdicts that they must: good ones pass in all, bad ones are red for their mistake."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.lab.conftest import Inner, Outcome

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"
EXPECTED: Mapping[str, Mapping[str, Mapping[str, Any]]] = tomllib.loads((CONFIGS / "expected.toml").read_text("utf-8"))
WORST = ("fail", "error", "blind")
QUICK = (
    ("good", "mx-only"),
    ("bad", "dovecot-2.3-on-2.4"),
    ("bad", "removed-restriction"),
    ("bad", "sender-opens-relay"),
)
"""What every self-test judges; the others are nightly."""


def judged(inner: Inner, release: str, trees: Iterable[tuple[str, str]], *more: str) -> Outcome:
    """One run of several trees on one release."""
    options = [f"--mail-config={name}={CONFIGS / kind / name}" for kind, name in trees]
    return inner("-n", "2", "--target", release, *options, *more)


def check(ended: Outcome, release: str, trees: Iterable[tuple[str, str]]) -> None:
    for kind, name in trees:
        rows = [row for row in ended.record["results"] if row["target"] == f"{release}:{name}"]
        wrong = {f"{row['control']} {row['service']}: {row['reason'] or row['message']}" for row in rows
                 if row["verdict"] in WORST and row["level"] != "INFORMATIVE"}  # fmt: skip
        assert any(row["verdict"] == "pass" for row in rows) or wrong, f"nothing was judged of {name}"
        if kind == "good":
            assert not wrong, f"{name} on {release}: {wrong}"
        else:
            _red(name, rows)


def _red(name: str, rows: list[dict[str, Any]]) -> None:
    wanted = EXPECTED["bad"][name]
    failed = {row["control"]: row for row in rows if row["verdict"] == "fail"}
    assert set(wanted["fails"]) <= failed.keys(), f"{name}: only {sorted(failed)} failed"
    places = [line for row in failed.values() for line in row["lines"]]
    assert any(line.startswith(f"{wanted['line']}:") for line in places), f"{name}: {wanted['line']} not in {places}"


def on(release: str) -> list[tuple[str, str]]:
    """The trees that are for a release."""
    return [
        (kind, name) for kind, trees in EXPECTED.items() for name, tree in trees.items() if release in tree["targets"]
    ]


def test_every_tree_is_expected_and_every_expectation_has_a_tree() -> None:
    there = {(kind.name, tree.name) for kind in CONFIGS.iterdir() if kind.is_dir() for tree in kind.iterdir()}
    assert there == {(kind, name) for kind, trees in EXPECTED.items() for name in trees}
    assert all(tree["like"] in EXPECTED["good"] for tree in EXPECTED["bad"].values())


def test_good_trees_pass_and_bad_ones_are_red_for_their_mistake(inner: Inner, stable: str) -> None:
    ended = judged(inner, stable, QUICK, "--profile", "pfs")
    check(ended, stable, QUICK)
    assert (ended.status, ended.left) == (1, [])
    [dovecot] = {row["reason"] for row in ended.rows("dovecot-2.3-on-2.4") if row["verdict"] == "not-checked"}
    assert "The first setting must be dovecot_config_version" in dovecot
    [target] = [target for target in ended.record["targets"] if target["name"].endswith(":mx-only")]
    told = {row["subject"]: row["place"] for row in target["standins"]}
    assert told["certificate and key"].startswith("postfix/main.cf:") and told["policy service"].startswith("postfix/")
    assert {"lookup table", "mail filter", "way out"} <= told.keys() and target["kind"] == "config"


@pytest.mark.nightly
@pytest.mark.parametrize("release", ["debian-11", "debian-12", "debian-13", "debian-14"])
def test_so_do_all_of_them_on_every_release(inner: Inner, release: str) -> None:
    ended = judged(inner, release, on(release))
    check(ended, release, on(release))
    assert ended.left == []


def test_a_patch_mends_what_failed_and_nothing_else(inner: Inner, stable: str) -> None:
    ended = judged(inner, stable, [("bad", "static-rsa")], "--profile", "pfs", "--try-fixes")
    [fixes] = ended.record["fixes"]
    tried = fixes["tried"]
    assert (tried["left"], tried["broken"], tried["problem"]) == ([], [], "") and tried["mended"] > 0
    patch = (ended.report / fixes["patch"]).read_text(encoding="utf-8")
    assert "--- a/postfix/main.cf" in patch and "+smtpd_tls_exclude_ciphers = aNULL, kRSA" in patch
    assert ended.status == 1


@pytest.mark.nightly
def test_a_daemon_that_the_tree_does_not_configure_is_not_judged(inner: Inner, stable: str) -> None:
    ended = judged(inner, stable, [("good", "null-client")], "--profile", "pfs")
    assert ended.status == 0, ended.text
    assert ended.verdicts("/imap:143") == {"not-applicable"}
    assert "pass" in ended.verdicts("/postfix")
