"""The few things that the nouns know of themselves."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from mailproof.model import Daemon, Level, Mutation, Role, Service


@pytest.mark.parametrize("level", list(Level))
def test_a_level_binds_or_advises_or_informs(level: Level) -> None:
    assert [level.binding, level.advised, level is Level.INFORMATIVE].count(True) == 1
    assert level.binding == level.value.startswith("MUST")
    assert level.advised == level.value.startswith("SHOULD")


def test_a_service_is_called_by_name_and_port_where_it_has_one() -> None:
    assert str(Service("smtp", 25, Role.MX, Daemon.POSTFIX)) == "smtp:25"
    assert str(Service("lmtp", None, Role.LOCAL, Daemon.DOVECOT)) == "lmtp"


@pytest.mark.parametrize(
    ("mutation", "touched"),
    [
        (Mutation("nothing"), set()),
        (Mutation("main.cf", postfix={"smtpd_use_tls": "no"}), {Daemon.POSTFIX}),
        (Mutation("main.cf, removed", postfix={"smtpd_use_tls": None}), {Daemon.POSTFIX}),
        (Mutation("master.cf", services={"smtp:25": {"smtpd_use_tls": "no"}}), {Daemon.POSTFIX}),
        (Mutation("entry", removed=("tlsmgr/unix",)), {Daemon.POSTFIX}),
        (Mutation("text", pasted="a typo"), {Daemon.POSTFIX}),
        (Mutation("dovecot", dovecot={"ssl": "no"}), {Daemon.DOVECOT}),
        (Mutation("both", postfix={"smtpd_use_tls": "no"}, dovecot={"ssl": "no"}), set(Daemon)),
        (Mutation("certificate", pki={"rsa": "expired"}), set(Daemon)),
        (Mutation("library", openssl={Daemon.DOVECOT: {"MaxProtocol": "TLSv1.2"}}), {Daemon.DOVECOT}),
        (Mutation("socket", absent=("/run/socket",)), set(Daemon)),
        (Mutation("table", tables={"relay_clientcerts": "md5"}), {Daemon.POSTFIX}),
        (Mutation("log", lost={Daemon.DOVECOT: "Login"}), {Daemon.DOVECOT}),
        (Mutation("down", down=(Daemon.POSTFIX,)), {Daemon.POSTFIX}),
        (Mutation("required", parameters={"versions": {}}), set(Daemon)),
        (Mutation("boxed", middlebox="careless"), set(Daemon)),
    ],
    ids=lambda value: value.name if isinstance(value, Mutation) else None,
)
def test_a_mutation_names_the_daemons_that_it_concerns(mutation: Mutation, touched: set[Daemon]) -> None:
    assert mutation.concerns == touched


@pytest.mark.parametrize(
    ("mutation", "started"),
    [
        (Mutation("required", parameters={"versions": {}}), set()),
        (Mutation("boxed", middlebox="careless"), set()),
        (Mutation("log", lost={Daemon.DOVECOT: "Login"}), set(Daemon)),
        (Mutation("main.cf", postfix={"smtpd_use_tls": "no"}), {Daemon.POSTFIX}),
    ],
    ids=lambda value: value.name if isinstance(value, Mutation) else None,
)
def test_no_daemon_starts_anew_for_what_it_does_not_read(mutation: Mutation, started: set[Daemon]) -> None:
    assert mutation.restarts == started


def test_mutations_that_put_on_the_same_are_worn_as_one() -> None:
    one = Mutation("one", dovecot={"ssl": "no"}, variants=("tls-1.2",), parameters={"least": 1})
    assert one.worn == Mutation("another", dovecot={"ssl": "no"}).worn
    assert one.worn != Mutation("one", dovecot={"ssl": "yes"}).worn


def test_nouns_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Service("smtp", 25, Role.MX, Daemon.POSTFIX).port = 26  # type: ignore[misc]
