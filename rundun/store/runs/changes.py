"""Changes of a run that make no event (extended, released, handled, …), for the console only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from rundun.core.actor import Actor
from rundun.core.runs.run import Run
from rundun.store.organizations import quotas
from rundun.store.sqlite.transaction import Tx


@dataclass(frozen=True, slots=True)
class RunChange:
    """A change of a run that makes no event; `what` is its kind. `details`, with times in milliseconds, has of an
    expiry `before` and `after` (None = never); of a photo `step_id`, `photo_id`, `taken_at` and `received_at` (None if
    it never arrived); of a webhook its `host`, the names of its changed `fields` and `is_first` (there was none
    before); of handling `note` and `is_undone`.
    """

    what: str
    actor: Actor
    details: Mapping[str, Any]
    at: int


def add(tx: Tx, run: Run, what: str, actor: Actor, at: int, **details: Any) -> None:
    """Store a change of a run at the time `at` (milliseconds), with the `details` of `RunChange`."""
    said = to_json(details)
    tx.insert("changes", run_id=run.run_id, what=what, by=actor.by, name=actor.name, details=said.decode(), at=at)
    tx.grow(run.org_id, quotas.CHANGE + len(said) + len((actor.name or "").encode()))


def list_deleted_photos(tx: Tx, run_id: str, step_id: str) -> set[str]:
    """Return the ids of the photos of a step that an executor deleted."""
    rows = tx.db.execute(
        "SELECT details ->> '$.photo_id' FROM changes WHERE run_id = ? AND what = 'photo_deleted' "
        "AND details ->> '$.step_id' = ?",
        (run_id, step_id),
    ).fetchall()
    return {row[0] for row in rows if row[0] is not None}


def list_of_run(tx: Tx, run_id: str, limit: int) -> list[RunChange]:
    """List the first `limit` changes of a run, the oldest first."""
    rows = tx.db.execute(
        "SELECT what, by, name, details, at FROM changes WHERE run_id = ? ORDER BY number LIMIT ?", (run_id, limit)
    ).fetchall()
    return [RunChange(what, Actor(by, name), from_json(details), at) for what, by, name, details, at in rows]
