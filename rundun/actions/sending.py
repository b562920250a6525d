"""The outbox at work: what comes of an attempt."""

from __future__ import annotations

import random
from collections.abc import Sequence

from rundun.core import times
from rundun.core.attempt import AttemptResult
from rundun.store import deliveries
from rundun.store.deliveries import Attempt, Status
from rundun.store.outbox import Claimed
from rundun.store.transaction import Tx


def settle(
    tx: Tx,
    claimed: Claimed,
    started_at: int,
    result: AttemptResult,
    delays: Sequence[float],
    *,
    alerting: bool = False,
) -> Status:
    """Log the attempt and decide: `delivered`, `pending` until the next one, or `failed`. `delays` are the seconds
    after each failed attempt of the schedule. `alerting`: the operator is to be told of what fails for good, though not
    of attempts by hand, since whoever made them looks at what comes of them. Returns the new status.
    """
    attempt = Attempt(
        claimed.attempt,
        claimed.trigger,
        claimed.url,
        started_at,
        result.duration_ms,
        result.status,
        result.error,
        result.excerpt,
    )
    status, next_at = _decided(tx, claimed, result, delays)
    if result.gone:
        deliveries.put_gone_webhook(tx, claimed.number, gone=True)
    elif result.ok and claimed.trigger == "manual":  # somebody has seen to it: it is there again
        deliveries.put_gone_webhook(tx, claimed.number, gone=False)
    deliveries.settle(tx, claimed.number, attempt, status, next_at)
    if alerting and status == "failed" and claimed.trigger == "automatic":
        deliveries.want_alert(tx, claimed.number)
    return status


def _decided(
    tx: Tx, claimed: Claimed, result: AttemptResult, delays: Sequence[float]
) -> tuple[Status, int | None]:
    if result.ok:
        return "delivered", None
    if result.gone or deliveries.has_gone_webhook(tx, claimed.number):
        return "failed", None
    if claimed.trigger == "manual":  # one attempt beside the schedule, which goes on unless it was at its end
        resume_at = claimed.resume_at
        return ("failed", None) if resume_at is None else ("pending", max(resume_at, tx.now))
    made = deliveries.count_automatic(tx, claimed.number)
    if made >= len(delays):
        return "failed", None
    return "pending", tx.now + int(wait_seconds(delays[made], result.retry_after) * times.SECOND)


def wait_seconds(delay: float, retry_after: float | None) -> float:
    """The next wait: `delay` plus up to a tenth of it, or what the receiver asked within one and two times `delay`."""
    jittered = delay * (1 + random.random() / 10)  # noqa: S311, spreads load, guards nothing
    if retry_after is None:
        return jittered
    return min(max(retry_after, jittered), delay * 2)
