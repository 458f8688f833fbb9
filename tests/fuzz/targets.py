"""What the fuzzer feeds: every pure function that reads a peer's bytes. Only a MailproofError may come out of one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Literal

from mailproof.errors import CannotOffer, GarbledReply, MailproofError
from mailproof.wire.mail.dialogue import Dialogue, within_bounds
from mailproof.wire.mail.imap import Imap
from mailproof.wire.mail.lmtp import Lmtp
from mailproof.wire.mail.pop3 import Pop3
from mailproof.wire.mail.reply import Reply
from mailproof.wire.mail.sieve import Sieve
from mailproof.wire.mail.smtp import Smtp
from mailproof.wire.tls.alerts import Alert
from mailproof.wire.tls.chosen import Chosen
from mailproof.wire.tls.clienthello import NONCE, ClientHello, client_hello
from mailproof.wire.tls.flight import Flight
from mailproof.wire.tls.groups import ALL_GROUPS
from mailproof.wire.tls.names import distinguished_name
from mailproof.wire.tls.registry import SUITES

Target = Callable[[bytes], None]
Outcome = Chosen | Alert | Literal["garbled"] | None

HELLOS = {
    "everything": ClientHello(
        ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3"), tuple(SUITES), ALL_GROUPS, shares=(29, 23), ticket=b""
    ),
    "tls13": ClientHello(("TLSv1.3",), (0x1301, 0x1302, 0x1303), (4588, 29, 23)),
    "tls12": ClientHello(("TLSv1.2",), (0x9C, 0x9E, 0xC02F, 0xA6, 0xC018), (29, 23), compressions=(1, 0)),
    "ssl3": ClientHello(("SSLv3",), (0x0005, 0x0014, 0xC013), extended_master_secret=False, encrypt_then_mac=False),
    "ssl2": ClientHello(("SSLv2",), (0x010080, 0x020080, 0x0700C0)),
}


class Wrong(Exception):
    """A result that is not what it must be."""


def _hello(data: bytes) -> None:
    """What can be read can be written, and read again."""
    hello = client_hello(data)
    with suppress(CannotOffer):
        again = client_hello(hello.encode(bytes(NONCE)))
        if again.suites != hello.suites:
            raise Wrong(f"{hello} became {again}")


def _flight(hello: ClientHello, resumable: bool, data: bytes) -> None:
    """However the bytes are split, the outcome is the same. The first byte says how."""
    step = data[0] if data else 0
    whole = _read(hello, resumable, [data[1:]])
    if step:
        cut = [data[at : at + step] for at in range(1, len(data), step)]
        if _read(hello, resumable, cut) != whole:
            raise Wrong(f"in pieces of {step} bytes it is another outcome than {whole}")
    if isinstance(whole, Chosen):
        _explicable(hello, whole)


def _explicable(hello: ClientHello, chosen: Chosen) -> None:
    """Nothing is chosen that was not offered, and what is chosen can be told."""
    if chosen.suite not in hello.suites or not hello.allows(chosen.version):
        raise Wrong(f"{chosen} was not offered")
    if not str(chosen).isprintable() or (chosen.forward_secret and chosen.version == "SSLv2"):
        raise Wrong(f"{chosen} cannot be told")


def _read(hello: ClientHello, resumable: bool, parts: list[bytes]) -> Outcome:
    reader = Flight(hello, resumable=resumable)
    try:
        for part in parts:
            if reader.outcome is None:
                reader.feed(part)
    except GarbledReply:
        return "garbled"
    return reader.outcome


def _name(data: bytes) -> None:
    if not distinguished_name(data).isprintable():
        raise Wrong("a name that is not printable")


def _dialogue(dialogue: Dialogue, commands: tuple[str, ...], data: bytes) -> None:
    """A greeting, then a reply to each command, as a session would read them."""
    cut = within_bounds(data, dialogue.greeting(data))
    for command in commands:
        if cut is None:
            return
        if not 0 < cut.size <= len(data):
            raise Wrong(f"a reply of {cut.size} bytes")
        _told(dialogue, cut.reply)
        data = data[cut.size :]
        cut = within_bounds(data, dialogue.reply(data, command))


def _told(dialogue: Dialogue, reply: Reply) -> None:
    if not str(reply).isprintable():
        raise Wrong("a reply that is not printable")
    with suppress(MailproofError):
        capabilities = dialogue.capabilities(reply)
        dialogue.offers_login(capabilities)
        dialogue.withholds_login(capabilities)
        dialogue.offers_starttls(capabilities)
    dialogue.turns_away(reply)


TARGETS: dict[str, Target] = {
    "hello": _hello,
    **{f"flight-{name}": partial(_flight, hello, name == "tls12") for name, hello in HELLOS.items()},
    "name": _name,
    "smtp": partial(_dialogue, Smtp(), ("EHLO probe.test", "STARTTLS", "")),
    "lmtp": partial(_dialogue, Lmtp(), ("LHLO probe.test", "STARTTLS", "")),
    "imap": partial(_dialogue, Imap(), ("a1 CAPABILITY", "a2 STARTTLS", "a3 LOGOUT")),
    "pop3": partial(_dialogue, Pop3(), ("CAPA", "STLS", "QUIT")),
    "sieve": partial(_dialogue, Sieve(), ("STARTTLS", "", "LOGOUT")),
}
"""Name -> a function that takes an input and raises nothing but MailproofError."""
