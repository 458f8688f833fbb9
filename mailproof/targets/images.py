"""Images that specimens are made of, one per release, tagged by a digest of all that goes into them.

An unchanged recipe is thus never built again and a changed one always is. Knows no daemons: the recipe does.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.images import Image as EngineImage

from mailproof.errors import EngineTrouble
from mailproof.machine import Say, locked, tail
from mailproof.model import Release
from mailproof.targets.base import bootstrap_command, ensure_base

CONTAINERS = Path(__file__).parents[2] / "containers"
LABEL = "mailproof"
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the engine has. ``digest`` is the engine's id of it; ``notes`` tell the record what was special."""

    tag: str
    digest: str
    notes: tuple[str, ...]


def ensure_image(client: docker.DockerClient, release: Release, say: Say) -> Image:
    """The release's image, built if the engine lacks it; raises `EngineTrouble`. ``say`` takes lines of progress."""
    tag = image_tag(release)
    try:
        return _present(client, tag)
    except ImageNotFound:
        pass
    try:
        with locked(f"image-{release.name}"):
            return _present_or_built(client, release, tag, say)
    except DockerException as error:
        raise EngineTrouble(f"{release.title}: the engine refused to make its image: {error}") from None


def image_tag(release: Release, containers: Path = CONTAINERS) -> str:
    """The tag of a release's image: a digest of the recipe's files, the release's row and the bootstrap command."""
    digest = hashlib.sha256()
    row = {**asdict(release), "title": "", "stable": False}
    digest.update(json.dumps([row, bootstrap_command(release, "-")], sort_keys=True).encode())
    for path in sorted((containers / release.recipe).parent.iterdir()):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return f"{LABEL}/{release.name}:{digest.hexdigest()[:12]}"


def superseded(images: Iterable[EngineImage], release: Release, tag: str) -> list[EngineImage]:
    """Those of our images of a release that are not the one called ``tag``."""
    mine = [image for image in images if image.labels.get(f"{LABEL}.release") == release.name]
    return [image for image in mine if tag not in image.tags]


def _present_or_built(client: docker.DockerClient, release: Release, tag: str, say: Say) -> Image:
    try:
        return _present(client, tag)  # another run may have built it while we waited
    except ImageNotFound:
        pass
    base = ensure_base(client, release, say)
    notes = (base.origin, *([f"{release.title}: {release.note}"] if release.note else []))
    for note in notes:
        say(f"{release.name}: {note}")
    _build(client, release, tag, base.tag, notes, say)
    image = _present(client, tag)
    _clean(client, release, tag)
    say(f"{release.name}: built {tag}")
    return image


def _present(client: docker.DockerClient, tag: str) -> Image:
    found = client.images.get(tag)
    return Image(tag, str(found.id), tuple(json.loads(found.labels.get(f"{LABEL}.notes", "[]"))))


def _build(
    client: docker.DockerClient, release: Release, tag: str, base: str, notes: tuple[str, ...], say: Say
) -> None:
    recipe = CONTAINERS / release.recipe
    labels = {LABEL: "1", f"{LABEL}.release": release.name, f"{LABEL}.notes": json.dumps(notes)}
    news = client.api.build(
        path=str(recipe.parent), dockerfile=recipe.name, tag=tag, rm=True, forcerm=True, decode=True, labels=labels,
        network_mode="host", buildargs=_arguments(release, base),
    )  # fmt: skip
    log: list[str] = []
    for step in news:
        _follow(step, release, log, say)


def _follow(step: Mapping[str, Any], release: Release, log: list[str], say: Say) -> None:
    """Take in one message of a build: steps are said, all else is kept for the case that it fails."""
    text = str(step.get("stream", "")).strip()
    log += text.splitlines()
    if text.startswith("Step ") and " : RUN " in text:
        say(f"{release.name}: {' '.join(text.split())[:100]}")
    if "error" in step:
        raise EngineTrouble(f"{release.title}: its image cannot be built: {step['error']}\n{tail(chr(10).join(log))}")


def _arguments(release: Release, base: str) -> dict[str, str]:
    """The recipe's arguments, and our proxies: the build fetches packages from where we would."""
    apt = " ".join(f"--option={option}" for option in release.apt_options)
    names = [*_PROXIES, *(name.upper() for name in _PROXIES)]
    proxies = {name: os.environ[name] for name in names if os.environ.get(name)}
    return {"BASE": base, "APT_OPTIONS": apt, "DROP_SUITES": " ".join(release.drop_suites), **proxies}


def _clean(client: docker.DockerClient, release: Release, tag: str) -> None:
    """Remove the release's older images; the engine refuses that for those in use, which is right."""
    for image in superseded(client.images.list(filters={"label": f"{LABEL}.release={release.name}"}), release, tag):
        with suppress(APIError):
            client.images.remove(str(image.id))
