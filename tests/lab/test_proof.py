"""A proof goes red when the machinery is broken: each way in which a control could pass without looking is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.lab.conftest import Inner

STATIC_RSA = ("--profile", "pfs", "tests/handshake/test_forward_secrecy.py", "-k", "refuses_static_rsa and smtp:25")
LOGGED = ("--profile", "pfs", "tests/logs/test_postfix_log.py", "-k", "proves_forward_secrecy and smtp:25")
SET = ("--profile", "pfs", "tests/config/test_auth.py", "-k", "cleartext_logins and imap:143")

NO_ASSERTION = """
import ast, inspect

def pytest_collection_modifyitems(items):
    for item in items:
        tree = ast.parse(inspect.getsource(item.function))
        [function] = tree.body
        function.decorator_list = []
        function.body = [each for each in function.body if not isinstance(each, ast.Assert)]
        names = {}
        exec(compile(tree, str(item.path), "exec"), item.function.__globals__, names)
        item.obj = names[function.name]
"""
REFUSED = """
from mailproof.targets.endpoint import Endpoint

def agreements(self, hello):
    self._recorder.note(f"{hello} offered", "refused")
    return ()

Endpoint.agreements = agreements
"""
REFUSED_BY_THE_WIRE = """
from mailproof.wire.answers import Refused
from mailproof.wire.peer import Peer

Peer.probe = Peer.offer = lambda self, hello: Refused("alert", "handshake_failure")
"""
AN_EARLIER_LINE = """
from mailproof.targets.journal import Journal

kept = {}
look = Journal.connection

def connection(self, helo):
    return kept.setdefault(str(self.service), look(self, helo))

Journal.connection = connection
"""
KEPT_ACROSS_MUTATIONS = """
from mailproof.targets.view import EffectiveSettings

kept = {}
look = EffectiveSettings.__getitem__

def cached(self, name):
    value = look(self, name)
    return kept.setdefault((str(self.service), name), value)

EffectiveSettings.__getitem__ = cached
"""
NEVER_CHANGES = """
from mailproof.targets.specimen import Specimen

Specimen.wear = lambda self, mutation: None
"""


@pytest.mark.parametrize(
    ("chosen", "breakage"),
    [
        (STATIC_RSA, NO_ASSERTION),
        (STATIC_RSA, REFUSED),
        pytest.param(LOGGED, AN_EARLIER_LINE, marks=pytest.mark.nightly),
        pytest.param(SET, KEPT_ACROSS_MUTATIONS, marks=pytest.mark.nightly),
        (SET, NEVER_CHANGES),
    ],
    ids=["no assertion", "always refused", "an earlier line", "kept across mutations", "nothing is ever worn"],
)
def test_a_control_that_does_not_look_is_found_blind(inner: Inner, chosen: tuple[str, ...], breakage: str) -> None:
    ended = inner("--prove", *chosen, plugin=breakage)
    assert (ended.status, ended.left) == (11, [])
    dressed = [row["verdict"] for row in ended.rows() if row["mutation"] is None]
    assert dressed == ["pass"], "without a proof nobody would notice"
    assert "blind" in {row["verdict"] for row in ended.rows("+")}


def test_a_probe_that_is_always_refused_passes_nothing(inner: Inner) -> None:
    """Not even as the profile is worn: its positive control is refused as well."""
    ended = inner("--prove", *STATIC_RSA, plugin=REFUSED_BY_THE_WIRE)
    assert (ended.status, ended.left) == (10, [])
    assert ended.verdicts() == {"error"}


NOT_RESTORED = """
from mailproof.targets import specimen

write = specimen.script
specimen.script = lambda dress: write(dress) + "printf '%s' '# left behind' >>/etc/dovecot/dovecot.conf\\n"
"""


def test_what_a_mutation_leaves_behind_proves_nothing(inner: Inner) -> None:
    """The control turned red, and green again; that the host is not what it was before is seen all the same."""
    ended = inner("--prove", *STATIC_RSA, plugin=NOT_RESTORED)
    assert (ended.status, ended.left) == (10, [])
    [broken] = ended.rows("+static-rsa-readmitted")
    assert (broken["verdict"], broken["raw_verdict"]) == ("error", "fail")
    assert "/etc/dovecot/dovecot.conf is not what it was before the mutation" in broken["reason"]


def test_the_same_is_proven_where_nothing_is_broken(inner: Inner) -> None:
    ended = inner("--prove", *STATIC_RSA)
    assert (ended.status, ended.left) == (0, [])
    assert {row["verdict"] for row in ended.rows("+")} == {"proven"}
    assert {row["raw_verdict"] for row in ended.rows("+static-rsa-readmitted")} == {"fail"}
    assert all(row["innocent"] is (row["mutation"] != "static-rsa-readmitted") for row in ended.rows("+"))
    assert ended.record["run"]["worn"]["mutations"] == 2


def test_a_proof_in_a_hurry_breaks_every_control_once(inner: Inner) -> None:
    """What a change of mailproof has to pass; the full proof is the nightly job's."""
    ended = inner("--prove=quick", "-n", "2")
    assert (ended.status, ended.left) == (0, [])
    broken = {row["control"]: row["verdict"] for row in ended.rows("+")}
    assert set(broken) == {control["id"] for control in ended.record["controls"]}
    assert set(broken.values()) == {"proven"}
    assert len(broken) > 70


UNSEEN = """
from mailproof import sweep
from mailproof.model import Mutation

sweep.GENERIC = (*sweep.GENERIC[:1], Mutation("nothing-at-all", postfix={"mail_name": "Postfix"}))
"""
NO_CONTROLS = """
from mailproof import sweep

sweep._carried = lambda control, subject: []
"""


@pytest.mark.nightly
def test_a_fault_that_nothing_sees_is_found_in_the_matrix(inner: Inner) -> None:
    """Every control of a profile under two faults: one that all notice, one that nobody can."""
    ended = inner("--prove=matrix", "--profile", "relay", "-n", "2", plugin=UNSEEN + NO_CONTROLS)
    assert (ended.status, ended.left) == (11, [])
    down, nothing = sorted(ended.record["faults"], key=lambda fault: str(fault["fault"]), reverse=True)
    assert {fault["fault"]: fault["problem"] for fault in (down, nothing)} == {
        "postfix-is-down": None, "nothing-at-all": None,
    }  # fmt: skip
    assert any(cell["error"] for cell in down["seen"].values())
    assert all(cell["pass"] and not cell["fail"] + cell["error"] for cell in nothing["seen"].values())
    assert "nothing-at-all is seen by no control" in ended.words


@pytest.mark.nightly
def test_a_part_of_the_matrix_asks_for_a_part_of_the_faults(inner: Inner) -> None:
    """What befalls a whole target is judged by all controls together or not at all."""
    ended = inner("--prove=matrix", "--profile", "pfs", "tests/config/test_auth.py", "-k", "cleartext and imap:143")
    assert (ended.status, ended.left) == (0, [])
    faults = {fault["fault"]: fault for fault in ended.record["faults"]}
    assert faults["AUTH-2.cleartext-allowed"]["seen"] == {"AUTH-2": {"pass": 0, "fail": 1, "error": 0}}
    assert not any(fault["generic"] for fault in faults.values())
