"""A run shared by several processes: what a worker loses, the record misses by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.conftest import Inner

VERSIONS = ("-n", "2", "tests/handshake/test_versions.py")

DIES_ONCE = """
import os
from pathlib import Path

def pytest_runtest_call(item):
    died = Path({home!r}, "died")
    if "PYTEST_XDIST_WORKER" in os.environ and "offers_tls_1_3" in item.name and not died.exists():
        died.touch()
        os._exit(1)
"""

CANNOT_BE_SENT = """
from pathlib import Path

def pytest_runtest_setup(item):
    if "static_rsa" in item.name:
        item.user_properties.append(("where", Path("/somewhere")))
"""

LOSES_A_REPORT = """
def pytest_sessionstart(session):
    for plugin in session.config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            plugin.sendevent = without(plugin.sendevent)

def without(send):
    def sendevent(name, **named):
        report = named.get("data") if name == "testreport" else None
        lost = report and "offers_tls_1_3" in report["nodeid"] and report["when"] == "{when}"
        return None if lost else send(name, **named)
    return sendevent
"""


def test_two_workers_come_to_the_same_record_as_one_process(inner: Inner) -> None:
    shared = inner(*VERSIONS)
    alone = inner(*VERSIONS[2:])
    assert (shared.status, shared.left) == (0, [])
    assert shared.record["completeness"] == alone.record["completeness"]
    assert _verdicts(shared.rows()) == _verdicts(alone.rows())
    assert shared.record["completeness"]["holds"] is True


def test_a_worker_that_dies_leaves_an_error(inner: Inner) -> None:
    plugin = DIES_ONCE.format(home=str(inner.home))
    ended = inner(*VERSIONS, "--profile", "pfs", "-k", "smtp:25", plugin=plugin)
    assert ended.verdicts("offers_tls_1_3") == {"error"}
    assert ended.verdicts("old_versions") == {"pass"}
    assert (ended.status, ended.left) == (10, [])
    assert "crashed while running" in ended.words


def test_what_a_worker_cannot_send_is_an_error(inner: Inner, stable: str) -> None:
    which = ("tests/handshake", "-k", "smtp:25 and (static_rsa or offers_tls_1_3)")
    ended = inner("-n", "2", "--mail-config", "stock", "--profile", "pfs", *which, plugin=CANNOT_BE_SENT)
    red = f"static_rsa[{stable}:stock/pfs/smtp:25]"
    assert ended.verdicts(red) == {"error"}, "the control fails, but nobody could tell"
    assert (ended.status, ended.left) == (pytest.ExitCode.INTERNAL_ERROR, [])
    assert [node for node in ended.record["completeness"]["missing"] if node.endswith(red)]


@pytest.mark.parametrize(
    "when",
    [pytest.param("setup", marks=pytest.mark.nightly), "call", pytest.param("teardown", marks=pytest.mark.nightly)],
)
def test_a_lost_report_is_an_error(inner: Inner, when: str) -> None:
    ended = inner(*VERSIONS, "--profile", "pfs", "-k", "smtp:25", plugin=LOSES_A_REPORT.format(when=when))
    [row] = ended.rows("offers_tls_1_3")
    assert (row["verdict"], row["reason"]) == ("error", f"no report of the {when} phase arrived")
    assert ended.verdicts("old_versions") == {"pass"}
    assert (ended.status, ended.left) == (10, [])


def _verdicts(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["node"]: row["verdict"] for row in rows}
