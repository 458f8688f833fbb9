"""Output of postconf(1) → names and values. Pure; knows no parameter by name."""

from __future__ import annotations

from mailproof.errors import Unread


def assignments(text: str) -> dict[str, str]:
    """``name = value`` lines, as of ``postconf -x``."""
    values: dict[str, str] = {}
    for line in filter(None, text.splitlines()):
        name, equals, value = line.partition(" =")
        if not equals or not name or " " in name:
            raise Unread(f"postconf printed a line that is no setting: {line[:80]!r}")
        values[name] = value.strip()
    return values


def overrides(text: str) -> dict[str, dict[str, str]]:
    """``service/type/name = value`` lines of ``postconf -Px``, by ``service/type``."""
    found: dict[str, dict[str, str]] = {}
    for path, value in assignments(text).items():
        entry, slash, name = path.rpartition("/")
        if not slash:
            raise Unread(f"postconf -P printed a line that is no override: {path[:80]!r}")
        found.setdefault(entry, {})[name] = value
    return found


def entries(text: str) -> dict[str, str]:
    """Rows of ``postconf -M`` by ``service/type``, fields joined by single blanks."""
    rows: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split()
        if line[:1].isspace() or not fields:
            continue
        if len(fields) < 8:
            raise Unread(f"postconf -M printed a row with {len(fields)} fields: {line[:80]!r}")
        rows[f"{fields[0]}/{fields[1]}"] = " ".join(fields)
    return rows


def command(row: str) -> str:
    """The program of a master.cf row: ``smtpd``, ``postscreen``."""
    return row.split()[7]
