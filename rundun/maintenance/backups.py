"""Backups on schedule, and the erasure journal's copy beside them, in threads of their own, so that nothing else waits
for them or for their folder.
"""

import asyncio
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
from rundun.pool import BoundedPool
from rundun.store.backups import backup, copies
from rundun.store.backups.copies import Copy
from rundun.store.database import Database
from rundun.store.erasure import erased_bytes
from rundun.store.erasure.journal_copy import JournalCopy
from rundun.store.sqlite import service_state
from rundun.store.sqlite.database_file import DatabaseLost
from rundun.store.sqlite.transaction import JournalEntry

RETRY_PAUSE_MS = 10 * 60 * times.SECOND  # after a backup that has failed
PUT_OFF_MS = 30 * 60 * times.SECOND  # at most, while bytes of something erased are still in the file
CLOSE_SECONDS = 5  # that a copy under way has to give up
READ_SECONDS = 10  # that a start waits for the folder: a disk may have to spin up first


@dataclass(frozen=True, slots=True)
class _Turn:
    """What came of one look at the folder: the newest good backup, whether another is due, and why there is none."""

    last: Copy | None
    is_due: bool = False
    error: str | None = None


class Backups:
    """The maker of backups, tick by tick. Whether one is due the newest in the folder says, so that a restart neither
    skips nor repeats one.
    """

    def __init__(self, database: Database, folder: Path, settings: BackupSettings) -> None:
        self._database = database
        self._folder = folder
        self._settings = settings
        self.error: str | None = None  # why there is no newer backup, None where there is no need of one
        self._rest_until = 0
        self._journal_copy = JournalCopy(database.journal.path, folder)
        self._copy_error: str | None = None  # why the journal's copy could not be used, as the log has it
        self._cancelled = threading.Event()
        self._pool = BoundedPool(_refused, threads=2, close_seconds=CLOSE_SECONDS)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def tick(self) -> None:
        """Begin a turn, and complete the journal's copy, each unless the one before is still under way: a backup may
        take an hour, and the copy does not wait for it.
        """
        for name, step in {"turn": self.turn, "journal": self.copy_journal}.items():
            if name not in self._under_way or self._under_way[name].done():
                self._under_way[name] = asyncio.create_task(_guarded(step))

    async def copy_journal(self) -> None:
        """Append to the journal's copy what it lacks, unless all that goes out is held: what is tried out on a copy of
        the database must not happen to the service.
        """
        if await self._database.read(service_state.find_held_since) is None:
            try:
                await self._pool.run("journal", {}, self._journal_copy.complete)
                self._copy_error = None
            except OSError as error:
                self._tell_copy_error(error.strerror or str(error))

    async def read_journal_copy(self) -> list[JournalEntry]:
        """List the entries of the journal's copy, none where it can't be read in time."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._pool.run("journal", {}, self._journal_copy.read)
        except OSError as error:  # a TimeoutError, too
            self._tell_copy_error(error.strerror or f"the folder has not answered within {READ_SECONDS:g} seconds")
            return []

    def _tell_copy_error(self, error: str) -> None:
        """Log why the journal's copy can't be used, once until that changes."""
        if error != self._copy_error:
            log("error", "journal.not_copied", error=f"{self._journal_copy.path} can't be used: {error}.")
        self._copy_error = error

    async def turn(self) -> None:
        """Make a backup if one is due, delete those beyond `keep`, and note whether one is missed, as it is from the
        moment on that the folder is away. While all that goes out is held the folder is only looked at, as this may be
        a copy of the service that has the same one in its settings.
        """
        now = self._database.env.clock()
        if await self._database.read(service_state.find_held_since) is not None:
            found = await self._pool.run("backup", {}, self._find_last, now)
            _count(None if found is None else found.at, is_missed=False)
            return
        since = await self._database.read(backup_actions.missed_at)
        if not counters.backup:  # the first turn may take as long as a backup, and is told of when it is over
            _count(await self._database.read(backup_actions.last_at), is_missed=since is not None)
        is_resting = now < self._rest_until <= now + RETRY_PAUSE_MS
        is_overwriting = await self._database.read(erased_bytes.find_since) is not None
        turn = await self._pool.run("backup", {}, self._look, now, is_resting, is_overwriting)
        if turn.error is not None and not is_resting:  # else the folder is still away, and the log has it
            self._rest_until = now + min(RETRY_PAUSE_MS, self._settings.every)
            log("error", "backup.failed", error=turn.error)
        last = await self._keep_last(turn)
        is_well = turn.error is None and not turn.is_due
        is_missed = turn.error is not None or (last is not None and copies.is_overdue(last, now, self._settings.every))
        if is_well or turn.error is not None:  # else it is not tried now
            self.error = turn.error
        if is_well and since is not None:
            await self._database.write(backup_actions.clear_missed)
        elif is_missed and since is None:
            await self._database.write(backup_actions.note_missed)
        _count(last, is_missed=is_missed or (since is not None and not is_well))

    async def _keep_last(self, turn: _Turn) -> int | None:
        """Store when the last good backup was made, and return it, as it was known before while the folder is away."""
        known = await self._database.read(backup_actions.last_at)
        if turn.last is None and turn.error is not None:
            return known
        last = None if turn.last is None else turn.last.at
        if last != known:
            await self._database.write(backup_actions.note_last, last)
        return last

    def _look(self, now: int, is_resting: bool, is_overwriting: bool) -> _Turn:
        """Do all that touches the folder. In a thread. While something erased is being overwritten, only the first
        backup is made at once; any other waits, but never for so long that it is overdue.
        """
        path, last = self._database.path, None
        try:
            backup.remove_parts(self._folder)
            found = copies.list_backups(path, self._folder)
            last = copies.find_last_good(found, now)
            put_off = min(PUT_OFF_MS, self._settings.every // 4) if is_overwriting else 0
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
        """Find the last good backup, and touch nothing. In a thread."""
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
        """Give up the copy under way, of which nothing is left."""
        self._cancelled.set()
        await self._pool.close()
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        counters.backup = {}


async def _guarded(step: Callable[[], Awaitable[None]]) -> None:
    try:
        await step()
    except (backup.Cancelled, DatabaseLost):  # the service ends; of a lost file the log says so, once
        pass
    except Exception as error:  # the next tick tries again
        log("error", "tick.failed", exc=error)


def _count(last_at: int | None, *, is_missed: bool) -> None:
    counters.backup = {"missed": is_missed} | ({} if last_at is None else {"last_at": last_at})


def _refused(reason: str) -> Exception:
    return backup.Cancelled()
