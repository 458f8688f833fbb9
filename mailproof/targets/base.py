"""The image that a release's recipe builds on: pulled, or bootstrapped from the distribution's own packages."""

from __future__ import annotations

import hashlib
import queue
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound

from mailproof import machine
from mailproof.errors import EngineTrouble, OurFault
from mailproof.machine import Say
from mailproof.model import Release

FIRST_WORD = 8.0
"""Seconds until a registry must have said something; one that cannot be reached must not hold a run up."""
NEXT_WORD = 60.0
"""Seconds between two signs of life while an image comes in."""

_silent: set[str] = set()
"""Repositories whose registry gave nothing in this process: asked once."""


@dataclass(frozen=True, slots=True)
class Base:
    """A base image that the engine has: its tag, and where it came from, for the record."""

    tag: str
    origin: str


def ensure_base(client: docker.DockerClient, release: Release, say: Say) -> Base:
    """Pull the release's base image, or take the engine's copy, or bootstrap one; raises `EngineTrouble`."""
    if _pull(client, release.image, say):
        return Base(release.image, f"base image {release.image}, pulled")
    own = own_tag(release)
    if _has(client, own):
        return Base(own, _bootstrapped(release))
    if _has(client, release.image):
        return Base(release.image, f"base image {release.image}, as the engine had it: no registry answered")
    _bootstrap(client, release, own, say)
    return Base(own, _bootstrapped(release))


def own_tag(release: Release) -> str:
    """The tag of a base image of our making: it changes with the command that makes it."""
    digest = hashlib.sha256("\0".join(bootstrap_command(release, "-")).encode()).hexdigest()
    return f"mailproof/base-{release.suite}:{digest[:12]}"


def bootstrap_command(release: Release, archive: str) -> list[str]:
    """The mmdebstrap command line that writes the release's root file system to ``archive``."""
    command = ["mmdebstrap", "--quiet", "--format=tar", "--variant=minbase"]
    command += [f"--aptopt={line}" for line in apt_configuration(release.apt_options)]
    if release.drop_suites:
        expression = "/ (" + "|".join(release.drop_suites) + ") /d"
        command.append(f"--setup-hook=sed -i -E '{expression}' \"$1/etc/apt/sources.list\"")
    return [*command, release.suite, archive]


def apt_configuration(options: Iterable[str]) -> list[str]:
    """``Name=value`` as lines of apt.conf(5), which is how mmdebstrap(1) takes them."""
    return [f'{name} "{value}"' for name, _, value in (option.partition("=") for option in options)]


def _bootstrapped(release: Release) -> str:
    return f"base image bootstrapped from the packages of {release.title} with mmdebstrap: no registry answered"


def _bootstrap(client: docker.DockerClient, release: Release, tag: str, say: Say) -> None:
    try:
        if not machine.find("mmdebstrap"):
            machine.install(("mmdebstrap", "debian-archive-keyring"), say)
        with tempfile.TemporaryDirectory(prefix="mailproof-") as scratch:
            archive = Path(scratch, "root.tar")
            say(f"{release.name}: bootstrapping a base image from Debian's packages with mmdebstrap")
            machine.run(bootstrap_command(release, str(archive)), 900)
            repository, _, version = tag.rpartition(":")
            client.api.import_image_from_file(
                str(archive), repository=repository, tag=version, changes=["LABEL mailproof=1"]
            )
    except OurFault as trouble:
        without = f"{release.title}: no registry gave {release.image}, nor can it be bootstrapped"
        raise EngineTrouble(f"{without}: {trouble}") from None


def _pull(client: docker.DockerClient, image: str, say: Say) -> bool:
    """Whether the registry gave the image within its deadlines."""
    repository, _, tag = image.rpartition(":")
    if repository in _silent:
        return False
    say(f"asking the registry for {image}")
    news: queue.SimpleQueue[object] = queue.SimpleQueue()
    threading.Thread(target=_fetch, args=(client, repository, tag, news), daemon=True).start()
    try:
        last = _last_word(news)
    except queue.Empty:
        last = TimeoutError(f"nothing within {FIRST_WORD:g} s")
    if last is None:
        return True
    if not isinstance(last, ImageNotFound):
        _silent.add(repository)
    reason = getattr(last, "explanation", None) or last
    say(f"the registry did not give {image}: {' '.join(str(reason).split())[:160]}")
    return False


def _last_word(news: queue.SimpleQueue[object]) -> object:
    """The last thing that `_fetch` puts: None, or the exception that ended it. Raises `queue.Empty` in silence."""
    word = news.get(timeout=FIRST_WORD)
    while isinstance(word, dict):
        word = news.get(timeout=NEXT_WORD)
    return word


def _fetch(client: docker.DockerClient, repository: str, tag: str, news: queue.SimpleQueue[object]) -> None:
    try:
        for step in client.api.pull(repository, tag=tag, stream=True, decode=True):
            news.put(DockerException(str(step["error"])) if "error" in step else step)
        news.put(None)
    except (DockerException, OSError) as error:
        news.put(error)


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True
