"""The page and the server read a checklist alike: the same cases, and random ones, through both."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as some
from playwright.async_api import Page

from rundun.core import text
from rundun.core.runs import progress
from rundun.core.runs.answer import MAX_BARCODE, Answer, read_value
from rundun.core.templates import rules
from rundun.core.templates.steps import TextConfig
from rundun.core.templates.template import Template
from rundun.errors import Invalid
from tests.helpers.modules import CASES, in_page
from tests.helpers.strategies.conditions import with_slots

VALUES = json.loads((CASES / "values.json").read_text())
CONDITIONS = json.loads((CASES / "conditions.json").read_text())
FLAGS = json.loads((CASES / "flags.json").read_text()) + json.loads((CASES / "slots.json").read_text())
CONFIG = {
    "choice": {"options": [{"id": "o-c1", "label": "1"}, {"id": "o-c2", "label": "2"}]},
    "multi_choice": {"options": [{"id": f"o-m{i}", "label": str(i)} for i in range(3)]},
    "instruction": {"body": "Read."},
}


# What the server makes of a checklist, in the words of the shared cases.


def template_of(steps: list[dict[str, Any]]) -> Template:
    """The steps of a case, with the labels and options that a case leaves out."""
    whole = []
    for step in steps:
        config = step.get("config") or unique(CONFIG.get(step["type"]), step["id"])
        whole.append({"label": "?", **step, **({"config": config} if config else {})})
    return rules.read_template({"name": "Case", "steps": whole}, lambda prefix: f"{prefix}made")


def unique(config: dict[str, Any] | None, step_id: str) -> dict[str, Any] | None:
    """Options carry ids that are unique in a template, so each step gets its own."""
    return config and json.loads(json.dumps(config).replace('"o-', f'"o-{step_id[2:]}-'))


def server_says(template: Template, case: dict[str, Any]) -> dict[str, Any]:
    signed = case.get("signed", [])
    answers = {
        step_id: Answer(
            answer_id=None,
            value=given.get("value"),
            skipped=given.get("skipped", False),
            unable=given.get("unable"),
            photos=tuple(given.get("photos", ())),
            geo=None,
            signature=1 if step_id in signed else None,
            at=0,
            answered_at=None,
            by=None,
        )
        for step_id, given in case["answers"].items()
    }
    step_states = progress.evaluate(list(template.all_steps()), answers, with_slots(case.get("arrived", {})))
    return {
        "visible": [step_id for step_id, one in step_states.items() if one.visible],
        "done": [step_id for step_id, one in step_states.items() if one.done],
        "missing": {one.step_id: one.code for one in progress.missing_steps(step_states)},
        "empty_slots": {one.step_id: list(one.slots) for one in progress.missing_steps(step_states) if one.slots},
        "progress": progress.count_progress(step_states),
        "flagged": [step_id for step_id, one in step_states.items() if one.flagged],
    }


PAGE_SAYS = """given.map(([template, answers, arrived, signed]) => {
  const { steps, progress } = m.evaluate(template, answers, arrived, signed);
  const those = (test) => [...steps].filter(([, one]) => test(one)).map(([id]) => id);
  return {
    visible: those((one) => one.visible), done: those((one) => one.done), progress,
    flagged: those((one) => one.flagged),
    missing: Object.fromEntries([...steps].filter(([, one]) => one.missing).map(([id, one]) => [id, one.missing])),
    empty_slots: Object.fromEntries(
      [...steps].filter(([, one]) => one.missing && one.emptySlots.length).map(([id, one]) => [id, one.emptySlots])),
  };
})"""


async def page_says(page: Page, cases: list[tuple[Template, dict[str, Any]]]) -> list[dict[str, Any]]:
    given = []
    for template, case in cases:
        answers = {
            step_id: {**one, "unable": {"reason": one["unable"]}} if one.get("unable") else one
            for step_id, one in case["answers"].items()
        }
        given.append(
            [json.loads(rules.as_json(template)), answers, with_slots(case.get("arrived", {})), case.get("signed", [])]
        )
    result: list[dict[str, Any]] = await in_page(page, "rules", PAGE_SAYS, given)
    return result


def told(case: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Of what was said of a case, that which the case tells."""
    return {key: said[key] for key in ("visible", "done", "missing", "empty_slots", "flagged") if key in case}


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """What a case tells."""
    return told(case, case)


@pytest.mark.parametrize("case", CONDITIONS + FLAGS, ids=[case["about"] for case in CONDITIONS + FLAGS])
def test_the_server_reads_the_shared_cases(case: dict[str, Any]) -> None:
    assert told(case, server_says(template_of(case["steps"]), case)) == expected(case)


async def test_the_page_reads_the_shared_cases(page: Page) -> None:
    cases = [(template_of(case["steps"]), case) for case in CONDITIONS + FLAGS]
    for case, said in zip(CONDITIONS + FLAGS, await page_says(page, cases), strict=True):
        assert told(case, said) == expected(case), case["about"]


