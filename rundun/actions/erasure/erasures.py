"""Erasing a run: everything that was said or shown goes, for good. Its ids, times and counts stay."""

from rundun.core.runs import event
from rundun.core.runs.run import Run, erased_stub
from rundun.errors import NotFound
from rundun.store import idempotency
from rundun.store.deliveries import deliveries
from rundun.store.erasure import erasure
from rundun.store.runs import events, runs, sent_tables
from rundun.store.sqlite.transaction import JournalEntry, Tx


def erase(
    tx: Tx, run_id: str, by: str, *, org_id: str | None = None, journal: bool = True, at: int | None = None
) -> None:
    """Erase a run, open or closed; raises NotFound, also where `org_id` is given and the run is another organization's.
    `by`: whose doing it is, the id of a key or an operator, or a word. Again: nothing changes, but the `journal` hears
    of it again, so that this request is as safe as the first. Without `journal` a restored copy has the run until
    whoever erases it comes by again. `at`, in milliseconds: it was erased then already, but a copy has brought it back.
    """
    run = erasure.find(tx, run_id) or runs.get(tx, run_id)
    if org_id is not None and run.org_id != org_id:
        raise NotFound("run")
    if isinstance(run, Run):
        at = _erase(tx, run, by, at)
    else:
        at, by = run.erased_at, run.erased_by
    if journal:
        tx.journal.append(JournalEntry("run", run_id, at, by))


def erase_of_org(tx: Tx, org_id: str, run_id: str, by: str) -> None:
    """Erase an organization's run; raises NotFound for one of any other."""
    erase(tx, run_id, by, org_id=org_id)


def _erase(tx: Tx, run: Run, by: str, at: int | None) -> int:
    """Erase a run that is not erased yet; returns when it was, no time of it being later."""
    first = max(run.created_at, run.started_at or 0, run.closed_at or 0)
    now, at = max(tx.now, first), max(tx.now if at is None else at, first)
    stub = erased_stub(run, tx.now)
    # Before the others go: numbers of events, by which the feed is read, never go back.
    events.add(tx, stub, event.run_erased(), stub.seq, now)
    erasure.put_stub(tx, run, stub, at, by)
    idempotency.erase_response(tx, run.run_id, at)
    sent_tables.erase_digest(tx, run)
    erasure.remove_rows(tx, run.run_id)
    if not deliveries.is_any_undelivered(tx, run.run_id):
        erasure.erase_webhook(tx, run.run_id)
    return at
