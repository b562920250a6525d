"""Events of runs, and the deliveries that are added with them."""

import sqlite3
import sys
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core import media_links
from rundun.core.runs import event
from rundun.core.runs.event import NewEvent
from rundun.core.runs.run import Run
from rundun.store.organizations import quotas
from rundun.store.sqlite.pagination import MAX_PAGE
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates

TOUCHED = "events of "  # in `Tx.touched`, with an organization's id behind it: that has a new event


SHORT_PAGE = 128 * 1024  # bytes
# A longer body is not copied into Python.
_SELECT = "SELECT number, iif(length(CAST(body AS BLOB)) <= ?, body, NULL) AS body FROM events "


@dataclass(frozen=True, slots=True)
class Feed:
    """A part of a feed: (number, event) pairs in the order of their commits, whether there are more, and whether the
    next one was left out because of the bytes.
    """

    items: list[tuple[int, dict[str, Any]]]
    has_more: bool
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class EventSummary:
    """An event without its `data`: `at` is the time as on the wire, `identity` the executor or operator who caused it,
    `unable` the reason that a step could not be done.
    """

    seq: int
    event: str
    at: str
    identity: dict[str, Any]
    step_id: str | None
    step_label: str | None
    unable: str | None


def add(tx: Tx, run: Run, new_event: NewEvent, seq: int, at: int) -> None:
    """Store an event of a run at the time `at` (milliseconds), with a delivery if the run's webhook takes such events.
    The caller stores `seq` on the run.
    """
    event_id = tx.new_id("evt")
    body = to_json(event.envelope(run, new_event, event_id, seq, at))
    number = tx.insert(
        "events",
        number=_next_number(tx),
        id=event_id,
        run_id=run.run_id,
        org_id=run.org_id,
        seq=seq,
        event=new_event.event,
        body=body.decode(),
    )
    size = quotas.EVENT + len(body)
    webhook = run.webhook
    if webhook and new_event.event in webhook.events:
        tx.insert(
            "deliveries",
            id=tx.new_id("dlv"),
            event=number,
            run_id=run.run_id,
            org_id=run.org_id,
            destination=webhook.destination,
            status="pending",
            next_attempt_at=tx.now,
            created_at=tx.now,
        )
        size += quotas.DELIVERY + len(webhook.destination)
        tx.touched.add("outbox")
    tx.grow(run.org_id, size)
    tx.touched.add(TOUCHED + run.org_id)


def _next_number(tx: Tx) -> int | None:
    """Return the number of the next event after a restore, greater than every cursor given out before it; None without
    a restore, where SQLite takes the newest event's number plus one.
    """
    return read_newest(tx) + 1 if tx.event_floor else None


def page_of_organization(tx: Tx, org_id: str, after: int, limit: int, *, is_short: bool = False) -> Feed:
    """Return at most `limit` events of an organization with numbers greater than `after`, the oldest first, each with
    its number, fewer if they are large, see `_feed`.
    """
    query = _SELECT + "WHERE org_id = ? AND number > ? ORDER BY number LIMIT ?"
    return _feed(tx, tx.db.execute(query, (_max_body(is_short), org_id, after, limit + 1)), limit, is_short)


def page_of_run(tx: Tx, run_id: str, after: int, limit: int, *, is_short: bool = False) -> Feed:
    """Return at most `limit` events of a run with numbers greater than `after`, the oldest first, each with its number,
    fewer if they are large, see `_feed`.
    """
    query = _SELECT + "WHERE run_id = ? AND number > ? ORDER BY seq LIMIT ?"
    return _feed(tx, tx.db.execute(query, (_max_body(is_short), run_id, after, limit + 1)), limit, is_short)


def list_summaries(tx: Tx, run_id: str, limit: int) -> list[EventSummary]:
    """List the summaries, without `data`, of the first `limit` events of a run, the oldest first."""
    rows = tx.db.execute(
        "SELECT seq, event, body ->> '$.ts', body -> '$.identity', body ->> '$.data.step_id', "
        "body ->> '$.data.step_label', body ->> '$.data.unable.reason' "
        "FROM events WHERE run_id = ? ORDER BY seq LIMIT ?",
        (run_id, limit),
    ).fetchall()
    return [EventSummary(seq, name, at, from_json(identity), *rest) for seq, name, at, identity, *rest in rows]


def list_announced_photos(tx: Tx, run_id: str, step_id: str) -> set[str]:
    """Return the ids of the photos in the newest `step.completed` of a step; none without that event."""
    row = tx.db.execute(
        "SELECT body -> '$.data.photos' FROM events WHERE run_id = ? AND event = 'step.completed' "
        "AND body ->> '$.data.step_id' = ? ORDER BY seq DESC LIMIT 1",
        (run_id, step_id),
    ).fetchone()
    return set() if row is None else {photo["photo_id"] for photo in from_json(row[0])}


def read_newest(tx: Tx) -> int:
    """Return the number of the newest event of all organizations, 0 without one. After a restore it is at least the
    greatest number that a lost event can have had, since readers have cursors of lost events.
    """
    return max(tx.number("SELECT coalesce(max(number), 0) FROM events"), tx.event_floor)


def read_envelope(tx: Tx, number: int, body: str) -> dict[str, Any]:
    """Return the event `number` as a dict, read from its stored `body`, with media URLs that are valid now."""
    stored: dict[str, Any] = from_json(body)
    if number > tx.links.last_former_event:
        return stored
    version = templates.get_version(tx, stored["template_id"], stored["template_v"])
    return {**stored, "data": media_links.renew(stored["data"], version.signature_steps, tx.links)}


def _max_body(is_short: bool) -> int:
    return SHORT_PAGE if is_short else sys.maxsize


def _feed(tx: Tx, rows: sqlite3.Cursor, limit: int, is_short: bool) -> Feed:
    """Return the events of `rows`, at most `limit`, fewer if they have more than `MAX_PAGE` bytes, but one of any
    length, each with its number, and whether there are more. A short page has at most `SHORT_PAGE` bytes, and none of
    an event that is longer.
    """
    items: list[tuple[int, dict[str, Any]]] = []
    size, has_more, is_cut = 0, False, False
    for row in rows:
        size += len((row["body"] or "").encode())
        is_cut = row["body"] is None or (len(items) > 0 and size > (SHORT_PAGE if is_short else MAX_PAGE))
        has_more = is_cut or len(items) == limit
        if has_more:
            break
        items.append((row["number"], read_envelope(tx, row["number"], row["body"])))
    rows.close()
    return Feed(items, has_more, is_cut)
