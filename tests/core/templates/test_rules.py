"""Rules between the fields of a template: ids, counts, bounds, translations."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from rundun.core.templates import rules
from rundun.errors import Invalid, Problem
from tests.helpers.strategies.wrong_templates import Places, made, of, read, wrong
from tests.helpers.templates import OPTIONS, step


def test_mistakes_are_told_in_the_order_of_the_document() -> None:
    later = {"when": {"step": "s-c", "op": "eq", "value": "yes"}}
    steps = [
        step(name="s-a", condition=later),
        step("rating", name="s-b", config={"min": 3, "max": 2}, label=5),
        step(name="s-c", label=""),
        step(name="s-a"),
    ]
    assert wrong({"steps": steps, "translations": {"es": {"s-x": {}}}, "a": 1, "name": ""}) == [
        ("/steps/0/condition/when/step", "unknown_reference"),
        ("/steps/1/label", "wrong_type"),
        ("/steps/2/label", "too_short"),
        ("/steps/3/id", "duplicate"),
        ("/translations/es/s-x", "unknown_reference"),
        ("/a", "unknown_field"),
        ("/name", "too_short"),
    ]
    both = of(step(name="s-a", condition=later), step(name="s-c"))
    place = "/steps/0/condition/when"
    assert wrong(both) == [(f"{place}/step", "unknown_reference"), (f"{place}/value", "wrong_type")]


def numbered(count: int, start: int = 0) -> list[Any]:
    return [step(name=f"s-{start + n}") for n in range(count)]


def test_how_many_there_may_be() -> None:
    assert wrong(of(*numbered(500))) == []
    assert wrong(of(*numbered(501))) == [("", "too_long"), ("/steps", "too_long")]
    sections = [{"title": f"{n}", "steps": numbered(5, 5 * n)} for n in range(100)]
    assert wrong({"name": "x", "sections": sections}) == []
    over = [*sections[:-1], {"title": "x", "steps": numbered(6, 1000)}]
    assert wrong({"name": "x", "sections": over}) == [("", "too_long")]
    many = [{"title": f"{n}", "steps": numbered(1, n)} for n in range(101)]
    assert wrong({"name": "x", "sections": many}) == [("/sections", "too_long")]
    for kind in ("choice", "multi_choice"):
        options = [{"id": f"o-{n}", "label": "x"} for n in range(201)]
        assert wrong(of(step(kind, config={"options": options[:200]}))) == []
        assert wrong(of(step(kind, config={"options": options}))) == [("/steps/0/config/options", "too_long")]
        assert wrong(of(step(kind, config={"options": []}))) == [("/steps/0/config/options", "too_short")]
    assert wrong(of(step(), tags=["x"] * 20)) == []
    assert wrong(of(step(), tags=["x"] * 21)) == [("/tags", "too_long")]
    assert wrong(of(step("barcode", config={"formats": []}))) == [("/steps/0/config/formats", "too_short")]


def test_a_template_has_at_most_512_kibibytes() -> None:
    bodies = [step("instruction", f"s-{n}", {"body": "x" * 20_000}) for n in range(27)]
    assert wrong(of(*bodies[:26])) == []
    with pytest.raises(Problem) as refused:
        rules.read_template(of(*bodies), made())
    assert refused.value.code == "too_large"


def test_far_too_much_is_refused_at_once() -> None:
    asked = itertools.count()
    endless = {"name": "x", "steps": [1] * 300_000, "sections": [{}] * 100_000}
    with pytest.raises(Invalid) as refused:
        rules.read_template(endless, lambda prefix: f"{prefix}{next(asked)}")
    assert next(asked) < 1000
    assert len(refused.value.errors) < 1000


@pytest.mark.parametrize(
    ("prefix", "build", "pointer"),
    [
        ("g-", lambda it: {"name": "x", "sections": [{"id": it, "title": "t", "steps": [step()]}]}, "/sections/0/id"),
        ("s-", lambda it: of(step(name=it)), "/steps/0/id"),
        (
            "o-",
            lambda it: of(step("choice", config={"options": [{"id": it, "label": "x"}]})),
            "/steps/0/config/options/0/id",
        ),
    ],
)
def test_ids_have_a_form(prefix: str, build: Callable[[Any], Any], pointer: str) -> None:
    for good in ("a", "Z9_-", "-", "x" * 32):
        assert wrong(build(prefix + good)) == []
    for bad in ("", "x" * 33, "a b", "é", "a\n", "a/b", "²"):
        assert wrong(build(prefix + bad)) == [(pointer, "bad_format")], bad
    assert wrong(build("x-a")) == wrong(build("")) == [(pointer, "bad_format")]
    assert wrong(build(None)) == wrong(build(5)) == [(pointer, "wrong_type")]


def test_ids_are_there_once() -> None:
    twice = {
        "name": "x",
        "sections": [
            {"id": "g-a", "title": "t", "steps": [step(name="s-a"), step("choice", "s-b")]},
            {"id": "g-a", "title": "t", "steps": [step(name="s-a"), step("multi_choice", "s-c")]},
        ],
    }
    assert wrong(twice) == [
        ("/sections/1/id", "duplicate"),
        ("/sections/1/steps/0/id", "duplicate"),
        ("/sections/1/steps/1/config/options/0/id", "duplicate"),
        ("/sections/1/steps/1/config/options/1/id", "duplicate"),
    ]


@pytest.mark.parametrize(
    ("one", "places"),
    [
        (step("photo", photo={"min": 1}), [("/steps/0/photo", "not_allowed")]),
        (step("photo", photo=False), []),
        (step(photo={"min": 3, "max": 2}), [("/steps/0/photo/max", "out_of_range")]),
        (step(photo={"min": 3, "max": 3}), []),
        (step(photo=True), [("/steps/0/photo", "wrong_type")]),
        (step(photo=None), [("/steps/0/photo", "wrong_type")]),
        (step("photo", config={"min": 3, "max": 2}), [("/steps/0/config/max", "out_of_range")]),
        (step("photo", config={"min": 2, "max": 2}), []),
        (step("number", config={"min": 2, "max": 1.5}), [("/steps/0/config/max", "out_of_range")]),
        (step("number", config={"min": 2, "max": 2}), []),
        (step("rating", config={"min": 3, "max": 3}), [("/steps/0/config/max", "out_of_range")]),
        (step("rating", config={"min": 5}), [("/steps/0/config/max", "out_of_range")]),
        (
            step("multi_choice", config={"options": OPTIONS, "min_selected": 3}),
            [("/steps/0/config/min_selected", "out_of_range")],
        ),
        (
            step("multi_choice", config={"options": OPTIONS, "min_selected": 2, "max_selected": 1}),
            [("/steps/0/config/max_selected", "out_of_range")],
        ),
        (step("signature", config={}), []),
        (step("boolean", config=[]), [("/steps/0/config", "wrong_type")]),
    ],
)
def test_fields_fit_each_other(one: Any, places: Places) -> None:
    assert wrong(of(one)) == places


def test_a_language_is_there_once_whatever_its_case() -> None:
    twice = of(step(), translations={"pt-BR": {}, "es": {}, "PT-br": {"s-x": {}}})
    assert wrong(twice) == [("/translations/PT-br", "duplicate"), ("/translations/PT-br/s-x", "unknown_reference")]


@pytest.mark.parametrize(
    ("kind", "detail"), [("photo", "not be below"), ("number", "not be below"), ("rating", "be above")]
)
def test_what_is_said_of_a_maximum_below_the_minimum(kind: str, detail: str) -> None:
    with pytest.raises(Invalid, match=f"must {detail} min"):
        rules.read_template(of(step(kind, config={"min": 3, "max": 2})), made())


def test_translations_name_what_is_there() -> None:
    template = {
        "name": "x",
        "description": "d",
        "sections": [{"id": "g-a", "title": "t", "steps": [step("choice"), step("instruction", "s-b")]}],
    }
    good = {
        "": {"name": "N", "description": "D"},
        "g-a": {"title": "T", "description": "D"},
        "s-a": {"label": "L", "hint": "H"},
        "s-b": {"body": "B"},
        "o-1": {"label": "O"},
    }
    assert wrong({**template, "translations": {"es": good, "pt-BR": {}}}) == []
    assert read({**template, "translations": {"es": good}})["translations"] == {"es": good}
    bad = {
        "": {"title": "x"},
        "g-a": {"label": "x"},
        "g-b": {"title": "x"},
        "s-a": {"type": "text"},
        "s-c/~": {"label": "x"},
        "o-1": {"hint": "x", "label": 5},
        "o-9": {},
        "[key]": {},
    }
    assert sorted(wrong({**template, "translations": {"es": bad}})) == [
        ("/translations/es//title", "unknown_field"),
        ("/translations/es/[key]", "unknown_reference"),
        ("/translations/es/g-a/label", "unknown_field"),
        ("/translations/es/g-b", "unknown_reference"),
        ("/translations/es/o-1/hint", "unknown_field"),
        ("/translations/es/o-1/label", "wrong_type"),
        ("/translations/es/o-9", "unknown_reference"),
        ("/translations/es/s-a/type", "unknown_field"),
        ("/translations/es/s-c~1~0", "unknown_reference"),
    ]


@pytest.mark.parametrize("language", ["", "e", "en_US", "en-", "toolonglanguage", "en-US-", "é", "1n"])
def test_translations_are_by_language(language: str) -> None:
    pointer = f"/translations/{language}"
    assert wrong(of(step(), translations={language: {}})) == [(pointer, "bad_format")]
    assert wrong(of(step(), translations={"en-Latn-US-x-a": {}, "pt": {}, "zh-Hant": {}})) == []


def test_all_problems_are_told_at_once() -> None:
    template = {
        "name": "",
        "colour": "red",
        "tags": [1],
        "settings": {"est_minutes": 0},
        "sections": [
            {
                "id": "x",
                "title": "t",
                "steps": [
                    step("choice", config={"options": [{"id": "o-1", "label": ""}]}),
                    step(name="s-a", photo={"min": 2, "max": 1}),
                    step(name="s-b", condition={"when": {"step": "s-z", "op": "answered"}}),
                    step("rating", "s-c", {"min": 9}, geo=1),
                ],
            }
        ],
        "translations": {"es": {"s-9": {}}},
    }
    assert sorted(wrong(template)) == [
        ("/colour", "unknown_field"),
        ("/name", "too_short"),
        ("/sections/0/id", "bad_format"),
        ("/sections/0/steps/0/config/options/0/label", "too_short"),
        ("/sections/0/steps/1/id", "duplicate"),
        ("/sections/0/steps/1/photo/max", "out_of_range"),
        ("/sections/0/steps/2/condition/when/step", "unknown_reference"),
        ("/sections/0/steps/3/geo", "wrong_type"),
        ("/settings/est_minutes", "out_of_range"),
        ("/tags/0", "wrong_type"),
        ("/translations/es/s-9", "unknown_reference"),
    ]
