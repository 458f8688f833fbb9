"""The shape of the tree: small files, small functions, versions in one place, and nothing of any one machine."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST_FILE = 300
LONGEST_FUNCTION = 30
ELSEWHERE = {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
MACHINE_PATH = re.compile(r"(?<![\w.<@-])/(work|root|Users|home(?!/probe))/\w")
HOST_OR_INDEX = re.compile(r"://|--(extra-)?index-url|--find-links|--trusted-host| @ ")
A_RELEASE = re.compile(r"\d+\.\d+(\.\d+)*|debian-\d+|bullseye|bookworm|trixie|forky")
COMPARES_VERSIONS = {"version_key", "at_least"}

Trees = dict[Path, ast.Module]


@pytest.fixture(scope="module")
def texts(root: Path) -> dict[Path, str]:
    """Every file of the project that is text; what runs write under reports/ is not the project's."""
    found = {}
    for path in sorted(_files(root)):
        content = path.read_bytes()
        if b"\0" not in content:
            found[path.relative_to(root)] = content.decode("utf-8")
    return found


def _files(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        written_by_a_run = directory.name == "reports" and path.is_dir() and path.name not in ("schema", "example")
        if path.name in ELSEWHERE or written_by_a_run or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.suffix != ".pyc":
            yield path


def test_no_file_of_the_library_is_long(root: Path, library: Trees) -> None:
    lengths = {path: len((root / path).read_text(encoding="utf-8").splitlines()) for path in library}
    assert not [f"{path}: {lines}" for path, lines in lengths.items() if lines > LONGEST_FILE]


def test_no_function_of_the_library_is_long(library: Trees) -> None:
    long = []
    for path, tree in library.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                long += [f"{path}:{node.lineno} {node.name}: {lines}"] if lines > LONGEST_FUNCTION else []
    assert not long, "\n".join(long)


def test_every_module_says_what_it_is_for(library: Trees) -> None:
    assert [str(path) for path, tree in library.items() if not ast.get_docstring(tree)] == []


def test_only_the_dialects_branch_on_a_version(library: Trees, control_files: tuple[Path, ...]) -> None:
    """Elsewhere no condition compares versions or names a release."""
    checks = {path: ast.parse(path.read_text(encoding="utf-8")) for path in control_files}
    wrong = [
        f"{path}:{condition.lineno}: {ast.unparse(condition)}"
        for path, tree in {**library, **checks}.items()
        if path.name != "dialect.py"
        for condition in _conditions(tree)
        if _names_a_version(condition)
    ]
    assert not wrong, "\n".join(wrong)


def _conditions(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node.test
        elif isinstance(node, ast.comprehension):
            yield from node.ifs
        elif isinstance(node, ast.Match):
            yield node.subject


def _names_a_version(condition: ast.expr) -> bool:
    for node in ast.walk(condition):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and A_RELEASE.fullmatch(node.value):
            return True
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in COMPARES_VERSIONS:
            return True
    return False


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("view.version >= '2.4'", True),
        ("version_key(now) < least", True),
        ("release.name == 'debian-11'", True),
        ("offer.versions", False),
        ("version == 'TLSv1.3'", False),
    ],
)
def test_a_branch_on_a_version_would_be_found(condition: str, found: bool) -> None:
    assert _names_a_version(ast.parse(condition, mode="eval").body) is found


def test_nothing_names_a_path_of_one_machine(texts: dict[Path, str]) -> None:
    wrong = [f"{path}: {found[0]}" for path, text in texts.items() if (found := MACHINE_PATH.search(text))]
    assert not wrong, "\n".join(wrong)


def test_the_lock_names_no_registry_and_every_digest(texts: dict[Path, str]) -> None:
    lock = texts[Path("requirements.txt")]
    packages = re.findall(r"^[A-Za-z0-9].*?(?=^[A-Za-z0-9#]|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert len(packages) > 10
    assert all(re.match(r"[\w.-]+==[\w.]+ \\\n", each) and "--hash=sha256:" in each for each in packages)
    assert not HOST_OR_INDEX.search(lock)
    assert not HOST_OR_INDEX.search(re.sub(r"#.*", "", texts[Path("requirements.in")]))
