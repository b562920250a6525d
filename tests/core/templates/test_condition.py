"""When a step is shown: the whole truth table, and which conditions a template may have."""

from typing import Any

import pytest

from rundun.core.templates import condition, rules
from rundun.core.templates.condition import Comparison, KnownStep
from rundun.errors import Invalid
from tests.helpers.strategies.conditions import answer, stood, when

OPTIONS = [{"id": "o-1", "label": "One"}, {"id": "o-2", "label": "Two"}, {"id": "o-3", "label": "Three"}]
EARLIER: list[dict[str, Any]] = [
    {"id": "s-boolean", "type": "boolean", "label": "?"},
    {"id": "s-choice", "type": "choice", "label": "?", "config": {"options": OPTIONS}},
    {
        "id": "s-multi_choice",
        "type": "multi_choice",
        "label": "?",
        "config": {"options": [{"id": f"o-m{n}", "label": "?"} for n in (1, 2, 3)]},
    },
    {"id": "s-text", "type": "text", "label": "?"},
    {"id": "s-number", "type": "number", "label": "?"},
    {"id": "s-rating", "type": "rating", "label": "?"},
    {"id": "s-photo", "type": "photo", "label": "?"},
    {"id": "s-signature", "type": "signature", "label": "?"},
    {"id": "s-instruction", "type": "instruction", "label": "?", "config": {"body": "Read."}},
    {"id": "s-barcode", "type": "barcode", "label": "?"},
    {"id": "s-date", "type": "datetime", "label": "?"},
    {"id": "s-datetime", "type": "datetime", "label": "?", "config": {"mode": "datetime"}},
]
EVIDENCE = ("s-photo", "s-signature", "s-instruction")
OPERATORS = ("eq", "neq", "gt", "lt", "gte", "lte", "contains", "not_contains", "answered", "skipped")


def wrong(rule: Any) -> list[tuple[str, str]]:
    """Pointer below the condition, and code, of what is wrong with a last step that depends on EARLIER."""
    last = {"id": "s-last", "type": "boolean", "label": "?", "condition": rule}
    try:
        rules.read_template({"name": "x", "steps": [*EARLIER, last]}, lambda prefix: prefix)
    except Invalid as invalid:
        start = f"/steps/{len(EARLIER)}/condition"
        assert all(place.pointer.startswith(start) for place in invalid.errors)
        return [(place.pointer.removeprefix(start), place.code) for place in invalid.errors]
    return []


def holds(op: str, fact: KnownStep, value: Any = None) -> bool:
    """Whether one comparison is true."""
    rule = Comparison.model_validate(when("s-a", op, value) if value is not None else when("s-a", op))
    return condition.is_true(rule, {"s-a": fact})


@pytest.mark.parametrize(
    ("step_state", "true"),
    [
        ("untouched", set()),
        ("hidden", {"neq", "not_contains"}),
        ("unable", {"neq", "not_contains"}),
        ("skipped", {"neq", "not_contains", "skipped"}),
    ],
)
def test_without_an_answer_hardly_anything_holds(step_state: Any, true: set[str]) -> None:
    for value in (5, "x"):
        assert {op for op in OPERATORS if holds(op, KnownStep(step_state, None), value)} == true
        assert {op for op in OPERATORS if holds(op, KnownStep(step_state, value), value)} == true


