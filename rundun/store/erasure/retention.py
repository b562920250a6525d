"""Retention: when periods begin, which rows are due, and their deletion in steps.

The queries use the same periods as `core.erasure.retention`: the template's days, else the organization's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rundun.core import times
from rundun.core.runs.run import Run
from rundun.store import files
from rundun.store.erasure import erased_bytes
from rundun.store.organizations import statistics
from rundun.store.sqlite.transaction import Tx

# ---- when periods begin

# A run that was not completed ends at its deadline, but a service that was off notices that later; counted from the
# deadline, answers that the phone still has could be refused before they had a day to arrive.


def put_kept_from(tx: Tx, run: Run, at: int) -> None:
    """Store when a closed run's retention periods begin, in milliseconds."""
    tx.db.execute("UPDATE runs SET kept_from = ? WHERE number = ?", (at, run.number))


def find_kept_from(tx: Tx, run_id: str) -> int | None:
    """Find when a run's retention periods begin, in milliseconds; None while it is open. Raises NotFound."""
    kept_from: int | None = tx.get_row("run", "SELECT kept_from FROM runs WHERE id = ?", run_id)[0]
    return kept_from


# ---- due rows

_OF_ORG = "(:org IS NULL OR o.id = :org)"
_OLD = f"kept_from IS NOT NULL AND erased_at IS NULL AND kept_from <= :now - days * {times.DAY}"
_INDEXES = {"photos": "runs_with_photos", "runs": "runs_to_erase"}
_HAVE = {"photos": "has_photos AND ", "runs": ""}


def _due_runs(what: Literal["photos", "runs"]) -> str:
    """Return the SQL after `SELECT …` for the runs that are due, or whose photos are, template by template. Photos with
    a longer period than their run are due with the run.
    """
    days = f"CASE WHEN t.keep_{what}_days IS NULL THEN o.keep_{what}_days ELSE nullif(t.keep_{what}_days, 0) END"
    return (
        f"FROM (SELECT t.id AS template_id, {days} AS days FROM organizations AS o JOIN templates AS t "  # noqa: S608
        f"ON t.org_id = o.id WHERE {days} IS NOT NULL AND {_OF_ORG}) AS kept "
        f"CROSS JOIN runs AS r INDEXED BY {_INDEXES[what]} ON r.template_id = kept.template_id "
        f"WHERE {_HAVE[what]}{_OLD} LIMIT :limit"
    )


_DUE_ATTEMPTS = (
    "FROM organizations AS o CROSS JOIN deliveries AS d INDEXED BY deliveries_with_attempts ON d.org_id = o.id "
    f"WHERE o.keep_attempts_days IS NOT NULL AND {_OF_ORG} AND d.settled_at IS NOT NULL AND NOT d.attempts_removed "
    f"AND d.settled_at <= :now - o.keep_attempts_days * {times.DAY} LIMIT :limit"
)


def list_due_runs(tx: Tx, what: Literal["photos", "runs"], limit: int) -> list[str]:
    """List the ids of at most `limit` closed runs past their retention period (`runs`), or of those with photos past
    that of their photos (`photos`).
    """
    values = {"now": tx.now, "limit": limit, "org": None}
    return [row["id"] for row in tx.db.execute(f"SELECT r.id {_due_runs(what)}", values).fetchall()]


def list_due_attempts(tx: Tx, limit: int) -> list[int]:
    """List the numbers of at most `limit` settled deliveries with stored attempts past their retention period."""
    values = {"now": tx.now, "limit": limit, "org": None}
    return [row["number"] for row in tx.db.execute(f"SELECT d.number {_DUE_ATTEMPTS}", values).fetchall()]


def count_due(tx: Tx, org_id: str | None = None, since: int = 0) -> dict[str, int]:
    """Count the due rows of one organization or all, by kind: `photos` and `runs` count runs, `attempts` deliveries.
    Only those due for `since` milliseconds count; each count ends at `statistics.MAX_COUNTED` + 1.
    """
    rows = {"photos": _due_runs("photos"), "runs": _due_runs("runs"), "attempts": _DUE_ATTEMPTS}
    values = {"now": tx.now - since, "limit": statistics.MAX_COUNTED + 1, "org": org_id}
    counts = {}
    for what, due in rows.items():
        counts[what] = int(tx.db.execute(f"SELECT count(*) FROM (SELECT 1 {due})", values).fetchone()[0])  # noqa: S608
    return counts


