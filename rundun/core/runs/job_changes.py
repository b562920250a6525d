"""Changes of an open run's job."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rundun.core.json_types import events
from rundun.core.runs.job import PLAIN_MEMBERS, plain_changes
from rundun.core.runs.job_values import due_errors, read_fields, set_fields
from rundun.core.runs.run import AFTER_DUE, Run
from rundun.core.templates.template import Template
from rundun.errors import FieldError, Invalid


def patch_job(template: Template, run: Run, changes: Mapping[str, Any], now: int) -> Run:
    """Return a run in the same revision with its job and `executor_ref` changed by a merge patch (RFC 7396): omitted
    members stay, None removes one, `due_at` is in milliseconds, other members are ignored. If the new due time is after
    the expiry, the expiry moves to a day after the due time. Raises `Invalid` with all wrong fields.
    """
    job = replace(run.job, **plain_changes(changes))
    errors = [] if job.due_at == run.job.due_at else [*due_errors(job.due_at, now)]
    if "fields" in changes:
        values, wrong = read_fields(template, given := changes["fields"] or {})
        errors += wrong
        errors += [
            FieldError(f"/fields/{field.id}", "required", f"can't be removed: each run has “{field.label}”")
            for field in template.fields
            if field.required and field.id in given and given[field.id] is None
        ]
        kept = {name: value for name, value in {**run.job.fields, **run.job.secrets}.items() if name not in given}
        job = set_fields(template, job, kept | values)
    if errors:
        raise Invalid(errors)
    expires_at = run.expires_at
    if job.due_at is not None and expires_at is not None and job.due_at > expires_at:
        expires_at = job.due_at + AFTER_DUE
    return replace(run, job=job, expires_at=expires_at, executor_ref=changes.get("executor_ref", run.executor_ref))


def changed_names(before: Run, after: Run) -> list[events.Changed]:
    """List the names of the record's members that differ between two states of a run, of those that a patch can change:
    `title`, `note`, `due_at`, `fields` (for secrets as well), `executor_ref`, `expires_at`.
    """
    names: tuple[events.Changed, ...] = (*PLAIN_MEMBERS, "fields", "executor_ref", "expires_at")
    return [name for name in names if _member(before, name) != _member(after, name)]


def change_details(before: Run, after: Run) -> dict[str, Any]:
    """Return the details of a job's change for the run's history: `names` of changed members; `before` and `after` with
    their values by name, times in milliseconds, without `note` and `fields`; `fields` with the ids of changed fields.
    """
    names = changed_names(before, after)
    shown = [name for name in names if name not in ("note", "fields")]
    old, new = ({**run.job.fields, **run.job.secrets} for run in (before, after))
    return {
        "names": names,
        "fields": [name for name in {**old, **new} if old.get(name) != new.get(name)],
        "before": {name: _member(before, name) for name in shown},
        "after": {name: _member(after, name) for name in shown},
    }


def _member(run: Run, name: str) -> Any:
    if name == "fields":
        return run.job.fields, run.job.secrets
    return getattr(run.job if name in PLAIN_MEMBERS else run, name)
