"""Scheduled backups, and the copy of the erasure journal beside them, in their own threads, so that nothing else waits
for them or for their folder.
"""

import asyncio
import errno
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rundun import counters
from rundun.actions.backups import backups as backup_actions
from rundun.config.settings import BackupSettings
from rundun.core import times
from rundun.errors import Problem
from rundun.logs import log
from rundun.pool import BoundedPool, RefusalReason
from rundun.store.backups import backup, copies
from rundun.store.backups.copies import Copy
from rundun.store.database import Database
from rundun.store.erasure import erased_bytes
from rundun.store.erasure.journal_copy import JournalCopy
from rundun.store.sqlite import service_state
from rundun.store.sqlite.database_file import DatabaseLost
from rundun.store.sqlite.transaction import JournalEntry

RETRY_PAUSE_MS = 10 * 60 * times.SECOND  # after a backup that has failed
POSTPONED_MS = 30 * 60 * times.SECOND  # at most, while erased data is still being overwritten
CLOSE_SECONDS = 5  # for a backup under way to stop
READ_SECONDS = 10  # for which a start waits for the folder: a disk may have to spin up first


@dataclass(frozen=True, slots=True)
class _Turn:
    """The result of a turn: the last good backup, whether another one is due but not tried, and the error."""

    last: Copy | None
    is_due: bool = False
    error: str | None = None


