"""The dialogues are pure: whatever way the bytes come, the same replies come out, or GarbledReply."""

from __future__ import annotations

import pytest

from mailproof.errors import CannotOffer, GarbledReply
from mailproof.wire.mail.dialogue import MOST_BYTES, MOST_LINES, Dialogue, encode, redacted, within_bounds
from mailproof.wire.mail.imap import Imap
from mailproof.wire.mail.lmtp import Lmtp
from mailproof.wire.mail.pop3 import Pop3
from mailproof.wire.mail.reply import Reply
from mailproof.wire.mail.sieve import Sieve
from mailproof.wire.mail.smtp import Smtp, sasl_plain, stuffed
from mailproof.wire.tls.hostile import printable

WHOLE = [
    pytest.param(Smtp(), "", b"250 2.1.5 Ok\r\n", "250", True, id="smtp"),
    pytest.param(Smtp(), "", b"250-a\r\n250-b\r\n250 c\r\n", "250", True, id="smtp-lines"),
    pytest.param(Smtp(), "", b"354\r\n", "354", True, id="smtp-bare-code"),
    pytest.param(Smtp(), "", b"554 5.7.1 no\r\n", "554", False, id="smtp-no"),
    pytest.param(Imap(), "a1 NOOP", b"* OK still\r\na1 OK done\r\n", "OK", True, id="imap"),
    pytest.param(Imap(), "a1 X", b"* X {8}\r\na1 OK \r\n\r\na1 BAD no\r\n", "BAD", False, id="imap-literal"),
    pytest.param(Pop3(), "NOOP", b"+OK\r\n", "+OK", True, id="pop3"),
    pytest.param(Pop3(), "CAPA", b"+OK\r\nUSER\r\n..x\r\n.\r\n", "+OK", True, id="pop3-lines"),
    pytest.param(Pop3(), "CAPA", b"-ERR no\r\n", "-ERR", False, id="pop3-no"),
    pytest.param(Sieve(), "", b'"SIEVE" "x"\r\nOK "hi"\r\n', "OK", True, id="sieve"),
    pytest.param(Sieve(), "", b"NO {5}\r\na\r\nb \r\n", "NO", False, id="sieve-literal"),
]


@pytest.mark.parametrize(("dialogue", "command", "received", "code", "ok"), WHOLE)
def test_a_reply_is_cut_exactly_when_its_last_byte_is_there(
    dialogue: Dialogue, command: str, received: bytes, code: str, ok: bool
) -> None:
    for size in range(len(received)):
        assert dialogue.reply(received[:size], command) is None
    cut = dialogue.reply(received + b"more", command)
    assert cut is not None
    assert (cut.reply.code, cut.reply.ok, cut.size, cut.reply.raw) == (code, ok, len(received), received)


GARBLED = [
    pytest.param(Smtp(), "", b"hello\r\n", id="smtp-words"),
    pytest.param(Smtp(), "", b"250-a\r\n550 b\r\n", id="smtp-two-codes"),
    pytest.param(Smtp(), "", b"250 a\n", id="bare-lf"),
    pytest.param(Smtp(), "", b"250 a\rb\r\n", id="bare-cr"),
    pytest.param(Smtp(), "", b"250 a\0\r\n", id="nul"),
    pytest.param(Smtp(), "", b"100 a\r\n", id="smtp-1xx"),
    pytest.param(Smtp(), "", b"2500 a\r\n", id="smtp-four-digits"),
    pytest.param(Imap(), "a2 NOOP", b"a1 OK late\r\n", id="imap-wrong-tag"),
    pytest.param(Imap(), "a2 NOOP", b"+ go on\r\n", id="imap-continuation"),
    pytest.param(Pop3(), "", b"OK\r\n", id="pop3-without-plus"),
    pytest.param(Sieve(), "", b"SIEVE\r\n", id="sieve-unquoted"),
]


@pytest.mark.parametrize(("dialogue", "command", "received"), GARBLED)
def test_what_the_protocol_does_not_allow_is_garbled(dialogue: Dialogue, command: str, received: bytes) -> None:
    with pytest.raises(GarbledReply):
        dialogue.reply(received, command)


@pytest.mark.parametrize("greeting", [b"220 hi\r\n", b"OK hi\r\n", b"* NO hi\r\n"])
def test_imap_knows_its_greeting(greeting: bytes) -> None:
    with pytest.raises(GarbledReply):
        Imap().greeting(greeting)


def test_imap_bye_turns_away_unless_we_leave() -> None:
    cut = Imap().reply(b"* BYE full\r\n", "a1 CAPABILITY")
    assert cut is not None
    assert Imap().turns_away(cut.reply)
    leaving = Imap().reply(b"* BYE bye\r\na1 OK\r\n", "a1 LOGOUT")
    assert leaving is not None
    assert leaving.reply.ok


@pytest.mark.parametrize(
    ("dialogue", "reply"),
    [
        (Smtp(), Reply("421", ("4.3.2 later",), b"")),
        (Smtp(), Reply("450", ("4.3.2 Service currently unavailable",), b"")),
        (Pop3(), Reply("-ERR", ("[IN-USE] later",), b"")),
        (Sieve(), Reply("BYE", ("later",), b"")),
    ],
)
def test_not_now_is_recognised_in_every_protocol(dialogue: Dialogue, reply: Reply) -> None:
    assert dialogue.turns_away(reply)


