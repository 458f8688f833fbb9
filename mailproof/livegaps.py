"""What is not asked of a live host, and why: read from the controls' own source, without running them.

A control that sends a message, logs in, shows certificates of the lab or needs a stranger's standing cannot be asked of
a host that others depend on, or says nothing where the host trusts us.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mailproof.catalogue import functions, ids_of

_SENDS = {"delivery", "sending", "dane", "advice"}
"""Capabilities that put a message in."""
_LOGS_IN = {"login", "login_with", "account", "holder"}
_RELAYS = {"decisions", "refused", "turned_away"}
_BEFORE_TLS = {"offers_login"}
_MESSAGE = "it sends a message, and nothing goes past RCPT on a live host"
_LOGIN = "nobody logs in on a live host"
_CLIENTS = "it shows certificates of the lab, which the host's own authorities and tables do not know"
_SUBMISSION = "that somebody may pass can be shown by a login alone, and nobody logs in on a live host"


def live_gaps(tests: Path, live: Mapping[str, Any], certificate: bool) -> dict[str, str]:
    """Why, by control (``OPEN-1``), by control and role (``OPEN-1 submission``) or variant (``REL-8-renewed-tls-1.3``),
    by service and by daemon, as `mailproof.plan.Subject` has it."""
    found = {service: f"{service} does not answer: {why}" for service, why in live["silent"].items()}
    if live["banned"]:
        found = dict.fromkeys(
            found, "no service answers us although the host listens: a ban or a firewall keeps us out"
        )
    for function in functions(tests):
        for id in ids_of(function):
            found |= {f"{id}{where}": why for where, why in _gaps(function, live, certificate)}
    return {**found, "lmtp": "its socket is reached on the host alone"}


def _gaps(function: ast.FunctionDef, live: Mapping[str, Any], certificate: bool) -> Iterator[tuple[str, str]]:
    asks = {argument.arg for argument in function.args.args}
    uses = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    if asks & _SENDS:
        yield "", _MESSAGE
    elif uses & _LOGS_IN:
        yield "", _LOGIN
    elif "journal" in asks and live["log"] is None:
        yield "", "no mail log of the host can be read"
    elif _shows_certificates(function) and "endpoint" in asks:
        yield from _clients(function, certificate)
    elif uses & _RELAYS:
        yield from _relaying(live["standing"])
    elif uses & _BEFORE_TLS and live["standing"]["own"]:
        yield "", f"the host takes us for itself ({live['standing']['seen']}), and for secure without TLS"


def _clients(function: ast.FunctionDef, certificate: bool) -> Iterator[tuple[str, str]]:
    """With a certificate that the host knows, what it may do can be asked; never what the lab's may not."""
    variants = [node.value for node in ast.walk(function) if isinstance(node, ast.Constant)]
    listed = [each for each in variants if isinstance(each, str) and each.startswith("listed-tls")]
    if not (certificate and listed):
        yield "", _CLIENTS
        return
    yield from ((f"-{each}", _CLIENTS) for each in variants if isinstance(each, str) and each.startswith("renewed-tls"))


def _relaying(standing: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not standing["seen"]:
        yield "", "nobody can say from where the host saw us come: its log shows no connection of ours"
    elif standing["own"]:
        yield "", f"we come from the host's own address {standing['seen']}"
    elif standing["trusted"]:
        yield "", f"we come from {standing['seen']}, which mynetworks ({standing['trusted']}) trusts"
    else:
        yield " submission", _SUBMISSION


def _shows_certificates(function: ast.FunctionDef) -> bool:
    words = {keyword.arg: keyword.value for node in ast.walk(function) if isinstance(node, ast.Call)
             for keyword in node.keywords}  # fmt: skip
    feature = words.get("feature")
    return isinstance(feature, ast.Constant) and feature.value == "client-certificates"
