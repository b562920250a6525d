"""A connection in a thread, and the queue of calls for it."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Self, TypeVar, TypeVarTuple

import aiosqlite

from rundun.errors import Problem
from rundun.store.batches import Call, translate_error
from rundun.store.sqlite.transaction import CommitThenRaise, Env

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
MAX_BATCH = 4 * 1024 * 1024  # bytes of pictures that one commit, or one read, may carry
BATCH_YIELDS = 4  # turns of the event loop that the first call of a batch waits for others: some ten microseconds


class ThreadConnection(aiosqlite.Connection):
    """An aiosqlite connection that runs a function in its thread, in one hop."""

    async def call(self, function: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts) -> T:
        """Run `function(connection, *args)` in the connection's thread, and return its result."""
        execute: Callable[..., Awaitable[T]] = self._execute
        return await execute(function, self._conn, *args)

    @classmethod
    async def open(cls, connector: Callable[[], sqlite3.Connection]) -> Self:
        """Start the thread, open the connection in it, and return it; where this raises, the thread has ended."""
        opened = cls(connector, 64)
        try:
            await opened
        except BaseException:
            # The thread still has to answer that it stops; in a loop that is closed by then, that would raise.
            await asyncio.to_thread(opened._thread.join)
            raise
        return opened


class Worker:
    """A connection and its queue: all waiting calls are one batch, in the order of their arrival. Of the heavy calls a
    batch has only `MAX_BATCH` bytes, so no call waits for all pictures of another client.
    """

    def __init__(
        self,
        db: ThreadConnection,
        batch: Callable[[sqlite3.Connection, Env, Sequence[Call]], None],
        env: Env,
        committed: Callable[[set[str]], None],
    ) -> None:
        self._db = db
        self._batch = batch
        self._env = env
        self._committed = committed
        self._waiting: deque[Call] = deque()
        self._heavy: deque[Call] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._work())

    async def run_alone(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function(connection)` between two batches, outside of a transaction, and return its result."""
        return await self._db.call(function)

    @property
    def queued(self) -> int:
        """Return the number of waiting calls."""
        return len(self._waiting) + len(self._heavy)

    async def submit(
        self, function: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object], weight: int = 0
    ) -> T:
        """Queue a call of `weight` bytes, and return its result or raise its error. Cancelling the caller does not
        cancel it. Raises `unavailable` while the worker closes.
        """
        if self._closing:
            raise Problem("unavailable", "The service is ending; try again.", retry_after=5)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        queue = self._heavy if weight else self._waiting
        queue.append(Call(function, args, kwargs, future, weight))
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
                calls = self._take()
                try:
                    await self._db.call(self._batch, self._env, calls)
                except BaseException as error:
                    problem = translate_error(error)
                    for call in calls:
                        call.error = problem
                self._answer(calls)

    def _take(self) -> list[Call]:
        calls = list(self._waiting)
        self._waiting.clear()
        weight = 0
        while self._heavy and (not weight or weight + self._heavy[0].weight <= MAX_BATCH):
            calls.append(self._heavy.popleft())
            weight += calls[-1].weight
        return calls

    def _answer(self, calls: list[Call]) -> None:
        touched: set[str] = set()
        for call in calls:
            touched |= call.touched
        if touched:
            self._committed(touched)  # before any answer: a revoked key is dead once its revocation is answered
        for call in calls:
            if call.future.done():  # the caller was cancelled
                continue
            if isinstance(call.error, CommitThenRaise):
                call.future.set_exception(call.error.problem)
            elif isinstance(call.error, StopIteration):
                call.future.set_exception(RuntimeError("an action raised StopIteration"))  # no future takes it
            elif call.error is not None:
                call.future.set_exception(call.error)
            else:
                call.future.set_result(call.result)

    async def close(self) -> None:
        """Run the waiting calls, then close the connection (an open one would keep the process alive)."""
        self._closing = True
        self._wake.set()
        await self._task
        await self._db.close()
