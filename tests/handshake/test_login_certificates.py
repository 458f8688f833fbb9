"""Logins by certificate: beside the password where mail is read, instead of it where mail is sent."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    CRITICAL,
    DOVECOT,
    HIGH,
    MODERN,
    MUST,
    MUST_NOT,
    POSTFIX,
    SUBMISSION,
    Endpoint,
    Journal,
    article,
    broken_by,
    control,
    dovecot,
    no_other_way,
    tolerates,
    traveller,
)  # fmt: skip

PORTS = ("submission:587", "submissions:465")
SAMPLE_CLIENT = {"smtpd_client_restrictions": "permit_sasl_authenticated, reject"}
SAMPLE_RELAY = {"smtpd_relay_restrictions": "permit_sasl_authenticated, reject"}
SAMPLE = {"smtpd_sasl_auth_enable": "yes", **SAMPLE_CLIENT, **SAMPLE_RELAY}
BESIDE = {"smtpd_sasl_auth_enable": "yes", "smtpd_client_restrictions": "permit_sasl_authenticated, "
          "permit_tls_clientcerts, reject", "smtpd_relay_restrictions": "permit_sasl_authenticated, "
          "permit_tls_clientcerts, reject"}  # fmt: skip
REPLACES = (
    "on peut utiliser avantageusement la fonctionnalité d'authentification de ceux-ci pour remplacer le couple login / "
    "mot de passe."
)


@control(
    "CC-1", MUST, dovecot("auth_ssl_require_client_cert"),
    "If yes, authentication fails when a valid SSL client certificate is not provided.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=HIGH, variants=("tls-1.2", "tls-1.3"),
    expects="the right password and a certificate of the CA are let in",
    remedy="ssl_server_request_client_cert = yes, ssl_server_ca_file = the CA that issues the users' certificates, and "
    "ssl_server_require_crl = no unless its CRL lies in that file too",
)  # fmt: skip
@broken_by("another-ca", dovecot={"ssl_server_ca_file": "/etc/mailproof/files/stranger-rsa.pem"})
@broken_by("no-crl-beside-the-ca", dovecot={"ssl_server_require_crl": "yes"})
@tolerates("names-as-typed", dovecot={"auth_ssl_username_from_cert": "no"})
def test_a_certificate_of_the_ca_logs_in(endpoint: Endpoint, variant: str) -> None:
    """A CRL is demanded unless that is switched off, and then nobody gets in: the good certificates do not either."""
    user, password = endpoint.account()
    with endpoint.session(MODERN.only(f"TLSv{variant.removeprefix('tls-')}"), traveller(user)) as session:
        reply = session.login(user, password)
    assert reply.ok, f"{reply}"


@control(
    "CC-2", MUST_NOT, dovecot("auth_ssl_require_client_cert"),
    "If yes, authentication fails when a valid SSL client certificate is not provided.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=CRITICAL,
    variants=("none", "stranger", "self-signed", "expired", "server-only", "none-tls-1.2", "expired-tls-1.2"),
    expects="the right password is refused without a certificate, and with one that is not good",
    remedy="auth_ssl_require_client_cert = yes: to ask for a certificate (ssl_server_request_client_cert) is not enough",
)  # fmt: skip
@broken_by("certificates-asked-only", dovecot={"auth_ssl_require_client_cert": "no"})
@tolerates("names-as-typed", dovecot={"auth_ssl_username_from_cert": "no"})
def test_doubtful_certificates_do_not_log_in(endpoint: Endpoint, variant: str) -> None:
    """Dovecot lets the handshake finish whatever comes in it, so only a login tells whether the demand is meant."""
    client, _, version = variant.partition("-tls-")
    offer = MODERN.only(f"TLSv{version}") if version else MODERN
    reply = endpoint.login_with(offer, "" if client == "none" else client)
    assert not reply.ok, f"{reply}"


@control(
    "CC-3", MUST, dovecot("auth_ssl_username_from_cert"),
    "Setting to yes indicates that the username should be taken from the client's SSL certificate.",
    on=(ACCESS,), daemons=(DOVECOT,), severity=CRITICAL,
    expects="who logs in under another's name is the one whom his certificate names",
    remedy="auth_ssl_username_from_cert = yes and ssl_server_cert_username_field = commonName",
)  # fmt: skip
@broken_by("names-as-typed", dovecot={"auth_ssl_username_from_cert": "no"})
@no_other_way("a certificate names its owner in the field that the setting chooses, and no other setting asks for it")
def test_the_certificate_says_who_logs_in(endpoint: Endpoint, journal: Journal) -> None:
    """Else one stolen password opens a mailbox to everybody who has a certificate, however little it is his."""
    (owner, _), (claimed, password) = endpoint.account(), endpoint.account()
    with endpoint.session(MODERN, traveller(owner)) as session:
        reply = session.login(claimed, password)
    user = journal.login(owner, claimed).pairs.get("user")
    assert reply.ok and user == owner, f"certificate of {owner}, login as {claimed}: in as {user}"


@control(
    "CC-4", MUST, article("fr", "introduction"), REPLACES,
    on=(SUBMISSION,), daemons=(POSTFIX,), severity=HIGH, feature="client-certificates", variants=("tls-1.2", "tls-1.3"),
    expects="a listed certificate sends mail abroad without a login",
    remedy="permit_tls_clientcerts before the reject in smtpd_relay_restrictions, and in smtpd_client_restrictions and "
    "their like where master.cf has Debian's sample override: it refuses whoever has not logged in by password",
)  # fmt: skip
@broken_by("debian-s-sample-override", services=dict.fromkeys(PORTS, SAMPLE))
@broken_by("sample-for-clients-alone", services=dict.fromkeys(PORTS, SAMPLE_CLIENT))
@broken_by("sample-for-relaying-alone", services=dict.fromkeys(PORTS, SAMPLE_RELAY))
@tolerates("beside-a-password", services=dict.fromkeys(PORTS, BESIDE))
def test_a_certificate_replaces_the_password(endpoint: Endpoint, variant: str) -> None:
    """The override that Debian's master.cf suggests knows passwords only, and says so to nobody who has a certificate."""
    decisions = endpoint.decisions(MODERN.only(f"TLSv{variant.removeprefix('tls-')}"), "listed")
    assert all(decision.relayed for decision in decisions), "; ".join(map(str, decisions))


@control(
    "CC-5", MUST_NOT, article("fr", "introduction"), REPLACES,
    on=(SUBMISSION,), daemons=(POSTFIX,), severity=HIGH, feature="client-certificates",
    expects="no login is offered, and one that is tried all the same is refused",
    remedy="postconf -P SERVICE/inet/smtpd_sasl_auth_enable=no",
)  # fmt: skip
@broken_by("passwords-too", services=dict.fromkeys(PORTS, BESIDE))
@tolerates("left-at-its-default", services={name: {"smtpd_sasl_auth_enable": None} for name in PORTS})
def test_no_password_is_asked_for(endpoint: Endpoint) -> None:
    """Whoever guesses a password has what the certificates were to keep from him."""
    with endpoint.session(MODERN, "listed") as session:
        offered = session.offers_login
        reply = session.login(*endpoint.account())
    assert not offered and not reply.ok, f"offered: {offered}; tried: {reply}"
