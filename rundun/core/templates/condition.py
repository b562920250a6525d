"""Conditions: comparisons with answers, joined by “and” or “or”. One on the answers to earlier steps decides whether a
step is shown; one on the step's own answer decides whether that answer is flagged.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from rundun.core import text
from rundun.core.validation import COUNTED, StrictModel, Text, clean_field

MAX_DEPTH = 5  # groups within groups; the comparisons in the innermost do not count
_LINEAR = 30_000  # length of a text, in characters, from which CPython searches it in linear time for any value
# Product of the two lengths up to which a plain search takes no longer than the search of a text of 30,000 characters.
MAX_SHORT_SEARCH = 500_000
StepStatus = Literal["hidden", "untouched", "skipped", "unable", "answered"]


def _normalise_value(value: Any) -> Any:
    if isinstance(value, str):
        return clean_field(value)
    number = text.number(value)
    return value if number is None else number


class When(StrictModel):
    """One comparison with an earlier step; the step's type decides which operators and values fit."""

    step: Annotated[str, Text(40)]
    """The id of an earlier step."""
    op: Literal["eq", "neq", "gt", "lt", "gte", "lte", "contains", "not_contains", "answered", "skipped"]
    """The operator; the type of the earlier step decides which ones fit."""
    value: Annotated[Any, AfterValidator(_normalise_value)] = None
    """The value to compare with, of the type of the earlier step's answers; not with `answered` and `skipped`."""


class Comparison(StrictModel):
    """A comparison outside of any group."""

    when: When
    """The comparison."""


class Group(StrictModel):
    """Conditions that must all hold, or of which one must."""

    op: Literal["and", "or"]
    """`and`: all must hold; `or`: any."""
    rules: Annotated[list["Condition"], Field(min_length=1, max_length=50)]
    """Comparisons and groups, up to 5 deep, with at most 50 comparisons in all."""


def _tag(value: Any) -> str:
    plain = value.get("op") not in ("and", "or") and "rules" not in value if isinstance(value, dict) else False
    return "comparison" if plain or isinstance(value, Comparison | OwnComparison) else "group"


Condition = Annotated[
    Annotated[Comparison, Tag("comparison")] | Annotated[Group, Tag("group")], Discriminator(_tag), COUNTED
]
Group.model_rebuild()


class OwnComparison(StrictModel):
    """One comparison with the step's own answer."""

    op: Literal["eq", "neq", "gt", "lt", "gte", "lte", "contains", "not_contains", "answered"]
    """The operator; the type of the step decides which ones fit."""
    value: Annotated[Any, AfterValidator(_normalise_value)] = None
    """The value to compare with, of the type of the step's answers; not with `answered`."""


class OwnGroup(StrictModel):
    """Comparisons with the step's own answer that must all hold, or of which one must."""

    op: Literal["and", "or"]
    """`and`: all must hold; `or`: any."""
    rules: Annotated[list["OwnCondition"], Field(min_length=1, max_length=50)]
    """Comparisons and groups, up to 5 deep, with at most 50 comparisons in all."""


OwnCondition = Annotated[
    Annotated[OwnComparison, Tag("comparison")] | Annotated[OwnGroup, Tag("group")], Discriminator(_tag), COUNTED
]
OwnGroup.model_rebuild()


@dataclass(slots=True)
class KnownStep:
    """The status and value of one step, as conditions read them; `value` counts only if the status is `answered`.
    Search results and the set of options are cached, as several comparisons use them.
    """

    status: StepStatus
    value: Any = None
    _found: dict[str, bool] | None = None
    _chosen: Set[str] | None = None
    _padded: str = ""

    def equals(self, expected: Any) -> bool:
        """Tell whether the value equals `expected`; lists are compared as sets."""
        if isinstance(self.value, list):
            return self._option_set() == set(expected)
        return bool(self.value == expected)

    def contains(self, part: str) -> bool:
        """Tell whether `part` is a substring of a text value, or an element of a list value."""
        if isinstance(self.value, list):
            return part in self._option_set()
        if self._found is None:
            self._found = {}
        if part not in self._found:
            self._found[part] = self._is_in_text(part)
        return self._found[part]

    def _is_in_text(self, part: str) -> bool:
        """Tell whether the text contains `part` (without NUL), in time linear in the two lengths.

        CPython (Objects/stringlib/fastsearch.h) searches short texts in time proportional to the product of the
        lengths, long ones in linear time by the two-way algorithm (Crochemore and Perrin, 1991). Where the product is
        large, the text is therefore padded with NULs until it counts as long.
        """
        if len(part) * len(self.value) <= MAX_SHORT_SEARCH:
            return part in self.value
        self._padded = self._padded or self.value.ljust(_LINEAR, "\0")
        return part in self._padded

    def _option_set(self) -> Set[str]:
        if self._chosen is None:
            self._chosen = frozenset(self.value)
        return self._chosen


def comparisons(condition: Comparison | Group, pointer: str) -> Iterator[tuple[str, When, int]]:
    """Yield (pointer, comparison, depth) of each comparison in the condition at `pointer`; depth 0 = not in a group."""
    if isinstance(condition, Comparison):
        yield f"{pointer}/when", condition.when, 0
        return
    for index, rule in enumerate(condition.rules):
        for inner, when, depth in comparisons(rule, f"{pointer}/rules/{index}"):
            yield inner, when, depth + 1


def own_comparisons(
    condition: OwnComparison | OwnGroup, pointer: str, depth: int = 0
) -> Iterator[tuple[str, OwnComparison, int]]:
    """Yield (pointer, comparison, depth) of each comparison in a condition on a step's own answer; a group adds 1."""
    if isinstance(condition, OwnComparison):
        yield pointer, condition, depth
        return
    for index, rule in enumerate(condition.rules):
        yield from own_comparisons(rule, f"{pointer}/rules/{index}", depth + 1)


def is_true_of(condition: OwnComparison | OwnGroup, step: KnownStep) -> bool:
    """Tell whether a condition on a step's own answer is true; always False while the step is not answered."""
    if step.status != "answered":
        return False
    if isinstance(condition, OwnComparison):
        return _OPERATORS[condition.op](step, condition.value)
    join = all if condition.op == "and" else any
    return join(is_true_of(rule, step) for rule in condition.rules)


def is_true(condition: Comparison | Group, steps: Mapping[str, KnownStep]) -> bool:
    """Tell whether a condition is true now; `steps` maps the id of every earlier step to its status and value. A
    comparison with an untouched step is false; with one that is hidden, skipped or unable only `neq` and `not_contains`
    are true, and `skipped` with a skipped one.
    """
    if isinstance(condition, Comparison):
        return _is_met(condition.when, steps[condition.when.step])
    join = all if condition.op == "and" else any
    return join(is_true(rule, steps) for rule in condition.rules)


def _is_met(when: When, step: KnownStep) -> bool:
    if step.status == "untouched":
        return False  # otherwise a dependent step would flash up before the earlier one is answered
    if step.status != "answered":
        return when.op in ("neq", "not_contains") or (when.op == "skipped" and step.status == "skipped")
    return _OPERATORS[when.op](step, when.value)


_OPERATORS: Mapping[str, Callable[[KnownStep, Any], bool]] = {  # of (answered step, expected value)
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
