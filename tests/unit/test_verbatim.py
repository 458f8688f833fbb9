"""Steps of our own making: what is read, and that nothing half said gets through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailproof.errors import Unusable
from mailproof.model import Daemon, Step
from mailproof.tables import File
from mailproof.verbatim import read_material, read_steps, whole

COMMAND = {"line": "de-grade", "daemon": "postfix", "run": "postconf -e smtpd_tls_eecdh_grade=strong"}
TEXT = {"line": "de-log", "daemon": "dovecot", "file": "/etc/dovecot/local.conf", "text": "verbose = yes"}


FILE = File(Path("pfs-2013.toml"), b"", {})


def test_steps_keep_their_order_and_their_text() -> None:
    steps = read_steps(FILE, [COMMAND, {**TEXT, "needs": ["de-grade"]}])
    assert steps == (
        Step("de-grade", Daemon.POSTFIX, run=COMMAND["run"]),
        Step("de-log", Daemon.DOVECOT, file=TEXT["file"], text=TEXT["text"], needs=("de-grade",)),
    )


def test_the_whole_asks_nothing_and_leaves_out_what_stands_apart() -> None:
    tables = [COMMAND, {**TEXT, "apart": True}, {**COMMAND, "line": "de-version", "shows": "^OpenSSL"}]
    assert [step.line for step in whole(read_steps(FILE, tables))] == ["de-grade"]


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        (["postconf -e"], "each step is a table with a line"),
        ([COMMAND, COMMAND], "the line de-grade stands twice"),
        ([{**COMMAND, "needs": ["de-grde"]}], "needs: there is no de-grde (did you mean de-grade?)"),
        ([{**COMMAND, "daemon": "exim"}], "daemon: there is no exim"),
        ([{"line": "a", "run": "true"}], "daemon: there is no "),
        ([{**COMMAND, **TEXT}], "either runs a command or puts a text into a file"),
        ([{**TEXT, "text": ""}], "either runs a command or puts a text into a file"),
        ([{**COMMAND, "shows": "("}], "shows is no regular expression"),
        ([{**COMMAND, "aprt": True}], "there is no aprt (did you mean apart?)"),
        ([{**COMMAND, "apart": "yes"}], "apart must be a boolean, not 'yes'"),
    ],
)
def test_what_is_half_said_is_refused(tables: list[Any], sentence: str) -> None:
    with pytest.raises(Unusable) as refused:
        read_steps(FILE, tables)
    assert sentence in str(refused.value)
    assert str(refused.value).startswith("pfs-2013.toml: ")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"server.pem": "server"}, "server.pem is no absolute path"),
        ({"/etc/ssl/server.pem": "servr"}, "there is no servr (did you mean server?)"),
    ],
)
def test_material_has_a_place_and_an_owner(table: dict[str, object], sentence: str) -> None:
    with pytest.raises(Unusable) as refused:
        read_material(FILE, table)
    assert sentence in str(refused.value)
