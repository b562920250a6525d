"""The database file as a whole: its figures, its log, its free pages, and a proof that writes reach the disk."""

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

PAGE = 8192  # bytes; `connection` sets this size
_OPEN = "SELECT count(*) FROM runs INDEXED BY runs_open WHERE status IN ('pending', 'in_progress')"


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over all organizations; `overdue` is the milliseconds since which the oldest delivery has been due,
    `retention_due` the number of rows past their retention period, by kind, `bytes` the size of the file, and
    `held_since` the time of the restore that holds deliveries and alerts, None without.
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


def read_totals(tx: Tx) -> Totals:
    """Return the figures over all organizations: counts, the milliseconds for which the oldest due delivery has waited,
    0 without one, the size of the file in bytes, and the time of the restore that holds deliveries and alerts, if any.
    """
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
        held_since=service_state.find_held_since(tx),
    )


def count_pending(tx: Tx) -> int:
    """Count the pending deliveries of all organizations."""
    return tx.number("SELECT count(*) FROM deliveries INDEXED BY deliveries_next WHERE status = 'pending'")


def write_proof(tx: Tx) -> None:
    """Write a row, whose commit proves that the disk takes writes."""
    tx.replace("proof", number=1, at=tx.now)


def count_free_pages(tx: Tx) -> int:
    """Count the unused pages of the file."""
    return tx.number("PRAGMA freelist_count")


def shrink(tx: Tx, pages: int) -> int:
    """Cut at most `pages` free pages off the file, which the next checkpoint does; return the number still free."""
    # Python takes only one step of this pragma, and thereby one page, whatever number is asked for.
    for _ in range(pages):
        tx.db.execute("PRAGMA incremental_vacuum(1)").close()
    return count_free_pages(tx)


def truncate_log(db: sqlite3.Connection) -> bool:
    """Move the log into the file and cut it to 0 bytes, outside of a transaction, and return True; False at once where
    another connection still reads from the log. True and nothing done where another program makes all checkpoints.
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
    """Set the number of log pages at which SQLite makes a checkpoint; return the number before. Zero stays: another
    program makes the checkpoints.
    """
    before = tx.number("PRAGMA wal_autocheckpoint")
    if before:
        tx.db.execute(f"PRAGMA wal_autocheckpoint = {pages:d}").close()
    return before


# In older ones two connections that checkpoint at once can corrupt a WAL file.
SQLITE_SOUND = (3, 51, 3)
_STEPS = 100_000  # instructions of SQLite's virtual machine between two looks at the clock


@dataclass(frozen=True, slots=True)
class FileInfo:
    """The file: `bytes` is its size without its log, `schema` the number of its newest migration."""

    bytes: int
    journal: str
    schema: int
    sqlite: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class OutboxInfo:
    """Counts of the outbox; `oldest_due` is the time at which the longest waiting delivery was due, if any."""

    pending: int
    failed: int
    oldest_due: int | None


def read_file_info(tx: Tx) -> FileInfo:
    """Return the file's size in bytes, journal mode and schema, and the SQLite library's version."""
    return FileInfo(
        bytes=tx.number("PRAGMA page_count") * PAGE,
        journal=tx.db.execute("PRAGMA journal_mode").fetchone()[0],
        schema=tx.number("PRAGMA user_version"),
        sqlite=sqlite3.sqlite_version_info,
    )


def check_file(tx: Tx, seconds: float) -> list[str] | None:
    """List the lines of SQLite's quick check that report damage, of its first 20 messages, none for a sound file; None
    where `seconds` were not enough to read it.
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


def read_newest_time(tx: Tx) -> int:
    """Return the newest time in milliseconds at which an organization, a run that is not erased, or a delivery was
    created, a run was completed (the begin of its quarter of an hour), or a proof was written; 0 without any.
    """
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


def read_outbox_info(tx: Tx, org_id: str | None) -> OutboxInfo:
    """Return the counts of the outbox of one organization, or of all for None: pending and failed deliveries, and the
    time at which the longest waiting one was due, in milliseconds, None where none is due.
    """
    org_ids = _organizations(tx) if org_id is None else [org_id]
    query = "SELECT count(*) FROM deliveries INDEXED BY deliveries_by_status WHERE org_id = ? AND status = ?"
    pending, failed = (sum(tx.number(query, each, status) for each in org_ids) for status in ("pending", "failed"))
    return OutboxInfo(pending, failed, _oldest_due(tx, org_id))


def _oldest_due(tx: Tx, org_id: str | None) -> int | None:
    """Return the time at which the longest waiting delivery was due, in milliseconds; None where none is due."""
    row = tx.db.execute(
        "SELECT next_attempt_at FROM deliveries INDEXED BY deliveries_next "
        "WHERE status = 'pending' AND next_attempt_at <= :now AND (:org IS NULL OR org_id = :org) "
        "ORDER BY next_attempt_at LIMIT 1",
        {"now": tx.now, "org": org_id},
    ).fetchone()
    return row and int(row[0])


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Sizes in bytes: the log beside the database, and the free space of its disk."""

    log_bytes: int
    free_bytes: int


def read_disk_space(path: Path) -> DiskSpace:
    """Return the bytes of the log of the database at `path`, 0 without one, and the free bytes of its disk. Blocks;
    raises OSError where the folder does not exist.
    """
    real = path.resolve()
    log = Path(f"{real}-wal")
    try:
        log_bytes = log.stat().st_size
    except OSError:  # there is none while no process has the database open
        log_bytes = 0
    return DiskSpace(log_bytes, shutil.disk_usage(real.parent).free)


def _organizations(tx: Tx) -> list[str]:
    return [row["id"] for row in tx.db.execute("SELECT id FROM organizations").fetchall()]
