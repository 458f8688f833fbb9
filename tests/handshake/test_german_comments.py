"""What comments 12 to 19 of the German article claim and ask of the handshake, on a host that wears them to the letter."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    DOVECOT,
    FINITE_FIELD,
    FINITE_FIELD_FIRST,
    HIGH,
    LOW,
    MEDIUM,
    MODERN,
    MUST,
    MX,
    OLD_VERSIONS,
    POSTFIX,
    PRE_QUANTUM,
    SUBMISSION,
    TLS_1_2,
    TLS_1_3,
    Agreed,
    Chosen,
    Endpoint,
    article,
    broken_by,
    control,
    listed,
    mail_client,
    no_other_way,
    tolerates,
)  # fmt: skip

THOMAS, PACHALI = article("de", "comment 12, Thomas"), article("de", "comment 14, Markus Pachali")
CHRISTIAN, FRANK = article("de", "comment 16, Christian"), article("de", "comment 17, Frank")
CLARK = article("de", "comment 15, Clark")
AUTHOR, KARL_HEINZ = article("de", "comment 18, the author"), article("de", "comment 19, Karl-Heinz")
THE_LIST = "smtpd_tls_mandatory_protocols = TLSv1.2, TLSv1.1, TLSv1, SSLv3, !SSLv2"
ENCRYPT = {"smtpd_tls_security_level": "encrypt"}
NO_DHE = {"smtpd_tls_exclude_ciphers": "kDHE", "smtpd_tls_mandatory_exclude_ciphers": "kDHE"}
NO_ECDHE = {"smtpd_tls_exclude_ciphers": "kECDHE", "smtpd_tls_mandatory_exclude_ciphers": "kECDHE"}
COMMENT_6_IN_FORCE = {
    **ENCRYPT, "smtpd_tls_mandatory_protocols": "!SSLv2, !SSLv3", "smtpd_tls_mandatory_ciphers": "high",
    "tls_high_cipherlist": "EDH+CAMELLIA:EDH+aRSA:EECDH+aRSA+AESGCM", "tls_preempt_cipherlist": "yes",
}  # fmt: skip
"""Its list without the blanks that switch TLS off, at the level at which a mandatory list counts."""
DH_2048 = {"smtpd_tls_dh1024_param_file": "/etc/mailproof/files/dh-2048.pem"}


@control(
    "DE-20", MUST, THOMAS, "Eigentlich hätte ich jetzt TLSv1.2 erwartet, meine main.cf enthält dazu folgendes:",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, variants=("postfix-2.11", "postfix-3.10"),
    expects="(in English: «I would have expected TLSv1.2») TLS 1.2 for a sender of his time, TLS 1.2 or newer for one of today",
    remedy="postconf -e 'smtpd_tls_protocols = >=TLSv1.2'",
)  # fmt: skip
@broken_by(
    "capped-at-1.1", pasted="smtpd_tls_protocols = TLSv1, TLSv1.1\nsmtpd_tls_mandatory_protocols = TLSv1, TLSv1.1"
)
@tolerates("old-versions-refused", postfix={"smtpd_tls_protocols": ">=TLSv1.2"})
def test_senders_get_tls_1_2_or_newer(endpoint: Endpoint, variant: str) -> None:
    """Whoever set forward secrecy up looks at the line «Protocol», and wonders at an old one."""
    answer = endpoint.probe(mail_client(variant).hello_to(endpoint.name))
    assert isinstance(answer, Chosen) and answer.version in ("TLSv1.2", "TLSv1.3"), f"{answer}"


@control(
    "DE-21", MUST, THOMAS, "Woran kann es liegen, dass Postfix nicht TLSv1.2 spricht?",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH,
    expects="(in English: «why may it be that Postfix does not speak TLSv1.2?») the list is not why: TLS 1.3, which it "
            "does not name, is agreed to, for at level may a mandatory list is idle",
    remedy="postconf -e 'smtpd_tls_mandatory_protocols = >=TLSv1.2' 'smtpd_tls_protocols = >=TLSv1.2'",
)  # fmt: skip
@broken_by("list-in-force", postfix=ENCRYPT)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_mandatory_list_does_not_hold_newer_versions_back(endpoint: Endpoint) -> None:
    """A list of bare names ends at the newest one that it names, as soon as somebody demands encryption."""
    answer = endpoint.offer(TLS_1_3, beside=TLS_1_2)
    assert isinstance(answer, Agreed), f"{answer}"


@control(
    "DE-22", MUST, THOMAS, THE_LIST,
    on=(MX,), daemons=(POSTFIX,), severity=MEDIUM, variants=("ssl-3", "tls-1.0", "tls-1.1", "tls-1.2"),
    expects="(a line of main.cf: TLS 1.2, 1.1, 1.0 and SSL 3, not SSL 2) what the list names is agreed to",
    remedy="postconf -e 'smtpd_tls_mandatory_protocols = >=TLSv1.2' 'smtpd_tls_protocols = >=TLSv1.2'",
)  # fmt: skip
@broken_by("only-the-newest", postfix={"smtpd_tls_protocols": ">=TLSv1.3"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_versions_that_the_list_names_are_agreed_to(endpoint: Endpoint, variant: str) -> None:
    """Who names old versions gets them, or believes so: which of the two is true differs from version to version."""
    agreed = endpoint.agreements(PRE_QUANTUM[variant] if variant == "tls-1.2" else OLD_VERSIONS[variant])
    assert agreed, f"agreed to: {listed(agreed)}"


@control(
    "DE-23", MUST, THOMAS, THE_LIST,
    on=(MX,), daemons=(POSTFIX,), severity=MEDIUM,
    expects="(a line of main.cf: TLS 1.2, 1.1, 1.0 and SSL 3, not SSL 2) SSL 2, the one that the list shuts out, is refused",
    remedy="postconf -e 'smtpd_tls_mandatory_protocols = >=TLSv1.2' 'smtpd_tls_protocols = >=TLSv1.2'",
)  # fmt: skip
@broken_by("antique-box-in-front", middlebox="antique")
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_version_that_the_list_shuts_out_is_refused(endpoint: Endpoint) -> None:
    """No library of today has SSL 2: the word keeps nobody out who was not out already."""
    agreed = endpoint.agreements(OLD_VERSIONS["ssl-2"])
    assert not agreed, f"agreed to {listed(agreed)}"


@control(
    "DE-24", MUST, PACHALI, "RedHat scheint den PFS-Support auch schon für Dovecot <2.1 implementiert zu haben.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH,
    expects="(in English: «Red Hat seems to have PFS already in Dovecot < 2.1») in TLS 1.2 a suite with forward secrecy",
    remedy="leave ssl_cipher_list at its default",
)  # fmt: skip
@broken_by("static-rsa-alone", dovecot={"ssl_cipher_list": "kRSA:@SECLEVEL=0"})
@tolerates("with-a-dh-file", dovecot={"ssl_server_dh_file": "/etc/mailproof/files/dh-2048.pem"})
def test_dovecot_is_forward_secret_by_itself(endpoint: Endpoint) -> None:
    """He did nothing for it but look. Which Dovecot was the first cannot be seen here; what today's does can."""
    answer = endpoint.probe(PRE_QUANTUM["tls-1.2"])
    assert isinstance(answer, Chosen) and answer.forward_secret, f"{answer}"


