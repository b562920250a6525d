"""An assistant: the protocol's own client, with `rundun mcp` in a process of its own or in this one."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from mcp import Client, StdioServerParameters, stdio_client

from rundun.mcp.api_client import ApiClient
from rundun.mcp.server import make_server
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.service_process import environment
from tests.helpers.service import World

T = TypeVar("T")
WHOLE_ID = re.compile("r-[0-9a-f]{8}-[0-9a-f]{4}-", re.IGNORECASE)


@dataclass
class Assistant:
    """A session. Whatever a tool says is looked through for what would open a run."""

    client: Client

    async def call(self, tool: str, **arguments: Any) -> Any:
        """What a tool answers that does as it is told."""
        is_error, content = await self.told(tool, arguments)
        assert not is_error, content
        return content

    async def refused(self, tool: str, **arguments: Any) -> Any:
        """What a tool answers that refuses."""
        is_error, content = await self.told(tool, arguments)
        assert is_error, content
        return content

    async def told(self, tool: str, arguments: dict[str, Any]) -> tuple[bool, Any]:
        """Whether a tool refuses, and what it answers."""
        result = await self.client.call_tool(tool, arguments)
        (block,) = result.content
        content = json.loads(block.text)
        rest = {name: value for name, value in content.items() if (tool, name) != ("dispatch_run", "link")}
        assert not WHOLE_ID.search(json.dumps(rest)), "who reads this can do the run"
        assert len(block.text) <= 40_000
        return bool(result.is_error), content


def key_of(w: World) -> str:
    """Acme's API key."""
    return w.acme.headers["authorization"].removeprefix("Bearer ")


@asynccontextmanager
async def in_this_process(
    url: str, key: str, transport: httpx2.AsyncBaseTransport | None = None, *, may_write: bool = True
) -> AsyncIterator[Assistant]:
    """A session with the server in this process."""
    server = make_server(ApiClient(url, key, transport), may_write=may_write)
    async with Client(server, read_timeout_seconds=PATIENCE) as client:
        yield Assistant(client)


@asynccontextmanager
async def by_stdio(folder: Path, *arguments: str, **env: str) -> AsyncIterator[Assistant]:
    """A session with `rundun mcp` over its standard input and output, what it says beside in `folder/stderr`."""
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "rundun", "mcp", *arguments], env={**environment(), **env}, cwd=folder
    )
    with (folder / "stderr").open("w") as errors:
        async with Client(stdio_client(command, errlog=errors), read_timeout_seconds=PATIENCE) as client:
            yield Assistant(client)


@asynccontextmanager
async def in_a_task(context: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a context in one task, as the client needs it; fixtures do that in two."""
    entered: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def hold() -> None:
        try:
            async with context as value:
                entered.set_result(value)
                await over.wait()
        except BaseException as error:
            if entered.done():
                raise
            entered.set_exception(error)

    task = asyncio.create_task(hold())
    try:
        yield await entered
    finally:
        over.set()
        await task
