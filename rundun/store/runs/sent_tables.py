"""Sent tables of jobs: the numbers of their runs, and until these are made the dispatches that are left."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_core import from_json, to_json

from rundun.core import times
from rundun.core.runs.run import Run
from rundun.store.sqlite.transaction import Tx

MADE_WITHIN_MS = times.DAY  # all runs of a table, even if the process ended in between
KEPT_MS = 30 * times.DAY  # a table that is sent again within this time is recognized
_FILLING = b" " * 8192  # as long as a page, see migrations/0029_sent_tables.sql; spaces before JSON mean nothing


@dataclass(frozen=True, slots=True)
class SentTable:
    """A table of `count` jobs, sent at `created_at` (milliseconds); `runs` are the numbers of the runs made so far."""

    number: int
    org_id: str
    template_id: str
    template_v: int
    count: int
    runs: Sequence[int]
    created_at: int

    @property
    def is_done(self) -> bool:
        """Tell whether all its runs are made."""
        return len(self.runs) >= self.count


_IS_OLD = "created_at <= ? AND number NOT IN (SELECT sent_table FROM table_parts)"
_SELECT = "SELECT number, org_id, template_id, template_v, count, runs, created_at FROM sent_tables "


def _table(row: Sequence[object]) -> SentTable:
    *plain, runs, created_at = row
    fields: list[object] = [*plain, from_json(str(runs)), created_at]
    return SentTable(*fields)  # type: ignore[arg-type]


def get(tx: Tx, number: int) -> SentTable:
    """Return a table by its number. Raises NotFound."""
    return _table(tx.get_row("table", _SELECT + "WHERE number = ?", number))


def get_of_org(tx: Tx, org_id: str, number: int) -> SentTable:
    """Return an organization's table by its number. Raises NotFound."""
    return _table(tx.get_row("table", _SELECT + "WHERE number = ? AND org_id = ?", number, org_id))


def find_same(tx: Tx, org_id: str, digest: bytes) -> SentTable | None:
    """Return the newest table that an organization sent with this digest within `KEPT_MS`; None without one, as once a
    run of it was erased.
    """
    row = tx.db.execute(
        _SELECT + "WHERE org_id = ? AND digest = ? AND created_at > ? ORDER BY created_at DESC, number DESC LIMIT 1",
        (org_id, digest, tx.now - KEPT_MS),
    ).fetchone()
    return None if row is None else _table(row)


def add(tx: Tx, org_id: str, template: tuple[str, int], digest: bytes, parts: Sequence[tuple[int, bytes]]) -> SentTable:
    """Store a table for `template` (id, version) and return it; `parts` are (number of dispatches, their JSON)."""
    count = sum(length for length, _ in parts)
    template_id, template_v = template
    number = tx.insert(
        "sent_tables",
        org_id=org_id,
        template_id=template_id,
        template_v=template_v,
        digest=digest,
        count=count,
        created_at=tx.now,
    )
    for _, content in parts:
        tx.insert("table_parts", sent_table=number, content=_FILLING + content)
    return SentTable(number, org_id, template_id, template_v, count, (), tx.now)


def find_part(tx: Tx, number: int) -> tuple[int, bytes] | None:
    """Return the number of the next part of a table, and its dispatches as JSON bytes; None if none is left."""
    row = tx.db.execute(
        "SELECT number, content FROM table_parts WHERE sent_table = ? ORDER BY number LIMIT 1", (number,)
    ).fetchone()
    return None if row is None else (row["number"], row["content"])


def remove_part(tx: Tx, table: SentTable, part: int, made: Sequence[int]) -> bool:
    """Delete a part of a table and add the numbers of its runs, `made`; return whether parts are left."""
    tx.db.execute("DELETE FROM table_parts WHERE number = ?", (part,))
    runs = to_json([*table.runs, *made]).decode()
    tx.db.execute("UPDATE sent_tables SET runs = ? WHERE number = ?", (runs, table.number))
    return bool(tx.number("SELECT EXISTS (SELECT 1 FROM table_parts WHERE sent_table = ?)", table.number))


def list_unfinished(tx: Tx) -> list[int]:
    """List the numbers of the tables that have parts left, in ascending order."""
    rows = tx.db.execute("SELECT DISTINCT sent_table FROM table_parts ORDER BY sent_table").fetchall()
    return [row[0] for row in rows]


def erase_digest(tx: Tx, run: Run) -> None:
    """Erase the digest of the table that a run was sent in, if any: with the file, contents of the erased run could be
    guessed and compared with it. That table is not recognized any more.
    """
    tx.db.execute(
        "UPDATE sent_tables SET digest = x'' WHERE org_id = ? AND created_at BETWEEN ? AND ? "
        "AND ? IN (SELECT value FROM json_each(runs))",
        (run.org_id, run.created_at - MADE_WITHIN_MS, run.created_at, run.number),
    )


def is_any_old(tx: Tx) -> bool:
    """Tell whether there is a table older than `KEPT_MS` whose runs are all made."""
    query = f"SELECT EXISTS (SELECT 1 FROM sent_tables WHERE {_IS_OLD})"  # noqa: S608, written above
    return bool(tx.number(query, tx.now - KEPT_MS))


def remove_old(tx: Tx, limit: int) -> None:
    """Delete at most `limit` tables older than `KEPT_MS` whose runs are all made."""
    query = f"DELETE FROM sent_tables WHERE number IN (SELECT number FROM sent_tables WHERE {_IS_OLD} LIMIT ?)"  # noqa: S608
    tx.db.execute(query, (tx.now - KEPT_MS, limit))
