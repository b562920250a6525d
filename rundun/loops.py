"""What happens by itself: deliveries are sent, what is due is retried, runs whose time is up expire.

A commit that touched the outbox wakes the postman at once; APScheduler's tick is the safety net and brings what has
become due. Each unit of work says whether there is more, and tests call it directly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from rundun import counters
from rundun.actions import evidence, once, sending, steering
from rundun.actions.sending import Result
from rundun.core import event, times
from rundun.core.slots import Slots
from rundun.errors import Problem
from rundun.logs import log, short
from rundun.store import deliveries, files, upkeep
from rundun.store.database import Database
from rundun.store.deliveries import Claimed

TICK_SECONDS = 1
CLEAR_UP_SECONDS = 600
ABANDONED = times.HOUR  # the age from which an unfinished file is no upload any more
SHRINK_PAGES = 256  # given back at a time: 2 MiB
FORGET = 200  # old answers to POSTs forgotten at a time
SPARE_PAGES = 512  # left free
SWEEP = 25  # runs expired in one go
REST = 60 * times.SECOND  # how long a run that could not be expired is left alone
NOT_MADE = "The request could not be made; the service's log says why."

Resting = dict[str, int]  # run ids, and until when they are left alone
Post = Callable[[Claimed, bytes], Awaitable[tuple[Result, bool]]]  # one request; True when nobody was there


class Postman:
    """Claims what can start now and sends it, each delivery in a task of its own."""

    def __init__(
        self, database: Database, post: Post, *, slots: Slots[str], retry_delays: Sequence[float]
    ) -> None:
        self._database = database
        self._post = post
        self._slots = slots
        self._delays = retry_delays
        self._wake = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._unsettled: set[int] = set()  # sent, but the outcome could not be written
        self._more = False  # was more due than could start?
        self._stopping = False
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Put back what an ended process was sending, and begin."""
        put_back = await self._database.write(sending.put_back)
        if put_back:
            log("info", "deliveries.put_back", count=put_back)
        self._database.subscribe(self._hear)
        self._loop = asyncio.create_task(self._run())
        self.wake()

    def _hear(self, touched: set[str]) -> None:
        if "outbox" in touched:
            self._wake.set()

    def wake(self) -> None:
        """Something may be due."""
        self._wake.set()

    async def tick(self) -> None:
        """Wake up if something is due; what could not be settled is due again, since at least once is promised."""
        if self._unsettled:
            numbers = frozenset(self._unsettled)
            await self._database.write(sending.put_back_these, numbers)
            self._unsettled -= numbers
        if await self._database.read(deliveries.is_due):
            self._wake.set()

    async def _run(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.send_due()
            except Exception as error:  # a full disk, say: the next tick tries again
                log("error", "deliveries.stuck", exc=error)

    async def send_due(self) -> int:
        """Claim and start all that can start now; returns how many. The slots are taken before anybody else runs."""
        self._more = True  # until the claim knows better, whoever gives a slot back asks for another
        if self._stopping or not self._slots.free:
            return 0
        claims = await self._database.write(sending.claim, self._slots.per_destination, self._slots.share)
        self._more = claims.more
        for one in claims.taken:
            self._slots.take(one.destination)
            task = asyncio.create_task(self._send(one))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claims.taken)

    async def _send(self, claimed: Claimed) -> None:
        started_at = self._database.house.clock()
        ok = unreachable = False
        try:
            result, unreachable = await self._attempt(claimed)
            ok = result.ok
            status = await self._database.write(sending.settle, claimed, started_at, result, self._delays)
            counters.count_attempt(status)
            _log(claimed, result, status)
        except Exception as error:
            self._unsettled.add(claimed.number)
            log("error", "delivery.unsettled", exc=error, run=short(claimed.kept["run_id"]))
        finally:
            self._slots.give_back(claimed.destination, ok=ok, unreachable=unreachable)
            if self._more:
                self._wake.set()

    async def _attempt(self, claimed: Claimed) -> tuple[Result, bool]:
        """One request. What we can't even make is a failed attempt too, or it would be tried without pause or end."""
        kept = claimed.kept
        try:
            shown = await self._database.read(deliveries.thumbnails, kept) if "photos" in kept["data"] else {}
            return await self._post(claimed, event.body(kept, claimed.attempt, shown))
        except Exception as error:
            log("error", "delivery.not_made", exc=error, run=short(kept["run_id"]), event_id=kept["event_id"])
            return Result(False, None, NOT_MADE, None, False, 0, None), False

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def stop(self) -> None:
        """Claim nothing more and let what is under way end: an attempt takes at most its timeout."""
        self._stopping = True
        self._wake.set()
        if self._loop:
            await self._loop
        await self.idle()


