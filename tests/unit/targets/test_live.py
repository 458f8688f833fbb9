"""Live hosts: how they are named, where we stand to them, and what is then not asked."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from mailproof.errors import Unusable
from mailproof.livegaps import live_gaps
from mailproof.settings import Readings, parse_readings
from mailproof.targets.hosts import hosts_of, load_certificate
from mailproof.targets.live import homes, pause
from mailproof.targets.standing import Standing, listening, standing

ROOT = Path(__file__).parents[3]
SEEN = "Nov 23 12:00:00 mx1 postfix/smtpd[7]: connect from probe.example[192.0.2.9]"
STRANGER = Standing("192.0.2.9")


@pytest.fixture(scope="module")
def readings() -> Readings:
    return parse_readings((ROOT / "fixtures/recorded/debian-13.txt").read_text(encoding="utf-8"))


def given(readings: Readings, **values: str) -> Readings:
    return replace(readings, postfix=replace(readings.postfix, values={**readings.postfix.values, **values}))


def told(**changes: Any) -> dict[str, Any]:
    return {"silent": {}, "banned": False, "log": "/var/log/mail.log", "standing": asdict(STRANGER), **changes}


def test_hosts_have_the_addresses_that_are_given_to_them() -> None:
    one, two = hosts_of(["ssh://mx1", "mx2"], ["mx1=192.0.2.1", "2001:db8::2"], {"sudo": True})
    assert (one.uri, one.address, one.options) == ("ssh://mx1", "192.0.2.1", {"sudo": True})
    assert (two.uri, two.address) == ("ssh://mx2", "2001:db8::2")


@pytest.mark.parametrize(
    ("uris", "addresses", "said"),
    [(["ftp://mx1"], [], "choose from ssh"), (["mx1"], ["mx2=192.0.2.1"], "no such host")],
)
def test_a_host_that_cannot_be_meant_is_refused(uris: list[str], addresses: list[str], said: str) -> None:
    with pytest.raises(Unusable, match=said):
        hosts_of(uris, addresses, {})


@pytest.mark.parametrize(
    ("networks", "addresses", "own", "trusted"),
    [("127.0.0.0/8", "192.0.2.1", False, ""), ("192.0.2.0/24", "192.0.2.1", False, "192.0.2.0/24"),
     ("127.0.0.0/8", "|-- 192.0.2.9", True, ""), ("hash:/etc/postfix/nets", "192.0.2.99", False, "")],
)  # fmt: skip
def test_where_we_stand_is_what_the_log_and_the_settings_say(
    networks: str, addresses: str, own: bool, trusted: str, readings: Readings
) -> None:
    found = standing(["noise", SEEN], addresses, given(readings, mynetworks=networks))
    assert found == Standing("192.0.2.9", own, trusted)


def test_a_log_without_us_says_nothing_of_where_we_stand(readings: Readings) -> None:
    assert standing(["noise"], "192.0.2.1", readings) == Standing("")


def test_listeners_are_found_on_both_protocols() -> None:
    tables = ("  sl  local_address rem_address   st\n   0: 00000000:0019 0:0 0A 0\n   1: 0100007F:1F90 0:0 01 0\n"
              "   0: 00000000000000000000000000000000:03E1 0:0 0A 0\n")  # fmt: skip
    assert listening(tables) == {25, 993}


@pytest.mark.parametrize(("limit", "least"), [("0", 0.05), ("30", 2.2), ("6000", 0.05)])
def test_connections_are_no_faster_than_the_host_allows(limit: str, least: float, readings: Readings) -> None:
    paced = pause(given(readings, smtpd_client_connection_rate_limit=limit, anvil_rate_time_unit="60s"))
    assert paced == pytest.approx(least)


def test_the_postmaster_of_every_domain_may_be_at_home(readings: Readings) -> None:
    found = homes(
        given(readings, mydestination="localhost, example.org, hash:/etc/x", mydomain="example.net"), ["example.com"]
    )
    assert found[0] == "postmaster@example.org"
    assert {"postmaster@example.net", "postmaster@example.com", "postmaster"} <= set(found)


def test_nothing_that_sends_or_logs_in_is_asked() -> None:
    gaps = live_gaps(ROOT / "tests", told(), certificate=False)
    assert "past RCPT" in gaps["LOG-8"] and "past RCPT" in gaps["SEND-1"]
    assert "logs in" in gaps["AUTH-4"] and "logs in" in gaps["LOG-5"] and "login" in gaps["OPEN-1 submission"]
    assert not {"PFS-3", "CFG-1", "OPEN-1", "LOG-1"} & gaps.keys()


@pytest.mark.parametrize(
    ("stood", "said"),
    [(Standing(""), "nobody can say"), (Standing("192.0.2.1", own=True), "own address"),
     (Standing("10.0.0.9", trusted="10.0.0.0/8"), "trusts")],
)  # fmt: skip
def test_who_is_trusted_cannot_judge_relaying(stood: Standing, said: str) -> None:
    gaps = live_gaps(ROOT / "tests", told(standing=asdict(stood)), certificate=False)
    assert said in gaps["OPEN-1"] and said in gaps["OPEN-2"]


def test_the_host_itself_cannot_judge_what_is_offered_before_tls() -> None:
    gaps = live_gaps(ROOT / "tests", told(standing=asdict(Standing("192.0.2.1", own=True))), certificate=False)
    assert "takes us for itself" in gaps["STLS-5"]


def test_a_certificate_of_the_caller_opens_what_it_may_do_and_no_more() -> None:
    gaps = live_gaps(ROOT / "tests", told(), certificate=True)
    assert "REL-8" not in gaps and "REL-8-renewed-tls-1.3" in gaps and "REL-4" in gaps
    assert "REL-8" in live_gaps(ROOT / "tests", told(), certificate=False)


def test_a_ban_is_told_from_a_dead_service() -> None:
    gaps = live_gaps(ROOT / "tests", told(silent={"smtp:25": "timeout"}, banned=True), certificate=False)
    assert "a ban or a firewall" in gaps["smtp:25"]
    assert (
        "does not answer" in live_gaps(ROOT / "tests", told(silent={"smtp:25": "reset"}), certificate=False)["smtp:25"]
    )


def test_without_a_log_no_log_is_judged() -> None:
    assert "no mail log" in live_gaps(ROOT / "tests", told(log=None), certificate=False)["LOG-1"]


@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"])
def test_a_certificate_without_its_key_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "client.pem"
    path.write_text(content)
    with pytest.raises(Unusable, match="a certificate and its key"):
        load_certificate(str(path))
