"""A world on a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from tests.world import World


class Quiet(uvicorn.Server):
    """A server inside a test, which leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(w: World) -> AsyncIterator[str]:
    """The world's address on a real socket, while the context lasts."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = Quiet(uvicorn.Config(w.app, lifespan="off", log_level="error"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    await task
    listening.close()
