"""What happens to a run from outside: cancelled, extended, released, expired by the clock."""

from __future__ import annotations

from dataclasses import replace

from rundun.actions.sheet import Sheet, close, expire, load, open_run
from rundun.core import progress, times
from rundun.core.run import By, Cancellation, Doer, Member, Run, expiry
from rundun.errors import Problem
from rundun.store import run_changes, runs
from rundun.store.operators import Operator
from rundun.store.transaction import Kept, Tx


def cancel(tx: Tx, run: Run, by: By, reason: str | None, member: Member | None = None) -> Run:
    """End an open run before its time; `member` says which operator it was."""
    sheet = load(tx, open_run(tx, run))
    cancellation = Cancellation(by, reason, tx.now, progress.last_done(sheet.standings), member)
    return close(tx, sheet, "cancel", replace(run, cancellation=cancellation))


def cancel_for_org(tx: Tx, org_id: str, run_id: str, reason: str | None) -> Sheet:
    """The integrator calls it off."""
    return load(tx, cancel(tx, _steerable(tx, org_id, run_id), "integrator", reason))


def cancel_by_operator(tx: Tx, org_id: str, run_id: str, operator: Operator, reason: str | None) -> Run:
    """Somebody at the console calls it off."""
    member = Member(operator.operator_id, operator.name)
    return cancel(tx, _steerable(tx, org_id, run_id), "operator", reason, member)


def extend(tx: Tx, org_id: str, run_id: str, hours: float | None, doer: Doer) -> Sheet:
    """More time, counted from now; None = without end. Never less than there is (`would_shorten`), and the same again
    changes nothing.
    """
    run = _steerable(tx, org_id, run_id)
    until = expiry(tx.now, hours)
    if until is not None and (run.expires_at is None or until < run.expires_at):
        now_set = "never" if run.expires_at is None else times.wire(run.expires_at)
        raise Problem("would_shorten", f"That would shorten the run: it expires {now_set} as it is.")
    if until == run.expires_at:
        return load(tx, run)
    extended = replace(run, expires_at=until, revision=run.revision + 1)
    runs.put(tx, extended)
    run_changes.add(tx, run_id, "extended", doer, before=run.expires_at, after=until)
    return load(tx, extended)


def release(tx: Tx, org_id: str, run_id: str, doer: Doer) -> Sheet:
    """Free a run of the one device that may do it; the next that starts it takes it over."""
    run = _steerable(tx, org_id, run_id)
    released = replace(run, device=None, revision=run.revision + 1)
    runs.put(tx, released)
    run_changes.add(tx, run_id, "released", doer)
    return load(tx, released)


def _steerable(tx: Tx, org_id: str, run_id: str) -> Run:
    """The organization's run, open and in time; a closed one is a conflict here, not gone."""
    run = runs.get_of_org(tx, org_id, run_id)
    overdue = run.is_overdue(tx.now, tx.grace)
    if overdue:
        run = expire(tx, run)
    if not run.is_closed:
        return run
    problem = Problem("wrong_status", f"This run is {run.status}; that can't be done any more.")
    raise Kept(problem) if overdue else problem


def overdue(tx: Tx, limit: int) -> list[str]:
    """Ids of at most `limit` runs whose time is up, the longest overdue first."""
    return runs.overdue(tx, limit)


def expire_one(tx: Tx, run_id: str) -> bool:
    """Expire a run whose time is up; False when somebody has ended or extended it meanwhile."""
    run = runs.get(tx, run_id)
    if not run.is_overdue(tx.now, tx.grace):
        return False
    expire(tx, run)
    return True
