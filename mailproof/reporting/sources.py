"""fixtures/sources.toml: what the documents are called that requirements come from, and where their sections are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mailproof.errors import Unusable

Sources = Mapping[str, Mapping[str, str]]
"""Document key → ``title``, ``url`` (``{section}`` stands for the section) and ``edition``."""


def load_sources(path: Path) -> Sources:
    """Read the table; raises `Unusable` where it cannot be read or an entry lacks its title or address."""
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: cannot be read as TOML: {error}") from None
    for key, entry in table.items():
        if not isinstance(entry, dict) or not all(isinstance(entry.get(name), str) for name in ("title", "url")):
            raise Unusable(f"{path}: [{key}] needs a title and a url")
    return table


def citation(source: Mapping[str, str], sources: Sources) -> str:
    """A short name for a clause: ``RFC 9325 (BCP 195) §4.1``; by the document's key where it has no title."""
    document, section = source["document"], source["section"]
    plain = f"RFC {document[3:]}" if document.startswith("rfc") and document[3:].isdigit() else document
    name = sources.get(document, {}).get("title", plain).partition(": ")[0]
    return f"{name} §{section}" if section[:1].isdigit() else f"{name}, {section}" if section else name


def address(source: Mapping[str, str], sources: Sources) -> str:
    """Where the clause can be read, or nothing; never anything but a web address."""
    template = sources.get(source["document"], {}).get("url", "")
    found = template.replace("{section}", quote(source["section"], safe=""))
    return found if found.startswith(("https://", "http://")) else ""
