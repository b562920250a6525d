"""Tables of jobs that were sent: which runs they made, and for a moment what is still to be made."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_core import from_json, to_json

from rundun.core import times
from rundun.core.runs.run import Run
from rundun.store.sqlite.transaction import Tx

MADE_WITHIN_MS = times.DAY  # the runs of a table, the process having ended in between
KEPT_MS = 30 * times.DAY  # for as long a table that comes again is noticed
_FILLING = b" " * 8192  # as long as a page, see migrations/0029_sent_tables.sql; spaces before JSON mean nothing


@dataclass(frozen=True, slots=True)
class SentTable:
    """A table of `count` jobs, sent at `created_at` (milliseconds); `runs` has the numbers of those that are made."""

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
    """Return the table of that number, or raise NotFound."""
    return _table(tx.get_row("table", _SELECT + "WHERE number = ?", number))


def get_of_org(tx: Tx, org_id: str, number: int) -> SentTable:
    """Return an organization's table, or raise NotFound."""
    return _table(tx.get_row("table", _SELECT + "WHERE number = ? AND org_id = ?", number, org_id))


def find_same(tx: Tx, org_id: str, digest: bytes) -> SentTable | None:
    """Find the table that an organization sent last with this digest, None where it sent none in the last 30 days."""
    row = tx.db.execute(
        _SELECT + "WHERE org_id = ? AND digest = ? AND created_at > ? ORDER BY created_at DESC, number DESC LIMIT 1",
        (org_id, digest, tx.now - KEPT_MS),
    ).fetchone()
    return None if row is None else _table(row)


def add(tx: Tx, org_id: str, template: tuple[str, int], digest: bytes, parts: Sequence[tuple[int, bytes]]) -> SentTable:
    """Store a table of a template's version, and its `parts`: how many dispatches each has, and these as JSON."""
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
    """Find the number and the content of the next part of a table, None where there is none left."""
    row = tx.db.execute(
        "SELECT number, content FROM table_parts WHERE sent_table = ? ORDER BY number LIMIT 1", (number,)
    ).fetchone()
    return None if row is None else (row["number"], row["content"])


def remove_part(tx: Tx, table: SentTable, part: int, made: Sequence[int]) -> bool:
    """Delete a part of a table, from which the runs of these numbers were made; tells whether there are others."""
    tx.db.execute("DELETE FROM table_parts WHERE number = ?", (part,))
    runs = to_json([*table.runs, *made]).decode()
    tx.db.execute("UPDATE sent_tables SET runs = ? WHERE number = ?", (runs, table.number))
    return bool(tx.number("SELECT EXISTS (SELECT 1 FROM table_parts WHERE sent_table = ?)", table.number))


def unfinished(tx: Tx) -> list[int]:
    """List the numbers of the tables that have parts left."""
    rows = tx.db.execute("SELECT DISTINCT sent_table FROM table_parts ORDER BY sent_table").fetchall()
    return [row[0] for row in rows]


def erase_digest(tx: Tx, run: Run) -> None:
    """Remove the digest of the table that a run is of, if it is of one: whoever has the file could try out what was
    said of the run. The same table is not noticed any more then.
    """
    tx.db.execute(
        "UPDATE sent_tables SET digest = x'' WHERE org_id = ? AND created_at BETWEEN ? AND ? "
        "AND ? IN (SELECT value FROM json_each(runs))",
        (run.org_id, run.created_at - MADE_WITHIN_MS, run.created_at, run.number),
    )


def is_any_old(tx: Tx) -> bool:
    """Tell whether some table was sent too long ago to be kept, and is made."""
    query = f"SELECT EXISTS (SELECT 1 FROM sent_tables WHERE {_IS_OLD})"  # noqa: S608, written above
    return bool(tx.number(query, tx.now - KEPT_MS))


def remove_old(tx: Tx, limit: int) -> None:
    """Delete at most `limit` of the tables that were sent too long ago to be kept, and are made."""
    query = f"DELETE FROM sent_tables WHERE number IN (SELECT number FROM sent_tables WHERE {_IS_OLD} LIMIT ?)"  # noqa: S608
    tx.db.execute(query, (tx.now - KEPT_MS, limit))
