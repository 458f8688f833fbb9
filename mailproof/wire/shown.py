"""An inventory as text for people and as JSON for programs. Pure."""

from __future__ import annotations

from mailproof.wire.inventory import Inventory, VersionInventory
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.primes import known_prime
from mailproof.wire.tls.registry import group_name


def as_text(found: Inventory) -> str:
    """The inventory in lines, the newest version first."""
    lines = [line for version in reversed(found.versions) for line in _version(version)]
    lines += [f"{version}: {answer}" for version, answer in reversed(found.refused.items())]
    return "\n".join([*lines, f"{found.connections} connections"])


def as_json(found: Inventory) -> dict[str, object]:
    """The inventory as JSON primitives: names, sizes in bits, and how each version that is off was refused."""
    return {
        "versions": {version.version: _facts(version) for version in found.versions},
        "refused": {version: str(answer) for version, answer in found.refused.items()},
        "connections": found.connections,
    }


def _version(version: VersionInventory) -> list[str]:
    lines = [f"{version.version}: {version.preference}"]
    lines += [f"  {_suite(chosen)}" for chosen in version.suites]
    if version.groups:
        groups = " ".join(map(group_name, version.groups))
        lines.append(f"  groups: {groups} ({version.group_preference})")
    return lines


def _suite(chosen: Chosen) -> str:
    worth = "" if chosen.forward_secret else "  no forward secrecy"
    prime = f"  DH {chosen.dh_bits} bits, {_origin(chosen.prime)}" if chosen.prime is not None else ""
    return f"{chosen.suite_name}{prime}{worth}"


def _facts(version: VersionInventory) -> dict[str, object]:
    return {
        "suites": [chosen.suite_name for chosen in version.suites],
        "preference": version.preference.value,
        "groups": [group_name(group) for group in version.groups],
        "group_preference": version.group_preference.value,
        "dh": [{"bits": prime.bit_length(), "origin": _origin(prime), "suites": list(names)}
               for prime, names in version.primes.items()],
    }  # fmt: skip


def _origin(prime: int) -> str:
    return known_prime(prime) or "a prime of its own"
