"""What can go wrong under a run, done by hand: never a pass, always one message, and nothing left running."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.lab.conftest import Inner

VERSIONS = ("--profile", "pfs", "tests/handshake/test_versions.py")
STOP_DOVECOT = "specimen.inside.run('doveadm stop')"
KILL = "subprocess.run(['docker', 'kill', specimen.started.container], check=True, capture_output=True)"
FILL = "specimen.inside.run('yes full >>/var/log/mail.log')"

SMALL_LOG_DISK = """
from docker.models.containers import ContainerCollection
create = ContainerCollection.create
ContainerCollection.create = lambda self, *given, **named: create(self, *given, tmpfs={"/var/log": "size=1m"}, **named)
"""

ASKS_THE_DEAD = """
import subprocess
from mailproof.targets.endpoint import Endpoint

def offer(self, *given, **named):
    subprocess.run(["docker", "kill", self._target.started.container], check=True, capture_output=True)
    self._target.inside.host.check_output("true")

Endpoint.offer = offer
"""

IN_FRONT_OF_25 = """
from mailproof.targets.specimen import Specimen
attach = Specimen.attach.__func__

def behind(cls, state, choice):
    state["started"]["addresses"]["25"] = ["127.0.0.1", {port}]
    return attach(cls, state, choice)

Specimen.attach = classmethod(behind)
"""

CANNOT_BE_BUILT = """
from dataclasses import replace
from pathlib import Path
from mailproof import selection
from mailproof.targets import images
from mailproof.targets.base import Base

Path({recipe!r}).parent.mkdir()
Path({recipe!r}).write_text("ARG BASE\\nFROM ${{BASE}}\\nRUN echo the reason; exit 7\\n")
load = selection.load_releases
stable = load(images.CONTAINERS / "releases.toml")[{stable!r}]
broken = replace(stable, name="unbuildable", title="Unbuildable 1", stable=False, recipe={recipe!r})
selection.load_releases = lambda path: load(path) | {{"unbuildable": broken}}
images.ensure_base = lambda *given: Base(images.image_tag(stable), "the stable image")
"""

# A process that stands before the engine: it can be ended, which the engine itself must not be.
RELAY = """
import socket, sys, threading

def pass_on(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[2])
listener.listen()
print("ready", flush=True)
while True:
    client, _ = listener.accept()
    server = socket.socket(socket.AF_UNIX)
    server.connect(sys.argv[1])
    for pair in ((client, server), (server, client)):
        threading.Thread(target=pass_on, args=pair, daemon=True).start()
"""

Script = Callable[[socket.socket], None]
Serve = Callable[[Script], int]


def _noise(connected: socket.socket) -> None:
    connected.sendall(b"\x00\xff\x1b[31m no mail server speaks like this\r\n" * 20)
    connected.recv(4096)


def _noise_in_the_handshake(connected: socket.socket) -> None:
    """All right until TLS should begin."""
    connected.sendall(b"220 mail.mailproof.test ESMTP\r\n")
    for reply in (
        b"250-mail.mailproof.test\r\n250 STARTTLS\r\n",
        b"220 2.0.0 go\r\n",
        b"\x16 this is no ServerHello\r\n",
    ):
        connected.recv(4096)
        connected.sendall(reply)


def _closes_in_the_handshake(connected: socket.socket) -> None:
    """Looks as a refusal does on Dovecot 2.3."""
    connected.sendall(b"220 mail.mailproof.test ESMTP\r\n")
    for reply in (b"250-mail.mailproof.test\r\n250 STARTTLS\r\n", b"220 2.0.0 go\r\n"):
        connected.recv(4096)
        connected.sendall(reply)
    connected.recv(4096)


def _says_nothing(connected: socket.socket) -> None:
    connected.recv(4096)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Run a script for every connection to a new loopback port; returns the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def start(script: Script) -> int:
        threading.Thread(target=_accept, args=(listener, script), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def engine_behind() -> Path:
    """The socket of this machine's engine."""
    found = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    if found.scheme != "unix":
        pytest.skip("the engine is not reached by a socket of this machine")
    return Path(found.path)


def _accept(listener: socket.socket, script: Script) -> None:
    with suppress(OSError):
        while True:
            connected, _ = listener.accept()
            with connected, suppress(OSError):
                script(connected)


def test_a_dovecot_that_stops_mid_run_is_not_judged_and_postfix_is(inner: Inner) -> None:
    ended = inner(*VERSIONS, "-k", "not submission", before=1, do=STOP_DOVECOT)
    dovecot = [row for row in ended.rows() if row["role"] == "access"]
    assert len(dovecot) == 25
    assert {row["verdict"] for row in dovecot} == {"error"}
    assert all(row["reason"] for row in dovecot)
    assert ended.verdicts("smtp:25") == {"pass"}
    assert (ended.status, ended.left) == (10, [])
    assert "Not judged: 5 pass · 0 fail · 25 error" in ended.words


