"""A served world, and a phone to look at it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import uvicorn
from playwright.async_api import Browser, expect

from tests.browser.phone import Phone, chromium, phone
from tests.helpers.patience import PATIENCE
from tests.world import World

expect.set_options(timeout=PATIENCE * 1000)


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


@pytest.fixture
async def base(w: World) -> AsyncIterator[str]:
    """The world's address on a real socket."""
    async with served(w) as address:
        yield address


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests of a worker: each phone is a context of its own, with nothing of the others in it."""
    async with chromium() as one:
        yield one


@pytest.fixture
async def ed(browser: Browser, base: str) -> AsyncIterator[Phone]:
    """Ed's phone."""
    async with phone(browser, base) as one:
        yield one
