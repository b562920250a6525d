"""Default webhooks of organizations and templates, for runs dispatched in the console."""

from pydantic_core import from_json, to_json

from rundun.core.runs.run import Webhook
from rundun.store.sqlite.transaction import Tx

_OF_OWNER = "org_id = ? AND ifnull(template_id, '') = ifnull(?, '')"  # by the index


def find(tx: Tx, org_id: str, template_id: str | None) -> Webhook | None:
    """Return the default webhook, without `destination`, of the template itself, or with None of the organization; None
    if there is none.
    """
    query = f"SELECT url, secret, events FROM default_webhooks WHERE {_OF_OWNER}"  # noqa: S608, written above
    row = tx.db.execute(query, (org_id, template_id)).fetchone()
    return None if row is None else Webhook(row["url"], row["secret"], tuple(from_json(row["events"])))


def put(tx: Tx, org_id: str, template_id: str | None, webhook: Webhook) -> None:
    """Store the default webhook of a template, or with None of the organization, in place of the previous one."""
    tx.replace(
        "default_webhooks",
        org_id=org_id,
        template_id=template_id,
        url=webhook.url,
        secret=webhook.secret,
        events=to_json(webhook.events).decode(),
    )


def remove(tx: Tx, org_id: str, template_id: str | None) -> None:
    """Remove the default webhook of a template, or with None of the organization."""
    tx.db.execute(f"DELETE FROM default_webhooks WHERE {_OF_OWNER}", (org_id, template_id))  # noqa: S608, written above
