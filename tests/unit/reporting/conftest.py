"""Sample rows, targets and records, and a banner as hostile as a server can send it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mailproof.model import Result, Verdict
from mailproof.reporting.record import assemble

Record = dict[str, Any]
MakeRow = Callable[..., Result]
MakeRecord = Callable[..., Record]
Sources = dict[str, dict[str, str]]

_HOSTILE = (
    "220 <script>alert(1)</script> \x1b[31mred\x1b[0m \x00\u202egnp ```\n# head [bold]x[/bold] | ]]> & \ud800 &#0;"
)


@pytest.fixture
def hostile() -> str:
    return _HOSTILE


@pytest.fixture
def parse_xml() -> Callable[[str], ET.Element]:
    """Reads what our own writer wrote."""
    return lambda text: ET.fromstring(text)  # noqa: S314


@pytest.fixture
def sources() -> Sources:
    return {
        "rfc9325": {
            "title": "RFC 9325: Recommendations for Secure Use of TLS and DTLS",
            "url": "https://www.rfc-editor.org/rfc/rfc9325#section-{section}",
        }
    }


@pytest.fixture
def make_row() -> MakeRow:
    return _row


def _row(service: str = "smtp:25", verdict: str = "pass", **changes: Any) -> Result:
    reason = "" if verdict in ("pass", "fail") else f"a reason for {verdict}"
    proved = verdict in ("proven", "blind", "false-alarm")
    raw = {"waived": "fail", "proven": "fail", "false-alarm": "fail", "blind": "pass"}.get(verdict, verdict)
    mutation = "static-rsa-readmitted" if proved else None
    case = f"debian-13/pfs/{service}" + (f"+{mutation}" if mutation else "")
    row = Result(
        control="PFS-3", node=f"tests/handshake/test_forward_secrecy.py::test_refuses_static_rsa[{case}]",
        title="Refuses static rsa", level="MUST NOT", severity="high",
        sources=[{"document": "rfc9325", "section": "4.1", "quote": "MUST NOT negotiate static RSA."}],
        target="debian-13", profile="pfs", service=service, role="mx", mutation=mutation, verdict=verdict,
        raw_verdict=raw, reason=reason, expected="static RSA is refused", observed="agreed on AES128-SHA",
        message="", remediation="smtpd_tls_exclude_ciphers = kRSA", transcript=None,
        started="2026-11-22T22:50:01.250Z", seconds=0.125,
    )  # fmt: skip
    return replace(row, **changes)


@pytest.fixture
def target() -> Record:
    return {
        "name": "debian-13", "kind": "specimen", "release": "debian-13", "image": "mailproof/debian-13:1f2e",
        "image_digest": "sha256:" + "ab" * 32, "container": "c0ffee123456",
        "versions": {"postfix": "3.10.13", "dovecot": "2.4.1", "openssl": "3.5.7"},
        "packages": {"postfix": "3.10.13-0+deb13u1", "dovecot-core": "1:2.4.1+dfsg1-6"},
        "notes": ["suite main only"], "problem": None, "profile": "pfs",
    }  # fmt: skip


@pytest.fixture
def make_record(target: Record) -> MakeRecord:
    def make(
        results: Sequence[Result],
        *,
        targets: Sequence[Record] | None = None,
        strict: bool = False,
        deselected: Sequence[str] = (),
        proof: str = "",
        shown: Record | None = None,
        **completeness: Any,
    ) -> Record:
        tally = {**_completeness(results), **completeness}
        run = _run(strict, deselected)
        if proof:
            worn = {"mutations": 4, "seconds": 6.0, "longest": 2.5, "median": 0.7}
            run |= {"prove": True, "proof": proof, "worn": worn}
        asked = [target] if targets is None else targets
        return assemble(run, asked, [_PROFILE], results, tally, shown)

    return make


def _completeness(results: Sequence[Result]) -> Record:
    idle = [sum(row.verdict == each for row in results) for each in (Verdict.NOT_APPLICABLE, Verdict.NOT_CHECKED)]
    ran = len(results) - sum(idle)
    return {
        "planned": len(results), "run": ran, "reported": ran, "not_applicable": idle[0], "not_checked": idle[1],
        "missing": [], "holds": True,
    }  # fmt: skip


def _run(strict: bool, deselected: Sequence[str]) -> Record:
    return {
        "id": "20261122T225000Z-1a2b", "started": "2026-11-22T22:50:00Z", "finished": "2026-11-22T22:50:09Z",
        "command": ["./check", "--target", "debian-13"],
        "selection": {"options": ["--target=debian-13"], "deselected": list(deselected)},
        "strict": strict, "prove": False,
        "mailproof": "0.1.0", "commit": "0123456789abcdef", "openssl": "OpenSSL 3.5.4", "python": "3.11.7",
        "pytest": "9.2.0",
    }  # fmt: skip


_PROFILE = {
    "name": "pfs", "title": "Forward secrecy", "edition": "2026-11", "sha256": "cd" * 32, "source": "RFC 9325",
}  # fmt: skip


@pytest.fixture
def transcript(hostile: str) -> tuple[str, str]:
    """A transcript's SHA-256 and text."""
    text = f"S: {hostile}\nC: EHLO probe\n".encode("utf-8", "backslashreplace").decode()
    return hashlib.sha256(text.encode()).hexdigest(), text


@pytest.fixture
def mixed(make_record: MakeRecord, transcript: tuple[str, str], hostile: str) -> Record:
    """A record with every verdict of an ordinary run and a hostile server."""
    shown = {"transcript": transcript[0], "observed": hostile, "message": hostile}
    rows = [
        _row("smtp:25", "fail", **shown),
        _row("submission:587", "fail", **shown),
        _row("imap:143", "error", reason=f"Unreachable: {hostile}"),
        _row("submissions:465", "pass", transcript=transcript[0]),
        _row("pop3:110", "waived"),
        _row("lmtp", "not-applicable", started=""),
        _row("sieve:4190", "not-checked", started=""),
    ]
    return make_record(rows)
