"""What the editor does to a template, with random templates and operations, in the browser that does it."""

import json
from typing import Any

from hypothesis import strategies as some
from playwright.async_api import Page

from rundun.core.templates import rules
from rundun.core.templates.condition_rules import OPERATORS
from rundun.errors import Invalid
from rundun.wording.template_words import TYPES
from tests.browser.executor.steps.test_parity import drawn
from tests.helpers.modules import module
from tests.helpers.strategies.strategies import templates

FITTING = {kind: [op for op, kinds in OPERATORS.items() if kind in kinds] for kind in TYPES}
NAMES = ("template", "operations", "conditions", "merge", "history", "showable", "lines", "translations")
# `act` does an operation chosen by whole numbers: every one that the page has, at any part. It returns the template and
# the ids of the parts that the operation may remove.
OPERATE = """
let made = 0;
const makeId = (prefix) => `${prefix}new${(made += 1)}`;
const naming = { makeId, firstTitle: "First" };
const pick = (list, number) => list[number % list.length];
function act(template, [kind, which, other]) {
  const parts = [...m.partsOf(template)];
  const rows = m.outlineOf(template);
  if (!rows.length) return [template, []];
  const steps = rows.filter(({ isHeading }) => !isHeading);
  const [id, { part, list, path }] = pick(parts, which);
  const step = pick(steps.length ? steps : rows, which);
  const inside = (one) => parts.filter(([, { path: inner }]) =>
    m.partsOf(template).get(one).path.every((name, index) => inner[index] === name)).map(([key]) => key);
  const row = pick(rows, which);
  const section = { id: makeId("g-"), title: "", steps: [] };
  const fresh = m.newStep(pick(m.TYPES, other), makeId);
  const field = { id: makeId("f-"), label: "F", kind: "text" };
  const removedByType = steps.length ? inside(step.id).filter((key) => key !== step.id) : [];
  if (!steps.length && [4, 10, 11, 12].includes(kind)) return [template, []];
  switch (kind) {
    case 0: return [m.setMember(template, id, [list === "sections" ? "title" : "label"], `Text ${other}`), []];
    case 1: return [m.setMember(template, "", ["settings", "allow_skip"], other % 2 ? true : undefined), []];
    case 2: return [m.addRows(template, row.id, [{ part: fresh, isHeading: false }], naming), []];
    case 3: return [m.insertRows(template, row.id, [{ part: section, isHeading: true }], naming), [row.id]];
    case 4: return [m.makeHeading(template, step.id, makeId("g-"), naming), inside(step.id)];
    case 5: return [m.removePart(template, id), inside(id)];
    case 6: return row.isHeading ? [m.removeHeading(template, row.id), [row.id]] : [template, []];
    case 7: return [m.movePart(template, id, other % 2 ? 1 : -1), []];
    case 8: return [m.movePartAfter(template, row.id, pick(rows, other).id), []];
    case 9: return [m.duplicatePart(template, id, makeId)[0], []];
    case 10: return [m.changeType(template, step.id, pick(m.TYPES, other), makeId), removedByType];
    case 11: return [m.addParts(template, "", ["fields"], [field]), []];
    default: return [m.setMember(template, step.id, ["flag"], undefined), []];
  }
}
"""
FIELDS = [{"id": f"f-{n}", "label": f"Field {n}", "kind": "text"} for n in range(3)]
NUMBERS = some.integers(0, 10_000)
OPERATIONS = some.lists(some.tuples(some.integers(0, 12), NUMBERS, NUMBERS), min_size=1, max_size=12)


async def ask(page: Page, script: str, given: Any) -> Any:
    """The value of `script`, the body of a function of `given`, with all modules of the editor's core in `m`."""
    paths = [module(name, "console/templates/editor") for name in NAMES]
    imports = f"const m = Object.assign({{}}, ...await Promise.all({json.dumps(paths)}.map((path) => import(path))));"
    return await page.evaluate(f"async (given) => {{ {imports} {OPERATE} {script} }}", given)


async def test_what_is_read_is_written_as_it_was(page: Page) -> None:
    found = [json.dumps(template, ensure_ascii=False) for template in drawn(templates(), 80)]
    script = """return given.map((text) => {
      const read = m.withIds(JSON.parse(text), makeId);
      const again = { ...read, ...m.withOutline(read, m.outlineOf(read)) };
      return [m.isShowable(read), JSON.stringify(read), JSON.stringify(again)];
    });"""
    for text, (is_showable, read, again) in zip(found, await ask(page, script, found), strict=True):
        assert is_showable, text
        assert json.loads(read) == json.loads(text)
        assert json.loads(again) == json.loads(text), "the outline has all there is"


