"""Changes of a run's job while the run is open."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rundun.core.json_types import events
from rundun.core.runs.job_values import due_errors, read_fields, with_values
from rundun.core.runs.run import AFTER_DUE, Run
from rundun.core.templates.template import Template
from rundun.errors import FieldError, Invalid


def patch_job(template: Template, run: Run, changes: Mapping[str, Any], now: int) -> Run:
    """Return a run with its job changed by a merge patch (RFC 7396): members that are left out stay, None removes one,
    `due_at` is in milliseconds. A run that is due after it expires stays open until a day after that. Raises `Invalid`
    with every wrong place.
    """
    job = replace(run.job, **{name: changes[name] for name in ("title", "note", "due_at") if name in changes})
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
        job = with_values(template, job, kept | values)
    if errors:
        raise Invalid(errors)
    expires_at = run.expires_at
    if job.due_at is not None and expires_at is not None and job.due_at > expires_at:
        expires_at = job.due_at + AFTER_DUE
    return replace(run, job=job, expires_at=expires_at, executor_ref=changes.get("executor_ref", run.executor_ref))


def names_of_changes(before: Run, after: Run) -> list[events.Changed]:
    """List what differs between a run and itself with another job, by the names of the record's members."""
    pairs: dict[events.Changed, Any] = {
        "title": (before.job.title, after.job.title),
        "note": (before.job.note, after.job.note),
        "due_at": (before.job.due_at, after.job.due_at),
        "fields": ((before.job.fields, before.job.secrets), (after.job.fields, after.job.secrets)),
        "executor_ref": (before.executor_ref, after.executor_ref),
        "expires_at": (before.expires_at, after.expires_at),
    }
    return [name for name, (old, new) in pairs.items() if old != new]


def details_of_changes(before: Run, after: Run) -> dict[str, Any]:
    """Return what a run's history keeps of a change of its job: the `names` of what changed; short members and times
    `before` and `after`; and the ids of the `fields` that changed, whose values may be secrets.
    """
    names = names_of_changes(before, after)
    shown = [name for name in names if name not in ("note", "fields")]
    old, new = ({**run.job.fields, **run.job.secrets} for run in (before, after))
    return {
        "names": names,
        "fields": [name for name in {**old, **new} if old.get(name) != new.get(name)],
        "before": {name: _member(before, name) for name in shown},
        "after": {name: _member(after, name) for name in shown},
    }


def _member(run: Run, name: str) -> Any:
    return getattr(run.job if name in ("title", "due_at") else run, name)
