"""containers/releases.toml: what is read from it, and how a mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailproof.errors import Unusable
from mailproof.model import Release
from mailproof.releases import choose, hint, load_releases

OWN = Path(__file__).parents[2] / "containers" / "releases.toml"
FAMILY = '[family.debian]\nrecipe = "mail/Dockerfile"\n'
ROW = (
    '[release.debian-13]\nfamily = "debian"\ntitle = "Debian 13"\nsuite = "trixie"\n'
    'image = "debian:trixie-slim"\nstable = true\n'
)


def write(folder: Path, text: str) -> Path:
    (folder / "mail").mkdir(exist_ok=True)
    (folder / "mail" / "Dockerfile").touch()
    path = folder / "releases.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_row_becomes_a_release_with_its_familys_recipe(tmp_path: Path) -> None:
    row = ROW + 'drop_suites = ["gone"]\napt_options = ["A::B=c"]\nnote = "old"\n'
    found = load_releases(write(tmp_path, FAMILY + row))
    assert found == {
        "debian-13": Release(
            "debian-13", "debian", "Debian 13", "trixie", "debian:trixie-slim", "mail/Dockerfile",
            note="old", apt_options=("A::B=c",), drop_suites=("gone",), stable=True,
        )
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FAMILY + ROW.replace("suite =", "siute ="), "release.debian-13: there is no key siute: did you mean suite?"),
        (FAMILY + ROW.replace('suite = "trixie"\n', ""), "release.debian-13 lacks the key suite"),
        (FAMILY + ROW.replace('"trixie"', "13"), "release.debian-13.suite must be a str"),
        (FAMILY + ROW.replace("true", '"yes"'), "release.debian-13.stable must be a bool"),
        (FAMILY + ROW.replace('family = "debian"', 'family = "debain"'), "did you mean debian?"),
        (FAMILY + ROW.replace("true", "false"), "exactly one release must say `stable = true`"),
        (FAMILY.replace("recipe", "recipes") + ROW, "family.debian: there is no key recipes: did you mean recipe?"),
        (FAMILY.replace("mail/Dockerfile", "nowhere/Dockerfile") + ROW, "family.debian.recipe must name a Dockerfile"),
        ("release = 1\n" + FAMILY, "must be a table"),
        (FAMILY + "[relase.x]\n", "there is no key relase: did you mean release?"),
        (FAMILY + ROW + "drop_suites = [1]\n", "release.debian-13.drop_suites must hold texts only"),
        ("[family\n", "cannot be read"),
    ],
)
def test_a_mistake_is_named_with_file_key_and_nearest_name(tmp_path: Path, text: str, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(Unusable) as trouble:
        load_releases(path)
    assert str(path) in str(trouble.value)
    assert said in str(trouble.value)


def test_a_missing_file_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="cannot be read"):
        load_releases(tmp_path / "releases.toml")


def test_our_own_file_holds_the_four_debian_releases_and_calls_the_thirteenth_stable() -> None:
    releases = load_releases(OWN)
    assert list(releases) == ["debian-11", "debian-12", "debian-13", "debian-14"]
    assert choose((), releases) == (releases["debian-13"],)


def test_releases_are_chosen_by_name_once_each_and_all_means_every_one() -> None:
    releases = load_releases(OWN)
    twice = choose(("debian-12", "debian-11", "debian-12"), releases)
    assert [each.name for each in twice] == ["debian-12", "debian-11"]
    assert choose(("debian-12", "all"), releases) == tuple(releases.values())


def test_an_unknown_target_is_answered_with_the_nearest_even_beside_all() -> None:
    with pytest.raises(Unusable, match="--target debain-13: there is no such target: did you mean debian-13"):
        choose(("all", "debain-13"), load_releases(OWN))


def test_where_nothing_is_near_all_valid_names_are_listed() -> None:
    assert hint("xyzzy", ["pfs", "relay"]) == ": choose from pfs, relay"
