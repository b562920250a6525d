"""A checklist's translations: written beside its texts, and never outdated without a word."""

import pytest
from hypothesis import strategies as some
from playwright.async_api import Page, expect

from rundun.core.templates.translation_rules import MAX_LENGTHS
from tests.browser.console.desktop import label, publish, row, shown_in, template_of, type_over
from tests.browser.console.test_editor_operations import ask
from tests.browser.executor.steps.test_parity import drawn
from tests.browser.phone import Phone
from tests.helpers.service import World

FUEL = {"id": "s-fuel", "type": "choice", "label": "Fuel", "config": {"options": [{"id": "o-full", "label": "Full"}]}}
KEYS = {"id": "s-keys", "type": "text", "label": "Keys handed to"}
SPANISH = {"": {"name": "Barco"}, "s-fuel": {"label": "Tanque"}, "o-full": {"label": "Lleno"}}


async def test_a_translation_is_outdated_until_it_is_confirmed_or_rewritten(w: World, ann: Phone) -> None:
    page = ann.page
    template_id = await w.template(FUEL, KEYS, name="Boat", translations={"es": SPANISH})
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    summary, language = page.locator("#outdated"), page.get_by_label("Translation")
    await label(page, 1).fill("Fuel in the tank")
    await page.get_by_role("button", name="Publish…").click()
    await expect(page.locator("main")).to_contain_text("Translations that are out of date")
    await page.get_by_role("link", name="Español 1").click()
    await expect(language).to_have_value("es")
    await expect(summary.get_by_role("button", name="Spanish 1")).to_be_visible()
    await expect(summary).to_contain_text("Not translated, and shown as they are: 1")
    spanish = row(page, 1).get_by_label("Spanish").first
    await expect(spanish).to_be_focused()
    await expect(spanish).to_have_value("Tanque")
    await expect(shown_in(page).get_by_role("heading", name="Tanque")).to_be_visible()
    await expect(shown_in(page).get_by_role("heading", name="Keys handed to")).to_be_visible()

    await row(page, 1).get_by_role("button", name="Still right").click()
    await expect(summary).not_to_contain_text("out of date")
    await template_of(page)
    await page.reload()
    await expect(language).to_have_value("es")
    await expect(summary).not_to_contain_text("out of date")
    await label(page, 1).fill("Diesel")
    await expect(row(page, 1).locator(".outdated").first).to_be_visible()
    await spanish.fill("Gasóleo")
    await expect(row(page, 1).locator(".outdated").first).to_be_hidden()
    await page.get_by_role("button", name="Undo").click()
    await expect(spanish).to_have_value("Tanque")
    await expect(row(page, 1).locator(".outdated").first).to_be_visible()
    await page.get_by_role("button", name="Redo").click()
    await spanish.press("Enter")
    await expect(row(page, 1).get_by_label("Spanish").nth(1)).to_be_focused()
    await row(page, 2).get_by_label("Spanish").fill("Llaves entregadas a")
    await publish(page)
    await expect(page.locator(".notice.good")).to_contain_text("Published.")
    current = (await w.acme.get(f"/v1/templates/{template_id}")).json()
    assert current["translations"]["es"] == {
        **SPANISH,
        "s-fuel": {"label": "Gasóleo"},
        "s-keys": {"label": "Llaves entregadas a"},
    }


async def test_a_language_is_begun_and_left_without_a_trace(w: World, ann: Phone) -> None:
    page, template_id = ann.page, await w.template(FUEL)
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    await page.get_by_label("Translation").select_option("German")
    german = row(page, 1).get_by_label("German").first
    await german.fill("Tank")
    assert (await template_of(page))["translations"] == {"de": {"s-fuel": {"label": "Tank"}}}
    await german.fill("")
    assert "translations" not in await template_of(page)


