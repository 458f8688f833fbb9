"""Set-up before anything is installed: what it refuses, what it leaves alone, and what it says when it cannot go on."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailproof import machine
from mailproof.bootstrap import __main__ as command
from mailproof.bootstrap import dockerd, engine, scanners, venv
from mailproof.bootstrap.options import needs_engine, pytest_arguments, read, side_by_side, validate
from mailproof.catalogue import ROOMS
from mailproof.errors import EngineTrouble, ExitStatus, OurFault, Unusable

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def profiles(tmp_path: Path) -> Path:
    """A checkout with the releases of ours and the profiles pfs and relay."""
    (tmp_path / "containers").symlink_to(CHECKOUT / "containers")
    folder = tmp_path / "fixtures" / "profiles"
    folder.mkdir(parents=True)
    for name in ("pfs", "relay"):
        (folder / f"{name}.toml").touch()
    return tmp_path


@pytest.fixture
def pinged(tmp_path: Path) -> Iterator[Path]:
    """A socket that answers one request as an engine does."""
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=_answer, args=(server,), daemon=True)
        thread.start()
        yield path
    thread.join(5)


def _answer(server: socket.socket) -> None:
    link, _ = server.accept()
    with link:
        link.recv(1024)
        link.sendall(b"HTTP/1.0 200 OK\r\n\r\nOK")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--target", "debian-31"], "--target debian-31: there is no such target: did you mean debian-1"),
        (["--target=debian-13,debain-12"], "--target debain-12: there is no such target: did you mean debian-12?"),
        (
            ["--profile", "realy"],
            "--profile realy: there is neither such a profile nor such a file: did you mean relay?",
        ),
        (["--mail-config", "nowhere"], "--mail-config nowhere: there is no such directory or file"),
        (["--prove", "--mail-config", "stock"], "leave out --mail-config"),
        (["--prove=matrix", "--mail-config", "stock"], "leave out --mail-config"),
        (["--prove=matirx"], "--prove=matirx: there is no such proof: did you mean --prove=matrix?"),
        (["--target"], "expected one argument"),
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_set_up(profiles: Path, words: list[str], said: str) -> None:
    with pytest.raises(Unusable) as trouble:
        validate(read(words), profiles)
    assert said in str(trouble.value)


def test_right_values_pass_and_a_path_is_a_profile_too(
    profiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").touch()
    monkeypatch.chdir(tmp_path)
    validate(read(["--target", "all", "--profile", "pfs,mine.toml", "-k", "smtp", "--mail-config=stock"]), profiles)


def test_a_usage_error_is_one_sentence_and_status_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main("main", ["--target", "debian-31"]) == ExitStatus.USAGE
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(("script", "trouble"), [("echo no such option >&2; exit 4", Unusable), ("exit 3", OurFault)])
def test_a_crash_of_pytest_is_told_from_a_wrong_command_line(script: str, trouble: type[Exception]) -> None:
    with pytest.raises(trouble, match=r"no such option|\(3\)"):
        command._check_options(["sh", "-c", script])


def test_what_cannot_be_set_up_is_status_10(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(checkout: Path, say: machine.Say) -> Path:
        raise OurFault("no disk")

    monkeypatch.setattr(command, "ensure_venv", fail)
    assert command.main("main", []) == ExitStatus.NOT_JUDGED
    assert capsys.readouterr().err == "ERROR: no disk\n"


@pytest.mark.parametrize("words", [["-k", "unit"], ["-x"], ["--deselect", "tests/unit"], ["-m", "tests/unit"]])
def test_selftest_runs_the_projects_own_tests_unless_paths_are_named(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    rooms = pytest_arguments("self", words, CHECKOUT)
    assert str(CHECKOUT / "tests" / "unit") in rooms
    assert rooms[-len(words) :] == words
    controls = pytest_arguments("main", words, CHECKOUT)
    assert [str(CHECKOUT / "tests" / room) for room in ROOMS] == controls[: len(ROOMS)]
    assert controls[len(ROOMS) :] == words


def test_a_path_of_the_callers_own_is_taken_from_where_he_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT / "tests")
    assert pytest_arguments("self", ["unit/test_bootstrap.py::test_x"], CHECKOUT) == ["unit/test_bootstrap.py::test_x"]


@pytest.mark.parametrize(
    ("words", "cores", "workers"),
    [
        (["--prove"], 4, ["-n", "4"]),
        (["--prove=quick", "tests/relay"], 2, ["-n", "2"]),
        (["--prove"], 1, []),
        (["--prove", "-n0"], 4, []),
        (["--prove", "-n", "8"], 4, []),
        (["--target", "all"], 4, []),
    ],
)
def test_a_proof_uses_the_cores_there_are_unless_the_caller_says_how_many(
    words: list[str], cores: int, workers: list[str]
) -> None:
    assert side_by_side(words, read(words), cores) == workers


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ([], True),
        (["--help"], False),
        (["--collect-only"], False),
        (["--collect-only", "--mail-config", "stock"], True),
        (["--hosts", "ssh://mail"], False),
        (["--hosts", "ssh://mail", "--target", "all"], True),
        (["tests/unit"], False),
        (["tests/unit", "tests/lab"], True),
        (["-k", "tests/unit"], True),
    ],
)
def test_an_engine_is_set_up_only_for_what_starts_containers(
    words: list[str], needed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    assert needs_engine(words, read(words), CHECKOUT) is needed


def test_an_environment_counts_only_with_the_stamp_of_this_very_lock(tmp_path: Path) -> None:
    home, lock = tmp_path / ".venv", tmp_path / "requirements.txt"
    lock.write_text("a==1\n", encoding="utf-8")
    assert not venv.current(home, lock)
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "python").touch()
    assert not venv.current(home, lock), "half made"
    (home / "mailproof.stamp").write_text(venv._identity(lock), encoding="utf-8")
    assert venv.current(home, lock)
    lock.write_text("a==2\n", encoding="utf-8")
    assert not venv.current(home, lock)


def test_an_engine_that_answers_is_told_from_a_socket_that_nobody_serves(pinged: Path, tmp_path: Path) -> None:
    assert engine.answers(f"unix://{pinged}")
    assert not engine.answers(f"unix://{tmp_path / 'none.sock'}")


def test_docker_host_wins_over_everything_and_is_never_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"unix://{tmp_path / 'dead.sock'}"
    assert engine.endpoint({"DOCKER_HOST": address}, tmp_path) == address
    monkeypatch.setattr(machine, "find", lambda program: "/usr/bin/docker")
    monkeypatch.setattr(machine, "install", lambda *given, **more: pytest.fail("installed something"))
    with pytest.raises(EngineTrouble, match="does not answer"):
        engine.ensure_engine(address, lambda line: None)


def test_without_root_the_missing_engine_is_named_with_the_command_that_gets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "DEFAULT", f"unix://{tmp_path / 'none.sock'}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(machine, "find", lambda program: None)
    with pytest.raises(EngineTrouble, match=r"apt-get install docker\.io"):
        engine.ensure_engine(engine.DEFAULT, lambda line: None)


def test_without_apt_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "find", lambda program: None)
    with pytest.raises(OurFault, match=r"docker\.io is missing, and this machine has no apt"):
        machine.install(["docker.io"], lambda line: None)


@pytest.mark.parametrize(
    ("cmdline", "kept"),
    [
        ("/usr/sbin/dockerd\0--debug\0", True),
        ("dockerd\0", True),
        ("/bin/sh\0dockerd\0", False),
        ("", False),
        (None, False),
    ],
)
def test_a_pid_file_whose_process_is_another_program_or_dead_is_removed(
    tmp_path: Path, cmdline: str | None, kept: bool
) -> None:
    pid_file, proc = tmp_path / "docker.pid", tmp_path / "proc"
    pid_file.write_text("77\n", encoding="ascii")
    if cmdline is not None:
        (proc / "77").mkdir(parents=True)
        (proc / "77" / "cmdline").write_text(cmdline, encoding="utf-8")
    dockerd.discard_stale(pid_file, "dockerd", proc)
    assert pid_file.exists() is kept


def test_a_failed_command_carries_its_last_lines() -> None:
    with pytest.raises(OurFault, match=r"failed \(3\):\n    the reason"):
        machine.run(["sh", "-c", "echo the reason >&2; exit 3"], 10)


def test_a_command_that_hangs_is_given_up() -> None:
    with pytest.raises(OurFault, match="timed out"):
        machine.run(["sleep", "30"], 0.1)


@pytest.mark.parametrize(
    ("job", "words", "packages"),
    [
        ("self", [], ["sslscan", "openssl"]),
        ("self", ["--nightly"], ["sslscan", "openssl", "testssl.sh"]),
        ("self", ["tests/lab"], ["sslscan", "openssl"]),
        ("self", ["tests/lab/test_cross_check.py::test_x"], ["sslscan", "openssl"]),
        ("self", ["tests/lab/test_images.py"], []),
        ("self", ["tests/unit"], []),
        ("main", [], []),
        ("main", ["--nightly"], []),
    ],
)
def test_scanners_are_installed_only_for_the_self_tests_that_run_them(
    job: str, words: list[str], packages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setattr(machine, "find", lambda program: None)
    assert scanners.missing(job, words, CHECKOUT) == packages
    monkeypatch.setattr(machine, "find", lambda program: f"/usr/bin/{program}")
    assert scanners.missing(job, words, CHECKOUT) == []


def test_without_root_a_missing_scanner_is_named_and_the_other_tests_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(machine, "find", lambda program: "/usr/bin/apt-get")
    said: list[str] = []
    scanners.install(["sslscan"], said.append)
    assert len(said) == 1
    assert "will fail" in said[0]
    assert said[0].endswith("sudo apt-get install sslscan")
