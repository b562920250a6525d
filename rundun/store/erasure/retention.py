"""Retention: from when on runs are kept, what is due by the days that are set, and deleting it step by step.

The queries have the days as `core.erasure.retention` works them out: the template's, else the organization's.
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

# ---- from when on

# A run that nobody has completed ends at its deadline, but a service that was off notices that later; counted from the
# deadline, what the phone still holds could be refused before it had a day to arrive.


def put_kept_from(tx: Tx, run: Run, at: int) -> None:
    """Store from when on a closed run is kept, in milliseconds."""
    tx.db.execute("UPDATE runs SET kept_from = ? WHERE number = ?", (at, run.number))


def find_kept_from(tx: Tx, run_id: str) -> int | None:
    """Find from when on a run is kept, in milliseconds; None while it is open."""
    kept_from: int | None = tx.get_row("run", "SELECT kept_from FROM runs WHERE id = ?", run_id)[0]
    return kept_from


# ---- what is due

_OF_ORG = "(:org IS NULL OR o.id = :org)"
_OLD = f"kept_from IS NOT NULL AND erased_at IS NULL AND kept_from <= :now - days * {times.DAY}"
_INDEXES = {"photos": "runs_with_photos", "runs": "runs_to_erase"}
_HAVE = {"photos": "has_photos AND ", "runs": ""}


def _due_runs(what: Literal["photos", "runs"]) -> str:
    """Return the rest of a SELECT of runs of which something is due, the templates one after the other. Photos that are
    set to be kept for longer than their run are none of it: they go with the run.
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


def due_runs(tx: Tx, what: Literal["photos", "runs"], limit: int) -> list[str]:
    """List the ids of at most `limit` closed runs whose photos, or which as a whole, were kept for long enough."""
    values = {"now": tx.now, "limit": limit, "org": None}
    return [row["id"] for row in tx.db.execute(f"SELECT r.id {_due_runs(what)}", values).fetchall()]


def due_attempts(tx: Tx, limit: int) -> list[int]:
    """List the numbers of at most `limit` settled deliveries whose attempts were kept for long enough."""
    values = {"now": tx.now, "limit": limit, "org": None}
    return [row["number"] for row in tx.db.execute(f"SELECT d.number {_DUE_ATTEMPTS}", values).fetchall()]


def count_due(tx: Tx, org_id: str | None = None, since: int = 0) -> dict[str, int]:
    """Count the runs whose photos are due, the runs, and the deliveries whose attempts are, of one organization or all,
    and for `since` milliseconds or longer; each at most `statistics.MAX_COUNTED` and one.
    """
    rows = {"photos": _due_runs("photos"), "runs": _due_runs("runs"), "attempts": _DUE_ATTEMPTS}
    values = {"now": tx.now - since, "limit": statistics.MAX_COUNTED + 1, "org": org_id}
    counts = {}
    for what, due in rows.items():
        counts[what] = int(tx.db.execute(f"SELECT count(*) FROM (SELECT 1 {due})", values).fetchone()[0])  # noqa: S608
    return counts


def count_older(tx: Tx, what: Literal["photos", "runs"], template_id: str, before: int) -> int:
    """Count the runs of a template that are kept from `before`, in milliseconds, or earlier and have photos, or are
    there at all.
    """
    return tx.number(
        f"SELECT count(*) FROM runs INDEXED BY {_INDEXES[what]} WHERE template_id = ? AND {_HAVE[what]}"  # noqa: S608
        "kept_from IS NOT NULL AND erased_at IS NULL AND kept_from <= ?",
        template_id,
        before,
    )


# ---- deleting


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo with bytes left: its number, its files from the original on, and the length of its position."""

    number: int
    original: int
    derived: int
    thumbnail: int
    geo_length: int

    def files(self) -> Sequence[int]:
        """Return the numbers of its files, each once, the original first."""
        return list(dict.fromkeys((self.original, self.derived, self.thumbnail)))


def photos_left(tx: Tx, run_id: str) -> list[StoredPhoto]:
    """List the photos of a run of which bytes are left."""
    rows = tx.db.execute(
        "SELECT number, original, derived, thumbnail, ifnull(length(geo), 0) FROM photos "
        "WHERE run_id = ? AND thumbnail <> original ORDER BY number",
        (run_id,),
    ).fetchall()
    return [StoredPhoto(*row) for row in rows]


def remove_bytes(tx: Tx, org_id: str, photo: StoredPhoto, budget: int) -> int:
    """Delete the bytes of a photo, at most about `budget` of them, so that nobody waits long; from the first call on it
    can't be seen any more. Returns how many are gone; the photo is done where that is less than `budget`.
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
    gone = 0
    for row in rows:
        tx.db.execute("DELETE FROM chunks WHERE rowid = ?", (row["rowid"],))
        gone += int(row["size"])
        if gone >= budget:
            return gone
    tx.grow(org_id, -photo.geo_length)
    tx.db.execute(
        "UPDATE photos SET derived = original, thumbnail = original, geo = NULL WHERE number = ?", (photo.number,)
    )
    for number in numbers[1:]:
        files.remove(tx, number)
    return gone


def put_without_photos(tx: Tx, run_id: str) -> None:
    """Note that a run has no photo any more whose bytes are there. Its record is another from now on."""
    tx.db.execute(
        "UPDATE runs SET has_photos = 0, revision = revision + 1, updated_at = max(updated_at, ?) WHERE id = ?",
        (tx.now, run_id),
    )
    erased_bytes.mark(tx)


def count_removed(tx: Tx, run_id: str) -> int:
    """Count the photos of a run whose bytes are gone."""
    return tx.number("SELECT count(*) FROM photos WHERE run_id = ? AND thumbnail = original", run_id)


def remove_attempts(tx: Tx, number: int) -> None:
    """Delete the attempts of a delivery, which itself stays, with what came of it and their number."""
    tx.db.execute("DELETE FROM attempts WHERE delivery = ?", (number,))
    tx.db.execute("UPDATE deliveries SET attempts_removed = 1 WHERE number = ?", (number,))
