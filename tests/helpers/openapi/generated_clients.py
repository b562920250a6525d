"""Clients that generators make by the commands of the guide, and what their programs print of a whole run."""

import asyncio
import os
import re
import shutil
from pathlib import Path

from rundun import paths
from rundun.web.docs.pages import README_SITE
from tests.helpers.pictures import images
from tests.helpers.processes.served import served
from tests.helpers.service import World

DONE = re.compile(
    r"completed \S+( \S+)?\ns-oven [Tt]rue\ns-fridge o-empty\ns-kitchen (None|null|<nil>) http://\S+/media/\S+\.jpg\n"
)
QUIET_NPM = {"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_ignore_scripts": "true"}


def commands(heading: str) -> list[str]:
    """The commands that the guide shows below a heading, or below another line."""
    below = (paths.templates() / "docs" / "clients.md").read_text("utf-8").partition(f"\n{heading}\n")[2]
    return below.partition("```sh\n")[2].partition("\n```")[0].splitlines()


async def run(line: str, folder: Path, site: str = README_SITE, w: World | None = None) -> str:
    """What a command of the guide prints, in which `site` stands for the service; that of `w` has a key for it."""
    key = w.acme.headers["authorization"].removeprefix("Bearer ") if w else ""
    process = await asyncio.create_subprocess_shell(
        line.replace(README_SITE, site),
        cwd=folder,
        env={**os.environ, **QUIET_NPM, "KEY": key, "SERVICE": site},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def run_done(folder: Path, lines: list[str], w: World) -> str:
    """What the last of the guide's commands prints, beside its programs and a picture: a whole run is done by it."""
    for name in ("client.py", "client.ts"):
        shutil.copy(paths.templates() / "docs" / "samples" / name, folder)
    (folder / "kitchen.jpg").write_bytes(images.jpeg())
    async with served(w) as site:
        printed = [await run(line, folder, site, w) for line in lines]
    (record,) = (await w.acme.get("/v1/runs")).json()["data"]
    assert (record["status"], record["executor_ref"]) == ("completed", "booking_12345")
    return printed[-1]
