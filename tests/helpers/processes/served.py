"""A world on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from tests.helpers.patience import PATIENCE
from tests.helpers.service import World


class Quiet(uvicorn.Server):
    """A server inside a test, which leaves the process's signals alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application on a real socket while the context lasts."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = Quiet(uvicorn.Config(app, lifespan="off", log_level="error"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


@asynccontextmanager
async def served(w: World) -> AsyncIterator[str]:
    """Serve a world on a socket of its own while the context lasts."""
    async with listening(w.app) as address:
        yield address


class Front:
    """Serves the worlds of one test after the other on one socket: a server takes longer to stop than a world."""

    def __init__(self) -> None:
        self.address = ""
        self._app: Any = None
        self._under_way: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on to the world that is shown."""
        assert self._app is not None, f"{scope['path']}: asked between two tests"
        task = asyncio.current_task()
        assert task
        self._under_way.add(task)
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way.discard(task)

    @asynccontextmanager
    async def showing(self, w: World) -> AsyncIterator[str]:
        """Show a world while the context lasts, and until all requests to that world are answered. Streams and long
        polls hear that the service ends, as they do when it does; what is not answered within a minute fails the test.
        """
        self._app = w.app
        try:
            yield self.address
        finally:
            self._app = None
            w.service.notifier.end()
            if self._under_way:
                _, stuck = await asyncio.wait(self._under_way, timeout=PATIENCE)
                for task in stuck:
                    task.cancel()
                assert not stuck, f"never answered: {stuck}"
