"""The sweep that deletes what was kept for as long as was set: in small steps, each a write of its own, with rests
between them, so that nobody waits long. Ended at any moment, it goes on where it was.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal

from rundun.actions.erasure import retention
from rundun.core import times
from rundun.errors import Problem
from rundun.logs import log, short
from rundun.store import housekeeping
from rundun.store.database import Database
from rundun.store.erasure import retention as retention_rows
from rundun.store.sqlite import service_state

RUN_BATCH_SIZE = 100  # ids of runs looked up at a time
ATTEMPTS_BATCH_SIZE = 200  # deliveries whose attempts are deleted in one write
CHECKPOINT_PAGES = 128  # of the log: 1 MiB
WAIT_SECONDS = 3600  # before anything is deleted: by then a clock that was wrong at the start is mostly right
MAX_JUMP_SECONDS = 600  # by which the clock may leave the monotonic one, as it does when it is adjusted

Rest = Callable[[float], Awaitable[object]]  # for so many seconds


class _ClockJumpedError(Exception):
    """The clock has jumped during a sweep."""


class Sweeper:
    """The sweep as a job, which a wrong clock is not enough to start: a machine without a battery begins in the past,
    and a clock that was mistyped is a year ahead until somebody sees it, while what is deleted is gone for good. So the
    sweep waits until the service has run for an hour, and for an hour more after each jump of the clock against the
    monotonic one, which nobody sets. Days count from what the clock said when a run was closed, right or wrong.

    Nothing is deleted while all that goes out is held after a restore: the copy may have been put back for what a wrong
    rule has deleted.
    """

    def __init__(
        self, database: Database, monotonic: Callable[[], float] = time.monotonic, rest: Rest = asyncio.sleep
    ) -> None:
        self._database = database
        self._clock = database.env.clock
        self._monotonic = monotonic
        self._rest = rest
        self._wait()

    async def tick(self) -> None:
        """Sweep, unless it has to wait."""
        self._wait_after_jump()
        is_waiting = self._monotonic() - self._since < WAIT_SECONDS
        if is_waiting or await self._database.read(service_state.find_held_since) is not None:
            return
        with suppress(_ClockJumpedError):
            await sweep(self._database, self._rest_and_look)

    async def _rest_and_look(self, seconds: float) -> None:
        await self._rest(seconds)
        if self._wait_after_jump():
            raise _ClockJumpedError

    def _wait_after_jump(self) -> bool:
        """Begin to wait anew if the clock has jumped since the waiting began; returns whether it has."""
        seconds = self._monotonic() - self._since
        jump = (self._clock() - self._clock_then) / times.SECOND - seconds
        if abs(jump) <= MAX_JUMP_SECONDS:
            return False
        log("warning", "retention.paused", clock_jumped_seconds=round(jump), for_seconds=WAIT_SECONDS)
        self._wait()
        return True

    def _wait(self) -> None:
        self._since, self._clock_then = self._monotonic(), self._clock()


async def sweep(database: Database, rest: Rest = asyncio.sleep) -> None:
    """Delete the runs, photos and attempts that were kept for long enough."""
    await _of_runs(database, "runs", rest)
    if await database.read(retention_rows.list_due_runs, "photos", 1):
        async with _small_checkpoints(database):
            await _of_runs(database, "photos", rest)
    total = 0
    while await database.read(retention_rows.list_due_attempts, 1):
        began = time.monotonic()
        total += await database.write(retention.remove_attempts, ATTEMPTS_BATCH_SIZE)
        await rest(time.monotonic() - began)
    if total:
        log("info", "retention.attempts_deleted", deliveries=total)


@asynccontextmanager
async def _small_checkpoints(database: Database) -> AsyncIterator[None]:
    """Write the log back little by little as long as the context lasts: what is overwritten lies all over the file, and
    a commit that has to write back megabytes of it holds up all others.
    """
    before = await database.write(housekeeping.put_checkpoint_pages, CHECKPOINT_PAGES)
    try:
        yield
    finally:
        with suppress(Problem):  # the service is ending
            await database.write(housekeeping.put_checkpoint_pages, before)


async def _of_runs(database: Database, what: Literal["photos", "runs"], rest: Rest) -> None:
    """Delete all runs that are due, or their photos. One that fails holds up nobody; the next sweep tries again."""
    total, failed = 0, set[str]()
    last: list[str] = []
    while (ids := await _due(database, what, failed)) != last:
        last, at_once, number = ids, len(ids), 0
        while number < len(ids):
            began = time.monotonic()
            try:
                done = await _delete(database, what, ids[number : number + at_once])
                number, total, at_once = number + done, total + done, len(ids)
            except Exception as error:
                if isinstance(error, Problem) and error.code == "unavailable":
                    raise  # the disk is full, say: that is no fault of this run's
                if at_once == 1:
                    failed.add(ids[number])
                    number += 1
                    if not isinstance(error, Problem):  # such as one that was erased just now
                        log("error", "retention.failed", exc=error, run=short(ids[number - 1]))
                at_once = 1
            await rest(time.monotonic() - began)
    if total:
        log("info", f"retention.{what}_deleted", runs=total)


async def _due(database: Database, what: Literal["photos", "runs"], failed: set[str]) -> list[str]:
    ids = await database.read(retention_rows.list_due_runs, what, RUN_BATCH_SIZE + len(failed))
    return [run_id for run_id in ids if run_id not in failed]


async def _delete(database: Database, what: Literal["photos", "runs"], run_ids: Sequence[str]) -> int:
    """Delete the next runs, or their photos; returns how many of them are done with."""
    if what == "photos":
        return await database.write_heavy(retention.STEP_BYTES, retention.remove_photos, run_ids)
    await database.write(retention.erase_run, run_ids[0])
    return 1
