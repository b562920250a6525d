"""Rules for a template's conditions and flags: the comparisons that fit each step type, and their greatest number."""

from collections.abc import Iterator
from typing import Any

from rundun.core import text, times
from rundun.core.templates import condition as conditions, steps as step_types, template as templates
from rundun.core.templates.condition import OwnComparison, When
from rundun.core.templates.steps import StepBase
from rundun.core.templates.translation_rules import has_text_id
from rundun.errors import FieldError

OPERATORS = {  # that need a value, with the types of steps whose answers they fit
    "eq": ("boolean", "choice", "multi_choice", "text", "number", "rating", "barcode", "datetime"),
    "neq": ("boolean", "choice", "multi_choice", "text", "number", "rating", "barcode", "datetime"),
    "gt": ("number", "rating"),
    "lt": ("number", "rating"),
    "gte": ("number", "rating"),
    "lte": ("number", "rating"),
    "contains": ("multi_choice", "text"),
    "not_contains": ("multi_choice", "text"),
}


def searched_values(step: StepBase) -> Iterator[tuple[str, str]]:
    """Yield (id of the searched step, value) of each `contains` and `not_contains` in a step's condition and flag."""
    for _, when, _ in conditions.comparisons(step.condition, "") if step.condition else ():
        if when.op in ("contains", "not_contains"):
            yield when.step, when.value
    for _, own, _ in conditions.own_comparisons(step.flag.when, "") if step.flag else ():
        if own.op in ("contains", "not_contains"):
            yield step.id, own.value


def condition_errors(steps: list[tuple[str, StepBase]], raw: list[tuple[str, Any]]) -> Iterator[FieldError]:
    """Yield the errors of the conditions and flags of `steps`, the valid ones, as pairs of pointer and step; `raw`, all
    steps as sent, tells which exist, and in which order. Too many comparisons in all are one error, at "".
    """
    order = {step.get("id"): index for index, (_, step) in enumerate(raw) if has_text_id(step)}
    position = {pointer: index for index, (pointer, _) in enumerate(raw)}
    known = {step.id: step for _, step in steps}
    total = 0
    for pointer, step in steps:
        compared = list(conditions.comparisons(step.condition, f"{pointer}/condition")) if step.condition else []
        own = list(conditions.own_comparisons(step.flag.when, f"{pointer}/flag/when")) if step.flag else []
        total += len(compared) + len(own)
        yield from _count_errors(f"{pointer}/condition", len(compared))
        yield from _count_errors(f"{pointer}/flag/when", len(own))
        for where, when, depth in compared if len(compared) <= templates.MAX_COMPARISONS_OF_STEP else ():
            yield from _depth_errors(where, depth)
            if when.step not in order:
                yield FieldError(f"{where}/step", "unknown_reference", f"there is no step “{when.step}”")
            elif order[when.step] >= position[pointer]:
                yield FieldError(f"{where}/step", "unknown_reference", f"step “{when.step}” must come earlier")
            if when.step in known:
                yield from _comparison_errors(where, when, known[when.step])
        for where, comparison, depth in own if len(own) <= templates.MAX_COMPARISONS_OF_STEP else ():
            yield from _depth_errors(where, depth)
            yield from _comparison_errors(where, comparison, step)
    if total > templates.MAX_COMPARISONS:
        yield FieldError(
            "", "too_long", f"has {total} comparisons in its conditions, {templates.MAX_COMPARISONS} are allowed"
        )


def _count_errors(pointer: str, count: int) -> Iterator[FieldError]:
    if count > templates.MAX_COMPARISONS_OF_STEP:
        yield FieldError(pointer, "too_long", f"has more than {templates.MAX_COMPARISONS_OF_STEP} comparisons")


def _depth_errors(where: str, depth: int) -> Iterator[FieldError]:
    if depth > conditions.MAX_DEPTH:
        yield FieldError(where, "too_long", f"is nested deeper than {conditions.MAX_DEPTH} groups")


def _comparison_errors(where: str, when: When | OwnComparison, step: StepBase) -> Iterator[FieldError]:
    has_value = "value" in when.model_fields_set
    if when.op in ("answered", "skipped"):
        if has_value:
            yield FieldError(f"{where}/value", "not_allowed", f"“{when.op}” takes no value")
        return
    if step.type not in OPERATORS[when.op]:
        yield FieldError(f"{where}/op", "not_allowed", f"“{when.op}” does not fit a step of type {step.type}")
    elif not has_value:
        yield FieldError(f"{where}/value", "required", f"“{when.op}” needs a value")
    elif sentence := _value_error(when, step):
        yield FieldError(f"{where}/value", "wrong_type", sentence)


def _value_error(when: When | OwnComparison, step: StepBase) -> str | None:
    """Return a detail, “must be …”, if the value fits no answer of the step by type, form or options, else None."""
    value = when.value
    match step.type:
        case "boolean":
            return None if isinstance(value, bool) else "must be true or false"
        case "number":
            return None if text.number(value) is not None else "must be a number"
        case "rating":
            return None if text.integer(value) is not None else "must be a whole number"
        case "text" if isinstance(step, step_types.TextStep) and step.config.case == "upper":
            fits = isinstance(value, str) and value and "\0" not in value and value == text.capitals(value)
            return None if fits else "must be a text in capital letters, as the answer is"
        case "text" | "barcode":
            return None if isinstance(value, str) and value and "\0" not in value else "must be a text, not empty"
    if isinstance(step, step_types.DatetimeStep):
        return _time_error(value, step.config.mode)
    assert isinstance(step, step_types.ChoiceStep | step_types.MultiChoiceStep)  # no operator fits the others
    options = {option.id for option in step.config.options}
    if isinstance(step, step_types.ChoiceStep) or when.op in ("contains", "not_contains"):
        return None if isinstance(value, str) and value in options else f"must be an option of “{step.id}”"
    fits = isinstance(value, list) and all(isinstance(entry, str) and entry in options for entry in value)
    return None if fits and len(set(value)) == len(value) else f"must be an array of options of “{step.id}”"


def _time_error(value: Any, mode: str) -> str | None:
    if mode == "date":
        return None if isinstance(value, str) and times.is_date(value) else "must be a day, YYYY-MM-DD"
    at = times.parse(value) if isinstance(value, str) else None
    return None if at is not None and times.wire(at) == value else "must be a time such as 2026-01-31T09:00:00Z"
