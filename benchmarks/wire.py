"""How long our own sight of a server takes beside the scanners', on the same warm specimen, in one run.

Prints a table in Markdown: medians of some rounds, in each of which everything is measured one after the other, so that
a busy machine slows all alike. Never asserts a time. A scanner that is not installed is left out and named.
"""
# ruff: noqa: INP001  a script beside the project, not a package of it

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mailproof.controller import report_directory  # noqa: E402  the checkout must be importable first
from mailproof.model import Security  # noqa: E402
from mailproof.run import Run, new_id  # noqa: E402
from mailproof.selection import Options, select  # noqa: E402
from mailproof.targets.specimen import Specimen  # noqa: E402
from mailproof.wire.gate import Gate, gate, rules_of  # noqa: E402
from mailproof.wire.inventory import Inventory, inventory  # noqa: E402
from mailproof.wire.peer import Peer  # noqa: E402

STARTTLS = "smtp:25"
HELO = "benchmark.mailproof.test"
ALONE = """
import sys
from mailproof.model import Protocol, Security
from mailproof.wire.inventory import inventory
from mailproof.wire.peer import Peer
inventory(Peer.at(sys.argv[1], int(sys.argv[2]), Protocol.SMTP, Security.STARTTLS, "benchmark.mailproof.test").probe)
"""

Measured = dict[str, float]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="", help="a target of containers/releases.toml (default: the stable one)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default: %(default)s)")
    parser.add_argument("--sslyze", default="sslyze", help="where sslyze lies (default: on the path)")
    parser.add_argument("--testssl", type=int, default=1, help="how often testssl.sh is, by its default of minutes")
    asked = parser.parse_args()
    with _specimen(asked.target) as specimen:
        peers = dict(_peers(specimen))
        for peer in peers.values():
            inventory(peer.probe)  # the daemons' processes are there now, and our own tables made
        rounds = [_round(specimen, peers, asked.sslyze, slow=turn < asked.testssl) for turn in range(asked.rounds)]
        _print(specimen, peers, rounds)


def _round(specimen: Specimen, peers: dict[str, Peer], sslyze: str, *, slow: bool) -> Measured:
    host, port = specimen.started.address(int(STARTTLS.partition(":")[2]))
    address, probe = f"{host}:{port}", peers[STARTTLS].probe
    figures = {
        "inventory": _timed(lambda: inventory(probe)),
        "gate": _timed(lambda: _gate(specimen, peers[STARTTLS])),
        "process": _program(sys.executable, "-c", ALONE, host, str(port)),
        "sslscan": _program("sslscan", "--starttls-smtp", address),
        "sslyze": _program(sslyze, "--starttls", "smtp", address),
        **{f"alone {name}": _timed(partial(inventory, peer.probe)) for name, peer in peers.items()},
        "together": _timed(lambda: _together(peers)),
    }
    if slow:
        figures["testssl"] = _program("testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "none",
                                      "--starttls", "smtp", address)  # fmt: skip
    return {name: seconds for name, seconds in figures.items() if seconds is not None}


def _gate(specimen: Specimen, peer: Peer) -> Gate:
    parameters = specimen.profile.parameters if specimen.profile else {}
    return gate(peer.probe, rules_of(parameters["tls"]))


def _together(peers: dict[str, Peer]) -> list[Inventory]:
    with ThreadPoolExecutor(len(peers)) as pool:
        return list(pool.map(lambda peer: inventory(peer.probe), peers.values()))


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _program(name: str, *arguments: str) -> float | None:
    """Seconds of a whole process; None where there is no such program. A scanner's status says what it thinks of the
    server, so only one that says nothing at all stops us."""
    if shutil.which(name) is None:
        return None
    begun = time.perf_counter()
    done = subprocess.run(
        [name, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begun
    if done.returncode and "TLS" not in done.stdout:
        raise SystemExit(f"{name} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


def _print(specimen: Specimen, peers: dict[str, Peer], rounds: list[Measured]) -> None:
    names = dict.fromkeys(name for each in rounds for name in each)
    figures = {name: median([each[name] for each in rounds if name in each]) for name in names}
    ours, alone = figures["inventory"], {name: figures[f"alone {name}"] for name in peers}
    slowest = max(alone, key=lambda name: alone[name])
    found, stopped = inventory(peers[STARTTLS].probe), _gate(specimen, peers[STARTTLS])
    rows = [
        (f"inventory of {STARTTLS}: {found.connections} connections", ours),
        ("the same in a Python of its own", figures["process"]),
        *((f"{name}, default scan of {STARTTLS}", figures[name]) for name in _SCANNERS if name in figures),
        (f"gate of {STARTTLS}: {stopped.connections} connections", figures["gate"]),
        *((f"inventory of {name}", seconds) for name, seconds in alone.items()),
        (f"all {len(peers)} services, one after the other", sum(alone.values())),
        (f"all {len(peers)} services at once", figures["together"]),
        (f"the slowest alone, {slowest}", alone[slowest]),
    ]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    load = f"load {os.getloadavg()[0]:.1f}"
    print(f"{time.strftime('%Y-%m-%d', time.gmtime())}, {specimen.key}, {machine}, {load}; medians of {len(rounds)}.\n")
    print(f"| what | ms | × inventory of {STARTTLS} |\n|---|---:|---:|")
    for what, seconds in rows:
        print(f"| {what} | {1000 * seconds:.0f} | {seconds / ours:.1f} |")
    if absent := [name for name in _SCANNERS if name not in figures]:
        print(f"\nNot measured, because it is not here: {', '.join(absent)}.")


_SCANNERS = ("sslscan", "sslyze", "testssl")


def _peers(specimen: Specimen) -> Iterator[tuple[str, Peer]]:
    """Every service with TLS and a port."""
    for service in specimen.profile.services if specimen.profile else ():
        if service.port is not None and service.protocol is not None and service.security is not Security.NONE:
            host, port = specimen.started.address(service.port)
            yield str(service), Peer.at(host, port, service.protocol, service.security, HELO)


@contextmanager
def _specimen(target: str) -> Iterator[Specimen]:
    """A started specimen of the profile pfs."""
    selection = select(ROOT, Options(targets=(target,) if target else (), profiles=("pfs",)), ROOT)
    with tempfile.TemporaryDirectory(prefix="mailproof-benchmark-") as scratch:
        name = new_id()
        run = Run(name, report_directory(ROOT, name, Path(scratch)), selection)
        try:
            run.start()
            run.wait(lambda _: None)
            yield run.specimen(next(iter(selection.keys)))
        finally:
            run.close()


if __name__ == "__main__":
    main()
