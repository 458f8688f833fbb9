"""What every control must be: one question, one source, one assertion that counts, and a fault that it notices."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from mailproof.catalogue import catalogue
from mailproof.controls import control_of
from mailproof.dialect import Dialects
from mailproof.model import Control, Daemon, Mutation
from mailproof.profile import ControlFacts, Profile

LONGEST_BODY = 15
OUTCOMES = {"fail", "skip", "xfail", "exit", "raises", "importorskip", "warns", "suppress"}
CAPABILITIES = {
    "settings",
    "endpoint",
    "journal",
    "delivery",
    "sending",
    "dane",
    "advice",
    "startup",
    "parameters",
    "variant",
}
FORBIDDEN = (
    ast.Raise,
    ast.Try,
    ast.TryStar,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.Yield,
    ast.YieldFrom,
)
"""What could swallow an assertion, move it out of the control's own frame, or stand in for one."""
LOOPS = (ast.For, ast.AsyncFor, ast.While)

Functions = list[tuple[str, ast.FunctionDef]]


def _inside(node: ast.AST) -> list[ast.AST]:
    return [each for each in ast.walk(node) if each is not node]


def _changes(mutation: Mutation) -> dict[Daemon, set[str]]:
    at_services = {name for changes in mutation.services.values() for name in changes}
    return {Daemon.POSTFIX: {*mutation.postfix, *at_services}, Daemon.DOVECOT: set(mutation.dovecot)}


def test_there_are_controls(controls: tuple[Control, ...]) -> None:
    assert len(controls) > 40


def test_ids_are_unique_and_well_formed(controls: tuple[Control, ...]) -> None:
    twice = [id for id, many in Counter(control.id for control in controls).items() if many > 1]
    assert not twice
    assert all(re.fullmatch(r"[A-Z]+-\d+", control.id) for control in controls)


def test_every_control_says_what_it_must(controls: tuple[Control, ...]) -> None:
    for control in controls:
        said = (
            control.source.quote,
            control.source.section,
            control.why,
            control.expects,
            control.remedy,
            control.title,
        )
        assert all(text.strip() for text in said), control.id
        assert control.roles, control.id
        assert control.daemons, control.id


def test_every_source_resolves(controls: tuple[Control, ...], root: Path) -> None:
    sources = tomllib.loads((root / "fixtures" / "sources.toml").read_text(encoding="utf-8"))
    assert {control.source.document for control in controls} <= set(sources)
    assert all({"title", "edition", "url"} <= set(source) for source in sources.values())


def test_names_of_mutations_are_unique_within_a_control(controls: tuple[Control, ...]) -> None:
    for control in controls:
        names = [mutation.name for mutation in (*control.mutations, *control.innocents)]
        assert len(set(names)) == len(names), control.id
        assert all(re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)*", name) for name in names), control.id


def test_mutations_change_settings_that_the_newest_release_knows(
    controls: tuple[Control, ...], dialects: Dialects
) -> None:
    """What a control deliberately misspells is pasted text, not a setting."""
    unknown = [
        f"{control.id}+{mutation.name}: {name}"
        for control in controls
        for mutation in (*control.mutations, *control.innocents)
        for daemon, names in _changes(mutation).items()
        for name in sorted(names - dialects.newest(daemon))
    ]
    assert not unknown, "\n".join(unknown)


def test_mutations_touch_only_what_their_control_is_asked_of(
    controls: tuple[Control, ...], profiles: tuple[Profile, ...]
) -> None:
    ids = {str(service) for profile in profiles for service in profile.services}
    lines = {step.line for profile in profiles for step in profile.steps}
    for control in controls:
        variants = {
            *control.variants,
            *(lines if control.per_line else ()),
            *(("rsa", "ecdsa") if control.per_certificate else ()),
        }
        for mutation in (*control.mutations, *control.innocents):
            where = f"{control.id}+{mutation.name}"
            assert mutation.concerns & control.daemons, where
            assert set(mutation.services) <= ids, where
            assert set(mutation.variants) <= variants, where


