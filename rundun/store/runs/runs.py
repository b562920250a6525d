"""Rows of runs."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core import times
from rundun.core.actor import NOBODY, Identity
from rundun.core.runs.job import NO_JOB, RunJob
from rundun.core.runs.run import Cancellation, Run, Webhook, revised, without_secrets
from rundun.errors import NotFound, Problem
from rundun.store.organizations import quotas
from rundun.store.runs import run_secrets
from rundun.store.sqlite.transaction import Tx

TOUCHED = "runs of "  # what a transaction touched that has changed a run of the organization named behind it

# A row is read by position, since every call reads one: `_run` has the columns in this order.
_BEFORE_SECRETS = (
    "number, id, org_id, template_id, template_v, status, revision, seq, created_at, expires_at, executor_ref, "
    "language, webhook_url, webhook_secret, webhook_events, webhook_gone, webhook_destination, webhook_forgotten, "
    "progress, identity, "
    "cancelled_by, cancel_reason, last_step_id, started_at, closed_at, assigned_to, device, signature, "
    "flagged, clock_skew_seconds, has_remarks, previous_run_id, title, note, due_at, fields"
)
_SECRETS = "CASE WHEN secrets IS NOT NULL THEN (SELECT content FROM run_secrets AS s WHERE s.number = runs.number) END"
_COLUMNS = f"{_BEFORE_SECRETS}, {_SECRETS}, prefill, handled_at, updated_at"
LISTED_COLUMNS = f"{_BEFORE_SECRETS}, NULL, prefill, handled_at, updated_at"  # no list shows secrets


def _run(row: sqlite3.Row) -> Run:
    *plain, url, secret, events, gone, destination, forgotten, progress = row[:19]
    identity, by, reason, last_step_id, started_at, closed_at, assigned_to, device, signature, *found = row[19:32]
    fields: list[Any] = [
        *plain,
        url and Webhook(url, secret, tuple(from_json(events)), bool(gone), destination, bool(forgotten)),
        from_json(progress),
        read_identity(identity),
        by and Cancellation(by, reason, closed_at, last_step_id),
        started_at,
        closed_at,
        assigned_to,
        device,
        signature,
        _job(row[32:38]),
        *found,
        *row[38:40],
    ]
    return Run(*fields)


def read_identity(stored: str | None) -> Identity:
    """Return the identity that a run's column has."""
    return NOBODY if stored in (None, "{}") else Identity(**from_json(stored))


def _job(columns: Sequence[Any]) -> RunJob:
    title, note, due_at, *values = columns
    if title is None and note is None and due_at is None and not any(values):
        return NO_JOB
    return RunJob(title, note, due_at, *(from_json(each) if each else {} for each in values))


def get(tx: Tx, run_id: str) -> Run:
    """Return the run of that id: on the executor's side the id is the key. Raises NotFound, `run_erased`."""
    return _unless_erased(_row(tx, run_id))


def find_owner(tx: Tx, run_id: str) -> str | None:
    """Find the id of a run's organization, also of an erased run's."""
    row = tx.db.execute("SELECT org_id FROM runs WHERE id = ?", (run_id,)).fetchone()
    return None if row is None else str(row["org_id"])


def find_ids(tx: Tx, beginning: str, limit: int) -> list[str]:
    """List the ids that begin so, erased runs left out; at most so many."""
    rows = tx.db.execute(
        "SELECT id FROM runs WHERE id >= ? AND id < ? AND erased_at IS NULL ORDER BY id LIMIT ?",
        (beginning, f"{beginning}~", limit),
    ).fetchall()
    return [row["id"] for row in rows]


def latest_ids(tx: Tx, limit: int) -> list[str]:
    """List the ids of the runs that were dispatched last, erased ones left out."""
    rows = tx.db.execute("SELECT id FROM runs WHERE erased_at IS NULL ORDER BY number DESC LIMIT ?", (limit,))
    return [row["id"] for row in rows.fetchall()]


def get_of_org(tx: Tx, org_id: str, run_id: str) -> Run:
    """Return an organization's run by its id; raises NotFound, `run_erased`."""
    row = _row(tx, run_id)
    if row["org_id"] != org_id:
        raise NotFound("run")
    return _unless_erased(row)


def find_of_org(tx: Tx, org_id: str, run_id: str) -> Run | None:
    """Find an organization's run by its id; None where there is none, or none any more."""
    query = f"SELECT {_COLUMNS} FROM runs WHERE id = ? AND org_id = ? AND erased_at IS NULL"  # noqa: S608
    row = tx.db.execute(query, (run_id, org_id)).fetchone()
    return None if row is None else _run(row)


