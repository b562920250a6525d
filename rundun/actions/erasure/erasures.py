"""Erasing a run: all its texts, answers and pictures are deleted for good. Its ids, times and counts stay."""

from rundun.core.runs import event
from rundun.core.runs.run import Run, erased_stub
from rundun.errors import NotFound
from rundun.store import idempotency as response_rows
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.erasure import erasure
from rundun.store.runs import events as event_rows, runs as run_rows, sent_tables as table_rows
from rundun.store.sqlite.transaction import JournalEntry, Tx


def erase(tx: Tx, org_id: str | None, run_id: str, by: str, *, journal: bool = True, at: int | None = None) -> None:
    """Erase a run, open or closed. Raises NotFound, also for a run of another organization than `org_id`, None for any
    organization. `by` is the id of a key or an operator, or a word. For an erased run only the journal entry is
    written, as its first writing may have failed. Without `journal` a restored database has the run until it is erased
    anew. `at`, in milliseconds, is the time of an earlier erasure that a restore has undone.
    """
    run = erasure.find(tx, run_id) or run_rows.get(tx, run_id)
    if org_id is not None and run.org_id != org_id:
        raise NotFound("run")
    if isinstance(run, Run):
        at = _erase(tx, run, by, at)
    else:
        at, by = run.erased_at, run.erased_by
    if journal:
        tx.journal.append(JournalEntry("run", run_id, at, by))


def _erase(tx: Tx, run: Run, by: str, at: int | None) -> int:
    """Erase a run that is not erased yet, and return the time stored for it, in milliseconds, which is not before any
    other of its times.
    """
    first = max(run.created_at, run.started_at or 0, run.closed_at or 0)
    now, at = max(tx.now, first), max(tx.now if at is None else at, first)
    stub = erased_stub(run, tx.now)
    # Added before the others are deleted: the numbers of events, by which the feed is read, never decrease.
    event_rows.add(tx, stub, event.run_erased(), stub.seq, now)
    erasure.put_stub(tx, run, stub, at, by)
    response_rows.erase_response(tx, run.run_id, at)
    table_rows.erase_digest(tx, run)
    erasure.remove_rows(tx, run.run_id)
    if not delivery_rows.is_any_undelivered(tx, run.run_id):
        erasure.erase_webhook(tx, run.run_id)
    return at
