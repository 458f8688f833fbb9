"""Dovecot's files as users write them: what stands where, which assignment rules, and edits that move no line."""

from __future__ import annotations

import pytest

from mailproof.origins.dovecot import Block, assigned, blocks, deciding, origins, silenced

MAIN = "/etc/dovecot/dovecot.conf"
FILES = {
    MAIN: """# dovecot.conf
ssl = no
!include conf.d/*.conf
!include_try /etc/dovecot/local.conf
!include_try absent.conf
listen = *
""",
    "/etc/dovecot/conf.d/20-imap.conf": """protocol imap {
  mail_plugins = $mail_plugins imap_quota
  passdb sql {
    driver = sql
  }
}
""",
    "/etc/dovecot/conf.d/10-ssl.conf": """ssl = required # always
ssl_server {
  cert_file = /etc/ssl/mail.pem
}
service imap-login {
  inet_listener imap { port = 143 }
  inet_listener imaps {
    port = 993
  }
}
passdb {
  driver = pam
}
userdb x { driver = passwd }
""",
    "/etc/dovecot/conf.d/.hidden.conf": "ssl = hidden\n",
    "/etc/dovecot/conf.d/sub/x.conf": "ssl = deeper\n",
    "/etc/dovecot/local.conf": "ssl_server_cert_file = /etc/ssl/two.pem\n!include dovecot.conf\n!include local.conf\n",
    "/etc/dovecot/unused.conf": "passdb {\n}\nssl = unused\n",
}


def parsed(text: str) -> list[tuple[int, str, str, str]]:
    return [(each.line, each.scope, each.name, each.value) for each in origins({MAIN: text}, MAIN)]


def test_assignments_come_in_the_order_in_which_they_are_read() -> None:
    found = [
        (each.file.removeprefix("/etc/dovecot/"), each.line, each.name, each.value) for each in origins(FILES, MAIN)
    ]
    assert found == [
        ("dovecot.conf", 2, "ssl", "no"),
        ("conf.d/10-ssl.conf", 1, "ssl", "required"),
        ("conf.d/10-ssl.conf", 3, "ssl_server_cert_file", "/etc/ssl/mail.pem"),
        ("conf.d/10-ssl.conf", 6, "service/imap-login/inet_listener/imap/port", "143"),
        ("conf.d/10-ssl.conf", 8, "service/imap-login/inet_listener/imaps/port", "993"),
        ("conf.d/10-ssl.conf", 12, "passdb_driver", "pam"),
        ("conf.d/10-ssl.conf", 14, "userdb/x/driver", "passwd"),
        ("conf.d/20-imap.conf", 2, "mail_plugins", "$mail_plugins imap_quota"),
        ("conf.d/20-imap.conf", 4, "passdb/sql/driver", "sql"),
        ("local.conf", 1, "ssl_server_cert_file", "/etc/ssl/two.pem"),
        ("dovecot.conf", 6, "listen", "*"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b", [(1, "", "a", "b")]),
        ("a =", [(1, "", "a", "")]),
        ('a = " b # \\" c "  # d', [(1, "", "a", ' b # " c ')]),
        ("a = 'b # c' # d", [(1, "", "a", "b # c")]),
        ("  # a = b\n\na = b #c", [(3, "", "a", "b")]),
        ("a = b \\\n  c \\\n  d\ne = f", [(1, "", "a", "b c d"), (4, "", "e", "f")]),
        ("a = b#c", [(1, "", "a", "b")]),
        ('a = "b \\\n  c"', [(1, "", "a", "b c")]),
        ("a = < /etc/x", [(1, "", "a", "</etc/x")]),
        ("protocols { imap = yes }", [(1, "", "protocols_imap", "yes")]),
        ("protocols {\n imap = yes\n}", [(2, "", "protocols_imap", "yes")]),
        ("a {\n b = 1 }\nc = 2", [(2, "", "a_b", "1"), (3, "", "c", "2")]),
        ("a { b c { d = 1 } }\nc = 2", [(1, "", "a_b/c/d", "1"), (2, "", "c", "2")]),
        ("a {\n b = %{user}\n c = %{x | lower }\n}\nd = 1",
         [(2, "", "a_b", "%{user}"), (3, "", "a_c", "%{x | lower }"), (5, "", "d", "1")]),
        ('a { b = "}" }\nc = 1', [(1, "", "a_b", "}"), (2, "", "c", "1")]),
        ("a = }", [(1, "", "a", "}")]),
        ("}\na = 1", [(2, "", "a", "1")]),
        ("a {\n}\nb = 1", [(3, "", "b", "1")]),
        ("a {}\nb = 1", [(2, "", "b", "1")]),
        ("no setting\nb = 1", [(2, "", "b", "1")]),
        ("ssl_server {\n ssl_server_cert_file = x\n}", [(2, "", "ssl_server_cert_file", "x")]),
        ('namespace inbox {\n mailbox "Sent Mail" {\n auto = no\n}\nmailbox "Drafts" {\n auto = no\n}\n}',
         [(3, "", 'namespace/inbox/mailbox/"Sent Mail"/auto', "no"),
          (6, "", "namespace/inbox/mailbox/Drafts/auto", "no")]),
        ("local_name  mail.example.org {\n protocol imap {\n ssl_server {\n cert_file = x\n}\n}\n}",
         [(4, "local_name mail.example.org protocol imap", "ssl_server_cert_file", "x")]),
        ("service auth {\n unix_listener auth {\n mode = 0600\n }\n}",
         [(3, "", "service/auth/unix_listener/auth/mode", "0600")]),
    ],
)  # fmt: skip
def test_what_is_an_assignment(text: str, expected: list[tuple[int, str, str, str]]) -> None:
    assert parsed(text) == expected


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("!include a.conf", ["a"]),
        ("!include /etc/dovecot/a.conf # x", ["a"]),
        ("!include ./sub/../?.conf", ["a", "b"]),
        ("!include {b,a}.conf", ["b", "a"]),
        ("!include a.conf\n!include a.conf", ["a", "a"]),
        ("!include_try c.conf", []),
        ("!include sub/*.conf", ["sub"]),
        ("!include dovecot.conf", []),
    ],
)
def test_includes_are_read_at_their_place(include: str, expected: list[str]) -> None:
    others = {f"/etc/dovecot/{each}.conf": f"name = {each}" for each in ("b", "a")}
    inner = {"/etc/dovecot/sub/x.conf": "!include y\n!include ../dovecot.conf", "/etc/dovecot/sub/y": "name = sub"}
    found = origins({MAIN: include, **others, **inner}, MAIN)
    assert [each.value for each in found] == expected


