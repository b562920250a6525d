"""Reading of templates: the models' own rules, then those between fields; all errors are reported at once."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from rundun.core import validation
from rundun.core.templates import condition as conditions, steps as step_types, template as templates
from rundun.core.templates.condition_rules import condition_errors, searched_values
from rundun.core.templates.steps import StepBase
from rundun.core.templates.template import Template
from rundun.core.templates.translation_rules import has_text_id, read_array, translation_errors
from rundun.errors import FieldError, Invalid, Problem

MAX_ERRORS = 1000
_PICTURE_ID = re.compile("pic-[0-9a-f]{64}")
_LISTS_OF_CONFIG = (("options", "o-", step_types.MAX_OPTIONS), ("slots", "p-", step_types.MAX_SLOTS))
_ANY_STEP: TypeAdapter[StepBase] = TypeAdapter(step_types.Step)


def read_template(data: Any, make_id: Callable[[str], str]) -> Template:
    """Return the template that JSON `data` describes; missing ids of its parts are made by `make_id(prefix)`.

    Raises `Invalid` with all wrong fields (at most a thousand of each kind), or `Problem("too_large")` above 512 KiB.
    """
    data = _add_ids(data, make_id)
    try:
        template = Template.model_validate(data, context=validation.ErrorLimit(MAX_ERRORS))
    except ValidationError as error:
        errors = validation.field_errors(error, untagged=_strip_union_tags, limit=MAX_ERRORS)
        more = islice(_cross_field_errors(data, _valid_steps(data)), MAX_ERRORS)
        raise Invalid(validation.sort_errors([*errors, *more], data)) from None
    placed = _steps_with_pointers(data, template)
    errors = list(islice(_cross_field_errors(data, placed), MAX_ERRORS))
    if errors:
        raise Invalid(validation.sort_errors(errors, data))
    if len(as_json(template)) > templates.MAXIMUM_BYTES:
        raise Problem("too_large", "A template may have at most 512 KiB.")
    return template


def search_cost_errors(data: Any, template: Template) -> list[FieldError]:
    """List the errors if the text steps, in the template that was read from JSON `data`, are together too costly to
    search at every answer, one for each step that costs at least half as much as the costliest; else none. The rule is
    for new versions only: older stored ones stay valid, so `read_template` omits it.
    """
    values: dict[str, set[str]] = {}  # searched values by step id; a repeated value costs nothing
    for step in template.all_steps():
        for searched_step, value in searched_values(step):
            values.setdefault(searched_step, set()).add(value)
    searched = [
        (sum(_search_cost(step.config.max_length, value) for value in values[step.id]), pointer, step)
        for pointer, step in _steps_with_pointers(data, template)
        if isinstance(step, step_types.TextStep) and step.id in values
    ]
    if sum(cost for cost, _, _ in searched) <= templates.MAX_SEARCH_COST:
        return []
    most = max(cost for cost, _, _ in searched)
    return [
        FieldError(
            f"{pointer}/config/max_length",
            "too_long",
            f"lets a text of {step.config.max_length} characters be searched for {len(values[step.id])} values, which "
            "takes too long at each answer: lower it, or compare with fewer or shorter values",
        )
        for cost, pointer, step in searched
        if cost >= most / 2
    ]


def named_pictures(data: Any) -> list[tuple[str, str]]:
    """List (pointer, picture id) of the well-formed ids of the first `MAX_STEPS` steps, `MAX_PICTURES` of each."""
    return [
        (f"{pointer}/pictures/{index}", picture_id)
        for pointer, step in islice(raw_steps(data), templates.MAX_STEPS)
        for index, picture_id in enumerate(read_array(step, "pictures")[: step_types.MAX_PICTURES])
        if isinstance(picture_id, str) and _PICTURE_ID.fullmatch(picture_id)
    ]


def _search_cost(max_length: int, value: str) -> int:
    return min(max_length * (len(value) + templates.SEARCH_START), conditions.MAX_SHORT_SEARCH)


def _steps_with_pointers(data: Any, template: Template) -> list[tuple[str, StepBase]]:
    return [(pointer, step) for (pointer, _), step in zip(raw_steps(data), template.all_steps(), strict=True)]


def as_json(template: Template) -> bytes:
    """Return a template's stored form: bytes of JSON with the fields that the author set, in the models' order."""
    return to_json(template.model_dump(mode="json", exclude_unset=True))


def _add_ids(data: Any, make_id: Callable[[str], str]) -> Any:
    """Return the data with missing ids added. Lists over their limit are cut to one element above it, to be refused."""

    def with_id(part: Any, prefix: str, **changed: Any) -> Any:
        if not isinstance(part, dict):
            return part
        return {**({} if "id" in part else {"id": make_id(prefix)}), **part, **changed}

    def step_with_ids(step: Any) -> Any:
        config = step.get("config") if isinstance(step, dict) else None
        if not isinstance(config, dict):
            return with_id(step, "s-")
        for name, prefix, most in _LISTS_OF_CONFIG:
            if isinstance(config.get(name), list):
                config = {**config, name: [with_id(part, prefix) for part in config[name][: most + 1]]}
        return with_id(step, "s-", config=config)

    def with_steps(holder: Any) -> Any:
        if not isinstance(holder, dict) or not isinstance(holder.get("steps"), list):
            return holder
        return {**holder, "steps": [step_with_ids(step) for step in holder["steps"][: templates.MAX_STEPS + 1]]}

    if isinstance(data, dict) and isinstance(data.get("fields"), list):
        data = {**data, "fields": [with_id(field, "f-") for field in data["fields"][: templates.MAX_FIELDS + 1]]}
    if isinstance(data, dict) and isinstance(data.get("sections"), list):
        sections = data["sections"][: templates.MAX_SECTIONS + 1]
        data = {**data, "sections": [with_steps(with_id(section, "g-")) for section in sections]}
    return with_steps(data)


def _strip_union_tags(loc: Sequence[str | int]) -> list[str | int]:
    """Return a pydantic error location without the names of union members, which are no part of the document."""
    if loc[:1] == ("translations",):
        return list(loc[:2] if loc[2:] == ("[key]",) else loc)  # an invalid language tag
    path: list[str | int] = []
    skip = False
    for part in loc:
        if skip:
            skip = False
            continue
        path.append(part)
        is_element = len(path) > 1 and path[-2] in ("steps", "rules") and isinstance(part, int)
        skip = is_element or part in ("photo", "condition") or path[-2:] == ["flag", "when"]
    return path


def raw_steps(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield (pointer, step) of all steps of a template as sent, whatever they are."""
    for index, step in enumerate(read_array(data, "steps")):
        yield f"/steps/{index}", step
    for outer, section in enumerate(read_array(data, "sections")):
        for index, step in enumerate(read_array(section, "steps")):
            yield f"/sections/{outer}/steps/{index}", step


