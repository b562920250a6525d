"""The story of an upgrade: the version before, killed under load, then this one, killed while it upgrades the file."""

import asyncio
import io
import re
import shutil
import subprocess
import sys
import tarfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rundun.store.sqlite import connection
from tests.crash.clients import KINDS
from tests.crash.receivers import Receivers
from tests.crash.story import SETTINGS, Story, settle
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import ROOT, Serving, environment, looking, rows, serving

BEFORE = "fc0e2a6e"  # the version before this one, whose schema is 17
SNAPSHOT = "rundun.db.schema-17"
NOWHERE = {"webhooks_allow": "192.0.2.0/24"}  # what is undone below must not have reached anybody


def version_before(folder: Path) -> Path:
    """Lay the code of the version before into `folder`; skips where the history is not there."""
    wanted = ("rundun", "static", "templates", "tests/crash")
    archive = subprocess.run(["git", "archive", BEFORE, *wanted], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"this clone does not have {BEFORE}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        for one in files:
            path = folder / one.name
            if one.isdir():
                path.mkdir(parents=True, exist_ok=True)
            elif file := files.extractfile(one):
                path.write_bytes(file.read())
    return folder


@dataclass(eq=False, repr=False)
class StoryBefore(Story):
    """Lives of the version before. Nobody audits them: this version reads no file of an older one."""

    root: Path = ROOT

    def __post_init__(self) -> None:
        text = "".join(path.read_text() for path in self.root.glob("tests/crash/*.py") if path.stem != "administrator")
        self.kinds = {name: KINDS[name] for name in re.findall(r"@kind\(\d+\)\nasync def (\w+)", text)}

    def served(self) -> AbstractContextManager[Serving]:
        return serving(self.folder, root=self.root, **SETTINGS)

    def audit(self, *, is_end: bool = False) -> None:
        pass


async def tell_upgrade(folder: Path, seed: int, kills: int) -> Story:
    """Tell it: lives of the version before; so many upgrades of what they left, each killed at a moment of its own and
    then done; a few lives of this version on the last.
    """
    root, lives = version_before(folder / "code"), folder / "lives"
    lives.mkdir()

    def command(*arguments: str, typed: str = "") -> str:
        words = [sys.executable, "-m", "rundun", *arguments]
        streams: dict[str, Any] = {"input": typed, "stdout": subprocess.PIPE, "text": True}
        done = subprocess.run(words, cwd=lives, env=environment(root), check=True, **streams)
        return done.stdout.strip()

    ledger = settle(command)
    async with Receivers(Random(seed)).listening() as receivers:
        before = StoryBefore(lives, seed, ledger, receivers, root=root)
        for stage in ("at work", "at an upload", "at a stop", "at work"):
            await before.live(stage)
        left = shutil.copytree(lives, folder / "left", ignore=shutil.ignore_patterns("*.sock", "*.lock", "*-shm"))
        story = Story(lives, seed, ledger, receivers, before.lives, before.kills)
        story.kinds = {name: kind for name, kind in KINDS.items() if name != "erase"}  # keys from before may not
        for number in range(kills):
            _bring_back(left, lives)
            await _upgrade_killed(story, Random(f"{seed} {number}"))
        for stage in ("at work", "at the start", "at work"):
            await story.live(stage)
        await story.end()
    return story


def _bring_back(left: Path, folder: Path) -> None:
    for path in folder.glob("rundun.db*"):
        path.unlink()
    shutil.copytree(left, folder, dirs_exist_ok=True)


async def _upgrade_killed(story: Story, rng: Random) -> None:
    """Kill an upgrade, finish it, and audit what is there."""
    story.lives += 1
    story.receivers.life = story.lives
    with serving(story.folder, **SETTINGS | NOWHERE) as service:
        await asyncio.to_thread(_until, story.folder / rng.choice([SNAPSHOT, f"{SNAPSHOT}.part"]), service)
        await asyncio.sleep(rng.random() * 0.05)
        service.process.kill()
        service.ended()
    story.kills += 1
    with looking(story.folder) as db:
        ((schema,),) = rows(db, "PRAGMA user_version")
    story.by_stage[f"schema {schema}"] = story.by_stage.get(f"schema {schema}", 0) + 1
    connection.open_writer(story.folder / "rundun.db").close()
    for run in story.ledger.runs():
        run.touched = True
    story.audit()


def _until(path: Path, service: Serving) -> None:
    """Return once a file is there, or the service has begun to listen without it."""
    until = time.monotonic() + PATIENCE
    while not path.exists() and "service.started" not in service.text:
        assert time.monotonic() < until