@pytest.mark.parametrize("size", [MOST_LINES + 1, MOST_BYTES])
def test_a_reply_without_end_is_garbled(size: int) -> None:
    line = b"250-\r\n" if size <= MOST_LINES + 1 else b"x"
    with pytest.raises(GarbledReply):
        within_bounds(line * (size + 1), None)


def test_many_nested_literals_do_not_exhaust_the_stack() -> None:
    assert Sieve().reply(b"{0}\r\n" * 10_000, "") is None


CAPABILITIES = [
    pytest.param(Smtp(), b"250-mx\r\n250-AUTH PLAIN login\r\n250-AUTH=PLAIN\r\n250 STARTTLS\r\n",
                 {"AUTH", "AUTH=PLAIN", "AUTH=LOGIN", "STARTTLS"}, True, True, id="smtp"),
    pytest.param(Smtp(), b"250-AUTH PLAIN\r\n250 SIZE 10\r\n", {"SIZE"}, False, False, id="smtp-name-is-no-keyword"),
    pytest.param(Lmtp(), b"250-mx\r\n250 STARTTLS\r\n", {"STARTTLS"}, False, True, id="lmtp"),
    pytest.param(Imap(), b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na1 OK\r\n", {"IMAP4REV1", "AUTH=PLAIN"}, True, False,
                 id="imap"),
    pytest.param(Imap(), b"* CAPABILITY STARTTLS AUTH=PLAIN LOGINDISABLED\r\na1 OK\r\n",
                 {"STARTTLS", "AUTH=PLAIN", "LOGINDISABLED"}, False, True, id="imap-disabled"),
    pytest.param(Pop3(), b"+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n", {"STLS", "SASL", "SASL=PLAIN"}, True, True, id="pop3"),
    pytest.param(Pop3(), b"+OK\r\nSASL\r\nTOP\r\n.\r\n", {"SASL", "TOP"}, False, False, id="pop3-no-mechanism"),
    pytest.param(Pop3(), b"+OK\r\nUSER\r\n.\r\n", {"USER"}, True, False, id="pop3-user"),
    pytest.param(Sieve(), b'"SASL" ""\r\n"STARTTLS"\r\nOK\r\n', {"SASL", "STARTTLS"}, False, True, id="sieve-before"),
    pytest.param(Sieve(), b'"SASL" "PLAIN"\r\nOK\r\n', {"SASL", "SASL=PLAIN"}, True, False, id="sieve-after"),
]  # fmt: skip


@pytest.mark.parametrize(("dialogue", "received", "words", "login", "starttls"), CAPABILITIES)
def test_capabilities_are_words_and_answer_two_questions(
    dialogue: Dialogue, received: bytes, words: set[str], login: bool, starttls: bool
) -> None:
    command = dialogue.numbered((dialogue.asks_capabilities or "").format(helo="x"), 1)
    cut = dialogue.reply(received, command)
    assert cut is not None
    found = dialogue.capabilities(cut.reply)
    assert found == words
    assert (dialogue.offers_login(found), dialogue.offers_starttls(found)) == (login, starttls)


def test_imap_without_a_capability_line_is_garbled() -> None:
    with pytest.raises(GarbledReply):
        Imap().capabilities(Reply("OK", ("done",), b""))


@pytest.mark.parametrize(
    ("received", "enhanced"),
    [(b"554 5.7.1 no\r\n", "5.7.1"), (b"454 4.7.1\r\n", "4.7.1"), (b"554 no 5.7.1\r\n", ""), (b"454 5.7.1 x\r\n", "")],
)
def test_the_enhanced_status_stands_first_and_fits_the_code(received: bytes, enhanced: str) -> None:
    cut = Smtp().reply(received, "")
    assert cut is not None
    assert cut.reply.enhanced == enhanced


def test_what_a_server_says_is_harmless_to_show() -> None:
    cut = Smtp().reply(b"220 \x1b[2J\x07\xff \xe2\x80\xae evil\r\n", "")
    assert cut is not None
    assert cut.reply.text == r"\x1b[2J\x07\xff \u202e evil"
    assert printable("grün".encode()) == "grün"


@pytest.mark.parametrize("line", ["RCPT TO:<a>\r\nDATA", "NOOP\n", "NOOP\0"])
def test_one_command_is_one_line(line: str) -> None:
    with pytest.raises(CannotOffer):
        encode(line)


def test_logins_are_said_as_each_protocol_says_them() -> None:
    plain = "AGFubgBvcGVu"
    assert sasl_plain("ann", "open") == plain
    assert Smtp().login("ann", "open") == (f"AUTH PLAIN {plain}",)
    assert Imap().login('a"n', "o\\n") == (r'LOGIN "a\"n" "o\\n"',)
    assert Pop3().login("ann", "open") == ("USER ann", "PASS open")
    assert Sieve().login("ann", "open") == (f'AUTHENTICATE "PLAIN" "{plain}"',)


@pytest.mark.parametrize("line", ["AUTH PLAIN c2VjcmV0", "a1 LOGIN ann c2VjcmV0", "PASS c2VjcmV0"])
def test_a_login_is_not_shown(line: str) -> None:
    assert "c2VjcmV0" not in redacted(line)


def test_a_message_is_stuffed_and_ended() -> None:
    assert stuffed(b"a\n.b\r\n..\rc") == b"a\r\n..b\r\n...\r\nc\r\n.\r\n"
