"""What can be said of the command line before anything is installed. Pure but for looking at named files and folders.

pytest validates the whole command line later; what is checked here costs no set-up when it is wrong.
"""

from __future__ import annotations

import argparse
import configparser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mailproof.errors import Unusable
from mailproof.releases import choose, hint, load_releases
from mailproof.trees import load_trees

OWN_TESTS = ("tests/unit", "tests/meta", "tests/lab")
_WITHOUT_CONTAINERS = ("tests/unit", "tests/meta")
PROOFS = ("--prove", "--prove=quick", "--prove=matrix")
_TAKE_A_VALUE = (
    "-c", "-k", "-m", "-n", "-o", "-p", "-r", "-W",
    "--basetemp", "--confcutdir", "--deselect", "--ignore", "--ignore-glob", "--rootdir",
)  # fmt: skip
"""pytest's options whose value could be taken for the path of a test."""
_ONLY_TELL = ("--explain", "-h", "--help", "-V", "--version", "--markers", "--fixtures", "--fixtures-per-test")
_ONLY_COLLECT = ("--collect-only", "--collectonly", "--co")


@dataclass(frozen=True, slots=True)
class Asked:
    """mailproof's own options as given, unparsed where pytest's plugin parses them."""

    targets: tuple[str, ...]
    profiles: tuple[str, ...]
    mail_configs: tuple[str, ...]
    hosts: str | None
    prove: bool
    report_dir: str | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Unusable(message)


def read(arguments: Sequence[str]) -> Asked:
    """Pick mailproof's own options out of pytest's; raises `Unusable` where one lacks its value."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    for name in ("--target", "--profile", "--mail-config"):
        parser.add_argument(name, action="append", default=[])
    for name in ("--hosts", "--report-dir"):
        parser.add_argument(name)
    for name in PROOFS:
        parser.add_argument(name, dest="prove", action="store_true")
    for word in arguments:
        if word.startswith("--prove=") and word not in PROOFS:
            raise Unusable(f"{word}: there is no such proof{hint(word, PROOFS)}")
    given = parser.parse_known_args(list(arguments))[0]
    return Asked(
        _split(given.target), _split(given.profile), tuple(given.mail_config), given.hosts, given.prove,
        given.report_dir,
    )  # fmt: skip


def validate(asked: Asked, checkout: Path) -> None:
    """Check the options' values against what the checkout and the caller's directory hold; raises `Unusable`."""
    choose(asked.targets, load_releases(checkout / "containers" / "releases.toml"))
    profiles = sorted(path.stem for path in (checkout / "fixtures" / "profiles").glob("*.toml"))
    for name in asked.profiles:
        if name not in profiles and not Path(name).is_file():
            raise Unusable(f"--profile {name}: there is neither such a profile nor such a file{hint(name, profiles)}")
    load_trees(asked.mail_configs, Path.cwd(), exclusive=False)
    if asked.prove and (asked.hosts or asked.mail_configs):
        other = "--hosts" if asked.hosts else "--mail-config"
        raise Unusable(f"--prove breaks what it judges, so it goes with specimens only: leave out {other}")
    if asked.report_dir and Path(asked.report_dir).exists() and not Path(asked.report_dir).is_dir():
        raise Unusable(f"--report-dir {asked.report_dir}: that is a file; name a directory")


def needs_engine(arguments: Sequence[str], asked: Asked, checkout: Path) -> bool:
    """True where the command line starts containers, or cannot be told not to."""
    if any(word.partition("=")[0] in _ONLY_TELL for word in arguments):
        return False
    if any(word in _ONLY_COLLECT for word in arguments):
        return bool(asked.mail_configs)
    if asked.hosts and not asked.targets and not asked.mail_configs:
        return False
    free = [checkout / room for room in _WITHOUT_CONTAINERS]
    named = test_paths(arguments, checkout)
    return not named or any(not any(path.is_relative_to(room) for room in free) for path in named)


def pytest_arguments(job: str, arguments: Sequence[str], checkout: Path) -> list[str]:
    """The caller's arguments; where he named no tests, with the controls, or for the job ``self`` with the project's
    own tests, by their paths: pytest finds the checkout's conftest.py then, from whatever directory it is called."""
    if test_paths(arguments, checkout):
        return list(arguments)
    rooms = OWN_TESTS if job == "self" else _rooms(checkout)
    return [*(str(checkout / room) for room in rooms if (checkout / room).is_dir()), *arguments]


def _rooms(checkout: Path) -> list[str]:
    """Where pytest looks for controls, by the checkout's own pytest.ini."""
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(checkout / "pytest.ini", encoding="utf-8")
    return ini.get("pytest", "testpaths", fallback="").split()


def side_by_side(given: Sequence[str], asked: Asked, cores: int) -> list[str]:
    """What lets a proof, which takes minutes, use the cores that there are; nothing where the caller has chosen."""
    chosen = any(word.startswith(("-n", "--numprocesses", "--dist", "--maxprocesses", "--pdb")) for word in given)
    return [] if chosen or not asked.prove or cores < 2 else ["-n", str(cores)]


def test_paths(arguments: Sequence[str], checkout: Path) -> list[Path]:
    """The files and folders of the checkout's tests that the arguments name."""
    found = []
    for before, word in zip(["", *arguments], arguments, strict=False):
        path = Path(word.partition("::")[0]).resolve()
        if not word.startswith("-") and before not in _TAKE_A_VALUE and path.is_relative_to(checkout / "tests"):
            found += [path] if path.exists() else []
    return found


def _split(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for value in values for name in value.split(","))
