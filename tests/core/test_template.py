"""The template language: every bound, every type's config, every rule between fields, all problems at once."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from pydantic_core import from_json

from rundun.core import template_rules
from rundun.errors import Invalid, Problem
from tests.helpers.service import BOOLEAN, World
from tests.helpers.strategies import TYPES
from tests.helpers.templates import CONFIGS, OPTIONS, step

Places = list[tuple[str, str]]


def made() -> Callable[[str], str]:
    """Ids as the server makes them, only shorter."""
    count = itertools.count(1)
    return lambda prefix: f"{prefix}made{next(count)}"


def read(template: Any) -> Any:
    """The template as it is kept."""
    return from_json(template_rules.as_json(template_rules.read_template(template, made())))


def wrong(template: Any) -> Places:
    """Pointer and code of every wrong place; none for a valid template."""
    try:
        template_rules.read_template(template, made())
    except Invalid as invalid:
        assert all(place.detail for place in invalid.errors)
        return [(place.pointer, place.code) for place in invalid.errors]
    return []


def of(*steps: Any, **more: Any) -> dict[str, Any]:
    """A template with these steps."""
    return {"name": "Check", "steps": list(steps), **more}


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
        template_rules.read_template(of(*bodies), made())
    assert refused.value.code == "too_large"


def test_far_too_much_is_refused_at_once() -> None:
    asked = itertools.count()
    endless = {"name": "x", "steps": [1] * 300_000, "sections": [{}] * 100_000}
    with pytest.raises(Invalid) as refused:
        template_rules.read_template(endless, lambda prefix: f"{prefix}{next(asked)}")
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
        template_rules.read_template(of(step(kind, config={"min": 3, "max": 2})), made())


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


async def test_the_server_assigns_what_it_assigns(w: World) -> None:
    mine = {"name": "Check", "steps": [BOOLEAN]}
    response = await w.acme.post("/v1/templates", json=mine)
    kept = response.json()
    assert response.status_code == 201
    assert kept == {
        "id": kept["id"],
        "v": 1,
        "org_id": w.acme_id,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "archived_at": None,
        **mine,
    }
    assert response.headers["etag"] == f'"{kept["id"]}.1"'
    w.clock.forward(hours=1)
    path = f"/v1/templates/{kept['id']}"
    assert (await w.acme.put(path, json={**kept, "name": "Other"})).json() == {
        **kept,
        "name": "Other",
        "v": 2,
        "updated_at": "2026-01-01T01:00:00Z",
    }
    changed = {"id": "t-x", "v": 1, "org_id": 5, "created_at": None, "updated_at": "", "name": ""}
    refused = await w.acme.put(path, json={**mine, **changed})
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        *((f"/{name}", "read_only") for name in ("id", "v", "org_id", "created_at", "updated_at")),
        ("/name", "too_short"),
    ]
    refused = await w.acme.post("/v1/templates", json={**mine, "id": kept["id"], "org_id": w.acme_id})
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/id", "read_only"),
        ("/org_id", "read_only"),
    ]


async def test_an_unchanged_template_is_no_new_version(w: World) -> None:
    template_id = await w.template(BOOLEAN, step("number", config={"min": 1.0}))
    path = f"/v1/templates/{template_id}"
    kept = (await w.acme.get(path)).json()
    w.clock.forward(hours=1)
    assert (await w.acme.put(path, json=kept)).json() == kept
    assert (await w.acme.put(path, json={**kept, "name": " Check "})).json()["v"] == 1
    assert len((await w.acme.get(f"{path}/versions")).json()["data"]) == 1
    assert (await w.acme.put(path, json={**kept, "description": None})).json()["v"] == 2


async def test_a_version_in_between_is_noticed(w: World) -> None:
    path = f"/v1/templates/{await w.template(BOOLEAN)}"
    first = await w.acme.get(path)
    tag = first.headers["etag"]
    changed = {**first.json(), "name": "Mine"}
    assert (await w.acme.put(path, json=changed, headers={"if-match": tag})).status_code == 200
    late = await w.acme.put(path, json={**first.json(), "v": 2, "name": "Yours"}, headers={"if-match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "version_mismatch")
    for good in ("*", f'"x", {tag[:-2]}2"'):
        assert (
            await w.acme.put(path, json={"name": "Mine", "steps": [BOOLEAN]}, headers={"if-match": good})
        ).status_code == 200


async def test_what_is_sent_again_without_ids_is_no_new_version(w: World) -> None:
    options = [{"label": "Gas"}, {"id": "o-oil", "label": "Oil"}]
    steps = [{"type": "choice", "label": "Fuel?", "config": {"options": options}}, BOOLEAN]
    mine = {"name": "Check", "sections": [{"title": "Cellar", "steps": steps}]}
    kept = (await w.acme.post("/v1/templates", json=mine)).json()
    path = f"/v1/templates/{kept['id']}"
    assert (await w.acme.put(path, json=mine)).json() == kept, "with the ids that were made the first time"
    named = kept["sections"][0]["steps"]
    moved = {**mine, "sections": [{"title": "Cellar", "steps": [named[1], named[0]]}]}
    assert (await w.acme.put(path, json=moved)).json()["v"] == 2
    other = {**mine, "sections": [{"title": "Cellar", "steps": [steps[0], {**BOOLEAN, "id": "s-other"}]}]}
    assert (await w.acme.put(path, json=other)).json()["v"] == 3
    assert (await w.acme.put(path, json={**other, "tags": ["new"]})).json()["v"] == 4
    assert (await w.acme.put(path, json={**other, "tags": ["new"]})).json()["v"] == 4


async def test_an_archived_template_comes_back_as_it_is(w: World) -> None:
    path = f"/v1/templates/{await w.template(BOOLEAN)}"
    await w.acme.delete(path)
    gone = (await w.acme.get(path)).json()
    back = await w.acme.put(path, json=gone)
    assert (back.json()["v"], back.json()["archived_at"]) == (1, None)
    assert (await w.acme.get(path)).json() == back.json()
    assert (await w.acme.post("/v1/runs", json={"template_id": gone["id"]})).status_code == 201


async def test_the_entity_tag_says_that_a_template_is_archived(w: World) -> None:
    path = f"/v1/templates/{await w.template(BOOLEAN)}"
    plain = (await w.acme.get(path)).headers["etag"]
    await w.acme.delete(path)
    gone = await w.acme.get(path, headers={"if-none-match": plain})
    assert (gone.status_code, gone.json()["archived_at"]) == (200, "2026-01-01T00:00:00Z")
    archived = gone.headers["etag"]
    assert (await w.acme.get(path, headers={"if-none-match": archived})).status_code == 304

    async def put(name: str, tag: str) -> int:
        body = {"name": name, "steps": [BOOLEAN]}
        return (await w.acme.put(path, json=body, headers={"if-match": tag})).status_code

    assert await put("Check", archived) == 200, "which brings it back"
    assert await put("Late", archived) == 412
    await w.acme.delete(path)
    assert await put("Two", plain) == 200, "the version is the one that was got"
