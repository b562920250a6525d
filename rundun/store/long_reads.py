"""Long reads, on their own connection, so that no short read waits for them."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from rundun.store.batches import Call, read_batch
from rundun.store.sqlite.database_file import DatabaseLost, FileWatch
from rundun.store.sqlite.transaction import Env, Tx

P = ParamSpec("P")
T = TypeVar("T")


class LongReader:
    """A read-only connection for one thread at a time. SQLite releases the interpreter's lock while it works, so other
    threads read and write meanwhile.
    """

    def __init__(self, db: sqlite3.Connection, env: Env, files: FileWatch) -> None:
        self._db = db
        self._env = env
        self._files = files
        self._lock = threading.Lock()

    def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of `function(tx, …)`, run in the calling thread on one snapshot. Blocks while another read
        lasts. Raises its errors, and `DatabaseLost` while the opened files are not at their paths.
        """
        call = Call(function, args, kwargs, cast("asyncio.Future[Any]", None))
        with self._lock:
            if self._files.is_lost:
                raise DatabaseLost
            read_batch(self._db, self._env, [call])
        if call.error:
            raise call.error
        return cast(T, call.result)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Allow no read while the context lasts: an open snapshot keeps the log."""
        acquiring = asyncio.ensure_future(asyncio.to_thread(self._lock.acquire))
        try:
            await asyncio.shield(acquiring)
        except asyncio.CancelledError:  # the thread goes on waiting, and gets the lock later
            acquiring.add_done_callback(lambda _: self._lock.release())
            raise
        try:
            yield
        finally:
            self._lock.release()

    async def close(self) -> None:
        """Interrupt the current read, and close the connection (an open one would keep the log)."""
        self._db.interrupt()
        async with self.paused():
            self._db.close()
