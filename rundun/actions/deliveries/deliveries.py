"""Deliveries: settling attempts, and retrying."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from rundun.actions.organizations import quotas
from rundun.core import times
from rundun.core.deliveries.attempt import AttemptResult
from rundun.core.json_types.deliveries import AttemptJson, DeliveryJson
from rundun.errors import NotFound, Problem
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.deliveries.deliveries import Attempt, Delivery, DeliveryCursor, DeliveryStatus, FailedFilter
from rundun.store.deliveries.outbox import DueDelivery
from rundun.store.erasure import erasure
from rundun.store.organizations import statistics
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite.pagination import Page, PageRequest
from rundun.store.sqlite.transaction import Tx


def settle(
    tx: Tx,
    claimed: DueDelivery,
    started_at: int,
    result: AttemptResult,
    delays: Sequence[float],
    *,
    alerting: bool = False,
) -> DeliveryStatus:
    """Settle an attempt: log its result, and set the delivery's status to the returned `delivered`, `failed`, or
    `pending` until the next attempt. `delays` are the seconds after each failed scheduled attempt. `alerting`: a final
    failure gets an alert, unless the attempt was made by hand. Of a delivery erased during the attempt nothing is
    stored; it counts as `delivered` or `failed`. Once `run.erased` has arrived, the run's webhook is erased.
    """
    if not delivery_rows.is_of_event(tx, claimed.number, claimed.envelope["event_id"]):  # erased in the meantime
        return "delivered" if result.ok else "failed"
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
    status, next_at = _outcome(tx, claimed, result, delays)
    if result.gone:
        delivery_rows.put_webhook_gone(tx, claimed.number, claimed.url, gone=True)
    elif result.ok and claimed.trigger == "manual":  # the receiver is back
        delivery_rows.put_webhook_gone(tx, claimed.number, claimed.url, gone=False)
    delivery_rows.settle(tx, claimed.org_id, claimed.number, attempt, status, next_at)
    if status == "delivered" and claimed.envelope["event"] == erasure.ERASED:
        erasure.erase_webhook(tx, claimed.envelope["run_id"])
    elif alerting and status == "failed" and claimed.trigger == "automatic":
        delivery_rows.put_awaiting_alert(tx, claimed.number)
    return status


def _outcome(
    tx: Tx, claimed: DueDelivery, result: AttemptResult, delays: Sequence[float]
) -> tuple[DeliveryStatus, int | None]:
    if result.ok:
        return "delivered", None
    url, has_gone = delivery_rows.get_webhook(tx, claimed.number)
    if url is None:  # the webhook was removed during the attempt
        return "failed", None
    if url == claimed.url and (result.gone or has_gone):  # a new URL has not answered 410 yet
        return "failed", None
    if claimed.trigger == "manual":  # an attempt outside the schedule, which continues unless it has ended
        resume_at = claimed.resume_at
        return ("failed", None) if resume_at is None else ("pending", max(resume_at, tx.now))
    made = delivery_rows.count_automatic(tx, claimed.number)
    if made >= len(delays):
        return "failed", None
    return "pending", tx.now + int(retry_wait_seconds(delays[made], result.retry_after) * times.SECOND)


def retry_wait_seconds(delay: float, retry_after: float | None) -> float:
    """Return the seconds until the next attempt: `delay` plus up to a tenth, or the receiver's `retry_after`, limited
    to between that and twice `delay`.
    """
    jittered = delay * (1 + random.random() / 10)  # noqa: S311, spreads load, guards nothing
    if retry_after is None:
        return jittered
    return min(max(retry_after, jittered), delay * 2)


def delivery_json(delivery: Delivery) -> DeliveryJson:
    """Return a delivery as on the wire, with its stored attempts and the number of those removed, if any."""
    content: DeliveryJson = {
        "delivery_id": delivery.delivery_id,
        "run_id": delivery.run_id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "seq": delivery.seq,
        "status": delivery.status,
        "created_at": times.wire(delivery.created_at),
        "next_attempt_at": times.wire_or_none(delivery.next_attempt_at),
        "attempts": [_attempt_json(attempt) for attempt in delivery.attempts],
    }
    if removed := delivery.attempts_made - len(delivery.attempts):
        content["attempts_removed"] = removed
    return content


def _attempt_json(attempt: Attempt) -> AttemptJson:
    return {
        "number": attempt.number,
        "trigger": attempt.trigger,
        "url": attempt.url,
        "started_at": times.wire(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error,
        "response_excerpt": attempt.excerpt,
    }


RETRY_BATCH_SIZE = 500  # deliveries made due in one transaction, which takes some ten milliseconds


@dataclass(frozen=True, slots=True)
class RetryProgress:
    """The progress of a retry: the number of deliveries retried so far, and the cursor of the last one."""

    count: int = 0
    after: DeliveryCursor = (0, 0)


def retry(tx: Tx, org_id: str, delivery_id: str) -> Delivery:
    """Make a delivery due now, even a delivered one, and return it; raises NotFound, `quota_exceeded`, and
    `wrong_status` if its run has no webhook any more.
    """
    number = delivery_rows.get_of_org(tx, org_id, delivery_id).number
    quotas.require_quota_to_change(tx, org_id)
    if delivery_rows.get_webhook(tx, number)[0] is None:
        if erasure.find_by_delivery(tx, number) is not None:
            raise Problem("wrong_status", "Its run was erased together with its webhook.")
        raise Problem("wrong_status", "Its run has no webhook any more: give it one first.")
    delivery_rows.put_due(tx, number)
    return delivery_rows.get_of_org(tx, org_id, delivery_id)


def retry_of_run(tx: Tx, org_id: str, run_id: str, delivery_id: str) -> Delivery:
    """Make a delivery of the run due now, and return it; raises as `retry`, and NotFound for another run's delivery."""
    if delivery_rows.get_of_org(tx, org_id, delivery_id).run_id != run_id:
        raise NotFound("delivery")
    return retry(tx, org_id, delivery_id)