@pytest.mark.parametrize(
    ("value", "wanted", "true"),
    [
        (True, True, {"eq"}),
        (True, False, {"neq"}),
        (False, False, {"eq"}),
        ("o-1", "o-1", {"eq"}),
        ("o-1", "o-2", {"neq"}),
        (["o-1", "o-2"], ["o-2", "o-1"], {"eq"}),
        (["o-1", "o-2"], ["o-1"], {"neq"}),
        (["o-1"], ["o-1", "o-2"], {"neq"}),
        ([], [], {"eq"}),
        ([], ["o-1"], {"neq"}),
        (["o-1", "o-2"], "o-2", {"contains"}),
        (["o-1"], "o-2", {"not_contains"}),
        ([], "o-2", {"not_contains"}),
        ("Abc", "Abc", {"eq", "contains"}),
        ("Abc", "abc", {"neq", "not_contains"}),
        ("Abc", "b", {"neq", "contains"}),
        ("é", "e\u0301", {"eq", "contains"}),
        (5, 5, {"eq", "gte", "lte"}),
        (5, 5.0, {"eq", "gte", "lte"}),
        (5.5, 5, {"neq", "gt", "gte"}),
        (-1, 0, {"neq", "lt", "lte"}),
        (0, 0, {"eq", "gte", "lte"}),
        ("2026-01-31", "2026-01-31", {"eq"}),
        ("2026-01-31", "2026-02-01", {"neq"}),
    ],
)
def test_an_answer_is_compared(value: Any, wanted: Any, true: set[str]) -> None:
    fitting = {
        bool: {"eq", "neq"},
        str: {"eq", "neq"},
        list: {"eq", "neq"} if isinstance(wanted, list) else {"contains", "not_contains"},
        int: {"eq", "neq", "gt", "lt", "gte", "lte"},
        float: {"eq", "neq", "gt", "lt", "gte", "lte"},
    }[type(value)]
    if isinstance(value, str) and not value.startswith(("o-", "20")):
        fitting = fitting | {"contains", "not_contains"}
    fact = KnownStep("answered", value)
    assert {op for op in fitting if holds(op, fact, wanted)} == true
    assert holds("answered", fact)
    assert not holds("skipped", fact)


def test_groups_join_what_they_hold() -> None:
    yes, no = when("s-a", "answered"), when("s-a", "skipped")

    def judged(rule: Any) -> bool:
        step = {"id": "s-b", "type": "boolean", "label": "?", "condition": rule}
        first = {"id": "s-a", "type": "boolean", "label": "?"}
        template = rules.read_template({"name": "x", "steps": [first, step]}, lambda prefix: prefix)
        return stood(template, {"s-a": True})["s-b"].visible

    assert judged({"op": "and", "rules": [yes, yes]})
    assert not judged({"op": "and", "rules": [yes, no]})
    assert judged({"op": "or", "rules": [no, yes]})
    assert not judged({"op": "or", "rules": [no, no]})
    assert judged({"op": "and", "rules": [yes, {"op": "or", "rules": [no, {"op": "and", "rules": [yes]}]}]})
    assert not judged({"op": "or", "rules": [no, {"op": "and", "rules": [yes, no]}]})


@pytest.mark.parametrize(
    ("step", "given", "arrived", "answered"),
    [
        ("s-photo", None, {}, False),
        ("s-photo", answer(), {}, False),
        ("s-photo", answer(photos=("ph-1",)), {}, False),
        ("s-photo", answer(photos=("ph-1", "ph-2")), {"s-photo": ["ph-1"]}, False),
        ("s-photo", None, {"s-photo": ["ph-1"]}, False),
        ("s-photo", answer(), {"s-photo": ["ph-1"]}, True),
        ("s-photo", answer(photos=("ph-1",)), {"s-photo": ["ph-1", "ph-2"]}, True),
        ("s-signature", None, {}, False),
        ("s-signature", answer(), {}, False),
        ("s-signature", answer(signature=1), {}, True),
        ("s-instruction", None, {}, False),
        ("s-instruction", answer(), {}, True),
    ],
)
def test_evidence_counts_as_answered_once_it_is_done(step: str, given: Any, arrived: Any, answered: bool) -> None:
    steps = [
        *EARLIER,
        {"id": "s-y", "type": "boolean", "label": "?", "condition": when(step, "answered")},
        {"id": "s-n", "type": "boolean", "label": "?", "condition": when(step, "skipped")},
    ]
    template = rules.read_template({"name": "x", "steps": steps}, lambda prefix: prefix)
    step_states = stood(template, {} if given is None else {step: given}, arrived)
    assert step_states[step].done is answered
    assert step_states["s-y"].visible is answered
    assert step_states["s-n"].visible is False


def test_an_answer_that_still_waits_for_its_photos_is_an_answer() -> None:
    steps = [
        {"id": "s-a", "type": "boolean", "label": "?", "photo": {"min": 1}},
        {"id": "s-b", "type": "boolean", "label": "?", "condition": when("s-a", "eq", True)},
    ]
    template = rules.read_template({"name": "x", "steps": steps}, lambda prefix: prefix)
    step_states = stood(template, {"s-a": True})
    assert not step_states["s-a"].done
    assert step_states["s-b"].visible