def test_a_container_that_is_killed_mid_run_is_judged_no_further(inner: Inner) -> None:
    rooms = (*VERSIONS, "tests/logs/test_postfix_log.py", "-k", "smtp:25 and (versions or version_and_cipher-tls-1.3)")
    ended = inner(*rooms, before=2, do=KILL)
    verdicts = [row["verdict"] for row in sorted(ended.rows(), key=lambda row: str(row["started"]))]
    assert verdicts[0] == "pass"
    assert set(verdicts[1:]) == {"error"}
    assert (ended.status, ended.left) == (10, [])
    assert "Not judged: 1 pass" in ended.words


def test_an_assertion_inside_testinfra_is_no_judgement(inner: Inner) -> None:
    ended = inner(*VERSIONS, "-k", "smtp:25 and offers", plugin=ASKS_THE_DEAD)
    [row] = ended.rows()
    assert row["verdict"] == "error"
    assert row["reason"].startswith("AssertionError: Unexpected exit code")
    assert (ended.status, ended.left) == (10, [])


def test_a_log_on_a_full_disk_is_not_judged(inner: Inner) -> None:
    which = ("--profile", "pfs", "tests/logs", "-k", "version_and_cipher and smtp:25")
    ended = inner(*which, before=2, do=FILL, plugin=SMALL_LOG_DISK)
    before, after = sorted(ended.rows(), key=lambda row: str(row["started"]))
    assert before["verdict"] == "pass"
    assert (after["verdict"], after["reason"].partition(":")[0]) == ("error", "LogSilent")
    assert (ended.status, ended.left) == (10, [])
    assert "LogSilent" in ended.words


def test_a_wrong_profile_name_starts_nothing(inner: Inner) -> None:
    engine = socket.create_server(("127.0.0.1", 0))
    engine.setblocking(False)
    host = f"tcp://127.0.0.1:{engine.getsockname()[1]}"
    ended = inner("--profile", "pfs,realy", environment={"DOCKER_HOST": host})
    assert ended.status == 4
    assert "realy" in ended.words and "did you mean relay" in ended.words
    assert len(ended.text.strip().splitlines()) == 1, ended.text
    assert not ended.report.exists()
    with engine, pytest.raises(BlockingIOError):
        engine.accept()


@pytest.mark.parametrize(
    "script", [_noise, _noise_in_the_handshake, _closes_in_the_handshake], ids=lambda script: str(script.__name__)
)
def test_garbage_in_front_of_a_port_is_never_an_answer(inner: Inner, serve: Serve, script: Script) -> None:
    ended = inner(*VERSIONS, "-k", "smtp:25 or imaps and offers", plugin=IN_FRONT_OF_25.format(port=serve(script)))
    assert ended.verdicts("smtp:25") == {"error"}
    assert ended.verdicts("imaps:993") == {"pass"}
    assert (ended.status, ended.left) == (10, [])
    assert "\x1b" not in ended.text


@pytest.mark.parametrize("nowhere", ["tcp://127.0.0.1:9", "unix:///nowhere/docker.sock"])
def test_without_an_engine_every_case_is_an_error(inner: Inner, nowhere: str) -> None:
    ended = inner(*VERSIONS, environment={"DOCKER_HOST": nowhere})
    assert ended.verdicts() == {"error"}
    assert len(ended.rows()) == 40
    assert (ended.status, ended.left) == (10, [])
    assert f"no container engine answers on {nowhere}" in ended.words
    assert "run ./check, which installs and starts one" in ended.words
    assert "40 errors in" in ended.words


def test_an_engine_that_stops_mid_run_takes_the_inside_view_with_it(inner: Inner, engine_behind: Path) -> None:
    rooms = (*VERSIONS, "tests/logs", "-k", "smtp:25 and (offers or version_and_cipher)")
    stop = "os.kill(int(os.environ['BEFORE_THE_ENGINE']), signal.SIGKILL)"
    relay = inner.beside(RELAY, str(engine_behind), str(inner.home / "engine.sock"))
    environment = {"DOCKER_HOST": f"unix://{inner.home / 'engine.sock'}", "BEFORE_THE_ENGINE": str(relay.pid)}
    ended = inner(*rooms, before=1, do=stop, environment=environment)
    assert ended.verdicts("offers_tls_1_3") == {"pass"}, "the container answers all the same"
    assert ended.verdicts("version_and_cipher") == {"error"}
    assert ended.status == 10, ended.text
    assert ended.left, "nobody could remove them: the test tests nothing"
    assert "Not judged: 1 pass · 0 fail · 2 error" in ended.words
    assert "what this run started could not be removed" in ended.words


def test_a_target_without_an_image_is_an_error_and_the_others_are_judged(inner: Inner, stable: str) -> None:
    plugin = CANNOT_BE_BUILT.format(stable=stable, recipe=str(inner.home / "unbuildable" / "Dockerfile"))
    ended = inner(*VERSIONS, "--target", f"{stable},unbuildable", "-k", "smtp:25 or imaps", plugin=plugin)
    assert ended.verdicts("unbuildable/") == {"error"}
    assert ended.verdicts(f"{stable}/") == {"pass"}
    problems = {target["name"]: target["problem"] for target in ended.record["targets"]}
    assert problems[stable] is None
    assert "its image cannot be built" in problems["unbuildable"] and "the reason" in problems["unbuildable"]
    assert (ended.status, ended.left) == (10, [])
    assert "Unbuildable 1: its image cannot be built" in ended.words
