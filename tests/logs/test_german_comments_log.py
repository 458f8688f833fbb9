"""What comments 9, 10 and 15 of the German article say of the Received: header of a delivered message."""

from __future__ import annotations

from mailproof.controls import (
    LOW,
    MEDIUM,
    MODERN,
    MUST,
    MX,
    POSTFIX,
    Delivery,
    article,
    broken_by,
    control,
    no_other_way,
    tolerates,
)

SCHMITT = article("de", "comment 9, Ingo Schmitt")
MANUAL, CLARK = article("de", "comment 10, Ingo Schmitt"), article("de", "comment 15, Clark")


@control(
    "DE-33", MUST, SCHMITT,
    "Mir ist aufgefallen, dass gmail im header vermerkt, ob und wie die mails verschluesselt empfangen worden sind:",
    on=(MX,), daemons=(POSTFIX,), severity=MEDIUM, variants=("tls-1.2", "tls-1.3"),
    expects="(in English: «Gmail notes in the header whether and how mail was received encrypted») with the line of comment "
            "10, Postfix notes ESMTPS, version and cipher",
    remedy="postconf -e smtpd_tls_received_header=yes",
)  # fmt: skip
@broken_by("header-off", postfix={"smtpd_tls_received_header": "no"})
@tolerates("certificates-asked-for", postfix={"smtpd_tls_ask_ccert": "yes"})
def test_the_header_says_how_mail_was_received(delivery: Delivery, variant: str) -> None:
    """How do I get my Postfix to do that? he asks, and finds the answer himself."""
    message, answer = delivery.send(MODERN.only(f"TLSv{variant.removeprefix('tls-')}"))
    received = " ".join(str(message["Received"]).split())
    noted = f"(using {answer.version} with cipher {answer.suite}" in received
    assert noted and "with ESMTPS id" in received, received


@control(
    "DE-34", MUST, MANUAL,
    "The default is no, as the information is not necessarily authentic. Only information recorded at the final destination "
    "is reliable, since the headers may be changed by intermediate servers.",
    on=(MX,), daemons=(POSTFIX,), severity=LOW,
    expects="without the line the delivered message's Received: header names neither version nor cipher",
    remedy="postconf -e smtpd_tls_received_header=yes, where it is wanted",
)  # fmt: skip
@broken_by("header-on", postfix={"smtpd_tls_received_header": "yes"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_header_says_nothing_by_default(delivery: Delivery) -> None:
    """ESMTPS says that there was TLS; which one stays in the server's log, where no other server can change it."""
    message, answer = delivery.send(MODERN)
    received = " ".join(str(message["Received"]).split())
    assert "with ESMTPS id" in received and answer.version not in received and answer.suite not in received, received


@control(
    "DE-35", MUST, CLARK, "(No client certificate requested)",
    on=(MX,), daemons=(POSTFIX,), severity=LOW,
    expects="it stands in the Received: header where the server asks the client for no certificate",
    remedy="none: it says nothing about the server's own certificate",
)  # fmt: skip
@broken_by("certificate-asked-for", postfix={"smtpd_tls_ask_ccert": "yes"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_no_client_certificate_is_requested(delivery: Delivery) -> None:
    """He takes it for a sign that his own certificate was not made in the right way."""
    message, answer = delivery.send(MODERN)
    received = " ".join(str(message["Received"]).split())
    assert not answer.certificate_requested and "(No client certificate requested)" in received, received
