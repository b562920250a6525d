"""What changed between two versions: nothing is missed, nothing is made up, and a move is told as a move."""

import copy
import json
from typing import Any

from hypothesis import given, strategies as some
from pydantic_core import from_json

from rundun.core.templates.diff import TemplateChange, TemplatePart, _longest_rising, difference, parts
from rundun.core.templates.rules import as_json, read_template
from tests.helpers.strategies.strategies import templates

IDS = some.sampled_from([f"{n}" for n in range(6)])
VALUES = some.sampled_from([None, True, False, 0, 1, "a", "b", ["x"], {"min": 1}])


@some.composite
def small(draw: some.DrawFn) -> dict[str, Any]:
    """Stored JSON of few ids, so that two of them have much in common; what is None is left out."""
    fields = some.dictionaries(some.sampled_from(["hint", "required", "unit"]), VALUES.filter(lambda v: v is not None))
    used = iter(draw(some.permutations([f"s-{n}" for n in range(6)])))

    def steps() -> list[dict[str, Any]]:
        chosen = [next(used, None) for _ in range(draw(some.integers(0, 4)))]
        return [
            {"id": key, "type": "text", "label": draw(some.sampled_from("ABC")), **draw(fields)}
            for key in chosen
            if key
        ]

    sections = [
        {"id": f"g-{n}", "title": draw(some.sampled_from("ABC")), "steps": steps()}
        for n in draw(some.permutations(range(3)))[: draw(some.integers(0, 3))]
    ]
    words = some.dictionaries(some.sampled_from(["", "s-1", "g-1"]), some.just({"label": "L"}), max_size=2)
    return {
        "name": draw(some.sampled_from("NM")),
        "sections": sections,
        "translations": draw(some.dictionaries(some.sampled_from(["es", "de"]), words, max_size=2)),
    }


def told(changes: list[TemplateChange], kind: str) -> dict[str, TemplateChange]:
    return {one.part.id: one for one in changes if one.kind == kind}


def patched(before: dict[str, TemplatePart], changes: list[TemplateChange]) -> dict[str, tuple[Any, ...]]:
    """The things of a version with its changes carried out, without their order."""
    left = {key: (one.kind, one.parent, dict(one.fields)) for key, one in before.items()}
    for change in changes:
        key = change.part.id
        if change.kind == "removed":
            del left[key]
        elif change.kind == "added":
            left[key] = (change.part.kind, change.part.parent, dict(change.part.fields))
        elif change.kind == "moved":
            left[key] = (left[key][0], change.part.parent, left[key][2])
        for edit in change.edits:
            assert left[key][2].pop(edit.field, None) == edit.before
            if edit.after is not None:
                left[key][2][edit.field] = edit.after
    return left


@given(small(), small())
def test_the_changes_lead_from_one_to_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    changes = difference(before, after)
    new = {key: (one.kind, one.parent, dict(one.fields)) for key, one in parts(after).items()}
    assert _text(patched(parts(before), changes)) == _text(new)
    # What is not told to have moved has kept its order.
    moved = told(changes, "moved")
    for parent in {one.parent for one in parts(after).values()}:
        stayed = [
            [key for key, one in all_of.items() if key and one.parent == parent and key not in moved]
            for all_of in (parts(before), parts(after))
        ]
        common = set(stayed[0]) & set(stayed[1])
        orders = [[key for key in one if key in common and key.startswith("s-")] for one in stayed]
        assert orders[0] == orders[1]


def _text(value: Any) -> str:
    return json.dumps(
        {key: [kind, parent, sorted((str(k), json.dumps(v)) for k, v in fields.items())]
         for key, (kind, parent, fields) in value.items()},
        sort_keys=True,
    )  # fmt: skip


@given(small(), small())
def test_going_back_tells_the_same_the_other_way_round(before: dict[str, Any], after: dict[str, Any]) -> None:
    there, back = difference(before, after), difference(after, before)
    assert set(told(there, "added")) == set(told(back, "removed"))
    assert set(told(there, "changed")) == set(told(back, "changed"))
    for key, change in told(there, "changed").items():
        turned = {(edit.field, _one(edit.after), _one(edit.before)) for edit in told(back, "changed")[key].edits}
        assert {(edit.field, _one(edit.before), _one(edit.after)) for edit in change.edits} == turned
    assert len(told(there, "moved")) == len(told(back, "moved"))


def _one(value: Any) -> str:
    return json.dumps(value)


@given(templates())
def test_nothing_changed_is_nothing_told_about_any_template(written: Any) -> None:
    made = iter(range(10_000))
    body = from_json(as_json(read_template(written, lambda prefix: f"{prefix}made{next(made)}")))
    assert difference(body, json.loads(json.dumps(body, sort_keys=True))) == []
    assert {one.kind for one in difference({"name": "–"}, body)} <= {"added", "changed"}
    renamed = copy.deepcopy(body) | {"name": body["name"] + "!"}
    (change,) = difference(body, renamed)
    assert [edit.field for edit in change.edits] == [("name", "")]


@given(some.lists(some.integers(0, 6), min_size=2, max_size=2, unique=True))
def test_one_step_put_elsewhere_is_one_move(places: list[int]) -> None:
    steps = [{"id": f"s-{n}", "type": "text", "label": f"{n}"} for n in range(7)]
    moved = [*steps]
    moved.insert(places[1], moved.pop(places[0]))
    (change,) = difference({"name": "A", "steps": steps}, {"name": "A", "steps": moved})
    assert (change.kind, abs(places[0] - places[1]) == 1 or change.part.label == f"{places[0]}") == ("moved", True)


@given(some.permutations(range(8)))
def test_the_longest_rising_row_rises_and_none_is_longer(numbers: list[int]) -> None:
    found = _longest_rising(numbers)
    assert found == sorted(found)
    assert [one for one in numbers if one in found] == found
    lengths: list[int] = []
    for place, number in enumerate(numbers):
        lengths.append(1 + max((lengths[i] for i in range(place) if numbers[i] < number), default=0))
    assert len(found) == max(lengths)


def test_a_step_put_into_another_section_changed_and_translated() -> None:
    step = {"id": "s-a", "type": "choice", "label": "A", "required": True,
            "config": {"options": [{"id": "o-1", "label": "One"}]}}  # fmt: skip
    before = {
        "name": "T",
        "sections": [{"id": "g-1", "title": "1", "steps": [step]}, {"id": "g-2", "title": "2", "steps": []}],
    }
    after = copy.deepcopy(before) | {"translations": {"es": {"s-a": {"label": "Ah"}}}}
    after["sections"][1]["steps"] = [{**after["sections"][0]["steps"].pop(), "required": 1}]
    moved, changed = difference(before, after)
    assert (moved.kind, moved.before.parent, moved.after.parent) == ("moved", "g-1", "g-2")  # type: ignore[union-attr]
    assert [(one.field, one.before, one.after) for one in changed.edits] == [
        (("required", ""), True, 1),
        (("label", "es"), None, "Ah"),
    ]
