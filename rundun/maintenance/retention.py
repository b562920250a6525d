"""The sweep that deletes runs, photos and attempts past their retention periods: in small writes with rests, so that
other writes don't wait long. It can be interrupted at any time, and goes on at the next sweep.
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
CHECKPOINT_PAGES = 128  # pages of the log between checkpoints during a sweep of photos: 1 MiB
WAIT_SECONDS = 3600  # after a start, before a sweep: most clocks that are wrong at the start are right by then
MAX_JUMP_SECONDS = 600  # by which the clock may differ from the monotonic one, as after small adjustments

Rest = Callable[[float], Awaitable[object]]  # sleeps for that many seconds


class _ClockJumpedError(Exception):
    """Raised where the clock has jumped during a sweep."""


class Sweeper:
    """The tick that sweeps, except after a start or a jump of the clock. A machine without a battery starts in the
    past, and a mistyped clock is a year ahead until a person notices, while deletion is final. So the sweep waits until
    the service has run for an hour, and for an hour more after each jump of the clock against the monotonic one, which
    can't be set. Days count from the clock's time at the end of a run, right or wrong.

    Nothing is deleted while a restore holds deliveries and alerts: the restore may be for data that a wrong rule has
    deleted.
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
        """Sweep, unless the waiting time or a hold lasts."""
        self._wait_after_jump()
        is_waiting = self._monotonic() - self._since < WAIT_SECONDS
        if is_waiting or await self._database.read(service_state.find_held_since) is not None:
            return
        with suppress(_ClockJumpedError):
            await sweep(self._database, self._rest_and_check)

    async def _rest_and_check(self, seconds: float) -> None:
        await self._rest(seconds)
        if self._wait_after_jump():
            raise _ClockJumpedError

    def _wait_after_jump(self) -> bool:
        """Restart the waiting time if the clock has jumped since it began; return whether it has."""
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
    """Delete the runs, photos and attempts past their retention periods; `rest` sleeps between two writes."""
    await _delete_due(database, "runs", rest)
    if await database.read(retention_rows.list_due_runs, "photos", 1):
        async with _small_checkpoints(database):
            await _delete_due(database, "photos", rest)
    total = 0
    while await database.read(retention_rows.list_due_attempts, 1):
        began = time.monotonic()
        total += await database.write(retention.remove_attempts, ATTEMPTS_BATCH_SIZE)
        await rest(time.monotonic() - began)
    if total:
        log("info", "retention.attempts_deleted", deliveries=total)


@asynccontextmanager
async def _small_checkpoints(database: Database) -> AsyncIterator[None]:
    """Make small checkpoints while the context lasts: the overwritten pages are spread over the file, and a checkpoint
    of megabytes of them would delay all commits.
    """
    before = await database.write(housekeeping.put_checkpoint_pages, CHECKPOINT_PAGES)
    try:
        yield
    finally:
        with suppress(Problem):  # the service is ending
            await database.write(housekeeping.put_checkpoint_pages, before)


async def _delete_due(database: Database, what: Literal["photos", "runs"], rest: Rest) -> None:
    """Delete all due runs, or the photos of runs. A run that fails is skipped; the next sweep tries it again."""
    total, failed = 0, set[str]()
    last: list[str] = []
    while (ids := await _list_due(database, what, failed)) != last:
        last, at_once, number = ids, len(ids), 0
        while number < len(ids):
            began = time.monotonic()
            try:
                done = await _delete(database, what, ids[number : number + at_once])
                number, total, at_once = number + done, total + done, len(ids)
            except Exception as error:
                if isinstance(error, Problem) and error.code == "unavailable":
                    raise  # for example, a full disk, which is not an error of this run
                if at_once == 1:
                    failed.add(ids[number])
                    number += 1
                    if not isinstance(error, Problem):  # as for a run that was erased just now
                        log("error", "retention.failed", exc=error, run=short(ids[number - 1]))
                at_once = 1
            await rest(time.monotonic() - began)
    if total:
        log("info", f"retention.{what}_deleted", runs=total)


async def _list_due(database: Database, what: Literal["photos", "runs"], failed: set[str]) -> list[str]:
    ids = await database.read(retention_rows.list_due_runs, what, RUN_BATCH_SIZE + len(failed))
    return [run_id for run_id in ids if run_id not in failed]


async def _delete(database: Database, what: Literal["photos", "runs"], run_ids: Sequence[str]) -> int:
    """Erase the first of the runs, or delete photos of as many as one write takes; return the number of runs that are
    finished.
    """
    if what == "photos":
        return await database.write_heavy(retention.STEP_BYTES, retention.remove_photos, run_ids)
    await database.write(retention.erase_run, run_ids[0])
    return 1