@pytest.mark.long
async def test_what_json_and_copies_bring_is_as_outdated_as_it_was(w: World, ann: Phone) -> None:
    page, template_id = ann.page, await w.template(FUEL, KEYS, translations={"es": SPANISH})
    await page.clock.install(time=0)
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    summary = page.locator("#outdated")
    await label(page, 1).fill("Diesel")
    await expect(summary).to_contain_text("Spanish 1")
    await page.keyboard.press("Alt+Shift+ArrowDown")
    await expect(summary).to_contain_text("Spanish 2")

    async def stored(before: str, after: str) -> None:
        await type_over(page, before, after)
        await expect(page.locator("#state")).to_have_text("Not saved yet.")
        await page.clock.run_for(1500)
        await expect(page.locator("#state")).to_have_text("Draft saved.")

    await stored('"translations": {', '"translations": {"nl": {"s-keys": {"label": "Sleutels"}},')
    await stored('"Keys handed to"', '"Keys given to"')
    await page.get_by_role("button", name="Checklist", exact=True).click()
    await expect(summary).to_contain_text("Dutch 1")
    await stored('"type": "text"', '"type": "txt"')
    await stored('"label": "Sleutels"', '"label": "De sleutels"')
    await stored('"Keys given to"', '"Keys left with"')
    await stored('"type": "txt"', '"type": "text"')
    await page.get_by_role("button", name="Checklist", exact=True).click()
    await expect(summary).to_contain_text("Dutch 1")
    await label(page, 1).fill("Petrol")
    await template_of(page)
    await page.reload()
    await expect(summary).to_contain_text("Dutch 1")
    await expect(summary).to_contain_text("Spanish 2")


@pytest.mark.long
async def test_what_two_write_of_one_text_is_not_taken_for_confirmed(w: World, ann: Phone) -> None:
    """Ann changes the text while a version that leaves its translation alone is published by the API."""
    page, template_id = ann.page, await w.template(FUEL, KEYS, translations={"es": SPANISH})
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    await label(page, 1).fill("Diesel")
    await template_of(page)
    changed = {**KEYS, "label": "Keys given to"}
    body = {
        "name": "Check",
        "steps": [FUEL, changed],
        "translations": {"es": {**SPANISH, "s-keys": {"label": "Llaves"}}},
    }
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=body)).is_success
    await page.reload()
    await expect(label(page, 2)).to_have_value("Keys given to")
    await expect(page.get_by_role("button", name="Spanish 1")).to_be_visible()
    await template_of(page)
    await page.reload()
    await expect(page.get_by_role("button", name="Spanish 1")).to_be_visible()


async def test_the_page_translates_what_the_server_does(page: Page) -> None:
    translated = {member for members in MAX_LENGTHS.values() for member in members}
    assert set(await ask(page, "return [...m.TRANSLATED];", None)) == translated


async def test_what_goes_leaves_no_translation(page: Page) -> None:
    """Else it would be outdated where nobody sees it."""
    flagged = {"flag": {"when": {"op": "eq", "value": True}, "tell": "Call"}}
    yes = {"id": "s-1", "type": "boolean", "label": "L", "config": {"true_label": "Fine"}, **flagged}
    texts = {"s-1": {"true_label": "Bien", "tell": "Llame"}, "o-full": {"label": "Lleno"}}
    script = """
      const cleared = m.setMember(given, "s-1", ["config", "true_label"], undefined);
      const another = m.removeRule(m.changeType(cleared, "s-1", "text", makeId), "s-1", "flag");
      return m.makeHeading(another, "s-fuel", makeId("g-"), naming);"""
    made = await ask(page, script, {"name": "N", "steps": [yes, FUEL], "translations": {"es": texts}})
    assert made["translations"] == {"es": {}}


PLACES = some.sampled_from([("label", "A"), ("label", "B"), ("es", "X"), ("es", "Y"), ("es", ""), ("confirm", "")])


async def test_pairs_of_texts_that_were_right_stay_right(page: Page) -> None:
    """The page, against a model: the pairs of a text and a translation that somebody wrote or confirmed."""
    given = drawn(some.lists(PLACES, min_size=1, max_size=12), 200)
    script = """const place = ["es", "s-1", "label"];
    return given.map((edits) => {
      const translations = { es: { "s-1": { label: "X" } } };
      let now = { name: "N", steps: [{ id: "s-1", type: "text", label: "A" }], translations };
      const confirmations = new m.Confirmations();
      confirmations.begin(now, {});
      return edits.map(([what, words]) => {
        const next = what === "label" ? m.setMember(now, "s-1", ["label"], words)
          : what === "es" ? m.setTranslation(now, place, words || undefined) : now;
        if (what === "confirm") confirmations.confirm(now, place);
        confirmations.note(next);
        now = next;
        return confirmations.isOutdated(now, place);
      });
    });"""
    for edits, found in zip(given, await ask(page, script, given), strict=True):
        state, right, expected = {"label": "A", "es": "X"}, {("A", "X")}, []
        for what, words in edits:
            before = state["es"]
            if what != "confirm":
                state[what] = words
            if what == "confirm" or state["es"] != before:
                right.add((state["label"], state["es"]))
            expected.append(bool(state["es"]) and (state["label"], state["es"]) not in right)
        assert found == expected, edits
