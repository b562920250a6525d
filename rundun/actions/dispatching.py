"""Dispatch: an integrator wants a checklist done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rundun.core.run import OPEN_HOURS, Identity, Run, Webhook, expiry
from rundun.core.webhook_url import normalise
from rundun.errors import Problem
from rundun.store import organizations, runs, templates
from rundun.store.transaction import Tx, Version


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted; `expires_in_hours` None = never, the webhook already normalised."""

    template_id: str
    webhook: Webhook | None = None
    expires_in_hours: float | None = OPEN_HOURS
    executor_ref: str | None = None
    language: str | None = None


def dispatch(tx: Tx, org_id: str, order: Order) -> Run:
    """A new run of the template's current version, for one credit.

    Raises NotFound, `template_archived`, `insufficient_credits`; then nothing is created.
    """
    head = templates.get(tx, org_id, order.template_id)
    if head.archived_at is not None:
        raise Problem("template_archived", "This template is archived; new runs can't be dispatched from it.")
    if not organizations.take_credit(tx, org_id):
        raise Problem("insufficient_credits", "The organization has no credits left; nothing was created.")
    version = templates.get_version(tx, head.template_id, head.v)
    run = Run(
        number=0,
        run_id=tx.new_id("r"),
        org_id=org_id,
        template_id=head.template_id,
        template_v=head.v,
        status="pending",
        revision=1,
        seq=0,
        created_at=tx.now,
        expires_at=expiry(tx.now, order.expires_in_hours),
        started_at=None,
        closed_at=None,
        executor_ref=order.executor_ref,
        language=order.language,
        assigned_to=None,
        identity=Identity(),
        device=None,
        webhook=order.webhook and _counted(org_id, order.webhook),
        cancellation=None,
        signature=None,
        progress=version.untouched,
    )
    runs.add(tx, run)
    return run


def _counted(org_id: str, webhook: Webhook) -> Webhook:
    """The webhook with what limits on its deliveries are counted by: nobody's deliveries wait for another's."""
    scheme, host, port = normalise(webhook.url).key
    return replace(webhook, destination=f"{org_id} {scheme}://{host}:{port}")


def run_and_version(tx: Tx, org_id: str, run_id: str) -> tuple[Run, Version]:
    """An organization's run and the version of its template; raises NotFound."""
    run = runs.get_of_org(tx, org_id, run_id)
    return run, templates.get_version(tx, run.template_id, run.template_v)
