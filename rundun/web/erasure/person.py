"""Erasure of a person: listing their runs, and erasing these."""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rundun.actions.erasure import erasures, person_runs
from rundun.actions.erasure.person_runs import PersonList
from rundun.core import times
from rundun.core.erasure.person import Person
from rundun.core.json_types.erasures import PersonRunJson
from rundun.store.database import Database
from rundun.store.erasure.person_runs import PersonRun
from rundun.web.http.turns import Reads

AT_ONCE = 5  # runs erased between writes of others, about a millisecond each


async def list_runs(
    reads: Reads, org_id: str, person: Person, run_ids: Sequence[str] | None = None, *, with_alike: bool = False
) -> PersonList:
    """Return the `PersonList` of a person: their runs, oldest first, or of these only `run_ids`; `with_alike` adds runs
    that may be theirs, as its `alike`. It ends at about `MAX_LISTED` runs, with `has_more`. Reads in parts, so that
    other requests are served. Raises `Invalid` if one of `run_ids` is not in the list.
    """
    found = PersonList()
    while not found.is_done:
        found = await reads.read(person_runs.list_more, org_id, person, found, with_alike=with_alike)
    return found if run_ids is None else found.select(run_ids)


async def erase_listed(
    reads: Reads,
    database: Database,
    org_id: str,
    person: Person,
    digest: str,
    by: str,
    run_ids: Sequence[str] | None = None,
    alike: Mapping[str, str] = MappingProxyType({}),
) -> PersonList:
    """Erase the runs of a person, or those of `run_ids`; return their `PersonList` as it was before, with the runs of
    `alike` among them. `digest` is that of the list without these; `alike` has their ids, with the revisions that were
    shown. `by` is the id of a key or an operator. Raises `erasure_changed` before anything is erased, and the errors of
    `list_runs`. Data added to a run during the erasure is erased, too.
    """
    found = await list_runs(reads, org_id, person, run_ids, with_alike=bool(alike))
    found.require_digest(digest)
    found = found.with_alike(alike)
    for start in range(0, len(found.runs), AT_ONCE):
        some = found.runs[start : start + AT_ONCE]
        await asyncio.gather(*(database.write(erasures.erase, org_id, run.run_id, by) for run in some))
    return found


def run_json(run: PersonRun) -> PersonRunJson:
    """Return a run of a person as a JSON object."""
    return {
        "run_id": run.run_id,
        "template_id": run.template_id,
        "template_name": run.template_name,
        "title": run.title,
        "executor_ref": run.executor_ref,
        "assigned_to": run.assigned_to,
        "identity": run.identity.as_json(run.assigned_to),
        "status": run.status,
        "created_at": times.wire(run.created_at),
        "started_at": times.wire_or_none(run.started_at),
        "closed_at": times.wire_or_none(run.closed_at),
    }
