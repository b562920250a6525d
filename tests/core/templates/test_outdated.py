"""Which translations are outdated, as templates change."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, strategies as some

from rundun.core.templates import outdated
from rundun.core.templates.outdated import Outdated, digest
from tests.helpers.strategies.strategies import templates

STEP = {"id": "s-fuel", "type": "choice", "label": "Fuel", "config": {"options": [{"id": "o-full", "label": "Full"}]}}
TEXTS = {"s-fuel": {"label": "Tanque"}, "o-full": {"label": "Lleno"}}


def checklist(label: str = "Fuel", spanish: str = "Tanque", **more: Any) -> dict[str, Any]:
    texts = {**TEXTS, "s-fuel": {"label": spanish}}
    return {"name": "Boat", "steps": [{**STEP, "label": label}], "translations": {"es": texts}, **more}


STALE: Outdated = {"es": {"s-fuel": {"label": digest("Fuel")}}}


def test_a_translation_of_a_text_that_was_changed_is_outdated() -> None:
    assert outdated.after_change({}, checklist(), checklist("Fuel in the tank")) == STALE


def test_it_stays_so_until_it_is_rewritten_or_the_text_is_as_it_was() -> None:
    changed = checklist("Fuel in the tank")
    assert outdated.after_change(STALE, changed, checklist("Diesel")) == STALE
    assert outdated.after_change(STALE, changed, checklist("Fuel in the tank", "Combustible")) == {}
    assert outdated.after_change(STALE, changed, checklist()) == {}
    assert outdated.after_change(STALE, changed, checklist("Diesel", "Combustible")) == {}


def test_a_text_of_another_spelling_of_the_same_characters_is_no_other_text() -> None:
    assert outdated.after_change({}, checklist("Tür"), checklist(" Tu\u0308r ")) == {}


def test_a_text_that_is_missing_is_an_empty_one() -> None:
    hinted = checklist(translations={"es": {"s-fuel": {"hint": "Mire"}}})
    asked = deepcopy(hinted)
    asked["steps"][0]["hint"] = "Look"
    assert outdated.after_change({}, hinted, asked) == {"es": {"s-fuel": {"hint": digest("")}}}
    removed = outdated.after_change({}, asked, hinted)
    assert removed == {"es": {"s-fuel": {"hint": digest("Look")}}}
    other = deepcopy(hinted)
    other["steps"][0]["hint"] = "See"
    assert outdated.after_change(removed, hinted, other) == removed
    assert outdated.after_change(removed, hinted, asked) == {}


def test_what_is_translated_for_the_first_time_is_up_to_date() -> None:
    assert outdated.after_change({}, checklist(translations={}), checklist("Diesel")) == {}
    assert outdated.after_change(STALE, checklist("Diesel"), checklist("Diesel", translations={})) == {}


def test_what_goes_and_comes_back_is_as_it_was() -> None:
    changed = checklist("Diesel")
    gone = outdated.after_change(STALE, changed, {**changed, "steps": []})
    assert outdated.after_change(gone, {**changed, "steps": []}, changed) == STALE


def test_each_text_is_digested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a draft with all languages there are, which may be 512 KiB."""
    digested: list[str] = []
    monkeypatch.setattr(outdated, "digest", lambda text: digested.append(text) or digest(text))
    tags = {f"en-x-{number}": {"s-fuel": {"label": "T"}} for number in range(600)}
    before, after = checklist("A" * 100_000, translations=tags), checklist("B", translations=tags)
    assert len(outdated.after_change({}, before, after)) == 600
    outdated.after_change({}, before, before)
    outdated.read_sent({tag: {"s-fuel": {"label": {"text": "A"}}} for tag in tags}, after)
    assert digested == ["A" * 100_000, "B", "A", "B"]


def test_what_an_editor_sends_is_read() -> None:
    changed = checklist("Diesel")
    assert outdated.read_sent({"es": {"s-fuel": {"label": {"text": "Fuel"}}}}, changed) == STALE
    assert outdated.read_sent({"es": {"s-fuel": {"label": {"digest": digest("Fuel")}}}}, changed) == STALE
    for nonsense in (
        {},
        {"es": {"s-fuel": {"label": {"text": "Diesel"}}}},
        {"es": {"s-fuel": {"label": {"digest": "x" * 10_000}}}},
        {"es": {"s-fuel": {"label": "Fuel", "hint": {"text": "T"}}, "s-gone": {"label": {"text": "T"}}}},
        {"es": [], "de": {"s-fuel": {"label": {"text": "T"}}}},
        {"es": {"s-fuel": {"label": {"text": 5}}}},
        {"es": {"s-fuel": {"label": {"digest": 1234567890123456}}}},
    ):
        assert outdated.read_sent(nonsense, changed) == {}


def test_they_are_counted_by_language() -> None:
    assert outdated.count({"es": {"s-1": {"label": "d", "hint": "d"}, "o-1": {"label": "d"}}, "de": {}}) == {
        "es": 3,
        "de": 0,
    }


@given(templates(), templates())
def test_every_template_can_follow_another(before: Any, after: Any) -> None:
    listed = outdated.after_change({}, before, after)
    assert outdated.after_change(listed, after, after) == listed, "nothing is confirmed by storing it again"
    assert outdated.after_change({}, after, after) == {}


@given(
    some.recursive(
        some.none() | some.text() | some.integers(),
        lambda one: (
            some.lists(one)
            | some.dictionaries(
                some.sampled_from(
                    ["steps", "sections", "fields", "translations", "id", "label", "config", "options", "es"]
                ),
                one,
            )
        ),
    )
)
def test_every_json_can_be_a_draft(data: Any) -> None:
    assert outdated.after_change({}, data, data) == {}
    assert outdated.read_sent(data, data) == {}
