"""The steps of our Dockerfile, done in bare roots: of each instruction what that file uses, and no more."""

import json
import shlex
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.packages.roots import Root


@dataclass
class Image:
    """What a container starts from."""

    root: Root
    user: str = "root:root"
    folder: str = "/"
    variables: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", "").splitlines():
        name, _, argument = line.partition(" ")
        yield name, argument.strip()


def build(text: str, context: Path, base: Callable[[str], Root]) -> Image:
    """Do all steps; `base` returns a new root for the image that a stage begins from."""
    stages: dict[str, Image] = {}
    image: Image | None = None
    for name, argument in instructions(text):
        if name == "FROM":
            origin, _, alias = argument.partition(" AS ")
            image = Image(base(origin))
            stages[alias or "last"] = image
            continue
        assert image, f"{name} before FROM"
        if name == "RUN":
            image.root.run(argument, user=image.user, folder=image.folder, **image.variables)
        elif name == "COPY":
            _copy(argument, image, context, stages)
        elif name == "ENV":
            image.variables |= dict([argument.split("=", 1)])
        elif name == "USER":
            image.user = argument
        elif name == "WORKDIR":
            image.folder = argument
        elif name == "VOLUME":
            image.volumes.append(argument)
        elif name == "HEALTHCHECK":
            image.health = json.loads(argument.partition("CMD ")[2])
        elif name == "ENTRYPOINT":
            image.entrypoint = json.loads(argument)
        elif name == "CMD":
            image.command = json.loads(argument)
        else:
            assert name == "EXPOSE", f"nobody has said here what {name} does"
    assert image
    return image


def _copy(argument: str, image: Image, context: Path, stages: dict[str, Image]) -> None:
    words = shlex.split(argument)
    origin = stages[words.pop(0).removeprefix("--from=")].root.path if words[0].startswith("--") else context.joinpath
    source, target = origin(words[0]), image.root.path(words[1])
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy(source, target / source.name if words[1].endswith("/") else target)
