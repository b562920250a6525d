"""Alerts: one POST to the administrator's address when a delivery has failed for good, a quota is nearly used up, or a
backup is missed.

Pending alerts are stored with the failure, so no restart loses them. At most ten are sent in a burst and ten a minute
after it; the last one of these stands for all further failures up to then. An alert that does not arrive is logged and
tried again after a minute, and no other is sent meanwhile. Alerts are no deliveries, so they cause no further alerts.
A test is sent at once, and only once.
"""

from collections.abc import Callable
from typing import TypedDict

from rundun.actions.deliveries import alerts
from rundun.actions.deliveries.alerts import Alert
from rundun.core import times, token_bucket
from rundun.core.deliveries.attempt import AttemptResult, WebhookRequest
from rundun.core.token_bucket import Bucket, Policy
from rundun.logs import log
from rundun.store.database import Database
from rundun.store.organizations import quotas as quota_rows
from rundun.webhooks.dispatcher import Post

POLICY = Policy("alerts", 10)
RETRY_PAUSE_MS = 60 * times.SECOND  # after an alert that did not arrive


class AlertOutcomeJson(TypedDict):
    """The result of a test alert: that of its attempt, and whether it was signed."""

    ok: bool
    status: int | None
    error: str | None
    duration_ms: int
    is_signed: bool


class Alerts:
    """The sender of alerts, run by the scheduler's ticks. `url` is normalised; without a `secret` the POST is not
    signed; `backup_error` returns why there is no backup, or None.
    """

    def __init__(
        self,
        database: Database,
        post: Post,
        url: str,
        secret: str | None,
        backup_error: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._database = database
        self._post = post
        self._url = url
        self._secret = secret
        self._backup_error = backup_error
        self._bucket = Bucket(POLICY.quota, database.env.clock())
        self._rest_until = 0

    def _rests(self, now: int) -> bool:
        return now < self._rest_until <= now + RETRY_PAUSE_MS  # it is later only if the clock was put back

    async def tick(self) -> None:
        """Send the pending alerts, as many as the limit allows."""
        clock = self._database.env.clock
        if await self._database.read(quota_rows.is_any_alert_outdated):
            await self._database.write(quota_rows.remove_outdated_alerts)
        while not self._rests(clock()) and await self._database.read(alerts.has_alert):
            allowance = token_bucket.take(POLICY, self._bucket, clock())
            if not allowance.granted:
                return
            alert = await self._database.read(
                alerts.make_next_alert, for_all=allowance.remaining == 0, backup_error=self._backup_error()
            )
            if alert is None:  # its delivery was retried or deleted since `has_alert`
                return
            if not (await self._send(alert)).ok:
                self._rest_until = clock() + RETRY_PAUSE_MS
                return
            await self._database.write(alerts.mark_alerted, alert)
            log("info", "alert.sent", alert=alert.name, id=alert.alert_id, left_out=max(0, len(alert.numbers) - 1))

    async def _send(self, alert: Alert) -> AttemptResult:
        sent = await self._post(WebhookRequest(self._url, self._secret, alert.body, alert.alert_id, alert.name))
        if not sent.ok:
            log("error", "alert.not_sent", alert=alert.name, id=alert.alert_id, status=sent.status, error=sent.error)
        return sent

    async def send_test(self) -> AlertOutcomeJson:
        """Send a test alert and return whether it arrived, the status (None without an answer), the error (None if it
        arrived), its milliseconds, and whether it was signed. Raises `held` while a restore holds outgoing requests.
        """
        sent = await self._send(await self._database.read(alerts.test_alert))
        return {
            "ok": sent.ok,
            "status": sent.status,
            "error": sent.error,
            "duration_ms": sent.duration_ms,
            "is_signed": self._secret is not None,
        }
