"""Conditions: one comparison with the answer to an earlier step, under which a step is shown, or with a step's own
answer, which flags it; or several joined by “and” or “or”.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from rundun.core import text
from rundun.core.validation import StrictModel, Text, clean_field

MAX_DEPTH = 5  # groups within groups; the comparisons in the innermost do not count
_LINEAR = 30_000  # characters from which CPython searches in linear time, whatever it searches for
MAX_SHORT_SEARCH = (
    500_000  # product of two lengths up to which searching a text as it is takes no longer than one of 30,000
)
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
    return "comparison" if plain or isinstance(value, Comparison | OwnComparison) else "group"


Condition = Annotated[Annotated[Comparison, Tag("comparison")] | Annotated[Group, Tag("group")], Discriminator(_tag)]
Group.model_rebuild()


class OwnComparison(StrictModel):
    """One comparison with the step's own answer."""

    op: Literal["eq", "neq", "gt", "lt", "gte", "lte", "contains", "not_contains", "answered"]
    """How it compares; which ones fit depends on the type of the step."""
    value: Annotated[Any, AfterValidator(_normal)] = None
    """What it is compared with, of the kind the step answers with; not with `answered`."""


class OwnGroup(StrictModel):
    """Comparisons with the step's own answer of which all, or any, must hold."""

    op: Literal["and", "or"]
    """`and`: all must hold; `or`: any."""
    rules: Annotated[list["OwnCondition"], Field(min_length=1, max_length=50)]
    """Comparisons and groups, up to 5 deep, with at most 50 comparisons in all."""


OwnCondition = Annotated[
    Annotated[OwnComparison, Tag("comparison")] | Annotated[OwnGroup, Tag("group")], Discriminator(_tag)
]
OwnGroup.model_rebuild()


@dataclass(slots=True)
class KnownStep:
    """The facts about one step that conditions go by; `value` matters only when answered. What several comparisons ask
    of it is worked out once.
    """

    status: StepStatus
    value: Any = None
    _found: dict[str, bool] | None = None
    _chosen: Set[str] | None = None
    _padded: str = ""

    def equals(self, expected: Any) -> bool:
        """Tell whether the value is `expected`; of a list the order does not count."""
        if isinstance(self.value, list):
            return self._options() == set(expected)
        return bool(self.value == expected)

    def contains(self, part: str) -> bool:
        """Tell whether a text contains `part`, or a list has it."""
        if isinstance(self.value, list):
            return part in self._options()
        if self._found is None:
            self._found = {}
        if part not in self._found:
            self._found[part] = self._is_in_text(part)
        return self._found[part]

    def _is_in_text(self, part: str) -> bool:
        """Tell whether the text contains `part`, which has no NUL, in a time that grows with their lengths, not with
        the product: in short texts CPython (Objects/stringlib/fastsearch.h) starts over at every position, in long ones
        it goes through once, by the two-way algorithm (Crochemore and Perrin, 1991).
        """
        if len(part) * len(self.value) <= MAX_SHORT_SEARCH:
            return part in self.value
        self._padded = self._padded or self.value.ljust(_LINEAR, "\0")
        return part in self._padded

    def _options(self) -> Set[str]:
        if self._chosen is None:
            self._chosen = frozenset(self.value)
        return self._chosen


def comparisons(condition: Comparison | Group, pointer: str) -> Iterator[tuple[str, When, int]]:
    """List each comparison of the condition at `pointer`, with its pointer and its depth (0 = not in a group)."""
    if isinstance(condition, Comparison):
        yield f"{pointer}/when", condition.when, 0
        return
    for index, rule in enumerate(condition.rules):
        for inner, when, depth in comparisons(rule, f"{pointer}/rules/{index}"):
            yield inner, when, depth + 1


def own_comparisons(
    condition: OwnComparison | OwnGroup, pointer: str, depth: int = 0
) -> Iterator[tuple[str, OwnComparison, int]]:
    """List each comparison of a condition on a step's own answer, with its pointer and its depth, as `comparisons`."""
    if isinstance(condition, OwnComparison):
        yield pointer, condition, depth
        return
    for index, rule in enumerate(condition.rules):
        yield from own_comparisons(rule, f"{pointer}/rules/{index}", depth + 1)


def is_true_of(condition: OwnComparison | OwnGroup, step: KnownStep) -> bool:
    """Tell whether a condition on a step's own answer is true; of a step that is not answered none is."""
    if step.status != "answered":
        return False
    if isinstance(condition, OwnComparison):
        return _OPERATORS[condition.op](step, condition.value)
    join = all if condition.op == "and" else any
    return join(is_true_of(rule, step) for rule in condition.rules)


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
    return _OPERATORS[when.op](step, when.value)


_OPERATORS: Mapping[str, Callable[[KnownStep, Any], bool]] = {  # of an answered step and what it is compared with
    "answered": lambda step, expected: True,
    "skipped": lambda step, expected: False,
    "eq": lambda step, expected: step.equals(expected),
    "neq": lambda step, expected: not step.equals(expected),
    "contains": lambda step, expected: step.contains(expected),
    "not_contains": lambda step, expected: not step.contains(expected),
    "gt": lambda step, expected: bool(step.value > expected),
    "lt": lambda step, expected: bool(step.value < expected),
    "gte": lambda step, expected: bool(step.value >= expected),
    "lte": lambda step, expected: bool(step.value <= expected),
}
