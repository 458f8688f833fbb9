"""Every stand-in says what it stands for and at which line, and touches nothing that is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mailproof.dialect import Dialects
from mailproof.model import Daemon
from mailproof.releases import choose, load_releases
from mailproof.settings import parse_readings
from mailproof.targets.people import People, gather
from mailproof.targets.twin.stage import Staging, stage
from mailproof.targets.twin.standin import DOVECOT, MAIN, MASTER, Site
from mailproof.targets.twin.survey import Survey
from mailproof.trees import Tree

ROOT = Path(__file__).parents[4]
ROWS = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n"
Stage = Callable[..., Staging]


@pytest.fixture(scope="module")
def people() -> People:
    return gather(["rsa-2048"])


@pytest.fixture
def staged(people: People) -> Stage:
    """The staging of a tree: main.cf, as text and as Postfix has it, and dovecot.conf."""

    def make(
        main: str = "", dovecot: str = "", exists: tuple[str, ...] = (), username_format: str = "", **files: str
    ) -> Staging:
        readings = parse_readings((ROOT / "fixtures/recorded/debian-13.txt").read_text(encoding="utf-8"))
        settings = dict(line.split(" = ", 1) for line in main.splitlines() if " = " in line)
        own = {"myhostname": "mail.example.org", "mydestination": "example.org"}
        values = {**readings.postfix.values, **own, **settings}
        entries = {"smtp/inet": "smtp inet n - n - - smtpd", "smtp/unix": "smtp unix - - n - - smtp"}
        view = replace(readings.postfix, values=values, overrides={}, entries=entries)
        texts = {
            MAIN: main,
            MASTER: ROWS,
            DOVECOT: dovecot,
            **{f"/etc/{name.replace('__', '/')}": text for name, text in files.items()},
        }
        formed = {**readings.dovecot.values, "auth_username_format": username_format}
        named = replace(readings.dovecot, values=formed)
        known, root = frozenset({*texts, *exists}), frozenset({"root"})
        survey = Survey(replace(readings, postfix=view, dovecot=named), known, root, root, texts)
        tree = Tree("mail", "mail", {path.removeprefix("/etc/"): text.encode() for path, text in texts.items() if text})
        [release] = choose((), load_releases(ROOT / "containers/releases.toml"))
        site = Site.of(tree, release, survey, people, Dialects.load(ROOT / "fixtures/dialects"), "s3cret")
        return stage(site, "198.18.0.2")

    return make


def rows(staging: Staging, subject: str) -> list[Mapping[str, str]]:
    return [each.row for each in staging.standins if each.subject == subject]


def text(staging: Staging, path: str) -> str:
    return staging.files[path][0].decode()


def test_a_certificate_that_is_not_in_the_tree_has_a_stand_in_and_is_not_judged(staged: Stage) -> None:
    found = staged("smtpd_tls_cert_file = /etc/ssl/mx.pem\nsmtpd_tls_key_file = /etc/ssl/mx.key\n")
    [row] = rows(found, "certificate and key")
    assert (row["place"], row["named"]) == ("postfix/main.cf:1", "smtpd_tls_cert_file = /etc/ssl/mx.pem")
    assert "mail.example.org" in row["instead"]
    assert b"CERTIFICATE" in found.files["/etc/ssl/mx.pem"][0] and found.files["/etc/ssl/mx.key"][1] == 0o600
    assert "certificate" in found.unchecked[Daemon.POSTFIX]


def test_one_that_is_there_with_its_key_stays(staged: Stage) -> None:
    found = staged("smtpd_tls_cert_file = /etc/ssl/mx.pem\nsmtpd_tls_key_file = /etc/ssl/mx.key\n",
                   exists=("/etc/ssl/mx.pem", "/etc/ssl/mx.key"))  # fmt: skip
    assert not rows(found, "certificate and key")
    assert "certificate" not in found.unchecked[Daemon.POSTFIX]


@pytest.mark.parametrize(
    ("entry", "form"),
    [
        (":".join(["AB"] * 32), lambda text: text.count(":") == 31 and text.isupper()),
        (":".join(["ab"] * 16), lambda text: text.count(":") == 15 and text.islower()),
        ("ab" * 32, lambda text: ":" not in text and len(text) == 64),
        ("-".join(["AB"] * 20), lambda text: text.count("-") == 19),
    ],
)
def test_the_probe_s_fingerprints_look_like_the_owner_s(entry: str, form: Callable[[str], bool], staged: Stage) -> None:
    own = "smtpd_relay_restrictions = permit_tls_clientcerts, reject\nrelay_clientcerts = hash:/etc/postfix/clients\n"
    found = staged(own, postfix__clients=f"# who\n{entry} berlin\n")
    added = text(found, "/etc/mailproof/standin/clients").splitlines()
    assert form(added[0].split()[0].replace("listed", ""))
    assert "relay_clientcerts = hash:/etc/postfix/clients, texthash:" in text(found, MAIN)
    assert "/etc/postfix/clients" not in found.files


def test_a_database_becomes_a_table_that_knows_the_probe_alone(staged: Stage) -> None:
    own = {"virtual_mailbox_domains": "mysql:/etc/postfix/d.cf", "virtual_mailbox_maps": "proxy:mysql:/etc/m.cf",
           "virtual_alias_maps": "ldap:/etc/postfix/a.cf", "mydestination": "localhost"}  # fmt: skip
    found = staged("".join(f"{name} = {value}\n" for name, value in own.items()))
    main = text(found, MAIN)
    assert "mysql" not in main and "ldap" not in main
    assert text(found, "/etc/mailproof/standin/virtual_mailbox_domains") == "mailproof.test OK\n"
    assert "probe@mailproof.test" in text(found, "/etc/mailproof/standin/virtual_mailbox_maps")
    assert text(found, "/etc/mailproof/standin/virtual_alias_maps") == ""
    assert found.home.recipients[0] == "probe@mailproof.test"
    assert len(rows(found, "lookup table")) == 3


def test_a_policy_service_says_nothing_and_other_restrictions_stay(staged: Stage) -> None:
    policy = "check_policy_service inet:127.0.0.1:10023"
    words = f"reject_unknown_sender_domain, {policy}, reject_unlisted_recipient"
    found = staged(f"smtpd_recipient_restrictions = {words}\n")
    [line] = text(found, MAIN).splitlines()
    assert line.startswith("smtpd_recipient_restrictions = reject_unknown_sender_domain,")
    assert line.endswith("reject_unlisted_recipient") and "policy" not in line


@pytest.mark.parametrize(
    ("setting", "subject"),
    [
        ("smtpd_milters = inet:127.0.0.1:11332", "mail filter"),
        ("content_filter = smtp-amavis:[127.0.0.1]:10024", "mail filter"),
        ("maillog_file = /var/log/postfix.log", "log"),
        ("inet_interfaces = 203.0.113.5", "address"),
        ("mynetworks_style = subnet", "network"),
        ("smtpd_client_connection_rate_limit = 10", "limit"),
        ("relayhost = [smart.example.net]:587", "way out"),
        ("virtual_transport = lmtp:inet:10.0.0.7:24", "way out"),
        ("smtp_sasl_password_maps = hash:/etc/postfix/sasl", "lookup table"),
        ("smtpd_tls_dh1024_param_file = /etc/postfix/dh.pem", "DH parameters"),
    ],
)
def test_what_only_the_owner_has_is_a_row_with_its_line(setting: str, subject: str, staged: Stage) -> None:
    found = staged(f"# ours\n{setting}\n")
    assert "postfix/main.cf:2" in [row["place"] for row in rows(found, subject)]


def test_nothing_that_is_judged_is_touched_and_no_line_moves(staged: Stage) -> None:
    judged = ("smtpd_tls_protocols = TLSv1.2\nsmtpd_tls_exclude_ciphers = aNULL\nsmtpd_tls_security_level = may\n"
              "smtpd_relay_restrictions = permit_mynetworks, reject\nmynetworks = 0.0.0.0/0\n")  # fmt: skip
    found = staged(f"{judged}smtpd_milters = inet:127.0.0.1:1\n")
    assert text(found, MAIN).startswith(judged)


def test_users_of_dovecot_are_the_probe_alone_and_lines_stay_where_they_are(staged: Stage) -> None:
    own = "ssl = required\npassdb sql {\n  query = SELECT 1\n}\nlog_path = /var/log/d.log\n"
    found = staged(dovecot=own)
    now = text(found, DOVECOT).splitlines()
    assert now[0] == "ssl = required" and now[1:4] == ["#passdb sql {", "#  query = SELECT 1", "#}"]
    assert now[4] == "log_path = /var/log/d.log"
    assert [row["place"] for row in rows(found, "users")] == ["dovecot/dovecot.conf:2", ""]
    assert "s3cret" not in str([each.row for each in found.standins])


def test_whom_the_owner_s_tables_trust_a_stranger_pretends_to_be(staged: Stage) -> None:
    found = staged("smtpd_relay_restrictions = check_sender_access hash:/etc/postfix/ours, reject\n",
                   postfix__ours="example.net OK\nboss@example.com OK\n")  # fmt: skip
    assert {"someone@example.net", "boss@example.com"} <= set(found.home.senders.values())


def test_mail_for_others_never_leaves(staged: Stage) -> None:
    found = staged("relayhost = [smart.example.net]\n")
    assert "smtp/unix/command=pipe" in found.script
    assert "lab-destinations" in found.unchecked[Daemon.POSTFIX]


def test_a_path_is_never_a_command(staged: Stage) -> None:
    found = staged("virtual_alias_maps = hash:/etc/postfix/$(reboot);id\n")
    assert "'hash:/etc/postfix/$(reboot);id'" in found.script


def test_a_certificate_for_one_name_is_made_for_that_name(staged: Stage) -> None:
    found = staged("tls_server_sni_maps = hash:/etc/postfix/sni\n",
                   postfix__sni="# who\nmail.example.com /etc/ssl/com.key, /etc/ssl/com.pem\n")  # fmt: skip
    [row] = [row for row in rows(found, "certificate and key") if row["place"] == "postfix/sni:2"]
    assert "mail.example.com" in row["instead"]
    assert b"PRIVATE KEY" in found.files["/etc/ssl/com.key"][0] and b"CERTIFICATE" in found.files["/etc/ssl/com.pem"][0]
    assert "postmap -F hash:/etc/postfix/sni" in found.script


def test_each_of_several_files_with_a_key_of_its_own_has_a_certificate_of_its_own(staged: Stage) -> None:
    found = staged("smtpd_tls_chain_files = /etc/ssl/mx-ecdsa.pem, /etc/ssl/mx-rsa.pem\n")
    told = {row["instead"].rpartition(" ")[2] for row in rows(found, "certificate and key") if "chain" in row["named"]}
    assert told == {"ecdsa-p256", "rsa-2048"}
    assert found.files["/etc/ssl/mx-ecdsa.pem"] != found.files["/etc/ssl/mx-rsa.pem"]


def test_aliases_are_made_as_aliases_whoever_looks_them_up(staged: Stage) -> None:
    found = staged("alias_maps = hash:/etc/aliases\nvirtual_alias_maps = hash:/etc/aliases\n")
    assert "postalias hash:/etc/aliases" in found.script and "postmap hash:/etc/aliases" not in found.script


def test_who_logs_in_is_named_as_dovecot_will_name_him(staged: Stage) -> None:
    assert staged(dovecot="ssl = required\n").account == "probe@example.org"
    assert staged(dovecot="ssl = required\n", username_format="%{user | username | lower}").account == "probe"
