"""The writing POSTs of /v1: each runs an action and returns its response. It is made in the transaction, since it is
stored there for repeats of the request: a response that was not stored would let a repeat act twice.
"""

from collections.abc import Mapping
from typing import Any

from rundun.actions.deliveries import deliveries
from rundun.actions.deliveries.deliveries import RetryProgress, delivery_json
from rundun.actions.runs import repeats, runs, shares
from rundun.actions.runs.state import RunState
from rundun.actions.templates import drafts, templates
from rundun.actions.templates.drafts import SentDraft
from rundun.actions.templates.templates import SentTemplate
from rundun.core import times
from rundun.core.actor import Actor
from rundun.core.json_types.deliveries import RetriedJson
from rundun.core.json_types.runs import DispatchedJson, WarnedJson
from rundun.core.runs import record
from rundun.core.runs.report import ShareBody
from rundun.core.runs.run import DispatchRequest, Run
from rundun.store.deliveries.deliveries import FailedFilter
from rundun.store.idempotency import StoredResponse, json_response
from rundun.store.sqlite.transaction import Tx


def dispatch_run(tx: Tx, org_id: str, dispatch_request: DispatchRequest, warnings: list[WarnedJson]) -> StoredResponse:
    """Dispatch a run; return the 201 response with its id, link, expiry and the `warnings`."""
    return _dispatched(tx, runs.dispatch(tx, org_id, dispatch_request), warnings)


def repeat_run(
    tx: Tx, org_id: str, run_id: str, changes: Mapping[str, Any], actor: Actor, warnings: list[WarnedJson]
) -> StoredResponse:
    """Repeat a run; return the 201 response with the new run's id, link and expiry, the `warnings`, and one for each
    field that was not copied.
    """
    repeated = repeats.repeat_run(tx, org_id, run_id, changes, actor)
    not_copied: list[WarnedJson] = [
        {"code": "field_gone", "detail": f"The template has no field {name} any more: its value was not copied."}
        for name in repeated.dropped
    ]
    return _dispatched(tx, repeated.run, [*warnings, *not_copied])


def _dispatched(tx: Tx, run: Run, warnings: list[WarnedJson]) -> StoredResponse:
    content: DispatchedJson = {
        "run_id": run.run_id,
        "link": tx.links.run(run.run_id),
        "expires_at": times.wire_or_none(run.expires_at),
        "assigned_to": None,
        "warnings": warnings,
    }
    return json_response(content, 201, location=f"/v1/runs/{run.run_id}")


def share_run(tx: Tx, org_id: str, run_id: str, body: ShareBody, digest: bytes, actor: Actor) -> StoredResponse:
    """Make a share of a run; return the 201 response with it, without its link, of which only the digest is stored."""
    return json_response(shares.create(tx, org_id, run_id, body, digest, actor).as_json(), 201)


def cancel_run(tx: Tx, org_id: str, run_id: str, reason: str | None) -> StoredResponse:
    """Cancel a run for its integrator; return the 200 response with the run."""
    return _changed(tx, runs.cancel_by_integrator(tx, org_id, run_id, reason))


def extend_run(tx: Tx, org_id: str, run_id: str, hours: float | None, actor: Actor) -> StoredResponse:
    """Extend a run to `hours` from now, None for without end; return the 200 response with the run."""
    return _changed(tx, runs.extend(tx, org_id, run_id, hours, actor))


def release_run(tx: Tx, org_id: str, run_id: str, actor: Actor) -> StoredResponse:
    """Release a run from its device; return the 200 response with the run."""
    return _changed(tx, runs.release(tx, org_id, run_id, actor))


def _changed(tx: Tx, state: RunState) -> StoredResponse:
    return json_response(record.full_json(state.run, state.step_states, state.evidence, tx.links, tx.now))


def create_template(tx: Tx, org_id: str, sent: SentTemplate) -> StoredResponse:
    """Create a template; return the 201 response with its first version and the warnings about it."""
    version = templates.create(tx, org_id, sent)
    location = f"/v1/templates/{version.template_id}"
    return json_response(templates.saved_json(version), 201, etag=templates.etag(version), location=location)


def create_draft(tx: Tx, org_id: str, sent: SentDraft, actor: Actor) -> StoredResponse:
    """Create a draft; return the 201 response with its errors, and without its text, which would outlive it."""
    assigned = sent.template.assigned
    draft = drafts.create(tx, org_id, sent, actor, assigned.get("id"), assigned.get("v"))
    content = drafts.record_json(draft, drafts.list_errors(tx, org_id, sent.template))
    location = f"/v1/templates/drafts/{draft.draft_id}"
    return json_response(content, 201, etag=drafts.etag(draft), location=location)


def retry_delivery(tx: Tx, org_id: str, delivery_id: str) -> StoredResponse:
    """Retry a delivery now; return the 202 response with the delivery."""
    return json_response(delivery_json(deliveries.retry(tx, org_id, delivery_id)), 202)


def retry_deliveries(tx: Tx, org_id: str, failed_filter: FailedFilter, so_far: RetryProgress) -> StoredResponse:
    """Retry the last part of the failed deliveries that pass a filter; return the 202 response with the number retried
    in all parts.
    """
    progress = deliveries.retry_failed(tx, org_id, failed_filter, so_far)
    return json_response(RetriedJson(retried=progress.count), 202)
