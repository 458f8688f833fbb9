"""The command of the library: one service, looked at without the test suite."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from OpenSSL import SSL

from mailproof.wire.__main__ import main
from mailproof.wire.tls.registry import GROUPS, SUITES

ROOT = Path(__file__).parents[3]
Script = Callable[[socket.socket], None]


@pytest.fixture
def port(
    serve: Callable[[Script], int], tls_script: Callable[..., Script], server_context: Callable[..., SSL.Context]
) -> int:
    return serve(tls_script(server_context(), lambda _: None))


def test_an_inventory_for_people(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["127.0.0.1", str(port), "--protocol", "imap", "--implicit"]) == 0
    said = capsys.readouterr().out
    assert "TLSv1.3: " in said
    assert "  ECDHE-RSA-AES256-GCM-SHA384\n" in said
    assert "  groups: " in said
    assert "TLSv1.1: refused (alert protocol_version)" in said
    assert "AES256-SHA\n" not in said.replace("ECDHE-RSA-AES256-SHA\n", "")


def test_an_inventory_for_programs_and_what_clients_would_get(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    clients = str(ROOT / "fixtures" / "clients.toml")
    assert main(["127.0.0.1", str(port), "--implicit", "--json", "--clients", clients]) == 0
    said = capsys.readouterr().out
    found, end = json.JSONDecoder().raw_decode(said)
    assert set(found["versions"]) == {"TLSv1.2", "TLSv1.3"}
    assert found["versions"]["TLSv1.2"]["groups"]
    assert found["refused"]["SSLv3"].startswith("refused")
    assert "Thunderbird" in said[end:]


def test_a_service_that_is_not_there_is_said_and_not_judged(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gone = listener.getsockname()[1]
    assert main(["127.0.0.1", str(gone)]) == 10
    assert "no connection to 127.0.0.1" in capsys.readouterr().err


def test_the_library_needs_neither_an_engine_nor_pytest() -> None:
    program = (
        "import sys\nsys.modules.update(dict.fromkeys(('docker', 'pytest', 'testinfra')))\n"
        "import mailproof.wire.__main__, mailproof.wire.gate, mailproof.wire.resumption"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_example_of_the_page_runs(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    exec(compile(example, "docs/wire.md", "exec"), {"HOST": "127.0.0.1", "PORT": port})  # noqa: S102
    assert "refused (alert handshake_failure) TLSv1.3" in capsys.readouterr().out


def test_the_page_counts_right() -> None:
    page = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
    assert f"({len(SUITES)} suites, {len(GROUPS)} groups)" in page
