"""The lab of one run: a network, and a container for each specimen, started together and described as JSON.

The controlling process starts and removes containers; any process of the run reads their descriptions from the run's
directory. What a killed run left behind is removed when the next one starts: a run is alive while it holds its lock.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import socket
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.models.containers import Container
from docker.models.networks import Network

from mailproof.errors import EngineTrouble, MailproofError, Unreachable
from mailproof.model import Release
from mailproof.targets.images import Image, ensure_image
from mailproof.targets.network import Outside, create_network, outside

LABEL = "mailproof"
HOSTNAME = "mail.mailproof.test"
LOCKS = Path(tempfile.gettempdir()) / f"mailproof-{os.getuid()}"

Say = Callable[[str], None]
Files = Mapping[str, tuple[bytes, int]]
"""Path below /etc/mailproof -> content and mode."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A container to start: the release that it is made of, what to put in, the ports that are asked from outside, and
    the name that it takes itself for."""

    key: str
    release: Release
    files: Files
    ports: tuple[int, ...]
    hostname: str = HOSTNAME


@dataclass(frozen=True, slots=True)
class Started:
    """What is known of a container once it runs, or why it does not: JSON primitives only."""

    key: str
    release: str
    image: str = ""
    image_digest: str = ""
    notes: list[str] = field(default_factory=list)
    container: str = ""
    own_address: str = ""
    addresses: dict[str, list[Any]] = field(default_factory=dict)
    problem: str = ""

    def address(self, port: int) -> tuple[str, int]:
        """Host and port on which the container's ``port`` is reached from here."""
        if str(port) not in self.addresses:
            raise Unreachable(f"port {port} of {self.key} was not opened to the outside when it started")
        host, published = self.addresses[str(port)]
        return str(host), int(published)


class Lab:
    """Owns what a run starts. ``say`` gets a line for each thing that takes time."""

    def __init__(self, run: str, directory: Path, say: Say) -> None:
        self.run = run
        self.directory = directory
        self.say = say
        self.labels = {LABEL: "1", f"{LABEL}.run": run, f"{LABEL}.locks": _here()}
        self._client: docker.DockerClient | None = None
        self._network: Network | None = None
        self._outside: Outside | None = None
        self._lock: IO[str] | None = None
        self._building = threading.Lock()
        self._images: dict[str, Image | MailproofError] = {}
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="lab")
        self._closed = False

    def start(self, wanted: Sequence[Wanted], settle: Callable[[Started], None]) -> list[Future[None]]:
        """Start every container in the background; ``settle`` gets each as soon as it runs or is known not to."""
        self._lock = hold(self.run)
        return [self._pool.submit(self._settle, each, settle) for each in wanted]

    def close(self) -> str:
        """Remove everything that this run started. Returns what stood in the way, if anything did, and never raises: so
        nothing hides the run's own outcome."""
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        problem = _cleared(self._client, self.run) if self._client else ""
        if self._lock:
            Path(self._lock.name).unlink(missing_ok=True)
            self._lock.close()
        return problem

    def _settle(self, wanted: Wanted, settle: Callable[[Started], None]) -> None:
        try:
            started = self._run(wanted)
        except MailproofError as error:
            started = Started(wanted.key, wanted.release.name, problem=str(error))
        except (DockerException, OSError) as error:
            started = Started(wanted.key, wanted.release.name, problem=f"the container engine refused: {_short(error)}")
        settle(started)

    def _run(self, wanted: Wanted) -> Started:
        client, image = self._engine(), self._image(wanted.release)
        network, view = self._place()
        if self._closed:
            raise EngineTrouble("the run was ended before this container started")
        container = self._create(client, image, network, view, wanted)
        container.put_archive("/etc", _archive(wanted.files))
        container.start()
        container.reload()
        attrs = container.attrs
        addresses = {str(port): list(view.address(attrs, port)) for port in wanted.ports}
        own = str(attrs["NetworkSettings"]["Networks"][str(network.name)]["IPAddress"])
        return Started(wanted.key, wanted.release.name, image.tag, image.digest, list(image.notes), str(container.id),
                       own, addresses)  # fmt: skip

    def _create(
        self, client: docker.DockerClient, image: Image, network: Network, view: Outside, wanted: Wanted
    ) -> Container:
        ports: Any = {f"{port}/tcp": (view.bind, None) for port in wanted.ports} if view.bind else {}
        name = f"mailproof-{self.run}-{wanted.key.replace('/', '-').replace(':', '-')}"
        return client.containers.create(
            image.tag, name=name, hostname=wanted.hostname, network=network.name, ports=ports, labels=self.labels,
        )  # fmt: skip

    def _engine(self) -> docker.DockerClient:
        if self._client is None:
            self._client = connect()
        return self._client

    def _image(self, release: Release) -> Image:
        with self._building:
            if release.name not in self._images:
                try:
                    self._images[release.name] = ensure_image(self._engine(), release, self.say)
                except MailproofError as error:
                    self._images[release.name] = error
            found = self._images[release.name]
        if isinstance(found, MailproofError):
            raise found
        return found

    def _place(self) -> tuple[Network, Outside]:
        with self._building:
            if self._network is None or self._outside is None:
                reap(self._engine())
                self._network = create_network(self._engine(), f"mailproof-{self.run}", self.labels)
                self._outside = outside(self._engine(), self._network)
            return self._network, self._outside


