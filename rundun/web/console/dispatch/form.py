"""The dispatch form: its inputs for a template's fields and steps, and the request body made of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from rundun.core import times
from rundun.core.runs import event
from rundun.core.runs.job import PLAIN_MEMBERS
from rundun.core.runs.repeat import copied_fields
from rundun.core.runs.run import DispatchRequest, Run, Webhook, WebhookFrom
from rundun.core.templates import steps
from rundun.core.templates.steps import StepBase
from rundun.core.templates.template import JobField
from rundun.store.sqlite.transaction import TemplateVersion
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.job_tables.dates_and_numbers import parse_number
from rundun.wording.time_zone import Zone

MAX_PREFILLED = 60  # a form has at most 200 fields
MAX_FORM = 512 * 1024  # bytes: thirty fields and a note of maximum length
EVENTS = (*event.EVENTS, *event.ON_REQUEST)
EMPTY = {f"event {name}": "on" for name in event.EVENTS}
_WORDS = tuple(name for name in PLAIN_MEMBERS if name != "due_at")
# Inputs whose text is a field of the body unchanged.
AS_TYPED = ("template_id", "executor_ref", "language", *_WORDS)


@dataclass(frozen=True, slots=True)
class Input:
    """An input of the form. `name` is its name, `key` the field's or step's id in error pointers. `kind` is a field's
    kind, a step's type, `lines` or `datetime-local`. `options` are pairs of value and label to choose from; `hint` is a
    sentence below the input.
    """

    name: str
    key: str
    label: str
    kind: str
    is_required: bool = False
    hint: str = ""
    options: Sequence[tuple[str, str]] = ()

    @property
    def type(self) -> str:
        """Return the attribute `type`: `tel`, `date`, `datetime-local`, else `text`. It selects the phone's keyboard
        but makes no browser validate the value.
        """
        return {"phone": "tel"}.get(self.kind, self.kind if self.kind in ("date", "datetime-local") else "text")

    @property
    def mode(self) -> str:
        """Return the attribute `inputmode`: `decimal` for a number, `email` or `url`, "" for other kinds."""
        return {"number": "decimal", "email": "email", "url": "url"}.get(self.kind, "")


def field_inputs(version: TemplateVersion, language: ConsoleLanguage) -> list[Input]:
    """Return an `Input` for each field of the template, in their order."""
    return [
        Input(f"field {field.id}", field.id, field.label, field.kind, field.required, _hint(field, language))
        for field in version.template.fields
    ]


def _hint(field: JobField, language: ConsoleLanguage) -> str:
    if field.kind == "secret":
        return language.gettext("Hidden on the phone until it is tapped, and deleted when the job is closed.")
    match field.show:
        case "start":
            return language.gettext("Seen by whoever opens the link, before Start.")
        case "office":
            return language.gettext("For you only: it is never shown on the phone.")
    return ""


def prefill_inputs(version: TemplateVersion, language: ConsoleLanguage) -> list[Input]:
    """Return an `Input` for each step whose value can be given for the executor to confirm, at most `MAX_PREFILLED`."""
    inputs = (_prefill_input(step, language) for step in version.steps)
    return [each for each in inputs if each is not None][:MAX_PREFILLED]


def _prefill_input(step: StepBase, language: ConsoleLanguage) -> Input | None:
    name = f"prefill {step.id}"
    options: list[tuple[str, str]] = []
    kind: str = step.type
    match step:
        case steps.BooleanStep():
            config = step.config
            yes, no = language.gettext("Yes"), language.gettext("No")
            options = [("true", config.true_label or yes), ("false", config.false_label or no)]
        case steps.ChoiceStep():
            options = [(option.id, option.label) for option in step.config.options]
        case steps.RatingStep():
            options = [(str(grade),) * 2 for grade in range(step.config.min, step.config.max + 1)]
        case steps.DatetimeStep():
            kind = "date" if step.config.mode == "date" else "datetime-local"
        case steps.TextStep():
            kind = "lines" if step.config.multiline else "text"
        case steps.NumberStep() | steps.BarcodeStep():
            pass
        case _:
            return None
    return Input(
        name, step.id, step.label, kind, options=[("", language.gettext("not set")), *options] if options else ()
    )


def read_body(form: Mapping[str, str], version: TemplateVersion | None, zone: Zone) -> dict[str, Any]:
    """Return the form as the body of POST /v1/runs, parsed but not checked. Empty inputs are left out, and so are
    inputs of other templates than `version`'s.
    """
    body: dict[str, Any] = {name: form[name].replace("\r\n", "\n") for name in _filled(form, AS_TYPED)}
    hours, due_at = form.get("expires_in_hours", "").strip(), form.get("due_at", "").strip()
    if form.get("never"):
        body["expires_in_hours"] = None
    elif hours:
        body["expires_in_hours"] = float(hours) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", hours) else hours
    if due_at:
        body["due_at"] = zone.parse_local(due_at)
    if version:
        kinds = {f"field {field.id}": field.kind for field in version.template.fields}
        steps_by_name = {f"prefill {step.id}": step for step in version.steps}
        fields = {
            name: parse_number(form[name]) if kinds[name] == "number" else form[name] for name in _filled(form, kinds)
        }
        prefill = {name: _step_value(steps_by_name[name], form[name], zone) for name in _filled(form, steps_by_name)}
        body |= {key: _values_by_id(values) for key, values in (("fields", fields), ("prefill", prefill)) if values}
    webhook: dict[str, Any] = {name: form[name] for name in ("url", "secret") if form.get(name)}
    if webhook:
        body["webhook"] = webhook | {"events": [name for name in EVENTS if form.get(f"event {name}")]}
    return body


def _filled(form: Mapping[str, str], names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if form.get(name, "").strip())


def _values_by_id(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.partition(" ")[2]: value for name, value in values.items()}


def _step_value(step: StepBase, typed: str, zone: Zone) -> object:
    match step:
        case steps.BooleanStep():
            return typed == "true"
        case steps.NumberStep() | steps.RatingStep():
            return parse_number(typed)
        case steps.DatetimeStep() if step.config.mode == "datetime":
            return zone.parse_local(typed)
    return typed.replace("\r\n", "\n")


def host_of(webhook: Webhook | None) -> str:
    """Return the host of a webhook, "" for None. Members see the host only, since the path may be a secret."""
    return webhook.host if webhook else ""


@dataclass(frozen=True, slots=True)
class RepeatedRun:
    """The closed run that the form repeats. `dropped` are the labels of its fields that the current template lacks,
    `webhook` is None if it has none or the webhook's secret was deleted.
    """

    run: Run
    dropped: Sequence[str]
    webhook: Webhook | None


def repeated_run(run: Run, version: TemplateVersion, current: TemplateVersion) -> RepeatedRun:
    """Return the `RepeatedRun` of the form: the run, the labels, in its own template `version`, of its fields that
    `current` lacks, and its webhook, None if it has none or the webhook's secret was deleted.
    """
    dropped = copied_fields(run, current.template)[1]
    labels = [field.label for field in version.template.fields if field.id in dropped]
    is_known = run.webhook is not None and not run.webhook.is_secret_removed
    return RepeatedRun(run, labels, run.webhook if is_known else None)


def repeat_values(repeated: RepeatedRun, current: TemplateVersion, today: date) -> dict[str, str]:
    """Return the form's initial values for a repeat, by the names of the inputs: template, `again` (the run's id),
    reference, language, `webhook` (`previous` if there is one to copy), fields and the job's plain members without its
    due time. Empty values, dates before `today`, and secrets, which were deleted when the run was closed, are left out.
    """
    run = repeated.run
    days = {field.id for field in current.template.fields if field.kind == "date"}
    copied = copied_fields(run, current.template)[0]
    fields = {
        f"field {name}": str(value)
        for name, value in copied.items()
        if name not in days or not _has_passed(value, today)
    }
    given: dict[str, Any] = {name: getattr(run.job, name) for name in _WORDS}
    given |= {"executor_ref": run.executor_ref, "language": run.language}
    given |= {"template_id": run.template_id, "again": run.run_id, "webhook": "previous" if repeated.webhook else ""}
    return {**fields, **{name: value for name, value in given.items() if value}}


def _has_passed(value: Any, today: date) -> bool:
    """Tell whether a field's value is a date before `today`. It may be no date: the field's kind may have changed."""
    return isinstance(value, str) and times.is_date(value) and date.fromisoformat(value) < today


def with_choices(
    dispatch_request: DispatchRequest, form: Mapping[str, str], repeated: RepeatedRun | None
) -> DispatchRequest:
    """Return the dispatch request with the form's choices that are not in its body: `previous_run_id`, None without
    `repeated`, and `webhook_from`, which counts if no URL was typed: `request`, so no webhook, for the choice `none`,
    `previous` for that choice with a `repeated` run, otherwise `default`.
    """
    chosen = form.get("webhook", "")
    webhook_from: WebhookFrom = "request" if chosen == "none" else "default"
    if repeated is None:
        return replace(dispatch_request, webhook_from=webhook_from)
    if chosen == "previous":
        webhook_from = "previous"
    return replace(dispatch_request, webhook_from=webhook_from, previous_run_id=repeated.run.run_id)
