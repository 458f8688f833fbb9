"""The versions that the German how-to asks for."""

from __future__ import annotations

from mailproof.controls import (
    DAEMON,
    LOW,
    MUST,
    EffectiveSettings,
    article,
    at_least,
    broken_by,
    control,
    no_other_way,
)


@control(
    "DE-10", MUST, article("de", "Einrichtung von Perfect Forward Secrecy (PFS) in Postfix"),
    "Prüfen Sie, ob Sie Postfix > 2.6  (ideal: > 2.8) und openssl > 0.9 (ideal: > 1.0) haben:",
    on=(DAEMON,), severity=LOW, parameters=("ideal_versions",),
    expects="the daemon and the library that it runs with are as new as the how-to calls ideal", remedy="nothing",
)  # fmt: skip
@broken_by("of-another-time", parameters={"ideal_versions": {"postfix": "99", "dovecot": "99", "openssl": "1.0"}})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_versions_are_ideal(settings: EffectiveSettings, parameters: dict[str, dict[str, str]]) -> None:
    """Check whether you have Postfix > 2.6 (ideally > 2.8) and OpenSSL > 0.9 (ideally > 1.0); Dovecot 2.1 and 2.2."""
    ideal = parameters["ideal_versions"]
    assert at_least(settings.version, ideal[settings.service.daemon]), settings.version
    assert at_least(settings.library, ideal["openssl"]), settings.library
