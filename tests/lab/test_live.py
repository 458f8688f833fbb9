"""A live host gets the verdicts of its twin, from commands that only read, and is afterwards what it was before."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from mailproof.releases import choose, load_releases
from mailproof.targets.images import ensure_image
from mailproof.targets.readonly import ALLOWED

if TYPE_CHECKING:
    from docker.models.containers import Container

    from tests.lab.conftest import Inner

RELEASES = load_releases(Path(__file__).parents[2] / "containers" / "releases.toml")
ROOMS = ("tests/config", "tests/handshake", "tests/relay")
SSHD = ("FROM {base}\nRUN sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf && apt-get update "
        "&& apt-get install --yes --no-install-recommends openssh-server && mkdir -p /run/sshd "
        "&& sed -i 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf\n")  # fmt: skip
FILES = ("find /etc /home /root /srv /usr/local /var -type f ! -path '/var/log/*' ! -path '/var/spool/postfix/pid/*' "
         "! -path '/var/lib/postfix/*' | sort | xargs -d '\\n' sha256sum; mailq")  # fmt: skip
"""All but what running daemons write for themselves: logs, locks, caches."""


@dataclass(frozen=True)
class Host:
    """A container that mailproof did not start."""

    container: Container
    address: str

    def state(self) -> str:
        """Every file and the queue, as they are."""
        said = self.container.exec_run(["sh", "-c", FILES]).output
        assert isinstance(said, bytes)
        return said.decode()


@pytest.fixture
def network(engine: docker.DockerClient) -> Iterator[str]:
    third = secrets.randbelow(200)
    pool = docker.types.IPAMPool(subnet=f"198.19.{third}.0/28")
    made = engine.networks.create(
        f"mailproof-live-{secrets.token_hex(4)}", ipam=docker.types.IPAMConfig(pool_configs=[pool])
    )
    yield str(made.name)
    made.remove()


def started(engine: docker.DockerClient, image: str, network: str) -> Iterator[Host]:
    container = engine.containers.run(image, detach=True, network=network, hostname="mx1.mailproof.test")
    try:
        container.reload()
        yield Host(container, container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])
    finally:
        container.remove(force=True)


@pytest.fixture
def host(engine: docker.DockerClient, network: str) -> Iterator[Host]:
    image = ensure_image(engine, choose((), RELEASES)[0], print)
    yield from started(engine, image.tag, network)


def verdicts(inner: Inner, *options: str) -> dict[str, str]:
    ended = inner("--profile", "pfs", *ROOMS, "-k", "smtp:25 or imap:143", *options)
    assert "Traceback" not in ended.text
    return {f"{row['control']}[{row['node'].partition('/pfs/')[2]}": row["verdict"] for row in ended.rows("/pfs/")}


def test_a_live_host_is_judged_as_its_twin_is_and_stays_what_it_is(inner: Inner, host: Host) -> None:
    before = host.state()
    ended = inner("--profile", "pfs", f"--hosts=docker://{host.container.id}", *ROOMS, "-k", "smtp:25 or imap:143")
    assert host.state() == before
    live = {f"{row['control']}[{row['node'].partition('/pfs/')[2]}": row["verdict"] for row in ended.rows("/pfs/")}
    twin = verdicts(inner, "--mail-config=stock")
    both = {case for case in live.keys() & twin.keys() if {live[case], twin[case]} <= {"pass", "fail"}}
    both = {case for case in both if not case.startswith("CERT-2[")}  # each is asked for by a name of its own
    assert len(both) > 40
    assert {case: live[case] for case in both} == {case: twin[case] for case in both}
    [target] = ended.record["targets"]
    assert (target["kind"], target["problem"]) == ("live", None)
    told = [command for command in target["commands"] if not command.startswith("the reading of settings")]
    assert told and all(any(each.fullmatch(command) for each in ALLOWED) for command in told)
    assert ended.verdicts("test_login_after_tls[") - {"not-applicable"} == {"not-checked"}


def test_a_host_that_is_not_there_is_an_error_and_no_pass(inner: Inner) -> None:
    ended = inner("--profile", "pfs", "--hosts=docker://nobody-is-called-so", "tests/config")
    assert ended.status == 10
    assert ended.verdicts("/smtp:25") == {"error"}


def test_a_live_host_is_never_broken_on_purpose(inner: Inner) -> None:
    assert inner("--hosts=ssh://mx1", "--prove").status == 4


@pytest.mark.nightly
def test_so_it_is_by_ssh(inner: Inner, engine: docker.DockerClient, network: str, tmp_path: Path) -> None:
    base = ensure_image(engine, choose((), RELEASES)[0], print).tag
    (tmp_path / "Dockerfile").write_text(SSHD.format(base=base), encoding="utf-8")
    image, _ = engine.images.build(path=str(tmp_path), rm=True, network_mode="host")
    key = tmp_path / "key"
    subprocess.run(
        [shutil.which("ssh-keygen") or "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True
    )
    for host in started(engine, str(image.id), network):
        login = (
            f"mkdir -p /root/.ssh && echo '{key.with_suffix('.pub').read_text().strip()}' >/root/.ssh/authorized_keys"
        )
        host.container.exec_run(["sh", "-c", f"{login} && /usr/sbin/sshd"])
        config = tmp_path / "ssh_config"
        config.write_text(f"Host mx1\n  HostName {host.address}\n  User root\n  IdentityFile {key}\n"
                          "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n  LogLevel ERROR\n")  # fmt: skip
        before = host.state()
        found = inner("--profile", "pfs", "--hosts=ssh://mx1", f"--ssh-config={config}", *ROOMS, "-k", "smtp:25")
        assert host.state() == before
        assert {"pass", "fail"} <= found.verdicts("/smtp:25")
        assert not [row for row in found.rows("/smtp:25") if row["verdict"] == "error"]
