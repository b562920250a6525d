"""Runs of one person, found by the executor's data.

References have an index. For the other fields, all runs of the organization are read in order, a part at a time so that
other requests don't wait: 100,000 take a third of a second. This happens a few times a year, while an index would be
written at every start of a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rundun.core.actor import Identity
from rundun.core.erasure.person import Person, PersonField
from rundun.core.json_types.base import Status
from rundun.store.runs.runs import read_identity
from rundun.store.sqlite.transaction import Tx

AT_ONCE = 500  # runs read at a time, in about a millisecond

_STORED: Mapping[PersonField, str] = {
    "email": "json_extract(identity, '$.email')",
    "phone": "json_extract(identity, '$.phone')",
    "name": "json_extract(identity, '$.name')",
    "executor_ref": "executor_ref",
    "assigned_to": "assigned_to",
}


@dataclass(frozen=True, slots=True)
class PersonRun:
    """A run of a person, with the fields by which a reader recognises it; times in milliseconds."""

    run_id: str
    template_id: str
    revision: int
    status: Status
    title: str | None
    created_at: int
    started_at: int | None
    closed_at: int | None
    executor_ref: str | None
    assigned_to: str | None
    identity: Identity
    template_name: str


Place = tuple[int, int]  # of a run among those of its organization: `created_at` and `number`
BEGINNING: Place = (-1, -1)


def page(
    tx: Tx, org_id: str, person: Person, after: Place, *, with_alike: bool
) -> tuple[list[PersonRun], list[PersonRun], Place | None]:
    """Read the next `AT_ONCE` runs of an organization after a place, without erased ones, the oldest first. Returns
    those of the person, with `with_alike` others with a similar value (else none), and the place to go on after, None
    at the end.
    """
    index, condition = "runs_of_org", ""
    if person.field == "executor_ref" and not with_alike:
        index, condition = "runs_by_executor_ref", "AND executor_ref = :value "
    rows = tx.db.execute(
        f"SELECT created_at, number, {_STORED[person.field]} FROM runs INDEXED BY {index} "  # noqa: S608, all named here
        f"WHERE org_id = :org {condition}AND erased_at IS NULL AND (created_at, number) > (:created_at, :number) "
        "ORDER BY created_at, number LIMIT :limit",
        {"org": org_id, "value": person.value, "created_at": after[0], "number": after[1], "limit": AT_ONCE},
    ).fetchall()
    found = [_get(tx, number) for _, number, stored in rows if person.is_named_by(stored)]
    alike = [_get(tx, number) for _, number, stored in rows if with_alike and person.is_like(stored)]
    return found, alike, (rows[-1][0], rows[-1][1]) if len(rows) == AT_ONCE else None


def _get(tx: Tx, number: int) -> PersonRun:
    *plain, identity, template_name = tx.get_row(
        "run",
        "SELECT r.id, r.template_id, r.revision, r.status, r.title, r.created_at, r.started_at, r.closed_at, "
        "r.executor_ref, r.assigned_to, r.identity, json_extract(v.body, '$.name') FROM runs AS r "
        "JOIN template_versions AS v ON v.template_id = r.template_id AND v.v = r.template_v WHERE r.number = ?",
        number,
    )
    fields: list[Any] = [*plain, read_identity(identity), template_name]
    return PersonRun(*fields)
