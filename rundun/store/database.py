"""The database in a running process: one writer that commits in groups, and a reader that cannot write.

A transaction is a plain function `action(tx, …)`. All waiting actions run in one hop to the writer's thread, inside
one BEGIN IMMEDIATE … COMMIT, each in its own savepoint, and are answered after the commit is on the disk.
"""

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from rundun.core import histogram, times
from rundun.core.histogram import Histogram
from rundun.store import housekeeping
from rundun.store.backups import copies
from rundun.store.batches import Call, commit_batch, read_batch, refuse_batch
from rundun.store.erasure.journal import ErasureJournal
from rundun.store.long_reads import LongReader
from rundun.store.organizations import quotas
from rundun.store.sqlite import connection, service_state, signing_key
from rundun.store.sqlite.database_file import DatabaseLost, FileWatch, Lock, restrict_to_owner, translate_errors
from rundun.store.sqlite.transaction import Clock, Env, Quotas, Tx
from rundun.store.worker import MAX_BATCH, ThreadConnection, Worker

P = ParamSpec("P")
T = TypeVar("T")
Subscriber = Callable[[set[str]], None]
_log = logging.getLogger("rundun.store")


@dataclass(slots=True)
class WriteFigures:
    """Figures of all write batches since the process began: their durations, their numbers of writes, and the number of
    batches that failed.
    """

    seconds: Histogram = field(default_factory=lambda: Histogram(histogram.SECONDS))
    sizes: Histogram = field(default_factory=lambda: Histogram(histogram.SIZES))
    failed: int = 0


def _write_batch(
    files: FileWatch, writes: WriteFigures, db: sqlite3.Connection, env: Env, calls: Sequence[Call]
) -> None:
    """Commit `calls`; all fail with `DatabaseLost` where the file was lost before the commit or after it."""
    if not files.is_lost:
        began = time.perf_counter()
        writes.failed += not commit_batch(db, env, calls)
        writes.seconds.observe(time.perf_counter() - began)
        writes.sizes.observe(len(calls))
        files.examine(whole=False)
    if files.is_lost:
        refuse_batch(calls, DatabaseLost())


def _read_batch(files: FileWatch, db: sqlite3.Connection, env: Env, calls: Sequence[Call]) -> None:
    if files.is_lost:
        refuse_batch(calls, DatabaseLost())
    else:
        read_batch(db, env, calls)


