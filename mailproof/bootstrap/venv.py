"""The virtual environment `.venv`: made from the hashed lock, and made anew when lock or Python have changed."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

from mailproof import machine
from mailproof.machine import Say

_STAMP = "mailproof.stamp"


def ensure_venv(checkout: Path, say: Say) -> Path:
    """The environment's Python, with every locked package; raises `OurFault` where it cannot be made."""
    home, lock = checkout / ".venv", checkout / "requirements.txt"
    if not current(home, lock):
        with machine.locked(f"venv-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"):
            if not current(home, lock):
                _make(home, lock, say)
    return _python(home)


def current(home: Path, lock: Path) -> bool:
    """True where the environment was completed from this very lock by this very Python."""
    stamp = home / _STAMP
    return _python(home).exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == _identity(lock)


def _make(home: Path, lock: Path, say: Say) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        machine.install([f"python{sys.version_info.major}.{sys.version_info.minor}-venv"], say)
    say(f"making the virtual environment {home}")
    shutil.rmtree(home, ignore_errors=True)
    machine.run([sys.executable, "-P", "-m", "venv", str(home)], 120)
    say(f"installing the packages of {lock.name} into it")
    pip = [str(_python(home)), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    machine.run([*pip, "install", "--quiet", "--require-hashes", "--requirement", str(lock)], 900)
    (home / _STAMP).write_text(_identity(lock), encoding="utf-8")


def _identity(lock: Path) -> str:
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {sys.version} {sys.base_prefix}\n"


def _python(home: Path) -> Path:
    return home / "bin" / "python"
