"""What comes after an agreement does not undo it, and a login that is half done is none."""

from __future__ import annotations

from typing import cast

import pytest

from mailproof.errors import GarbledReply, PeerAlert
from mailproof.model import Protocol
from mailproof.wire.answers import Agreed, Refused
from mailproof.wire.mail.reply import Reply
from mailproof.wire.session import Session
from mailproof.wire.stream import SocketStream

STATIC_RSA = Agreed("TLSv1.2", "AES256-GCM-SHA384")
MODERN = Agreed("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519")
ASKED = Agreed("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519", certificate_requested=True)


def _session() -> Session:
    return Session(cast("SocketStream", None), Protocol.SMTP, "probe.test")


@pytest.mark.parametrize(
    ("agreed", "alert"),
    [(STATIC_RSA, "bad_record_mac"), (STATIC_RSA, "handshake_failure"), (MODERN, "certificate_required"),
     (ASKED, "bad_record_mac"), (ASKED, "internal_error")],
)  # fmt: skip
def test_an_alert_after_an_agreement_is_no_refusal(agreed: Agreed, alert: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_: Session, *, greeted: bool) -> None:
        raise PeerAlert(alert)

    monkeypatch.setattr(Session, "meet", end)
    with pytest.raises(PeerAlert):
        _session().settle(agreed, greeted=True)


def test_tls_1_3_may_turn_a_certificate_away_after_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_: Session, *, greeted: bool) -> None:
        raise PeerAlert("certificate_required")

    monkeypatch.setattr(Session, "meet", end)
    assert isinstance(_session().settle(ASKED, greeted=True), Refused)


def test_a_login_that_wants_more_is_not_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "command", lambda *given: Reply("334", ("",), b"334 \r\n"))
    with pytest.raises(GarbledReply, match="334"):
        _session().login("user", "password")
