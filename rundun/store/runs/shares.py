"""Rows of shares, links to the report of a run for readers without a key."""

import sqlite3

from pydantic_core import from_json, to_json

from rundun.core.runs.report import CustomerOptions, ReportOptions, Share
from rundun.store.sqlite.transaction import JournalEntry, Tx

_SELECT = (
    "SELECT s.id, run_id, org_id, erased_at IS NOT NULL, options, s.language, s.created_at, s.expires_at, revoked_at,"
    " opened, opened_at FROM shares AS s JOIN runs AS r ON r.id = run_id WHERE "
)


def _share(row: sqlite3.Row) -> Share:
    share_id, run_id, org_id, is_erased, options, *others = row
    stored = {name: value for name, value in from_json(options).items() if name in CustomerOptions.model_fields}
    return Share(share_id, run_id, org_id, bool(is_erased), ReportOptions(**stored), *others)


def add(
    tx: Tx, run_id: str, digest: bytes, options: ReportOptions, language: str | None, expires_at: int | None
) -> Share:
    """Store a share and return it. `digest` is the SHA-256 of the share's token."""
    share_id = tx.new_id("shr")
    tx.insert(
        "shares",
        id=share_id,
        run_id=run_id,
        digest=digest,
        options=to_json(options.model_dump()).decode(),
        language=language,
        created_at=tx.now,
        expires_at=expires_at,
    )
    return get_of_run(tx, run_id, share_id)


def list_of_run(tx: Tx, run_id: str) -> list[Share]:
    """List the shares of a run, the newest first."""
    rows = tx.db.execute(_SELECT + "run_id = ? ORDER BY s.number DESC", (run_id,)).fetchall()
    return [_share(row) for row in rows]


def get_of_run(tx: Tx, run_id: str, share_id: str) -> Share:
    """Return a share of a run; raises NotFound."""
    return _share(tx.get_row("share", _SELECT + "s.id = ? AND run_id = ?", share_id, run_id))


def find(tx: Tx, digest: bytes) -> Share | None:
    """Find a share, also a revoked or expired one, by `digest`, the SHA-256 of its token."""
    row = tx.db.execute(_SELECT + "digest = ?", (digest,)).fetchone()
    return None if row is None else _share(row)


def revoke(tx: Tx, share_id: str) -> None:
    """Revoke a valid share from this commit on."""
    tx.db.execute("UPDATE shares SET revoked_at = ? WHERE id = ?", (tx.now, share_id))
    tx.journal.append(JournalEntry("share", share_id, tx.now))


def count_opened(tx: Tx, share_id: str, loaded_at: int) -> None:
    """Count that a share was opened now, by a page of `loaded_at`, unless another was counted since then, or it was
    revoked or erased meanwhile.
    """
    of_runs = "run_id IN (SELECT id FROM runs WHERE erased_at IS NULL)"
    is_first = "(opened_at IS NULL OR opened_at < ?) AND revoked_at IS NULL"
    query = f"UPDATE shares SET opened = opened + 1, opened_at = ? WHERE id = ? AND {is_first} AND {of_runs}"  # noqa: S608
    tx.db.execute(query, (tx.now, share_id, loaded_at))
