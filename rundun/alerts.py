"""Alerts: one POST to the operator's own address when a delivery has failed for good.

What is to be told is written with the failure, so no restart forgets it. At most ten are sent in a burst and ten a
minute after it; the last one that may be sent stands for all that have failed by then. An alert that does not arrive is
logged and tried again after a minute, and meanwhile nothing else is told: it makes no deliveries, so no more alerts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from rundun.actions import alerting
from rundun.actions.alerting import Alert
from rundun.core import bucket, times
from rundun.core.bucket import Bucket, Policy
from rundun.logs import log
from rundun.store.database import Database

POLICY = Policy("alerts", 10)
REST = 60 * times.SECOND  # after an alert that did not arrive


class Sent(Protocol):
    """What came of it; see `courier.Outcome`."""

    @property
    def ok(self) -> bool: ...
    @property
    def status(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...


Send = Callable[[Alert], Awaitable[Sent]]


class Alerts:
    """Tells, tick by tick, what is to be told."""

    def __init__(self, database: Database, send: Send) -> None:
        self._database = database
        self._send = send
        self._bucket = Bucket(POLICY.quota, database.house.clock())
        self._rest_until = 0

    async def tick(self) -> None:
        """Send what there is to tell and what may be sent."""
        clock = self._database.house.clock
        while clock() >= self._rest_until and await self._database.read(alerting.is_any):
            allowance = bucket.take(POLICY, self._bucket, clock())
            if not allowance.granted:
                return
            alert = await self._database.read(alerting.next_alert, for_all=allowance.remaining == 0)
            sent = await self._send(alert)
            if not sent.ok:
                self._rest_until = clock() + REST
                log(
                    "error",
                    "alert.not_sent",
                    delivery=alert.delivery_id,
                    status=sent.status,
                    error=sent.error,
                )
                return
            await self._database.write(alerting.put_told, alert)
            log("info", "alert.sent", delivery=alert.delivery_id, left_out=len(alert.numbers) - 1)
