"""Deliveries that have failed for good, and that nobody is done with yet."""

from collections.abc import Sequence
from dataclasses import dataclass

from rundun.store.sqlite.pagination import END
from rundun.store.sqlite.transaction import Tx

NEWEST = (END, END)  # a cursor before all


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A failed delivery: of which run, where it was to go (`<scheme>://<host>:<port>`, empty where that is forgotten),
    when it was made (milliseconds), and what went wrong at last, None where no attempt is kept.
    """

    number: int
    run_id: str
    receiver: str
    created_at: int
    trouble: str | None


def page(tx: Tx, org_id: str, before: tuple[int, int], limit: int) -> list[FailedDelivery]:
    """List at most `limit` of an organization's failed deliveries made before `before` (`created_at` and number), the
    newest first.
    """
    rows = tx.db.execute(
        "SELECT d.number, d.run_id, d.destination, d.created_at, coalesce(a.error, 'HTTP ' || a.status) AS trouble "
        "FROM deliveries AS d INDEXED BY deliveries_to_handle "
        "LEFT JOIN attempts AS a ON a.delivery = d.number AND a.number = d.attempts "
        "WHERE d.org_id = :org AND d.status = 'failed' AND d.handled_at IS NULL "
        "AND (d.created_at, d.number) < (:at, :number) ORDER BY d.created_at DESC, d.number DESC LIMIT :limit",
        {"org": org_id, "at": before[0], "number": before[1], "limit": limit},
    ).fetchall()
    return [FailedDelivery(row[0], row[1], row[2].partition(" ")[2], *row[3:]) for row in rows]


def put_handled(tx: Tx, numbers: Sequence[int]) -> None:
    """Store that somebody is done with these deliveries."""
    rows = [{"now": tx.now, "number": number} for number in numbers]
    tx.db.executemany("UPDATE deliveries SET handled_at = :now WHERE number = :number AND status = 'failed'", rows)
