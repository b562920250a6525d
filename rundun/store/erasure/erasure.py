"""Erased runs: their remaining ids and times, and the deletion of everything else."""

from dataclasses import dataclass

from rundun.core.runs.run import Run
from rundun.store import files
from rundun.store.erasure import erased_bytes
from rundun.store.runs import run_secrets, runs, search_index
from rundun.store.sqlite.transaction import Tx

ERASED = "run.erased"  # the only event that an erased run keeps


@dataclass(frozen=True, slots=True)
class ErasedRun:
    """The remains of an erased run; times in milliseconds. `erased_by` is the id of a key or an operator, or a word."""

    run_id: str
    org_id: str
    template_id: str
    template_v: int
    created_at: int
    started_at: int | None
    closed_at: int | None
    erased_at: int
    erased_by: str


def find(tx: Tx, run_id: str) -> ErasedRun | None:
    """Find the ids and times left of an erased run; None where there is no run with this id, or it is not erased."""
    row = tx.db.execute(
        "SELECT id, org_id, template_id, template_v, created_at, started_at, closed_at, erased_at, erased_by "
        "FROM runs WHERE id = ? AND erased_at IS NOT NULL",
        (run_id,),
    ).fetchone()
    return None if row is None else ErasedRun(*row)


def put_stub(tx: Tx, run: Run, stub: Run, at: int, by: str) -> None:
    """Store the `stub` of a run in its place, with the time of the erasure and its author, `by`."""
    runs.put(tx, run, stub)
    tx.update("runs", run.number, erased_at=at, erased_by=by, has_photos=0)
    run_secrets.remove(tx, run)
    search_index.remove(tx, run.number)


# All rows of a run, in an order without dangling references; `:run` is its id, `:event` the number of its `run.erased`.
_DELETIONS = (
    "DELETE FROM attempts WHERE delivery IN (SELECT number FROM deliveries WHERE run_id = :run AND event <> :event)",
    "DELETE FROM deliveries WHERE run_id = :run AND event <> :event",
    "DELETE FROM events WHERE run_id = :run AND number <> :event",
    "DELETE FROM answers WHERE run_id = :run",
    "DELETE FROM remarks WHERE run_id = :run",
    "DELETE FROM photos WHERE run_id = :run",
    "DELETE FROM signatures WHERE run_id = :run",
    "DELETE FROM changes WHERE run_id = :run",
    "DELETE FROM idempotency_keys WHERE run_id = :run",
    (
        "DELETE FROM idempotency_keys WHERE org_id = (SELECT org_id FROM runs WHERE id = :run) "
        "AND path = '/v1/runs/' || :run || '/shares'"
    ),
    # The digest stays: its link says that the report is gone, and not that it never was.
    "UPDATE shares SET options = '{}', language = NULL, opened = 0, opened_at = NULL WHERE run_id = :run",
)
_FILES = (
    "SELECT original FROM photos WHERE run_id = :run UNION SELECT derived FROM photos WHERE run_id = :run "
    "UNION SELECT thumbnail FROM photos WHERE run_id = :run UNION SELECT file FROM signatures WHERE run_id = :run"
)


def remove_rows(tx: Tx, run_id: str) -> None:
    """Delete the rows of a run in other tables, but for its newest event, `run.erased`, with its delivery. Its
    files can't be read from now on; their bytes, which may be many, are deleted piece by piece later.
    """
    event = tx.number("SELECT max(number) FROM events WHERE run_id = ?", run_id)
    numbers = [row[0] for row in tx.db.execute(_FILES, {"run": run_id}).fetchall()]
    for deletion in _DELETIONS:
        tx.db.execute(deletion, {"run": run_id, "event": event})
    files.mark_erased(tx, numbers)
    erased_bytes.put_mark(tx)


def find_by_delivery(tx: Tx, number: int) -> str | None:
    """Find the id of the erased run that a delivery belongs to; None where its run is not erased."""
    query = "SELECT r.id FROM deliveries AS d JOIN runs AS r ON r.id = d.run_id AND r.erased_at IS NOT NULL"
    row = tx.db.execute(f"{query} WHERE d.number = ?", (number,)).fetchone()
    return None if row is None else str(row[0])


def erase_webhook(tx: Tx, run_id: str) -> None:
    """Erase the webhook of an erased run, and its traces in the delivery, its attempts and stored responses."""
    tx.db.execute("DELETE FROM attempts WHERE delivery IN (SELECT number FROM deliveries WHERE run_id = ?)", (run_id,))
    tx.db.execute("UPDATE deliveries SET destination = org_id, wants_alert = 0 WHERE run_id = ?", (run_id,))
    tx.db.execute("DELETE FROM idempotency_keys WHERE run_id = ?", (run_id,))
    tx.db.execute(
        "UPDATE runs SET webhook_url = NULL, webhook_secret = NULL, webhook_events = NULL, webhook_destination = NULL, "
        "webhook_gone = 0, webhook_forgotten = 0 WHERE id = ?",
        (run_id,),
    )
    erased_bytes.put_mark(tx)
