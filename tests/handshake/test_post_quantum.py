"""Key exchange that outlasts quantum computers: who gets it, who is served without it, and who is refused."""

from __future__ import annotations

from mailproof.controls import (
    ACCESS,
    DAEMON,
    HIGH,
    MEDIUM,
    MODERN,
    MUST,
    MUST_NOT,
    MX,
    POST_QUANTUM,
    POSTFIX,
    PRE_QUANTUM,
    SUBMISSION,
    Agreed,
    Chosen,
    Endpoint,
    Journal,
    Refused,
    Sending,
    broken_by,
    control,
    ecdhe_mlkem,
    rfc,
    tolerates,
)  # fmt: skip

HYBRID = "X25519MLKEM768"
CURVES = {"tls_eecdh_auto_curves": "X25519 prime256v1"}
FLAT = {"tls_eecdh_auto_curves": "X25519MLKEM768 X25519 prime256v1 secp384r1"}
PREFERRED = {"tls_eecdh_auto_curves": "?X25519MLKEM768:DEFAULT"}
TUPLE = {"tls_eecdh_auto_curves": "X25519MLKEM768/X25519:prime256v1"}
NOTHING_ELSE = {"tls_eecdh_auto_curves": HYBRID, "tls_ffdhe_auto_groups": ""}
TLS_1_2_TOO = {"smtpd_tls_mandatory_protocols": ">=TLSv1.2"}
REMEDY = (
    "Postfix: tls_eecdh_auto_curves = ?X25519MLKEM768:DEFAULT · Dovecot: ssl_curve_list = ?X25519MLKEM768:DEFAULT, "
    "both with OpenSSL 3.5"
)
COMBINES = (
    "This draft defines three hybrid key agreement mechanisms for TLS 1.3 - X25519MLKEM768, SecP256r1MLKEM768, and "
    "SecP384r1MLKEM1024 - that combine the post-quantum ML-KEM (Module-Lattice-Based Key Encapsulation Mechanism) with an "
    "ECDHE"
)
SUBMISSION_PORTS = ("submission:587", "submissions:465")
"""Where a profile has overrides: there main.cf alone changes nothing."""


@control(
    "PQC-1", MUST, rfc(8446, "4.1.1"),
    'If the server selects an (EC)DHE group and the client did not offer a compatible "key_share" extension in the initial '
    "ClientHello, the server MUST respond with a HelloRetryRequest (Section 4.1.4) message.",
    on=(MX, SUBMISSION, ACCESS), severity=HIGH, variants=("hybrid-share", "x25519-share"),
    expects="X25519MLKEM768, also for a client that can do it and sends a key share for X25519 alone", remedy=REMEDY,
)  # fmt: skip
@broken_by(
    "without-it",
    postfix=CURVES,
    services=dict.fromkeys(SUBMISSION_PORTS, CURVES),
    dovecot={"ssl_curve_list": "X25519:P-256"},
)
@broken_by("flat-list", postfix=FLAT, services=dict.fromkeys(SUBMISSION_PORTS, FLAT),
           dovecot={"ssl_curve_list": "X25519MLKEM768:X25519:P-256"}, variants=("x25519-share",))  # fmt: skip
@tolerates("tuple", postfix=TUPLE, dovecot={"ssl_curve_list": "X25519MLKEM768/X25519:P-256"})
def test_chooses_the_hybrid_group_wherever_the_client_can(endpoint: Endpoint, variant: str) -> None:
    """In a flat list of groups the key share that a client guessed wins over what both could do."""
    answer = endpoint.probe(POST_QUANTUM[variant])
    assert isinstance(answer, Chosen) and answer.group_name == HYBRID, f"{answer}"


@control(
    "PQC-2", MUST, rfc(3207, "4"),
    "A publicly-referenced SMTP server MUST NOT require use of the STARTTLS extension in order to deliver mail locally.",
    on=(MX, SUBMISSION, ACCESS), severity=HIGH, variants=("x25519", "p-256"),
    expects="a client that knows no hybrid group is served with its own", remedy=REMEDY,
)  # fmt: skip
@broken_by("hybrid-only", postfix=NOTHING_ELSE, dovecot={"ssl_curve_list": HYBRID})
@tolerates("tuple", postfix=TUPLE, dovecot={"ssl_curve_list": "X25519MLKEM768/X25519:P-256"})
def test_clients_without_the_hybrid_group_are_served(endpoint: Endpoint, variant: str) -> None:
    """Most senders of the world know no hybrid group yet, and who is refused TLS sends in clear."""
    answer = endpoint.probe(PRE_QUANTUM[variant])
    assert isinstance(answer, Chosen), f"{answer}"


