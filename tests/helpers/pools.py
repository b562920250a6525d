"""A pool of threads in a test, and work that ends when the test says so."""

import asyncio
import threading

from rundun.errors import Problem
from rundun.pool import BoundedPool
from tests.helpers.patience import PATIENCE


def refused(why):
    return Problem("unavailable", why, retry_after=7)


class Pool:
    """A pool with so many places, closed at the end of a story."""

    def __init__(self, places=100, threads=1, **more):
        self.pool, self.limits = BoundedPool(refused, threads=threads, **more), {"": places}

    def run(self, function, *args, **kwargs):
        return self.pool.run("", self.limits, function, *args, **kwargs)

    def run_for(self, owner, function, *args, most=1):
        return self.pool.run(owner, {owner: most, **self.limits}, function, *args)

    async def close(self):
        return await self.pool.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.pool.close()


class Slow:
    """Work that begins when a thread takes it and ends when the test says so."""

    def __init__(self):
        self.begun, self.go, self.done = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, answer="done"):
        self.begun.set()
        assert self.go.wait(PATIENCE)
        self.done.set()
        return answer


async def begun(slow):
    assert await asyncio.to_thread(slow.begun.wait, PATIENCE)
