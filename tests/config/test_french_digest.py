"""The French article's table of MD5 fingerprints, beside what Postfix compares with."""

from __future__ import annotations

from mailproof.controls import (
    HIGH,
    MUST,
    MX,
    POSTFIX,
    EffectiveSettings,
    article,
    broken_by,
    control,
    no_other_way,
)


@control(
    "FR-8", MUST, article("fr", "relay_clientcerts"),
    "Le fingerprint du certificat peut être obtenu avec la commande suivante :",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH,
    expects="(in English: «the certificate's fingerprint can be had by the following command», openssl x509 -fingerprint "
            "-md5) MD5 is what Postfix compares with",
    remedy="postconf -e smtpd_tls_fingerprint_digest=sha256, and openssl x509 -fingerprint -sha256",
)  # fmt: skip
@broken_by("another-digest", postfix={"smtpd_tls_fingerprint_digest": "sha256"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_fingerprint_is_what_postfix_looks_for(settings: EffectiveSettings) -> None:
    """A table of the wrong digest is no error to Postfix: it knows nobody, and says nothing."""
    assert settings["smtpd_tls_fingerprint_digest"] == "md5", f"it is {settings['smtpd_tls_fingerprint_digest']}"
