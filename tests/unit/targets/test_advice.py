"""What a question showed, from outputs of our own making; the trials themselves are shown by a run."""

from __future__ import annotations

import pytest

from mailproof.effects import Effect
from mailproof.model import Daemon, Step
from mailproof.targets.advice import answered, names_file_of

ASKED = Step("de-s-client", Daemon.POSTFIX, run="openssl s_client", shows=r"Cipher +: (?:(E?C?DHE-\S+)|\S+)")


@pytest.mark.parametrize(
    ("status", "said", "effect", "seen"),
    [
        (0, "    Cipher    : ECDHE-RSA-AES256-GCM-SHA384\n", Effect.WORKS, "Cipher    : ECDHE-RSA-AES256-GCM-SHA384"),
        (0, "    Cipher    : TLS_AES_256_GCM_SHA384\n", Effect.NOTHING, "Cipher    : TLS_AES_256_GCM_SHA384"),
        (0, "one\ntwo\nthree\nfour\n", Effect.NOTHING, "one | two | three"),
        (1, "    Cipher    : ECDHE-RSA-AES256-GCM-SHA384\n", Effect.REFUSED, "Cipher    : ECDHE-RSA-AES256-GCM-SHA384"),
    ],
)
def test_a_question_works_where_it_shows_what_its_author_reads_there(
    status: int, said: str, effect: Effect, seen: str
) -> None:
    found = answered(ASKED, status, said)
    assert found.effects == (effect,)
    assert found.seen[-1] == f"it shows: {seen}"


def test_a_command_may_show_by_its_silence() -> None:
    silent = Step("de-reload", Daemon.POSTFIX, run="postfix reload", shows=r"\A\Z")
    assert answered(silent, 0, "").effects == (Effect.WORKS,)
    assert answered(silent, 1, "").effects == (Effect.REFUSED,)
    assert answered(silent, 0, "oh").effects == (Effect.NOTHING,)


def test_a_complaint_about_a_table_is_that_of_every_step_that_names_it() -> None:
    table = Step(
        "fr-table", Daemon.POSTFIX, file="/etc/postfix/main.cf", text="relay_clientcerts = hash:/etc/postfix/rc"
    )
    assert names_file_of(table, "warning: /etc/postfix/rc: hash/btree support is deprecated.")
    assert not names_file_of(table, "warning: /etc/postfix/other: hash/btree support is deprecated.")
    assert not names_file_of(
        table, "warning: /etc/postfix/main.cf, line 3: overriding earlier entry: relay_clientcerts="
    )
    assert not names_file_of(table, "warning: unknown smtpd restriction")