def test_what_depends_on_a_hidden_step_sees_it_hidden_whatever_was_answered() -> None:
    steps = [
        {"id": "s-a", "type": "boolean", "label": "?"},
        {"id": "s-b", "type": "number", "label": "?", "condition": when("s-a", "eq", True)},
        {"id": "s-c", "type": "boolean", "label": "?", "condition": when("s-b", "eq", 5)},
        {"id": "s-d", "type": "boolean", "label": "?", "condition": when("s-b", "neq", 5)},
    ]
    template = rules.read_template({"name": "x", "steps": steps}, lambda prefix: prefix)

    def visible(**values: Any) -> str:
        step_states = stood(template, {f"s-{name}": value for name, value in values.items()})
        return "".join(name[2:] for name, one in step_states.items() if one.visible)

    assert visible() == "ad"  # neq holds for what is hidden, whatever hides it
    assert visible(a=True) == "ab"
    assert visible(a=True, b=5) == "abc"
    assert visible(a=True, b=6) == "abd"
    assert visible(a=False, b=5) == "ad"
    assert visible(b=5) == "ad"


FITTING = {
    "boolean": ("eq", "neq"),
    "choice": ("eq", "neq"),
    "multi_choice": ("eq", "neq", "contains", "not_contains"),
    "text": ("eq", "neq", "contains", "not_contains"),
    "number": ("eq", "neq", "gt", "lt", "gte", "lte"),
    "rating": ("eq", "neq", "gt", "lt", "gte", "lte"),
    "photo": (),
    "signature": (),
    "instruction": (),
    "barcode": ("eq", "neq"),
    "date": ("eq", "neq"),
    "datetime": ("eq", "neq"),
}
GOOD: dict[str, list[Any]] = {
    "boolean": [True, False],
    "choice": ["o-1", "o-3"],
    "multi_choice": [[], ["o-m1"], ["o-m3", "o-m1"]],
    "text": ["x", " x ", "x" * 5000],
    "number": [0, -1.5, 2**53 - 1],
    "rating": [3, 3.0, 99],
    "barcode": ["4006381333931"],
    "date": ["2026-01-31"],
    "datetime": ["2026-01-31T09:00:00Z"],
}
BAD: dict[str, list[Any]] = {
    "boolean": [None, 1, "true"],
    "choice": [None, "o-9", "One", ["o-1"], True, {}],
    "multi_choice": [None, "o-m1", ["o-1"], ["o-m1", "o-m1"], [["o-m1"]], [1], {}],
    "text": [None, "", " \n", "a\0", 5, ["x"]],
    "number": [None, "5", True, 2**53, float("inf"), float("nan")],
    "rating": [None, 2.5, "3", False],
    "barcode": [None, "", 5],
    "date": [None, "2026-02-30", "2026-01-31T09:00:00Z", 5],
    "datetime": [None, "2026-01-31", "2026-01-31T09:00:00+01:00", "2026-01-31T09:00:00.5Z", 5],
}


@pytest.mark.parametrize("kind", FITTING)
def test_which_operators_and_values_fit_a_type(kind: str) -> None:
    for op in ("answered", "skipped"):
        assert wrong(when(f"s-{kind}", op)) == []
        for value in (None, True):
            assert wrong(when(f"s-{kind}", op, value)) == [("/when/value", "not_allowed")]
    for op in FITTING[kind]:
        one_option = op in ("contains", "not_contains") and kind == "multi_choice"
        assert wrong(when(f"s-{kind}", op)) == [("/when/value", "required")]
        for good in ["o-m1"] if one_option else GOOD[kind]:
            assert wrong(when(f"s-{kind}", op, good)) == [], good
        for bad in [None, "o-1", ["o-m1"]] if one_option else BAD[kind]:
            assert wrong(when(f"s-{kind}", op, bad)) == [("/when/value", "wrong_type")], bad
    for op in {*OPERATORS[:8]} - {*FITTING[kind]}:
        assert wrong(when(f"s-{kind}", op, "o-1")) == [("/when/op", "not_allowed")]
        assert wrong(when(f"s-{kind}", op)) == [("/when/op", "not_allowed")]


