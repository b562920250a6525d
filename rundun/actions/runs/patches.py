"""Patches of a run: its webhook changed, added or removed after its dispatch, and what it is about."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rundun.actions.organizations import quotas
from rundun.actions.runs.state import RunState, expire, load, now_of, wrong_status
from rundun.core.actor import Actor
from rundun.core.runs import event
from rundun.core.runs.job_changes import change_details, changed_names, patch_job
from rundun.core.runs.run import Run, Webhook, patch_webhook, revised, with_destination
from rundun.errors import FieldError, Invalid, Problem
from rundun.store.deliveries import deliveries
from rundun.store.deliveries.deliveries import Attempt, PendingDelivery
from rundun.store.runs import changes as run_changes
from rundun.store.runs import events, runs
from rundun.store.sqlite.transaction import CommitThenRaise, Tx
from rundun.store.templates import templates

BATCH_SIZE = 500  # pending deliveries taken along in one transaction, so that nobody waits long for the file
REMOVED = "The run's webhook was removed before this arrived."


def patch(tx: Tx, org_id: str, run_id: str, changes: Mapping[str, Any], actor: Actor) -> RunState | None:
    """Apply a merge patch (RFC 7396) to a run: its `webhook` is None, or the fields of `Webhook` that change, the URL
    normalised; its job's members are as `patch_job` has them. What is pending goes to the changed webhook from its next
    attempt on, and has failed once there is none. Returns None while more is pending than is taken along at once: then
    it has to be called again, and nothing but that has changed yet.

    Raises NotFound, `invalid` where a new webhook lacks its URL and for a job, `wrong_status` on a closed run for its
    job and with nothing to send, and `quota_exceeded`. A patch that changes nothing, or only removes the webhook, is
    not refused for want of room.
    """
    run = runs.get_of_org(tx, org_id, run_id)
    is_overdue = run.is_overdue(tx.now, tx.grace)
    if is_overdue:
        run = expire(tx, run)
    webhook = _patched(run, changes)
    if run.is_closed and (problem := _closed_problem(tx, run, webhook, changes)):
        raise CommitThenRaise(problem) if is_overdue else problem
    patched = run if changes.keys() <= {"webhook"} else _with_job(tx, run, changes)
    if (webhook and webhook != run.webhook) or patched != run:
        quotas.require_quota_to_change(tx, org_id)
    destination = webhook.destination if webhook else ""
    pending = deliveries.list_pending_elsewhere(tx, run_id, destination, BATCH_SIZE + 1)
    for delivery in pending[:BATCH_SIZE]:
        if webhook:
            deliveries.put_destination(tx, delivery.number, destination)
        else:
            _end(tx, delivery, run)
    if len(pending) > BATCH_SIZE:
        return None
    state = load(tx, run)
    if webhook != run.webhook:
        run = _change(tx, run, webhook, actor, now_of(tx, state))
        patched = replace(patched, webhook=run.webhook)
    if names := changed_names(run, patched):
        revision = state.run.revision + 1  # one for the whole patch
        patched = replace(revised(patched, tx.now), revision=revision, seq=run.seq + 1)
        runs.put(tx, run, patched)
        events.add(tx, patched, event.run_changed(patched, names), patched.seq, now_of(tx, state))
        run_changes.add(tx, run, "job_changed", actor, now_of(tx, state), **change_details(run, patched))
        run = patched
    return replace(state, run=run)


def _closed_problem(tx: Tx, run: Run, webhook: Webhook | None, changes: Mapping[str, Any]) -> Problem | None:
    """Return why a closed run can't be changed so, or None."""
    if changes.keys() - {"webhook"}:
        return wrong_status(run, ": what it was about can't be changed any more.")
    if webhook != run.webhook and not deliveries.is_any_undelivered(tx, run.run_id):
        return wrong_status(run, ", and nothing of it is left to be sent.")
    return None


def _with_job(tx: Tx, run: Run, changes: Mapping[str, Any]) -> Run:
    version = templates.get_version(tx, run.template_id, run.template_v)
    return patch_job(version.template, run, changes, tx.now)


def _patched(run: Run, changes: Mapping[str, Any]) -> Webhook | None:
    """Return the webhook that a run has once it is patched."""
    if "webhook" not in changes:
        return run.webhook
    if changes["webhook"] is None:
        return None
    webhook = patch_webhook(run.webhook or Webhook("", None, event.EVENTS), changes["webhook"])
    if not webhook.url:
        raise Invalid([FieldError("/webhook/url", "required", "is required, since the run has no webhook")])
    return with_destination(run.org_id, webhook)


def _end(tx: Tx, delivery: PendingDelivery, run: Run) -> None:
    """End a delivery that can't go anywhere any more. Its log says so, as of an attempt for which none was made."""
    url = run.webhook.url if run.webhook else ""
    attempt = Attempt(delivery.attempts + 1, "automatic", url, tx.now, 0, None, REMOVED, None)
    deliveries.settle(tx, run.org_id, delivery.number, attempt, "failed", None)


def _change(tx: Tx, run: Run, webhook: Webhook | None, actor: Actor, at: int) -> Run:
    """Store another webhook of a run, and who has changed what of it `at` which time."""
    changed = revised(run, tx.now, webhook=webhook)
    runs.put(tx, run, changed)
    before = run.webhook
    if webhook is None:
        run_changes.add(tx, run, "webhook_removed", actor, at, host=before and before.host)
        return changed
    fields = [name for name in ("url", "secret", "events") if getattr(before, name, None) != getattr(webhook, name)]
    run_changes.add(tx, run, "webhook_changed", actor, at, host=webhook.host, fields=fields, is_first=before is None)
    return changed
