"""main.cf and master.cf as users write them: what stands on which line, and edits that move none."""

from __future__ import annotations

import pytest

from mailproof.origins.postfix import Assignment, assigned, assignments, overridden, rows

MAIN = """# main.cf
myhostname = mail.example.org

mynetworks = 127.0.0.0/8
# a comment between

   [::1]/128
  # an indented comment
\t10.0.0.0/8
# after it
biff=no
"""
MASTER = """# service type
smtp      inet  n       -       y       -       -       smtpd
submission inet n - y - - smtpd
  -o syslog_name=postfix/submission -o smtpd_tls_security_level=encrypt
# -o smtpd_sasl_auth_enable=no
  -o { smtpd_relay_restrictions = permit_sasl_authenticated,
# in between
       reject } -o smtpd_client_restrictions=permit,reject

maildrop  unix  -       n       n       -       -       pipe
  -o smtp_fallback=x flags=DRXhu user=vmail argv=/usr/bin/maildrop -o named=x -d ${recipient}
203.0.113.5:25 inet n - y - - smtpd -v -o
  smtpd_banner=hello
"""


def line_of(text: str, number: int) -> str:
    return text.split("\n")[number - 1]


def test_an_assignment_stands_from_its_name_to_its_last_line_with_text() -> None:
    assert assignments(MAIN) == (
        Assignment("myhostname", "mail.example.org", 2, 2),
        Assignment("mynetworks", "127.0.0.0/8 [::1]/128 10.0.0.0/8", 4, 9),
        Assignment("biff", "no", 11, 11),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  x = y\n", ()),
        ("nothing here\n", ()),
        ("two words = y\n", ()),
        ("x =\n", (Assignment("x", "", 1, 1),)),
        ("x =\n  y\n", (Assignment("x", "y", 1, 2),)),
        ("x\n  = y\n", (Assignment("x", "y", 1, 2),)),
        ("x = a # b = c", (Assignment("x", "a # b = c", 1, 1),)),
        ("x = y\r\nz = \x85\x0c w\r\n", (Assignment("x", "y", 1, 1), Assignment("z", "\x85\x0c w", 2, 2))),
        ("x = 1\nx = 2", (Assignment("x", "1", 1, 1), Assignment("x", "2", 2, 2))),
    ],
)
def test_what_is_an_assignment_of_main_cf(text: str, expected: tuple[Assignment, ...]) -> None:
    assert assignments(text) == expected


def test_a_value_is_set_where_it_stands_and_no_line_moves() -> None:
    changed = assigned(MAIN, {"mynetworks": "[::1]/128", "biff": "yes", "compatibility_level": "3.6"})
    before, after = MAIN.split("\n"), changed.split("\n")
    assert len(after) == len(before) + 1
    assert {number for number, (old, new) in enumerate(zip(before, after, strict=False), 1) if old != new} == {
        4, 7, 9, 11, 12
    }  # fmt: skip
    assert after[6] == "#   [::1]/128"
    assert {each.name: each.value for each in assignments(changed)} == {
        "myhostname": "mail.example.org",
        "mynetworks": "[::1]/128",
        "biff": "yes",
        "compatibility_level": "3.6",
    }


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("", {"a": "1"}, "a = 1\n"),
        ("x = y", {"a": "1", "b": ""}, "x = y\na = 1\nb = \n"),
        ("a = 0\nx = y\na=2", {"a": "1"}, "a = 1\nx = y\na = 1"),
        ("x = y", {}, "x = y"),
        ("x = y\n", {"a": "1,\n  2\n"}, "x = y\na = 1, 2\n"),
    ],
)
def test_main_cf_with_settings(text: str, settings: dict[str, str], expected: str) -> None:
    assert assigned(text, settings) == expected


