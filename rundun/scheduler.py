"""Jobs, tick by tick: what is due is retried, overdue runs expire, what is old is cleared up.

Each unit of work says whether there is more, and tests call it directly.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from rundun.actions.runs import runs
from rundun.actions.runs import sent_tables as table_actions
from rundun.core import times
from rundun.errors import Problem
from rundun.logs import log, short
from rundun.maintenance import overwriting
from rundun.maintenance.backups import Backups
from rundun.maintenance.retention import Sweeper
from rundun.store import files, housekeeping, idempotency
from rundun.store.backups import copies
from rundun.store.database import Database
from rundun.store.deliveries import webhook_secrets
from rundun.store.organizations import changes, operators
from rundun.store.runs import runs as run_rows
from rundun.store.runs import search_index, sent_tables
from rundun.store.sqlite.database_file import DatabaseLost
from rundun.store.templates import pictures
from rundun.webhooks.alerts import Alerts
from rundun.webhooks.dispatcher import Dispatcher

TICK_SECONDS = 1
MINUTE_SECONDS = 60
CLEAR_UP_SECONDS = 600
ABANDONED_AFTER_MS = times.HOUR  # the age from which an unfinished file is no upload any more
SHRINK_PAGES = 256  # given back at a time: 2 MiB
PICTURE_BATCH_SIZE = 8  # pictures deleted at a time
DELETE_BATCH_SIZE = 200  # stored responses, or secrets, deleted at a time
SPARE_PAGES = 512  # left free
EXPIRY_BATCH_SIZE = 25  # runs expired in one go
RETRY_PAUSE_MS = 60 * times.SECOND  # how long a run that could not be expired is left alone

Jobs = Mapping[str, Callable[[], Awaitable[object]]]  # by name
Resting = dict[str, int]  # run ids, and until when they are left alone


async def expire_due(database: Database, resting: Resting | None = None) -> int:
    """Expire every run whose time is up; returns how many. Each is a write of its own, so one that fails holds up
    nobody; it is noted in `resting` and left alone for a minute.
    """
    total, resting = 0, {} if resting is None else resting
    while ids := await _overdue(database, resting):
        outcomes = await asyncio.gather(
            *(database.write(runs.expire_one, run_id) for run_id in ids), return_exceptions=True
        )
        for run_id, outcome in zip(ids, outcomes, strict=True):
            if isinstance(outcome, Problem) and outcome.code == "unavailable":
                raise outcome  # the disk is full, say: that is no fault of this run's
            if isinstance(outcome, BaseException):
                resting[run_id] = database.env.clock() + RETRY_PAUSE_MS
                log("error", "run.not_expired", exc=outcome, run=short(run_id))
        total += sum(outcome is True for outcome in outcomes)
    if total:
        log("info", "runs.expired", count=total)
    return total


async def _overdue(database: Database, resting: Resting) -> list[str]:
    """List the ids of the runs to expire now, at most `EXPIRY_BATCH_SIZE`."""
    now = database.env.clock()
    for run_id in [run_id for run_id, until in resting.items() if not now < until <= now + RETRY_PAUSE_MS]:
        del resting[run_id]  # also where the clock was put back
    ids = await database.read(run_rows.overdue, EXPIRY_BATCH_SIZE + len(resting))
    return [run_id for run_id in ids if run_id not in resting][:EXPIRY_BATCH_SIZE]


async def index_runs(database: Database) -> None:
    """Index what runs are searched by, in short writes with rests as long as these, however much there is; but not
    what has come since this began: while many come, a few large batches cost less than many small ones.
    """
    newest = await database.read(search_index.newest)
    while await database.read(search_index.is_behind, newest):
        began = time.monotonic()
        await database.write(search_index.index_some, search_index.BATCH_SIZE)
        await asyncio.sleep(time.monotonic() - began)


async def clear_up(database: Database) -> None:
    """Delete uploads that came to nothing, pictures that no template has named in time, responses that nobody can ask
    for again and what the histories of organizations have kept for long enough, and give back their room.

    In small steps, each a write of its own, so that nobody waits long; a few free pages stay for the next photos.
    """
    numbers = await database.read(files.list_unfinished, database.env.clock() - ABANDONED_AFTER_MS)
    for number in numbers:
        await database.write(files.remove_unfinished, [number])
    if numbers:
        log("info", "uploads.dropped", count=len(numbers))
    if await database.read(operators.is_any_expired):
        await database.write(operators.remove_expired)
    while await database.read(changes.is_any_expired):
        await database.write(changes.remove_expired)
    while await database.read(pictures.is_any_expired):
        await database.write(pictures.remove_expired, PICTURE_BATCH_SIZE)
    while await database.read(idempotency.has_expired):
        await database.write(idempotency.remove_expired, DELETE_BATCH_SIZE)
    while await database.read(sent_tables.is_any_old):
        await database.write(sent_tables.remove_old, DELETE_BATCH_SIZE)
    before = await database.read(housekeeping.free_pages)
    left = before
    while left > SPARE_PAGES:
        still = await database.write_heavy(SHRINK_PAGES * housekeeping.PAGE, housekeeping.shrink, SHRINK_PAGES)
        if still >= left:
            break  # somebody frees as fast, or the file can't shrink: the next tick goes on
        left = still
    if left < before:
        log("info", "database.shrunk", bytes=(before - left) * housekeeping.PAGE)


async def make_tables(database: Database) -> None:
    """Make what is left of tables of jobs that were accepted before the process ended, or while the disk was full."""
    for number in await database.read(sent_tables.unfinished):
        while await database.write(table_actions.step, number):
            pass
        log("info", "table.finished", number=number)


async def delete_secrets(database: Database, days: float) -> int:
    """Delete the webhooks' secrets of runs that were closed, and whose deliveries were settled, so many days ago, in
    small steps; returns how many. Zero days: never. What is sent by hand later goes unsigned, and the run says so.
    """
    total, before = 0, database.env.clock() - int(days * times.DAY)
    while days and await database.read(webhook_secrets.is_any_old, before):
        total += await database.write(webhook_secrets.remove_old, before, DELETE_BATCH_SIZE)
    if total:
        log("info", "secrets.forgotten", count=total)
    return total


async def delete_copies(database: Database) -> None:
    """Delete the old snapshots of upgrades, and what restores have put aside, beside the database."""
    for copy in await asyncio.to_thread(copies.remove_old, database.path, database.env.clock()):
        log("info", "copy.removed", file=copy.path.name, bytes=copy.bytes)


def schedule(
    dispatcher: Dispatcher,
    database: Database,
    alerts: Alerts | None = None,
    *,
    backups: Backups | None = None,
    secrets_days: float = 0,
    each_minute: Jobs | None = None,
) -> AsyncIOScheduler:
    """Schedule the ticks, quick and slow ones, and the caller's jobs for `each_minute`. Stop the dispatcher before you
    shut this down, which cancels running coroutines at once.
    """
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )

    def every(seconds: float, name: str, job: Callable[..., Awaitable[object]], *args: object, **more: Any) -> None:
        scheduler.add_job(_guarded, "interval", seconds=seconds, args=[job, *args], id=name, **more)

    every(TICK_SECONDS, "file", database.examine_file)
    every(TICK_SECONDS, "deliveries", dispatcher.tick)
    every(TICK_SECONDS, "expiry", expire_due, database, {})
    every(TICK_SECONDS, "search", index_runs, database)
    if alerts:
        every(TICK_SECONDS, "alerts", alerts.tick)
    every(MINUTE_SECONDS, "put_off", dispatcher.expedite)
    for name, job in (each_minute or {}).items():
        every(MINUTE_SECONDS, name, job)
    at_start = datetime.now(UTC)
    if backups:
        every(MINUTE_SECONDS, "backup", backups.tick, next_run_time=at_start)
    every(MINUTE_SECONDS, "tables", make_tables, database, next_run_time=at_start)
    every(MINUTE_SECONDS, "erased", overwriting.overwrite, database, next_run_time=at_start)
    every(CLEAR_UP_SECONDS, "clear_up", clear_up, database, next_run_time=at_start)
    every(CLEAR_UP_SECONDS, "copies", delete_copies, database, next_run_time=at_start)
    every(CLEAR_UP_SECONDS, "retention", Sweeper(database).tick, next_run_time=at_start)
    every(CLEAR_UP_SECONDS, "secrets", delete_secrets, database, secrets_days, next_run_time=at_start)
    return scheduler


async def _guarded(job: Callable[..., Awaitable[object]], *args: object) -> None:
    try:
        await job(*args)
    except asyncio.CancelledError:
        pass  # the scheduler is shut down; a write that was under way is whole all the same
    except DatabaseLost:
        pass  # the log says so, once
    except Exception as error:  # the next tick tries again
        log("error", "tick.failed", exc=error)


@asynccontextmanager
async def started(scheduler: AsyncIOScheduler) -> AsyncIterator[None]:
    """Run the scheduler's jobs for as long as the context lasts. Its shutdown happens in the next turn of the loop, and
    its jobs hear of it in the one after that.
    """
    scheduler.start()
    following = asyncio.create_task(_follow_clock(scheduler))
    try:
        yield
    finally:
        following.cancel()
        scheduler.shutdown(wait=False)
        for _ in range(2):
            await asyncio.sleep(0)


async def _follow_clock(scheduler: AsyncIOScheduler) -> None:
    """Make jobs due that lie further ahead than their interval: APScheduler waits for a time of day, so that a clock
    put back by an hour would halt them for an hour. This waits by the loop's time.
    """
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = datetime.now(UTC)
        for job in scheduler.get_jobs():
            if job.next_run_time > now + job.trigger.interval:
                job.modify(next_run_time=now)
