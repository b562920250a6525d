"""Remarks on steps: those in force, and those replaced."""

import sqlite3

from pydantic_core import from_json, to_json

from rundun.core.runs.remark import Remark
from rundun.core.runs.run import Run
from rundun.store.organizations import quotas
from rundun.store.sqlite.transaction import Tx

_SELECT = "SELECT step_id, remark_id, text, photos, at, by FROM remarks "


def _remark(row: sqlite3.Row) -> Remark:
    _, remark_id, text, photos, at, by = row
    return Remark(remark_id, text, tuple(from_json(photos)), at, by)


def list_in_force(tx: Tx, run_id: str) -> dict[str, Remark]:
    """Return the remarks in force of a run by step id; a remark that was taken back is empty."""
    query = _SELECT + "INDEXED BY remarks_in_force WHERE run_id = ? AND is_current"
    return {row[0]: _remark(row) for row in tx.db.execute(query, (run_id,)).fetchall()}


def count(tx: Tx, run_id: str) -> int:
    """Count the remarks in force of a run, without those taken back."""
    query = "SELECT count(*) FROM remarks INDEXED BY remarks_in_force WHERE run_id = ? AND is_current"
    return int(tx.db.execute(query + " AND (text <> '' OR photos <> '[]')", (run_id,)).fetchone()[0])


def list_of_run(tx: Tx, run_id: str, limit: int) -> list[tuple[str, Remark]]:
    """List the first `limit` remarks of a run as (step id, remark), in force or not, the oldest first."""
    rows = tx.db.execute(
        _SELECT + "INDEXED BY remarks_applied WHERE run_id = ? ORDER BY number LIMIT ?", (run_id, limit)
    ).fetchall()
    return [(row[0], _remark(row)) for row in rows]


def find(tx: Tx, run_id: str, step_id: str, remark_id: str) -> Remark | None:
    """Return a remark on a step by its id, in force or replaced; None if there is none."""
    query = _SELECT + "WHERE run_id = ? AND step_id = ? AND remark_id = ?"
    row = tx.db.execute(query, (run_id, step_id, remark_id)).fetchone()
    return None if row is None else _remark(row)


def count_with_id(tx: Tx, run_id: str, step_id: str, remark_id: str) -> tuple[bool, int]:
    """Return whether a step has a remark `remark_id`, in force or replaced, and the number of all its remarks."""
    row = tx.db.execute(
        "SELECT ifnull(sum(remark_id = ?), 0), count(*) FROM remarks WHERE run_id = ? AND step_id = ?",
        (remark_id, run_id, step_id),
    ).fetchone()
    return bool(row[0]), row[1]


def add(tx: Tx, run: Run, step_id: str, remark: Remark) -> None:
    """Store a remark and put it in force; the previous one is replaced."""
    tx.db.execute(
        "UPDATE remarks SET is_current = 0 WHERE run_id = ? AND step_id = ? AND is_current", (run.run_id, step_id)
    )
    _insert(tx, run, step_id, remark, is_current=True)


def add_history(tx: Tx, run: Run, step_id: str, remark: Remark) -> None:
    """Store a remark equal to the one in force as a replaced one, so that its id is known if sent again."""
    _insert(tx, run, step_id, remark, is_current=False)


def _insert(tx: Tx, run: Run, step_id: str, remark: Remark, *, is_current: bool) -> None:
    photos = to_json(remark.photos).decode()
    tx.insert(
        "remarks",
        run_id=run.run_id,
        step_id=step_id,
        remark_id=remark.remark_id,
        is_current=is_current,
        text=remark.text,
        photos=photos,
        at=remark.at,
        by=remark.by,
    )
    tx.grow(run.org_id, quotas.REMARK + len(remark.text.encode()) + len(photos))


def put_photos(tx: Tx, run_id: str, step_id: str, photos: tuple[str, ...]) -> None:
    """Store the list of photos of the remark in force, after one was deleted."""
    tx.db.execute(
        "UPDATE remarks SET photos = ? WHERE run_id = ? AND step_id = ? AND is_current",
        (to_json(photos).decode(), run_id, step_id),
    )
