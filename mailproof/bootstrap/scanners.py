"""The scanners beside which the self-test holds our own sight of a server: Debian packages, not needed by `./check`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mailproof import machine
from mailproof.bootstrap.options import test_paths
from mailproof.errors import OurFault
from mailproof.machine import Say

ALWAYS = {"sslscan": "sslscan", "openssl": "openssl"}
NIGHTLY = {"testssl": "testssl.sh"}
"""Program -> the package that has it."""

_THEIR_TESTS = Path("tests", "lab", "test_cross_check.py")


def missing(job: str, arguments: Sequence[str], checkout: Path) -> list[str]:
    """The packages of scanners that the command line runs and this machine lacks."""
    named = test_paths(arguments, checkout)
    theirs = checkout / _THEIR_TESTS
    if job != "self" or (named and not any(theirs.is_relative_to(path) for path in named)):
        return []
    wanted = {**ALWAYS, **(NIGHTLY if "--nightly" in arguments else {})}
    return [package for program, package in wanted.items() if not machine.find(program)]


def install(packages: Sequence[str], say: Say) -> None:
    """Install them, or say what is missing and how to get it: the tests that run a scanner then fail by themselves,
    and all others can still be run."""
    try:
        machine.install(packages, say)
    except OurFault as trouble:
        say(f"the tests that run scanners will fail: {trouble}")
