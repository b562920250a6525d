"""Rotation of the signing key, for the case that a copy of the database has leaked."""

from rundun.core import media_links
from rundun.core.actor import ADMINISTRATOR
from rundun.store import idempotency
from rundun.store.organizations import changes, operators, organizations
from rundun.store.runs import runs
from rundun.store.sqlite import signing_key
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates


def rotate(tx: Tx) -> int:
    """Rotate the signing key (`keys rotate-signing`) and return the number of ended sessions. Earlier media URLs, open
    forms and all sessions of the console become invalid; phones go on with their runs.

    Media URLs in events are signed when they are read, those in stored responses are signed anew here. Open runs get a
    new revision, so clients that poll them get the new URLs.
    """
    links = signing_key.rotate(tx)
    runs.increment_revisions(tx)
    for number, run in idempotency.list_with_media(tx):
        steps = templates.get_version(tx, run["template_id"], run["template_v"]).signature_steps
        idempotency.put_body(tx, number, media_links.renew(run, steps, links))
    for organization in organizations.list_all(tx):
        changes.add(tx, organization.org_id, "signing_key_rotated", ADMINISTRATOR)
    return operators.remove_all_sessions(tx)
