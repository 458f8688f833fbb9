"""A pytest plugin (``-p phases``) that notes when the phases of a run begin and end. Changes nothing, judges nothing.

Times are seconds since the epoch, so that `run.py`, which started the process, can put its own beside them. They go as
JSON into the file that PHASES names.
"""
# ruff: noqa: INP001  a script beside the project, not a package of it

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

marks: dict[str, float] = {"loaded": time.time()}


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Options are checked and certificates minted; containers start from here on."""
    marks["started"] = time.time()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Containers start meanwhile."""
    result = yield
    marks["collected"] = time.time()
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """The first case: by now all containers are ready."""
    marks.setdefault("ready", time.time())


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """The last case is over; containers are removed and the report is written from here on."""
    marks["judged"] = time.time()
    marks["cases"] = session.testscollected


def pytest_unconfigure() -> None:
    """All is said; the interpreter ends."""
    Path(os.environ["PHASES"]).write_text(json.dumps(marks), encoding="utf-8")
