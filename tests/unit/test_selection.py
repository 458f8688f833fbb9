"""What the caller chose: every name checked before anything starts, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest

from mailproof.catalogue import ROOMS, askers, catalogue
from mailproof.errors import DidNotStart, Unusable
from mailproof.model import Role, Service
from mailproof.profile import ControlFacts
from mailproof.selection import STOCK_PORTS, Options, Selection, select
from mailproof.subjects import WAY_OUT
from mailproof.targets.people import People, gather
from mailproof.targets.specimen import Specimen

ROOT = Path(__file__).parents[2]
NOBODY = People(b"", {}, {}, {}, "")
Choose = Callable[..., Selection]


@pytest.fixture(scope="module")
def chosen() -> Selection:
    """The default choice."""
    return select(ROOT, Options(), ROOT, NOBODY, "secret")


@pytest.fixture
def choose(tmp_path: Path) -> Choose:
    """Choose as a caller who stands in ``tmp_path``."""
    return lambda **options: select(ROOT, Options(**options), tmp_path, NOBODY, "secret")


def test_the_default_is_the_stable_release_under_both_profiles(chosen: Selection) -> None:
    assert list(chosen.keys) == ["debian-13/pfs", "debian-13/relay"]
    assert chosen.password == "secret"


def test_every_target_wears_every_profile(choose: Choose) -> None:
    keys = choose(targets=("all",), profiles=("relay", "pfs")).keys
    assert len(keys) == 8
    assert list(keys)[:2] == ["debian-11/relay", "debian-11/pfs"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"targets": ("debain-13",)}, "--target debain-13: there is no such target: did you mean debian-13?"),
        ({"profiles": ("pffs",)}, "there is no profile pffs in .* (did you mean pfs?)"),
        ({"profiles": ("./mine.toml",)}, "mine.toml: the profile cannot be read: No such file or directory"),
        ({"mail_configs": ("/nowhere",)}, "--mail-config /nowhere: "),
        ({"mail_configs": ("stock",), "prove": True}, "--prove breaks what it judges"),
    ],
)
def test_a_choice_that_cannot_be_used_says_why(choose: Choose, options: dict[str, object], message: str) -> None:
    before, _, after = message.partition(".*")
    with pytest.raises(Unusable) as refused:
        choose(**options)
    assert before in str(refused.value)
    assert after in str(refused.value)


OWN = """
name = "own"
title = "One's own"
edition = 2026-11-22
source = "RFC 9325"
extends = "baseline"
"""


@pytest.mark.parametrize(
    ("line", "key", "name", "meant"),
    [
        ('[settings.postfix]\nsmtpd_tls_security_levle = "may"', "[settings.postfix]", "smtpd_tls_security_levle",
         "smtpd_tls_security_level"),
        ('[settings.dovecot]\nssl_min_protcol = "x"', "[settings.dovecot]", "ssl_min_protcol", "ssl_min_protocol"),
        ('[requires]\nPFS-33 = { mx = "MUST" }', "[requires]", "PFS-33", "PFS-3"),
        ('[requires]\nPFS-3 = { mxx = "MUST" }', "[requires] PFS-3", "mxx", "mx"),
        ('[requires]\nPFS-3 = { mx = "MSUT" }', "[requires] PFS-3 mx", "MSUT", "MUST"),
        ("[parameters]\nfingerprint_digets = 1", "[parameters]", "fingerprint_digets", "fingerprint_digest"),
        ("[services.smtp]\nprot = 25", "[services.smtp]", "prot", "port"),
        ('[services.smtp]\nrole = "mxx"', "[services.smtp] role", "mxx", "mx"),
        ('[services.smtp.postfix]\nsyslog_nam = "x"', "[services.smtp.postfix]", "syslog_nam", "syslog_name"),
    ],
)  # fmt: skip
def test_a_wrong_name_in_a_profile_is_named_with_file_key_and_the_nearest(
    choose: Choose, tmp_path: Path, line: str, key: str, name: str, meant: str
) -> None:
    (tmp_path / "own.toml").write_text(f"{OWN}{line}\n")
    with pytest.raises(Unusable) as refused:
        choose(profiles=("./own.toml",))
    said = str(refused.value)
    assert said == f"{tmp_path / 'own.toml'}: {key}: there is no {name} (did you mean {meant}?)"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('[parameters.tls]\nsuites = ["EDCHE"]', "the parameter tls.suites: no suite answers to EDCHE"),
        ('[parameters.tls]\ngroups = ["x25591"]', "the parameter tls.groups: no group is called x25591"),
        ("[parameters.tls]\ncurves = []", "the parameter tls must be a table of versions, suites, never"),
        ('[parameters]\nsmallest_dh = "2048"', "the parameter smallest_dh must be a whole number"),
    ],
)
def test_a_wrong_value_of_a_parameter_is_refused_before_anything_starts(
    choose: Choose, tmp_path: Path, line: str, said: str
) -> None:
    (tmp_path / "own.toml").write_text(f"{OWN}{line}\n")
    with pytest.raises(Unusable) as refused:
        choose(profiles=("./own.toml",))
    assert str(refused.value).startswith(f"{tmp_path / 'own.toml'}: {said}")


def test_a_profile_may_state_a_part_of_the_rules(choose: Choose, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(f'{OWN}[parameters.tls]\nsuites = ["ECDHE+AESGCM"]\n')
    (profile,) = choose(profiles=("./own.toml",)).profiles
    stated = profile.parameters["tls"]
    assert isinstance(stated, dict)
    assert stated["suites"] == ["ECDHE+AESGCM"]
    assert stated["versions"] == ["TLSv1.2", "TLSv1.3"]


def test_a_profile_is_found_from_where_the_caller_stands(choose: Choose, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    assert list(choose(profiles=("own.toml",)).keys) == ["debian-13/own"]


def test_subjects_have_the_daemons_the_profile_s_services_and_what_its_settings_use(chosen: Selection) -> None:
    pfs, relay = chosen.subjects(_nothing_runs)
    assert [pfs.name, relay.name] == ["debian-13/pfs", "debian-13/relay"]
    assert [str(service) for service in relay.services[:3]] == ["postfix", "dovecot", "smtp:25"]
    assert "relay:2525" in {str(service) for service in relay.services} - {str(service) for service in pfs.services}
    assert pfs.certificates == ("rsa-2048", "ecdsa-p256")
    assert set(pfs.features) == {WAY_OUT}
    assert set(relay.features) == {WAY_OUT, "client-certificates"}


def _nothing_runs(key: str) -> Specimen:
    raise DidNotStart(f"{key} did not start")


@dataclass
class Running:
    """A stock target as far as planning looks at it."""

    services: tuple[Service, ...]
    features: frozenset[str]
    twin: None = None


def test_a_stock_target_is_asked_for_its_services_once_per_profile(
    choose: Choose, services: dict[str, Service]
) -> None:
    running = Running((services["postfix"], services["smtp"]), frozenset({"sasl"}))
    stock = choose(mail_configs=("stock",))
    assert list(stock.keys) == ["debian-13:stock"]
    assert [wanted.ports for wanted in stock.wanted()] == [STOCK_PORTS]
    found = stock.subjects(lambda _: cast("Specimen", running))
    assert [(each.name, each.specimen) for each in found] == [
        ("debian-13:stock/pfs", "debian-13:stock"), ("debian-13:stock/relay", "debian-13:stock"),
    ]  # fmt: skip
    assert {each.services for each in found} == {running.services}
    assert {each.features for each in found} == {running.features}


def test_a_stock_target_that_does_not_run_still_has_every_case(choose: Choose) -> None:
    """Each of them will be an error; none may vanish."""
    found = choose(mail_configs=("stock",)).subjects(_nothing_runs)
    assert [each.target for each in found] == ["debian-13:stock", "debian-13:stock"]
    assert all({"smtp:25", "imap:143"} <= {str(service) for service in each.services} for each in found)


def test_the_record_knows_a_target_before_it_runs(chosen: Selection, choose: Choose) -> None:
    assert chosen.target_facts("debian-13/pfs") == {
        "name": "debian-13", "kind": "specimen", "release": "debian-13", "profile": "pfs",
    }  # fmt: skip
    stock = choose(mail_configs=("stock",)).target_facts("debian-13:stock")
    assert (stock["name"], stock["kind"], stock["profile"]) == ("debian-13:stock", "stock", None)


def test_the_catalogue_reads_controls_without_running_them(tmp_path: Path) -> None:
    (tmp_path / ROOMS[0]).mkdir()
    (tmp_path / ROOMS[0] / "test_x.py").write_text(
        'raise SystemExit\n@control("A-1", MUST, x, "q", on=(MX, LOCAL), parameters=("versions",))\ndef test_x(): ...\n'
        '@control("A-2", MUST, x, "q", on=TLS_ROLES)\n@broken_by("y")\ndef test_y(): ...\n'
    )
    tls = frozenset({Role.MX, Role.SUBMISSION, Role.ACCESS, Role.RELAY})
    assert catalogue(tmp_path) == {
        "A-1": ControlFacts(frozenset({Role.MX, Role.LOCAL}), ("versions",)), "A-2": ControlFacts(tls),
    }  # fmt: skip


def test_destinations_are_started_where_a_profile_asks_how_mail_goes_out(choose: Choose) -> None:
    asked = {profiles: choose(profiles=profiles).sends for profiles in (("pfs",), ("relay",), ("relay", "pfs"))}
    assert asked == {("pfs",): True, ("relay",): False, ("relay", "pfs"): True}


def test_a_resolver_is_started_where_a_profile_asks_what_names_lead_to(choose: Choose) -> None:
    """Before the specimens, some of which wait for it, and after the destinations, for which it waits."""
    people = gather(("rsa-2048", "ecdsa-p256"))
    asked = replace(choose(profiles=("pfs", "dane")), people=people)
    keys = [wanted.key for wanted in asked.wanted()]
    assert keys[:2] == ["destinations", "resolver"]
    assert [asked.resolves(key) for key in keys[2:]] == [False, True]
    unasked = replace(choose(profiles=("pfs",)), people=people)
    assert "resolver" not in [wanted.key for wanted in unasked.wanted()]


def test_a_target_as_packaged_sends_to_nobody(choose: Choose) -> None:
    assert not choose(mail_configs=("stock",), profiles=("pfs",)).sends


def test_who_asks_a_capability_is_read_from_the_signatures() -> None:
    asking = askers(ROOT / "tests", "sending")
    assert {"SEND-1", "PQC-6", "FR-9"} <= asking
    assert asking < set(catalogue(ROOT / "tests"))
    assert askers(ROOT / "tests", "no-such-capability") == frozenset()


def test_a_release_below_the_profile_s_versions_runs_as_packaged_and_says_why(choose: Choose) -> None:
    chosen = choose(targets=("debian-12", "debian-13"), profiles=("pqc",))
    old, new = chosen.subjects(_nothing_runs)
    assert [chosen.keys[each.specimen][1] is None for each in (old, new)] == [True, False]
    assert old.refused.startswith("Debian 12 (bookworm) is too old for the profile pqc, it has postfix 3.7 (required")
    assert str(chosen.profiles[0].parameters["reason"]) in old.refused
    assert new.refused == ""
    assert [chosen.target_facts(each.specimen)["kind"] for each in (old, new)] == ["stock", "specimen"]
    assert chosen.target_facts("debian-12/pqc")["profile"] == "pqc"


def test_a_release_without_words_for_a_profile_is_refused_before_it_is_dressed(choose: Choose, tmp_path: Path) -> None:
    worn = '[settings.postfix]\ntls_eecdh_auto_curves = "X25519MLKEM768"'
    (tmp_path / "own.toml").write_text(f"{OWN}{worn}\n")
    chosen = choose(targets=("debian-12",), profiles=("./own.toml",))
    assert chosen.too_old == {}
    assert "Debian 12 (bookworm) cannot wear the profile own: Postfix 3.7 cannot say" in chosen.unsaid["debian-12/own"]
    (subject,) = chosen.subjects(_nothing_runs)
    assert subject.refused == chosen.unsaid["debian-12/own"]
    assert chosen.keys["debian-12/own"][1] is None
