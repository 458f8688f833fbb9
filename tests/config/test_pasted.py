"""The lines of both articles, pasted to the letter: what each does on a release of today."""

from __future__ import annotations

from mailproof.controls import (
    DAEMON,
    HIGH,
    MUST,
    POSTFIX,
    Advice,
    article,
    broken_by,
    control,
    no_other_way,
)


@control(
    "DE-1", MUST, article("de", "Einrichtung von Perfect Forward Secrecy (PFS) in Postfix"),
    "Diese Kommandoabfolge kann per Cut & Paste in die eigene Shell übernommen werden:",
    on=(DAEMON,), severity=HIGH, per_line=("de-", "co"), expects="the line works, and does nothing else",
    remedy="docs/advice.md says what to write instead of each line",
)  # fmt: skip
@broken_by("taken-back-further-down", pasted="smtpd_tls_loglevel = 0", variants=("de-smtpd-loglevel",))
@broken_by("taken-back-in-local-conf", dovecot={"login_log_format_elements": ""}, variants=("de-log-format",))
@no_other_way("the line is pasted as it was printed: another spelling would be another line")
def test_a_line_of_the_german_article_works(advice: Advice, variant: str) -> None:
    """What is found on the net is pasted, years later and on other releases than it was written for."""
    found = advice.finding(variant)
    assert found.as_promised, str(found)


@control(
    "FR-1", MUST, article("fr", "Introduction"),
    "La configuration de TLS impliquant de toute façon la création, la diffusion et l'utilisation de certificats, on "
    "peut utiliser avantageusement la fonctionnalité d'authentification de ceux-ci pour remplacer le couple login / mot "
    "de passe.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, per_line=("fr-",), expects="the line works, and does nothing else",
    remedy="docs/advice.md says what to write instead of each line",
)  # fmt: skip
@broken_by("nobody-asked", pasted="smtpd_tls_ask_ccert = no\nsmtpd_tls_req_ccert = no", variants=("fr-ask-ccert",))
@no_other_way("the line is pasted as it was printed: another spelling would be another line")
def test_a_line_of_the_french_article_works(advice: Advice, variant: str) -> None:
    """«Relay by certificate» is found in this article, and pasted, on releases that have moved its defaults."""
    found = advice.finding(variant)
    assert found.as_promised, str(found)