# Random checklists.

TYPES = ["boolean", "choice", "multi_choice", "text", "number", "rating", "photo", "signature", "instruction"]
WORDS = some.sampled_from(["red", "Red", "a red door", "é", "0"])
NUMBERS = some.sampled_from([-1, 0, 0.5, 1, 2, 3, 3.5, 4])
OPERATORS = {
    "boolean": ["eq", "neq"],
    "choice": ["eq", "neq"],
    "multi_choice": ["eq", "neq", "contains", "not_contains"],
    "text": ["eq", "neq", "contains", "not_contains"],
    "number": ["eq", "neq", "gt", "lt", "gte", "lte"],
    "rating": ["eq", "neq", "gt", "lt", "gte", "lte"],
}


def values(step: dict[str, Any]) -> some.SearchStrategy[Any]:
    """A valid answer of the step."""
    options = [option["id"] for option in (step.get("config") or {}).get("options", [])]
    match step["type"]:
        case "boolean":
            return some.booleans()
        case "choice":
            return some.sampled_from(options)
        case "multi_choice":
            return some.sets(some.sampled_from(options)).map(lambda chosen: [o for o in options if o in chosen])
        case "text":
            return WORDS
        case "number":
            return NUMBERS
        case "rating":
            return some.integers(1, 5)
    return some.none()


@some.composite
def comparisons(draw: some.DrawFn, earlier: list[dict[str, Any]]) -> dict[str, Any]:
    step = draw(some.sampled_from(earlier))
    op = draw(some.sampled_from([*OPERATORS.get(step["type"], []), "answered", "skipped"]))
    when = {"step": step["id"], "op": op}
    if op in ("contains", "not_contains") and step["type"] == "multi_choice":
        when["value"] = draw(some.sampled_from([option["id"] for option in step["config"]["options"]]))
    elif op not in ("answered", "skipped"):
        when["value"] = draw(values(step))
    return {"when": when}


@some.composite
def own_comparisons(draw: some.DrawFn, step: dict[str, Any]) -> dict[str, Any]:
    """A comparison with the step's own answer."""
    when = draw(comparisons([step]).filter(lambda one: one["when"]["op"] != "skipped"))["when"]
    return {name: value for name, value in when.items() if name != "step"}


def conditions(earlier: list[dict[str, Any]]) -> some.SearchStrategy[Any]:
    return joined(comparisons(earlier))


