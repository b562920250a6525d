"""Drafts of templates: JSON objects as they were typed, valid or not; a template has one at most."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

from rundun.core.actor import Actor
from rundun.core.templates.outdated import Outdated
from rundun.store.organizations import quotas
from rundun.store.sqlite.transaction import Tx
from rundun.store.templates.outdated import read_stored, stored_form

_HEAD = (
    "number, id, org_id, template_id, made_from, revision, name, created_at, updated_at, updated_by, updated_by_name"
)


@dataclass(frozen=True, slots=True)
class DraftHead:
    """A draft without its text. `template_id` and `made_from`, the version that it began with, are None before the
    template is first published. `revision` counts from 1; `updated_by` is the kind of the actor who wrote it, with that
    actor's name. `name` is the template's, "" without one.
    """

    number: int
    draft_id: str
    org_id: str
    template_id: str | None
    made_from: int | None
    revision: int
    name: str
    created_at: int
    updated_at: int
    updated_by: Literal["operator", "integrator"]
    updated_by_name: str | None


@dataclass(frozen=True, slots=True)
class DraftText:
    """What is written into a draft: `body`, the text of a JSON object, and of this the template's `name`, "" without
    one, and the ids of the pictures that it names.
    """

    name: str
    body: str
    picture_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Draft(DraftHead):
    """A draft with `body`, the text of a JSON object, and its outdated translations."""

    body: str
    outdated: Outdated


def _head(row: sqlite3.Row) -> DraftHead:
    fields: list[Any] = [*row]
    return DraftHead(*fields)


def get(tx: Tx, org_id: str, draft_id: str) -> Draft:
    """Return an organization's draft; raises NotFound."""
    query = f"SELECT {_HEAD}, body, outdated FROM drafts WHERE id = ? AND org_id = ?"  # noqa: S608, ours
    fields: list[Any] = [*tx.get_row("draft", query, draft_id, org_id)]
    fields[-1] = read_stored(fields[-1])
    return Draft(*fields)


def find_head(tx: Tx, org_id: str, template_id: str) -> DraftHead | None:
    """Find the head of the draft of an organization's published template; None without one."""
    query = f"SELECT {_HEAD} FROM drafts WHERE template_id = ? AND org_id = ?"  # noqa: S608, ours
    row = tx.db.execute(query, (template_id, org_id)).fetchone()
    return None if row is None else _head(row)


def list_heads(tx: Tx, org_id: str) -> list[DraftHead]:
    """List the heads of an organization's drafts, the newest first."""
    query = f"SELECT {_HEAD} FROM drafts WHERE org_id = ? ORDER BY number DESC"  # noqa: S608, ours
    return [_head(row) for row in tx.db.execute(query, (org_id,)).fetchall()]


def count(tx: Tx, org_id: str) -> int:
    """Count the drafts of an organization."""
    return tx.number("SELECT count(*) FROM drafts WHERE org_id = ?", org_id)


def add(
    tx: Tx,
    org_id: str,
    new: DraftText,
    outdated: Outdated,
    actor: Actor,
    template_id: str | None,
    made_from: int | None,
) -> Draft:
    """Store a new draft, with revision 1, and return it."""
    draft_id, stored = tx.new_id("d"), stored_form(outdated)
    tx.grow(org_id, quotas.DRAFT + _size(new.name, new.body, stored))
    number = tx.insert(
        "drafts",
        id=draft_id,
        org_id=org_id,
        template_id=template_id,
        made_from=made_from,
        revision=1,
        name=new.name,
        body=new.body,
        outdated=stored,
        created_at=tx.now,
        updated_at=tx.now,
        updated_by=actor.by,
        updated_by_name=actor.name,
    )
    _put_pictures(tx, number, new.picture_ids)
    return get(tx, org_id, draft_id)


def put(tx: Tx, draft: Draft, new: DraftText, outdated: Outdated, actor: Actor) -> Draft:
    """Store the next revision of a draft, and return it."""
    stored, before = stored_form(outdated), _size(draft.name, draft.body, stored_form(draft.outdated))
    tx.grow(draft.org_id, _size(new.name, new.body, stored) - before)
    changed: dict[str, Any] = {
        "revision": draft.revision + 1,
        "name": new.name,
        "body": new.body,
        "updated_at": tx.now,
        "updated_by": actor.by,
        "updated_by_name": actor.name,
    }
    tx.update("drafts", draft.number, outdated=stored, **changed)
    _put_pictures(tx, draft.number, new.picture_ids)
    return replace(draft, outdated=outdated, **changed)


def put_made_from(tx: Tx, draft: Draft, v: int) -> Draft:
    """Store `v` as the version of the template that a draft is based on, and return the draft."""
    tx.update("drafts", draft.number, made_from=v)
    return replace(draft, made_from=v)


def _size(name: str, body: str, outdated: str | None) -> int:
    return len(name.encode()) + len(body.encode()) + len((outdated or "").encode())


def _put_pictures(tx: Tx, draft: int, picture_ids: Collection[str]) -> None:
    tx.db.execute("DELETE FROM draft_pictures WHERE draft = ?", (draft,))
    tx.db.executemany("INSERT INTO draft_pictures VALUES (?, ?)", [(draft, each) for each in picture_ids])


def list_picture_ids(tx: Tx, draft: DraftHead) -> list[str]:
    """List the ids of the pictures that a draft names, in the order of the ids."""
    query = "SELECT picture_id FROM draft_pictures WHERE draft = ? ORDER BY picture_id"
    return [row[0] for row in tx.db.execute(query, (draft.number,)).fetchall()]


def remove(tx: Tx, draft: DraftHead) -> None:
    """Delete a draft."""
    tx.db.execute("DELETE FROM draft_pictures WHERE draft = ?", (draft.number,))
    tx.db.execute("DELETE FROM drafts WHERE number = ?", (draft.number,))
