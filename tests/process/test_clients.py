"""Generated clients do a whole run, by the commands and the programs that the guide shows, with no hand edit."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rundun import paths
from rundun.web.docs.pages import README_SITE
from tests.helpers import images
from tests.helpers.served import served
from tests.helpers.service import World
from tests.helpers.service_process import ROOT

GUIDE = paths.templates() / "docs" / "clients.md"
DONE = re.compile(
    r"completed \S+( \S+)?\ns-oven [Tt]rue\ns-fridge o-empty\ns-kitchen (None|null) http://\S+/media/\S+\.jpg\n"
)
QUIET_NPM = {"npm_config_audit": "false", "npm_config_fund": "false", "npm_config_ignore_scripts": "true"}


def commands(heading: str) -> list[str]:
    """The commands that the guide shows below a heading."""
    below = GUIDE.read_text("utf-8").partition(f"\n## {heading}\n")[2]
    return below.partition("```sh\n")[2].partition("\n```")[0].splitlines()


def environment_of_the_generator() -> Path:
    """The folder of the generator's environment, which the Makefile makes once."""
    made = subprocess.run(
        ["make", "-s", f"VENV={sys.prefix}", f"{sys.prefix}/.client"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    return Path(sys.prefix) / "client"


async def run(line: str, folder: Path, site: str, w: World) -> str:
    """What a command of the guide prints."""
    key = w.acme.headers["authorization"].removeprefix("Bearer ")
    process = await asyncio.create_subprocess_shell(
        line.replace(README_SITE, site),
        cwd=folder,
        env={**os.environ, **QUIET_NPM, "KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


AGAIN = """
import os
from rundun_client import AuthenticatedClient
from rundun_client.api.runs import get_run, list_runs, repeat_run
from rundun_client.models import RepeatBody

rundun = AuthenticatedClient(base_url=os.environ["SERVICE"], token=os.environ["KEY"])
(run,) = list_runs.sync(client=rundun).data
made = repeat_run.sync(run.run_id, client=rundun, body=RepeatBody(title="Once more"))
again = get_run.sync(made.run_id, client=rundun)
print(again.previous_run_id == run.run_id, again.title, again.executor_ref, run.previous_run_id)
"""


async def run_done(folder: Path, lines: list[str], w: World) -> str:
    """Returns what the last of the commands prints, beside the programs and a picture."""
    for name in ("client.py", "client.ts"):
        shutil.copy(paths.templates() / "docs" / "samples" / name, folder)
    (folder / "kitchen.jpg").write_bytes(images.jpeg())
    async with served(w) as site:
        printed = [await run(line, folder, site, w) for line in lines]
    (record,) = (await w.acme.get("/v1/runs")).json()["data"]
    assert (record["status"], record["executor_ref"]) == ("completed", "booking_12345")
    return printed[-1]


async def run_again(folder: Path, line: str, w: World) -> str:
    """What the client prints that repeats the run."""
    (folder / "again.py").write_text(AGAIN)
    async with served(w) as site:
        return await run(line, folder, site, w)


async def test_a_generated_client_in_python_does_a_whole_run(w: World, tmp_path: Path) -> None:
    make, install, *lines = commands("Python")
    assert make == "python3 -m venv client"
    assert install.removeprefix("client/bin/pip install ") in (ROOT / "Makefile").read_text("utf-8")
    (tmp_path / "client").symlink_to(await asyncio.to_thread(environment_of_the_generator))
    assert DONE.fullmatch(await run_done(tmp_path, lines, w))
    again = lines[-1].replace("client.py kitchen.jpg", "again.py")
    assert await run_again(tmp_path, again, w) == "True Once more booking_12345 None\n"


@pytest.mark.soak
async def test_generated_types_in_typescript_do_a_whole_run(w: World, tmp_path: Path) -> None:
    for program in ("node", "npm"):
        assert shutil.which(program), f"{program} is needed: install Node.js, which has both, and try again"
    assert DONE.fullmatch(await run_done(tmp_path, commands("TypeScript"), w))
