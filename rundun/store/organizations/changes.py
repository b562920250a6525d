"""The history of changes in organizations, each with its actor and time."""

import sqlite3
from collections.abc import Collection
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.actor import Actor
from rundun.core.organizations.change import KEPT_MS, OrganizationChange, Word
from rundun.store.organizations import quotas
from rundun.store.sqlite.pagination import Page, PageRequest
from rundun.store.sqlite.transaction import Tx

DELETE_BATCH_SIZE = 500


def add(tx: Tx, org_id: str, what: Word, actor: Actor, **details: Any) -> None:
    """Add an actor's change to an organization's history; `details` are those of `OrganizationChange`."""
    said = to_json(details)
    tx.insert(
        "organization_changes",
        org_id=org_id,
        at=tx.now,
        what=what,
        by=actor.by,
        actor_id=actor.actor_id or actor.by,
        name=actor.name,
        details=said.decode(),
    )
    tx.grow(org_id, quotas.ORGANIZATION_CHANGE + len(said) + len((actor.name or "").encode()))


def page(
    tx: Tx, org_id: str, page_request: PageRequest, words: Collection[str] | None = None, actor_id: str = ""
) -> Page[OrganizationChange]:
    """Return a page of an organization's changes, newest first. `words` and `actor_id` select by kind and actor; the
    actor `administrator` works at the command line.
    """
    rows = tx.db.execute(
        "SELECT number, at, what, by, actor_id, name, details FROM organization_changes "
        "WHERE org_id = :org_id AND number < :before AND (:actor_id = '' OR actor_id = :actor_id) "
        "AND (:words IS NULL OR what IN (SELECT value FROM json_each(:words))) ORDER BY number DESC LIMIT :limit",
        {
            "org_id": org_id,
            "before": page_request.before[-1],
            "actor_id": actor_id,
            "words": None if words is None else to_json(list(words)).decode(),
            "limit": page_request.limit + 1,
        },
    ).fetchall()
    return Page.of(rows, page_request, lambda row: (row["at"], row["number"]), _change)


def _change(row: sqlite3.Row) -> OrganizationChange:
    number, at, what, by, actor_id, name, details = row
    return OrganizationChange(number, at, what, Actor(by, name, actor_id), from_json(details))


def is_any_expired(tx: Tx) -> bool:
    """Tell whether there are changes older than `KEPT_MS`."""
    return tx.number("SELECT EXISTS (SELECT 1 FROM organization_changes WHERE at <= ?)", tx.now - KEPT_MS) > 0


def remove_expired(tx: Tx) -> None:
    """Remove the oldest changes beyond `KEPT_MS`, at most `DELETE_BATCH_SIZE`."""
    old = "SELECT number FROM organization_changes WHERE at <= :before ORDER BY at LIMIT :limit"
    query = f"DELETE FROM organization_changes WHERE number IN ({old})"  # noqa: S608 (as above)
    tx.db.execute(query, {"before": tx.now - KEPT_MS, "limit": DELETE_BATCH_SIZE})
