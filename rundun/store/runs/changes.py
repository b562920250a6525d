"""Changes of a run beside its events: extended, released, a photo deleted, another webhook or none. Only the console
shows them.
"""

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
    """A change of a run beside its events. `details`, with times in milliseconds: `before` and `after` of an expiry
    (None: never), `step_id`, `photo_id`, `taken_at` and `received_at` of a photo (None of one that never came), or the
    `host` of a webhook, which `fields` of it changed, and whether it `is_first`: there was none; of what was handled,
    whether that `is_undone`.
    """

    what: str
    actor: Actor
    details: Mapping[str, Any]
    at: int


def add(tx: Tx, run: Run, what: str, actor: Actor, at: int, **details: Any) -> None:
    """Store a change that was made to a run at `at` (milliseconds)."""
    said = to_json(details)
    tx.insert("changes", run_id=run.run_id, what=what, by=actor.by, name=actor.name, details=said.decode(), at=at)
    tx.grow(run.org_id, quotas.CHANGE + len(said) + len((actor.name or "").encode()))


def deleted_photos(tx: Tx, run_id: str, step_id: str) -> set[str]:
    """Return the ids of the photos of a step that were deleted one by one."""
    rows = tx.db.execute(
        "SELECT details ->> '$.photo_id' FROM changes WHERE run_id = ? AND what = 'photo_deleted' "
        "AND details ->> '$.step_id' = ?",
        (run_id, step_id),
    ).fetchall()
    return {row[0] for row in rows if row[0] is not None}


def of_run(tx: Tx, run_id: str, limit: int) -> list[RunChange]:
    """List the first `limit` changes of a run, the oldest first."""
    rows = tx.db.execute(
        "SELECT what, by, name, details, at FROM changes WHERE run_id = ? ORDER BY number LIMIT ?", (run_id, limit)
    ).fetchall()
    return [RunChange(what, Actor(by, name), from_json(details), at) for what, by, name, details, at in rows]
