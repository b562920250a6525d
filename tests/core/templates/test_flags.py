"""Which flags a template may have; the cases of tests/cases/flags.json say when they hold."""

from typing import Any

import pytest

from rundun.actions.templates.templates import read_sent
from rundun.core.languages import translate
from rundun.core.templates import rules as template_rules
from rundun.errors import Invalid
from tests.actions.runs.test_search_cost import distinct, errors
from tests.core.templates.test_condition import EARLIER, EVIDENCE
from tests.helpers.templates import step

TYPES = [one["id"] for one in EARLIER]
FITTING = {
    "s-boolean": {"eq", "neq"},
    "s-choice": {"eq", "neq"},
    "s-multi_choice": {"eq", "neq", "contains", "not_contains"},
    "s-text": {"eq", "neq", "contains", "not_contains"},
    "s-number": {"eq", "neq", "gt", "lt", "gte", "lte"},
    "s-rating": {"eq", "neq", "gt", "lt", "gte", "lte"},
    "s-barcode": {"eq", "neq"},
    "s-date": {"eq", "neq"},
    "s-datetime": {"eq", "neq"},
    **{name: set() for name in EVIDENCE},
}
VALUES = {
    "s-boolean": True, "s-choice": "o-1", "s-multi_choice": ["o-m1"], "s-text": "x", "s-number": 1.5, "s-rating": 2,
    "s-barcode": "x", "s-date": "2026-01-31", "s-datetime": "2026-01-31T09:00:00Z",
}  # fmt: skip


def wrong(flag: Any, of: str = "s-boolean") -> list[tuple[str, str]]:
    """Pointer below the flag, and code, of what is wrong with a flag on the step `of`."""
    steps = [{**one, "flag": flag} if one["id"] == of else one for one in EARLIER]
    try:
        template_rules.read_template({"name": "x", "steps": steps}, lambda prefix: prefix)
    except Invalid as invalid:
        start = f"/steps/{TYPES.index(of)}/flag"
        assert all(place.pointer.startswith(start) for place in invalid.errors), invalid.errors
        return [(place.pointer.removeprefix(start), place.code) for place in invalid.errors]
    return []


def refused(when: Any, of: str = "s-boolean") -> list[tuple[str, str]]:
    return [(pointer.removeprefix("/when"), code) for pointer, code in wrong({"when": when}, of)]


@pytest.mark.parametrize("of", TYPES)
def test_the_operators_of_conditions_fit_by_type(of: str) -> None:
    for op in ("eq", "neq", "gt", "lt", "gte", "lte", "contains", "not_contains"):
        value = VALUES.get(of, 1)
        value = "o-m1" if of == "s-multi_choice" and "contains" in op else value
        assert refused({"op": op, "value": value}, of) == ([] if op in FITTING[of] else [("/op", "not_allowed")]), op
    assert refused({"op": "answered"}, of) == []
    assert refused({"op": "skipped"}, of) == [("/op", "not_allowed")], "a step that was skipped has no answer"


@pytest.mark.parametrize(
    ("when", "places"),
    [
        ({"op": "eq"}, [("/value", "required")]),
        ({"op": "eq", "value": "yes"}, [("/value", "wrong_type")]),
        ({"op": "answered", "value": True}, [("/value", "not_allowed")]),
        ({"op": "is", "value": True}, [("/op", "not_allowed")]),
        ({"value": True}, [("/op", "required")]),
        ({"step": "s-boolean", "op": "eq", "value": True}, [("/step", "unknown_field")]),
        ({"when": {"op": "eq", "value": True}}, [("/op", "required"), ("/when", "unknown_field")]),
        ({"op": "or", "rules": []}, [("/rules", "too_short")]),
        ({"op": "or"}, [("/rules", "required")]),
        ({"op": "or", "rules": [{"op": "answered"}, {"op": "gt", "value": 1}]}, [("/rules/1/op", "not_allowed")]),
        ({"op": "or", "rules": [{"op": "and", "rules": [{"op": "eq"}]}]}, [("/rules/0/rules/0/value", "required")]),
        (7, [("", "wrong_type")]),
    ],
)
def test_what_is_wrong_is_named_by_its_place(when: Any, places: list[tuple[str, str]]) -> None:
    assert sorted(refused(when)) == places


def test_tell_is_a_text_of_500() -> None:
    when = {"op": "eq", "value": True}
    assert wrong({"when": when, "tell": "x" * 500}) == []
    assert wrong({"when": when, "tell": "x" * 501}) == [("/tell", "too_long")]
    assert wrong({"when": when, "tell": " "}) == [("/tell", "too_short")]
    assert wrong({"tell": "Call"}) == [("/when", "required")]
    assert wrong({"when": when, "say": "Call"}) == [("/say", "unknown_field")]


def nested(depth: int) -> Any:
    rule: Any = {"op": "eq", "value": True}
    for _ in range(depth):
        rule = {"op": "and", "rules": [rule]}
    return rule


def test_flags_are_bounded_as_conditions_are() -> None:
    assert refused(nested(5)) == []
    assert refused(nested(6)) == [("/rules/0" * 6, "too_long")]
    one = {"op": "eq", "value": True}
    rules = [{"op": "or", "rules": [one] * 25}, {"op": "or", "rules": [one] * 25}]
    assert refused({"op": "or", "rules": rules}) == []
    assert refused({"op": "or", "rules": [*rules, one]}) == [("", "too_long")]


def flagged(count: int, per_step: int = 50) -> dict[str, Any]:
    rules = [{"op": "eq", "value": True}] * per_step
    steps = [step(name=f"s-{n}", flag={"when": {"op": "or", "rules": rules}}) for n in range(count)]
    return {"name": "x", "steps": steps}


def test_their_comparisons_count_with_those_of_conditions() -> None:
    assert read_sent(flagged(40)).errors == ()
    more = flagged(40)
    more["steps"].append(step(name="s-x", condition={"when": {"step": "s-0", "op": "answered"}}))
    assert [(one.pointer, one.code) for one in read_sent(more).errors] == [("", "too_long")]


def test_what_they_search_counts_with_what_conditions_search() -> None:
    def searching(count: int) -> dict[str, Any]:
        rules = [{"op": "contains", "value": value} for value in distinct(count)]
        own = step("text", config={"max_length": 20_000}, flag={"when": {"op": "or", "rules": rules}})
        other = step(name="s-b", condition={"when": {"step": "s-a", "op": "contains", "value": "z" * 99}})
        return {"name": "x", "steps": [own, other]}

    assert errors(searching(49)) == []
    assert errors(searching(50)) == [("/steps/0/config/max_length", "too_long")]


def test_tell_is_translated_under_the_id_of_its_step() -> None:
    flag = {"when": {"op": "eq", "value": True}, "tell": "Call the office"}
    texts = {"es": {"s-a": {"label": "¿Daños?", "tell": "Llame a la oficina"}}}
    source = {"name": "x", "steps": [step(flag=flag)], "translations": texts}
    template_rules.read_template(source, lambda prefix: prefix)
    (translated,) = translate(source, "es")["steps"]
    assert (translated["label"], translated["flag"]) == ("¿Daños?", {**flag, "tell": "Llame a la oficina"})
    assert source["steps"][0]["flag"] == flag, "the author's own stays as it is"
    texts["es"]["s-a"]["tell"] = "x" * 501
    with pytest.raises(Invalid) as invalid:
        template_rules.read_template(source, lambda prefix: prefix)
    assert [one.pointer for one in invalid.value.errors] == ["/translations/es/s-a/tell"]
