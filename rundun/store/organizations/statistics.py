"""Statistics: events by quarter of an hour, counted as they happen, and numbers of deliveries."""

from typing import Literal

from rundun.core import times
from rundun.store.sqlite.transaction import Tx

QUARTER = times.HOUR // 4  # days begin with one in every time zone
MAX_COUNTED = 10_000  # rows; a larger number is only shown as more

Statistic = Literal["dispatched", "completed", "cancelled", "expired", "photos"]


def list_counts(tx: Tx, org_id: str, statistic: Statistic, begin: int, end: int) -> list[tuple[int, int]]:
    """List the counts of an organization's quarters of an hour that overlap `begin` to `end` (milliseconds), in
    ascending order: pairs of the quarter's start in milliseconds and the count. Quarters without events are left out.
    """
    rows = tx.db.execute(
        "SELECT quarter, number FROM tallies WHERE org_id = ? AND what = ? AND quarter >= ? AND quarter < ? "
        "ORDER BY quarter",
        (org_id, statistic, begin // QUARTER, -(-end // QUARTER)),
    ).fetchall()
    return [(row["quarter"] * QUARTER, row["number"]) for row in rows]


def count_since(tx: Tx, org_id: str, statistic: Statistic, begin: int) -> int:
    """Return an organization's count since `begin`, the start of a quarter of an hour in milliseconds."""
    query = "SELECT coalesce(sum(number), 0) FROM tallies WHERE org_id = ? AND what = ? AND quarter >= ?"
    return tx.number(query, org_id, statistic, begin // QUARTER)


def _count(tx: Tx, rows: str, *parameters: object) -> int:
    """Return the number of rows, at most `MAX_COUNTED` + 1; `rows` is SQL after FROM."""
    query = f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT ?)"  # noqa: S608, all written below
    return tx.number(query, *parameters, MAX_COUNTED + 1)


def count_failed_deliveries(tx: Tx, org_id: str) -> int:
    """Return the number of failed deliveries that are not handled, at most `MAX_COUNTED` + 1."""
    rows = "deliveries INDEXED BY deliveries_to_handle WHERE org_id = ? AND status = 'failed' AND handled_at IS NULL"
    return _count(tx, rows, org_id)


def count_pending_deliveries(tx: Tx, org_id: str) -> tuple[int, int | None]:
    """Return the number of pending deliveries, at most `MAX_COUNTED` + 1, and the earliest time of a next attempt of
    those counted, in milliseconds, None without any.
    """
    query = (
        "SELECT count(*), min(next_attempt_at) FROM (SELECT next_attempt_at FROM deliveries "
        "INDEXED BY deliveries_by_status WHERE org_id = ? AND status = 'pending' LIMIT ?)"
    )
    count, at = tx.db.execute(query, (org_id, MAX_COUNTED + 1)).fetchone()
    return int(count), at