async def test_the_greatest_template_can_be_shown(page: Page) -> None:
    step = {"type": "text", "label": "T"}
    sections = [
        {"id": f"g-{n}", "title": "S", "steps": [{**step, "id": f"s-{n}-{m}"} for m in range(5)]} for n in range(100)
    ]
    fields = [{"id": f"f-{n}", "label": "F", "kind": "text"} for n in range(30)]
    given = {"name": "Great", "sections": sections, "fields": fields}
    rules.read_template(given, lambda prefix: prefix)
    assert await ask(page, "return m.isShowable(given);", given)


async def test_every_state_comes_back_by_undo_and_redo(page: Page) -> None:
    given = drawn(some.tuples(templates(), OPERATIONS), 80)
    script = """return given.map(([template, operations]) => {
      const history = new m.History(template);
      const states = [template];
      for (const one of operations) {
        const [next] = act(history.template, one);
        if (next === history.template) continue;
        history.act(next);
        states.push(next);
      }
      const back = [], forth = [];
      while (history.canUndo) back.push(history.undo() && history.template);
      while (history.canRedo) forth.push(history.redo() && history.template);
      const same = (found, expected) =>
        found.length === expected.length && found.every((one, index) => one === expected[index]);
      return [states.length, same(back, states.toReversed().slice(1)), same(forth, states.slice(1))];
    });"""
    said = await ask(page, script, given)
    assert [one for one in said if one[1:] != [True, True]] == []
    assert max(count for count, _, _ in said) > 8


async def test_ids_stay_and_only_what_is_removed_goes(page: Page) -> None:
    given = drawn(some.tuples(templates(), OPERATIONS), 80)
    script = """return given.map(([template, operations]) => {
      let now = template;
      for (const one of operations) {
        const [next, removed] = act(now, one);
        const [before, after] = [now, next].map((each) => [...m.partsOf(each).keys()]);
        const all = m.outlineOf(next).flatMap(({ id, part }) => [id, ...["options", "slots"].flatMap((list) =>
          (part.config?.[list] ?? []).map((inner) => inner.id))]);
        const lost = before.filter((id) => !after.includes(id) && !removed.includes(id));
        const translated = Object.values(next.translations ?? {}).flatMap(Object.keys);
        const stray = translated.filter((id) => id && !after.includes(id));
        if (lost.length || new Set(all).size !== all.length || stray.length) return [one, lost, all, stray];
        now = next;
      }
      return null;
    });"""
    assert [said for said in await ask(page, script, given) if said] == []


async def test_each_dangling_condition_is_known_before_the_server_says_so(page: Page) -> None:
    given = [
        (template, operations, FITTING)
        for template, operations in drawn(some.tuples(templates(dependent=True), OPERATIONS), 120)
    ]
    script = """return given.map(([template, operations, operators]) => {
      let now = template;
      for (const one of operations) [now] = act(now, one);
      return [now, [...m.danglingSteps(now, operators)], [...m.danglingSteps(template, operators)]];
    });"""
    count = 0
    for (template, _, _), (changed, dangling, at_first) in zip(given, await ask(page, script, given), strict=True):
        assert at_first == [], "a valid template has none"
        found = dangling_by_the_server(changed)
        assert found <= set(dangling), template
        count += len(found)
    assert count > 10


def dangling_by_the_server(template: dict[str, Any]) -> set[str]:
    """The ids of the steps of which the server says that a comparison has no or another step, or does not fit it."""
    try:
        rules.read_template(template, lambda prefix: f"{prefix}made")
    except Invalid as invalid:
        steps = dict(rules.raw_steps(template))
        compared = ("/when/step", "/op", "/value")
        return {
            step["id"]
            for error in invalid.errors
            if error.pointer.endswith(compared) and ("/condition" in error.pointer or "/flag" in error.pointer)
            for pointer, step in steps.items()
            if error.pointer.startswith(f"{pointer}/")
        }
    return set()


