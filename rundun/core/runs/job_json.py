"""A run's job as JSON for the executor: before Start only the members that anyone with the link may read."""

from collections.abc import Mapping
from typing import Any

from rundun.core import languages, times
from rundun.core.json_types.execution import ShownFieldJson, ShownJobJson
from rundun.core.runs.job import RunJob
from rundun.core.runs.run import Run
from rundun.core.templates.template import JobField, Template


def job_json(run: Run, template: Template, language: str | None = None, *, with_secrets: bool = True) -> ShownJobJson:
    """Return a run's job for its executor as a dict: before Start the title, the due time and fields with `show` =
    `start` but no secrets; then all but `office` fields, and the note and the proposed answers. Fields without a value
    are left out. Labels are in `language` if translated; without `with_secrets`, a secret's value is None.
    """
    job, is_started = run.job, run.status != "pending"
    values = {**job.fields, **job.secrets}
    fields: list[ShownFieldJson] = [
        {
            "id": field.id,
            "label": field.label,
            "kind": field.kind,
            "value": values[field.id] if with_secrets or field.kind != "secret" else None,
        }
        for field in template.fields
        if field.id in values and _is_shown(field, is_started)
    ]
    if language is not None and fields:
        fields = languages.translate({"fields": fields, "translations": template.translations}, language)["fields"]
    shown: ShownJobJson = {"title": job.title, "due_at": times.wire_or_none(job.due_at), "fields": fields}
    if is_started:
        shown |= {"note": job.note, "prefill": dict(job.prefill)}
    return shown


def _is_shown(field: JobField, is_started: bool) -> bool:
    if is_started:
        return field.show != "office"
    return field.show == "start" and field.kind != "secret"


def remove_hidden_fields(template: dict[str, Any], job: ShownJobJson) -> dict[str, Any]:
    """Return a template's JSON with the parts removed that the executor may not see: `fields` (the job has those shown,
    with their values) and translated labels of hidden fields. `template` itself is changed.
    """
    shown = {field["id"] for field in job["fields"]}
    hidden = [field["id"] for field in template.pop("fields", ()) if field["id"] not in shown]
    for texts in (template.get("translations") or {}).values():
        for field_id in hidden:
            texts.pop(field_id, None)
    return template


def exportable_fields(job: RunJob, template: Template) -> Mapping[str, Any]:
    """Return the field values, by id, that may be exported from the console in a file: all but secrets."""
    return {
        field.id: job.fields[field.id] for field in template.fields if field.kind != "secret" and field.id in job.fields
    }
