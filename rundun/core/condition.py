"""Conditions, under which a step is shown: one comparison with an earlier step, or several joined by “and” or “or”."""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from rundun.core import text
from rundun.core.validation import StrictModel, Text, clean_field

MAX_DEPTH = 5  # groups within groups; the comparisons in the innermost do not count
StepStatus = Literal["hidden", "untouched", "skipped", "unable", "answered"]


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return clean_field(value)
    number = text.number(value)
    return value if number is None else number


class When(StrictModel):
    """One comparison; which operators and values fit depends on the type of the step."""

    step: Annotated[str, Text(40)]
    """The id of an earlier step."""
    op: Literal["eq", "neq", "gt", "lt", "gte", "lte", "contains", "not_contains", "answered", "skipped"]
    """How it compares; which ones fit depends on the type of that step."""
    value: Annotated[Any, AfterValidator(_normal)] = None
    """What it is compared with, of the kind that step answers with; not with `answered` and `skipped`."""


class Comparison(StrictModel):
    """A single comparison standing alone."""

    when: When
    """The comparison."""


class Group(StrictModel):
    """Conditions of which all, or any, must hold."""

    op: Literal["and", "or"]
    """`and`: all must hold; `or`: any."""
    rules: Annotated[list["Condition"], Field(min_length=1, max_length=50)]
    """Comparisons and groups, up to 5 deep, with at most 50 comparisons in all."""


def _tag(value: Any) -> str:
    plain = value.get("op") not in ("and", "or") and "rules" not in value if isinstance(value, dict) else False
    return "comparison" if plain or isinstance(value, Comparison) else "group"


Condition = Annotated[Annotated[Comparison, Tag("comparison")] | Annotated[Group, Tag("group")], Discriminator(_tag)]
Group.model_rebuild()


@dataclass(slots=True)
class KnownStep:
    """The facts about one step that conditions go by; `value` matters only when answered."""

    status: StepStatus
    value: Any = None


def comparisons(condition: Comparison | Group, pointer: str) -> Iterator[tuple[str, When, int]]:
    """List each comparison of the condition at `pointer`, with its pointer and its depth (0 = not in a group)."""
    if isinstance(condition, Comparison):
        yield f"{pointer}/when", condition.when, 0
        return
    for index, rule in enumerate(condition.rules):
        for inner, when, depth in comparisons(rule, f"{pointer}/rules/{index}"):
            yield inner, when, depth + 1


def is_true(condition: Comparison | Group, steps: Mapping[str, KnownStep]) -> bool:
    """Tell whether a condition is true now; `steps` has every earlier step."""
    if isinstance(condition, Comparison):
        return _compare(condition.when, steps[condition.when.step])
    join = all if condition.op == "and" else any
    return join(is_true(rule, steps) for rule in condition.rules)


def _compare(when: When, step: KnownStep) -> bool:
    if step.status == "untouched":
        return False  # nothing flashes up before it is asked
    if step.status != "answered":
        return when.op in ("neq", "not_contains") or (when.op == "skipped" and step.status == "skipped")
    return _OPERATORS[when.op](step.value, when.value)


def _same(value: Any, expected: Any) -> bool:
    if isinstance(value, list):
        return set(value) == set(expected)
    return bool(value == expected)


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {  # of an answer's value and the one it is compared with
    "answered": lambda value, expected: True,
    "skipped": lambda value, expected: False,
    "eq": _same,
    "neq": lambda value, expected: not _same(value, expected),
    "contains": operator.contains,
    "not_contains": lambda value, expected: expected not in value,
    "gt": operator.gt,
    "lt": operator.lt,
    "gte": operator.ge,
    "lte": operator.le,
}
