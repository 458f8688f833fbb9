"""The order of DESIGN §3: each room imports only from lower ones, and foreign libraries have one home."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

LEVELS = (
    {"", "model", "errors"},
    {
        "settings",
        "dialect",
        "profile",
        "tables",
        "verbatim",
        "effects",
        "logs",
        "releases",
        "machine",
        "tlswords",
        "trees",
        "origins",
    },
    {"wire", "pki"},
    {"targets", "plan", "ledger", "remedy", "catalogue", "livegaps"},
    {"reporting", "controls", "selection", "subjects"},
    {
        "sweep",
        "proving",
        "run",
        "located",
        "trying",
        "explaining",
        "evidence",
        "controller",
        "plugin",
        "capabilities",
        "workers",
        "bootstrap",
    },
)
HOMES = {
    "pytest": {"plugin", "controller", "capabilities"},
    "_pytest": set(),
    "xdist": {"workers"},
    "docker": {"targets"},
    "testinfra": {"targets"},
    "OpenSSL": {"wire"},
    "cryptography": {"wire", "pki", "run"},
    "jinja2": {"reporting"},
    "markupsafe": {"reporting"},
    "jsonschema": {"reporting"},
    "rich": {"reporting"},
}
"""Library -> the rooms that may import it."""
BEFORE_SET_UP = {"bootstrap", "machine", "releases", "trees", "errors", "model", ""}
"""What runs before anything is installed."""
SAME_LEVEL = {
    "profile": {"tables", "verbatim"},
    "verbatim": {"tables"},
    "targets": {"ledger"},
    "livegaps": {"catalogue"},
    "selection": {"subjects"},
    "proving": {"sweep"},
    "run": {"proving"},
    "evidence": {"located", "proving", "run", "sweep"},
    "located": {"run"},
    "trying": {"located", "run"},
    "explaining": {"sweep"},
    "controller": {"evidence", "run", "trying"},
    "capabilities": {"run"},
    "plugin": {"capabilities", "explaining", "run", "controller", "sweep", "workers"},
}
"""Room -> the rooms of its own level that it stands on."""

Modules = dict[str, ast.Module]


@pytest.fixture(scope="module")
def modules(library: dict[Path, ast.Module]) -> Modules:
    return {_dotted(path): tree for path, tree in library.items()}


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _room(module: str) -> str:
    return (*module.split("."), "")[1]


def _level(room: str) -> int:
    found = [number for number, rooms in enumerate(LEVELS) if room in rooms]
    assert len(found) == 1, f"mailproof.{room} has no one place in the order"
    return found[0]


def _imports(tree: ast.Module) -> Iterator[str]:
    """Every module that is imported anywhere in a file, by its full name (a name imported from it included)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _own(modules: Modules) -> Iterator[tuple[str, str]]:
    """Module and module of ours that it imports."""
    for name, tree in modules.items():
        for imported in _imports(tree):
            found = imported if imported in modules else imported.rpartition(".")[0]
            if found in modules:
                yield name, found


def test_every_room_imports_only_from_lower_ones(modules: Modules) -> None:
    wrong = []
    for name, imported in _own(modules):
        here, there = _room(name), _room(imported)
        lower = _level(there) < _level(here) or there in SAME_LEVEL.get(here, set())
        if here != there and not lower:
            wrong.append(f"{name} imports {imported}")
    assert not wrong, "\n".join(wrong)


def test_no_module_stands_on_itself(modules: Modules) -> None:
    """Raises `CycleError` with the circle."""
    graph: dict[str, set[str]] = {name: set() for name in modules}
    for name, imported in _own(modules):
        if imported != name:
            graph[name].add(imported)
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


def test_foreign_libraries_have_one_home(modules: Modules) -> None:
    wrong = []
    for name, tree in modules.items():
        for library in {imported.partition(".")[0] for imported in _imports(tree)} - {"mailproof", "__future__"}:
            known = library in sys.stdlib_module_names or _room(name) in HOMES.get(library, set())
            if not known:
                wrong.append(f"{name} imports {library}")
    assert not wrong, "\n".join(wrong)


def test_set_up_needs_nothing_but_the_standard_library(modules: Modules) -> None:
    needed = {(name, imported) for name, imported in _own(modules) if _room(name) in BEFORE_SET_UP}
    assert {_room(imported) for _, imported in needed} <= BEFORE_SET_UP, needed
    for name in {name for pair in needed for name in pair}:
        foreign = {imported.partition(".")[0] for imported in _imports(modules[name])} - {"mailproof"}
        assert foreign <= sys.stdlib_module_names, f"{name} imports {foreign - sys.stdlib_module_names}"


def test_the_order_names_every_room(root: Path) -> None:
    rooms = {path.stem for path in (root / "mailproof").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__init__", "__pycache__"} <= set().union(*LEVELS)
