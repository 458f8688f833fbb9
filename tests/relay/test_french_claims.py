"""What the French article claims, of the relay and of the laptop, on a host that wears it to the letter."""

from __future__ import annotations

from mailproof.controls import (
    CRITICAL,
    DAEMON,
    HIGH,
    MEDIUM,
    MODERN,
    MUST,
    MX,
    POSTFIX,
    Endpoint,
    Sending,
    article,
    broken_by,
    control,
    no_other_way,
)  # fmt: skip

SERVER, TABLE = article("fr", "Configuration serveur, main.cf"), article("fr", "relay_clientcerts")
CLIENT, WORDS = article("fr", "Configuration client, main.cf"), article("fr", "tls_per_site")
WHY = article("fr", "Introduction")
OPEN = dict.fromkeys(
    ("smtpd_relay_restrictions", "smtpd_recipient_restrictions"), "check_client_access static:OK, reject"
)
ANYBODY = {
    "smtpd_relay_restrictions": "permit_tls_all_clientcerts, reject_unauth_destination",
    "smtpd_recipient_restrictions": "permit_tls_all_clientcerts, reject_unauth_destination",
}
NOBODY_LISTED = {"relay_clientcerts": ""}
NO_TABLE = {"smtp_tls_per_site": ""}


@control(
    "FR-2", MUST, SERVER, "permit_tls_clientcerts,",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH, variants=("tls-1.2", "tls-1.3"),
    expects="(in English: «permit_tls_clientcerts») recipients abroad are accepted of the listed certificate",
    remedy="permit_tls_clientcerts in smtpd_relay_restrictions, and smtpd_tls_fingerprint_digest as in the table",
)  # fmt: skip
@broken_by("nobody-listed", postfix=NOBODY_LISTED)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_a_listed_fingerprint_may_relay(endpoint: Endpoint, variant: str) -> None:
    """The whole article is for this one reply: 250, to who is in the table."""
    decisions = endpoint.decisions(MODERN.only(f"TLSv{variant.removeprefix('tls-')}"), "listed")
    assert all(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "FR-3", MUST, WHY,
    "on peut utiliser avantageusement la fonctionnalité d'authentification de ceux-ci pour remplacer le couple login / mot "
    "de passe.",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH,
    expects="(in English: «their authentication can well be used to replace login and password») without a login, the "
            "listed certificate makes the difference: with it recipients abroad are accepted, without it they are not",
    remedy="permit_tls_clientcerts in smtpd_relay_restrictions, and smtpd_tls_fingerprint_digest as in the table",
)  # fmt: skip
@broken_by("everybody-relays", postfix=OPEN)
@broken_by("nobody-listed", postfix=NOBODY_LISTED)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_certificate_replaces_login_and_password(endpoint: Endpoint) -> None:
    """A certificate that opens nothing replaces nothing, and one that everybody can do without neither."""
    listed, nobody = endpoint.decisions(MODERN, "listed"), endpoint.decisions(MODERN)
    opens, needed = all(each.relayed for each in listed), not any(each.relayed for each in nobody)
    assert opens and needed, f"with it: {'; '.join(map(str, listed))}, without: {'; '.join(map(str, nobody))}"


