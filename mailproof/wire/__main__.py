"""``python -m mailproof.wire``: everything that one mail service would agree to, whatever server it is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mailproof.errors import ExitStatus, MailproofError
from mailproof.model import Protocol, Security
from mailproof.wire.asking import Ask, sure_of
from mailproof.wire.clients import load_clients, simulate, simulation_table
from mailproof.wire.inventory import inventory
from mailproof.wire.peer import Peer
from mailproof.wire.shown import as_json, as_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the inventory. Returns the exit status: 0, or 10 where the service kept us from looking (stderr: how)."""
    options = _options(arguments)
    security = Security.IMPLICIT if options.implicit else Security.STARTTLS
    peer = Peer.at(options.host, options.port, Protocol(options.protocol), security, options.helo)
    name = options.name or options.host
    try:
        found = inventory(lambda hello: peer.probe(hello.naming(name)))
        print(json.dumps(as_json(found), indent=2) if options.json else as_text(found))
        if options.clients:
            print(_simulated(sure_of(peer.probe, found.answered), options))
    except MailproofError as trouble:
        print(f"{options.host} port {options.port}: {trouble}", file=sys.stderr)
        return ExitStatus.NOT_JUDGED
    return ExitStatus.ALL_HOLD


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m mailproof.wire", description="What would this mail service agree to?")
    parser.add_argument("host", help="name or address")
    parser.add_argument("port", type=int)
    parser.add_argument("--protocol", choices=[each.value for each in Protocol], default=Protocol.SMTP.value)
    parser.add_argument("--implicit", action="store_true", help="TLS from the first byte (ports 465, 993, 995)")
    parser.add_argument("--name", help="server name to ask for (default: the host)")
    parser.add_argument("--helo", default="probe.invalid", help="our name in EHLO and LHLO (default: probe.invalid)")
    parser.add_argument("--clients", type=Path, metavar="FILE", help="simulate these (fixtures/clients.toml)")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(arguments)


def _simulated(ask: Ask, options: argparse.Namespace) -> str:
    name = options.name or options.host
    found = [simulate(client, ask(client.hello_to(name))) for client in load_clients(options.clients).values()]
    rows = simulation_table({f"{options.protocol}:{options.port}": found})
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


if __name__ == "__main__":
    sys.exit(main())
