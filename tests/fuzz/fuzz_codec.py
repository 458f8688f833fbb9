"""Feeds spoilt bytes to everything that reads a peer's: ``python -m tests.fuzz.fuzz_codec --inputs 10000000 --seed 1``.

An input that raises anything but a MailproofError, takes longer than :data:`SLOW`, or hangs is shown as the line that
keeps it (``TARGET HEX``), and so is a process whose memory grows; the exit status is then 1. The same seed, number of
inputs and number of jobs make the same inputs. What is found goes into fixtures/recorded/wire/TARGET.hex.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from mailproof.errors import MailproofError
from tests.fuzz.mutations import mutated
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parents[2] / "fixtures" / "recorded" / "wire"

SLOW = 0.05
"""The longest that one input may take of a processor, in seconds."""

HANGS = 30.0
"""The longest that a block of inputs may take, in seconds."""

MOST_BLOCKS = 20_000
"""How many more pieces of memory a process may hold at its end than after its first inputs."""

BLOCK = 500
MOST_FINDINGS = 20


@dataclass(frozen=True)
class Finding:
    """An input and what it did."""

    target: str
    data: bytes
    problem: str

    def __str__(self) -> str:
        return f"{self.target} {self.data.hex()}\n    {self.problem}"


class Hang(BaseException):
    """A block of inputs takes too long."""


def corpus(target: str) -> list[bytes]:
    """The inputs that are kept for a target, an empty one where there are none yet."""
    kept = CORPUS / f"{target}.hex"
    lines = kept.read_text("ascii").split() if kept.exists() else []
    return [bytes.fromhex(line) for line in lines] or [b""]


def attempt(target: str, data: bytes) -> str | None:
    """Feed one input; what is wrong with what it did, or None."""
    began = time.perf_counter()
    try:
        TARGETS[target](data)
    except MailproofError:
        pass
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return _too_slow(target, data) if time.perf_counter() - began > SLOW else None


def campaign(seed: int, inputs: int) -> list[Finding]:
    """Feed so many inputs, to all targets in turn, and give what was found."""
    dice = Random(seed)  # noqa: S311
    kept = {target: corpus(target) for target in TARGETS}
    findings: list[Finding] = []
    before = 0
    for number, at in enumerate(range(0, inputs, BLOCK)):
        target = tuple(TARGETS)[number % len(TARGETS)]
        if number == 4 * len(TARGETS):
            before = _blocks()
        findings += _block(target, kept[target], dice, min(BLOCK, inputs - at))
        if len(findings) >= MOST_FINDINGS:
            return findings
    grown = _blocks() - before if before else 0
    return findings + ([Finding("memory", b"", f"{grown} blocks more")] if grown > MOST_BLOCKS else [])


def main(words: Sequence[str]) -> int:
    """The program; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(words)
    shares = [given.inputs // given.jobs + (job < given.inputs % given.jobs) for job in range(given.jobs)]
    began = time.monotonic()
    with ProcessPoolExecutor(given.jobs) as pool:
        seeds = [given.seed * 1000 + job for job in range(given.jobs)]
        findings = [finding for found in pool.map(campaign, seeds, shares) for finding in found]
    print(*findings, sep="\n", end="\n" if findings else "")
    took = time.monotonic() - began
    print(f"{sum(shares)} inputs to {len(TARGETS)} targets in {took:.0f} s on {given.jobs} processors: ", end="")
    print(f"{sum(shares) / took / given.jobs:.0f} a second each, {len(findings)} findings")
    return 1 if findings else 0


def _block(target: str, kept: Sequence[bytes], dice: Random, inputs: int) -> list[Finding]:
    findings = []
    data = b""
    signal.signal(signal.SIGALRM, _hang)
    signal.setitimer(signal.ITIMER_REAL, HANGS)
    try:
        for _ in range(inputs):
            data = mutated(kept, dice)
            problem = attempt(target, data)
            if problem is not None:
                findings.append(Finding(target, data, problem))
    except Hang:
        findings.append(Finding(target, data, f"hangs, or one of the {inputs} before it is slow"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return findings


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise Hang


def _too_slow(target: str, data: bytes) -> str | None:
    """Whether an input is slow by itself, and not because the machine was busy."""
    best = SLOW * 2
    for _ in range(3):
        began = time.process_time()
        with suppress(MailproofError):
            TARGETS[target](data)
        best = min(best, time.process_time() - began)
    return f"takes {best:.3f} s" if best > SLOW else None


def _blocks() -> int:
    gc.collect()
    return sys.getallocatedblocks()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
