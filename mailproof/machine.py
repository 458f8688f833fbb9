"""What set-up asks of this machine: locks between runs, commands, Debian packages. Knows neither engine nor images.

Needs nothing but the standard library: set-up runs before anything is installed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mailproof.errors import OurFault

Say = Callable[[str], None]
"""Takes one line about what is being done."""

_SYSTEM_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock that other runs of this user on this machine respect; waits for it without a deadline."""
    home = Path(tempfile.gettempdir()) / f"mailproof-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    if home.is_symlink() or home.stat().st_uid != os.getuid():
        raise OurFault(f"{home} belongs to somebody else: remove it, or set TMPDIR to a directory of your own")
    handle = os.open(home / f"{name}.setup", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def find(program: str) -> str | None:
    """Where a program lies, the system's own directories included."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_PATH]))


def environment(**more: str) -> dict[str, str]:
    """Our environment with the system's own directories on the path."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_PATH])
    return {**os.environ, "PATH": path, **more}


def run(command: Sequence[str], deadline: float, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed on standard output.

    ``deadline`` in seconds. Raises `OurFault` with the last lines when it fails, is missing or takes longer.
    """
    try:
        done = subprocess.run(
            command, env=env or environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=deadline, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OurFault(f"{command[0]}: {error}") from None
    if done.returncode:
        raise OurFault(f"{' '.join(command)} failed ({done.returncode}):\n{tail(done.stdout + done.stderr)}")
    return done.stdout


def tail(text: str, lines: int = 12) -> str:
    """The last lines of a log, indented for a message."""
    return "\n".join(f"    {line.rstrip()}" for line in text.strip().splitlines()[-lines:])


def install(packages: Sequence[str], say: Say, where_packaged: Sequence[str] = ()) -> None:
    """Install Debian packages, and those of ``where_packaged`` that this release has.

    Raises `OurFault`: with the exact command where only root may, with what is missing where there is no apt.
    """
    wanted = " ".join(packages or where_packaged)
    if not find("apt-get"):
        raise OurFault(f"{wanted} is missing, and this machine has no apt: install it the way this system does")
    if os.geteuid() != 0:
        raise OurFault(f"{wanted} is missing, and only root may install it: sudo apt-get install {wanted}")
    quiet = environment(DEBIAN_FRONTEND="noninteractive")
    apt = ["apt-get", "--quiet", "--option", "DPkg::Lock::Timeout=300"]
    say(f"installing {wanted} with apt-get")
    try:
        run([*apt, "update"], 300, quiet)
    except OurFault as trouble:
        say(f"going on with the package lists at hand: {trouble}")
    found = [*packages, *(name for name in where_packaged if _packaged(name))]
    run([*apt, "install", "--yes", "--no-install-recommends", *found], 900, quiet)


def _packaged(name: str) -> bool:
    try:
        return bool(run(["apt-cache", "show", "--no-all-versions", name], 60))
    except OurFault:
        return False
