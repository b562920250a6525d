"""A connection's thread, and the calls that wait for it."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Self, TypeVar, TypeVarTuple

import aiosqlite

from rundun.errors import Problem
from rundun.store.batches import Job, client_error
from rundun.store.sqlite.transaction import CommitThenRaise, Env

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
MAX_BATCH = 4 * 1024 * 1024  # bytes of pictures that one commit, or one read, may carry
BATCH_YIELDS = 4  # turns of the event loop the first of a batch waits for others: some ten microseconds


class ThreadConnection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole function in its thread, in one hop."""

    async def call(self, function: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts) -> T:
        """Run `function(connection, *args)` in the connection's thread."""
        execute: Callable[..., Awaitable[T]] = self._execute
        return await execute(function, self._conn, *args)

    @classmethod
    async def open(cls, connector: Callable[[], sqlite3.Connection]) -> Self:
        """Start the thread and open the connection in it; when that fails, the thread has ended."""
        opened = cls(connector, 64)
        try:
            await opened
        except BaseException:
            # The thread still has to answer that it stops; in a loop that is closed by then, that would raise.
            await asyncio.to_thread(opened._thread.join)
            raise
        return opened


class Worker:
    """A connection and its queue: all calls that wait are taken together, in the order they came. Of the heavy calls
    only as many as fit are taken with the rest, so nobody stands behind all of somebody's pictures.
    """

    def __init__(
        self,
        db: ThreadConnection,
        batch: Callable[[sqlite3.Connection, Env, Sequence[Job]], None],
        env: Env,
        committed: Callable[[set[str]], None],
    ) -> None:
        self._db = db
        self._batch = batch
        self._env = env
        self._committed = committed
        self._waiting: deque[Job] = deque()
        self._heavy: deque[Job] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._work())

    async def alone(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function(connection)` between two batches, outside of any transaction."""
        return await self._db.call(function)

    @property
    def queued(self) -> int:
        """Return how many calls wait."""
        return len(self._waiting) + len(self._heavy)

    async def submit(
        self, function: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object], weight: int = 0
    ) -> T:
        """Queue a call and wait for its result; a client that goes away leaves its transaction whole."""
        if self._closing:
            raise Problem("unavailable", "The service is ending; try again.", retry_after=5)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queue = self._heavy if weight else self._waiting
        queue.append(Job(function, args, kwargs, future, weight))
        self._wake.set()
        return await future

    async def _work(self) -> None:
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting or self._heavy:
                # The loop first reads the requests that are there: one large batch in a loop that then rests costs
                # far less than small ones, whose thread and the loop's fight for the interpreter at every statement.
                for _ in range(BATCH_YIELDS):
                    await asyncio.sleep(0)
                jobs = self._take()
                try:
                    await self._db.call(self._batch, self._env, jobs)
                except BaseException as error:
                    problem = client_error(error)
                    for job in jobs:
                        job.error = problem
                self._answer(jobs)

    def _take(self) -> list[Job]:
        jobs = list(self._waiting)
        self._waiting.clear()
        weight = 0
        while self._heavy and (not weight or weight + self._heavy[0].weight <= MAX_BATCH):
            jobs.append(self._heavy.popleft())
            weight += jobs[-1].weight
        return jobs

    def _answer(self, jobs: list[Job]) -> None:
        touched: set[str] = set()
        for job in jobs:
            touched |= job.touched
        if touched:
            self._committed(touched)  # before any answer: a revoked key is dead once its revocation is answered
        for job in jobs:
            if job.future.done():  # who asked has gone away
                continue
            if isinstance(job.error, CommitThenRaise):
                job.future.set_exception(job.error.problem)
            elif isinstance(job.error, StopIteration):
                job.future.set_exception(RuntimeError("an action raised StopIteration"))  # no future takes it
            elif job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)

    async def close(self) -> None:
        """Finish what waits, then close the connection (an open one would keep the process alive)."""
        self._closing = True
        self._wake.set()
        await self._task
        await self._db.close()