def _row(tx: Tx, run_id: str) -> sqlite3.Row:
    return tx.get_row("run", f"SELECT {_COLUMNS}, erased_at FROM runs WHERE id = ?", run_id)  # noqa: S608


def _unless_erased(row: sqlite3.Row) -> Run:
    erased_at = row[40]
    if erased_at is None:
        return _run(row)
    extensions = {"erased_at": times.wire(erased_at)}
    raise Problem("run_erased", "This run was erased; nothing of it is left.", extensions=extensions)


def numbered(tx: Tx, numbers: Sequence[int]) -> list[Run]:
    """List the runs of these numbers in the file, without secrets, erased ones left out."""
    query = f"SELECT {LISTED_COLUMNS} FROM runs WHERE number IN (SELECT value FROM json_each(?)) "  # noqa: S608
    rows = tx.db.execute(query + "AND erased_at IS NULL ORDER BY number", (to_json(list(numbers)).decode(),))
    return [_run(row) for row in rows.fetchall()]


def find_reference(tx: Tx, run_id: str) -> str | None:
    """Find the `executor_ref` of a run, None where it has none, or none any more."""
    reference: str | None = tx.get_row("run", "SELECT executor_ref FROM runs WHERE id = ?", run_id)[0]
    return reference


def repeats(tx: Tx, run_id: str, limit: int) -> list[str]:
    """List the ids of the runs that repeat a run, the oldest first, erased ones left out; at most so many."""
    query = "SELECT id FROM runs WHERE previous_run_id = ? ORDER BY number LIMIT ?"
    return [row["id"] for row in tx.db.execute(query, (run_id, limit)).fetchall()]


def overdue(tx: Tx, limit: int) -> list[str]:
    """List the ids of open runs whose time is up, the longest overdue first, started ones after their grace."""
    ends: list[tuple[int, str]] = []
    for status, grace in (("pending", 0), ("in_progress", tx.grace)):
        rows = tx.db.execute(
            "SELECT id, expires_at FROM runs WHERE status = ? AND expires_at <= ? "
            "AND status IN ('pending', 'in_progress') ORDER BY expires_at LIMIT ?",
            (status, tx.now - grace, limit),
        ).fetchall()
        ends += [(row["expires_at"] + grace, row["id"]) for row in rows]
    return [run_id for _, run_id in sorted(ends)[:limit]]


def add(tx: Tx, run: Run) -> int:
    """Store a new run; returns its `number` in the file."""
    webhook, job = run.webhook, _job_columns(run.job)
    number = tx.insert(
        "runs",
        id=run.run_id,
        org_id=run.org_id,
        template_id=run.template_id,
        template_v=run.template_v,
        status=run.status,
        revision=run.revision,
        seq=run.seq,
        created_at=run.created_at,
        updated_at=run.updated_at,
        expires_at=run.expires_at,
        executor_ref=run.executor_ref,
        language=run.language,
        webhook_url=webhook and webhook.url,
        webhook_secret=webhook and webhook.secret,
        webhook_events=webhook and to_json(webhook.events).decode(),
        webhook_destination=webhook and webhook.destination,
        progress=to_json(run.progress).decode(),
        previous_run_id=run.previous_run_id,
        **job,
    )
    if run.job.secrets:
        run_secrets.put(tx, replace(run, number=number))
    size = quotas.RUN + 2 * len((run.executor_ref or "").encode())
    size += sum(len(text.encode()) for text in job.values() if isinstance(text, str))
    if webhook:
        size += len(f"{webhook.url}{webhook.secret or ''}{webhook.destination}".encode())
    tx.grow(run.org_id, size)
    tx.touched.add(TOUCHED + run.org_id)
    return number


def _job_columns(job: RunJob) -> dict[str, str | int | None]:
    """Return what is stored of a job, by column; nothing of a run without one."""
    if job is NO_JOB:
        return {}
    return {
        "title": job.title,
        "note": job.note,
        "due_at": job.due_at,
        "fields": _values(job.fields),
        "secrets": run_secrets.ids(job.secrets),
        "prefill": _values(job.prefill),
    }


def _values(values: Mapping[str, Any]) -> str | None:
    return to_json(values).decode() if values else None