def connect() -> docker.DockerClient:
    """A client of the engine that the environment names; raises `EngineTrouble` with what to do."""
    try:
        client = docker.from_env(version="auto", timeout=120)
        client.ping()
    except DockerException as error:
        where = os.environ.get("DOCKER_HOST", "this machine")
        raise EngineTrouble(
            f"no container engine answers on {where} ({_short(error)}): run ./check, which installs and starts one"
        ) from None
    return client


def reap(client: docker.DockerClient) -> None:
    """Remove what killed runs of this user on this machine left on the engine."""
    here = f"{LABEL}.locks={_here()}"
    containers = client.containers.list(all=True, filters={"label": here}, ignore_removed=True)
    found = [*containers, *client.networks.list(filters={"label": here})]
    runs = {_run_of(each.attrs) for each in found}
    for run in runs - {""}:
        if not alive(run):
            with suppress(APIError):  # another run may be at it; what stays goes next time
                _remove(client, run)


def alive(run: str) -> bool:
    """True while some process holds the run's lock."""
    path = LOCKS / f"{run}.lock"
    if not path.exists():
        return False
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        path.unlink(missing_ok=True)
    return False


def write_state(directory: Path, started: Started, extra: Mapping[str, Any]) -> None:
    """Publish a container's description for every process of the run, whole or not at all."""
    path = state_path(directory, started.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps({"started": asdict(started), **extra}))
    scratch.replace(path)


def state_path(directory: Path, key: str) -> Path:
    """Where a container's description lies."""
    return directory / "specimens" / f"{key.replace('/', '@')}.json"


def _here() -> str:
    return f"{socket.gethostname()}:{LOCKS}"


def hold(run: str) -> IO[str]:
    """Take the run's lock, for as long as the file is open: it tells other runs that this one lives."""
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    file = (LOCKS / f"{run}.lock").open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _run_of(attrs: Mapping[str, Any]) -> str:
    labels = attrs.get("Labels") or attrs.get("Config", {}).get("Labels") or {}
    return str(labels.get(f"{LABEL}.run", ""))


def _cleared(client: docker.DockerClient, run: str) -> str:
    try:
        _remove(client, run)
    except (DockerException, OSError) as error:
        return f"what this run started could not be removed ({_short(error)}): the next run does it"
    finally:
        client.close()
    return ""


def _remove(client: docker.DockerClient, run: str) -> None:
    mine: dict[str, str | list[str] | bool] = {"label": f"{LABEL}.run={run}"}
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(_discard, client.containers.list(all=True, filters=mine, ignore_removed=True)))
    for network in client.networks.list(filters=mine):
        _leave(network)
        with suppress(NotFound):
            network.remove()


_GONE = (404, 409)
"""What the engine says of a container that is gone, or that another run is removing right now."""


def _discard(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except APIError as error:
        if error.status_code not in _GONE:
            raise


def _leave(network: Network) -> None:
    """Disconnect ourselves, where mailproof runs in a container that had joined."""
    with suppress(NotFound, APIError):
        network.disconnect(socket.gethostname())


def _archive(files: Files) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (content, mode) in _with_directories(files):
            entry = tarfile.TarInfo(f"mailproof/{path}".rstrip("/"))
            entry.mode, entry.size = mode, len(content)
            entry.type = tarfile.DIRTYPE if path.endswith("/") or not path else tarfile.REGTYPE
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _with_directories(files: Files) -> Iterable[tuple[str, tuple[bytes, int]]]:
    yield "", (b"", 0o755)
    yield "files/", (b"", 0o755)
    yield "flawed/", (b"", 0o755)
    yield from files.items()


def _short(error: Exception) -> str:
    text = str(getattr(error, "explanation", None) or error)
    words = " ".join(text.split())
    return words if len(words) <= 600 else f"{words[:200]} … {words[-400:]}"  # the cause stands at the end
