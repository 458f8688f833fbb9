"""The suite as data: the controls that the modules really declare, their source, and what they are asked of."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from mailproof.catalogue import ROOMS, catalogue
from mailproof.controls import control_of
from mailproof.dialect import Dialects
from mailproof.model import Control, Daemon, Release
from mailproof.plan import Subject
from mailproof.profile import Profile, load_profiles
from mailproof.releases import load_releases
from mailproof.selection import Options, Selection
from mailproof.targets.people import People
from mailproof.targets.specimen import Specimen

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def library() -> dict[Path, ast.Module]:
    """Every module of mailproof, by its path in the checkout."""
    paths = sorted((ROOT / "mailproof").rglob("*.py"))
    return {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


@pytest.fixture(scope="session")
def control_files() -> tuple[Path, ...]:
    return tuple(path for room in ROOMS for path in sorted((ROOT / "tests" / room).glob("**/*.py")))


@pytest.fixture(scope="session")
def control_modules(control_files: tuple[Path, ...]) -> dict[Path, ModuleType]:
    return {path: _imported(path) for path in control_files}


@pytest.fixture(scope="session")
def control_functions(control_files: tuple[Path, ...]) -> list[tuple[str, ast.FunctionDef]]:
    """Every function of the product's rooms, with the place at which it stands."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node)
        for path in control_files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]


@pytest.fixture(scope="session")
def controls(control_modules: dict[Path, ModuleType]) -> tuple[Control, ...]:
    """In the order in which they are declared, duplicates included."""
    return tuple(found for module in control_modules.values() for found in _declared(module))


@pytest.fixture(scope="session")
def dialects() -> Dialects:
    return Dialects.load(ROOT / "fixtures" / "dialects")


@pytest.fixture(scope="session")
def releases() -> tuple[Release, ...]:
    return tuple(load_releases(ROOT / "containers" / "releases.toml").values())


@pytest.fixture(scope="session")
def profiles(dialects: Dialects) -> tuple[Profile, ...]:
    """Every profile that can be chosen."""
    directory = ROOT / "fixtures" / "profiles"
    names = [path.stem for path in sorted(directory.glob("*.toml")) if "abstract = true" not in path.read_text()]
    return load_profiles(names, directory, catalogue(ROOT / "tests"), {each: dialects.newest(each) for each in Daemon})


@pytest.fixture(scope="session")
def selection(releases: tuple[Release, ...], profiles: tuple[Profile, ...], dialects: Dialects) -> Selection:
    """Every release under every profile."""
    return Selection(ROOT, Options(), releases, profiles, dialects, People(b"", {}, {}, {}, ""), "secret")


@pytest.fixture(scope="session")
def subjects(selection: Selection) -> tuple[Subject, ...]:
    return selection.subjects(_nothing_runs)


def _nothing_runs(key: str) -> Specimen:
    raise AssertionError(f"{key} is asked for, but nothing runs")


def _imported(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _declared(module: ModuleType) -> Iterator[Control]:
    for value in vars(module).values():
        found = control_of(value)
        if found is not None:
            yield found