class Database:
    """The database: `await db.write(action, …)`, `await db.read(function, …)`; `subscribe` to changes."""

    def __init__(
        self,
        env: Env,
        files: FileWatch,
        lock: Lock,
        journal: ErasureJournal,
        writer: ThreadConnection,
        reader: ThreadConnection,
        long_reader: LongReader,
    ) -> None:
        self.env = env
        self.journal = journal
        self.long_reader = long_reader
        self.writes = WriteFigures()
        self._files = files
        self._lock = lock
        self._writer = Worker(writer, partial(_write_batch, files, self.writes), env, self._notify)
        self._reader = Worker(reader, partial(_read_batch, files), env, self._notify)
        self._subscribers: list[Subscriber] = []
        self._proving = asyncio.Lock()
        self._proven_at: int | None = None

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        clock: Clock,
        public_url: str,
        grace: int,
        default_quota: int = 0,
        external_checkpoints: bool = False,
    ) -> Self:
        """Open the database at `path` and return it: take the lock, migrate, and start the writer and the readers.
        `default_quota` is in bytes, 0 for unlimited; with `external_checkpoints` another program makes all checkpoints.
        Raises `unavailable` where the lock is taken or the file unusable.

        There is one reader for short reads: those that wait are one batch, and a second thread would only compete with
        the first one and the loop for the interpreter.
        """
        lock = Lock(path)
        opened: list[ThreadConnection] = []
        try:
            restrict_to_owner(path)
            with translate_errors(path):
                await asyncio.to_thread(copies.remove_unfinished, path)
            open_writer = partial(connection.open_writer, path, external_checkpoints=external_checkpoints)
            opened.append(await ThreadConnection.open(open_writer))
            links = await opened[0].call(signing_key.read_links, public_url)
            device_key = await opened[0].call(signing_key.read_device_key)
            journal = ErasureJournal(path)
            env = Env(clock, links, grace, device_key, quotas=Quotas(default_quota), keep_journal=journal.append)
            await opened[0].call(quotas.load_full, env.quotas)
            env.event_floor = await opened[0].call(service_state.read_event_floor)
            env.generation = await opened[0].call(service_state.read_generation)
            opened.append(await ThreadConnection.open(lambda: connection.open_reader(path)))
            files = FileWatch(path, lock)
            long_reader = LongReader(connection.open_reader(path), env, files)
        except BaseException:
            for db in opened:  # an open one would keep the process alive
                await db.close()
            lock.close()
            raise
        writer, reader = opened
        return cls(env, files, lock, journal, writer, reader, long_reader)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber(touched)` in the event loop after each commit whose actions touched something."""
        self._subscribers.append(subscriber)

    def _notify(self, touched: set[str]) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(touched)
            except Exception:  # a committed write is answered although a subscriber fails
                _log.exception("subscriber error")

    async def write(self, action: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `action(tx, …)`; returns its result, or raises its error, once the commit is on the disk. Raises
        `unavailable` where the commit fails, or while the service ends.
        """
        return await self._writer.submit(action, args, kwargs)

    async def write_heavy(
        self, weight: int, action: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action that carries `weight` bytes, whose sum in a batch is limited; returns its result, or raises its
        error, once the commit is on the disk.
        """
        return await self._writer.submit(action, args, kwargs, weight)

    async def write_last(self, action: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an action as the last of its commit; returns its result, or raises its error, after the commit. The next
        call then finds all its changes, including those kept outside the file, such as the signing key in `Env`.
        """
        return await self._writer.submit(action, args, kwargs, MAX_BATCH)

    async def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the result of `function(tx, …)`, run on one read-only snapshot, or raise its error."""
        return await self._reader.submit(function, args, kwargs)

    async def read_heavy(
        self, weight: int, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return the result of a function that reads `weight` bytes of pictures; their sum in a batch is limited."""
        return await self._reader.submit(function, args, kwargs, weight)

    @property
    def path(self) -> Path:
        """Return the file's path from the settings."""
        return self._files.path

    @property
    def queued_writes(self) -> int:
        """Return the number of writes that wait for the next commit."""
        return self._writer.queued

    @property
    def is_in_place(self) -> bool:
        """Tell whether the opened files were at their paths at the last look, and unchanged if they had been lost."""
        return not self._files.is_lost

    async def disk_space(self) -> housekeeping.DiskSpace:
        """Return the bytes of the log, 0 without one, and the disk's free bytes; raises OSError without the folder."""
        return await asyncio.to_thread(housekeeping.read_disk_space, self._files.path)

    async def truncate_log(self) -> bool:
        """Move the log into the file and cut it to 0 bytes, and return True; False where another process still reads
        from the log. True and nothing done where another program makes all checkpoints. This process's readers are
        paused meanwhile, since an open snapshot keeps the log.
        """
        loop = asyncio.get_running_loop()
        is_paused, may_read = loop.create_future(), threading.Event()

        def pause(db: sqlite3.Connection) -> None:
            loop.call_soon_threadsafe(is_paused.set_result, None)
            may_read.wait()

        async with self.long_reader.paused():  # before short reads wait
            pausing = asyncio.create_task(self._reader.run_alone(pause))
            try:
                await asyncio.wait([is_paused, pausing], return_when=asyncio.FIRST_COMPLETED)
                return await self._writer.run_alone(housekeeping.truncate_log)
            finally:
                may_read.set()
                await pausing

    async def prove_writable(self) -> None:
        """Write to the disk unless a write of this function reached it within the last second; raises `unavailable`."""
        if self._files.is_lost:
            raise DatabaseLost
        async with self._proving:  # concurrent callers share one write
            now = self.env.clock()
            if self._proven_at is None or not 0 <= now - self._proven_at < times.SECOND:
                await self.write(housekeeping.write_proof)
                self._proven_at = now

    async def examine_file(self) -> None:
        """Look whether the file is still at its path; while it is not, all calls fail with `DatabaseLost`."""
        await asyncio.to_thread(self._files.examine)

    async def close(self) -> None:
        """Run the waiting calls, close all connections, and release the lock."""
        await self.examine_file()  # a lost file is noted for the next start
        await self.long_reader.close()
        await self._reader.close()
        await self._writer.close()
        self._lock.close()
