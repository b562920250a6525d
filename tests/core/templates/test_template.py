"""The template language: every bound, every type's config, every rule between fields, all problems at once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.strategies.strategies import TYPES
from tests.helpers.strategies.wrong_templates import of, read, wrong
from tests.helpers.templates import CONFIGS, OPTIONS, step


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_right_with_the_least_that_it_needs(kind: str) -> None:
    assert read(of(step(kind))) == of(step(kind))


def test_what_is_left_out_stays_out_and_what_is_said_stays() -> None:
    said = of(
        {
            **step("text"),
            "hint": None,
            "required": True,
            "photo": False,
            "geo": False,
            "condition": None,
            "config": {"max_length": 2000, "placeholder": None},
        },
        description=None,
        tags=[],
        settings={},
        execution={"scope": "any"},
        sections=None,
        translations={},
    )
    assert read(said) == said


def test_missing_ids_are_made_and_given_ones_stay() -> None:
    options = [{"label": "One"}, {"id": "o-mine", "label": "Two"}]
    choice = {"type": "choice", "label": "A", "config": {"options": options}}
    kept = read({"name": "Check", "sections": [{"title": "S", "steps": [choice]}]})
    section = kept["sections"][0]
    assert section["id"].startswith("g-made")
    assert section["steps"][0]["id"].startswith("s-made")
    first, second = section["steps"][0]["config"]["options"]
    assert first["id"].startswith("o-made")
    assert second["id"] == "o-mine"
    assert read({"name": "Check", "steps": [choice]})["steps"][0]["id"].startswith("s-made")


def test_text_is_kept_composed_and_trimmed_everywhere() -> None:
    raw = "\u3000e\u0301 \n"
    said = of(
        step("choice", config={"options": [{"id": "o-1", "label": raw}]}, label=raw, hint=raw),
        step("instruction", "s-b", {"body": raw}),
        step("text", "s-c", {"placeholder": raw}),
        step("text", "s-d", condition={"when": {"step": "s-c", "op": "eq", "value": raw}}),
        name=raw,
        tags=[raw],
        translations={"es": {"": {"name": raw}, "o-1": {"label": raw}}},
    )
    kept = read(said)
    assert raw not in str(kept)
    assert str(kept).count("é") == 10


def test_numbers_are_kept_whole_where_they_are_whole() -> None:
    kept = read(of(step("number", config={"min": -1.0, "max": 2.5, "decimals": 1.0}, photo={"min": 1.0})))
    assert repr(kept["steps"][0]["config"]) == "{'min': -1, 'max': 2.5, 'decimals': 1}"
    assert repr(kept["steps"][0]["photo"]) == "{'min': 1}"


@pytest.mark.parametrize(
    ("thing", "code"), [(None, "wrong_type"), (5, "wrong_type"), ([], "wrong_type"), ("{}", "wrong_type")]
)
def test_a_template_is_an_object(thing: Any, code: str) -> None:
    assert wrong(thing) == [("", code)]


@pytest.mark.parametrize(
    ("most", "build", "pointer"),
    [
        (200, lambda it: of(step(), name=it), "/name"),
        (4000, lambda it: of(step(), description=it), "/description"),
        (200, lambda it: of(step(), tags=["ok", it]), "/tags/1"),
        (500, lambda it: of(step(label=it)), "/steps/0/label"),
        (2000, lambda it: of(step(hint=it)), "/steps/0/hint"),
        (20_000, lambda it: of(step("instruction", config={"body": it})), "/steps/0/config/body"),
        (200, lambda it: of(step("choice", config={"options": [{"label": it}]})), "/steps/0/config/options/0/label"),
        (200, lambda it: of(step(config={"true_label": it})), "/steps/0/config/true_label"),
        (200, lambda it: of(step(config={"false_label": it})), "/steps/0/config/false_label"),
        (200, lambda it: of(step("text", config={"placeholder": it})), "/steps/0/config/placeholder"),
        (40, lambda it: of(step("number", config={"unit": it})), "/steps/0/config/unit"),
        (200, lambda it: of(step("rating", config={"min_label": it})), "/steps/0/config/min_label"),
        (200, lambda it: of(step("rating", config={"max_label": it})), "/steps/0/config/max_label"),
        (200, lambda it: {"name": "x", "sections": [{"title": it, "steps": [step()]}]}, "/sections/0/title"),
        (
            4000,
            lambda it: {"name": "x", "sections": [{"title": "x", "description": it, "steps": [step()]}]},
            "/sections/0/description",
        ),
        (200, lambda it: of(step(), translations={"es": {"": {"name": it}}}), "/translations/es//name"),
        (500, lambda it: of(step(), translations={"es": {"s-a": {"label": it}}}), "/translations/es/s-a/label"),
    ],
)
def test_the_bounds_of_every_text(most: int, build: Callable[[Any], Any], pointer: str) -> None:
    assert wrong(build("😀" * most)) == []
    assert wrong(build(" " + "e\u0301" * most + "\n")) == []
    assert wrong(build("x" * (most + 1))) == [(pointer, "too_long")]
    assert wrong(build(" \u3000\n")) == [(pointer, "too_short")]
    assert wrong(build("a\0b")) == [(pointer, "bad_format")]
    assert wrong(build(5)) == [(pointer, "wrong_type")]


@pytest.mark.parametrize(
    ("good", "bad", "build", "pointer"),
    [
        (
            (1, 10_000, 3.0),
            (0, 10_001, 1.5),
            lambda n: of(step(), settings={"est_minutes": n}),
            "/settings/est_minutes",
        ),
        ((0, 10), (-1, 11), lambda n: of(step(photo={"min": n})), "/steps/0/photo/min"),
        ((1, 10), (0, 11), lambda n: of(step(photo={"max": n})), "/steps/0/photo/max"),
        ((1, 10), (0, 11), lambda n: of(step("photo", config={"min": n})), "/steps/0/config/min"),
        ((1, 10), (0, 11), lambda n: of(step("photo", config={"max": n})), "/steps/0/config/max"),
        ((1, 20_000), (0, 20_001), lambda n: of(step("text", config={"max_length": n})), "/steps/0/config/max_length"),
        ((0, 6), (-1, 7, 0.5), lambda n: of(step("number", config={"decimals": n})), "/steps/0/config/decimals"),
        ((0, 4), (-1, 10), lambda n: of(step("rating", config={"min": n})), "/steps/0/config/min"),
        ((2, 10), (0, 11), lambda n: of(step("rating", config={"max": n})), "/steps/0/config/max"),
        (
            (0, 2),
            (-1, 201),
            lambda n: of(step("multi_choice", config={"options": OPTIONS, "min_selected": n})),
            "/steps/0/config/min_selected",
        ),
        (
            (1, 200),
            (0, 201),
            lambda n: of(step("multi_choice", config={"options": OPTIONS, "max_selected": n})),
            "/steps/0/config/max_selected",
        ),
    ],
)
def test_the_bounds_of_every_whole_number(
    good: tuple[float, ...], bad: tuple[float, ...], build: Callable[[Any], Any], pointer: str
) -> None:
    for one in good:
        assert wrong(build(one)) == [], one
    for one in bad:
        code = "out_of_range" if one == int(one) else "wrong_type"
        assert wrong(build(one)) == [(pointer, code)]
    for strange in (True, "1", float("inf"), 10**400, []):
        assert wrong(build(strange)) == [(pointer, "wrong_type")]


@pytest.mark.parametrize("end", ["min", "max"])
def test_the_ends_of_a_number_are_any_numbers(end: str) -> None:
    for good in (0, -5.5, 2**53 - 1, -(2**53) + 1, None):
        assert wrong(of(step("number", config={end: good}))) == []
    for bad in (2**53, float("inf"), float("nan"), True, "1"):
        assert wrong(of(step("number", config={end: bad}))) == [(f"/steps/0/config/{end}", "wrong_type")]


@pytest.mark.parametrize(
    ("build", "pointer"),
    [
        (lambda it: of(step(required=it)), "/steps/0/required"),
        (lambda it: of(step(geo=it)), "/steps/0/geo"),
        (lambda it: of(step(photo={"annotate": it})), "/steps/0/photo/annotate"),
        (lambda it: of(step("photo", config={"annotate": it})), "/steps/0/config/annotate"),
        (lambda it: of(step("photo", config={"allow_gallery": it})), "/steps/0/config/allow_gallery"),
        (lambda it: of(step("text", config={"multiline": it})), "/steps/0/config/multiline"),
        (lambda it: of(step(), settings={"allow_skip": it}), "/settings/allow_skip"),
        (lambda it: of(step(), settings={"signature_on_complete": it}), "/settings/signature_on_complete"),
        (lambda it: of(step(), settings={"allow_unable": it}), "/settings/allow_unable"),
        (lambda it: of(step(), settings={"allow_remarks": it}), "/settings/allow_remarks"),
        (lambda it: of(step(), settings={"voice": it}), "/settings/voice"),
    ],
)
def test_flags_are_true_or_false(build: Callable[[Any], Any], pointer: str) -> None:
    assert wrong(build(True)) == wrong(build(False)) == []
    for bad in (0, 1, "true", None):
        assert wrong(build(bad)) == [(pointer, "wrong_type")]


@pytest.mark.parametrize(
    ("build", "pointer", "good"),
    [
        (lambda it: of(step(), execution={"scope": it}), "/execution/scope", ("any", "first_device")),
        (
            lambda it: of(step(), execution={"identity_required": it}),
            "/execution/identity_required",
            ("none", "name", "email", "phone"),
        ),
        (lambda it: of(step("datetime", config={"mode": it})), "/steps/0/config/mode", ("date", "datetime")),
        (
            lambda it: of(step("barcode", config={"formats": [it]})),
            "/steps/0/config/formats/0",
            ("qr_code", "code_128", "code_39", "ean_13", "upc_a", "data_matrix", "pdf417"),
        ),
    ],
)
def test_words_with_a_meaning(build: Callable[[Any], Any], pointer: str, good: tuple[str, ...]) -> None:
    for one in good:
        assert wrong(build(one)) == []
    for bad in ("", "Any", "all", 5, None):
        assert wrong(build(bad)) == [(pointer, "not_allowed")]


def test_a_step_has_a_known_type() -> None:
    assert wrong(of({"id": "s-a", "label": "A"})) == [("/steps/0/type", "required")]
    assert wrong(of(step("checkbox"))) == [("/steps/0/type", "not_allowed")]
    assert wrong(of(5)) == [("/steps/0", "wrong_type")]


@pytest.mark.parametrize("kind", TYPES)
def test_unknown_fields_are_named_wherever_they_stand(kind: str) -> None:
    config = {**CONFIGS.get(kind, {}), "x": 1}
    unknown = of(step(kind, config=config, y=1), z=1, settings={"s": 1}, execution={"e": 1})
    places = ["/steps/0/config/x", "/steps/0/y", "/settings/s", "/execution/e", "/z"]
    assert sorted(wrong(unknown)) == sorted((place, "unknown_field") for place in places)


def test_unknown_fields_of_the_smaller_things() -> None:
    template = {
        "name": "x",
        "sections": [
            {
                "title": "t",
                "a/b": 1,
                "steps": [
                    step("choice", config={"options": [{"label": "x", "m~n": 1}]}, photo={"": 1}),
                    step(name="s-b", condition={"when": {"step": "s-a", "op": "answered", "x": 1}, "y": 2}),
                ],
            }
        ],
    }
    assert sorted(wrong(template)) == [
        ("/sections/0/a~1b", "unknown_field"),
        ("/sections/0/steps/0/config/options/0/m~0n", "unknown_field"),
        ("/sections/0/steps/0/photo/", "unknown_field"),
        ("/sections/0/steps/1/condition/when/x", "unknown_field"),
        ("/sections/0/steps/1/condition/y", "unknown_field"),
    ]


def test_what_is_required() -> None:
    assert wrong({}) == [("/name", "required"), ("/sections", "required")]
    assert wrong({"name": "x", "steps": []}) == [("/sections", "required")]
    assert wrong({"name": "x", "sections": [{"title": "t", "steps": []}]}) == [("/sections", "required")]
    assert wrong({"name": "x", "sections": [{}]}) == [
        ("/sections", "required"),
        ("/sections/0/title", "required"),
        ("/sections/0/steps", "required"),
    ]
    for kind in ("choice", "multi_choice", "instruction"):
        assert wrong(of({"id": "s-a", "type": kind, "label": "A"})) == [("/steps/0/config", "required")]
        inner = "body" if kind == "instruction" else "options"
        assert wrong(of(step(kind, config={}))) == [(f"/steps/0/config/{inner}", "required")]
    assert wrong(of({"type": "boolean"})) == [("/steps/0/label", "required")]
    assert wrong(of(step("choice", config={"options": [{}]}))) == [("/steps/0/config/options/0/label", "required")]


def test_steps_stand_at_the_top_or_in_sections() -> None:
    inside = [{"id": "g-a", "title": "t", "steps": [step()]}]
    assert wrong({"name": "x", "sections": inside}) == []
    assert wrong({"name": "x", "sections": inside, "steps": [step(name="s-b")]}) == [("/steps", "not_allowed")]
    assert wrong({"name": "x", "sections": None, "steps": [step()]}) == []
