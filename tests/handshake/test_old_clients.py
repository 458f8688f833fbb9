"""What known mail programs and senders would get: their hellos, as data, and what each would do with the answer."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    CRITICAL,
    HIGH,
    MUST,
    MX,
    POSTFIX,
    SUBMISSION,
    Endpoint,
    Outcome,
    article,
    bcp195,
    broken_by,
    control,
    mail_client,
    simulate,
    tolerates,
)  # fmt: skip

CHOICE = article("de", "Die richtige Schlüsselauswahl bei alten Clients (AppleMail)")
CLIENTS_CHOOSE = (
    "Leider obliegt es in den meisten Fällen dem Client, welches der angebotenen Schlüsselverfahren er auswählt — und alte "
    "Softwareversionen greifen dabei nicht immer auf DHE-VErfahren zurück."
)
OLDER_VERSIONS = {"smtpd_tls_protocols": ">=TLSv1", "smtpd_tls_mandatory_protocols": ">=TLSv1",
                  "smtpd_tls_ask_ccert": "no"}  # fmt: skip
NO_EPHEMERAL_KEYS = {**OLDER_VERSIONS, "smtpd_tls_exclude_ciphers": "aNULL, kECDHE, kDHE",
                     "smtpd_tls_mandatory_exclude_ciphers": "aNULL, kECDHE, kDHE"}  # fmt: skip
NO_CURVES = {**OLDER_VERSIONS, "smtpd_tls_exclude_ciphers": "aNULL, kECDHE",
             "smtpd_tls_mandatory_exclude_ciphers": "aNULL, kECDHE", "tls_preempt_cipherlist": "no"}  # fmt: skip
ONE_RARE_CURVE = {"tls_eecdh_auto_curves": "X448", "smtpd_tls_protocols": "TLSv1.2",
                  "smtpd_tls_mandatory_protocols": "TLSv1.2", "smtpd_tls_exclude_ciphers": "aNULL, kRSA, kDHE",
                  "smtpd_tls_mandatory_exclude_ciphers": "aNULL, kRSA, kDHE"}  # fmt: skip
ONLY_TLS_1_3 = {"smtpd_tls_protocols": ">=TLSv1.3", "smtpd_tls_mandatory_protocols": ">=TLSv1.3"}


@control(
    "CLI-1", MUST, CHOICE, CLIENTS_CHOOSE,
    on=(SUBMISSION, ACCESS), severity=CRITICAL,
    variants=("apple-mail-10.8", "apple-mail-10.9", "apple-mail-16", "outlook-windows-7", "outlook-windows-10",
              "thunderbird-24", "k9-mail-4.4", "android-mail-2.3"),
    expects="a suite with forward secrecy, or none",
    remedy="Postfix: smtpd_tls_mandatory_exclude_ciphers = aNULL, kRSA · Dovecot: leave ssl_cipher_list at its default",
)  # fmt: skip
@broken_by("no-ephemeral-keys", postfix=NO_EPHEMERAL_KEYS,
           dovecot={"ssl_min_protocol": "TLSv1", "ssl_cipher_list": "ALL:!aNULL:!kECDHE:!kDHE:@SECLEVEL=0"})  # fmt: skip
@broken_by("as-in-2013", postfix=NO_CURVES,
           dovecot={"ssl_min_protocol": "TLSv1", "ssl_cipher_list": "ALL:!aNULL:!kECDHE:@SECLEVEL=0",
                    "ssl_server_prefer_ciphers": "client"},
           variants=("apple-mail-10.8", "apple-mail-10.9", "k9-mail-4.4", "android-mail-2.3"))  # fmt: skip
@tolerates("client-order", postfix={"tls_preempt_cipherlist": "no"}, dovecot={"ssl_server_prefer_ciphers": "client"})
def test_old_mail_programs_get_forward_secrecy_or_nothing(endpoint: Endpoint, variant: str) -> None:
    """They list static RSA before DHE, or RC4 before everything: a server that lets them choose gives it to them."""
    client = mail_client(variant)
    found = simulate(client, endpoint.probe(client.hello_to(endpoint.name)))
    assert found.outcome is not Outcome.UNSAFE, f"{found}"


@control(
    "CLI-2", MUST, bcp195("3.1.1"), "Implementations MUST support TLS 1.2 [RFC5246].",
    on=(SUBMISSION, ACCESS), severity=HIGH,
    variants=("apple-mail-16", "outlook-windows-10", "outlook-windows-11", "thunderbird-140", "thunderbird-android-8"),
    expects="a handshake that the mail program goes on with",
    remedy="keep TLS 1.2 with ECDHE and AES-GCM, and the groups that the library offers by itself",
)  # fmt: skip
@broken_by("one-rare-curve", postfix=ONE_RARE_CURVE,
           dovecot={"ssl_curve_list": "X448", "ssl_cipher_list": "ECDHE+AESGCM"})  # fmt: skip
@broken_by("only-for-the-newest", postfix=ONLY_TLS_1_3, dovecot={"ssl_cipher_list": "ECDHE+CHACHA20"},
           variants=("apple-mail-16", "outlook-windows-10"))  # fmt: skip
@tolerates("client-order", postfix={"tls_preempt_cipherlist": "no"}, dovecot={"ssl_server_prefer_ciphers": "client"})
def test_shuts_out_no_mail_program_of_today(endpoint: Endpoint, variant: str) -> None:
    """Whoever cannot fetch their mail is told to switch the security off."""
    client = mail_client(variant)
    found = simulate(client, endpoint.probe(client.hello_to(endpoint.name)))
    assert found.goes_on, f"{found}"


@control(
    "CLI-3", MUST, CHOICE, CLIENTS_CHOOSE,
    on=(MX,), daemons=(POSTFIX,), severity=CRITICAL,
    variants=("exim-4.80", "postfix-2.11", "exchange-2016", "exchange-2019"),
    expects="a suite with forward secrecy, or none", remedy="postconf -e 'smtpd_tls_exclude_ciphers = aNULL, kRSA'",
)  # fmt: skip
@broken_by("no-ephemeral-keys", postfix=NO_EPHEMERAL_KEYS)
@tolerates("client-order", postfix={"tls_preempt_cipherlist": "no"})
def test_old_senders_get_forward_secrecy_or_nothing(endpoint: Endpoint, variant: str) -> None:
    """What servers say to each other is recorded first: it passes in bulk, and nobody is asked about certificates."""
    client = mail_client(variant)
    found = simulate(client, endpoint.probe(client.hello_to(endpoint.name)))
    assert found.outcome is not Outcome.UNSAFE, f"{found}"


@control(
    "CLI-4", MUST, bcp195("3.1.1"), "Implementations MUST support TLS 1.2 [RFC5246].",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, variants=("exchange-2016", "exchange-2019", "gmail"),
    expects="a handshake that the sender goes on with",
    remedy="keep TLS 1.2 with ECDHE and AES-GCM, and the groups that the library offers by itself",
)  # fmt: skip
@broken_by("one-rare-curve", postfix=ONE_RARE_CURVE)
@broken_by("only-for-the-newest", postfix=ONLY_TLS_1_3, variants=("exchange-2016", "exchange-2019"))
@tolerates("client-order", postfix={"tls_preempt_cipherlist": "no"})
def test_shuts_out_no_sender_of_today(endpoint: Endpoint, variant: str) -> None:
    """A sender whose handshake fails delivers in clear, or not at all."""
    client = mail_client(variant)
    found = simulate(client, endpoint.probe(client.hello_to(endpoint.name)))
    assert found.goes_on, f"{found}"
