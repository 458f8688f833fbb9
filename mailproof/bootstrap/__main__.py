"""`python3 -m mailproof.bootstrap main|self [pytest options]`: set up what is missing, then become pytest."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mailproof.bootstrap.engine import DEFAULT, endpoint, ensure_engine, ready
from mailproof.bootstrap.options import needs_engine, pytest_arguments, read, side_by_side, validate
from mailproof.bootstrap.scanners import install, missing
from mailproof.bootstrap.venv import ensure_venv
from mailproof.errors import ExitStatus, MailproofError, OurFault, Unusable
from mailproof.machine import tail

CHECKOUT = Path(__file__).resolve().parents[2]
_INTERRUPTED = 2


def main(job: str, arguments: Sequence[str]) -> int:
    """Set up and become pytest, so that its signals and exit status are ours; returns a status where that fails."""
    try:
        command = _set_up(job, arguments)
        sys.stderr.flush()
        os.execv(command[0], command)  # noqa: S606  pytest takes our place
    except Unusable as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitStatus.USAGE
    except (MailproofError, OSError) as error:  # OSError: a checkout that we may not write to, a full disk
        print(f"ERROR: {error}", file=sys.stderr)
        return ExitStatus.NOT_JUDGED
    except KeyboardInterrupt:
        print("interrupted; what was half made is made anew next time", file=sys.stderr)
        return _INTERRUPTED


def _set_up(job: str, arguments: Sequence[str]) -> list[str]:
    """Make everything that the command line needs; returns the command that runs it."""
    given = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *arguments]
    asked = read(given)
    validate(asked, CHECKOUT)
    python = ensure_venv(CHECKOUT, _say)
    command = [str(python), "-P", "-m", "pytest", "-c", str(CHECKOUT / "pytest.ini"), "--rootdir", str(CHECKOUT)]
    command += ["-p", "mailproof.plugin", *pytest_arguments(job, arguments, CHECKOUT)]
    if workers := side_by_side(given, asked, len(os.sched_getaffinity(0))):
        _say(f"a proof takes minutes: {' '.join(workers)}")
        command += workers
    if needs_engine(given, asked, CHECKOUT):
        _engine(command)
        if scanners := missing(job, given, CHECKOUT):
            _check_options(command)
            install(scanners, _say)
    return command


def _engine(command: Sequence[str]) -> None:
    address = endpoint(os.environ, Path.home())
    if not ready(address):
        _check_options(command)
        ensure_engine(address, _say)
    if address != DEFAULT:
        os.environ["DOCKER_HOST"] = address


def _check_options(command: Sequence[str]) -> None:
    """Let pytest read the whole command line before an engine is installed for it.

    `--markers` parses and configures, and then runs nothing.
    """
    done = subprocess.run([*command, "--markers"], capture_output=True, text=True, errors="replace", check=False)
    said = done.stderr.strip() or done.stdout.strip()
    if done.returncode == ExitStatus.USAGE:
        raise Unusable(said.removeprefix("ERROR: "))
    if done.returncode:
        raise OurFault(f"pytest could not read the command line ({done.returncode}):\n{tail(said)}")


def _say(line: str) -> None:
    print(f"mailproof: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
