"""Answers of all eleven types, good and bad, and the bodies that bring them."""

from typing import Any

import pytest

from rundun.core.runs.answer import read_value
from rundun.core.templates import rules
from rundun.core.templates.steps import StepBase
from rundun.errors import Invalid
from tests.helpers.service import Ed, World
from tests.helpers.strategies.strategies import TYPES
from tests.helpers.templates import step

Places = list[tuple[str, str]]


def parsed(kind: str, config: Any = None) -> StepBase:
    """One step of a type."""
    template = rules.read_template({"name": "x", "steps": [step(kind, config=config)]}, lambda prefix: prefix)
    return next(template.all_steps())


THREE = {"options": [{"id": f"o-{n}", "label": str(n)} for n in (1, 2, 3)]}
LIMITED = {**THREE, "min_selected": 1, "max_selected": 2}

GOOD: list[tuple[str, Any, Any, Any]] = [
    ("boolean", None, True, True),
    ("boolean", None, False, False),
    ("choice", THREE, "o-2", "o-2"),
    ("multi_choice", THREE, [], []),
    ("multi_choice", THREE, ["o-3", "o-1"], ["o-1", "o-3"]),
    ("multi_choice", LIMITED, ["o-3", "o-2"], ["o-2", "o-3"]),
    ("text", None, " e\u0301 \n", "é"),
    ("text", None, "x" * 2000, "x" * 2000),
    ("text", {"max_length": 2}, " 😀😀 ", "😀😀"),
    ("text", {"max_length": 20_000}, "line\nline", "line\nline"),
    ("number", None, 0, 0),
    ("number", None, 4.0, 4),
    ("number", None, -1e-7, -1e-7),
    ("number", None, 2**53 - 1, 2**53 - 1),
    ("number", {"min": -2, "max": 2.5}, -2, -2),
    ("number", {"min": -2, "max": 2.5}, 2.5, 2.5),
    ("number", {"decimals": 0}, 3.0, 3),
    ("number", {"decimals": 2}, 1.25, 1.25),
    ("number", {"decimals": 6}, 0.000001, 0.000001),
    ("rating", None, 1, 1),
    ("rating", None, 5.0, 5),
    ("rating", {"min": 0, "max": 10}, 0, 0),
    ("rating", {"min": 0, "max": 10}, 10, 10),
    ("photo", None, None, None),
    ("signature", None, None, None),
    ("instruction", None, None, None),
    ("barcode", None, " 4006381333931 ", "4006381333931"),
    ("barcode", None, "(01)\x1d(10)", "(01)\x1d(10)"),
    ("barcode", None, "x" * 8000, "x" * 8000),
    ("datetime", None, "2024-02-29", "2024-02-29"),
    ("datetime", {"mode": "datetime"}, "2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"),
    ("datetime", {"mode": "datetime"}, "2026-01-31T10:00:00.75+01:00", "2026-01-31T09:00:00Z"),
    ("datetime", {"mode": "datetime"}, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
]
BAD: list[tuple[str, Any, Any, Places]] = [
    *(("boolean", None, bad, [("", "wrong_type")]) for bad in (None, 0, 1, "true", [], {})),
    *(("choice", THREE, bad, [("", "wrong_type")]) for bad in (None, 1, ["o-1"], {"id": "o-1"})),
    *(("choice", THREE, bad, [("", "unknown_reference")]) for bad in ("", "o-4", "1", " o-1")),
    *(("multi_choice", THREE, bad, [("", "wrong_type")]) for bad in (None, "o-1", [1], [["o-1"]], {})),
    ("multi_choice", THREE, ["o-1", "o-1"], [("/1", "duplicate")]),
    (
        "multi_choice",
        THREE,
        ["o-9", "o-1", "o-8", "o-1"],
        [("/0", "unknown_reference"), ("/2", "unknown_reference"), ("/3", "duplicate")],
    ),
    ("multi_choice", THREE, ["o-1"] * 100_000, [("", "too_long")]),
    ("multi_choice", LIMITED, [], [("", "too_short")]),
    ("multi_choice", LIMITED, ["o-1", "o-2", "o-3"], [("", "too_long")]),
    *(("text", None, bad, [("", "wrong_type")]) for bad in (None, 5, True, ["x"], {})),
    *(("text", None, bad, [("", "too_short")]) for bad in ("", " \n\ufeff\u3000")),
    ("text", None, "a\0b", [("", "bad_format")]),
    ("text", None, "x" * 2001, [("", "too_long")]),
    ("text", {"max_length": 2}, "abc", [("", "too_long")]),
    *(
        ("number", None, bad, [("", "wrong_type")])
        for bad in (None, "5", True, [5], 2**53, 10**400, float("inf"), float("nan"))
    ),
    ("number", {"min": -2, "max": 2.5}, -2.01, [("", "out_of_range")]),
    ("number", {"min": -2, "max": 2.5}, 3, [("", "out_of_range")]),
    ("number", {"decimals": 0}, 0.5, [("", "bad_format")]),
    ("number", {"decimals": 2}, 1.255, [("", "bad_format")]),
    ("number", {"decimals": 6}, 1e-7, [("", "bad_format")]),
    *(("rating", None, bad, [("", "wrong_type")]) for bad in (None, "3", True, 2.5, [3])),
    *(("rating", None, bad, [("", "out_of_range")]) for bad in (0, 6, -1, 2**50)),
    ("rating", {"min": 0, "max": 3}, 4, [("", "out_of_range")]),
    *(
        (kind, None, bad, [("", "wrong_type")])
        for kind in ("photo", "signature", "instruction")
        for bad in (True, "", [], 0)
    ),
    *(("barcode", None, bad, [("", "wrong_type")]) for bad in (None, 4006381333931, [])),
    ("barcode", None, "  ", [("", "too_short")]),
    ("barcode", None, "x" * 8001, [("", "too_long")]),
    *(("datetime", None, bad, [("", "wrong_type")]) for bad in (None, 20260131, [])),
    *(
        ("datetime", None, bad, [("", "bad_format")])
        for bad in ("", "2026-02-29", "31.01.2026", "2026-01-31T09:00:00Z")
    ),
    *(
        ("datetime", {"mode": "datetime"}, bad, [("", "bad_format")])
        for bad in ("", "2026-01-31", "2026-01-31T09:00:00", "2026-01-31T09:00Z", "9999-12-31T23:59:59-14:00")
    ),
]


@pytest.mark.parametrize(("kind", "config", "value", "kept"), GOOD)
def test_a_right_value_is_kept_in_its_one_form(kind: str, config: Any, value: Any, kept: Any) -> None:
    found = read_value(parsed(kind, config), value)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(("kind", "config", "value", "places"), BAD)
def test_a_wrong_value_is_refused_by_name(kind: str, config: Any, value: Any, places: Places) -> None:
    with pytest.raises(Invalid) as refused:
        read_value(parsed(kind, config), value)
    assert [(one.pointer, one.code) for one in refused.value.errors] == [(f"/value{at}", code) for at, code in places]


def test_all_types_are_tried() -> None:
    assert {row[0] for row in GOOD} == {row[0] for row in BAD} == set(TYPES)


async def started(w: World, *steps: dict[str, Any], **more: Any) -> Ed:
    """Ed at work on a template of these steps."""
    ed = await w.dispatch(await w.template(*steps, **more))
    assert (await ed.start()).status_code == 200
    return ed


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, [("/value", "required")]),
        ([], [("", "wrong_type")]),
        ({"skipped": False}, [("/value", "required")]),
        ({"unable": None}, [("/value", "required")]),
        ({"value": 5}, [("/value", "wrong_type")]),
        ({"value": None}, [("/value", "wrong_type")]),
        ({"value": True, "skipped": True}, [("/value", "not_allowed")]),
        ({"value": True, "unable": {"reason": "x"}}, [("/value", "not_allowed")]),
        ({"skipped": True, "unable": {"reason": "x"}}, [("/unable", "not_allowed")]),
        ({"skipped": True, "geo": {"lat": 1, "lng": 2}}, [("/geo", "not_allowed")]),
        ({"unable": {}}, [("/unable/reason", "required")]),
        ({"unable": {"reason": " "}}, [("/unable/reason", "too_short")]),
        ({"unable": {"reason": "x" * 2001}}, [("/unable/reason", "too_long")]),
        ({"unable": "x"}, [("/unable", "wrong_type")]),
        ({"value": True, "skipped": 1}, [("/skipped", "wrong_type")]),
        ({"value": True, "colour": "red"}, [("/colour", "unknown_field")]),
        ({"value": True, "answer_id": "1"}, [("/answer_id", "bad_format")]),
        ({"value": True, "answered_at": "now"}, [("/answered_at", "bad_format")]),
        (
            {"value": True, "geo": {"lat": 91, "lng": -181}},
            [("/geo/lat", "out_of_range"), ("/geo/lng", "out_of_range")],
        ),
        (
            {"value": True, "geo": {"lat": "1", "accuracy": -1}},
            [("/geo/lat", "wrong_type"), ("/geo/lng", "required"), ("/geo/accuracy", "out_of_range")],
        ),
        ({"value": True, "photos": ["x", 5]}, [("/photos/0", "bad_format"), ("/photos/1", "wrong_type")]),
        (
            {"value": True, "skipped": True, "photos": ["ph-00000000-0000-4000-8000-000000000001"] * 3},
            [
                ("/value", "not_allowed"),
                ("/photos", "not_allowed"),
                ("/photos/1", "duplicate"),
                ("/photos/2", "duplicate"),
            ],
        ),
    ],
)
async def test_a_wrong_body_is_refused_by_name(w: World, body: Any, places: Places) -> None:
    ed = await started(w, step())
    refused = await ed.put("s-a", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid"), refused.text
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == places
    assert (await ed.state())["answers"] == {}


async def test_capitals_are_kept_whatever_was_typed(w: World) -> None:
    plate = step("text", config={"case": "upper", "max_length": 6})
    is_ours = {"when": {"step": "s-a", "op": "eq", "value": "AB 12"}}
    ed = await started(w, plate, step(name="s-b", condition=is_ours))
    for typed in ("ab 12", "AB 12", " Ab 12"):
        assert (await ed.put("s-a", {"value": typed})).json()["step"]["value"] == "AB 12"
    assert len(await w.events(ed)) == 2, "the same again, so one event beside run.started"
    assert (await w.run(ed))["progress"]["total"] == 2
    refused = await ed.put("s-a", {"value": "stra\u00dfe"})
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [("/value", "too_long")]
    heap = await ed.put("s-a", {"value": "\u0390" + "\u0301" * 29})
    assert [(one["pointer"], one["code"]) for one in heap.json()["errors"]] == [("/value", "too_long")]


@pytest.mark.parametrize("length", [100, 20_000])
async def test_capitals_that_pile_up_are_no_fault(w: World, length: int) -> None:
    ed = await started(w, step("text", config={"case": "upper", "max_length": length}))
    heap = await ed.put("s-a", {"value": "\u0390" + "\u0316" * 29 + "\u0345"})
    assert heap.status_code in (200, 422), heap.text


def test_what_is_compared_with_capitals_is_in_capitals() -> None:
    for value, found in (("AB 12", []), ("Ab 12", [("/steps/1/condition/when/value", "wrong_type")])):
        shown = {"when": {"step": "s-a", "op": "eq", "value": value}}
        steps = [step("text", config={"case": "upper"}), step(name="s-b", condition=shown)]
        try:
            rules.read_template({"name": "x", "steps": steps}, lambda prefix: prefix)
        except Invalid as invalid:
            assert [(one.pointer, one.code) for one in invalid.errors] == found
        else:
            assert found == []


async def test_an_answer_says_when_and_where(w: World) -> None:
    ed = await started(w, step())
    w.clock.forward(seconds=90.9)
    geo = {"lat": 52.5, "lng": -13, "accuracy": 7.25}
    given = {"answer_id": "00000000-0000-4000-8000-0000000000AB", "value": True, "geo": geo}
    response = await ed.put("s-a", {**given, "answered_at": "2026-01-01T01:01:00.9+01:00"})
    assert response.json()["step"] == {
        "step_id": "s-a",
        "answer_id": "00000000-0000-4000-8000-0000000000ab",
        "value": True,
        "skipped": False,
        "unable": None,
        "at": "2026-01-01T00:01:30Z",
        "answered_at": "2026-01-01T00:01:00Z",
        "geo": geo,
        "photos": [],
        "visible": True,
        "done": True,
        "flagged": False,
        "waiting_for": [],
    }
    assert response.json()["run"]["progress"] == {"total": 1, "answered": 1, "skipped": 0, "unable": 0}


async def test_a_place_without_accuracy_is_a_place(w: World) -> None:
    ed = await started(w, step())
    geo = {"lat": -90, "lng": 180.0}
    assert (await ed.answer("s-a", True, geo=geo)).json()["step"]["geo"] == {**geo, "accuracy": None}
    assert (await ed.answer("s-a", True, geo=None)).json()["step"]["geo"] is None


async def test_photos_are_refused_where_none_are_asked(w: World) -> None:
    ed = await started(w, step(), step(name="s-b", photo={"max": 1}))
    ids = [f"ph-00000000-0000-4000-8000-00000000000{n}" for n in (1, 2)]
    for name, listed in (("s-a", ids[:1]), ("s-b", ids)):
        refused = await ed.answer(name, True, photos=listed)
        assert (refused.status_code, refused.json()["code"]) == (422, "too_many_photos")
        assert refused.json()["errors"][0]["pointer"] == "/photos"
    assert (await ed.answer("s-b", True, photos=ids[:1])).json()["step"]["waiting_for"] == ids[:1]
