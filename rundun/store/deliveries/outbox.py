"""The outbox: due deliveries, the choice of deliveries that can start, and all data that an attempt needs."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import to_json

from rundun.core.deliveries.slots import DeliverySlots
from rundun.store import files
from rundun.store.runs import events
from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that can be sent now. `attempt` is the number of the coming request, `trigger` its cause, `resume_at`
    when the schedule continues after a manual attempt, in milliseconds, and `envelope` the stored event.
    """

    number: int
    org_id: str
    destination: str
    attempt: int
    trigger: Literal["automatic", "manual"]
    resume_at: int | None
    url: str
    secret: str | None
    envelope: dict[str, Any]


def owner_id(destination: str) -> str:
    """Return the id of a destination's organization, with which it begins."""
    return destination.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Claim:
    """The deliveries that may start now, and whether more may be due."""

    taken: list[DueDelivery]
    more: bool


WINDOW = 64  # deliveries read in the order they became due

_LOOSE_SCAN = (  # one index probe a destination, however many rows wait for it
    "WITH RECURSIVE due (destination) AS ("
    " SELECT min(destination) FROM deliveries WHERE status = 'pending'"
    " UNION ALL"
    " SELECT (SELECT min(destination) FROM deliveries WHERE status = 'pending' AND destination > due.destination)"
    " FROM due WHERE due.destination IS NOT NULL"
    ") SELECT destination FROM due WHERE destination IS NOT NULL"
)
_DESTINATIONS = "SELECT destination FROM deliveries WHERE number IN (SELECT value FROM json_each(?))"
_DUE = "SELECT number, event, destination, attempts, next_attempt_at, next_trigger, resume_at FROM deliveries "


def is_due(tx: Tx) -> bool:
    """Tell whether a delivery is due; False while deliveries are held after a restore."""
    if service_state.find_held_since(tx) is not None:
        return False
    query = "SELECT 1 FROM deliveries WHERE status = 'pending' AND next_attempt_at <= ? LIMIT 1"
    return tx.db.execute(query, (tx.now,)).fetchone() is not None


def is_any_delayed(tx: Tx, max_delay_ms: int) -> bool:
    """Tell whether a delivery's next attempt is more than `max_delay_ms` away."""
    query = "SELECT 1 FROM deliveries WHERE status = 'pending' AND next_attempt_at > ? LIMIT 1"
    return tx.db.execute(query, (tx.now + max_delay_ms,)).fetchone() is not None


def expedite(tx: Tx, max_delay_ms: int) -> int:
    """Make deliveries due now if their next attempt is more than `max_delay_ms` away; return their number."""
    query = "UPDATE deliveries SET next_attempt_at = ? WHERE status = 'pending' AND next_attempt_at > ?"
    tx.touched.add("outbox")
    return tx.db.execute(query, (tx.now, tx.now + max_delay_ms)).rowcount


def list_next_due(tx: Tx, span: int, step: int) -> list[int]:
    """List the milliseconds until the deliveries that are not due yet, but will be within `span`, become due. Each is
    rounded up to a multiple of `step`, which may exceed `span`, and listed once, so that they are few. Empty while
    deliveries are held after a restore.
    """
    if service_state.find_held_since(tx) is not None:
        return []
    rows = tx.db.execute(
        "SELECT DISTINCT (next_attempt_at - :now + :step - 1) / :step * :step FROM deliveries "
        "INDEXED BY deliveries_next WHERE status = 'pending' AND next_attempt_at > :now "
        "AND next_attempt_at <= :now + :span",
        {"now": tx.now, "span": span, "step": step},
    )
    return [row[0] for row in rows.fetchall()]


def claim(tx: Tx, slots: DeliverySlots[str], claimed: Set[int]) -> Claim:
    """Return the deliveries that can start now within their `slots`, the longest waiting destination first, and whether
    more may be due. `claimed` are the numbers of deliveries already claimed by this process, which are left out: they
    are known only in its memory, as a claim writes nothing. Empty while deliveries are held after a restore.
    """
    if service_state.find_held_since(tx) is not None:
        return Claim([], more=False)
    first = tx.db.execute(
        _DUE + "INDEXED BY deliveries_next WHERE status = 'pending' AND next_attempt_at <= ? "
        "ORDER BY next_attempt_at, number LIMIT ?",
        (tx.now, WINDOW + len(claimed) + 1),
    ).fetchall()
    waiting = [row for row in first if row["number"] not in claimed]
    is_long = len(first) > WINDOW + len(claimed)
    queues = _long_queues(tx, slots, claimed) if is_long else _queues(waiting)
    granted = slots.share({name: min(len(due), slots.per_destination) for name, due in queues.items()})
    taken = [row for destination, due in queues.items() for row in due[: granted.get(destination, 0)]]
    return Claim([_due_delivery(tx, row) for row in taken], is_long or len(taken) < len(waiting))


def _queues(rows: Iterable[sqlite3.Row]) -> dict[str, list[sqlite3.Row]]:
    queues: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        queues.setdefault(row["destination"], []).append(row)
    return queues


def _long_queues(tx: Tx, slots: DeliverySlots[str], claimed: Set[int]) -> dict[str, list[sqlite3.Row]]:
    """Return the rows of the first due deliveries, but the `claimed` ones, by destination, for each one with a free
    slot, the longest waiting first. One dead destination may have more due deliveries than any window; as dead ones
    have no free slot, this is fast for any number of them.
    """
    # By their current destination: of a run with a new webhook, deliveries under way to the previous one count here.
    under_way = Counter(row[0] for row in tx.db.execute(_DESTINATIONS, (to_json(list(claimed)).decode(),)).fetchall())
    rows = []
    for (destination,) in tx.db.execute(_LOOSE_SCAN).fetchall():
        if limit := slots.free_for(destination):
            rows.append(_list_due(tx, destination, limit + under_way[destination]))
    queues = [left for due in rows if (left := [row for row in due if row["number"] not in claimed])]
    queues.sort(key=lambda due: (due[0]["next_attempt_at"], due[0]["number"]))
    return {due[0]["destination"]: due for due in queues}


def _list_due(tx: Tx, destination: str, limit: int) -> list[sqlite3.Row]:
    return tx.db.execute(
        _DUE + "WHERE status = 'pending' AND destination = ? AND next_attempt_at <= ? "
        "ORDER BY next_attempt_at, number LIMIT ?",
        (destination, tx.now, limit),
    ).fetchall()


def _due_delivery(tx: Tx, row: sqlite3.Row) -> DueDelivery:
    event = tx.db.execute(
        "SELECT e.org_id, e.body, r.webhook_url, r.webhook_secret FROM events AS e JOIN runs AS r ON r.id = e.run_id "
        "WHERE e.number = ?",
        (row["event"],),
    ).fetchone()
    return DueDelivery(
        number=row["number"],
        org_id=event["org_id"],
        destination=row["destination"],
        attempt=row["attempts"] + 1,
        trigger=row["next_trigger"],
        resume_at=row["resume_at"],
        url=event["webhook_url"],
        secret=event["webhook_secret"],
        envelope=events.read_envelope(tx, row["event"], event["body"]),
    )


def get_thumbnails(tx: Tx, envelope: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the thumbnails of an event's photos by photo id; removed photos are left out."""
    data = envelope["data"]
    by_photo_id = {}
    for shown in data.get("photos", ()):
        photo = files.find_photo(tx, envelope["run_id"], data["step_id"], shown["photo_id"])
        if photo is not None and photo.removed_at is None:
            by_photo_id[photo.photo_id] = files.read_all(tx, photo.thumbnail)
    return by_photo_id
