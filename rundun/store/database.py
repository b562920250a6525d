"""The database in a running process: one writer that commits in groups, and a reader that cannot write.

A transaction is a plain function `action(tx, …)`. All that wait for the writer run in one hop to its thread, inside
one BEGIN IMMEDIATE … COMMIT, each in a savepoint of its own, and are answered after the commit is on the disk.
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
from rundun.store.batches import Job, commit_batch, read_batch, refuse_batch
from rundun.store.erasure.journal import ErasureJournal
from rundun.store.long_reads import LongReader
from rundun.store.organizations import quotas
from rundun.store.sqlite import connection, service_state, signing_key
from rundun.store.sqlite.database_file import DatabaseLost, FileWatch, Lock, keep_to_owner, translate_errors
from rundun.store.sqlite.transaction import Clock, Env, Quotas, Tx
from rundun.store.worker import MAX_BATCH, ThreadConnection, Worker

P = ParamSpec("P")
T = TypeVar("T")
Subscriber = Callable[[set[str]], None]
_log = logging.getLogger("rundun.store")


@dataclass(slots=True)
class WriteFigures:
    """Figures of all batches of writes since the process began: how long each took, how many writes were in it, and of
    how many nothing was kept.
    """

    seconds: Histogram = field(default_factory=lambda: Histogram(histogram.SECONDS))
    sizes: Histogram = field(default_factory=lambda: Histogram(histogram.SIZES))
    failed: int = 0


def _write_in_place(
    files: FileWatch, writes: WriteFigures, db: sqlite3.Connection, env: Env, jobs: Sequence[Job]
) -> None:
    """Commit `jobs`: nothing is written to a lost file, and nothing acknowledged that was."""
    if not files.is_lost:
        began = time.perf_counter()
        writes.failed += not commit_batch(db, env, jobs)
        writes.seconds.observe(time.perf_counter() - began)
        writes.sizes.observe(len(jobs))
        files.examine(whole=False)
    if files.is_lost:
        refuse_batch(jobs, DatabaseLost())


def _read_in_place(files: FileWatch, db: sqlite3.Connection, env: Env, jobs: Sequence[Job]) -> None:
    if files.is_lost:
        refuse_batch(jobs, DatabaseLost())
    else:
        read_batch(db, env, jobs)


class Database:
    """The database: `await db.write(action, …)`, `await db.read(function, …)`; `subscribe` for what commits touch."""

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
        self._writer = Worker(writer, partial(_write_in_place, files, self.writes), env, self._tell)
        self._reader = Worker(reader, partial(_read_in_place, files), env, self._tell)
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
        """Take the lock, migrate, and start the writer and the readers. `default_quota`: as `Quotas` has it;
        `external_checkpoints` as `open_writer` has it.

        One reader for short reads: what waits for it is read in one go, and a second thread would only fight the first
        one and the loop for the interpreter.
        """
        lock = Lock(path)
        opened: list[ThreadConnection] = []
        try:
            keep_to_owner(path)
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
        """Call `subscriber(touched)` in the event loop after each commit that touched something."""
        self._subscribers.append(subscriber)

    def _tell(self, touched: set[str]) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(touched)
            except Exception:  # what is committed is answered, whatever becomes of those who hear of it
                _log.exception("subscriber error")

    async def write(self, action: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `action(tx, …)`; returns, or raises, once the commit is on the disk."""
        return await self._writer.submit(action, args, kwargs)

    async def write_heavy(
        self, weight: int, action: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run an action that brings `weight` bytes, as `write` does, so that no commit grows too long."""
        return await self._writer.submit(action, args, kwargs, weight)

    async def write_last(self, action: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an action as the last of its commit, so that whoever comes after finds all that it has changed, also
        what is kept beside the file, as the signing key is.
        """
        return await self._writer.submit(action, args, kwargs, MAX_BATCH)

    async def read(self, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(tx, …)` on a consistent snapshot that cannot write."""
        return await self._reader.submit(function, args, kwargs)

    async def read_heavy(
        self, weight: int, function: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Read `weight` bytes of pictures, as `read` does, so that others need not wait for many of them."""
        return await self._reader.submit(function, args, kwargs, weight)

    @property
    def path(self) -> Path:
        """Return the file's path, as the settings have it."""
        return self._files.path

    @property
    def queued_writes(self) -> int:
        """Return how many writes wait for the next commit."""
        return self._writer.queued

    @property
    def is_in_place(self) -> bool:
        """Tell whether the files that were opened are still where they were."""
        return not self._files.is_lost

    async def room(self) -> housekeeping.Room:
        """Return the size of the log, and what is left on the disk; OSError if the folder is gone."""
        return await asyncio.to_thread(housekeeping.room, self._files.path)

    async def truncate_log(self) -> bool:
        """Move the log into the file and cut it to nothing; False where somebody else still reads an older state. The
        readers here wait meanwhile, since a state that is being read keeps the log.
        """
        loop = asyncio.get_running_loop()
        holds, may_read = loop.create_future(), threading.Event()

        def hold(db: sqlite3.Connection) -> None:
            loop.call_soon_threadsafe(holds.set_result, None)
            may_read.wait()

        async with self.long_reader.paused():  # before short reads wait
            holding = asyncio.create_task(self._reader.alone(hold))
            try:
                await asyncio.wait([holds, holding], return_when=asyncio.FIRST_COMPLETED)
                return await self._writer.alone(housekeeping.truncate_log)
            finally:
                may_read.set()
                await holding

    async def prove_writable(self) -> None:
        """Prove that a write has reached the disk within the last second, or write now; raises `unavailable`."""
        if self._files.is_lost:
            raise DatabaseLost
        async with self._proving:  # however many ask, they ask the disk once
            now = self.env.clock()
            if self._proven_at is None or not 0 <= now - self._proven_at < times.SECOND:
                await self.write(housekeeping.prove)
                self._proven_at = now

    async def examine_file(self) -> None:
        """Look whether the file is still where it was opened; from then on all is refused until it is back."""
        await asyncio.to_thread(self._files.examine)

    async def close(self) -> None:
        """Finish what waits, close all connections, release the lock."""
        await self.examine_file()  # the next start learns from it
        await self.long_reader.close()
        await self._reader.close()
        await self._writer.close()
        self._lock.close()