def test_an_include_within_a_block_belongs_to_it_and_closes_nothing_outside() -> None:
    files = {MAIN: "protocol imap {\n!include x\nssl = no\n}\n", "/etc/dovecot/x": "}\nssl = yes\nservice y {\n"}
    assert [(each.file, each.line, each.scope, each.name) for each in origins(files, MAIN)] == [
        ("/etc/dovecot/x", 2, "protocol imap", "ssl"),
        (MAIN, 3, "protocol imap", "ssl"),
    ]


def test_a_file_that_is_not_there_says_nothing() -> None:
    assert origins({}, MAIN) == ()


@pytest.mark.parametrize(
    ("text", "protocol", "line"),
    [
        ("ssl = a\nssl = b\n", "imap", 2),
        ("protocol imap {\nssl = a\n}\nssl = b\n", "imap", 2),
        ("protocol imap {\nssl = a\n}\nssl = b\n", "pop3", 4),
        ("protocol imap {\nssl = a\nssl = b\n}\nssl = c\n", "imap", 3),
        ("local 127.0.0.1 {\nssl = a\n}\n", "imap", None),
        ("protocol imap {\nssl = a\n}\n", "", None),
    ],
)
def test_the_last_in_the_protocols_section_rules_else_the_last_outside(
    text: str, protocol: str, line: int | None
) -> None:
    found = deciding(origins({MAIN: text}, MAIN), protocol, "ssl")
    assert (found.line if found else None) == line


def test_a_setting_is_the_same_in_a_block_and_under_its_flat_name() -> None:
    found = deciding(origins(FILES, MAIN), "imap", "ssl_server_cert_file")
    assert found is not None
    assert (found.file, found.line) == ("/etc/dovecot/local.conf", 1)


def test_blocks_are_found_where_they_stand_in_files_that_are_read() -> None:
    assert blocks(FILES, MAIN, ("passdb", "userdb")) == (
        Block("/etc/dovecot/conf.d/10-ssl.conf", 11, 13, "passdb", "passdb {\n  driver = pam\n}"),
        Block("/etc/dovecot/conf.d/10-ssl.conf", 14, 14, "userdb x", "userdb x { driver = passwd }"),
        Block("/etc/dovecot/conf.d/20-imap.conf", 3, 5, "passdb sql", "  passdb sql {\n    driver = sql\n  }"),
    )


@pytest.mark.parametrize("text", ["service auth {\n passdb {\n }\n}", "passdb {\n", "# passdb { }", "passdbs {\n}"])
def test_what_is_no_block_of_that_kind(text: str) -> None:
    assert blocks({MAIN: text}, MAIN, ["passdb"]) == ()


def test_silenced_blocks_are_comments_and_no_line_moves() -> None:
    changed = silenced(FILES, blocks(FILES, MAIN, ("passdb", "userdb")))
    assert blocks(changed, MAIN, ("passdb", "userdb")) == ()
    assert changed.keys() == FILES.keys()
    assert {file: text.count("\n") for file, text in changed.items()} == {
        file: text.count("\n") for file, text in FILES.items()
    }
    rest = [each for each in origins(FILES, MAIN) if "db" not in each.name]
    assert list(origins(changed, MAIN)) == rest


def test_a_line_that_blocks_share_becomes_one_comment() -> None:
    files = {MAIN: "protocol imap { passdb { a = b } }\nssl = no\n"}
    found = blocks(files, MAIN, ["passdb"])
    assert [each.heading for each in found] == ["passdb"]
    assert silenced(files, [*found, *found]) == {MAIN: "#protocol imap { passdb { a = b } }\nssl = no\n"}


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("", {"ssl": "no"}, "ssl = no\n"),
        ("a = b", {"ssl": "no"}, "a = b\nssl = no\n"),
        ("ssl = yes # x\nssl=no", {"ssl": "required"}, "ssl = required\nssl = required"),
        ("a = b \\\n  c\nd = e\n", {"a": "f"}, "a = f\n#  c\nd = e\n"),
        ("protocol imap {\n  ssl = yes\n}\n", {"ssl": "no"}, "protocol imap {\n  ssl = yes\n}\nssl = no\n"),
        ("x { ssl = yes }\nssl = yes\n", {"ssl": "no"}, "x { ssl = yes }\nssl = no\n"),
        ("", {"a": "b # c"}, 'a = "b # c"\n'),
        ("", {"a": '"b # c"'}, 'a = "b # c"\n'),
        ("", {"a": "</etc/x"}, "a = </etc/x\n"),
        ("a = b", {}, "a = b"),
    ],
)
def test_a_file_with_settings(text: str, settings: dict[str, str], expected: str) -> None:
    changed = assigned(text, settings)
    assert changed == expected
    again = {name: value for _, scope, name, value in parsed(changed) if not scope}
    assert {name: again[name] for name in settings} == {name: value.strip('"') for name, value in settings.items()}
