"""Does a specimen use what it wears? Any difference at all means that it is not what a control would take it for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mailproof.errors import DidNotTake
from mailproof.model import Role, Service
from mailproof.settings import DovecotView, PostfixView, Readings
from mailproof.targets.dress import Dress
from mailproof.targets.readback import check, check_services, differences

MASTER = {"smtp/inet": "smtp inet n - y - - smtpd", "submission/inet": "submission inet n - y - - smtpd"}
DEFAULTS = {"smtpd_tls_wrappermode": "no", "smtpd_tls_security_level": "may", "smtpd_tls_req_ccert": "no",
            "smtpd_sasl_auth_enable": "no", "smtpd_tls_loglevel": "1"}  # fmt: skip


def readings(
    overrides: dict[str, dict[str, str]] | None = None, dovecot: dict[str, str] | None = None, **main: Any
) -> Readings:
    at_services = {"submission/inet": {"smtpd_tls_security_level": "encrypt"}, **(overrides or {})}
    postfix = PostfixView("3.10.13", "OpenSSL 3.5.7", {**DEFAULTS, **main}, at_services, MASTER, frozenset())
    values = {"protocols": "imap lmtp", "ssl": "required", "service/imap-login/protocol": "imap",
              "service/imap-login/inet_listener/imap/port": "143",
              "service/lmtp/unix_listener/lmtp/mode": "0600", **(dovecot or {})}  # fmt: skip
    return Readings(postfix, DovecotView("2.4.1", "OpenSSL 3.5.7", values, {}, {}, frozenset({"ssl_dh"})), {}, "13")


def test_what_is_worn_and_used_is_right() -> None:
    worn = Dress({"smtpd_tls_loglevel": "1"}, {"ssl": "required"}, overrides={
        "submission/inet": {"smtpd_tls_security_level": "encrypt"}})  # fmt: skip
    check(worn, readings())


def test_white_space_is_no_difference() -> None:
    check(Dress({"mynetworks": "127.0.0.0/8\n  [::1]/128"}, {}), readings(mynetworks="127.0.0.0/8 [::1]/128"))


@pytest.mark.parametrize(
    ("worn", "where"),
    [
        (Dress({"smtpd_tls_loglevel": "2"}, {}), "main.cf: smtpd_tls_loglevel was set to «2», but the daemon uses «1»"),
        (Dress({"smtpd_tls_levle": "2"}, {}), "main.cf: smtpd_tls_levle was set to «2», but the daemon uses nothing"),
        (Dress({}, {"ssl": "yes"}), "local.conf: ssl was set to «yes», but the daemon uses «required»"),
        (Dress({}, {"sls": "yes"}), "local.conf: sls was set to «yes», but the daemon uses nothing"),
        (Dress({}, {}, overrides={"submission/inet": {"smtpd_tls_security_level": "may"}}),
         "submission/inet: smtpd_tls_security_level was set to «may», but the daemon uses «encrypt»"),
        (Dress({}, {}, overrides={"2525/inet": {"smtpd_tls_loglevel": "1"}}),
         "2525/inet: smtpd_tls_loglevel was set to «1», but the daemon uses nothing: master.cf has no entry 2525/inet"),
    ],
)  # fmt: skip
def test_any_difference_is_named(worn: Dress, where: str) -> None:
    with pytest.raises(DidNotTake, match=f"^{where}"):
        check(worn, readings())


def test_letters_are_compared_as_they_are() -> None:
    assert list(differences(Dress({"smtpd_sasl_auth_enable": "No"}, {}), readings())) != []


def test_what_a_release_withholds_is_left_to_the_handshake() -> None:
    assert list(differences(Dress({}, {"ssl_dh": "</etc/dovecot/dh.pem"}), readings())) == []


def test_the_services_are_those_of_the_profile(services: dict[str, Service]) -> None:
    check_services((services["smtp"], services["submission"], services["imap"], services["lmtp"]), readings())


def test_a_service_that_is_not_declared_is_named(services: dict[str, Service]) -> None:
    with pytest.raises(
        DidNotTake, match="the service submissions:465 is worn but not declared; there are postfix, smtp:25"
    ):
        check_services((services["submissions"],), readings())
    with pytest.raises(DidNotTake, match="imap:143 is worn but not declared"):
        check_services((services["imap"],), readings(dovecot={"protocols": "lmtp"}))


def test_a_service_in_another_role_is_not_the_profile_s(services: dict[str, Service]) -> None:
    relay = replace(services["submission"], role=Role.RELAY)
    with pytest.raises(DidNotTake, match=r"submission:587 should be .*RELAY.*, but its settings make it .*SUBMISSION"):
        check_services((relay,), readings())


def test_a_service_that_lost_its_tls_is_not_the_profile_s(services: dict[str, Service]) -> None:
    submission = {"submission/inet": {"smtpd_tls_security_level": "encrypt", "smtpd_tls_wrappermode": "yes"}}
    with pytest.raises(DidNotTake, match="submission:587"):
        check_services((services["submission"],), readings(overrides=submission))
