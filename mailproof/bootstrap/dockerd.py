"""Starts dockerd: through the init that runs this machine, or in the background where none does."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from mailproof import machine
from mailproof.errors import EngineTrouble, OurFault
from mailproof.machine import Say, tail

LOG = Path("/var/log/mailproof-dockerd.log")
DEADLINE = 90.0
"""Seconds until a started engine must answer; the first start on a slow disk takes many."""

_PID_FILES = {Path("/var/run/docker.pid"): "dockerd", Path("/run/docker/containerd/containerd.pid"): "containerd"}


def start(answers: Callable[[], bool], say: Say) -> None:
    """Start dockerd and wait until ``answers()``; raises `EngineTrouble` with the last lines of its log."""
    command = _init_command()
    daemon = None
    if not _running("/var/run/docker.pid", "dockerd") and not (command and _asked(command, say)):
        daemon = _start_in_background(say)
    _await(answers, daemon)


def _start_in_background(say: Say) -> subprocess.Popen[bytes]:
    say(f"starting dockerd in the background; its log is {LOG}")
    for path, program in _PID_FILES.items():
        discard_stale(path, program)
    with LOG.open("wb") as log:
        return subprocess.Popen(
            [machine.find("dockerd") or "dockerd"], env=_environment(), stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, start_new_session=True, cwd="/",
        )  # fmt: skip


def _environment() -> dict[str, str]:
    """Where /proc/sys cannot be written (in a container), Docker 26 and newer must not try to switch IPv6 off."""
    may = os.access("/proc/sys/net/ipv6/conf/all/disable_ipv6", os.W_OK)
    return machine.environment() if may else machine.environment(DOCKER_ALLOW_IPV6_ON_IPV4_INTERFACE="1")


def discard_stale(pid_file: Path, program: str, proc: Path = Path("/proc")) -> None:
    """Remove a pid file whose process is gone, or is another program by now: dockerd would take it for itself."""
    if pid_file.exists() and not _running(pid_file, program, proc):
        pid_file.unlink()


def _running(pid_file: Path | str, program: str, proc: Path = Path("/proc")) -> bool:
    try:
        pid = int(Path(pid_file).read_text(encoding="ascii"))
        command = (proc / str(pid) / "cmdline").read_text(encoding="utf-8", errors="replace")
        return Path(command.partition("\0")[0]).name == program  # of a dead process that nobody reaped it is empty
    except (OSError, ValueError):
        return False


def _init_command() -> list[str]:
    """What asks this machine's init to start the engine; empty where no init does that."""
    if Path("/run/systemd/system").is_dir():
        return ["systemctl", "start", "docker"]
    first = Path("/proc/1/comm").read_text(encoding="utf-8").strip()
    return ["service", "docker", "start"] if first == "init" and Path("/etc/init.d/docker").exists() else []


def _asked(command: list[str], say: Say) -> bool:
    say(f"starting the container engine: {' '.join(command)}")
    try:
        machine.run(command, DEADLINE)
    except OurFault as trouble:
        say(str(trouble))
        return False
    return True


def _await(answers: Callable[[], bool], daemon: subprocess.Popen[bytes] | None) -> None:
    end = time.monotonic() + DEADLINE
    while not answers():
        if daemon and daemon.poll() is not None:
            raise EngineTrouble(f"dockerd ended at once ({daemon.returncode}); its log says:\n{_log()}")
        if time.monotonic() > end:
            raise EngineTrouble(f"the container engine did not answer within {DEADLINE:g} s; its log says:\n{_log()}")
        time.sleep(0.1)


def _log() -> str:
    if not LOG.exists():
        return "    nothing here: see journalctl -u docker"
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines()
    telling = [line for line in lines if "level=info" not in line]
    return tail("\n".join(telling or lines))