def test_the_catalogue_is_what_the_modules_declare(controls: tuple[Control, ...], root: Path) -> None:
    declared = {control.id: ControlFacts(control.roles, control.parameters) for control in controls}
    assert catalogue(root / "tests") == declared


def test_the_rooms_of_the_product_hold_controls_and_nothing_else(control_modules: dict[Path, ModuleType]) -> None:
    for path, module in control_modules.items():
        assert path.name.startswith("test_"), path
        own = [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]
        assert own, path
        assert all(control_of(value) is not None and value.__name__.startswith("test_") for value in own), path


def test_a_control_module_imports_the_vocabulary_of_controls_alone(control_files: tuple[Path, ...]) -> None:
    for path in control_files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                allowed = name == "mailproof.controls" or name.partition(".")[0] in sys.stdlib_module_names
                assert allowed, f"{path} imports {name}"


def test_only_a_control_s_own_assertions_can_judge(control_functions: Functions) -> None:
    for where, function in control_functions:
        inside = _inside(function)
        assert any(isinstance(node, ast.Assert) for node in inside), f"{where} asserts nothing"
        assert not [node for node in inside if isinstance(node, FORBIDDEN)], where
        named = {node.attr for node in inside if isinstance(node, ast.Attribute)}
        named |= {node.id for node in inside if isinstance(node, ast.Name)}
        assert not named & OUTCOMES, where


def test_no_assertion_stands_in_a_loop(control_functions: Functions) -> None:
    """A loop over nothing asserts nothing."""
    for where, function in control_functions:
        loops = [node for node in _inside(function) if isinstance(node, LOOPS)]
        assert not [node for loop in loops for node in _inside(loop) if isinstance(node, ast.Assert)], where


def test_every_way_through_a_control_ends_at_an_assertion(control_functions: Functions) -> None:
    for where, function in control_functions:
        assert _asserts(function.body), f"{where} can return without having judged"
        assert not [node for node in _inside(function) if isinstance(node, ast.Return)], where


def _asserts(body: list[ast.stmt]) -> bool:
    for statement in body:
        if isinstance(statement, ast.Assert):
            return True
        if isinstance(statement, ast.With) and _asserts(statement.body):
            return True
        if isinstance(statement, ast.If) and _asserts(statement.body) and _asserts(statement.orelse):
            return True
    return False


def test_an_assertion_can_fail(control_functions: Functions) -> None:
    """A tuple is always true; so is a constant."""
    for where, function in control_functions:
        for node in _inside(function):
            if isinstance(node, ast.Assert):
                assert not isinstance(node.test, ast.Tuple | ast.Constant), where


def test_an_assertion_says_what_was_seen(control_functions: Functions) -> None:
    """A message of constant words could not tell what was observed; without a message pytest shows both sides."""
    for where, function in control_functions:
        for node in _inside(function):
            if isinstance(node, ast.Assert) and node.msg is not None:
                seen = [part for part in _parts(node.msg) if isinstance(part, ast.FormattedValue | ast.Name | ast.Call)]
                assert seen, f"{where}: line {node.lineno}"


def _parts(message: ast.expr) -> list[ast.AST]:
    """Of a choice between two messages, every one must tell."""
    return list(ast.walk(message))


def test_a_control_is_one_short_question(control_functions: Functions) -> None:
    for where, function in control_functions:
        first = function.body[1]
        lines = (function.end_lineno or 0) - first.lineno + 1
        assert lines <= LONGEST_BODY, f"{where} has {lines} lines"


def test_a_control_asks_by_its_signature(control_functions: Functions) -> None:
    for where, function in control_functions:
        asked = {argument.arg for argument in function.args.args}
        assert asked and asked <= CAPABILITIES, where


@pytest.mark.parametrize("marker", ["pytest", "skip", "xfail", "usefixtures"])
def test_a_control_wears_no_marker(control_functions: Functions, marker: str) -> None:
    for where, function in control_functions:
        assert not any(marker in ast.unparse(decorator) for decorator in function.decorator_list), where
        assert {ast.unparse(each).partition("(")[0] for each in function.decorator_list} <= {
            "control", "broken_by", "tolerates", "no_other_way",
        }, where  # fmt: skip