def count_older(tx: Tx, what: Literal["photos", "runs"], template_id: str, before: int) -> int:
    """Count the closed runs of a template that are not erased, for `photos` only those with photos, whose retention
    periods began at `before`, in milliseconds, or earlier.
    """
    return tx.number(
        f"SELECT count(*) FROM runs INDEXED BY {_INDEXES[what]} WHERE template_id = ? AND {_HAVE[what]}"  # noqa: S608
        "kept_from IS NOT NULL AND erased_at IS NULL AND kept_from <= ?",
        template_id,
        before,
    )


# ---- deletion


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo with bytes left: its number, the numbers of its files, and the length of its stored position."""

    number: int
    original: int
    derived: int
    thumbnail: int
    geo_length: int

    def files(self) -> Sequence[int]:
        """Return the numbers of the photo's files, each once, the original first."""
        return list(dict.fromkeys((self.original, self.derived, self.thumbnail)))


def list_photos_left(tx: Tx, run_id: str) -> list[StoredPhoto]:
    """List the photos of a run that have bytes left."""
    rows = tx.db.execute(
        "SELECT number, original, derived, thumbnail, ifnull(length(geo), 0) FROM photos "
        "WHERE run_id = ? AND thumbnail <> original ORDER BY number",
        (run_id,),
    ).fetchall()
    return [StoredPhoto(*row) for row in rows]


def remove_bytes(tx: Tx, org_id: str, photo: StoredPhoto, budget: int) -> int:
    """Delete about `budget` bytes of a photo at most, so that other writes don't wait long, and return the number
    deleted; fewer than `budget` means that the photo has none left. It can't be read from the first call on.
    """
    numbers = photo.files()
    marks = ", ".join("?" * len(numbers))
    is_seen = f"number IN ({marks}) AND removed_at IS NULL"
    freed = tx.number(f"SELECT ifnull(sum(bytes), 0) FROM files WHERE {is_seen}", *numbers)  # noqa: S608
    tx.grow(org_id, -freed)
    tx.db.execute(f"UPDATE files SET removed_at = ? WHERE {is_seen}", (tx.now, *numbers))  # noqa: S608
    rows = tx.db.execute(
        f"SELECT rowid, length(bytes) AS size FROM chunks WHERE file IN ({marks})",  # noqa: S608
        numbers,
    ).fetchall()
    deleted = 0
    for row in rows:
        tx.db.execute("DELETE FROM chunks WHERE rowid = ?", (row["rowid"],))
        deleted += int(row["size"])
        if deleted >= budget:
            return deleted
    tx.grow(org_id, -photo.geo_length)
    tx.db.execute(
        "UPDATE photos SET derived = original, thumbnail = original, geo = NULL WHERE number = ?", (photo.number,)
    )
    for number in numbers[1:]:
        files.remove(tx, number)
    return deleted


def put_photos_removed(tx: Tx, run_id: str) -> None:
    """Store that no photo of a run has bytes left; its record changes, and so does its revision."""
    tx.db.execute(
        "UPDATE runs SET has_photos = 0, revision = revision + 1, updated_at = max(updated_at, ?) WHERE id = ?",
        (tx.now, run_id),
    )
    erased_bytes.put_mark(tx)


def count_removed_photos(tx: Tx, run_id: str) -> int:
    """Count the photos of a run whose bytes are deleted."""
    return tx.number("SELECT count(*) FROM photos WHERE run_id = ? AND thumbnail = original", run_id)


def remove_attempts(tx: Tx, number: int) -> None:
    """Delete the attempts of a delivery; its status and the number of attempts stay."""
    tx.db.execute("DELETE FROM attempts WHERE delivery = ?", (number,))
    tx.db.execute("UPDATE deliveries SET attempts_removed = 1 WHERE number = ?", (number,))
