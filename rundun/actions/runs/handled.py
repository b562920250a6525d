"""Handling runs and failed deliveries: `handled_at` takes them off the lists *Missed*, *Flagged* and *Not delivered* of
all operators; a new flag resets it on a run, sending again on a delivery.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from rundun.actions.organizations import quotas
from rundun.actions.runs.state import current_time, expire, load
from rundun.core.actor import Actor
from rundun.core.deliveries.webhook_url import shown_host
from rundun.core.runs.run import Run, revised
from rundun.errors import Problem
from rundun.store.deliveries import deliveries as delivery_rows, failed
from rundun.store.deliveries.failed import NEWEST, FailedDelivery
from rundun.store.runs import changes as run_changes, runs as run_rows
from rundun.store.sqlite.transaction import Tx

MAX_GROUPED = 1000  # failed deliveries that are grouped for the overview, the newest
BATCH_SIZE = 500  # failed deliveries in one transaction, which takes some ten milliseconds


def handle_run(tx: Tx, org_id: str, run_id: str, actor: Actor, note: str | None = None) -> Run:
    """Mark a missed or flagged run as handled, with a `note` if there is one; return it in its next revision, or
    unchanged if it was handled already and the note is not new. An overdue run is expired first. Raises NotFound,
    `run_erased`, `quota_exceeded`, and `wrong_status` for any other.
    """
    run = run_rows.get_of_org(tx, org_id, run_id)
    if run.is_overdue(tx.now, tx.grace):
        run = expire(tx, run)
    if run.handled_at is not None and note in (None, run.handled_note):
        return run
    if run.handled_at is None and not run.calls_for_attention:
        raise Problem("wrong_status", "This run was neither missed nor flagged: there is nothing to handle.")
    quotas.require_quota_to_change(tx, org_id)
    at = current_time(tx, load(tx, run))
    handled = revised(run, tx.now, handled_at=at, handled_note=note)
    run_rows.put(tx, run, handled)
    run_changes.add(tx, run, "handled", actor, at, **({"note": note} if note else {}))
    return handled


def undo_handled(tx: Tx, org_id: str, run_id: str, actor: Actor) -> Run:
    """Mark a handled run as not handled; return it in its next revision, or unchanged if it still calls for attention.
    Raises NotFound, `run_erased`, `quota_exceeded`, and `wrong_status` for a run that is neither missed nor flagged.
    """
    run = run_rows.get_of_org(tx, org_id, run_id)
    if run.handled_at is None:
        if run.calls_for_attention:
            return run
        raise Problem("wrong_status", "This run was not handled: it was neither missed nor flagged.")
    quotas.require_quota_to_change(tx, org_id)
    unhandled = revised(run, tx.now, handled_at=None, handled_note=None)
    run_rows.put(tx, run, unhandled)
    run_changes.add(tx, run, "handled", actor, current_time(tx, load(tx, run)), is_undone=True)
    return unhandled


@dataclass(frozen=True, slots=True)
class FailedGroup:
    """Failed deliveries to one `receiver` (`<scheme>://<host>:<port>`) with the same `trouble`: their number and the
    newest. `group_id` is derived from receiver and trouble.
    """

    group_id: str
    receiver: str
    trouble: str | None
    count: int
    newest: FailedDelivery

    @property
    def host(self) -> str:
        """Return the receiver's host, as people read it."""
        return shown_host(self.receiver)


def group_id_of(delivery: FailedDelivery) -> str:
    """Return the id of a failed delivery's group: a hash, since a form sends it and troubles can be any text."""
    return hashlib.sha256(f"{delivery.receiver}\0{delivery.trouble}".encode()).hexdigest()[:32]


def list_failed_groups(tx: Tx, org_id: str) -> list[FailedGroup]:
    """Group an organization's failed deliveries not handled, the newest `MAX_GROUPED`, by receiver and trouble; return
    the number and the newest one of each group, the group with the newest of all first.
    """
    groups: dict[str, FailedGroup] = {}
    for delivery in failed.list_unhandled(tx, org_id, NEWEST, MAX_GROUPED):
        key = group_id_of(delivery)
        known = groups.get(key) or FailedGroup(key, delivery.receiver, delivery.trouble, 0, delivery)
        groups[key] = replace(known, count=known.count + 1)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class GroupProgress:
    """The progress through a group: the number done, the key to go on before, whether there are more."""

    count: int = 0
    before: tuple[int, int] = NEWEST
    has_more: bool = True


def handle_group(tx: Tx, org_id: str, group_id: str, actor: Actor, so_far: GroupProgress) -> GroupProgress:
    """Mark the next failed deliveries of a group as handled, with an entry in each run's history; return the number
    done since the first call, the cursor, and whether more may be left. One call looks at `BATCH_SIZE` failed
    deliveries of all groups. Raises `quota_exceeded`.
    """

    def handle(found: list[FailedDelivery]) -> int:
        failed.put_handled(tx, [each.number for each in found])
        for run_id in dict.fromkeys(each.run_id for each in found):
            count = sum(each.run_id == run_id for each in found)
            run = run_rows.find_of_org(tx, org_id, run_id)
            if run is not None:
                run_changes.add(tx, run, "deliveries_handled", actor, tx.now, count=count)
        return len(found)

    return _next_of_group(tx, org_id, group_id, handle, so_far)


def retry_group(tx: Tx, org_id: str, group_id: str, so_far: GroupProgress) -> GroupProgress:
    """Make the next failed deliveries of a group due now, unless their run has no webhook any more; return the number
    made due since the first call, the cursor, and whether more may be left. One call looks at `BATCH_SIZE` failed
    deliveries of all groups. Raises `quota_exceeded`.
    """

    def retry(found: list[FailedDelivery]) -> int:
        return sum(delivery_rows.put_due(tx, each.number) for each in found)

    return _next_of_group(tx, org_id, group_id, retry, so_far)


def _next_of_group(
    tx: Tx, org_id: str, group_id: str, act: Callable[[list[FailedDelivery]], int], so_far: GroupProgress
) -> GroupProgress:
    quotas.require_quota_to_change(tx, org_id)
    batch = failed.list_unhandled(tx, org_id, so_far.before, BATCH_SIZE)
    count = act([each for each in batch if group_id_of(each) == group_id])
    before = (batch[-1].created_at, batch[-1].number) if batch else so_far.before
    return GroupProgress(so_far.count + count, before, len(batch) == BATCH_SIZE)
