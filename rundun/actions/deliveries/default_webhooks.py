"""Default webhooks, for runs that operators dispatch without a webhook of their own. A template's goes before the
organization's. Runs dispatched by API keys never get them.
"""

from collections.abc import Mapping
from typing import Any, Literal

from rundun.core.actor import Actor
from rundun.core.runs import event
from rundun.core.runs.run import Webhook, patch_webhook
from rundun.errors import FieldError, Invalid
from rundun.store.deliveries import default_webhooks as default_webhook_rows
from rundun.store.organizations import changes as organization_changes
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates as template_rows


def find(tx: Tx, org_id: str, template_id: str) -> Webhook | None:
    """Return the default webhook for runs of a template: the template's own, else the organization's, else None."""
    return default_webhook_rows.find(tx, org_id, template_id) or default_webhook_rows.find(tx, org_id, None)


def find_own(tx: Tx, org_id: str, template_id: str | None) -> Webhook | None:
    """Return the default webhook of the template itself, or with None as `template_id` of the organization; None if
    there is none. Raises NotFound if the organization does not have the template.
    """
    if template_id is not None:
        template_rows.get(tx, org_id, template_id)
    return default_webhook_rows.find(tx, org_id, template_id)


def put(tx: Tx, org_id: str, template_id: str | None, changes: Mapping[str, Any], actor: Actor) -> Webhook:
    """Store the default webhook of a template, or with None as `template_id` of the organization, and return it, with
    its secret. `changes` has fields of `Webhook` with the URL normalised; fields left out keep their value: so does the
    secret, which clients are never shown. Raises NotFound, and `invalid` without a URL. Dispatched runs keep their
    webhook.
    """
    before = find_own(tx, org_id, template_id)
    webhook = patch_webhook(before or Webhook("", None, event.EVENTS), changes)
    if not webhook.url:
        raise Invalid([FieldError("/url", "required", "is required")])
    default_webhook_rows.put(tx, org_id, template_id, webhook)
    fields = [name for name in ("url", "secret", "events") if getattr(before, name, None) != getattr(webhook, name)]
    if fields:
        _add_change(tx, org_id, template_id, "default_webhook_changed", actor, webhook, fields=fields)
    return webhook


def remove(tx: Tx, org_id: str, template_id: str | None, actor: Actor) -> None:
    """Remove the default webhook of a template, or with None as `template_id` of the organization; raises NotFound.
    Dispatched runs keep their webhook.
    """
    before = find_own(tx, org_id, template_id)
    if before:
        default_webhook_rows.remove(tx, org_id, template_id)
        _add_change(tx, org_id, template_id, "default_webhook_removed", actor, before)


def _add_change(
    tx: Tx,
    org_id: str,
    template_id: str | None,
    change: Literal["default_webhook_changed", "default_webhook_removed"],
    actor: Actor,
    webhook: Webhook,
    **more: Any,
) -> None:
    """Add a change to the organization's history, with the URL's host only, as its path may be a secret."""
    details = {"host": webhook.host, **more}
    if template_id is not None:
        head = template_rows.get(tx, org_id, template_id)
        details |= {
            "template_id": template_id,
            "template": template_rows.get_version(tx, template_id, head.v).template.name,
        }
    organization_changes.add(tx, org_id, change, actor, **details)