def _log(claimed: Claimed, result: Result, status: str) -> None:
    log(
        "info" if result.ok else "warning",
        "delivery",
        event=claimed.kept["event"],
        run=short(claimed.kept["run_id"]),
        event_id=claimed.kept["event_id"],
        attempt=claimed.attempt,
        outcome=status,
        status=result.status,
        ms=result.duration_ms,
        error=result.error,
    )


async def expire_due(database: Database, resting: Resting | None = None) -> int:
    """Expire every run whose time is up; returns how many. Each is a write of its own, so one that fails holds up
    nobody; it is noted in `resting` and left alone for a minute.
    """
    total, resting = 0, {} if resting is None else resting
    while ids := await _overdue(database, resting):
        outcomes = await asyncio.gather(
            *(database.write(steering.expire_one, run_id) for run_id in ids), return_exceptions=True
        )
        for run_id, outcome in zip(ids, outcomes, strict=True):
            if isinstance(outcome, Problem) and outcome.code == "unavailable":
                raise outcome  # the disk is full, say: that is no fault of this run's
            if isinstance(outcome, BaseException):
                resting[run_id] = database.house.clock() + REST
                log("error", "run.not_expired", exc=outcome, run=short(run_id))
        total += sum(outcome is True for outcome in outcomes)
    if total:
        log("info", "runs.expired", count=total)
    return total


async def _overdue(database: Database, resting: Resting) -> list[str]:
    """Who is to be expired now, at most `SWEEP` of them."""
    now = database.house.clock()
    for run_id in [run_id for run_id, until in resting.items() if until <= now]:
        del resting[run_id]
    ids = await database.read(steering.overdue, SWEEP + len(resting))
    return [run_id for run_id in ids if run_id not in resting][:SWEEP]


async def sweep(database: Database, resting: Resting) -> None:
    """One tick's worth of `expire_due`."""
    await expire_due(database, resting)


async def clear_up(database: Database) -> None:
    """Erase uploads that came to nothing and answers that nobody can ask for again, and give back the room they leave.

    In small steps, each a write of its own, so that nobody waits long; a few free pages stay for the next photos.
    """
    numbers = await database.read(files.abandoned, database.house.clock() - ABANDONED)
    for number in numbers:
        await database.write(evidence.drop, {number})
    if numbers:
        log("info", "uploads.dropped", count=len(numbers))
    while await database.read(once.is_any_old):
        await database.write(once.forget, FORGET)
    before = await database.read(upkeep.free_pages)
    left = before
    while left > SPARE_PAGES:
        still = await database.write_heavy(SHRINK_PAGES * upkeep.PAGE, upkeep.shrink, SHRINK_PAGES)
        if still >= left:
            break  # somebody frees as fast, or the file can't shrink: the next tick goes on
        left = still
    if left < before:
        log("info", "database.shrunk", bytes=(before - left) * upkeep.PAGE)


def schedule(postman: Postman, database: Database) -> AsyncIOScheduler:
    """The ticks, two quick and one slow. Stop the postman before you shut this down, which cancels running coroutines
    at once.
    """
    scheduler = AsyncIOScheduler(
        timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    )
    scheduler.add_job(_guarded, "interval", seconds=TICK_SECONDS, args=[postman.tick], id="deliveries")
    scheduler.add_job(_guarded, "interval", seconds=TICK_SECONDS, args=[sweep, database, {}], id="expiry")
    scheduler.add_job(
        _guarded,
        "interval",
        seconds=CLEAR_UP_SECONDS,
        args=[clear_up, database],
        id="clear_up",
        next_run_time=datetime.now(UTC),  # and at the start
    )
    return scheduler


async def _guarded(job: Callable[..., Awaitable[None]], *args: object) -> None:
    try:
        await job(*args)
    except asyncio.CancelledError:
        pass  # the scheduler is shut down; a write that was under way is whole all the same
    except Exception as error:  # the next tick tries again
        log("error", "tick.failed", exc=error)
