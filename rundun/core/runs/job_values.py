"""Values of a run's job: checks of its fields, of proposed answers, and of the due time."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError, to_json

from rundun.core import times, validation
from rundun.core.runs.answer import MAX_TOGETHER, read_value
from rundun.core.runs.job import RunJob
from rundun.core.runs.run import DispatchRequest, expires_at
from rundun.core.templates.steps import StepBase
from rundun.core.templates.template import JobField, Template
from rundun.core.validation import EMAIL, PHONE, Text
from rundun.errors import FieldError, Invalid, Problem

MAX_VALUE, MAX_URL = 500, 2000
MAX_AHEAD = 10 * 365 * times.DAY  # milliseconds; a due time further away is a typing mistake
_NEVER_PREFILLED = ("photo", "signature", "instruction")  # evidence, which can't be given in advance


def read_dispatch(template: Template, dispatch_request: DispatchRequest, now: int) -> DispatchRequest:
    """Return a dispatch with the values of its job in normal form, secrets separated. Raises `Invalid` with all wrong
    fields of the job, or `too_large` for proposed answers beyond the limit of a run's answers.
    """
    job = dispatch_request.job
    values, errors = read_fields(template, job.fields)
    errors += [error for field in template.fields for error in _required_errors(field, job.fields)]
    prefill, wrong = _read_prefill(template, job.prefill)
    errors += [*wrong, *due_errors(job.due_at, now), *_expiry_errors(dispatch_request, now)]
    if errors:
        raise Invalid(errors)
    return replace(dispatch_request, job=replace(set_fields(template, job, values), prefill=prefill))


def set_fields(template: Template, job: RunJob, values: Mapping[str, Any]) -> RunJob:
    """Return a job with these field values, secrets separated, in the order of the template's fields."""
    fields: dict[str, Any] = {}
    secrets: dict[str, Any] = {}
    for field in template.fields:
        if field.id in values:
            (secrets if field.kind == "secret" else fields)[field.id] = values[field.id]
    return replace(job, fields=fields, secrets=secrets)


def read_fields(template: Template, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the values in normal form by field id, and the errors; None and missing fields are left out."""
    known = {field.id: field for field in template.fields}
    values, errors = {}, []
    for field_id, value in given.items():
        pointer = validation.pointer(["fields", field_id])
        if field_id not in known:
            errors.append(FieldError(pointer, "unknown_reference", "is no field of this template"))
        elif value is not None:
            try:
                values[field_id] = _read_field(known[field_id], value, pointer)
            except Invalid as invalid:
                errors += invalid.errors
    return values, errors


def _required_errors(field: JobField, given: Mapping[str, Any]) -> Iterator[FieldError]:
    if field.required and given.get(field.id) is None:
        detail = f"is required: each run of this template has “{field.label}”"
        yield FieldError(f"/fields/{field.id}", "required", detail)


def _read_field(field: JobField, value: Any, pointer: str) -> Any:
    """Return a field's value in its normal form, a number for kind `number`, else a text; raise `Invalid`."""
    try:
        if field.kind == "number":
            return validation.number(value)
        if not isinstance(value, str):
            raise validation.invalid_value("wrong_type", "must be a string")
        return _read_text(field.kind, value)
    except PydanticCustomError as error:
        wrong = error.context or {}
        raise Invalid([FieldError(pointer, wrong["code"], wrong["detail"])]) from None


def _read_text(kind: str, value: str) -> Any:
    value = Text(MAX_URL if kind == "url" else MAX_VALUE).check(value)
    match kind:
        case "date" if not times.is_date(value):
            raise validation.invalid_value("bad_format", "must be a day of the calendar, YYYY-MM-DD")
        case "phone":
            return PHONE.check(value)
        case "email":
            return EMAIL.check(value)
        case "url" if not _is_web_address(value):
            raise validation.invalid_value("bad_format", "must be an address that begins with http:// or https://")
    return value


def _is_web_address(value: str) -> bool:
    if not re.match(r"https?://", value, re.IGNORECASE) or not value.isprintable() or re.search(r"\s", value):
        return False
    try:
        return bool(urlsplit(value).hostname)
    except ValueError:
        return False


def _read_prefill(template: Template, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    steps: dict[str, StepBase] = {step.id: step for step in template.all_steps()} if given else {}
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for step_id, value in given.items():
        pointer, step = validation.pointer(["prefill", step_id]), steps.get(step_id)
        if step is None:
            errors.append(FieldError(pointer, "unknown_reference", "is no step of this template"))
        elif step.type in _NEVER_PREFILLED:
            errors.append(FieldError(pointer, "not_allowed", f"a step of type {step.type} takes no value in advance"))
        else:
            try:
                values[step_id] = read_value(step, value, pointer)
            except Invalid as invalid:
                errors += invalid.errors
    if len(to_json(values)) > MAX_TOGETHER:
        detail = "The answers of a run may take 4 MiB together, and so may its proposed answers."
        raise Problem("too_large", detail, [FieldError("/prefill", "too_long", detail)])
    return values, errors


def due_errors(due_at: int | None, now: int) -> Iterator[FieldError]:
    """Yield an error if a due time is past or more than ten years away; both times in milliseconds."""
    if due_at is not None and due_at < now:
        yield _due_error(f"is past: it is {times.wire(now)}")
    elif due_at is not None and due_at > now + MAX_AHEAD:
        yield _due_error("is more than ten years from now")


def _expiry_errors(dispatch_request: DispatchRequest, now: int) -> Iterator[FieldError]:
    due_at, expires = dispatch_request.job.due_at, expires_at(dispatch_request, now)
    if due_at is not None and expires is not None and due_at > expires:
        yield _due_error(f"is after the run expires, {times.wire(expires)}: give it more hours, or leave them out")


def _due_error(detail: str) -> FieldError:
    return FieldError("/due_at", "out_of_range", detail)