@control(
    "FR-4", MUST, WHY,
    "comment être en mesure d'envoyer un mail depuis n'importe quel réseau (comprendre fournisseur d'accès) sans avoir à "
    "modifier la configuration de son MTA (mail transport agent, postfix) ou MUA (Mail user agent, mutt, thunderbird ou "
    "kmail) et ce, de façon sécurisée ?",
    on=(MX,), daemons=(POSTFIX,), severity=CRITICAL,
    expects="(in English: «how to send mail from any network … and that safely?») recipients abroad are refused to who "
            "has neither certificate nor login",
    remedy="reject_unauth_destination in smtpd_relay_restrictions",
)  # fmt: skip
@broken_by("everybody-relays", postfix=OPEN)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_who_has_neither_certificate_nor_login_relays_nothing(endpoint: Endpoint) -> None:
    """What any network may use, everybody may use, unless somebody is asked who he is."""
    decisions = endpoint.refused(MODERN)
    assert not any(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "FR-5", MUST, SERVER, "relay_clientcerts = hash:/etc/postfix/relay_clientcerts",
    on=(MX,), daemons=(POSTFIX,), severity=CRITICAL, variants=("unlisted", "stranger", "self-signed", "expired"),
    expects="(in English: «relay_clientcerts = this table») who is not in the table relays nothing, whatever certificate "
            "he has",
    remedy="permit_tls_clientcerts instead of permit_tls_all_clientcerts, and a refusal behind it",
)  # fmt: skip
@broken_by("any-trusted-certificate", postfix=ANYBODY, variants=("unlisted",))
@broken_by("everybody-relays", postfix=OPEN)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_who_is_not_listed_relays_nothing(endpoint: Endpoint, variant: str) -> None:
    """The CA may certify many; the table is to say who of them relays."""
    decisions = endpoint.refused(MODERN, variant)
    assert not any(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "FR-6", MUST, TABLE,
    "Ce fichier est composé de deux champs séparés par un caractère blanc (espace ou tabulation) :",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH,
    expects="(in English: «this file has two fields, separated by white space») who is listed with *.montravail.com "
            "relays to it, and nowhere else",
    remedy="the second field is never looked at; smtpd_restriction_classes by check_ccert_access can restrict by recipient",
)  # fmt: skip
@broken_by("nobody-listed", postfix=NOBODY_LISTED)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_second_column_restricts_the_domain(endpoint: Endpoint) -> None:
    """A pattern beside a fingerprint reads like a limit: who believes it lists a client that he would not list else."""
    inside = endpoint.decisions(MODERN, "listed", recipient="someone@mail.montravail.com")
    outside = endpoint.decisions(MODERN, "listed")
    limited = all(each.relayed for each in inside) and not any(each.relayed for each in outside)
    assert limited, f"to montravail.com: {'; '.join(map(str, inside))}, elsewhere: {'; '.join(map(str, outside))}"


