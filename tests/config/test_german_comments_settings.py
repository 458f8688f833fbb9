"""What comment 12 of the German article takes for the version of the TLS library, beside the one that the daemon uses."""

from __future__ import annotations

from mailproof.controls import (
    DAEMON,
    MUST,
    EffectiveSettings,
    article,
    broken_by,
    control,
    no_other_way,
)


@control(
    "DE-36", MUST, article("de", "comment 12, Thomas"),
    "ich habe meinen Postfix (2.10.2) nach dieser Anleitung konfiguriert und dann versucht mit OpenSSL (1.0.1e) die Verbindung "
    "zu testen.",
    on=(DAEMON,), parameters=("openssl_version",),
    expects="(in English: «I set up my Postfix by these instructions and then tried to test the connection with OpenSSL "
            "1.0.1e») the version that the command shows is that of the library that the daemon runs with",
    remedy="postconf -T run-version, or ldd on the daemon",
)  # fmt: skip
@broken_by("his-own-command", parameters={"openssl_version": "echo OpenSSL 1.0.1e 11 Feb 2013"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_command_shows_the_library_of_the_daemon(settings: EffectiveSettings, parameters: dict[str, str]) -> None:
    """What a server speaks is decided by the library that it runs with, and not by the command beside it."""
    said = settings.said(parameters["openssl_version"]).split()[:2]
    assert said == settings.library.split(), f"the command says {' '.join(said)}"
