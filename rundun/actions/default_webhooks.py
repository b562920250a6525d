"""A webhook by default: what runs that a person dispatches get where nothing else is said, one for the organization or,
going before it, one for a template. What integrators dispatch never has it.
"""

from collections.abc import Mapping
from typing import Any

from rundun.core import event
from rundun.core.run import Webhook, patch_webhook
from rundun.errors import FieldError, Invalid
from rundun.store import default_webhooks, templates
from rundun.store.transaction import Tx


def find(tx: Tx, org_id: str, template_id: str) -> Webhook | None:
    """Find what runs of a template get by default: its own default webhook, else the organization's, or None."""
    return default_webhooks.find(tx, org_id, template_id) or default_webhooks.find(tx, org_id, None)


def find_own(tx: Tx, org_id: str, template_id: str | None) -> Webhook | None:
    """Find the default webhook of a template itself or, without one, of the organization; raises NotFound for a
    template that is none of the organization's.
    """
    _require_own(tx, org_id, template_id)
    return default_webhooks.find(tx, org_id, template_id)


def put(tx: Tx, org_id: str, template_id: str | None, changes: Mapping[str, Any]) -> Webhook:
    """Store the default webhook of a template or, without one, of the organization; returns it. `changes` has fields of
    `Webhook`, the URL normalised; those left out stay, such as a secret that nobody is shown again. Raises NotFound,
    and `invalid` where there was none and no URL is given. What was dispatched before keeps what it got.
    """
    before = find_own(tx, org_id, template_id)
    webhook = patch_webhook(before or Webhook("", None, event.EVENTS), changes)
    if not webhook.url:
        raise Invalid([FieldError("/url", "required", "is required")])
    default_webhooks.put(tx, org_id, template_id, webhook)
    return webhook


def remove(tx: Tx, org_id: str, template_id: str | None) -> None:
    """Remove the default webhook of a template or, without one, of the organization; raises NotFound. What was
    dispatched before keeps what it got.
    """
    _require_own(tx, org_id, template_id)
    default_webhooks.remove(tx, org_id, template_id)


def _require_own(tx: Tx, org_id: str, template_id: str | None) -> None:
    if template_id is not None:
        templates.get(tx, org_id, template_id)
