"""The clients of containers/peers/clients: where each can be sent, by which command, and how it speaks of TLS."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from mailproof.model import Protocol, Security, Service
from mailproof.targets.people import SERVER
from tests.lab.peers import message

RECIPIENT = f"probe@{SERVER}"
SENDER = "probe@clients.peers.test"
_FILES = "/etc/mailproof/files"
_SMTP = ("smtp:25", "submission:587", "submissions:465")
_IMAP = ("imap:143", "imaps:993")
_POP3 = ("pop3:110", "pop3s:995")
_EVERY = (*_SMTP, *_IMAP, *_POP3, "sieve:4190")


@dataclass(frozen=True)
class Errand:
    """To send or fetch the message with a token at a service; ``ca`` is whom the client trusts (a file's name), ``old``
    caps it at TLS 1.2."""

    service: Service
    user: str
    password: str
    token: str
    ca: str = "ca"
    old: bool = False

    @property
    def port(self) -> int:
        assert self.service.port is not None
        return self.service.port

    @property
    def implicit(self) -> bool:
        return self.service.security is Security.IMPLICIT

    @property
    def sends(self) -> bool:
        return self.service.protocol is Protocol.SMTP

    @property
    def logs_in(self) -> bool:
        return str(self.service) != "smtp:25"

    @property
    def trusted(self) -> str:
        """The file of the authority's certificate."""
        return f"{_FILES}/{self.ca}.pem"

    @property
    def scratch(self) -> str:
        """A directory of its own."""
        return f"/tmp/{self.token}-{self.ca}"  # noqa: S108 in the clients' container

    @property
    def plain(self) -> str:
        """RFC 4616's message, in base64."""
        return b64encode(f"\0{self.user}\0{self.password}".encode()).decode()


@dataclass(frozen=True)
class Client:
    """A program; ``says`` are patterns of its output that are there after a handshake."""

    services: tuple[str, ...]
    command: Callable[[Errand], str]
    says: tuple[str, ...] = ()


def script(client: Client, errand: Errand) -> str:
    """The shell command for an errand: it succeeds where the client did, and prints what it fetched."""
    text = message(errand.token, RECIPIENT)
    return f"mkdir {errand.scratch} && cd {errand.scratch} && printf {quote(text)} >message && {client.command(errand)}"


def _swaks(errand: Errand) -> str:
    words = ["swaks --tls-verify --ehlo clients.peers.test --data @message", f"--tls-ca-path {errand.trusted}",
             f"--server {SERVER} --port {errand.port} --from {SENDER} --to {RECIPIENT}",
             "--tls-on-connect" if errand.implicit else "--tls"]  # fmt: skip
    if errand.logs_in:
        words.append(f"--auth PLAIN --auth-user {errand.user} --auth-password={errand.password}")
    return " ".join([*words, "--tls-protocol tlsv1_2" if errand.old else "", "2>&1"])


def _msmtp(errand: Errand) -> str:
    words = [f"msmtp -d --file=/dev/null --host={SERVER} --port={errand.port} --from={SENDER}",
             f"--tls=on --tls-trust-file={errand.trusted}",
             f"--tls-starttls={'off' if errand.implicit else 'on'}"]  # fmt: skip
    if errand.logs_in:
        words.append(f"--auth=plain --user={errand.user} --passwordeval={quote(f'echo {errand.password}')}")
    words.append("--tls-priorities=NORMAL:-VERS-TLS1.3" if errand.old else "")
    return " ".join([*words, RECIPIENT, "<message 2>&1"])


def _curl(errand: Errand) -> str:
    scheme = f"{errand.service.protocol}{'s' if errand.implicit else ''}"
    path = {Protocol.SMTP: "clients.peers.test", Protocol.IMAP: "INBOX;UID=1", Protocol.POP3: "1"}
    assert errand.service.protocol is not None
    url = f"{scheme}://{SERVER}:{errand.port}/{path[errand.service.protocol]}"
    words = [
        f"curl -sS -v --ssl-reqd --cacert {errand.trusted} {'--tls-max 1.2' if errand.old else ''} --url {quote(url)}"
    ]
    if errand.sends:
        words.append(f"--mail-from {SENDER} --mail-rcpt {RECIPIENT} -T message")
    if errand.logs_in:
        words.append(f"--user {errand.user}:{errand.password}")
    return " ".join([*words, "2>&1"])


def _mbsync(errand: Errand) -> str:
    rules = f"""IMAPAccount specimen
Host {SERVER}
Port {errand.port}
User {errand.user}
Pass {errand.password}
TLSType {"IMAPS" if errand.implicit else "STARTTLS"}
TLSVersions {"-1.3" if errand.old else "+1.3"}
CertificateFile {errand.trusted}
SystemCertificates no

IMAPStore far
Account specimen

MaildirStore near
Inbox {errand.scratch}/INBOX

Channel fetch
Far :far:
Near :near:
Create Near
Sync Pull
SyncState *
"""
    return f"rm message && printf %s {quote(rules)} >rules && mbsync -V -c rules fetch 2>&1 && cat INBOX/new/*"


def _fetchmail(errand: Errand) -> str:
    rules = f"""set no syslog
poll {SERVER} protocol {str(errand.service.protocol).upper()} port {errand.port}
 username {quote(errand.user)} password {quote(errand.password)} {"ssl" if errand.implicit else ""}
 sslproto '{"TLS1.2" if errand.old else "TLS1.2+"}' sslcertck sslcertfile {errand.trusted} sslcertpath /nowhere
 fetchall keep mda "cat >fetched"
"""
    run = f"FETCHMAILHOME={errand.scratch} fetchmail -v -v -N -f rules"
    return f"rm message && printf %s {quote(rules)} >rules && chmod 600 rules && {run} 2>&1 && cat fetched"


def _s_client(errand: Errand) -> str:
    words = ["dialogue openssl s_client -ign_eof -verify_return_error", f"-verify_hostname {SERVER}",
             f"-CAfile {errand.trusted} -connect {SERVER}:{errand.port}",
             "" if errand.implicit else f"-starttls {errand.service.protocol}",
             "-tls1_2" if errand.old else ""]  # fmt: skip
    last = {Protocol.SMTP: "^250 "}  # it shows the server's last line of before the handshake, after it
    ready = last.get(errand.service.protocol, "Verify return code") if errand.service.protocol else ""
    return f"{_lines(errand, ready)} | {' '.join(words)} 2>&1"


def _gnutls_cli(errand: Errand) -> str:
    words = [f"dialogue gnutls-cli --port {errand.port} --x509cafile {errand.trusted}",
             "" if errand.implicit else f"--starttls-proto={errand.service.protocol}",
             "--priority NORMAL:-VERS-TLS1.3" if errand.old else "", SERVER]  # fmt: skip
    return f"{_lines(errand, 'Simple Client Mode')} | {' '.join(words)} 2>&1"


_GREETINGS = {Protocol.SMTP: "^220 ", Protocol.IMAP: r"^\* OK", Protocol.POP3: r"^\+OK"}


def _lines(errand: Errand, ready: str) -> str:
    """The script of a dialogue: who is not greeted after the handshake waits for the ``ready`` of his program."""
    protocol = errand.service.protocol
    assert protocol is not None
    first = _GREETINGS[protocol] if errand.implicit else ready
    replies, says = zip(*_SCRIPTS[protocol](errand), strict=True)
    turns = [word for pair in zip((first, *replies), says, strict=False) for word in pair]
    return f"printf '%s\\t%s\\n' {' '.join(map(quote, turns))}"


def _smtp(errand: Errand) -> Sequence[tuple[str, str]]:
    """What is answered to what is said."""
    text = message(errand.token, RECIPIENT).replace("\\n", "\\r\\n")
    auth = [("^235 ", f"AUTH PLAIN {errand.plain}")] if errand.logs_in else []
    return [("^250 ", "EHLO clients.peers.test"), *auth, ("^250 ", f"MAIL FROM:<{SENDER}>"),
            ("^250 ", f"RCPT TO:<{RECIPIENT}>"), ("^354 ", "DATA"), ("^250 ", f"{text}."), ("", "QUIT")]  # fmt: skip


def _imap(errand: Errand) -> Sequence[tuple[str, str]]:
    return [("^a OK", f"a LOGIN {errand.user} {errand.password}"), ("^b OK", "b SELECT INBOX"),
            ("^c OK", "c FETCH 1 BODY[]"), ("", "d LOGOUT")]  # fmt: skip


def _pop3(errand: Errand) -> Sequence[tuple[str, str]]:
    return [(r"^\+OK", f"USER {errand.user}"), (r"^\+OK", f"PASS {errand.password}"), (r"^\.", "RETR 1"), ("", "QUIT")]


def _sieve(errand: Errand) -> Sequence[tuple[str, str]]:
    return [("^OK", f'AUTHENTICATE "PLAIN" "{errand.plain}"'), ("^OK", f'PUTSCRIPT "{errand.token}" {{5+}}\\r\\nkeep;'),
            ("^OK", "LISTSCRIPTS"), ("", "LOGOUT")]  # fmt: skip


_SCRIPTS: Mapping[Protocol, Callable[[Errand], Sequence[tuple[str, str]]]] = {
    Protocol.SMTP: _smtp, Protocol.IMAP: _imap, Protocol.POP3: _pop3, Protocol.SIEVE: _sieve,
}  # fmt: skip
_GNUTLS = r"\((?P<version>TLS[\d.]+)(?:-X\.509)?\)-\((?:EC)?DHE-(?P<group>[^)]+)\)"
CLIENTS: Mapping[str, Client] = {
    "swaks": Client(_SMTP, _swaks, (r"TLS started with cipher (?P<version>[^:]+):(?P<suite>[^:]+):",)),
    "msmtp": Client(_SMTP, _msmtp, (_GNUTLS,)),
    "curl": Client(
        (*_SMTP, *_IMAP, *_POP3), _curl,
        (r"SSL connection using (?P<version>\S+) / (?P<suite>\S+)(?: / (?P<group>\S+))?",),
    ),
    "mbsync": Client(_IMAP, _mbsync),
    "fetchmail": Client(
        (*_IMAP, *_POP3), _fetchmail, (r"using protocol (?P<version>\S+), cipher (?P<suite>[^,\s]+),",)
    ),
    "openssl": Client(
        _EVERY, _s_client,
        (
            r"^New, (?P<version>\S+), Cipher is (?P<suite>\S+)",
            r"(?:(?:Peer|Server) Temp Key: (?:ECDH, )?|^Negotiated TLS1\.3 group: )(?P<group>[^,\s<]+)",
        ),
    ),
    "gnutls-cli": Client(_EVERY, _gnutls_cli, (_GNUTLS,)),
}  # fmt: skip