@control(
    "PQC-3", MUST_NOT, rfc(8446, "4.1.1"),
    'If there is no overlap between the received "supported_groups" and the groups supported by the server, then the server '
    'MUST abort the handshake with a "handshake_failure" or an "insufficient_security" alert.',
    on=(SUBMISSION, ACCESS), severity=HIGH, variants=("x25519", "p-256", "tls-1.2"),
    expects="a client that cannot do X25519MLKEM768 is refused",
    remedy="Postfix, per service: tls_eecdh_auto_curves = X25519MLKEM768, tls_ffdhe_auto_groups empty, "
           "smtpd_tls_mandatory_protocols = >=TLSv1.3 · Dovecot: ssl_curve_list = X25519MLKEM768, ssl_min_protocol = TLSv1.3",
)  # fmt: skip
@broken_by("merely-preferred", services=dict.fromkeys(SUBMISSION_PORTS, PREFERRED), dovecot={"ssl_curve_list": "?X25519MLKEM768:DEFAULT"},
           variants=("x25519", "p-256"))  # fmt: skip
@broken_by("tls-1.2-too", services=dict.fromkeys(SUBMISSION_PORTS, TLS_1_2_TOO),
           dovecot={"ssl_curve_list": "?X25519MLKEM768:DEFAULT", "ssl_min_protocol": "TLSv1.2"}, variants=("tls-1.2",))  # fmt: skip
@tolerates("nothing-but-1.3", services={key: {"smtpd_tls_mandatory_protocols": "TLSv1.3"} for key in SUBMISSION_PORTS},
           dovecot={"ssl_server_prefer_ciphers": "client"})  # fmt: skip
def test_refuses_whoever_cannot_do_the_hybrid_group(endpoint: Endpoint, variant: str) -> None:
    """What is recorded of such a session is read once there is a quantum computer for it."""
    answer = endpoint.probe(PRE_QUANTUM[variant])
    assert isinstance(answer, Refused), f"{answer}"


@control(
    "PQC-4", MUST, ecdhe_mlkem("abstract"), COMBINES, on=(MX, SUBMISSION, ACCESS), severity=HIGH,
    expects="a finished handshake with X25519MLKEM768", remedy=REMEDY,
)  # fmt: skip
@broken_by(
    "without-it",
    postfix=CURVES,
    services=dict.fromkeys(SUBMISSION_PORTS, CURVES),
    dovecot={"ssl_curve_list": "X25519:P-256"},
)
@tolerates("tuple", postfix=TUPLE, dovecot={"ssl_curve_list": "X25519MLKEM768/X25519:P-256"})
def test_finishes_a_handshake_with_the_hybrid_group(endpoint: Endpoint) -> None:
    """That a server names the group is not yet a key on which both sides agree."""
    answer = endpoint.offer(MODERN.only("TLSv1.3"))
    assert isinstance(answer, Agreed) and answer.group == HYBRID, f"{answer}"


@control(
    "PQC-5", MUST, ecdhe_mlkem("abstract"), COMBINES, on=(MX, SUBMISSION), daemons=(POSTFIX,), severity=MEDIUM,
    expects="the line that says what TLS was agreed names X25519MLKEM768",
    remedy="postconf -e smtpd_tls_loglevel=1; " + REMEDY,
)  # fmt: skip
@broken_by("nothing-logged", postfix={"smtpd_tls_loglevel": "0"})
@broken_by("without-it", postfix=CURVES, services=dict.fromkeys(SUBMISSION_PORTS, CURVES))
@tolerates("more-logged", postfix={"smtpd_tls_loglevel": "2"})
def test_log_names_the_hybrid_group(endpoint: Endpoint, journal: Journal) -> None:
    """The log alone can tell afterwards which sessions outlast quantum computers: the suite's name says nothing of it."""
    visit = endpoint.visit(MODERN.only("TLSv1.3"))
    line = journal.connection(visit.helo).tls
    assert line is not None and line.key_exchange == HYBRID, f"logged: {line}"


@control(
    "PQC-6", MUST, ecdhe_mlkem("abstract"), COMBINES, on=(DAEMON,), daemons=(POSTFIX,), severity=MEDIUM,
    feature="lab-destinations", expects="mail for a host that knows X25519MLKEM768 goes out under it", remedy=REMEDY,
)  # fmt: skip
@broken_by("without-it", postfix=CURVES)
@tolerates("tuple", postfix=TUPLE)
def test_sends_under_the_hybrid_group_to_who_can(sending: Sending) -> None:
    """What is recorded on its way out can be kept for a quantum computer as well as what comes in."""
    sent = sending.send("hybrid")
    assert sent.tls is not None and sent.tls.group == HYBRID.lower(), str(sent.tls)