async def test_copies_ask_about_copies(page: Page) -> None:
    given = [template for template in drawn(templates(dependent=True), 50) if template.get("sections")]
    script = """return given.map((template) => {
      const { id } = template.sections.find(({ steps }) => steps.length);
      const [copied, copy] = m.duplicatePart(template, id, makeId);
      const [before, after] = [id, copy].map((one) => m.partOf(copied, one).steps);
      const inner = before.map((step) => step.id);
      const compared = (steps) => steps.flatMap((step) => m.comparisonsOf(step).map((one) => one.compared));
      return compared(before).map((one, index) => {
        const other = compared(after)[index];
        return inner.includes(one) ? other === after[inner.indexOf(one)].id : other === one;
      });
    });"""
    said = [each for one in await ask(page, script, given) for each in one]
    assert all(said)
    assert len(said) > 10


async def test_a_copied_choice_flags_its_own_options(page: Page) -> None:
    options = [{"id": "o-1", "label": "One"}, {"id": "o-2", "label": "Two"}]
    flag = {"when": {"op": "or", "rules": [{"op": "eq", "value": "o-2"}, {"op": "answered"}]}}
    step = {"id": "s-1", "type": "choice", "label": "Which?", "config": {"options": options}, "flag": flag}
    translations = {"es": {"s-1": {"label": "¿Cuál?"}, "o-2": {"label": "Dos"}}}
    script = "return m.duplicatePart(given, 's-1', makeId)[0];"
    made = await ask(page, script, {"name": "T", "steps": [step], "translations": translations})
    assert made["steps"][0] == step
    copy = made["steps"][1]
    ids = [copy["id"], *(option["id"] for option in copy["config"]["options"])]
    assert copy["flag"]["when"]["rules"] == [{"op": "eq", "value": ids[2]}, {"op": "answered"}]
    assert made["translations"]["es"] == translations["es"] | {ids[0]: {"label": "¿Cuál?"}, ids[2]: {"label": "Dos"}}


async def test_a_section_moves_behind_whole_sections(page: Page) -> None:
    text = {"type": "text", "label": "T"}
    sections = [
        {"id": f"g-{name}", "title": name, "steps": [{**text, "id": f"s-{name}{number}"} for number in range(2)]}
        for name in "ab"
    ]
    script = """return given.map(([template, id, after]) =>
      m.outlineOf(m.movePartAfter(template, id, after)).map((row) => row.id).join(" "));"""
    template = {"name": "T", "sections": sections}
    moves = [[template, "g-b", "s-a0"], [template, "g-a", "g-b"], [template, "g-b", None], [template, "s-a0", "s-b0"]]
    assert await ask(page, script, moves) == [
        "g-a s-a0 s-a1 g-b s-b0 s-b1",
        "g-b s-b0 s-b1 g-a s-a0 s-a1",
        "g-b s-b0 s-b1 g-a s-a0 s-a1",
        "g-a s-a1 g-b s-b0 s-a0 s-b1",
    ]


async def test_two_changed_copies_are_joined_place_by_place(page: Page) -> None:
    with_fields = templates().map(lambda template: {**template, "fields": FIELDS})
    given = drawn(some.tuples(with_fields, OPERATIONS, OPERATIONS), 80)
    script = """return given.map(([base, ours, others]) => {
      const change = (operations) => operations.reduce((template, one) => act(template, one)[0], base);
      const [mine, theirs] = [change(ours), change(others)];
      const same = (one, other) => m.isSame(one, other) || [JSON.stringify(one), JSON.stringify(other)];
      const [one, other] = [m.merge(base, mine, theirs), m.merge(base, theirs, mine)];
      const labels = (template) => m.stepsOf(template).map((step) => step.label);
      const untouched = m.stepsOf(base).filter((step) => m.partOf(mine, step.id) === step);
      const kept = (step) => same(m.partOf(one.template, step.id), m.partOf(theirs, step.id)) === true;
      const isNew = ([id, { list }]) => list === "steps" && !m.partsOf(base).has(id);
      const added = [...m.partsOf(mine), ...m.partsOf(theirs)].filter(isNew);
      return [
        same(m.merge(base, mine, base).template, mine), same(m.merge(base, base, theirs).template, theirs),
        one.clashes.length === other.clashes.length,
        one.clashes.length > 0 || same([...labels(one.template)].sort(), [...labels(other.template)].sort()),
        added.every(([id]) => m.partsOf(one.template).has(id)),
        untouched.every(kept),
      ];
    });"""
    said = await ask(page, script, given)
    wrong = [one for one in said if one != [True] * 6]
    assert wrong == []
