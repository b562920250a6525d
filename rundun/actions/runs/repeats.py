"""Repeating a closed run: a dispatch that copies its job."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rundun.actions.runs import handled, runs
from rundun.core.actor import Actor
from rundun.core.runs import repeat
from rundun.core.runs.run import DispatchRequest, Run
from rundun.errors import FieldError, Invalid
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite.transaction import Tx


@dataclass(frozen=True, slots=True)
class Repeated:
    """The new run of a repeat; `dropped` are the ids of fields that were not copied, since its template lacks them."""

    run: Run
    dropped: tuple[str, ...]


def dispatch(tx: Tx, org_id: str, dispatch_request: DispatchRequest, actor: Actor) -> Run:
    """Dispatch a run with `runs.dispatch` and return it. If it repeats a missed run, that run is handled, unless it has
    steps that call for attention, which an operator has yet to see. Raises the errors of `runs.dispatch`.
    """
    run = runs.dispatch(tx, org_id, dispatch_request)
    if run.previous_run_id is not None:
        previous = run_rows.get_of_org(tx, org_id, run.previous_run_id)
        if previous.is_missed and not previous.flagged:
            handled.handle_run(tx, org_id, previous.run_id, actor)
    return run


def repeat_run(tx: Tx, org_id: str, run_id: str, changes: Mapping[str, Any], actor: Actor) -> Repeated:
    """Dispatch a repeat of a closed run with its template's current version, for one credit; return the new run, and
    the ids of the fields that were not copied. `changes` are as in `core.runs.repeat.repeat`, and a missed run is
    handled as in `dispatch`. Raises NotFound, `run_erased`, `wrong_status` for an open run, `invalid` also for values
    that can't be copied and were not given, and the errors of `runs.dispatch`; then nothing is created.
    """
    previous = runs.get_closed(tx, org_id, run_id)
    version = runs.get_dispatched_version(tx, org_id, previous.template_id)
    repeated = repeat.repeat(previous, version.template, changes)
    if repeated.errors:
        raise Invalid(_all_errors(tx, org_id, repeated))
    return Repeated(dispatch(tx, org_id, repeated.order, actor), repeated.dropped)


def list_errors(tx: Tx, org_id: str, run_id: str, changes: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """List the wrong fields that repeating a run with these `changes` would have; its status, credits and the quota are
    not checked. Raises NotFound, `run_erased`, `template_archived`, `too_large`.
    """
    previous = runs.get_with_version(tx, org_id, run_id)[0]
    version = runs.get_dispatched_version(tx, org_id, previous.template_id)
    return _all_errors(tx, org_id, repeat.repeat(previous, version.template, changes))


def _all_errors(tx: Tx, org_id: str, repeated: repeat.Repeat) -> tuple[FieldError, ...]:
    own = {error.pointer for error in repeated.errors}
    others = runs.list_job_errors(tx, org_id, repeated.order)
    return (*repeated.errors, *(error for error in others if error.pointer not in own))
