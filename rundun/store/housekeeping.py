"""The file as a whole: proof that writes reach it, what it holds in numbers, and giving back free pages."""

import shutil
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rundun.store.erasure import retention
from rundun.store.organizations import quotas
from rundun.store.sqlite import service_state
from rundun.store.sqlite.transaction import Tx

PAGE = 8192  # bytes, as `connection` sets it
_OPEN = "SELECT count(*) FROM runs INDEXED BY runs_open WHERE status IN ('pending', 'in_progress')"


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of what is open now; `overdue` is for how long the oldest delivery has been due, in milliseconds,
    `retention_due` what was kept for as long as was set, by what it is, `bytes` the size of the file, and `held_since`
    when all that goes out was held, if it is.
    """

    deliveries_pending: int
    deliveries_failed: int
    overdue: int
    runs_pending: int
    runs_in_progress: int
    organizations_near_quota: int
    retention_due: Mapping[str, int]
    bytes: int
    held_since: int | None


def totals(tx: Tx) -> Totals:
    """Count what is open over all organizations, each count from an index that leads to its rows."""
    return Totals(
        deliveries_pending=count_pending(tx),
        deliveries_failed=tx.number(
            "SELECT count(*) FROM organizations AS o JOIN deliveries AS d INDEXED BY deliveries_by_status "
            "ON d.org_id = o.id AND d.status = 'failed'"
        ),
        overdue=tx.now - (_oldest_due(tx, None) or tx.now),
        runs_pending=tx.number(f"{_OPEN} AND status = 'pending'"),
        runs_in_progress=tx.number(f"{_OPEN} AND status = 'in_progress'"),
        organizations_near_quota=quotas.count_near(tx),
        retention_due=retention.count_due(tx),
        bytes=tx.number("PRAGMA page_count") * PAGE,
        held_since=service_state.held_since(tx),
    )


def count_pending(tx: Tx) -> int:
    """Count the deliveries of all organizations that are pending."""
    return tx.number("SELECT count(*) FROM deliveries INDEXED BY deliveries_next WHERE status = 'pending'")


def prove(tx: Tx) -> None:
    """Write a row that has to reach the disk."""
    tx.replace("proof", number=1, at=tx.now)


def free_pages(tx: Tx) -> int:
    """Count the pages of the file that hold nothing."""
    return tx.number("PRAGMA freelist_count")


def shrink(tx: Tx, pages: int) -> int:
    """Cut at most `pages` free pages off the file, which shows once it is checkpointed; returns how many are left."""
    # However many pages it is asked for, Python takes one step of this pragma, which is one page.
    for _ in range(pages):
        tx.db.execute("PRAGMA incremental_vacuum(1)").close()
    return free_pages(tx)


def truncate_log(db: sqlite3.Connection) -> bool:
    """Move the log into the file and cut it to nothing, outside of any transaction; False where somebody else still
    reads an older state, whom nobody shall wait for. Where another program makes all checkpoints, that one does it.
    """
    if not db.execute("PRAGMA wal_autocheckpoint").fetchone()[0]:
        return True
    before = db.execute("PRAGMA busy_timeout").fetchone()[0]
    db.execute("PRAGMA busy_timeout = 0")
    try:
        return not db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        db.execute(f"PRAGMA busy_timeout = {before}")


def put_checkpoint_pages(tx: Tx, pages: int) -> int:
    """Let the log be written back into the file whenever it has so many pages; returns how many it was before. Zero, by
    which somebody else does that, stays.
    """
    before = tx.number("PRAGMA wal_autocheckpoint")
    if before:
        tx.db.execute(f"PRAGMA wal_autocheckpoint = {pages:d}").close()
    return before


# Before this, a WAL file could be corrupted by two connections that checkpoint at once.
SQLITE_SOUND = (3, 51, 3)
_STEPS = 100_000  # of SQLite's machine between two looks at the clock


@dataclass(frozen=True, slots=True)
class FileInfo:
    """The file: `bytes` its size without the log beside it, `schema` the number of its newest migration."""

    bytes: int
    journal: str
    schema: int
    sqlite: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class OutboxInfo:
    """Counts of the outbox; `oldest_due` is since when the longest waiting delivery is due, in milliseconds."""

    pending: int
    failed: int
    oldest_due: int | None


def file_info(tx: Tx) -> FileInfo:
    """Return what SQLite knows of the file at once, however large it is."""
    return FileInfo(
        bytes=tx.number("PRAGMA page_count") * PAGE,
        journal=tx.db.execute("PRAGMA journal_mode").fetchone()[0],
        schema=tx.number("PRAGMA user_version"),
        sqlite=sqlite3.sqlite_version_info,
    )


def quick_check(tx: Tx, seconds: float) -> list[str] | None:
    """List what is wrong in the file line by line, nothing if all is well; None when `seconds` were not enough to read
    all of it.
    """
    until = time.monotonic() + seconds
    tx.db.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    try:
        messages = [str(row[0]) for row in tx.db.execute("PRAGMA quick_check(20)").fetchall()]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        raise
    except sqlite3.DatabaseError as error:  # so broken that it cannot even be checked
        return [str(error)]
    finally:
        tx.db.set_progress_handler(None, 0)
    lines = [line for message in messages for line in message.splitlines()]  # in one message there are up to a hundred
    return [] if messages == ["ok"] else [line for line in lines if not line.startswith("***")] or messages


def newest(tx: Tx) -> int:
    """Return the newest time that was stored, in milliseconds; 0 in an empty file."""
    queries = (
        "SELECT max(created_at) FROM runs INDEXED BY runs_of_org WHERE org_id = ? AND erased_at IS NULL",
        "SELECT max(created_at) FROM deliveries INDEXED BY deliveries_of_org WHERE org_id = ?",
        "SELECT created_at FROM organizations WHERE id = ?",
        "SELECT max(quarter) * 900000 FROM tallies WHERE org_id = ? AND what = 'completed'",
    )
    org_ids = _organizations(tx)
    stored = [tx.db.execute(query, (org_id,)).fetchone()[0] for org_id in org_ids for query in queries]
    proof = tx.db.execute("SELECT max(at) FROM proof").fetchone()[0]
    return max((at for at in (*stored, proof) if at is not None), default=0)


def outbox_info(tx: Tx, org_id: str | None) -> OutboxInfo:
    """Count the outbox of one organization, or of all."""
    org_ids = _organizations(tx) if org_id is None else [org_id]
    query = "SELECT count(*) FROM deliveries INDEXED BY deliveries_by_status WHERE org_id = ? AND status = ?"
    pending, failed = (sum(tx.number(query, each, status) for each in org_ids) for status in ("pending", "failed"))
    return OutboxInfo(pending, failed, _oldest_due(tx, org_id))


def _oldest_due(tx: Tx, org_id: str | None) -> int | None:
    """Return since when the longest waiting delivery is due, in milliseconds."""
    row = tx.db.execute(
        "SELECT next_attempt_at FROM deliveries INDEXED BY deliveries_next "
        "WHERE status = 'pending' AND next_attempt_at <= :now AND (:org IS NULL OR org_id = :org) "
        "ORDER BY next_attempt_at LIMIT 1",
        {"now": tx.now, "org": org_id},
    ).fetchone()
    return row and int(row[0])


@dataclass(frozen=True, slots=True)
class Room:
    """The room that the database takes beside its file, and what is left on its disk."""

    log_bytes: int
    free_bytes: int


def room(path: Path) -> Room:
    """Read the size of the log of the database at `path`, and what is left on its disk. Blocks; raises OSError where
    the folder is gone.
    """
    real = path.resolve()
    log = Path(f"{real}-wal")
    try:
        log_bytes = log.stat().st_size
    except OSError:  # there is none while nobody has the database open
        log_bytes = 0
    return Room(log_bytes, shutil.disk_usage(real.parent).free)


def _organizations(tx: Tx) -> list[str]:
    return [row["id"] for row in tx.db.execute("SELECT id FROM organizations").fetchall()]