def test_a_row_has_its_overrides_each_with_its_line() -> None:
    found = {row.entry: row for row in rows(MASTER)}
    assert [(entry, row.first, row.last) for entry, row in found.items()] == [
        ("smtp/inet", 2, 2),
        ("submission/inet", 3, 8),
        ("maildrop/unix", 10, 11),
        ("203.0.113.5:25/inet", 12, 13),
    ]
    assert [(each.name, each.value, each.line) for each in found["submission/inet"].overrides] == [
        ("syslog_name", "postfix/submission", 4),
        ("smtpd_tls_security_level", "encrypt", 4),
        ("smtpd_relay_restrictions", "permit_sasl_authenticated, reject", 6),
        ("smtpd_client_restrictions", "permit,reject", 8),
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("smtpd", []),
        ("smtpd -o a=b", [("a", "b")]),
        ("smtpd -oa=b -v -o c=d", [("a", "b"), ("c", "d")]),
        ("smtpd -t pass -o a=b", [("a", "b")]),
        ("smtpd -o {a=b}", [("a", "b")]),
        ("smtpd -o { a = b c } -o { d = { e } f }", [("a", "b c"), ("d", "{ e } f")]),
        ("smtpd -o a={ b c }", [("a", "{ b c }")]),
        ("smtpd -o a=b=c", [("a", "b=c")]),
        ("smtpd -o", []),
        ("smtpd -- -o a=b", []),
        ("pipe flags=R argv=/bin/x -o a=b", []),
        ("pipe -o a=b argv=/bin/x -o c=d", [("a", "b")]),
    ],
)
def test_what_is_an_override(arguments: str, expected: list[tuple[str, str]]) -> None:
    row = rows(f"smtp inet n - y - - {arguments}")[0]
    assert [(each.name, each.value) for each in row.overrides] == expected


@pytest.mark.parametrize(
    "text", ["", "# smtp inet n - y - - smtpd", "smtp inet n - y - -", "  smtp inet n - y - - smtpd"]
)
def test_what_is_no_row(text: str) -> None:
    assert rows(text) == ()


def test_an_override_is_replaced_on_its_line() -> None:
    settings = {"smtpd_tls_security_level": "may", "smtpd_relay_restrictions": "reject", "smtpd_banner": "a b"}
    changed = overridden(MASTER, "submission/inet", settings)
    assert line_of(changed, 4) == "  -o syslog_name=postfix/submission -o smtpd_tls_security_level=may"
    assert line_of(changed, 6) == "  -o smtpd_relay_restrictions=reject"
    assert line_of(changed, 7) == "# in between"
    assert line_of(changed, 8) == " -o smtpd_client_restrictions=permit,reject"
    assert line_of(changed, 9) == "  -o { smtpd_banner = a b }"
    row = rows(changed)[1]
    assert {each.name: each.value for each in row.overrides} == {
        "syslog_name": "postfix/submission",
        "smtpd_client_restrictions": "permit,reject",
        **settings,
    }


@pytest.mark.parametrize(
    ("row", "settings", "expected"),
    [
        ("smtpd", {"a": "b", "c": "d e"}, "smtpd\n  -o a=b\n  -o { c = d e }\n"),
        ("smtpd\n", {"a": ""}, "smtpd\n  -o a=\n"),
        ("smtpd\n\n# end\n", {"a": "b"}, "smtpd\n  -o a=b\n\n# end\n"),
        ("smtpd -o a=1 -o a=2\n", {"a": "3"}, "smtpd -o a=3 -o a=3\n"),
        ("smtpd -oa=1\n", {"a": "x y"}, "smtpd -o { a = x y }\n"),
        ("smtpd -o { a = 1 2 }\n", {"a": "3"}, "smtpd -o a=3\n"),
        ("smtpd -o\n  a=1\n", {"a": "2 3"}, "smtpd -o\n  { a = 2 3 }\n"),
        ("pipe flags=R argv=/x -o a=1\n", {"a": "b"}, "pipe -o a=b flags=R argv=/x -o a=1\n"),
        ("pipe -o a=1\n  flags=R argv=/x\n", {"a": "2", "b": "c"}, "pipe -o a=2\n  -o b=c flags=R argv=/x\n"),
    ],
)
def test_master_cf_with_overrides(row: str, settings: dict[str, str], expected: str) -> None:
    fields = "x unix - n n - - "
    changed = overridden(f"{fields}{row}", "x/unix", settings)
    assert changed == f"{fields}{expected}"
    assert settings.items() <= {each.name: each.value for each in rows(changed)[0].overrides}.items()


def test_a_row_that_is_not_there_is_no_place_for_an_override() -> None:
    with pytest.raises(KeyError, match="smtps/inet"):
        overridden(MASTER, "smtps/inet", {"a": "b"})
