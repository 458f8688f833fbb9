"""How mail goes out: encrypted wherever the other side can, and to one's own relay never otherwise."""

from __future__ import annotations

from mailproof.controls import (
    CRITICAL,
    DAEMON,
    HIGH,
    INFORMATIVE,
    LOW,
    MEDIUM,
    MUST,
    MUST_NOT,
    POSTFIX,
    Sending,
    bcp195,
    broken_by,
    control,
    postconf,
    postfix_readme,
    rfc,
    tolerates,
)  # fmt: skip

ANYBODY = ("wrong-name", "self-signed", "expired")
ANYTHING = {"smtp_tls_policy_maps": "", "smtp_tls_security_level": "may", "smtp_tls_protocols": ">=TLSv1",
            "smtp_tls_exclude_ciphers": ""}  # fmt: skip
BY_HOST_NAME = {"smtp_tls_policy_maps": "", "smtp_tls_security_level": "verify"}
NO_CERTIFICATE = {"smtp_tls_cert_file": "", "smtp_tls_key_file": ""}
SOMEBODY_ELSE_S = {"smtp_tls_cert_file": "/etc/mailproof/files/stranger-ecdsa.pem",
                   "smtp_tls_key_file": "/etc/mailproof/files/stranger-ecdsa.key"}  # fmt: skip


@control(
    "SEND-1", MUST, postconf("smtp_tls_security_level"),
    "Use TLS if this is supported by the remote SMTP server, otherwise use plaintext",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations",
    variants=("good", "tls-1.2", "anonymous", *ANYBODY),
    expects="the message comes with TLS and a forward-secret key exchange, whatever certificate the other side has",
    remedy="postconf -e smtp_tls_security_level=may smtp_tls_exclude_ciphers=kRSA",
)  # fmt: skip
@broken_by("never", postfix={"smtp_tls_security_level": "none"})
@broken_by("verified-everywhere", postfix={"smtp_tls_security_level": "secure"}, variants=ANYBODY)
@tolerates("certificates-only", postfix={"smtp_tls_exclude_ciphers": "aNULL, kRSA"})
def test_mail_goes_out_forward_secret_wherever_the_other_side_can(sending: Sending, variant: str) -> None:
    """Most certificates of mail hosts name nobody that the sender knows: without encryption everyone reads along."""
    sent = sending.send(variant)
    assert sent.forward_secret, f"{sent}"


@control(
    "SEND-2", MUST, postconf("smtp_tls_loglevel"), "1 Log only a summary message on TLS handshake completion",
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, feature="lab-destinations", variants=("good", "self-signed"),
    expects="a line with version and cipher, and the word for what was found out about the certificate",
    remedy="postconf -e smtp_tls_loglevel=1 smtp_tls_CAfile=FILE",
)  # fmt: skip
@broken_by("nothing-logged", postfix={"smtp_tls_loglevel": "0"})
@broken_by("no-authorities", postfix={"smtp_tls_CAfile": ""}, variants=("good",))
@tolerates("more-logged", postfix={"smtp_tls_loglevel": "2"})
def test_the_log_tells_how_mail_went_out(sending: Sending, variant: str) -> None:
    """Without the line nobody can say afterwards which mail went out in clear, and to whom."""
    sent = sending.send(variant)
    words = {"good": ("Trusted", "Verified"), "self-signed": ("Untrusted",)}[variant]
    assert sent.logged is not None and sent.logged.word in words, f"{sent}"


@control(
    "SEND-3", MUST, postconf("smtp_tls_security_level"),
    "Use TLS if this is supported by the remote SMTP server, otherwise use plaintext",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations",
    variants=("no-starttls", "broken-starttls"), expects="the message comes, in clear",
    remedy="postconf -e smtp_tls_security_level=may; stricter levels by smtp_tls_policy_maps",
)  # fmt: skip
@broken_by("encryption-required", postfix={"smtp_tls_security_level": "encrypt"})
@tolerates("stricter-for-one-destination", postfix={"smtp_tls_policy_maps": "inline:{{nowhere.example = encrypt}}"})
def test_who_has_no_tls_still_gets_mail(sending: Sending, variant: str) -> None:
    """A level that the whole world does not reach loses mail: stricter ones are for destinations one knows."""
    sent = sending.send(variant)
    assert sent.in_clear, f"{sent}"


@control(
    "SEND-4", MUST_NOT, bcp195("4.1"),
    'Implementations SHOULD NOT negotiate cipher suites based on RSA key transport, a.k.a. "static RSA".',
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, feature="lab-destinations",
    expects="no session with who can do nothing but static RSA", remedy="postconf -e smtp_tls_exclude_ciphers=kRSA",
)  # fmt: skip
@broken_by("static-rsa-readmitted", postfix={"smtp_tls_exclude_ciphers": ""})
@tolerates("another-spelling", postfix={"smtp_tls_exclude_ciphers": "kRSA aNULL"})
def test_mail_never_goes_out_by_static_rsa(sending: Sending) -> None:
    """The price: minutes later the same message goes out in clear, since Postfix then takes the other side for broken."""
    sent = sending.send("static-rsa")
    assert sent.tls is None and sent.logged is None, f"{sent}"


