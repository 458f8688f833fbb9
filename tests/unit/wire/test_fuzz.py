"""The fuzzer's kept inputs still do no harm, and the fuzzer would notice what did."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from mailproof.errors import GarbledReply
from tests.fuzz import fuzz_codec
from tests.fuzz.fuzz_codec import CORPUS, attempt, campaign, corpus
from tests.fuzz.targets import HELLOS, TARGETS

Fault = Callable[[bytes], None]


@pytest.mark.parametrize("target", TARGETS)
def test_every_kept_input_is_borne(target: str) -> None:
    kept = corpus(target)
    assert kept != [b""]
    assert [(data.hex(), problem) for data in kept if (problem := attempt(target, data)) is not None] == []


def test_the_corpus_is_small_and_holds_nothing_twice() -> None:
    files = sorted(CORPUS.iterdir())
    assert {each.stem for each in files} == set(TARGETS)
    assert sum(each.stat().st_size for each in files) < 200 * 1024
    for each in files:
        lines = each.read_text("ascii").splitlines()
        assert sorted(set(lines)) == lines


def test_every_hello_has_a_target() -> None:
    assert {f"flight-{name}" for name in HELLOS} <= set(TARGETS)


def test_some_inputs_more_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz_codec, "BLOCK", 50)
    assert campaign(seed=3, inputs=4000) == []


def _raises(data: bytes) -> None:
    raise IndexError(len(data))


def _garbled(data: bytes) -> None:
    raise GarbledReply("as it should be")


def _works_long(data: bytes) -> None:
    began = time.process_time()
    while time.process_time() - began < fuzz_codec.SLOW * 1.5:
        pass


def _hangs(data: bytes) -> None:
    while True:
        pass


@pytest.mark.parametrize(("fault", "problem"), [(_raises, "IndexError"), (_works_long, "takes 0.0"), (_hangs, "hangs")])
def test_an_input_that_does_harm_is_reported(fault: Fault, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "hello", fault)
    monkeypatch.setattr(fuzz_codec, "BLOCK", 1)
    monkeypatch.setattr(fuzz_codec, "SLOW", 0.02)
    monkeypatch.setattr(fuzz_codec, "HANGS", 0.1 if fault is _hangs else 30)
    found = campaign(seed=3, inputs=2)
    assert [finding.target for finding in found] == ["hello"]
    assert problem in found[0].problem
    assert str(found[0]).startswith(f"hello {found[0].data.hex()}\n")


def test_what_is_refused_by_a_typed_error_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TARGETS, "hello", _garbled)
    assert attempt("hello", b"") is None


def test_memory_that_grows_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[object] = []
    monkeypatch.setitem(TARGETS, "hello", lambda data: held.append([object() for _ in range(3000)]))
    monkeypatch.setattr(fuzz_codec, "BLOCK", 1)
    assert [finding.target for finding in campaign(seed=3, inputs=len(TARGETS) * 20)] == ["memory"]


def test_a_finding_makes_the_program_fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--inputs", "100", "--jobs", "1"]
    assert fuzz_codec.main(words) == 0
    assert "100 inputs" in capsys.readouterr().out
    monkeypatch.setitem(TARGETS, "hello", _raises)
    assert fuzz_codec.main(words) == 1
    assert "IndexError" in capsys.readouterr().out