def joined(single: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    return some.recursive(
        single,
        lambda inner: some.fixed_dictionaries(
            {"op": some.sampled_from(["and", "or"]), "rules": some.lists(inner, min_size=1, max_size=3)}
        ),
        max_leaves=4,
    ).filter(lambda condition: depth(condition) <= 5)


def depth(condition: dict[str, Any]) -> int:
    return 1 + max((depth(rule) for rule in condition.get("rules", [])), default=0)


@some.composite
def cases(draw: some.DrawFn) -> dict[str, Any]:
    """A checklist whose later steps hang on earlier ones, some flagged by their own answers, some photos with slots,
    and somebody's answers, of hidden steps as well.
    """
    steps: list[dict[str, Any]] = []
    answers: dict[str, Any] = {}
    arrived: dict[str, dict[str, str | None]] = {}
    signed: list[str] = []
    for index in range(draw(some.integers(1, 7))):
        kind = draw(some.sampled_from(TYPES))
        step: dict[str, Any] = {"id": f"s-{index}", "type": kind, "required": draw(some.booleans())}
        if kind in CONFIG:
            step["config"] = unique(CONFIG[kind], step["id"])
        if kind == "photo":
            slots = [{"id": f"p-{index}-{n}", "label": str(n)} for n in range(draw(some.integers(0, 3)))]
            step["config"] = {"slots": slots} if slots else {"min": draw(some.integers(1, 2)), "max": 3}
        elif draw(some.booleans()):
            step["photo"] = {"min": draw(some.integers(0, 2)), "max": 3}
        if steps and draw(some.booleans()):
            step["condition"] = draw(conditions(steps))
        if draw(some.booleans()):
            step["flag"] = {"when": draw(joined(own_comparisons(step)))}
        photos = [f"ph-{n}" for n in range(draw(some.integers(0, 3)))] if "photo" in (kind, *step) else []
        here = draw(some.permutations(photos))[: draw(some.integers(0, 3))]
        slot_ids = [slot["id"] for slot in (step.get("config") or {}).get("slots", [])] or [None]
        arrived[step["id"]] = {photo: draw(some.sampled_from(slot_ids)) for photo in here}
        answer = draw(
            some.sampled_from([None, {"skipped": True}, {"unable": "no"}, *[{"value": None, "photos": photos}] * 3])
        )
        if answer is not None:
            answers[step["id"]] = {**answer, "value": draw(values(step))} if "value" in answer else answer
        if kind == "signature" and "value" in (answer or {}) and draw(some.booleans()):
            signed.append(step["id"])
        steps.append(step)
    return {"steps": steps, "answers": answers, "arrived": arrived, "signed": signed}


def drawn(strategy: some.SearchStrategy[Any], count: int) -> list[Any]:
    """Examples to send to the browser together: one trip for hundreds of them."""
    found: list[Any] = []

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found


async def test_page_and_server_agree_on_random_checklists(page: Page) -> None:
    found = drawn(cases(), 120)
    read = [(template_of(case["steps"]), case) for case in found]
    for (template, case), said in zip(read, await page_says(page, read), strict=True):
        assert said == server_says(template, case), json.dumps(case)


# Values.


def test_the_server_reads_the_shared_values() -> None:
    for raw, kept in VALUES["clean"]:
        assert text.clean(raw) == kept, ascii(raw)
    for raw, kept in VALUES["capitals"]:
        assert text.capitals(text.clean(raw)) == kept, ascii(raw)
    for raw, count in VALUES["length"]:
        assert len(text.clean(raw)) == count, ascii(raw)
    for step, value, is_fine in VALUES["values"]:
        (read,) = template_of([{"id": "s-a", **step}]).all_steps()
        try:
            read_value(read, value)
        except Invalid:
            assert not is_fine, (step, value)
        else:
            assert is_fine, (step, value)


async def test_the_page_reads_the_shared_values(page: Page) -> None:
    for key, expression in {
        "clean": "given.map(([raw]) => m.tidy(raw))",
        "capitals": "given.map(([raw]) => m.capitals(raw))",
        "length": "given.map(([raw]) => m.length(raw))",
        "typed_numbers": "given.map(([raw]) => m.parseNumber(raw))",
        "values": "given.map(([step, value]) => m.complaint(step, value) === null)",
        "typed_in": "given.map(([lang, raw]) => m.parseNumber(raw, m.decimalMark(lang)))",
    }.items():
        said = await in_page(page, "rules", expression, VALUES[key])
        assert [(case[:-1], one) for case, one in zip(VALUES[key], said, strict=True)] == [
            (case[:-1], case[-1]) for case in VALUES[key]
        ]


LETTERS = some.characters(exclude_categories=["Cs"])
BLANKS = some.sampled_from([*text.WHITE_SPACE, "\u200b", "\u180e", "\x1c", "\u0301", "\u1161"])


async def test_page_and_server_have_the_same_limits(page: Page) -> None:
    limits = await in_page(page, "rules", "[m.MAX_TEXT, m.MAX_BARCODE]", None)
    assert limits == [TextConfig().max_length, MAX_BARCODE]


async def test_page_and_server_trim_and_count_alike(page: Page) -> None:
    words = drawn(some.text(LETTERS | BLANKS, max_size=30), 200)
    said = await in_page(page, "rules", "given.map((raw) => [m.tidy(raw), m.length(m.tidy(raw))])", words)
    for word, (kept, count) in zip(words, said, strict=True):
        assert (kept, count) == (text.clean(word), len(text.clean(word))), ascii(word)


# Letters that got their capitals in Unicode 15 and 16: the page's engine may know of them, and sends what it made.
NEW_CAPITALS = "\u019b\u0264\ua7cd\ua7db\U00010d70"


async def test_page_and_server_write_capitals_alike(page: Page) -> None:
    letters = some.characters(codec="utf-8", exclude_categories=["Cs", "Cn"], exclude_characters=NEW_CAPITALS)
    latin = some.characters(min_codepoint=0x61, max_codepoint=0x24F, exclude_characters=NEW_CAPITALS)
    greek = some.characters(min_codepoint=0x370, max_codepoint=0x4FF, exclude_categories=["Cn"])
    more = some.sampled_from("\u0345\u0301\u0307\ufb01\u1fb4\u0149\u01f0 ")
    words = drawn(some.text(latin | greek | more | letters, max_size=12), 200)
    said = await in_page(page, "rules", "given.map((raw) => m.capitals(raw))", words)
    for word, capitals in zip(words, said, strict=True):
        assert capitals == text.capitals(text.clean(word)), ascii(word)
        assert text.capitals(text.clean(capitals)) == capitals, ascii(word)


async def test_page_and_server_count_decimals_alike(page: Page) -> None:
    numbers = drawn(
        some.decimals(-1000, 1000, places=8).map(float) | some.floats(-1e6, 1e6).map(lambda n: n + 0.0), 300
    )
    steps = [template_of([{"id": "s-a", "type": "number", "config": {"decimals": n}}]) for n in range(7)]

    def fits(template: Template, number: float) -> bool:
        (step,) = template.all_steps()
        try:
            read_value(step, number)
        except Invalid:
            return False
        return True

    expression = """given.map((n) => [0, 1, 2, 3, 4, 5, 6].map(
        (decimals) => m.complaint({ type: "number", config: { decimals } }, n) === null))"""
    said = await in_page(page, "rules", expression, numbers)
    for number, row in zip(numbers, said, strict=True):
        assert row == [fits(template, number) for template in steps], number
