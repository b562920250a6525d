"""The dispatcher: claims the deliveries that can start now, and sends each in a task of its own.

A commit that touched the outbox wakes it at once. The scheduler's tick is the safety net, and sets alarms for
deliveries that become due before the next tick. Only this process knows which deliveries are being sent: in the file
they are pending until their outcome is written, so a process that ends in any way leaves nothing to be repaired.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from rundun import counters
from rundun.actions.deliveries import deliveries
from rundun.core import times
from rundun.core.deliveries.attempt import AttemptResult, WebhookRequest
from rundun.core.deliveries.slots import DeliverySlots
from rundun.core.runs import event
from rundun.errors import Problem
from rundun.logs import log, short
from rundun.store.database import Database
from rundun.store.deliveries import outbox
from rundun.store.deliveries.outbox import DueDelivery
from rundun.store.sqlite.database_file import DatabaseLost

MAX_UNWRITTEN = 1000  # outcomes waiting to be written; above, nothing more is sent
LOOK_AHEAD_MS = 1500  # milliseconds that a tick looks ahead: past the next tick, even if that is late
ALARM_STEP_MS = 20  # least milliseconds between two alarms
NOT_MADE = "The request could not be made; the service's log says why."

Post = Callable[[WebhookRequest], Awaitable[AttemptResult]]


@dataclass(frozen=True, slots=True)
class FinishedAttempt:
    """An attempt that was made, and is to be stored."""

    claimed: DueDelivery
    started_at: int
    result: AttemptResult


class Dispatcher:
    """The sender of deliveries; one for the process."""

    def __init__(
        self,
        database: Database,
        post: Post,
        *,
        slots: DeliverySlots[str],
        retry_delays: Sequence[float],
        alerting: bool = False,
    ) -> None:
        self._database = database
        self._post = post
        self._slots = slots
        self._delays = retry_delays
        self._alerting = alerting
        self._wake = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._claimed: set[int] = set()  # numbers of claimed deliveries without a written outcome
        self._under_way: set[asyncio.Task[None]] = set()
        self._unwritten: dict[int, FinishedAttempt] = {}  # whose write has failed, by delivery number
        self._more_due = False  # whether more was due than could start
        self._too_many_unwritten = False  # whether more than MAX_UNWRITTEN outcomes wait to be written
        self._stopping = False
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start sending, now and after each commit that touches the outbox."""
        self._database.subscribe(self._on_commit)
        self._loop = asyncio.create_task(self._run())
        self.wake()

    def _on_commit(self, touched: set[str]) -> None:
        if "outbox" in touched:
            self._wake.set()

    def wake(self) -> None:
        """Wake the dispatcher, as a delivery may be due."""
        self._wake.set()

    async def tick(self) -> None:
        """Write the outcomes whose write failed; wake up as soon as a delivery is due. Raises a write's `Problem`."""
        for number, outcome in list(self._unwritten.items()):
            try:
                await self._write(outcome)
                del self._unwritten[number]
            except Problem:
                raise  # for example, the disk is still full
            except Exception as error:
                _log_error("delivery.unwritten", error, run=short(outcome.claimed.envelope["run_id"]))
        if await self._database.read(outbox.is_due):
            self._wake.set()
        for wait in await self._database.read(outbox.list_next_due, LOOK_AHEAD_MS, ALARM_STEP_MS):
            alarm = (wait + 1) / 1000  # one millisecond more, since a timer may be early
            asyncio.get_running_loop().call_later(alarm, self._wake.set)

    async def expedite(self) -> None:
        """Make deliveries due whose next attempt is further away than any retry delay: the clock was ahead when it was
        planned, and has been put back since.
        """
        longest = int(2 * max(self._delays, default=0) * times.SECOND)
        if await self._database.read(outbox.is_any_delayed, longest):
            count = await self._database.write(outbox.expedite, longest)
            log("warning", "deliveries.brought_back", count=count)

    async def _run(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.send_due()
            except Exception as error:  # the next tick tries again
                _log_error("deliveries.stuck", error)

    async def send_due(self) -> int:
        """Claim and start all deliveries that can start now; return their number."""
        async with self._claiming:
            self._more_due = True  # until the claim says otherwise, each returned slot wakes the dispatcher
            self._too_many_unwritten = len(self._claimed) - self._slots.busy > MAX_UNWRITTEN
            if not self._may_claim:
                return 0
            # The copy is older than the read: a delivery whose outcome is written in between still counts as claimed.
            claims = await self._database.read(outbox.claim, self._slots, frozenset(self._claimed))
            if self._stopping:
                return 0
            self._more_due = claims.more
            for claimed in claims.taken:
                self._claimed.add(claimed.number)
                self._start(claimed)
            return len(claims.taken)

    @property
    def _may_claim(self) -> bool:
        """Tell whether more deliveries may be claimed: a slot is free, not too many outcomes wait to be written, and
        the dispatcher is not stopping.
        """
        return not self._stopping and not self._too_many_unwritten and bool(self._slots.free)

    def _start(self, claimed: DueDelivery) -> None:
        self._slots.take(claimed.destination)
        task = asyncio.create_task(self._send(claimed))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, claimed: DueDelivery) -> None:
        started_at = self._database.env.clock()
        result = AttemptResult(ok=False, error=NOT_MADE)
        try:
            result = await self._attempt(claimed)
        finally:  # the next delivery starts while this outcome is being written
            self._slots.give_back(claimed.destination, ok=result.ok, unreachable=result.unreachable)
            if self._more_due:
                self._wake.set()
        outcome = FinishedAttempt(claimed, started_at, result)
        try:
            await self._write(outcome)
        except Exception as error:
            self._unwritten[claimed.number] = outcome
            _log_error("delivery.unwritten", error, run=short(claimed.envelope["run_id"]))

    async def _attempt(self, claimed: DueDelivery) -> AttemptResult:
        """Make one request; return its result. Unexpected errors are failed attempts, or retries would have no end."""
        envelope = claimed.envelope
        try:
            has_photos = bool(envelope["data"].get("photos"))
            thumbnails = await self._database.read(outbox.get_thumbnails, envelope) if has_photos else {}
            body = event.body(envelope, claimed.attempt, thumbnails)
            event_id, name = envelope["event_id"], envelope["event"]
            return await self._post(WebhookRequest(claimed.url, claimed.secret, body, event_id, name, claimed.org_id))
        except Exception as error:
            _log_error("delivery.not_made", error, run=short(envelope["run_id"]), event_id=envelope["event_id"])
            return AttemptResult(ok=False, error=NOT_MADE)

    async def _write(self, outcome: FinishedAttempt) -> None:
        """Settle an attempt; if that fails, as on a full disk, the delivery stays claimed until a tick settles it."""
        claimed, result = outcome.claimed, outcome.result
        status = await self._database.write(
            deliveries.settle, claimed, outcome.started_at, result, self._delays, alerting=self._alerting
        )
        self._claimed.remove(claimed.number)
        if self._too_many_unwritten:
            self._wake.set()
        counters.count_attempt(status)
        _log_attempt(claimed, result, status)

    async def idle(self) -> None:
        """Wait until no attempt is under way."""
        while self._under_way:
            # Not `gather`: since Python 3.12 it returns at once for done tasks, before their callbacks have run.
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Claim nothing more, and wait for the attempts under way, which take at most their timeout."""
        self._stopping = True
        self._wake.set()
        if self._loop:
            await self._loop
        await self.idle()


def _log_error(name: str, error: Exception, **fields: str) -> None:
    if not isinstance(error, DatabaseLost):  # logged once, not for each delivery
        log("error", name, exc=error, **fields)


def _log_attempt(claimed: DueDelivery, result: AttemptResult, status: str) -> None:
    log(
        "info" if result.ok else "warning",
        "delivery",
        event=claimed.envelope["event"],
        run=short(claimed.envelope["run_id"]),
        event_id=claimed.envelope["event_id"],
        attempt=claimed.attempt,
        trigger=claimed.trigger if claimed.trigger == "manual" else None,
        outcome=status,
        status=result.status,
        ms=result.duration_ms,
        error=result.error,
    )