@control(
    "FR-7", MUST, SERVER, "smtpd_tls_req_ccert = yes",
    on=(MX,), daemons=(POSTFIX,), severity=HIGH,
    expects="(in English: «a certificate is required: yes») a session without one is ended right after the handshake",
    remedy="on a port of its own: postconf -P PORT/inet/smtpd_tls_security_level=encrypt PORT/inet/smtpd_tls_req_ccert=yes",
)  # fmt: skip
@broken_by("asked-only", postfix={"smtpd_tls_req_ccert": "no"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_a_client_without_a_certificate_is_turned_away(endpoint: Endpoint) -> None:
    """Postfix requires certificates only where it requires TLS, and says so nowhere but in its log."""
    away = endpoint.turned_away("", endpoint.home)
    assert away.startswith("421 4.7.1 "), away or "the session goes on"


@control(
    "FR-9", MUST, WHY,
    "Pour protéger le mot de passe qui circule en clair, on utilise du TLS (chiffrement du flux).",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations",
    expects="(in English: «TLS is used, encryption of the flow») what the laptop sends to its relay comes under TLS with "
            "forward secrecy",
    remedy="postconf -e smtp_tls_security_level=secure",
)  # fmt: skip
@broken_by("never", postfix={"smtp_tls_security_level": "none", "smtp_tls_per_site": "", "smtp_enforce_tls": "no"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_tls_encrypts_the_flow(sending: Sending) -> None:
    """Between a laptop in a foreign network and its relay everybody can read who wants to."""
    sent = sending.abroad()
    assert sent.forward_secret, f"{sent}"


@control(
    "FR-10", MUST, CLIENT, "relayhost = kaoru.asyd.net",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations",
    expects="(in English: «the relay is kaoru.asyd.net») mail for the world comes to that host",
    remedy="postconf -e 'relayhost=[RELAY]:PORT'",
)  # fmt: skip
@broken_by("another-relay", postfix={"relayhost": "[good.destinations.test]:10025"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_all_mail_goes_by_the_relay(sending: Sending) -> None:
    """A laptop's own address is refused by most mail hosts: what goes past the relay is lost."""
    sent = sending.abroad()
    assert sent.arrival is not None and sent.relay.startswith("kaoru.asyd.net["), f"{sent}"


@control(
    "FR-11", MUST, CLIENT, "smtp_tls_cert_file = /etc/ssl/local/laptop.pem",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations",
    expects="(in English: «the certificate file is laptop.pem») the relay sees the laptop's certificate, and "
            "trusts it",
    remedy="postconf -e smtp_tls_cert_file=FILE smtp_tls_key_file=FILE",
)  # fmt: skip
@broken_by("left-out", postfix={"smtp_tls_cert_file": "", "smtp_tls_key_file": ""})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_laptop_shows_its_certificate_to_the_relay(sending: Sending) -> None:
    """Certificate and key lie in one file, which Postfix must be able to read. The package keeps sessions: one that is
    resumed is signed no more, but the relay still knows whose it is."""
    sent = sending.abroad()
    assert sent.tls is not None and sent.tls.word == "Trusted", f"{sent}"


@control(
    "FR-12", MUST, CLIENT, "smtp_enforce_tls = yes",
    on=(DAEMON,), daemons=(POSTFIX,), severity=CRITICAL, feature="lab-destinations",
    variants=("no-starttls", "self-signed"),
    expects="(in English: «TLS is enforced: yes») the message is kept (4.7.X), and the other side never sees it",
    remedy="postconf -e smtp_tls_security_level=secure",
)  # fmt: skip
@broken_by("not-enforced", postfix={"smtp_enforce_tls": "no"})
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_enforced_tls_lets_nothing_out_otherwise(sending: Sending, variant: str) -> None:
    """Any level that is set, the package's own «may» included, silently wins over smtp_enforce_tls."""
    sent = sending.send(variant)
    assert sent.held_back, f"{sent}"


@control(
    "FR-13", MUST, WORDS, "Avec les policy suivantes : NONE, MAY, MUST, MUST_NOPEERMATCH",
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, feature="lab-destinations",
    expects="(in English: «with these policies: NONE …») a host that has TLS gets its mail in clear",
    remedy="smtp_tls_policy_maps with the word none",
)  # fmt: skip
@broken_by("no-table", postfix=NO_TABLE)
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_word_none_sends_in_clear(sending: Sending) -> None:
    """Some hosts offer what they cannot do: the word is to get mail to them all the same."""
    sent = sending.send("tls-1.2")
    assert sent.in_clear, f"{sent}"


@control(
    "FR-14", MUST, WORDS, "Avec les policy suivantes : NONE, MAY, MUST, MUST_NOPEERMATCH",
    on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM, feature="lab-destinations", variants=("anchor", "broken-starttls"),
    expects="(in English: «… MAY …») mail comes: under TLS where the other side can, in clear where it cannot",
    remedy="smtp_tls_policy_maps with the word may",
)  # fmt: skip
@broken_by("never", postfix={**NO_TABLE, "smtp_tls_security_level": "none"}, variants=("anchor",))
@broken_by("enforced", postfix={**NO_TABLE, "smtp_tls_security_level": "encrypt"}, variants=("broken-starttls",))
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_word_may_sends_as_well_as_it_can(sending: Sending, variant: str) -> None:
    """Beside a stricter rule for all others, it is the word for those who cannot keep it."""
    sent = sending.send(variant)
    if variant == "broken-starttls":
        assert sent.in_clear, f"{sent}"
    else:
        assert sent.forward_secret, f"{sent}"


@control(
    "FR-15", MUST, WORDS, "Avec les policy suivantes : NONE, MAY, MUST, MUST_NOPEERMATCH",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations", variants=("wrong-name", "relay"),
    expects="(in English: «… MUST …») mail comes to who shows the certificate of his name, and to nobody else",
    remedy="smtp_tls_policy_maps with the word secure",
)  # fmt: skip
@broken_by("no-table", postfix=NO_TABLE, variants=("wrong-name",))
@broken_by("never", postfix={**NO_TABLE, "smtp_tls_security_level": "none"}, variants=("relay",))
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_word_must_verifies_the_name(sending: Sending, variant: str) -> None:
    """Encryption to whoever answers protects from nobody who can answer."""
    sent = sending.send(variant)
    if variant == "wrong-name":
        assert sent.held_back, f"{sent}"
    else:
        assert sent.logged is not None and sent.logged.word == "Verified", f"{sent}"


@control(
    "FR-16", MUST, WORDS, "Avec les policy suivantes : NONE, MAY, MUST, MUST_NOPEERMATCH",
    on=(DAEMON,), daemons=(POSTFIX,), severity=HIGH, feature="lab-destinations", variants=("expired", "clear-only"),
    expects="(in English: «… MUST_NOPEERMATCH») mail comes under TLS, whatever certificate the other side has, and never "
            "in clear",
    remedy="smtp_tls_policy_maps with the word encrypt",
)  # fmt: skip
@broken_by("verified-everywhere", postfix={**NO_TABLE, "smtp_tls_security_level": "verify"}, variants=("expired",))
@broken_by("no-table", postfix=NO_TABLE, variants=("clear-only",))
@no_other_way("the sentence speaks of the lines that the article prints: what else leads there would be another claim")
def test_the_word_must_nopeermatch_encrypts_to_anybody(sending: Sending, variant: str) -> None:
    """It keeps mail from who only listens: the step between MAY and MUST."""
    sent = sending.send(variant)
    if variant == "clear-only":
        assert sent.held_back, f"{sent}"
    else:
        assert sent.forward_secret, f"{sent}"
