"""Rotation of the signing key, for when somebody may have a copy of the database."""

from rundun.core import media_links
from rundun.core.actor import ADMINISTRATOR
from rundun.store import idempotency
from rundun.store.organizations import changes, operators, organizations
from rundun.store.runs import runs
from rundun.store.sqlite import signing_key
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates


def rotate(tx: Tx) -> int:
    """Rotate the signing key (`keys rotate-signing`): media URLs and sessions of the console made before end, and forms
    that are open are stale. The phones of open runs go on. Returns how many sessions have ended.

    Media URLs in events are signed anew as they are read, those in stored responses here; whoever polls a run under
    way gets its new ones, since it has a new revision.
    """
    links = signing_key.rotate(tx)
    runs.raise_revisions(tx)
    for number, run in idempotency.list_with_media(tx):
        steps = templates.get_version(tx, run["template_id"], run["template_v"]).signature_steps
        idempotency.put_body(tx, number, media_links.renew(run, steps, links))
    for organization in organizations.list_all(tx):
        changes.add(tx, organization.org_id, "signing_key_rotated", ADMINISTRATOR)
    return operators.remove_all_sessions(tx)