def _valid_steps(data: Any) -> list[tuple[str, StepBase]]:
    """List (pointer, step) of the valid steps among the first `MAX_STEPS`; rules between fields are checked on them."""
    readable = []
    for pointer, step in islice(raw_steps(data), templates.MAX_STEPS):
        try:
            readable.append((pointer, _ANY_STEP.validate_python(step, context=validation.ErrorLimit(1))))
        except ValidationError:
            continue
    return readable


def _cross_field_errors(data: Any, steps: list[tuple[str, StepBase]]) -> Iterator[FieldError]:
    if not isinstance(data, dict):
        return
    raw = list(raw_steps(data))
    yield from _step_count_errors(data, len(raw))
    yield from _duplicate_id_errors(data, raw)
    for pointer, step in steps:
        yield from _limit_errors(pointer, step)
    yield from condition_errors(steps, raw)
    yield from translation_errors(data, steps, raw)


def _step_count_errors(data: dict[str, Any], count: int) -> Iterator[FieldError]:
    if data.get("sections") is not None and data.get("steps") is not None:
        yield FieldError("/steps", "not_allowed", "stands beside sections: put the steps inside them")
    elif count == 0:
        yield FieldError("/sections", "required", "a template needs at least one step")
    if count > templates.MAX_STEPS:
        yield FieldError("", "too_long", f"may have at most {templates.MAX_STEPS} steps")


def _duplicate_id_errors(data: dict[str, Any], raw: list[tuple[str, Any]]) -> Iterator[FieldError]:
    parts = [(f"/sections/{index}", section) for index, section in enumerate(read_array(data, "sections"))]
    for pointer, step in raw:
        config = step.get("config") if isinstance(step, dict) else None
        parts.append((pointer, step))
        for name, _, _ in _LISTS_OF_CONFIG:
            parts += [(f"{pointer}/config/{name}/{index}", part) for index, part in enumerate(read_array(config, name))]
    parts += [(f"/fields/{index}", field) for index, field in enumerate(read_array(data, "fields"))]
    seen: set[str] = set()
    for pointer, part in parts:
        if not has_text_id(part):
            continue
        if part["id"] in seen:
            yield FieldError(f"{pointer}/id", "duplicate", f"“{part['id']}” is used twice")
        seen.add(part["id"])


def _limit_errors(pointer: str, step: StepBase) -> Iterator[FieldError]:
    for index, picture_id in enumerate(step.pictures):
        if picture_id in step.pictures[:index]:
            yield FieldError(f"{pointer}/pictures/{index}", "duplicate", "is there twice")
    if step.photo is not False:
        if isinstance(step, step_types.PhotoStep):
            yield FieldError(f"{pointer}/photo", "not_allowed", "a photo step says this in its config")
        elif step.photo.min > step.photo.max:
            yield FieldError(f"{pointer}/photo/max", "out_of_range", "must not be below min")
    if isinstance(step, step_types.PhotoStep) and step.config.slots:
        for name in sorted({"min", "max"} & step.config.model_fields_set):
            yield FieldError(
                f"{pointer}/config/{name}", "not_allowed", "stands beside slots, which need one photo each"
            )
        return
    if isinstance(step, step_types.MultiChoiceStep):
        maximum = step.config.max_selected
        if step.config.min_selected > len(step.config.options):
            yield FieldError(f"{pointer}/config/min_selected", "out_of_range", "is more than there are options")
        if maximum is not None and maximum < step.config.min_selected:
            yield FieldError(f"{pointer}/config/max_selected", "out_of_range", "must not be below min_selected")
    if isinstance(step, step_types.NumberStep | step_types.PhotoStep | step_types.RatingStep):
        low, high = step.config.min, step.config.max
        is_rating = isinstance(step, step_types.RatingStep)  # with a single grade there would be no choice
        if low is not None and high is not None and (high < low or (is_rating and high == low)):
            detail = "must be above min" if is_rating else "must not be below min"
            yield FieldError(f"{pointer}/config/max", "out_of_range", detail)