@control(
    "SEND-5", MUST_NOT, bcp195("3.1.1"), "Implementations MUST NOT negotiate TLS version 1.1 [RFC4346].",
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, feature="lab-destinations",
    expects="no session with who can do nothing newer than TLS 1.0",
    remedy="postconf -e 'smtp_tls_protocols=>=TLSv1.2'",
)  # fmt: skip
@broken_by("old-versions-readmitted", postfix={"smtp_tls_protocols": ">=TLSv1"})
@tolerates("exclusions", postfix={"smtp_tls_protocols": "!SSLv2 !SSLv3 !TLSv1 !TLSv1.1"})
def test_mail_never_goes_out_by_an_old_version(sending: Sending) -> None:
    """A sender that agrees to old versions can be talked into one by whoever sits between."""
    sent = sending.send("tls-1.0")
    assert sent.tls is None and sent.logged is None, f"{sent}"


@control(
    "SEND-9", INFORMATIVE, rfc(7525, "5.2"),
    "In these scenarios, some of the recommendations in this document might be too strict, since adhering to them could "
    "cause fallback to cleartext, a worse outcome than using TLS with an outdated protocol version or cipher suite.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=LOW, feature="lab-destinations",
    expects="recorded: mail goes out encrypted although the other side's Diffie-Hellman prime has 1024 bits",
    remedy="where that is not wanted: postconf -e 'smtp_tls_exclude_ciphers=kRSA, kDHE', which costs encryption with "
           "those who have nothing else",
)  # fmt: skip
@broken_by("no-finite-fields", postfix={"smtp_tls_exclude_ciphers": "kRSA, kDHE"})
@tolerates("certificates-only", postfix={"smtp_tls_exclude_ciphers": "aNULL, kRSA"})
def test_a_short_prime_of_the_other_side_is_taken(sending: Sending) -> None:
    """Postfix asks no length of a server's prime: no setting of its own refuses the short ones alone."""
    sent = sending.send("dh-1024")
    assert sent.forward_secret, f"{sent}"


@control(
    "SEND-6", MUST, postfix_readme("TLS_README", "Client-side certificate and private key configuration"),
    "During TLS startup negotiation the Postfix SMTP client may present a certificate to the remote SMTP server.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations",
    expects="the other side sees a certificate of the CA, and the line in the log has a client-signature",
    remedy="postconf -e smtp_tls_cert_file=FILE smtp_tls_key_file=FILE",
)  # fmt: skip
@broken_by("left-out", postfix=NO_CERTIFICATE)
@broken_by("somebody-else-s", postfix=SOMEBODY_ELSE_S)
@tolerates("in-one-file-each-for-its-kind", postfix={
    **NO_CERTIFICATE, "smtp_tls_eccert_file": "/etc/mailproof/files/listed.pem",
    "smtp_tls_eckey_file": "/etc/mailproof/files/listed.key"})  # fmt: skip
def test_the_client_certificate_is_presented(sending: Sending) -> None:
    """A file that cannot be read, or a server that does not ask, and the relay sees a stranger."""
    sent = sending.send("good")
    assert sent.tls is not None and sent.tls.word == "Trusted" and sent.tls.client_signature, f"{sent}"


@control(
    "SEND-7", MUST_NOT, postfix_readme("TLS_README", "Secure server certificate verification"),
    "At the secure TLS security level, messages are sent only over secure-channel TLS sessions where DNS forgery "
    "resistant server certificate verification succeeds.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=CRITICAL, feature="lab-destinations",
    variants=("no-starttls", "broken-starttls", *ANYBODY, "tls-1.0", "dh-1024", "static-rsa"),
    expects="the message is kept (4.7.X), and the other side never sees it",
    remedy="postconf -e smtp_tls_security_level=secure 'smtp_tls_mandatory_protocols=>=TLSv1.2' "
           "'smtp_tls_mandatory_exclude_ciphers=aNULL, kRSA, kDHE'",
)  # fmt: skip
@broken_by("anything-goes", postfix=ANYTHING)
@broken_by("encrypted-to-anybody", postfix={"smtp_tls_policy_maps": "", "smtp_tls_security_level": "encrypt"},
           variants=ANYBODY)  # fmt: skip
@tolerates("by-host-name", postfix=BY_HOST_NAME)
def test_nothing_goes_to_who_is_not_known_for_sure(sending: Sending, variant: str) -> None:
    """Whoever can put himself between takes STARTTLS away, or answers with a certificate of his own."""
    sent = sending.send(variant)
    assert sent.held_back, f"{sent}"


@control(
    "SEND-8", MUST, postfix_readme("TLS_README", "Secure server certificate verification"),
    "If the server certificate chain is trusted (see smtp_tls_CAfile and smtp_tls_CApath), any DNS names in the "
    "SubjectAlternativeName certificate extension are used to verify the remote SMTP server name.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations",
    expects="mail for the world comes to the relay host, which lets it in by its certificate, and is logged as Verified",
    remedy="postconf -e relayhost=[RELAY]:PORT smtp_tls_security_level=secure smtp_tls_CAfile=FILE "
           "smtp_tls_cert_file=FILE smtp_tls_key_file=FILE",
)  # fmt: skip
@broken_by("without-a-certificate", postfix=NO_CERTIFICATE)
@broken_by("another-name", postfix={
    "smtp_tls_policy_maps": "inline:{{[relay.destinations.test]:10036 = secure match=wrong.example}}"})  # fmt: skip
@broken_by("not-looked-at", postfix={"smtp_tls_policy_maps": "", "smtp_tls_security_level": "encrypt"})
@tolerates("by-host-name", postfix=BY_HOST_NAME)
def test_mail_for_the_world_goes_to_the_verified_relay(sending: Sending) -> None:
    """What is refused everywhere else must go out here, or somebody will turn the checks off."""
    sent = sending.abroad()
    assert sent.tls and sent.tls.word == "Trusted" and sent.logged and sent.logged.word == "Verified", f"{sent}"
