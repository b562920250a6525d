"""Repeating a run: the dispatch that copies a closed run, and the values that can't be copied."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rundun.core.runs import event
from rundun.core.runs.job import plain_changes
from rundun.core.runs.run import OPEN_HOURS, DispatchRequest, Run, Webhook, patch_webhook
from rundun.core.templates.template import JobField, Template
from rundun.errors import FieldError


@dataclass(frozen=True, slots=True)
class Repeat:
    """A dispatch that repeats a run. `dropped` are the ids of the run's fields that the template lacks, `errors` name
    the values that can't be copied and were not given.
    """

    order: DispatchRequest
    dropped: tuple[str, ...]
    errors: tuple[FieldError, ...]


def repeat(run: Run, template: Template, changes: Mapping[str, Any]) -> Repeat:
    """Return the `Repeat` of a closed run: its dispatch, the ids of dropped fields, and the errors; `template` is the
    current version of its template. Reference, language, webhook and job are copied, without due time, secrets and
    prefill. `changes` has members of the dispatch and of its job by their names on the wire (None removes one), in
    `fields` and `webhook` only the changed ones.
    """
    given: Mapping[str, Any] = changes.get("fields") or {}
    copied, dropped = copied_fields(run, template)
    fields = {**copied, **given}
    webhook, errors = _patched_webhook(run, changes)
    errors += [error for field in template.fields for error in _secret_errors(field, fields)]
    plain = {"due_at": None, **plain_changes(changes)}
    job = replace(run.job, **plain, fields=fields, secrets={}, prefill=changes.get("prefill") or {})
    order = DispatchRequest(
        run.template_id,
        webhook,
        changes.get("expires_in_hours", OPEN_HOURS),
        changes.get("executor_ref", run.executor_ref),
        changes.get("language", run.language),
        job,
        "expires_in_hours" in changes,
        previous_run_id=run.run_id,
    )
    return Repeat(order, tuple(name for name in dropped if name not in given), tuple(errors))


def copied_fields(run: Run, template: Template) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Return the values of a closed run's fields that `template` has, by id, and the ids of its other fields. Secrets
    are in neither: they ended with the run.
    """
    known = {field.id for field in template.fields}
    copied = {name: value for name, value in run.job.fields.items() if name in known}
    return copied, tuple(name for name in run.job.fields if name not in known)


def _secret_errors(field: JobField, fields: Mapping[str, Any]) -> Iterator[FieldError]:
    """Yield an error if `field` is a secret missing in `fields`: the closed run no longer says whether it had one."""
    if field.kind == "secret" and field.id not in fields:
        or_none = "" if field.required else ", or null for none"
        detail = f"is required: “{field.label}” is a secret, which ended with the previous run; give it again{or_none}"
        yield FieldError(f"/fields/{field.id}", "required", detail)


def _patched_webhook(run: Run, changes: Mapping[str, Any]) -> tuple[Webhook | None, list[FieldError]]:
    given = changes.get("webhook", {})
    if given is None or (not given and run.webhook is None):
        return None, []
    webhook = patch_webhook(run.webhook or Webhook("", None, event.EVENTS), {**given, "gone": False})
    if not webhook.url:
        return None, [FieldError("/webhook/url", "required", "is required, since the previous run had no webhook")]
    return webhook, [*webhook_errors(webhook)]


def webhook_errors(webhook: Webhook) -> Iterator[FieldError]:
    """Yield an error for a webhook that can't be copied, since its secret was deleted."""
    if webhook.is_secret_removed:
        detail = "was deleted: give it again, or null for unsigned requests"
        yield FieldError("/webhook/secret", "required", detail)
