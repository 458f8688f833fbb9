"""The controls as their source declares them, read without running it: before pytest collects anything."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from mailproof.model import Role
from mailproof.profile import ControlFacts

ROOMS = ("config", "handshake", "relay", "logs")


@cache
def catalogue(tests: Path) -> Mapping[str, ControlFacts]:
    """Every control's id with the roles and parameters that it declares, read from the source without running it:
    profiles are checked against it before pytest collects anything."""
    found: dict[str, ControlFacts] = {}
    for module in _modules(tests):
        found |= dict(_controls(module))
    return found


@cache
def askers(tests: Path, capability: str) -> frozenset[str]:
    """The ids of the controls that ask a capability, read from the source without running it."""
    asking = [each for each in functions(tests) if capability in {argument.arg for argument in each.args.args}]
    return frozenset(id for each in asking for id in ids_of(each))


def functions(tests: Path) -> list[ast.FunctionDef]:
    """The source of every control."""
    return [node for module in _modules(tests) for node in module.body if isinstance(node, ast.FunctionDef)]


def ids_of(function: ast.FunctionDef) -> list[str]:
    """The id of a control, from its source; nothing where it is none."""
    return [id for id, _ in _controls(function)]


@cache
def _modules(tests: Path) -> tuple[ast.Module, ...]:
    paths = [path for room in ROOMS for path in sorted((tests / room).glob("test_*.py"))]
    return tuple(ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in paths)


def _controls(tree: ast.AST) -> Iterable[tuple[str, ControlFacts]]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id == "control":
            words = {keyword.arg: keyword.value for keyword in call.keywords}
            yield ast.literal_eval(call.args[0]), ControlFacts(_roles(words["on"]), _literal(words.get("parameters")))


def _roles(node: ast.expr) -> frozenset[Role]:
    """The roles that an ``on=`` names: constants of mailproof.controls, TLS_ROLES among them."""
    names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    tls = {Role.MX, Role.SUBMISSION, Role.ACCESS, Role.RELAY}
    return frozenset().union(*(tls if name == "TLS_ROLES" else {Role[name]} for name in names))


def _literal(node: ast.expr | None) -> tuple[str, ...]:
    return tuple(ast.literal_eval(node)) if node else ()
