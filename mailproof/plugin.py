"""mailproof as a pytest plugin: options, collection, and the fixtures that a control asks with.

A session is a *run* when it asks for a room of the product (tests/config, handshake, relay, logs); otherwise (unit
tests, lab tests) nothing here acts. Nothing here decides anything: that is done one level below.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mailproof import __version__, capabilities
from mailproof.capabilities import RECORDER, RUN, WORN
from mailproof.catalogue import ROOMS
from mailproof.controller import Controller, report_directory
from mailproof.controls import control_of
from mailproof.errors import ExitStatus, MailproofError
from mailproof.explaining import explained
from mailproof.ledger import Phase, fingerprint, sentence, verdict_of
from mailproof.model import Control, Verdict
from mailproof.plan import FIRST, Case, Fault, Gap, Proof, Subject, plan, schedule
from mailproof.run import Run, new_id, our_openssl, subjects, timestamp
from mailproof.selection import Options, Selection, select
from mailproof.sweep import controls_in, faults_by_specimen
from mailproof.targets.hosts import Host, hosts_of

ROOT = Path(__file__).resolve().parents[1]
SUBJECTS = pytest.StashKey[tuple[Subject, ...]]()
SWEEPS = pytest.StashKey[Mapping[str, Sequence[Fault]]]()
GAPS = pytest.StashKey[list[tuple[Gap, str]]]()
DESELECTED = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The command line of DESIGN §2."""
    group = parser.getgroup("mailproof", "mailproof: what is judged, and by what")
    group.addoption("--target", metavar="NAME[,NAME…]", default="",
                    help="targets of containers/releases.toml, or all (default: the stable Debian)")  # fmt: skip
    group.addoption("--profile", metavar="NAME[,NAME…]", default="pfs,relay",
                    help="hardening profiles of fixtures/profiles, or a path (default: %(default)s)")  # fmt: skip
    group.addoption("--mail-config", metavar="[NAME=]DIR", action="append", default=[],
                    help="judge one's own postfix/ and dovecot/ as they are (stock: as packaged)")  # fmt: skip
    group.addoption("--mail-config-exclusive", action="store_true",
                    help="… without the files that the packages bring")  # fmt: skip
    group.addoption("--try-fixes", action="store_true",
                    help="judge one's own configuration again with the patch that would mend it")  # fmt: skip
    group.addoption("--explain", metavar="CONTROL", help="say all about one control, and judge nothing")
    group.addoption("--address", metavar="[HOST=]ADDRESS", action="append", default=[],
                    help="where a live host (--hosts) is asked, if not where its name leads to")  # fmt: skip
    group.addoption("--client-cert", metavar="FILE",
                    help="a certificate with its key (PEM) that a live host knows")  # fmt: skip
    group.addoption("--prove", action="store_const", const=Proof.FULL, default=Proof.NONE,
                    help="break each control on purpose as well: it must turn red")  # fmt: skip
    group.addoption("--prove=quick", dest="prove", action="store_const", const=Proof.QUICK,
                    help="… by one of its faults, at one service of each daemon")  # fmt: skip
    group.addoption("--prove=matrix", dest="prove", action="store_const", const=Proof.MATRIX,
                    help="every control under every fault: what sees what")  # fmt: skip
    group.addoption("--report-dir", metavar="DIR", help="where the run's files go (default: reports/RUN-ID)")
    group.addoption("--nightly", action="store_true", help="run the slow tests of the machinery too")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """``--explain`` says what it is asked, and that is all."""
    if not config.option.explain:
        return None
    try:
        print(explained(ROOT, config.option.explain))
    except MailproofError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return int(ExitStatus.USAGE)
    return 0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check every option before anything starts, and open the run."""
    config.pluginmanager.register(capabilities, "mailproof-capabilities")
    _default_rooms(config)
    if config.option.help or config.option.explain or not _asks_for_controls(config):
        return
    if not __debug__ or config.getoption("assertmode") != "rewrite":
        raise pytest.UsageError("asserts are not executed (-O or --assert=plain): nothing would be judged")
    try:
        _open(config)
    except (MailproofError, OSError) as error:
        raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What is run, with what."""
    run = config.stash.get(RUN, None)
    return [f"mailproof {__version__}, {our_openssl()}", *([f"run {run.id}"] if run else [])]


