"""What the German how-to's comment 6 promises of submission, beside what mail goes there."""

from __future__ import annotations

from mailproof.controls import (
    HIGH,
    MUST,
    OLD_VERSIONS,
    POSTFIX,
    SUBMISSION,
    Endpoint,
    article,
    broken_by,
    control,
    listed,
    no_other_way,
)

READMITTED = {
    "smtpd_tls_protocols": ">=TLSv1", "smtpd_tls_mandatory_protocols": ">=TLSv1", "smtpd_tls_mandatory_ciphers": "medium",
    "tls_medium_cipherlist": "ALL:@SECLEVEL=0",
}  # fmt: skip


@control(
    "DE-17", MUST, article("de", "comment 6, marko weber"), "so ist dann auch beim submission alles lecker.",
    on=(SUBMISSION,), daemons=(POSTFIX,), severity=HIGH, variants=("ssl-3", "tls-1.0", "tls-1.1"),
    expects="(in English: «that way all is well on submission, too») versions before TLS 1.2 are refused",
    remedy="smtpd_tls_mandatory_protocols = >=TLSv1.2",
)  # fmt: skip
@broken_by("readmitted", postfix=READMITTED, services={"submission:587": READMITTED}, variants=("tls-1.0", "tls-1.1"))
@broken_by("antique-box-in-front", middlebox="antique", variants=("ssl-3",))
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_submission_refuses_old_versions(endpoint: Endpoint, variant: str) -> None:
    """His list shuts out SSL 2 and SSL 3 alone, and at level may a mandatory list is not asked at all."""
    agreed = endpoint.agreements(OLD_VERSIONS[variant])
    assert not agreed, f"agreed to {listed(agreed)}"
