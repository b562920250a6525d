"""Long reads: on a connection of their own, so that no short read waits for one."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from rundun.store.batches import Job, read_batch
from rundun.store.sqlite.database_file import DatabaseLost, FileWatch
from rundun.store.sqlite.transaction import Env, Tx

P = ParamSpec("P")
T = TypeVar("T")


class LongReader:
    """A connection that cannot write, for one thread at a time: SQLite lets go of the interpreter while it works, so
    others read and write meanwhile.
    """

    def __init__(self, db: sqlite3.Connection, env: Env, files: FileWatch) -> None:
        self._db = db
        self._env = env
        self._files = files
        self._lock = threading.Lock()

    def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(tx, …)` in the calling thread, on a consistent snapshot; raises `DatabaseLost`."""
        job = Job(function, args, kwargs, cast("asyncio.Future[Any]", None))
        with self._lock:
            if self._files.is_lost:
                raise DatabaseLost
            read_batch(self._db, self._env, [job])
        if job.error:
            raise job.error
        return cast(T, job.result)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Let nothing be read while the context lasts: a snapshot that is being read keeps the log."""
        acquiring = asyncio.ensure_future(asyncio.to_thread(self._lock.acquire))
        try:
            await asyncio.shield(acquiring)
        except asyncio.CancelledError:  # the thread goes on waiting, and has the lock one day
            acquiring.add_done_callback(lambda _: self._lock.release())
            raise
        try:
            yield
        finally:
            self._lock.release()

    async def close(self) -> None:
        """End the read under way, and close the connection (an open one would keep the log)."""
        self._db.interrupt()
        async with self.paused():
            self._db.close()
