"""Failed deliveries that are not handled."""

from collections.abc import Sequence
from dataclasses import dataclass

from rundun.store.sqlite.pagination import END
from rundun.store.sqlite.transaction import Tx

NEWEST = (END, END)  # the cursor before the newest delivery


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """A failed delivery. `receiver` is `<scheme>://<host>:<port>`, "" if it was erased. `created_at` is in
    milliseconds. `trouble` is the last error or HTTP status, None if retention has removed the attempt.
    """

    number: int
    run_id: str
    receiver: str
    created_at: int
    trouble: str | None


def list_unhandled(tx: Tx, org_id: str, before: tuple[int, int], limit: int) -> list[FailedDelivery]:
    """List at most `limit` of an organization's failed deliveries not handled, newest first. `before` is the cursor:
    `created_at` and number.
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
    """Mark failed deliveries as handled."""
    rows = [{"now": tx.now, "number": number} for number in numbers]
    tx.db.executemany("UPDATE deliveries SET handled_at = :now WHERE number = :number AND status = 'failed'", rows)