def put(tx: Tx, run: Run) -> None:
    """Store what has changed on a run; `put_job` stores what it is about, `put_webhook`
    its webhook."""
    identity = {key: getattr(run.identity, key) for key in ("name", "email", "phone") if getattr(run.identity, key)}
    cancellation = run.cancellation
    tx.db.execute(
        "UPDATE runs SET status = ?, revision = ?, updated_at = ?, seq = ?, expires_at = ?, started_at = ?, "
        "closed_at = ?, language = ?, assigned_to = ?, identity = ?, device = ?, webhook_gone = ?, cancelled_by = ?, "
        "cancel_reason = ?, last_step_id = ?, signature = ?, clock_skew_seconds = ?, progress = ? WHERE number = ?",
        (
            run.status,
            run.revision,
            run.updated_at,
            run.seq,
            run.expires_at,
            run.started_at,
            run.closed_at,
            run.language,
            run.assigned_to,
            to_json(identity).decode(),
            run.device,
            int(run.webhook.gone) if run.webhook else 0,
            cancellation and cancellation.by,
            cancellation and cancellation.reason,
            cancellation and cancellation.last_step_id,
            run.signature,
            run.clock_skew_seconds,
            to_json(run.progress).decode(),
            run.number,
        ),
    )
    tx.touched.add(TOUCHED + run.org_id)


def erase_secrets(tx: Tx, run: Run) -> Run:
    """Erase the secrets of a run's job; returns the run without them."""
    run_secrets.remove(tx, run)
    tx.db.execute("UPDATE runs SET secrets = NULL WHERE number = ?", (run.number,))
    return without_secrets(run)


def put_webhook(tx: Tx, run: Run, webhook: Webhook | None) -> Run:
    """Store another webhook of a run, or none; returns the run with it, in its next revision."""
    changed = revised(run, tx.now, webhook=webhook)
    tx.db.execute(
        "UPDATE runs SET webhook_url = ?, webhook_secret = ?, webhook_events = ?, webhook_gone = ?, "
        "webhook_destination = ?, webhook_forgotten = ?, revision = ?, updated_at = ? WHERE number = ?",
        (
            webhook and webhook.url,
            webhook and webhook.secret,
            webhook and to_json(webhook.events).decode(),
            int(webhook.gone) if webhook else 0,
            webhook and webhook.destination,
            int(webhook.is_secret_forgotten) if webhook else 0,
            changed.revision,
            changed.updated_at,
            run.number,
        ),
    )
    tx.touched.add(TOUCHED + run.org_id)
    return changed


def put_job(tx: Tx, before: Run, run: Run) -> None:
    """Store another job of a run, its reference and its expiry, in place of those it had `before`."""
    job = run.job
    if job.secrets != before.job.secrets:
        run_secrets.put(tx, run)
    tx.db.execute(
        "UPDATE runs SET title = ?, note = ?, due_at = ?, fields = ?, secrets = ?, executor_ref = ?, expires_at = ?, "
        "revision = ?, updated_at = ?, seq = ? WHERE number = ?",
        (
            job.title,
            job.note,
            job.due_at,
            _values(job.fields),
            run_secrets.ids(job.secrets),
            run.executor_ref,
            run.expires_at,
            run.revision,
            run.updated_at,
            run.seq,
            run.number,
        ),
    )
    tx.touched.add(TOUCHED + run.org_id)


def raise_revisions(tx: Tx) -> None:
    """Give every run under way a new revision: what was shown of it holds no more."""
    tx.db.execute(
        "UPDATE runs INDEXED BY runs_open SET revision = revision + 1, updated_at = max(updated_at, ?) "
        "WHERE status = 'in_progress' AND status IN ('pending', 'in_progress')",
        (tx.now,),
    )


def mark_remarks(tx: Tx, run: Run) -> None:
    """Note that a run has remarks, or photos of remarks."""
    tx.db.execute("UPDATE runs SET has_remarks = 1 WHERE number = ?", (run.number,))


def put_progress(tx: Tx, run: Run) -> None:
    """Store what an answer or a photo changes on a run: revision, `updated_at`, `seq`, progress and the phone's clock
    skew. Naming other indexed columns, as `put` does, rewrites their indexes even where the value stays.
    """
    tx.db.execute(
        "UPDATE runs SET revision = ?, updated_at = ?, seq = ?, progress = ?, clock_skew_seconds = ? WHERE number = ?",
        (run.revision, run.updated_at, run.seq, to_json(run.progress).decode(), run.clock_skew_seconds, run.number),
    )
    tx.touched.add(TOUCHED + run.org_id)


def put_flagged(tx: Tx, run: Run) -> None:
    """Store how many steps of a run call for attention, and whether somebody is done with them, after `put_progress`
    where that has changed.
    """
    tx.db.execute(
        "UPDATE runs SET flagged = ?, handled_at = ? WHERE number = ?", (run.flagged, run.handled_at, run.number)
    )


def put_handled(tx: Tx, run: Run) -> None:
    """Store that somebody is done with a run, or nobody after all, in its next revision."""
    tx.db.execute(
        "UPDATE runs SET handled_at = ?, revision = ?, updated_at = ? WHERE number = ?",
        (run.handled_at, run.revision, run.updated_at, run.number),
    )
    tx.touched.add(TOUCHED + run.org_id)
