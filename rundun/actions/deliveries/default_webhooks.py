"""A webhook by default: what runs that a person dispatches get where nothing else is said, one for the organization or,
going before it, one for a template. What integrators dispatch never has it.
"""

from collections.abc import Mapping
from typing import Any, Literal

from rundun.core.actor import Actor
from rundun.core.runs import event
from rundun.core.runs.run import Webhook, patch_webhook
from rundun.errors import FieldError, Invalid
from rundun.store.deliveries import default_webhooks
from rundun.store.organizations import changes as organization_changes
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates


def find(tx: Tx, org_id: str, template_id: str) -> Webhook | None:
    """Find what runs of a template get by default: its own default webhook, else the organization's, or None."""
    return default_webhooks.find(tx, org_id, template_id) or default_webhooks.find(tx, org_id, None)


def find_own(tx: Tx, org_id: str, template_id: str | None) -> Webhook | None:
    """Find the default webhook of a template itself or, without one, of the organization; raises NotFound for a
    template that is none of the organization's.
    """
    if template_id is not None:
        templates.get(tx, org_id, template_id)
    return default_webhooks.find(tx, org_id, template_id)


def put(tx: Tx, org_id: str, template_id: str | None, changes: Mapping[str, Any], actor: Actor) -> Webhook:
    """Store the default webhook of a template or, without one, of the organization; returns it. `changes` has fields of
    `Webhook`, the URL normalised; those left out stay, such as a secret that nobody is shown again. Raises NotFound,
    and `invalid` where there was none and no URL is given. What was dispatched before keeps what it got.
    """
    before = find_own(tx, org_id, template_id)
    webhook = patch_webhook(before or Webhook("", None, event.EVENTS), changes)
    if not webhook.url:
        raise Invalid([FieldError("/url", "required", "is required")])
    default_webhooks.put(tx, org_id, template_id, webhook)
    fields = [name for name in ("url", "secret", "events") if getattr(before, name, None) != getattr(webhook, name)]
    if fields:
        _note(tx, org_id, template_id, "default_webhook_changed", actor, webhook, fields=fields)
    return webhook


def remove(tx: Tx, org_id: str, template_id: str | None, actor: Actor) -> None:
    """Remove the default webhook of a template or, without one, of the organization; raises NotFound. What was
    dispatched before keeps what it got.
    """
    before = find_own(tx, org_id, template_id)
    if before:
        default_webhooks.remove(tx, org_id, template_id)
        _note(tx, org_id, template_id, "default_webhook_removed", actor, before)


def _note(
    tx: Tx,
    org_id: str,
    template_id: str | None,
    what: Literal["default_webhook_changed", "default_webhook_removed"],
    actor: Actor,
    webhook: Webhook,
    **more: Any,
) -> None:
    """Note a change in the organization's history, with the host of the URL."""
    details = {"host": webhook.host, **more}
    if template_id is not None:
        head = templates.get(tx, org_id, template_id)
        details |= {
            "template_id": template_id,
            "template": templates.get_version(tx, template_id, head.v).template.name,
        }
    organization_changes.add(tx, org_id, what, actor, **details)
