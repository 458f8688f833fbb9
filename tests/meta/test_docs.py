"""The pages hold to what is there: commands are accepted, links lead somewhere, options exist, tables match the data.

No containers. Code blocks marked ``sh`` are read as commands; one that only collects is run in full, of every other
the words are given to pytest's own parser and the values to the validation that precedes set-up.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

from mailproof.bootstrap.options import read, validate
from mailproof.catalogue import ROOMS
from mailproof.controls import control_of
from mailproof.errors import ExitStatus
from mailproof.model import Control, Level
from mailproof.profile import Profile
from mailproof.reporting.proof import proof
from mailproof.reporting.record import validate as validate_record
from mailproof.reporting.sources import address, citation, load_sources

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")),
         ROOT / "benchmarks" / "README.md", ROOT / "reports" / "README.md"]  # fmt: skip
CATALOGUE = ROOT / "docs" / "controls.md"
SUITE = ("./check", "./selftest", "pytest", ".venv/bin/pytest")
ELSEWHERE = ("cd", "docker", "git", "sha256sum", "sudo")
"""Programs that a page may name although they are neither in the checkout nor in its virtual environment."""

FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INTRODUCTION = """\
# Controls

Every control, by the room that it lies in. *Level* is the source's own word; what a profile makes of it, and on which
roles, stands beside it. A control that no chosen profile requires is not asked.

`tests/meta/test_docs.py` makes this page from what the controls declare, and fails while it differs.
"""
PARSER = """
import json, os, pytest, shlex
def pytest_load_initial_conftests(parser):
    for words in json.loads(os.environ["COMMANDS"]):
        try:
            parser.parse(words)
        except pytest.UsageError as error:
            print("REFUSED", shlex.join(words), " ".join(str(error).split()))
"""


@pytest.fixture(scope="module")
def pytest_says(tmp_path_factory: pytest.TempPathFactory) -> str:
    """pytest's help, and before it a line for each documented command that its parser refuses."""
    place = tmp_path_factory.mktemp("parser")
    (place / "documented.py").write_text(PARSER, encoding="utf-8")
    words = json.dumps([command[1:] for command in suite_commands()])
    path = os.pathsep.join([str(place), str(ROOT)])
    return run("-p", "mailproof.plugin", "-p", "documented", "--help", COMMANDS=words, PYTHONPATH=path)


