"""The file as a whole: proof that it takes writes, what it holds in numbers, and giving back free room."""

from __future__ import annotations

from dataclasses import dataclass

from rundun.store.tx import Tx

PAGE = 8192  # bytes, as `connection` sets it
_OPEN = "runs INDEXED BY runs_open WHERE status IN ('pending', 'in_progress')"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is open now; `bytes` is the size of the file."""

    deliveries_pending: int
    deliveries_failed: int
    runs_pending: int
    runs_in_progress: int
    bytes: int


def figures(tx: Tx) -> Figures:
    """Counted over all organizations, each from an index that leads to them."""

    def count(rest: str) -> int:
        return int(tx.db.execute(f"SELECT count(*) FROM {rest}").fetchone()[0])  # noqa: S608, all written below

    return Figures(
        deliveries_pending=count("deliveries INDEXED BY deliveries_next WHERE status = 'pending'"),
        deliveries_failed=count(
            "organizations AS o JOIN deliveries AS d INDEXED BY deliveries_by_status "
            "ON d.org_id = o.id AND d.status = 'failed'"
        ),
        runs_pending=count(f"{_OPEN} AND status = 'pending'"),
        runs_in_progress=count(f"{_OPEN} AND status = 'in_progress'"),
        bytes=int(tx.db.execute("PRAGMA page_count").fetchone()[0]) * PAGE,
    )


def prove(tx: Tx) -> None:
    """A write that has to reach the disk."""
    tx.db.execute("INSERT OR REPLACE INTO proof (number, at) VALUES (1, ?)", (tx.now,))


def free_pages(tx: Tx) -> int:
    """How many pages of the file hold nothing."""
    return int(tx.db.execute("PRAGMA freelist_count").fetchone()[0])


def shrink(tx: Tx, pages: int) -> int:
    """Cut at most so many free pages off the file, which shows once it is checkpointed; returns how many are left."""
    # However many pages it is asked for, Python takes one step of this pragma, which is one page.
    for _ in range(pages):
        tx.db.execute("PRAGMA incremental_vacuum(1)").close()
    return free_pages(tx)