def pytest_pycollect_makeitem(collector: pytest.Collector, name: str, obj: object) -> list[pytest.Item] | None:
    """A control that no selected profile asks of anything makes no item; what does not apply becomes a row."""
    control, run = control_of(obj), collector.config.stash.get(RUN, None)
    if control is None or run is None:
        return None
    cases, gaps = _plan(control, collector.config)
    collector.config.stash[GAPS] += [(gap, f"{collector.nodeid}::{name}[{gap.case}]") for gap in gaps]
    return None if cases else []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item for each case of a control."""
    control, run = control_of(metafunc.function), metafunc.config.stash.get(RUN, None)
    if control and run:
        cases, _ = _plan(control, metafunc.config)
        metafunc.parametrize("case", cases, ids=str, indirect=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Visit each specimen, and each mutation on it, once; leave slow machinery tests out unless they are asked for."""
    items.sort(key=_turn)
    slow = [] if config.option.nightly else [item for item in items if item.get_closest_marker("nightly")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember by name what the caller left out."""
    for item in items:
        if _case(item):
            item.config.stash[DESELECTED].append(item.nodeid)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Publish the plan: what is not reported later is missed by it."""
    config, run = session.config, session.config.stash.get(RUN, None)
    if run and run.starts and (session.items or config.stash[GAPS] or config.stash[DESELECTED]):
        cases = {item.nodeid: case for item in session.items if (case := _case(item))}
        try:
            run.publish_plan(cases, config.stash[GAPS], config.stash[DESELECTED])
        except MailproofError as error:
            pytest.exit(str(error), ExitStatus.NOT_JUDGED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Carry what a phase says about the verdict to the controlling process, as one string."""
    report = yield
    run = item.config.stash.get(RUN, None)
    case = _case(item)
    if run and case and isinstance(item, pytest.Function):
        phase = _phase(item, case, call, report, run)
        report.mailproof = json.dumps(asdict(phase))  # type: ignore[attr-defined]
        if phase.verdict == Verdict.ERROR and not report.failed:
            report.outcome, report.longrepr = "failed", phase.reason
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """An error is an error in every phase; a control that fails under its mutation does what it must."""
    phase = json.loads(getattr(report, "mailproof", "{}"))
    if phase.get("swept"):
        return ("seen", "s", "SEEN") if report.failed else None
    if phase.get("verdict") == Verdict.ERROR:
        return "error", "E", "ERROR"
    if phase.get("broken") and phase["when"] == "call":
        return ("proven", "p", "PROVEN") if phase["verdict"] == Verdict.FAIL else ("blind", "B", "BLIND")
    return None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep a specimen on one worker: what one case mutates, no other may look at meanwhile."""
    if config.stash.get(RUN, None) is None:
        return None
    from mailproof.workers import scheduler  # pytest-xdist is optional

    return scheduler(config, log)


def _default_rooms(config: pytest.Config) -> None:
    """No path given: the product's rooms, from whatever directory the caller stands in."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = [str(ROOT / "tests" / room) for room in ROOMS]


def _asks_for_controls(config: pytest.Config) -> bool:
    rooms = [ROOT / "tests" / room for room in ROOMS]
    paths = [(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args]
    return any(path.is_relative_to(room) or room.is_relative_to(path) for path in paths for room in rooms)


def _open(config: pytest.Config) -> None:
    here, option = config.invocation_params.dir, config.option
    certificate = str(here / option.client_cert) if option.client_cert else ""
    options = Options(
        _names(option.target), _names(option.profile), tuple(option.mail_config), option.prove, bool(option.strict),
        bool(option.mail_config_exclusive), _hosts(option), certificate,
    )  # fmt: skip
    ticket = getattr(config, "workerinput", {}).get("mailproof")
    if ticket:
        config.stash[RUN] = Run.join(ticket, ROOT, options, here)
    else:
        config.stash[RUN] = _new_run(config, select(ROOT, options, here))
    config.stash[GAPS], config.stash[DESELECTED] = [], []


def _new_run(config: pytest.Config, selection: Selection) -> Run:
    option, run_id = config.option, new_id()
    if option.collectonly:
        return Run(run_id, ROOT, selection, starts=False)
    chosen = config.invocation_params.dir / option.report_dir if option.report_dir else None
    run = Run(run_id, report_directory(ROOT, run_id, chosen), selection)
    config.pluginmanager.register(Controller(run, config, chosen is None), "mailproof-controller")
    option.tbstyle = "no" if option.tbstyle == "auto" else option.tbstyle
    option.reportchars = option.reportchars.replace("fE", "")
    return run


def _hosts(option: Any) -> tuple[Host, ...]:
    """The live hosts of testinfra's ``--hosts``, with its options for the connection."""
    named = {"ssh_config": option.ssh_config, "ssh_identity_file": option.ssh_identity_file, "sudo": option.sudo,
             "sudo_user": option.sudo_user, "ssh_extra_args": option.ssh_extra_args}  # fmt: skip
    chosen = {name: value for name, value in named.items() if value}
    return hosts_of(_names(getattr(option, "hosts", None) or ""), tuple(option.address), chosen)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _subjects(config: pytest.Config) -> tuple[Subject, ...]:
    if SUBJECTS not in config.stash:
        config.stash[SUBJECTS] = subjects(config.stash[RUN])
    return config.stash[SUBJECTS]


def _plan(control: Control, config: pytest.Config) -> tuple[list[Case], list[Gap]]:
    run = config.stash[RUN]
    mode = run.selection.options.prove
    return plan(control, _subjects(config), mode, _sweeps(config) if mode is Proof.MATRIX else {})


def _sweeps(config: pytest.Config) -> Mapping[str, Sequence[Fault]]:
    """Under what every control is asked, by specimen."""
    if SWEEPS not in config.stash:
        controls = [control for _, control in controls_in(ROOT / "tests")]
        found, whole = faults_by_specimen(controls, _subjects(config)), _asks_for_everything(config)
        config.stash[SWEEPS] = {key: [fault for fault in each if fault.of or whole] for key, each in found.items()}
    return config.stash[SWEEPS]


def _asks_for_everything(config: pytest.Config) -> bool:
    """Only all controls together can tell whether nothing sees what befalls a whole target."""
    option, here = config.option, config.invocation_params.dir
    rooms = {ROOT / "tests" / room for room in ROOMS}
    return not (option.keyword or option.markexpr or option.deselect) and rooms <= {(here / arg) for arg in config.args}


def _turn(item: pytest.Item) -> tuple[str, str, bool]:
    found = _case(item)
    return schedule(found) if found else FIRST


def _case(item: pytest.Item) -> Case | None:
    found = item.callspec.params.get("case") if hasattr(item, "callspec") else None
    return found if isinstance(found, Case) else None


def _phase(
    item: pytest.Function, case: Case, call: pytest.CallInfo[None], report: pytest.TestReport, run: Run
) -> Phase:
    problem = call.excinfo.value if call.excinfo else None
    verdict = verdict_of(call.when, problem, item.function.__code__)
    if problem is None and not report.passed:
        verdict, problem = Verdict.ERROR, RuntimeError(f"pytest calls it {report.outcome}: a control is never skipped")
    seen, text = item.stash.get(RECORDER, None), None
    if seen and call.when == "call" and not case.swept:
        try:
            text = run.keep(fingerprint(seen.transcript()), seen.transcript())
        except MailproofError as error:  # without its evidence a pass is none; what was found to fail stays found
            verdict, problem = (Verdict.ERROR, error) if verdict is Verdict.PASS else (verdict, problem)
    said = sentence(problem) if problem else ""
    return Phase(
        item.nodeid, call.when, verdict.value, said if verdict is Verdict.FAIL else "",
        said if verdict is Verdict.ERROR else "", seen.observed() if seen and not case.swept else "", text,
        timestamp(call.start), call.duration, _breaks(case), list(seen.effects) if seen else [],
        case.swept, item.stash.get(WORN, 0.0) if call.when == "setup" else 0.0,
    )  # fmt: skip


def _breaks(case: Case) -> bool:
    return bool(case.mutation) and not (case.restored or case.innocent or case.swept)
