"""Rotation of the signing key, for the case that a copy of the database has leaked."""

from rundun.core import media_links
from rundun.core.actor import ADMINISTRATOR
from rundun.store import idempotency as response_rows
from rundun.store.organizations import (
    changes as organization_changes,
    operators as operator_rows,
    organizations as organization_rows,
)
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite import signing_key as signing_key_rows
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates import templates as template_rows


def rotate(tx: Tx) -> int:
    """Rotate the signing key (`keys rotate-signing`) and return the number of ended sessions. Earlier media URLs, open
    forms and all sessions of the console become invalid; phones go on with their runs.

    Media URLs in events are signed when they are read, those in stored responses are signed anew here. Started open
    runs get a new revision, so clients that poll them get the new URLs.
    """
    links = signing_key_rows.rotate(tx)
    run_rows.increment_revisions(tx)
    for number, run in response_rows.list_with_media(tx):
        steps = template_rows.get_version(tx, run["template_id"], run["template_v"]).signature_steps
        response_rows.put_body(tx, number, media_links.renew(run, steps, links))
    for organization in organization_rows.list_all(tx):
        organization_changes.add(tx, organization.org_id, "signing_key_rotated", ADMINISTRATOR)
    return operator_rows.remove_all_sessions(tx)
