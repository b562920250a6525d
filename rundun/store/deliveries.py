"""The outbox: claiming what is due, settling what was tried, and the log of attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from rundun.store import files
from rundun.store.paging import Page, Slice
from rundun.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is being sent: `attempt` is the number of the request to come, `kept` the event as written."""

    number: int
    destination: str
    attempt: int
    url: str
    secret: str | None
    kept: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claims:
    """What may start now, and whether more is due than that."""

    taken: list[Claimed]
    more: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request: what came back, or `error` says why nothing did."""

    number: int
    trigger: str
    url: str
    started_at: int
    duration_ms: int
    status: int | None
    error: str | None
    excerpt: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one webhook."""

    number: int
    delivery_id: str
    run_id: str
    event_id: str
    event: str
    seq: int
    status: str
    attempts: tuple[Attempt, ...]
    next_attempt_at: int | None
    created_at: int


WINDOW = 256  # deliveries looked at in the order they became due

_LOOSE_SCAN = (  # one index probe a destination, however many rows wait for it
    "WITH RECURSIVE due (destination) AS ("
    " SELECT min(destination) FROM deliveries WHERE status = 'pending'"
    " UNION ALL"
    " SELECT (SELECT min(destination) FROM deliveries WHERE status = 'pending' AND destination > due.destination)"
    " FROM due WHERE due.destination IS NOT NULL"
    ") SELECT destination FROM due WHERE destination IS NOT NULL"
)
_DUE = "SELECT number, event, run_id, destination, attempts, next_attempt_at FROM deliveries "


def is_due(tx: Tx) -> bool:
    """True when some delivery could be tried now."""
    query = "SELECT 1 FROM deliveries WHERE status = 'pending' AND next_attempt_at <= ? LIMIT 1"
    return tx.db.execute(query, (tx.now,)).fetchone() is not None


def claim(tx: Tx, most_each: int, share: Callable[[Mapping[str, int]], Mapping[str, int]]) -> Claims:
    """Take what can start now, marked `sending`. `share` says how many of each destination's waiting deliveries may
    start, given how many are due (counted up to `most_each`, the destination waiting longest first).
    """
    first = tx.db.execute(
        _DUE + "INDEXED BY deliveries_next WHERE status = 'pending' AND next_attempt_at <= ? "
        "ORDER BY next_attempt_at, number LIMIT ?",
        (tx.now, WINDOW + 1),
    ).fetchall()
    queues = _queues(first) if len(first) <= WINDOW else _long_queues(tx, most_each)
    granted = share({destination: min(len(due), most_each) for destination, due in queues.items()})
    taken = [row for destination, due in queues.items() for row in due[: granted.get(destination, 0)]]
    return Claims([_claim(tx, row) for row in taken], more=len(taken) < len(first))


def _queues(rows: list[sqlite3.Row]) -> dict[str, list[sqlite3.Row]]:
    queues: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        queues.setdefault(row["destination"], []).append(row)
    return queues


def _long_queues(tx: Tx, most_each: int) -> dict[str, list[sqlite3.Row]]:
    """As many may be due to one dead destination as fill any window, so here each destination is asked."""
    destinations = [row["destination"] for row in tx.db.execute(_LOOSE_SCAN).fetchall()]
    queues = [due for destination in destinations if (due := _due(tx, destination, most_each))]
    queues.sort(key=lambda due: (due[0]["next_attempt_at"], due[0]["number"]))
    return {due[0]["destination"]: due for due in queues}


def _due(tx: Tx, destination: str, limit: int) -> list[sqlite3.Row]:
    return tx.db.execute(
        _DUE + "WHERE status = 'pending' AND destination = ? AND next_attempt_at <= ? "
        "ORDER BY next_attempt_at, number LIMIT ?",
        (destination, tx.now, limit),
    ).fetchall()


def _claim(tx: Tx, row: sqlite3.Row) -> Claimed:
    tx.db.execute("UPDATE deliveries SET status = 'sending' WHERE number = ?", (row["number"],))
    run = tx.db.execute(
        "SELECT webhook_url, webhook_secret FROM runs WHERE id = ?", (row["run_id"],)
    ).fetchone()
    event = tx.db.execute("SELECT body FROM events WHERE number = ?", (row["event"],)).fetchone()
    return Claimed(
        number=row["number"],
        destination=row["destination"],
        attempt=row["attempts"] + 1,
        url=run["webhook_url"],
        secret=run["webhook_secret"],
        kept=from_json(event["body"]),
    )


