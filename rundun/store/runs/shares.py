"""Rows of shares, links to the report of a run for readers without a key."""

import sqlite3
from dataclasses import dataclass

from pydantic_core import from_json, to_json

from rundun.core.runs.report import CustomerOptions, ReportOptions, Share
from rundun.store.sqlite.transaction import JournalEntry, Tx

_COLUMNS = "number, id, run_id, options, language, created_at, expires_at, revoked_at, opened, opened_at"


def _share(row: sqlite3.Row) -> Share:
    number, share_id, run_id, options, *others = row
    stored = {name: value for name, value in from_json(options).items() if name in CustomerOptions.model_fields}
    return Share(number, share_id, run_id, ReportOptions(**stored), *others)


def add(
    tx: Tx, run_id: str, digest: bytes, options: ReportOptions, language: str | None, expires_at: int | None
) -> Share:
    """Store a share and return it. `digest` is the SHA-256 of the share's token."""
    share_id = tx.new_id("shr")
    number = tx.insert(
        "shares",
        id=share_id,
        run_id=run_id,
        digest=digest,
        options=to_json(options.model_dump()).decode(),
        language=language,
        created_at=tx.now,
        expires_at=expires_at,
    )
    return Share(number, share_id, run_id, options, language, tx.now, expires_at, None, 0, None)


def list_of_run(tx: Tx, run_id: str) -> list[Share]:
    """List the shares of a run, the newest first."""
    query = f"SELECT {_COLUMNS} FROM shares WHERE run_id = ? ORDER BY number DESC"  # noqa: S608
    return [_share(row) for row in tx.db.execute(query, (run_id,)).fetchall()]


def count_of_run(tx: Tx, run_id: str) -> int:
    """Return the number of shares of a run, ended ones included."""
    return tx.number("SELECT count(*) FROM shares WHERE run_id = ?", run_id)


@dataclass(frozen=True, slots=True)
class FoundShare:
    """A share with its run's organization. Of an erased run nothing is shown any more."""

    share: Share
    org_id: str
    is_erased: bool

    def is_over(self, now: int) -> bool:
        """Tell whether the share shows nothing at the time `now`, in milliseconds."""
        return self.is_erased or self.share.is_over(now)


def find(tx: Tx, digest: bytes) -> FoundShare | None:
    """Find the share whose token has the SHA-256 `digest`, revoked and expired ones included."""
    columns = ", ".join(f"s.{column}" for column in _COLUMNS.split(", "))
    query = f"SELECT {columns}, r.org_id, r.erased_at FROM shares AS s JOIN runs AS r ON r.id = s.run_id "  # noqa: S608
    row = tx.db.execute(query + "WHERE s.digest = ?", (digest,)).fetchone()
    return None if row is None else FoundShare(_share(row[:-2]), row[-2], row[-1] is not None)


def revoke(tx: Tx, share_id: str) -> bool:
    """Revoke a share from this commit on; return False if it was revoked before. Raises NotFound."""
    row = tx.get_row("share", "SELECT revoked_at FROM shares WHERE id = ?", share_id)
    tx.db.execute("UPDATE shares SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?", (tx.now, share_id))
    tx.journal.append(JournalEntry("share", share_id, tx.now))
    return row["revoked_at"] is None


def increment_opened(tx: Tx, number: int) -> None:
    """Count that a share was opened now."""
    tx.db.execute("UPDATE shares SET opened = opened + 1, opened_at = ? WHERE number = ?", (tx.now, number))


def get_of_run(tx: Tx, run_id: str, share_id: str) -> Share:
    """Return a share of a run; raises NotFound."""
    query = f"SELECT {_COLUMNS} FROM shares WHERE id = ? AND run_id = ?"  # noqa: S608
    return _share(tx.get_row("share", query, share_id, run_id))
