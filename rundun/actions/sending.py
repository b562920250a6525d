"""The outbox at work: what is claimed, and what comes of an attempt."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rundun.core import times
from rundun.store import deliveries
from rundun.store.deliveries import Attempt, Claimed, Claims
from rundun.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt; `retry_after` in seconds, `gone` a 410."""

    ok: bool
    status: int | None
    error: str | None
    retry_after: float | None
    gone: bool
    duration_ms: int
    excerpt: str | None


def claim(tx: Tx, most_each: int, share: Callable[[Mapping[str, int]], Mapping[str, int]]) -> Claims:
    """What can start now; see `store.deliveries.claim`."""
    return deliveries.claim(tx, most_each, share)


def settle(tx: Tx, claimed: Claimed, started_at: int, result: Result, delays: Sequence[float]) -> str:
    """Log the attempt and decide: `delivered`, `pending` until the next one, or `failed`. `delays` are the seconds
    after each failed attempt. Returns the new status.
    """
    attempt = Attempt(
        claimed.attempt,
        "automatic",
        claimed.url,
        started_at,
        result.duration_ms,
        result.status,
        result.error,
        result.excerpt,
    )
    if result.ok:
        status, next_at = "delivered", None
    elif result.gone or claimed.attempt > len(delays) or deliveries.has_gone_webhook(tx, claimed.number):
        status, next_at = "failed", None
    else:
        delay = delays[claimed.attempt - 1]
        status, next_at = "pending", tx.now + int(wait_seconds(delay, result.retry_after) * times.SECOND)
    if result.gone:
        deliveries.put_gone_webhook(tx, claimed.number)
    deliveries.settle(tx, claimed.number, attempt, status, next_at)
    return status


def wait_seconds(delay: float, retry_after: float | None) -> float:
    """The next wait: `delay` plus up to a tenth of it, or what the receiver asked within one and two times `delay`."""
    jittered = delay * (1 + random.random() / 10)  # noqa: S311, spreads load, guards nothing
    if retry_after is None:
        return jittered
    return min(max(retry_after, jittered), delay * 2)


def put_back(tx: Tx) -> int:
    """At start: what an ended process was sending is pending again."""
    return deliveries.put_back(tx)


def put_back_these(tx: Tx, numbers: frozenset[int]) -> None:
    """Deliveries whose outcome could not be written are pending again."""
    for number in numbers:
        deliveries.put_back_one(tx, number)