def thumbnails(tx: Tx, kept: Mapping[str, Any]) -> dict[str, bytes]:
    """The thumbnails of the photos an event shows, by photo id; without those that are erased."""
    data = kept["data"]
    found = {}
    for shown in data.get("photos", ()):
        photo = files.find_photo(tx, kept["run_id"], data["step_id"], shown["photo_id"])
        if photo is not None:
            found[photo.photo_id] = files.read_all(tx, photo.thumbnail)
    return found


def has_gone_webhook(tx: Tx, number: int) -> bool:
    """True when the delivery's webhook has answered 410 before."""
    query = "SELECT webhook_gone FROM runs WHERE id = (SELECT run_id FROM deliveries WHERE number = ?)"
    return bool(tx.db.execute(query, (number,)).fetchone()[0])


def put_gone_webhook(tx: Tx, number: int) -> None:
    """The delivery's webhook answered 410: later events of its run get one attempt each."""
    tx.db.execute(
        "UPDATE runs SET webhook_gone = 1 WHERE id = (SELECT run_id FROM deliveries WHERE number = ?)",
        (number,),
    )


def settle(tx: Tx, number: int, attempt: Attempt, status: str, next_attempt_at: int | None) -> None:
    """Log an attempt and say what comes of the delivery: `delivered`, `failed`, or `pending` until the next one."""
    tx.db.execute(
        "INSERT INTO attempts (delivery, number, trigger, url, started_at, duration_ms, status, error, excerpt) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            attempt.number,
            attempt.trigger,
            attempt.url,
            attempt.started_at,
            attempt.duration_ms,
            attempt.status,
            attempt.error,
            attempt.excerpt,
        ),
    )
    tx.db.execute(
        "UPDATE deliveries SET status = ?, attempts = ?, next_attempt_at = ?, settled_at = ? WHERE number = ?",
        (status, attempt.number, next_attempt_at, None if status == "pending" else tx.now, number),
    )


def put_back(tx: Tx) -> int:
    """What an ended process was sending is pending again; returns how many."""
    changed = tx.db.execute(
        "UPDATE deliveries SET status = 'pending', next_attempt_at = ? WHERE status = 'sending'", (tx.now,)
    )
    return changed.rowcount


def put_back_one(tx: Tx, number: int) -> None:
    """One delivery that was being sent is pending again."""
    tx.db.execute(
        "UPDATE deliveries SET status = 'pending', next_attempt_at = ? WHERE number = ? AND status = 'sending'",
        (tx.now, number),
    )


def count_failed(tx: Tx, org_id: str) -> int:
    """How many deliveries of an organization have failed for good."""
    query = "SELECT count(*) FROM deliveries WHERE org_id = ? AND status = 'failed'"
    return int(tx.db.execute(query, (org_id,)).fetchone()[0])


def page_of_run(tx: Tx, run_id: str, wanted: Slice) -> Page[Delivery]:
    """A run's deliveries with their attempts, the newest first."""
    rows = tx.db.execute(
        "SELECT d.*, e.id AS event_id, e.event AS event_name, e.seq FROM deliveries AS d "
        "JOIN events AS e ON e.number = d.event WHERE d.run_id = ? AND d.number < ? "
        "ORDER BY d.number DESC LIMIT ?",
        (run_id, wanted.before[-1], wanted.limit + 1),
    ).fetchall()
    return Page.of(rows, wanted, lambda row: (row["number"],), lambda row: _delivery(tx, row))


def _delivery(tx: Tx, row: sqlite3.Row) -> Delivery:
    attempts = tx.db.execute(
        "SELECT number, trigger, url, started_at, duration_ms, status, error, excerpt FROM attempts "
        "WHERE delivery = ? ORDER BY number",
        (row["number"],),
    ).fetchall()
    return Delivery(
        number=row["number"],
        delivery_id=row["id"],
        run_id=row["run_id"],
        event_id=row["event_id"],
        event=row["event_name"],
        seq=row["seq"],
        status="pending" if row["status"] == "sending" else row["status"],
        attempts=tuple(Attempt(*attempt) for attempt in attempts),
        next_attempt_at=row["next_attempt_at"],
        created_at=row["created_at"],
    )