class Backups:
    """Scheduled backups, tick by tick. The newest backup in the folder decides whether one is due, so a restart neither
    skips nor repeats one.
    """

    def __init__(self, database: Database, folder: Path, settings: BackupSettings) -> None:
        self._database = database
        self._folder = folder
        self._settings = settings
        self.error: str | None = None  # why there is no newer backup; None where none is needed
        self._rest_until = 0
        self._journal_copy = JournalCopy(database.journal.path, folder)
        self._copy_error: str | None = None  # the logged error of the journal's copy
        self._cancelled = threading.Event()
        self._pool = BoundedPool(_refusal, threads=2, close_seconds=CLOSE_SECONDS)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def tick(self) -> None:
        """Start a turn, and the completion of the journal's copy, each unless its last one is still under way: a backup
        may take an hour, and the copy does not wait for it.
        """
        for name, step in {"turn": self.turn, "journal": self.copy_journal}.items():
            if name not in self._under_way or self._under_way[name].done():
                self._under_way[name] = asyncio.create_task(_run_step(step))

    async def copy_journal(self) -> None:
        """Append missing entries to the journal's copy, unless a restore holds deliveries: erasures that are tried out
        on a copy of the database must not reach the service itself.
        """
        if await self._database.read(service_state.find_held_since) is None:
            try:
                await self._pool.run("journal", {}, self._journal_copy.complete)
                self._copy_error = None
            except OSError as error:
                self._log_copy_error(error.strerror or str(error))

    async def read_journal_copy(self) -> list[JournalEntry]:
        """Return the entries of the journal's copy; an empty list, with a log line, where it can't be read in
        `READ_SECONDS`.
        """
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._pool.run("journal", {}, self._journal_copy.read)
        except OSError as error:  # a TimeoutError is one
            self._log_copy_error(error.strerror or f"the folder has not answered within {READ_SECONDS:g} seconds")
            return []

    def _log_copy_error(self, error: str) -> None:
        """Log why the journal's copy can't be used, unless the last line was the same."""
        if error != self._copy_error:
            log("error", "journal.not_copied", error=f"{self._journal_copy.path} can't be used: {error}.")
        self._copy_error = error

    async def turn(self) -> None:
        """Make a backup if one is due, delete those beyond `keep`, and store whether backups are missed, as they are
        once the folder can't be reached. While a restore holds deliveries, the folder is only read: this may be a copy
        of the service with the same folder in its settings.
        """
        now = self._database.env.clock()
        if await self._database.read(service_state.find_held_since) is not None:
            found = await self._pool.run("backup", {}, self._find_last, now)
            _count(None if found is None else found.at, is_missed=False)
            return
        since = await self._database.read(backup_actions.missed_at)
        if not counters.backup:  # before the first turn, which may take as long as a backup, the stored state counts
            _count(await self._database.read(backup_actions.last_at), is_missed=since is not None)
        is_resting = now < self._rest_until <= now + RETRY_PAUSE_MS
        is_overwriting = await self._database.read(erased_bytes.find_since) is not None
        turn = await self._pool.run("backup", {}, self._work_in_folder, now, is_resting, is_overwriting)
        if turn.error is not None and not is_resting:  # else the error is logged already
            self._rest_until = now + min(RETRY_PAUSE_MS, self._settings.every)
            log("error", "backup.failed", error=turn.error)
        last = await self._store_last(turn)
        is_well = turn.error is None and not turn.is_due
        is_missed = turn.error is not None or (last is not None and copies.is_overdue(last, now, self._settings.every))
        if is_well or turn.error is not None:  # else no backup was tried
            self.error = turn.error
        if is_well and since is not None:
            await self._database.write(backup_actions.clear_missed)
        elif is_missed and since is None:
            await self._database.write(backup_actions.note_missed)
        _count(last, is_missed=is_missed or (since is not None and not is_well))

    async def _store_last(self, turn: _Turn) -> int | None:
        """Store the time of the last good backup, in milliseconds, and return it, None without one; the time stored
        before where the turn found none because of an error.
        """
        known = await self._database.read(backup_actions.last_at)
        if turn.last is None and turn.error is not None:
            return known
        last = None if turn.last is None else turn.last.at
        if last != known:
            await self._database.write(backup_actions.note_last, last)
        return last

    def _work_in_folder(self, now: int, is_resting: bool, is_overwriting: bool) -> _Turn:
        """Do the part of a turn that uses the folder, and return the last good backup, and the error or, without one,
        whether a backup is due but not tried (`is_resting`); runs in a thread. While erased data is being overwritten,
        only the first backup is made at once; later ones wait, but not until they are overdue.
        """
        path, last = self._database.path, None
        try:
            backup.remove_parts(self._folder)
            found = copies.list_backups(path, self._folder)
            last = copies.find_last_good(found, now)
            put_off = min(POSTPONED_MS, self._settings.every // 4) if is_overwriting else 0
            is_due = last is None or now - last.at >= self._settings.every + put_off
            if not is_due or is_resting:
                return _Turn(last, is_due)
            last = self._make(now)
            for old in copies.remove_surplus([*found, last], self._settings.keep, now):
                log("info", "backup.removed", file=old.path.name)
        except Problem as problem:
            return _Turn(last, error=problem.detail)
        except OSError as error:
            return _Turn(last, error=f"{self._folder} can't be used: {error.strerror}.")
        return _Turn(last)

    def _find_last(self, now: int) -> Copy | None:
        """Find the newest backup from `now` or before, None without one or if the folder can't be read; blocks."""
        try:
            return copies.find_last_good(copies.list_backups(self._database.path, self._folder), now)
        except OSError:
            return None

    def _make(self, now: int) -> Copy:
        began = time.monotonic()
        target = copies.backup_path(self._folder, self._database.path, now)
        written = backup.make(self._database.path, target, self._cancelled)
        log("info", "backup.made", file=target.name, bytes=written, seconds=round(time.monotonic() - began, 1))
        return Copy(target, "backup", written, now)

    async def close(self) -> None:
        """Cancel the backup under way, which deletes its part, and end the threads."""
        self._cancelled.set()
        await self._pool.close()
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        counters.backup = {}


async def _run_step(step: Callable[[], Awaitable[None]]) -> None:
    try:
        await step()
    except (backup.Cancelled, DatabaseLost):  # the service ends; a lost file is logged already
        pass
    except Exception as error:  # the next tick tries again
        log("error", "tick.failed", exc=error)


def _count(last_at: int | None, *, is_missed: bool) -> None:
    counters.backup = {"missed": is_missed} | ({} if last_at is None else {"last_at": last_at})


def _refusal(reason: RefusalReason) -> Exception:
    """Return the error of a call that the pool does not run: `Cancelled` once the service ends, else OSError, for want
    of a thread.
    """
    return backup.Cancelled() if reason == "closed" else OSError(errno.EAGAIN, "the system has no thread left")
