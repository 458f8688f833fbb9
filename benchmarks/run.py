"""How long a warm `./check` takes and where the time goes, beside what no run can do without.

Prints a table in Markdown: the median of some rounds, in each of which the floor (the target's container until Postfix
and Dovecot greet), an empty pytest run and a whole `./check` are measured one after the other; with `--tree`, that of
one's own configuration, which must be a good one. Never asserts a time.
"""
# ruff: noqa: INP001  a script beside the project, not a package of it

from __future__ import annotations

import argparse
import json
import os
import platform
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mailproof.releases import choose, load_releases  # noqa: E402  the checkout must be importable first
from mailproof.targets.images import image_tag  # noqa: E402

GREETINGS = {25: b"220 ", 143: b"* OK "}
DEADLINE = 60.0
"""Seconds that a container may take to greet."""
PHASES = (
    ("set-up", "begun", "loaded", "`check`, its look for what is missing, Python and pytest loaded"),
    ("options", "loaded", "started", "options and profiles checked, certificates minted"),
    ("collect", "started", "collected", "controls × targets × services; the containers start meanwhile"),
    ("start", "collected", "ready", "what the containers need beyond that: ready, read back, compared"),
    ("judge", "ready", "judged", "all cases"),
    ("report", "judged", "ended", "containers removed, record and its views written, process ended"),
)
"""Name, the marks between which it lies, what it is."""

Figures = dict[str, float]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each is measured (default: %(default)s, at least 3)"
    )
    parser.add_argument("--tree", help="judge this configuration of one's own instead of the default specimens")
    given = parser.parse_args()
    rounds = max(3, given.rounds)
    options = [f"--mail-config={given.tree}"] if given.tree else []
    _check({}, options)  # whatever is missing is made now, and nothing is cold afterwards
    measured = [_round(options) for _ in range(rounds)]
    print(_table({name: median(each[name] for each in measured) for name in measured[0]}, rounds))


def _round(options: Sequence[str]) -> Figures:
    figures = {"floor": _floor(), "empty": _empty()}
    with tempfile.TemporaryDirectory(prefix="mailproof-benchmark-") as scratch:
        marks = _check({"PHASES": str(Path(scratch, "marks.json"))}, options)
    figures |= {name: marks[end] - marks[begin] for name, begin, end, _ in PHASES}
    return {**figures, "whole": marks["ended"] - marks["begun"], "cases": marks["cases"]}


def _floor() -> float:
    """Seconds from `docker run` of the default target's image until both daemons greet."""
    image = image_tag(choose((), load_releases(ROOT / "containers" / "releases.toml"))[0])
    name, ports = f"mailproof-benchmark-{secrets.token_hex(4)}", {port: _free_port() for port in GREETINGS}
    publish = [word for port, ours in ports.items() for word in ("--publish", f"127.0.0.1:{ours}:{port}")]
    begun = time.time()
    try:
        _run(["docker", "run", "--detach", "--name", name, "--hostname", "mail.mailproof.test", *publish, image])
        for port, greeting in GREETINGS.items():
            _await(ports[port], greeting, begun + DEADLINE)
        return time.time() - begun
    finally:
        _run(["docker", "rm", "--force", name])


def _empty() -> float:
    """Seconds of a pytest run with the same plugins installed and one test that does nothing."""
    with tempfile.TemporaryDirectory(prefix="mailproof-benchmark-") as scratch:
        Path(scratch, "test_nothing.py").write_text("def test_nothing() -> None: ...\n", encoding="utf-8")
        begun = time.time()
        _run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", scratch, scratch])
        return time.time() - begun


def _check(environment: Mapping[str, str], options: Sequence[str]) -> Figures:
    """Run `./check` as a user does; with PHASES in the environment, the marks of the run."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    with tempfile.TemporaryDirectory(prefix="mailproof-benchmark-") as report:
        command = [
            str(ROOT / "check"),
            "-q",
            "--report-dir",
            report,
            *options,
            *(["-p", "phases"] if environment else []),
        ]
        begun = time.time()
        _run(command, {**os.environ, **environment, "PYTHONPATH": path})
        ended = time.time()
    marks = json.loads(Path(environment["PHASES"]).read_text(encoding="utf-8")) if environment else {}
    return {**marks, "begun": begun, "ended": ended}


def _table(figures: Figures, rounds: int) -> str:
    floor, whole = figures["floor"], figures["whole"]
    rows = [
        ("floor: `docker run` until Postfix and Dovecot greet", floor),
        ("an empty pytest run", figures["empty"]),
        *((f"{name}: {what}", figures[name]) for name, _, _, what in PHASES),
        (f"`./check`, {figures['cases']:.0f} cases", whole),
    ]
    lines = [f"| {what} | {seconds:.2f} | {seconds / floor:.1f} |" for what, seconds in rows]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    head = f"{time.strftime('%Y-%m-%d', time.gmtime())}, {machine}; medians of {rounds}."
    beyond = f"`./check` without set-up: floor + {whole - figures['set-up'] - floor:.2f} s"
    each = f"{1000 * figures['judge'] / figures['cases']:.0f} ms for a case"
    return "\n".join([head, "", "| what | seconds | × floor |", "|---|---:|---:|", *lines, "", f"{beyond}; {each}."])


def _await(port: int, greeting: bytes, end: float) -> None:
    while not _greets(port, greeting):
        if time.time() > end:
            raise TimeoutError(f"nothing greets on port {port}")
        time.sleep(0.01)


def _greets(port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
            return link.recv(64).startswith(greeting)
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    """Run a command to its good end; a run that is not green measures nothing."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
