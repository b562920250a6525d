"""The scheduler's ticks: due deliveries are retried, overdue runs expire, expired rows and files are deleted.

Tests call the ticks directly.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from rundun.actions.runs import runs, sent_tables
from rundun.core import times
from rundun.errors import Problem
from rundun.logs import log, short
from rundun.maintenance import overwriting
from rundun.maintenance.backups import Backups
from rundun.maintenance.retention import Sweeper
from rundun.store import files, housekeeping, idempotency as response_rows
from rundun.store.backups import copies
from rundun.store.database import Database
from rundun.store.deliveries import webhook_secrets
from rundun.store.organizations import changes as organization_changes, operators as operator_rows
from rundun.store.runs import runs as run_rows, search_index, sent_tables as table_rows
from rundun.store.sqlite.database_file import DatabaseLost
from rundun.store.templates import pictures as picture_rows
from rundun.webhooks.alerts import Alerts
from rundun.webhooks.dispatcher import Dispatcher

TICK_SECONDS = 1
MINUTE_SECONDS = 60
CLEAR_UP_SECONDS = 600
ABANDONED_AFTER_MS = times.HOUR  # the age at which an unfinished file counts as an abandoned upload
SHRINK_PAGES = 256  # cut off the file at a time: 2 MiB
PICTURE_BATCH_SIZE = 8  # pictures deleted at a time
DELETE_BATCH_SIZE = 200  # stored responses, or secrets, deleted at a time
SPARE_PAGES = 512  # kept free in the file
EXPIRY_BATCH_SIZE = 25  # runs expired at a time
RETRY_PAUSE_MS = 60 * times.SECOND  # before a run that could not be expired is tried again

Ticks = Mapping[str, Callable[[], Awaitable[object]]]  # by name
Resting = dict[str, int]  # by run id, when it may be tried again, in milliseconds


async def expire_due(database: Database, resting: Resting | None = None) -> int:
    """Expire every overdue run, each in its own write, and return the number of those expired. A run whose write fails
    is noted in `resting` and tried again after a minute. Raises a write's `unavailable`, as on a full disk.
    """
    total, resting = 0, {} if resting is None else resting
    while ids := await _overdue(database, resting):
        outcomes = await asyncio.gather(
            *(database.write(runs.expire_overdue, run_id) for run_id in ids), return_exceptions=True
        )
        for run_id, outcome in zip(ids, outcomes, strict=True):
            if isinstance(outcome, Problem) and outcome.code == "unavailable":
                raise outcome  # for example, a full disk, which is not an error of this run
            if isinstance(outcome, BaseException):
                resting[run_id] = database.env.clock() + RETRY_PAUSE_MS
                log("error", "run.not_expired", exc=outcome, run=short(run_id))
        total += sum(outcome is True for outcome in outcomes)
    if total:
        log("info", "runs.expired", count=total)
    return total


async def _overdue(database: Database, resting: Resting) -> list[str]:
    """List at most `EXPIRY_BATCH_SIZE` ids of overdue runs, the longest overdue first, without those that rest."""
    now = database.env.clock()
    for run_id in [run_id for run_id, until in resting.items() if not now < until <= now + RETRY_PAUSE_MS]:
        del resting[run_id]  # also where the clock was put back
    ids = await database.read(run_rows.list_overdue, EXPIRY_BATCH_SIZE + len(resting))
    return [run_id for run_id in ids if run_id not in resting][:EXPIRY_BATCH_SIZE]


async def index_runs(database: Database) -> None:
    """Index the texts of runs for search, in short writes with rests of the same length. Texts stored after this began
    are left to the next tick: while many come, a few large batches cost less than many small ones.
    """
    newest = await database.read(search_index.read_newest)
    while await database.read(search_index.is_behind, newest):
        began = time.monotonic()
        await database.write(search_index.index_next, search_index.BATCH_SIZE)
        await asyncio.sleep(time.monotonic() - began)


async def clear_up(database: Database) -> None:
    """Delete abandoned uploads, unused pictures, and expired sessions, stored responses, sent tables and changes of
    organizations; then cut free pages off the file, but for `SPARE_PAGES`, which the next photos use.

    Each step is a small write, so other writes wait little.
    """
    numbers = await database.read(files.list_unfinished, database.env.clock() - ABANDONED_AFTER_MS)
    for number in numbers:
        await database.write(files.remove_unfinished, [number])
    if numbers:
        log("info", "uploads.dropped", count=len(numbers))
    if await database.read(operator_rows.is_any_expired):
        await database.write(operator_rows.remove_expired)
    while await database.read(organization_changes.is_any_expired):
        await database.write(organization_changes.remove_expired)
    while await database.read(picture_rows.is_any_expired):
        await database.write(picture_rows.remove_expired, PICTURE_BATCH_SIZE)
    while await database.read(response_rows.is_any_expired):
        await database.write(response_rows.remove_expired, DELETE_BATCH_SIZE)
    while await database.read(table_rows.is_any_old):
        await database.write(table_rows.remove_old, DELETE_BATCH_SIZE)
    before = await database.read(housekeeping.count_free_pages)
    left = before
    while left > SPARE_PAGES:
        still = await database.write_heavy(SHRINK_PAGES * housekeeping.PAGE, housekeeping.shrink, SHRINK_PAGES)
        if still >= left:
            break  # other writes free as many, or the file can't shrink: the next tick goes on
        left = still
    if left < before:
        log("info", "database.shrunk", bytes=(before - left) * housekeeping.PAGE)


async def make_tables(database: Database) -> None:
    """Dispatch the remaining runs of accepted tables, after a restart or a full disk."""
    for number in await database.read(table_rows.list_unfinished):
        while await database.write(sent_tables.make_next_runs, number):
            pass
        log("info", "table.finished", number=number)


async def delete_secrets(database: Database, days: float) -> int:
    """Delete the webhook secrets of runs that were closed, and whose deliveries were settled, at least `days` ago, but
    for those that may sign `run.erased`, in small steps; return their number. Zero days: never. A later retry by hand
    is unsigned, and the run says so.
    """
    total, before = 0, database.env.clock() - int(days * times.DAY)
    while days and await database.read(webhook_secrets.is_any_old, before):
        total += await database.write(webhook_secrets.remove_old, before, DELETE_BATCH_SIZE)
    if total:
        log("info", "secrets.forgotten", count=total)
    return total


async def delete_copies(database: Database) -> None:
    """Delete the old snapshots of upgrades and the databases that restores replaced, beside the database."""
    for copy in await asyncio.to_thread(copies.remove_old, database.path, database.env.clock()):
        log("info", "copy.removed", file=copy.path.name, bytes=copy.bytes)


def schedule(
    dispatcher: Dispatcher,
    database: Database,
    alerts: Alerts | None = None,
    *,
    backups: Backups | None = None,
    secrets_days: float = 0,
    each_minute: Ticks | None = None,
) -> AsyncIOScheduler:
    """Return a scheduler of all ticks, not started yet, with the caller's ticks `each_minute`. Stop the dispatcher
    before you shut it down, which cancels running coroutines at once.
    """
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )

    def every(seconds: float, name: str, tick: Callable[..., Awaitable[object]], *args: object, **more: Any) -> None:
        scheduler.add_job(_run_tick, "interval", seconds=seconds, args=[tick, *args], id=name, **more)

    every(TICK_SECONDS, "file", database.examine_file)
    every(TICK_SECONDS, "deliveries", dispatcher.tick)
    every(TICK_SECONDS, "expiry", expire_due, database, {})
    every(TICK_SECONDS, "search", index_runs, database)
    if alerts:
        every(TICK_SECONDS, "alerts", alerts.tick)
    every(MINUTE_SECONDS, "put_off", dispatcher.expedite)
    for name, tick in (each_minute or {}).items():
        every(MINUTE_SECONDS, name, tick)
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


async def _run_tick(tick: Callable[..., Awaitable[object]], *args: object) -> None:
    try:
        await tick(*args)
    except asyncio.CancelledError:
        pass  # the scheduler is shut down; a write under way is finished all the same
    except DatabaseLost:
        pass  # already logged, once
    except Exception as error:  # the next tick tries again
        log("error", "tick.failed", exc=error)


@asynccontextmanager
async def started(scheduler: AsyncIOScheduler) -> AsyncIterator[None]:
    """Run the scheduler while the context lasts. Its shutdown happens in the next turn of the loop, and its ticks are
    cancelled in the turn after that.
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
    """Make ticks due that are scheduled further ahead than their interval: APScheduler waits for a time of day, so a
    clock put back by an hour would halt them for an hour. This waits by the loop's time.
    """
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = datetime.now(UTC)
        for tick in scheduler.get_jobs():
            if tick.next_run_time > now + tick.trigger.interval:
                tick.modify(next_run_time=now)
