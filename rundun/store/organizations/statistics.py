"""Counts: what has happened in each quarter of an hour, counted as it happens, and deliveries."""

from typing import Literal

from rundun.core import times
from rundun.store.sqlite.transaction import Tx

QUARTER = times.HOUR // 4  # in every time zone a day begins with one
MAX_COUNTED = 10_000  # counted one by one; what is more is only said to be more

Statistic = Literal["dispatched", "completed", "cancelled", "expired", "photos"]


def between(tx: Tx, org_id: str, what: Statistic, begin: int, end: int) -> list[tuple[int, int]]:
    """Count what has happened in each quarter of an hour from `begin` on and before `end`: pairs of the milliseconds at
    which the quarter begins, and the count.
    """
    rows = tx.db.execute(
        "SELECT quarter, number FROM tallies WHERE org_id = ? AND what = ? AND quarter >= ? AND quarter < ? "
        "ORDER BY quarter",
        (org_id, what, begin // QUARTER, -(-end // QUARTER)),
    ).fetchall()
    return [(row["quarter"] * QUARTER, row["number"]) for row in rows]


def since(tx: Tx, org_id: str, what: Statistic, begin: int) -> int:
    """Count what has happened from `begin` on, in milliseconds, which is when a quarter of an hour begins."""
    query = "SELECT coalesce(sum(number), 0) FROM tallies WHERE org_id = ? AND what = ? AND quarter >= ?"
    return tx.number(query, org_id, what, begin // QUARTER)


def _count(tx: Tx, rows: str, *parameters: object) -> int:
    """Count what `SELECT … FROM rows` answers, at most `MAX_COUNTED` and one."""
    query = f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT ?)"  # noqa: S608, all written below
    return tx.number(query, *parameters, MAX_COUNTED + 1)


def failed_deliveries(tx: Tx, org_id: str) -> int:
    """Count the deliveries that have failed for good and that nobody is done with, at most `MAX_COUNTED` and one."""
    rows = "deliveries INDEXED BY deliveries_to_handle WHERE org_id = ? AND status = 'failed' AND handled_at IS NULL"
    return _count(tx, rows, org_id)


def pending_deliveries(tx: Tx, org_id: str) -> tuple[int, int | None]:
    """Count the deliveries under way, at most `MAX_COUNTED` and one, and tell when the first of these is tried next."""
    query = (
        "SELECT count(*), min(next_attempt_at) FROM (SELECT next_attempt_at FROM deliveries "
        "INDEXED BY deliveries_by_status WHERE org_id = ? AND status = 'pending' LIMIT ?)"
    )
    count, at = tx.db.execute(query, (org_id, MAX_COUNTED + 1)).fetchone()
    return int(count), at