def has_more_failed(tx: Tx, org_id: str, failed_filter: FailedFilter, so_far: RetryProgress) -> bool:
    """Tell whether more failed deliveries are left than the next `retry_failed` takes."""
    return (
        len(delivery_rows.list_failed(tx, org_id, failed_filter, so_far.after, RETRY_BATCH_SIZE + 1)) > RETRY_BATCH_SIZE
    )


def retry_failed(tx: Tx, org_id: str, failed_filter: FailedFilter, so_far: RetryProgress) -> RetryProgress:
    """Make the next failed deliveries that pass the filter due now, at most `RETRY_BATCH_SIZE`, so that other writes do
    not wait long; return the number made due since the first call, and the cursor to go on after. Deliveries without
    a webhook are left out. Raises `quota_exceeded`, and for the filter's run NotFound and `run_erased`.
    """
    if failed_filter.run_id is not None:
        run_rows.get_of_org(tx, org_id, failed_filter.run_id)
    quotas.require_quota_to_change(tx, org_id)
    batch = delivery_rows.list_failed(tx, org_id, failed_filter, so_far.after, RETRY_BATCH_SIZE)
    sent = sum(delivery_rows.put_due(tx, number) for _, number in batch)
    return RetryProgress(so_far.count + sent, batch[-1] if batch else so_far.after)


@dataclass(frozen=True, slots=True)
class FailedDeliveries:
    """A page of failed deliveries with the references of their runs, and the number of `pending` ones, counted up to
    `statistics.MAX_COUNTED` + 1. `next_attempt_at` is the first attempt of these, in milliseconds.
    """

    items: Sequence[tuple[Delivery, str | None]]
    next_before: tuple[int, ...] | None
    pending: int
    next_attempt_at: int | None


def page_failed(tx: Tx, org_id: str, page_request: PageRequest) -> FailedDeliveries:
    """Return a page of an organization's failed deliveries not handled, newest first, each with its run's
    `executor_ref` or None; and the number of all pending ones, with the time of their next attempt.
    """
    page = delivery_rows.page(tx, org_id, "failed", page_request, is_to_handle=True)
    items = [(delivery, run_rows.get_reference(tx, delivery.run_id)) for delivery in page.items]
    return FailedDeliveries(items, page.next_before, *statistics.count_pending_deliveries(tx, org_id))


def page_of_run(tx: Tx, org_id: str, run_id: str, page_request: PageRequest) -> Page[Delivery]:
    """Return a page of the deliveries of an organization's run, newest first; raises NotFound, `run_erased`."""
    return delivery_rows.page_of_run(tx, run_rows.get_of_org(tx, org_id, run_id).run_id, page_request)
