"""What a receiver in Node, with npm's http-message-signatures, says to real requests. It is installed for the test, so
this is one for `make soak`; without node and npm it fails and says so.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.service import Clock, World, world
from tests.helpers.webhooks import hooked

LIBRARY = "http-message-signatures@1"
RECEIVER = Path(__file__).with_name("receiver.cjs")
SECRETS = ("a secret with ünïcode", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


async def installed(folder: Path) -> dict[str, str]:
    """The library, in `folder`; returns the environment that finds it."""
    for program in ("node", "npm"):
        assert shutil.which(program), f"{program} is needed: install Node.js, which has both, and try again"
    command = ("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), LIBRARY)
    npm = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await npm.communicate()
    assert npm.returncode == 0, output.decode()
    return {**os.environ, "NODE_PATH": str(folder / "node_modules")}


@asynccontextmanager
async def listening(environment: dict[str, str], secret: str) -> AsyncIterator[str]:
    """The receiver's URL, while it lives."""
    node = await asyncio.create_subprocess_exec(
        "node", str(RECEIVER), secret, env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert node.stdout is not None
        line = (await node.stdout.readline()).decode().strip()
        assert line, "the receiver did not start"
        yield line
    finally:
        node.terminate()
        await node.wait()


async def attempts(w: World, url: str, secret: str) -> list[Any]:
    """What the receiver says to a delivery, to the same by hand, and to a test."""
    ed = await hooked(w, url, secret=secret, events=["run.started"])
    await w.deliver()
    (delivery,) = await w.deliveries(ed)
    await w.acme.post(f"/v1/deliveries/{delivery['delivery_id']}/retry", json={})
    await w.deliver()
    trial = await w.acme.post("/v1/webhooks/test", json={"url": url, "secret": secret})
    assert trial.status_code == 200
    said = [(one["status"], one["response_excerpt"]) for one in (await w.deliveries(ed))[0]["attempts"]]
    told = trial.json()
    return [(status, excerpt or None) for status, excerpt in [*said, (told["status"], told["response"]["excerpt"])]]


@pytest.mark.soak
async def test_a_receiver_in_node_verifies_what_is_sent(tmp_path: Path) -> None:
    environment = await installed(tmp_path / "npm")
    async with world(tmp_path, Clock(int(time.time() * 1000))) as w:
        for secret in SECRETS:
            async with listening(environment, secret) as url:
                assert await attempts(w, url, secret) == [(204, None)] * 3
                refused = (401, "verified is false")
                assert await attempts(w, url, "another secret") == [refused] * 3
                assert [status for status, _ in await attempts(w, url.replace("a%20b", "b"), secret)] == [204] * 3
