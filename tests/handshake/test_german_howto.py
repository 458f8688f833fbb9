"""The claims of the German how-to and of its comments 1 to 8 about what is agreed, under its own lines."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    ANONYMOUS,
    BROKEN_CIPHERS,
    DAEMON,
    DOVECOT,
    FINITE_FIELD,
    HIGH,
    MEDIUM,
    MODERN,
    MUST,
    MX,
    POSTFIX,
    STARTTLS,
    STATIC_RSA,
    SUBMISSION,
    TLS_1_2,
    WORSE_FIRST_1_2,
    Agreed,
    Endpoint,
    Sending,
    article,
    broken_by,
    control,
    listed,
    no_other_way,
)  # fmt: skip

IN_POSTFIX = article("de", "Einrichtung von Perfect Forward Secrecy (PFS) in Postfix")
IN_DOVECOT = article("de", "Einrichtung von Perfect Forward Secrecy (PFS) in Dovecot")
BY_HAND = article("de", "PFS mit openssl debuggen/testen")
AFTERWARDS = article("de", "Perfect Forward Secrecy schützt gegen nachträgliche Entschlüsselung")
SHOWN = "ECDHE-RSA-AES256-GCM-SHA384"
ONLY_128 = {"tls_medium_cipherlist": "ECDHE+AES128:kRSA", "tls_high_cipherlist": "ECDHE+AES128:kRSA"}
ONLY_RSA = {"tls_medium_cipherlist": "kRSA", "tls_high_cipherlist": "kRSA"}
NOTHING_ENCRYPTED = {"smtp_tls_security_level": "none"}
EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


@control(
    "DE-5", MUST, BY_HAND, "Cipher    : ECDHE-RSA-AES256-GCM-SHA384",
    on=(MX, ACCESS), severity=MEDIUM, variants=("today", "tls-1.2"), expects=f"a client agrees on {SHOWN}",
    remedy="nothing: TLS 1.3 is better, and its suites have other names",
)  # fmt: skip
@broken_by("short-keys", postfix=ONLY_128, dovecot={"ssl_cipher_list": "ECDHE+AES128"}, variants=("tls-1.2",))
@broken_by("no-tls-1.2-either", postfix=ONLY_RSA, dovecot={"ssl_cipher_list": "kRSA"}, variants=("today",))
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_a_client_agrees_on_the_suite_that_was_shown(endpoint: Endpoint, variant: str) -> None:
    """The test by hand showed this suite; a client of today gets TLS 1.3."""
    agreed = endpoint.agreed(MODERN if variant == "today" else TLS_1_2)
    assert agreed.suite == SHOWN, str(agreed)


@control(
    "DE-6", MUST, IN_DOVECOT, "Dovecot benutzt dann von Hause aus Perfect Forward Secrecy (PFS)",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, variants=("tls-1.2", "tls-1.3"),
    expects="a hello of nothing without forward secrecy is refused, and what is agreed has it", remedy="nothing",
)  # fmt: skip
@broken_by("static-rsa-readmitted", dovecot={"ssl_cipher_list": "ALL"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_dovecot_does_forward_secrecy_by_itself(endpoint: Endpoint, variant: str) -> None:
    """Dovecot then does Perfect Forward Secrecy by itself: the how-to changes nothing but its log."""
    agreed, worse = endpoint.agreed(MODERN.only(f"TLSv1{variant[-2:]}")), endpoint.agreements(STATIC_RSA)
    assert agreed.forward_secret and not worse, f"{agreed}; static RSA: {listed(worse)}"


@control(
    "DE-7", MUST, IN_DOVECOT,
    "Dovecot unterstützt ab 2.1.x das normale DHE-Verfahren und ab 2.2.x das performantere ECDHE-Verfahren.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=MEDIUM, variants=("dhe", "ecdhe"),
    expects="a hello of DHE alone, or of ECDHE alone, is agreed to",
    remedy="none is needed; for DHE: ssl_server_dh_file with 2048 bits",
)  # fmt: skip
@broken_by("neither", dovecot={"ssl_cipher_list": "kRSA"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_dovecot_knows_dhe_and_ecdhe(endpoint: Endpoint, variant: str) -> None:
    """Dovecot supports plain DHE from 2.1.x on and the faster ECDHE from 2.2.x on."""
    plain = endpoint.agreements(FINITE_FIELD)
    faster = endpoint.offer(TLS_1_2)
    assert plain if variant == "dhe" else isinstance(faster, Agreed) and "ECDHE" in faster.suite, f"{faster}"


@control(
    "DE-8", MUST, IN_POSTFIX,
    "tls_preempt_cipherlist wird erst ab Postfix 2.8 ausgewertet, wird von vorherigen Versionen aber einfach ignoriert.",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, expects="the server's order wins over a client's that prefers static RSA",
    remedy="nothing",
)  # fmt: skip
@broken_by("taken-back", pasted="tls_preempt_cipherlist = no")
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_order_of_the_server_is_heeded(endpoint: Endpoint) -> None:
    """tls_preempt_cipherlist is heeded from Postfix 2.8 on: it is no longer up to the client which method is used."""
    agreed = endpoint.agreed(WORSE_FIRST_1_2)
    assert agreed.forward_secret, str(agreed)


@control(
    "DE-9", MUST, AFTERWARDS,
    "Ein heute (unentschlüsselbar) aufgezeichneter Netzwerkverkehr soll nicht in einigen Monaten oder Jahren  nachträglich "
    "noch entschlüsselt werden können.",
    on=(MX, ACCESS), severity=HIGH, expects="no client gets a session without forward secrecy",
    remedy="smtpd_tls_exclude_ciphers = aNULL, kRSA",
)  # fmt: skip
@broken_by("static-rsa-readmitted", postfix={"smtpd_tls_exclude_ciphers": "aNULL"}, dovecot={"ssl_cipher_list": "ALL"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_nothing_that_is_recorded_can_be_read_later(endpoint: Endpoint) -> None:
    """Traffic that is recorded today must not become readable in months or years: whoever asks for static RSA gets it."""
    agreed = endpoint.agreements(STATIC_RSA)
    assert not agreed, f"agreed to {listed(agreed)}"


@control(
    "DE-11", MUST, article("de", "comment 4, Raoul Bhatia"),
    "Es gibt ein Problem zwischen Postfix und Debian Exim version bis 4.80-3,",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, expects="a peer that takes no prime below 2048 bits is served",
    remedy="leave smtpd_tls_dh1024_param_file out",
)  # fmt: skip
@broken_by("1024-bits", pasted="smtpd_tls_dh1024_param_file = /etc/mailproof/files/dh-1024.pem")
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_an_exim_that_wants_2048_bits_is_served(endpoint: Endpoint) -> None:
    """There is a problem with an Exim that takes no Diffie-Hellman prime below 2048 bits."""
    chosen = endpoint.agreements(FINITE_FIELD)
    assert chosen and all((each.dh_bits or 0) >= 2048 for each in chosen), listed(chosen)


@control(
    "DE-12", MUST, article("de", "comment 3, the author"),
    "Und wenn Postfix PFS kann, dann sind auch ausgehende E-Mails besser verschlüsselt.",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, variants=("good", "tls-1.2"), feature="lab-destinations",
    expects="what goes out is forward secret, and the log names its suite", remedy="smtp_tls_loglevel = 1",
)  # fmt: skip
@broken_by("in-clear", postfix=NOTHING_ENCRYPTED)
@broken_by("not-logged", pasted="smtp_tls_loglevel = 0")
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_outgoing_mail_is_better_encrypted_too(sending: Sending, variant: str) -> None:
    """When Postfix can do PFS, outgoing mail is better encrypted too, whatever Dovecot can."""
    sent = sending.send(variant)
    assert sent.forward_secret and sent.logged, str(sent)


@control(
    "DE-13", MUST, article("de", "comment 7, Torsten"),
    "Allerdings hat das bereits ohne die oben gezeigten Zeilen funktioniert:",
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, variants=("good", "tls-1.2"), feature="lab-destinations",
    expects="what goes out is forward secret without the how-to's lines", remedy="nothing",
)  # fmt: skip
@broken_by("in-clear", postfix=NOTHING_ENCRYPTED)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_it_works_without_the_lines(sending: Sending, variant: str) -> None:
    """It has worked without the lines above already: judged where none of them is pasted."""
    sent = sending.send(variant)
    assert sent.forward_secret, str(sent)


@control(
    "DE-14", MUST, article("de", "comment 7, Torsten"),
    "OT: ein aktuelles K9Mail verwendet beim IMAP-Login TLSv1 with cipher RC4-MD5 (128/128 bits)",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, expects="RC4 and everything as broken is refused", remedy="nothing",
)  # fmt: skip
@broken_by("everything", dovecot={"ssl_cipher_list": EVERYTHING})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_rc4_is_refused(endpoint: Endpoint) -> None:
    """A current K-9 Mail used RC4-MD5 when it logged in to IMAP: today no such session comes about."""
    agreed = endpoint.agreements(BROKEN_CIPHERS)
    assert not agreed, f"agreed to {listed(agreed)}"


@control(
    "DE-15", MUST, article("de", "comment 6, marko weber"), "so ist dann auch beim submission alles lecker.",
    on=(SUBMISSION,), daemons=(POSTFIX,), severity=HIGH, security=STARTTLS, expects="MAIL before TLS is answered 530",
    remedy="-o smtpd_tls_security_level=encrypt",
)  # fmt: skip
@broken_by("tls-optional", services={"submission:587": {"smtpd_tls_security_level": "may"}})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_submission_takes_no_mail_in_clear(endpoint: Endpoint) -> None:
    """That way all is well on submission, too: not with smtp_ where smtpd_ is meant."""
    with endpoint.session() as session:
        reply = session.mail("sender@elsewhere.example")
    assert reply.code == "530", f"{reply}"


@control(
    "DE-16", MUST, article("de", "comment 6, marko weber"), "so ist dann auch beim submission alles lecker.",
    on=(SUBMISSION,), daemons=(POSTFIX,), severity=HIGH, expects="static RSA and anonymous suites are refused",
    variants=("static-rsa", "anonymous"), remedy="-o smtpd_tls_mandatory_exclude_ciphers=aNULL,kRSA",
)  # fmt: skip
@broken_by("readmitted", postfix={"smtpd_tls_exclude_ciphers": "", "smtpd_tls_mandatory_exclude_ciphers": "",
                                  "smtpd_tls_ask_ccert": "no"})  # fmt: skip
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_submission_agrees_to_nothing_bad(endpoint: Endpoint, variant: str) -> None:
    """That way all is well on submission, too: what the list ends in is static RSA, and at level may it is not asked."""
    agreed = endpoint.agreements(STATIC_RSA if variant == "static-rsa" else ANONYMOUS)
    assert not agreed, f"agreed to {listed(agreed)}"
