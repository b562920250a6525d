"""What a checklist's conditions cost: bounded for new versions, and linear for those that were there before."""

from typing import Any

from hypothesis import given, strategies as some

from rundun.actions.templates.templates import read_sent
from rundun.core.templates import condition
from rundun.core.templates.condition import Comparison, KnownStep
from rundun.core.templates.rules import as_json, read_template
from rundun.store.templates import templates as template_rows
from tests.helpers.service import World
from tests.helpers.strategies.conditions import when

NEEDLE = "a" * 49 + "b" + "a" * 49


def searching(values: list[str], max_length: int = 20_000) -> dict[str, Any]:
    """The audit's checklist: steps whose conditions search the text of the first one, fifty times each."""
    steps: list[dict[str, Any]] = [
        {"id": "s-0", "type": "text", "label": "t", "required": False, "config": {"max_length": max_length}}
    ]
    for start in range(0, len(values), 50):
        rules = [when("s-0", "contains", value) for value in values[start : start + 50]]
        shown = {"op": "or", "rules": rules}
        steps.append({"id": f"s-{len(steps)}", "type": "text", "label": "l", "required": False, "condition": shown})
    return {"name": "Search", "steps": steps}


def distinct(count: int, length: int = 99) -> list[str]:
    """So many different values."""
    return [f"{n:b}".replace("0", "a").replace("1", "c").rjust(length, "a") for n in range(1, count + 1)]


def errors(template: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with a draft."""
    return [(one.pointer, one.code) for one in read_sent(template).errors]


def test_what_all_searches_cost_is_bounded_and_no_honest_checklist_meets_the_bound() -> None:
    assert errors(searching(distinct(100, 100), 2000)) == []
    assert errors(searching(distinct(1000, 15), 1000)) == []
    assert errors(searching(["leak"] * 2000)) == [], "the same again costs nothing"
    assert errors(searching(distinct(115), 2000)) == [("/steps/0/config/max_length", "too_long")]
    assert errors(searching(distinct(50, 2000))) == []
    assert errors(searching(distinct(51))) == [("/steps/0/config/max_length", "too_long")]
    several = searching(distinct(26))
    others = [{**several["steps"][0], "id": "s-x"}, {**several["steps"][0], "id": "s-y", "config": {"max_length": 10}}]
    for other, count in zip(others, (26, 1), strict=True):
        rules = [when(other["id"], "not_contains", value) for value in distinct(count)]
        several["steps"] += [other, {"type": "boolean", "label": "?", "condition": {"op": "and", "rules": rules}}]
    assert errors(several) == [(f"/steps/{at}/config/max_length", "too_long") for at in (0, 2)], "the dearest"


async def test_a_checklist_that_was_stored_before_the_bound_goes_on(w: World) -> None:
    heavy = searching(distinct(2000))
    refused = await w.acme.post("/v1/templates", json=heavy)
    assert refused.status_code == 422
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/steps/0/config/max_length", "too_long")
    ]
    template = read_template(heavy, lambda prefix: f"{prefix}made")
    stored = await w.database.write(template_rows.add, w.acme_id, template, as_json(template))
    path = f"/v1/templates/{stored.template_id}"
    same = await w.acme.put(path, json=heavy)
    assert (same.status_code, same.json()["v"]) == (200, 1), "what is there already is no new version"
    assert (await w.acme.put(path, json={**heavy, "name": "Other"})).status_code == 422
    assert (await w.acme.put(path, json=searching(distinct(2)))).json()["v"] == 2
    assert (await w.acme.put(path, json=heavy)).status_code == 422, "an old version is not the current one"


async def test_a_run_of_such_a_checklist_goes_on(w: World) -> None:
    template = read_template(searching(distinct(60)), lambda prefix: f"{prefix}made")
    stored = await w.database.write(template_rows.add, w.acme_id, template, as_json(template))
    ed = await w.dispatch(stored.template_id)
    await ed.start()
    assert (await ed.answer("s-0", "b" * 19_000 + distinct(60)[-1])).json()["run"]["progress"]["total"] == 2
    assert (await ed.answer("s-0", "a" * 20_000)).json()["run"]["progress"]["total"] == 1
    assert (await ed.state())["answers"].keys() == {"s-0"}


class Searched(str):
    """A text that notes how long it was when it was searched, and for what."""

    __slots__ = ()
    searches: list[tuple[int, str]] = []

    def __contains__(self, part: object) -> bool:
        self.searches.append((len(self), str(part)))
        return str.__contains__(self, str(part))

    def ljust(self, *args: Any) -> "Searched":
        return Searched(str.ljust(self, *args))


def test_equal_comparisons_search_a_text_once_and_never_a_short_text_for_long() -> None:
    """CPython goes through texts from 30,000 characters in linear time only (Objects/stringlib/fastsearch.h)."""
    Searched.searches.clear()
    step = KnownStep("answered", Searched("a" * 20_000))
    for op in ("contains", "not_contains") * 3:
        for value in (NEEDLE, "ab"):
            rule = Comparison.model_validate(when("s-0", op, value))
            assert condition.is_true(rule, {"s-0": step}) is (op == "not_contains")
    assert Searched.searches == [(30_000, NEEDLE), (20_000, "ab")]


characters = some.text(some.sampled_from("ab\0é\u0600\U0001f600"), max_size=6)


@given(some.lists(characters, min_size=1, max_size=8), characters, some.integers(0, 5000), some.integers(1, 400))
def test_a_search_finds_what_is_there_in_any_script(parts: list[str], rest: str, times: int, repeated: int) -> None:
    text = "".join(parts).replace("\0", "") * times + rest.replace("\0", "")
    for part in (parts[0] * repeated, text[len(text) // 3 :][:900], text[-99:] + "a"):
        part = part.replace("\0", "")
        if part:
            assert KnownStep("answered", text).contains(part) is (part in text)
