"""Generated clients do a whole run, by the commands and the programs that the guide shows, with no hand edit."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.openapi.generated_clients import DONE, commands, run, run_done
from tests.helpers.processes.served import served
from tests.helpers.processes.service_process import ROOT
from tests.helpers.service import World


def environment_of_the_generator() -> Path:
    """The folder of the generator's environment, which the Makefile makes once."""
    made = subprocess.run(
        ["make", "-s", f"VENV={sys.prefix}", f"{sys.prefix}/.client"], cwd=ROOT, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    return Path(sys.prefix) / "client"


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


async def run_again(folder: Path, line: str, w: World) -> str:
    """What the client prints that repeats the run."""
    (folder / "again.py").write_text(AGAIN)
    async with served(w) as site:
        return await run(line, folder, site, w)


@pytest.mark.long
async def test_a_generated_client_in_python_does_a_whole_run(w: World, tmp_path: Path) -> None:
    make, install, *lines = commands("## Python")
    assert make == "python3 -m venv client"
    assert install.removeprefix("client/bin/pip install ") in (ROOT / "Makefile").read_text("utf-8")
    (tmp_path / "client").symlink_to(await asyncio.to_thread(environment_of_the_generator))
    assert DONE.fullmatch(await run_done(tmp_path, lines, w))
    again = lines[-1].replace("client.py kitchen.jpg", "again.py")
    assert await run_again(tmp_path, again, w) == "True Once more booking_12345 None\n"