@control(
    "DE-25", MUST, PACHALI, "Cipher : DHE-RSA-AES256-SHA",
    on=(ACCESS,), daemons=(DOVECOT,), severity=LOW,
    expects="(what s_client showed him) this suite, for a client of TLS 1.2",
    remedy="none: ECDHE with AES-GCM is better",
)  # fmt: skip
@broken_by("no-dhe", dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_dovecot_still_chooses_dhe(endpoint: Endpoint) -> None:
    """Who compares his own output with the one in the comments finds another."""
    answer = endpoint.probe(PRE_QUANTUM["tls-1.2"])
    assert isinstance(answer, Chosen) and answer.suite_name == "DHE-RSA-AES256-SHA", f"{answer}"


@control(
    "DE-26", MUST, FRANK, "Das habe ich nun auch auf meinem System mit Ubuntu 12.04.5 LTS getestet und da scheint es auch schon so "
    "zu sein:",
    on=(ACCESS,), daemons=(DOVECOT,), severity=LOW,
    expects="(in English: «I have tested this on my Ubuntu 12.04.5 LTS, where it seems to be so as well», with Cipher: "
            "DHE-RSA-AES256-GCM-SHA384) that suite is agreed to",
    remedy="none: ECDHE with AES-GCM is better, and DHE needs ssl_server_dh_file",
)  # fmt: skip
@broken_by("no-dhe", dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_dovecot_still_knows_dhe_with_gcm(endpoint: Endpoint) -> None:
    """Old Dovecot made parameters by itself; today's has DHE only where the package, or somebody, gives it a file."""
    agreed = endpoint.agreements(FINITE_FIELD)
    assert "DHE-RSA-AES256-GCM-SHA384" in [each.suite_name for each in agreed], (
        f"agreed to {listed(agreed) or 'nothing'}"
    )


@control(
    "DE-27", MUST, AUTHOR, "Auch ältere openssl-Versionen können schon DHE-Ciphers und damit PFS (so auch hier).",
    on=(MX, ACCESS), severity=MEDIUM,
    expects="(in English: «older OpenSSL can do DHE as well, and so PFS») a hello of nothing but DHE is agreed to",
    remedy="Postfix: leave smtpd_tls_dh1024_param_file unset · Dovecot: ssl_server_dh_file, where old clients need DHE",
)  # fmt: skip
@broken_by("no-dhe", postfix=NO_DHE, dovecot={"ssl_cipher_list": "ECDHE+AESGCM"})
@tolerates("another-file", postfix=DH_2048)
def test_clients_that_know_dhe_alone_are_served(endpoint: Endpoint) -> None:
    """A client from before ECDHE has forward secrecy in this way or in none."""
    agreed = endpoint.agreements(FINITE_FIELD)
    assert agreed and all(each.forward_secret for each in agreed), f"agreed to {listed(agreed) or 'nothing'}"


@control(
    "DE-28", MUST, AUTHOR, "Aber erst neuere Versionen können das bessere und vor allem performantere ECDHE.",
    on=(MX, ACCESS), severity=MEDIUM,
    expects="(in English: «but only newer versions can do ECDHE, which is better and above all faster») ECDHE, for a client "
            "that would rather have DHE",
    remedy="Postfix: tls_preempt_cipherlist = yes · Dovecot: no ssl_server_dh_file",
)  # fmt: skip
@broken_by("client-decides", postfix={"tls_preempt_cipherlist": "no"},
           dovecot={"ssl_server_dh_file": "/etc/mailproof/files/dh-2048.pem",
                    "ssl_server_prefer_ciphers": "client"})  # fmt: skip
@tolerates("server-decides", dovecot={"ssl_server_dh_file": "/etc/mailproof/files/dh-2048.pem",
                                      "ssl_server_prefer_ciphers": "server"})  # fmt: skip
def test_ecdhe_comes_before_dhe(endpoint: Endpoint) -> None:
    """DHE of equal strength costs many times as much; a Dovecot that has a file for it lets the client choose."""
    answer = endpoint.offer(FINITE_FIELD_FIRST)
    assert isinstance(answer, Agreed) and answer.suite.startswith("ECDHE-"), f"{answer}"


@control(
    "DE-29", MUST, CHRISTIAN, "Sprich, wenn ich nur den „non export“ EDH eingebe, und auf dem 512-Bit „export EDH“ verzichte.",
    on=(MX,), daemons=(POSTFIX,), severity=MEDIUM,
    expects="(in English: «that is, if I give the non-export EDH only, and do without the export EDH of 512 bits») DHE is "
            "served, and never with 512 bits: the one file is enough, also if it is of 2048 bits",
    remedy="postconf -X smtpd_tls_dh512_param_file",
)  # fmt: skip
@broken_by("no-dhe", postfix=NO_DHE)
@tolerates("one-file-of-2048-bits", postfix=DH_2048)
def test_dhe_needs_no_export_parameters(endpoint: Endpoint) -> None:
    """No release reads the file of 512 bits any more: to do without it is what everybody does."""
    agreed = endpoint.agreements(FINITE_FIELD)
    assert agreed and all((each.dh_bits or 0) > 512 for each in agreed), f"agreed to {listed(agreed) or 'nothing'}"


@control(
    "DE-30", MUST, CHRISTIAN, "Funktioniert das alles, wenn man nur einen 2048-Bit-DH-Schlüssel einbindet?",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH,
    expects="(in English: «does all of this work if only a DH key of 2048 bits is put in?») DHE is served with 2048 bits "
            "at least",
    remedy="postconf -X smtpd_tls_dh1024_param_file",
)  # fmt: skip
@broken_by("no-dhe", postfix=NO_DHE)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_dhe_has_2048_bits(endpoint: Endpoint) -> None:
    """With the how-to's own 1024 bits, clients of today break off: the mail is not sent, or in clear."""
    agreed = endpoint.agreements(FINITE_FIELD)
    assert agreed and all((each.dh_bits or 0) >= 2048 for each in agreed), f"agreed to {listed(agreed) or 'nothing'}"


@control(
    "DE-31", MUST, KARL_HEINZ,
    "Aber irgendwie bekomme ich meinen postfix nicht dazu einen ECDHE Cipher zu verwenden.",
    on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=HIGH,
    expects="(in English: «but somehow I cannot get my postfix to use an ECDHE cipher») a client of TLS 1.2 gets ECDHE",
    remedy="leave tls_high_cipherlist and smtpd_tls_exclude_ciphers without words against EECDH, and EDH out of the front",
)  # fmt: skip
@broken_by("no-ecdhe", postfix=NO_ECDHE)
@broken_by("comment-6-in-force", postfix=COMMENT_6_IN_FORCE)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_postfix_uses_ecdhe(endpoint: Endpoint) -> None:
    """The list of comment 6 begins with EDH: where it counts, and the server decides, nobody gets ECDHE."""
    answer = endpoint.offer(TLS_1_2)
    assert isinstance(answer, Agreed) and answer.suite.startswith("ECDHE-"), f"{answer}"


@control(
    "DE-32", MUST, KARL_HEINZ,
    "Egal wie oft ich die Anleitung durchgehe es wird immer „DHE-RSA-CAMELLIA256-SHA“ ausgewählt (openssl s_client -starttls "
    "smtp -crlf -connect myhost:25).",
    on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=LOW,
    expects="(in English: «however often I go through the instructions, it is always DHE-RSA-CAMELLIA256-SHA that is "
            "chosen») that suite, for a client that would rather have DHE",
    remedy="none: ECDHE with AES-GCM is better",
)  # fmt: skip
@broken_by("no-dhe", postfix=NO_DHE)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_dhe_camellia_is_always_chosen(endpoint: Endpoint) -> None:
    """It was the first suite that his client's library and his server's had in common."""
    answer = endpoint.offer(FINITE_FIELD_FIRST)
    assert isinstance(answer, Agreed) and answer.suite == "DHE-RSA-CAMELLIA256-SHA", f"{answer}"


@control(
    "DE-37", MUST, CLARK,
    "Das „no client …“ läßt mich glauben, dass ein PEM aus einen beglaubigten Zertifikat reibungsloser arbeitet.",
    on=(MX,), daemons=(POSTFIX,), severity=LOW,
    expects='(in English: «that "no client …" makes me believe that a PEM made from a certified certificate works more '
            "smoothly») no certificate is asked for of the client, and the server's own is shown: that is all it says",
    remedy="none: Diffie-Hellman parameters have nothing to do with a certificate",
)  # fmt: skip
@broken_by("certificate-asked-for", postfix={"smtpd_tls_ask_ccert": "yes"})
@tolerates("without-parameters", postfix={"smtpd_tls_dh1024_param_file": ""})
def test_clients_are_shown_a_certificate_and_asked_for_none(endpoint: Endpoint) -> None:
    """The words speak of the client's certificate, and are read as a flaw of the server's."""
    answer = endpoint.agreed(MODERN)
    assert answer.authenticated and not answer.certificate_requested, f"{answer}"
