"""Patches of a run after its dispatch: its webhook changed, added or removed, and its job changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rundun.actions.organizations import quotas
from rundun.actions.runs.state import RunState, current_time, expire, load, wrong_status
from rundun.core.actor import Actor
from rundun.core.runs import event
from rundun.core.runs.job_changes import change_details, changed_names, patch_job
from rundun.core.runs.run import Run, Webhook, patch_webhook, revised, with_destination
from rundun.errors import FieldError, Invalid, Problem
from rundun.store.deliveries import deliveries as delivery_rows
from rundun.store.deliveries.deliveries import Attempt, PendingDelivery
from rundun.store.runs import changes as run_changes, events as event_rows, runs as run_rows
from rundun.store.sqlite.transaction import CommitThenRaise, Tx
from rundun.store.templates import templates as template_rows

BATCH_SIZE = 500  # pending deliveries changed in one transaction, so that other writes do not wait long
REMOVED = "The run's webhook was removed before this delivery."


def patch(tx: Tx, org_id: str, run_id: str, changes: Mapping[str, Any], actor: Actor) -> RunState | None:
    """Apply a merge patch (RFC 7396) to a run and return it with its answers and evidence. `changes` has the members of
    its job as for `patch_job`, and `webhook`: None, or the changed fields of `Webhook` with the URL normalised. Pending
    deliveries go to the changed webhook from their next attempt on; without a webhook they fail. Returns None if more
    than `BATCH_SIZE` of them change their destination or fail: the first ones do, nothing else changes, and the call
    has to be repeated.

    Raises NotFound, `run_erased`, `invalid` for a new webhook without URL or a wrong job, `wrong_status` for the job of
    a closed run and for its webhook when nothing is left to send, and `quota_exceeded`, but not for a patch that
    changes nothing or only removes the webhook.
    """
    run = run_rows.get_of_org(tx, org_id, run_id)
    is_overdue = run.is_overdue(tx.now, tx.grace)
    if is_overdue:
        run = expire(tx, run)
    webhook = _patched_webhook(run, changes)
    if run.is_closed and (problem := _closed_problem(tx, run, webhook, changes)):
        raise CommitThenRaise(problem) if is_overdue else problem
    patched = run if changes.keys() <= {"webhook"} else _with_job(tx, run, changes)
    if (webhook and webhook != run.webhook) or patched != run:
        quotas.require_quota_to_change(tx, org_id)
    destination = webhook.destination if webhook else ""
    pending = delivery_rows.list_pending_elsewhere(tx, run_id, destination, BATCH_SIZE + 1)
    for delivery in pending[:BATCH_SIZE]:
        if webhook:
            delivery_rows.put_destination(tx, delivery.number, destination)
        else:
            _end_delivery(tx, delivery, run)
    if len(pending) > BATCH_SIZE:
        return None
    state = load(tx, run)
    if webhook != run.webhook:
        run = _put_webhook(tx, run, webhook, actor, current_time(tx, state))
        patched = replace(patched, webhook=run.webhook)
    if names := changed_names(run, patched):
        revision = state.run.revision + 1  # one for the whole patch
        patched = replace(revised(patched, tx.now), revision=revision, seq=run.seq + 1)
        run_rows.put(tx, run, patched)
        event_rows.add(tx, patched, event.run_changed(patched, names), patched.seq, current_time(tx, state))
        run_changes.add(tx, run, "job_changed", actor, current_time(tx, state), **change_details(run, patched))
        run = patched
    return replace(state, run=run)


def _closed_problem(tx: Tx, run: Run, webhook: Webhook | None, changes: Mapping[str, Any]) -> Problem | None:
    """Return the refusal of these changes of a closed run; None if they are allowed."""
    if changes.keys() - {"webhook"}:
        return wrong_status(run, ": its job can't be changed any more.")
    if webhook != run.webhook and not delivery_rows.is_any_undelivered(tx, run.run_id):
        return wrong_status(run, ", and no delivery of it is left to send.")
    return None


def _with_job(tx: Tx, run: Run, changes: Mapping[str, Any]) -> Run:
    version = template_rows.get_version(tx, run.template_id, run.template_v)
    return patch_job(version.template, run, changes, tx.now)


def _patched_webhook(run: Run, changes: Mapping[str, Any]) -> Webhook | None:
    """Return the webhook of a run after the changes, None without one. Raises `Invalid` if a new one has no URL."""
    if "webhook" not in changes:
        return run.webhook
    if changes["webhook"] is None:
        return None
    webhook = patch_webhook(run.webhook or Webhook("", None, event.EVENTS), changes["webhook"])
    if not webhook.url:
        raise Invalid([FieldError("/webhook/url", "required", "is required, since the run has no webhook")])
    return with_destination(run.org_id, webhook)


def _end_delivery(tx: Tx, delivery: PendingDelivery, run: Run) -> None:
    """End a delivery as failed, since its webhook was removed; its log has an attempt with that reason."""
    url = run.webhook.url if run.webhook else ""
    attempt = Attempt(delivery.attempts + 1, "automatic", url, tx.now, 0, None, REMOVED, None)
    delivery_rows.settle(tx, run.org_id, delivery.number, attempt, "failed", None)


def _put_webhook(tx: Tx, run: Run, webhook: Webhook | None, actor: Actor, at: int) -> Run:
    """Store the new webhook of a run (None removes it), and the change in its history; return the run."""
    changed = revised(run, tx.now, webhook=webhook)
    run_rows.put(tx, run, changed)
    before = run.webhook
    if webhook is None:
        run_changes.add(tx, run, "webhook_removed", actor, at, host=before and before.host)
        return changed
    fields = [name for name in ("url", "secret", "events") if getattr(before, name, None) != getattr(webhook, name)]
    run_changes.add(tx, run, "webhook_changed", actor, at, host=webhook.host, fields=fields, is_first=before is None)
    return changed
