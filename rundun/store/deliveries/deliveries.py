"""Deliveries with the log of their attempts: settling, listing, and retrying them."""

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from rundun.core.deliveries.webhook_url import shown_host
from rundun.store.organizations import quotas
from rundun.store.sqlite.pagination import Page, PageRequest
from rundun.store.sqlite.transaction import Tx

DeliveryStatus = Literal["pending", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request of a delivery, with the response's `status` and `excerpt`, or the `error` that prevented one."""

    number: int
    trigger: Literal["automatic", "manual"]
    url: str
    started_at: int
    duration_ms: int
    status: int | None
    error: str | None
    excerpt: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event to be delivered to one webhook. Retention may have removed the oldest of `attempts_made` attempts."""

    number: int
    delivery_id: str
    org_id: str
    run_id: str
    event_id: str
    event: str
    seq: int
    status: DeliveryStatus
    next_attempt_at: int | None
    created_at: int
    settled_at: int | None
    destination: str
    attempts_made: int
    attempts: tuple[Attempt, ...]

    @property
    def host(self) -> str:
        """Return the webhook's host and port, without the scheme's default port; "" once the webhook is erased."""
        return shown_host(self.destination.partition(" ")[2])

    @property
    def trouble(self) -> str | None:
        """Return the last attempt's error or status, as “HTTP 500”; None if delivered or without stored attempts."""
        if self.status == "delivered" or not self.attempts:
            return None
        last = self.attempts[-1]
        return last.error or f"HTTP {last.status}"


@dataclass(frozen=True, slots=True)
class FailedFilter:
    """A filter of failed deliveries: created since `since`, in milliseconds; of one run; only those not handled."""

    since: int = 0
    run_id: str | None = None
    is_to_handle: bool = False


DeliveryCursor = tuple[int, int]  # the order of creation: `created_at` and `number`

_SELECT = (  # in the order of Delivery's fields, all but the attempts
    "SELECT d.number, d.id, d.org_id, d.run_id, e.id, e.event, e.seq, d.status, d.next_attempt_at, d.created_at, "
    "d.settled_at, d.destination, d.attempts FROM deliveries AS d JOIN events AS e ON e.number = d.event "
)
_SET_DUE = (  # deliveries already due keep their trigger
    "UPDATE deliveries SET next_trigger = 'manual', status = 'pending', next_attempt_at = :now, settled_at = NULL, "
    "resume_at = CASE status WHEN 'pending' THEN next_attempt_at END, "
    "destination = (SELECT webhook_destination FROM runs WHERE id = run_id) "
    "WHERE number = :number AND NOT (status = 'pending' AND next_attempt_at <= :now) "
    "AND (SELECT webhook_url FROM runs WHERE id = run_id) IS NOT NULL"
)


# ---- results of attempts


def settle(
    tx: Tx, org_id: str, number: int, attempt: Attempt, status: DeliveryStatus, next_attempt_at: int | None
) -> None:
    """Store an attempt and the new status of its delivery. `next_attempt_at` (milliseconds) is for `pending` only."""
    try:
        tx.insert("attempts", delivery=number, **asdict(attempt))
    except sqlite3.IntegrityError:  # the delivery was ended during the attempt, which took the number
        free = tx.number("SELECT max(number) + 1 FROM attempts WHERE delivery = ?", number)
        attempt = replace(attempt, number=free)
        tx.insert("attempts", delivery=number, **asdict(attempt))
    said = f"{attempt.url}{attempt.error or ''}{attempt.excerpt or ''}"
    tx.grow(org_id, quotas.ATTEMPT + len(said.encode()))
    settled_at = None if status == "pending" else max(tx.now, attempt.started_at)  # a clock may be put back
    tx.db.execute(
        "UPDATE deliveries SET status = ?, attempts = ?, next_attempt_at = ?, settled_at = max(?, created_at), "
        "next_trigger = 'automatic', resume_at = NULL, attempts_removed = 0, handled_at = NULL WHERE number = ?",
        (status, attempt.number, next_attempt_at, settled_at, number),
    )


def is_of_event(tx: Tx, number: int, event_id: str) -> bool:
    """Tell whether the delivery with the number is still of this event: after an erasure another one may have it."""
    query = "SELECT 1 FROM deliveries AS d JOIN events AS e ON e.number = d.event WHERE d.number = ? AND e.id = ?"
    return tx.db.execute(query, (number, event_id)).fetchone() is not None


def put_awaiting_alert(tx: Tx, number: int) -> None:
    """Store that the administrator is to be alerted of a failed delivery."""
    tx.db.execute("UPDATE deliveries SET wants_alert = 1 WHERE number = ?", (number,))


def list_awaiting_alert(tx: Tx, limit: int) -> list[int]:
    """List the numbers of at most `limit` deliveries that await an alert, oldest first."""
    rows = tx.db.execute("SELECT number FROM deliveries WHERE wants_alert ORDER BY number LIMIT ?", (limit,))
    return [row["number"] for row in rows.fetchall()]


def put_alerted(tx: Tx, numbers: Sequence[int]) -> None:
    """Store that the administrator has been alerted of deliveries."""
    tx.db.executemany("UPDATE deliveries SET wants_alert = 0 WHERE number = ?", [(number,) for number in numbers])


def count_automatic(tx: Tx, number: int) -> int:
    """Return the number of a delivery's stored attempts that were made by schedule, not by hand."""
    query = "SELECT count(*) FROM attempts WHERE delivery = ? AND trigger = 'automatic'"
    return tx.number(query, number)


def get_webhook(tx: Tx, number: int) -> tuple[str | None, bool]:
    """Return the current URL of a delivery's webhook, None if the run has none, and whether it has answered 410 since
    an attempt by hand last succeeded.
    """
    query = "SELECT webhook_url, webhook_gone FROM runs WHERE id = (SELECT run_id FROM deliveries WHERE number = ?)"
    url, gone = tx.db.execute(query, (number,)).fetchone()
    return url, bool(gone)


def put_webhook_gone(tx: Tx, number: int, url: str, *, gone: bool) -> None:
    """Store whether a delivery's webhook has answered 410, if it still has this URL. Later events of the run then get
    one attempt each.
    """
    tx.db.execute(
        "UPDATE runs SET webhook_gone = :gone WHERE id = (SELECT run_id FROM deliveries WHERE number = :number) "
        "AND webhook_url = :url AND webhook_gone <> :gone",
        {"gone": int(gone), "number": number, "url": url},
    )


# ---- changing or removing a webhook


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """A pending delivery, and the number of its attempts."""

    number: int
    attempts: int


def list_pending_elsewhere(tx: Tx, run_id: str, destination: str, limit: int) -> list[PendingDelivery]:
    """List at most `limit` pending deliveries of a run to destinations other than `destination`."""
    rows = tx.db.execute(
        "SELECT number, attempts FROM deliveries INDEXED BY deliveries_of_run "
        "WHERE run_id = ? AND status = 'pending' AND destination <> ? LIMIT ?",
        (run_id, destination, limit),
    )
    return [PendingDelivery(*row) for row in rows.fetchall()]


def put_destination(tx: Tx, number: int, destination: str) -> None:
    """Store the new destination of a pending delivery."""
    tx.db.execute("UPDATE deliveries SET destination = ? WHERE number = ?", (destination, number))


def is_any_undelivered(tx: Tx, run_id: str) -> bool:
    """Tell whether a run has a pending or failed delivery."""
    query = "SELECT 1 FROM deliveries WHERE run_id = ? AND status IN ('pending', 'failed') LIMIT 1"
    return tx.db.execute(query, (run_id,)).fetchone() is not None


# ---- retrying


def put_due(tx: Tx, number: int) -> bool:
    """Make a delivery of any status pending and due now, for its run's present webhook, and return True; one that was
    pending keeps its schedule for later. Return False if it is due already, or its run has no webhook any more.
    """
    changed = tx.db.execute(_SET_DUE, {"number": number, "now": tx.now}).rowcount
    tx.touched.add("outbox")
    return bool(changed)


def list_failed(tx: Tx, org_id: str, filters: FailedFilter, after: DeliveryCursor, limit: int) -> list[DeliveryCursor]:
    """List the cursors (`created_at`, number) of at most `limit` failed deliveries that pass `filters`, after `after`,
    oldest first; those of one run by number, with handled ones.
    """
    if filters.run_id is None:
        to_handle = "AND handled_at IS NULL " if filters.is_to_handle else ""
        rows = tx.db.execute(
            f"SELECT created_at, number FROM deliveries WHERE org_id = ? AND status = 'failed' {to_handle}"  # noqa: S608
            "AND (created_at, number) > (?, ?) ORDER BY created_at, number LIMIT ?",
            (org_id, *max(after, (filters.since, 0)), limit),
        )
    else:
        rows = tx.db.execute(
            "SELECT created_at, number FROM deliveries INDEXED BY deliveries_of_run WHERE run_id = ? "
            "AND org_id = ? AND status = 'failed' AND created_at >= ? AND number > ? ORDER BY number LIMIT ?",
            (filters.run_id, org_id, filters.since, after[-1], limit),
        )
    return [(row["created_at"], row["number"]) for row in rows.fetchall()]


# ---- the log


def get(tx: Tx, number: int) -> Delivery:
    """Return the delivery with the number; raises NotFound."""
    return _delivery(tx, tx.get_row("delivery", _SELECT + "WHERE d.number = ?", number))


def get_of_org(tx: Tx, org_id: str, delivery_id: str) -> Delivery:
    """Return an organization's delivery by its id; raises NotFound."""
    return _delivery(tx, tx.get_row("delivery", _SELECT + "WHERE d.id = ? AND d.org_id = ?", delivery_id, org_id))


def count_failed(tx: Tx, org_id: str) -> int:
    """Return the number of an organization's failed deliveries, handled ones included."""
    return tx.number("SELECT count(*) FROM deliveries WHERE org_id = ? AND status = 'failed'", org_id)


def page(
    tx: Tx, org_id: str, status: DeliveryStatus | None, page_request: PageRequest, *, is_to_handle: bool = False
) -> Page[Delivery]:
    """Return a page of an organization's deliveries with their stored attempts, newest first, of one status, or of all
    for None. `is_to_handle`: failed ones that are not handled, whatever the `status`.
    """
    of_status = "" if status is None else "AND d.status = :status "
    if is_to_handle:
        of_status = "AND d.status = 'failed' AND d.handled_at IS NULL "
    at, number = page_request.before
    rows = tx.db.execute(
        _SELECT + f"WHERE d.org_id = :org {of_status}AND (d.created_at, d.number) < (:at, :number) "
        "ORDER BY d.created_at DESC, d.number DESC LIMIT :more",
        {"org": org_id, "status": status, "at": at, "number": number, "more": page_request.limit + 1},
    ).fetchall()
    return Page.of(rows, page_request, lambda row: (row["created_at"], row["number"]), lambda row: _delivery(tx, row))


def page_of_run(tx: Tx, run_id: str, page_request: PageRequest) -> Page[Delivery]:
    """Return a page of a run's deliveries with their stored attempts, newest first."""
    rows = tx.db.execute(
        _SELECT + "WHERE d.run_id = ? AND d.number < ? ORDER BY d.number DESC LIMIT ?",
        (run_id, page_request.before[-1], page_request.limit + 1),
    ).fetchall()
    return Page.of(rows, page_request, lambda row: (row["number"],), lambda row: _delivery(tx, row))


def _delivery(tx: Tx, row: sqlite3.Row) -> Delivery:
    attempts = tx.db.execute(
        "SELECT number, trigger, url, started_at, duration_ms, status, error, excerpt FROM attempts "
        "WHERE delivery = ? ORDER BY number",
        (row["number"],),
    ).fetchall()
    fields: list[Any] = [*row, tuple(Attempt(*attempt) for attempt in attempts)]
    return Delivery(*fields)