def test_every_documented_command_is_accepted(
    pytest_says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    here = tmp_path / "checkout"
    here.mkdir()
    for name in ("fixtures", "tests", "containers"):
        (here / name).symlink_to(ROOT / name)
    for tree in (here / "mail", tmp_path / "mail"):  # what the reader has
        (tree / "postfix").mkdir(parents=True)
        (tree / "postfix/main.cf").write_text("myhostname = mail.example.org\n", encoding="utf-8")
    monkeypatch.chdir(here)
    refused = [line for line in pytest_says.splitlines() if line.startswith("REFUSED")]
    assert not refused, refused
    assert len(suite_commands()) > 10, "the pages name hardly any command: are their code blocks marked sh?"
    for command in suite_commands():
        validate(read(command[1:]), ROOT)


def test_every_documented_command_that_only_collects_runs() -> None:
    commands = [command for command in suite_commands() if "--collect-only" in command]
    assert commands
    for command in commands:
        assert "tests/" in run(*command[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_program_of_a_page_is_there(page: Path) -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for program, *_ in commands_of(page):
        if program.startswith(".venv/bin/"):
            assert re.search(rf"^{Path(program).name}==", lock, re.MULTILINE) or program.endswith("python"), program
        elif program not in ELSEWHERE and program != "pytest":
            assert os.access(ROOT / program, os.X_OK), program


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(<?([^)>\s]+)>?\)", prose(page)):
        path, _, anchor = target.partition("#")
        if path.startswith(("http://", "https://")):
            continue
        found = (page.parent / path) if path else page
        assert found.exists(), f"{target}: there is no such file"
        assert not anchor or anchor in anchors(found), f"{target}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_option_that_is_named_exists(page: Path, pytest_says: str) -> None:
    named = set(re.findall(r"`(--[a-z][a-z-]*)", prose(page)))
    lines = [line for line in pytest_says.splitlines() if not line.startswith("REFUSED")]
    known = {option for line in lines for option in re.findall(r"--[a-z][a-z-]*", line)}
    assert named <= known, f"pytest --help does not show {', '.join(sorted(named - known))}"


def test_the_exit_statuses_are_all_in_the_readme() -> None:
    section = prose(PAGES[0]).partition("## Exit status\n")[2].partition("\n## ")[0]
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert listed == set(ExitStatus) | {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR}


def test_what_profiles_are_said_to_wear_they_wear(profiles: tuple[Profile, ...]) -> None:
    """The last column of docs/profiles.md: each `name = value` is in one of the profiles."""
    layers = [layer for each in profiles for layer in (each.postfix, each.dovecot, *each.overrides.values())]
    worn = {f"{name} = {value}" for layer in layers for name, value in layer.items()}
    rows = [line for line in prose(ROOT / "docs" / "profiles.md").splitlines() if line.startswith("|")]
    said = {span for row in rows for span in re.findall(r"`(\w+ = [^`]*)`", row.rsplit(" | ", 1)[-1])}
    assert said, "no row says what is worn"
    assert said <= worn, said - worn


def test_the_example_of_a_control_is_a_real_one(root: Path) -> None:
    blocks = [
        block
        for language, block in FENCE.findall((root / "CONTRIBUTING.md").read_text("utf-8"))
        if language == "python"
    ]
    real = (root / "tests" / "handshake" / "test_forward_secrecy.py").read_text(encoding="utf-8")
    assert blocks
    assert all(dedent(block) in real for block in blocks)


def test_the_table_of_controls_is_up_to_date(
    control_modules: dict[Path, ModuleType], profiles: tuple[Profile, ...], tmp_path: Path
) -> None:
    wanted = tmp_path / CATALOGUE.name
    wanted.write_text(catalogue_page(control_modules, profiles), encoding="utf-8")
    same = CATALOGUE.read_bytes() == wanted.read_bytes()
    assert same, f"it is not what the controls declare: cp {wanted} {CATALOGUE}"


def run(*words: str, **environment: str) -> str:
    """What pytest prints in the checkout, without starting anything."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words], cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def prose(page: Path) -> str:
    """A page without its code blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def commands_of(page: Path) -> Iterator[list[str]]:
    """The commands of a page's ``sh`` blocks, word by word, without what they set in the environment."""
    for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines() if language == "sh" else ():
            words = shlex.split(line, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                del words[0]
            for stop in (each for each in ("|", ">", "&&") if each in words):
                del words[words.index(stop) :]
            if words:
                yield words


def suite_commands() -> list[list[str]]:
    """The commands of all pages that end in pytest, those that stand in a pipeline's own language included."""
    plain = [command for page in PAGES for command in commands_of(page) if command[0] in SUITE]
    return [*plain, *(shlex.split(found) for page in PAGES for found in pipelines(page))]


def pipelines(page: Path) -> list[str]:
    """The calls of ./check in a page's yaml and groovy blocks."""
    blocks = [
        block for language, block in FENCE.findall(page.read_text(encoding="utf-8")) if language in ("yaml", "groovy")
    ]
    return [f"./check {found}" for block in blocks for found in re.findall(r"mailproof/check ([^'\n]*)", block)]


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def catalogue_page(modules: dict[Path, ModuleType], profiles: tuple[Profile, ...]) -> str:
    """docs/controls.md as it must be."""
    rows: dict[str, list[tuple[Control, Path]]] = {room: [] for room in ROOMS}
    for path, module in modules.items():
        found = filter(None, map(control_of, vars(module).values()))
        rows[path.parent.name] += [(control, path) for control in found]
    return INTRODUCTION + "".join(_room(room, found, profiles) for room, found in rows.items())


def _room(room: str, found: list[tuple[Control, Path]], profiles: tuple[Profile, ...]) -> str:
    head = f"\n## {room}\n\n| control | what it asks | level | required | fix | source |\n|---|---|---|---|---|---|\n"
    return head + "".join(_row(*each, profiles) for each in sorted(found, key=lambda each: _order(each[0].id)))


def _order(control: str) -> tuple[str, int]:
    family, _, number = control.rpartition("-")
    return family, int(number)


def _row(control: Control, path: Path, profiles: tuple[Profile, ...]) -> str:
    sources = load_sources(ROOT / "fixtures" / "sources.toml")
    said = {"document": control.source.document, "section": control.source.section}
    name, url = _cell(citation(said, sources)), address(said, sources)
    cells = [
        control.id, f"[{_cell(control.title)}](../{path.relative_to(ROOT)}): {_cell(control.expects)}",
        control.level.value, _required(control, profiles), _cell(control.remedy), f"[{name}]({url})" if url else name,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _required(control: Control, profiles: tuple[Profile, ...]) -> str:
    found = []
    for profile in profiles:
        asked = profile.requires.get(control.id, {})
        for level in Level:
            roles = ", ".join(role.value for role, each in asked.items() if each is level)
            found += [f"{profile.name}: {level.value} on {roles}"] if roles else []
    return "; ".join(found) or "by no profile"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def test_the_proof_that_is_documented_is_of_these_very_controls(root: Path, controls: tuple[Control, ...]) -> None:
    """docs/proof.md is the proof.md of a full run: another set of controls or faults has not been proved by it."""
    page = (root / "docs" / "proof.md").read_text(encoding="utf-8")
    told = {found[1]: set(re.findall(r"`([^`]+)` \(", line))
            for line in page.splitlines() if (found := re.match(r"\*\*([A-Z]+-\d+)\*\* .*", line))}  # fmt: skip
    assert told == {
        control.id: {mutation.name for mutation in (*control.mutations, *control.innocents)} for control in controls
    }


def test_the_documented_proof_found_nothing_blind(root: Path) -> None:
    page = (root / "docs" / "proof.md").read_text(encoding="utf-8")
    [head, _, *rows] = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")][:7]
    figures = dict(zip(head, rows[-1], strict=True))
    assert figures["room"] == "all"
    assert int(figures["proven"]) > 5000
    assert [figures[verdict] for verdict in ("blind", "false-alarm", "error")] == ["0", "0", "0"]


def test_the_example_of_a_report_is_a_record_with_all_its_views(root: Path) -> None:
    example = root / "reports" / "example"
    record = json.loads((example / "evidence.json").read_text(encoding="utf-8"))
    validate_record(record)
    assert record["run"]["exit_status"] == 0
    assert (example / "proof.md").read_text(encoding="utf-8") == proof(record)