@pytest.mark.parametrize(
    ("rule", "places"),
    [
        (None, []),
        (5, [("", "wrong_type")]),
        ([], [("", "wrong_type")]),
        ({}, [("/when", "required")]),
        ({"when": None}, [("/when", "wrong_type")]),
        ({"when": {}}, [("/when/step", "required"), ("/when/op", "required")]),
        ({"when": {"step": 5, "op": "eq", "value": 1}}, [("/when/step", "wrong_type")]),
        ({"when": {"step": "s-text", "op": "is", "value": 1}}, [("/when/op", "not_allowed")]),
        (when("s-nowhere", "answered"), [("/when/step", "unknown_reference")]),
        (when("s-last", "answered"), [("/when/step", "unknown_reference")]),
        ({"op": "and"}, [("/rules", "required")]),
        ({"op": "or", "rules": []}, [("/rules", "too_short")]),
        ({"op": "or", "rules": {}}, [("/rules", "wrong_type")]),
        ({"op": "xor", "rules": [when("s-text", "answered")]}, [("/op", "not_allowed")]),
        ({"rules": [when("s-text", "answered")]}, [("/op", "required")]),
        (
            {"op": "and", "rules": [5, {"when": {"step": "s-text"}}]},
            [("/rules/0", "wrong_type"), ("/rules/1/when/op", "required")],
        ),
        ({"op": "and", "rules": [when("s-text", "answered")], "x": 1}, [("/x", "unknown_field")]),
        (
            {"op": "and", "rules": [when("s-text", "gt", 1), {"op": "or", "rules": [when("s-nowhere", "eq", 1)]}]},
            [("/rules/0/when/op", "not_allowed"), ("/rules/1/rules/0/when/step", "unknown_reference")],
        ),
        ({"op": "or", "rules": [when("s-text", "answered")] * 50}, []),
        ({"op": "or", "rules": [when("s-text", "answered")] * 51}, [("/rules", "too_long")]),
    ],
)
def test_how_a_condition_is_built(rule: Any, places: list[tuple[str, str]]) -> None:
    assert wrong(rule) == places


def nested(groups: int) -> Any:
    rule: Any = when("s-text", "answered")
    for _ in range(groups):
        rule = {"op": "and", "rules": [rule]}
    return rule


def test_groups_are_nested_five_deep_at_most() -> None:
    assert wrong(nested(5)) == []
    assert wrong(nested(6)) == [("/rules/0" * 6 + "/when", "too_long")]
    assert wrong(nested(90)) == [("/rules/0" * 90 + "/when", "too_long")]


def test_a_condition_looks_back_only_also_over_sections() -> None:
    def section(*steps: Any) -> dict[str, Any]:
        return {"title": "t", "steps": list(steps)}

    first = {"id": "s-a", "type": "boolean", "label": "?"}
    second = {"id": "s-b", "type": "boolean", "label": "?", "condition": when("s-a", "eq", True)}
    make = lambda prefix: f"{prefix}x"  # noqa: E731
    assert rules.read_template({"name": "x", "sections": [section(first, second)]}, make)
    with pytest.raises(Invalid) as refused:
        rules.read_template({"name": "x", "sections": [{"id": "g-1", **section(second)}, section(first)]}, make)
    assert [(one.pointer, one.code) for one in refused.value.errors] == [
        ("/sections/0/steps/0/condition/when/step", "unknown_reference")
    ]
    assert "earlier" in refused.value.errors[0].detail


def test_conditions_have_a_bound_since_every_answer_judges_them_all() -> None:
    first = {"id": "s-0", "type": "boolean", "label": "?"}
    many = {"op": "and", "rules": [{"op": "or", "rules": [when("s-0", "eq", True)] * 26}] * 2}
    step = {"id": "s-1", "type": "boolean", "label": "?", "condition": many}
    with pytest.raises(Invalid) as error:
        rules.read_template({"name": "x", "steps": [first, step]}, lambda prefix: prefix)
    assert [(one.pointer, one.code) for one in error.value.errors] == [("/steps/1/condition", "too_long")]
    fifty = {"op": "or", "rules": [when("s-0", "eq", True)] * 50}
    steps = [{**step, "id": f"s-{n}", "condition": fifty} for n in range(1, 42)]
    with pytest.raises(Invalid) as error:
        rules.read_template({"name": "x", "steps": [first, *steps]}, lambda prefix: prefix)
    assert [(one.pointer, one.code) for one in error.value.errors] == [("", "too_long")]
    rules.read_template({"name": "x", "steps": [first, *steps[:40]]}, lambda prefix: prefix)
