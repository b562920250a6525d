"""Checklists made in the editor by people who write no JSON: by mouse, by keys alone, by two at once."""

import json
import re

from playwright.async_api import expect

from tests.browser.console.desktop import label, labels, row, shown_in, tab_to, template_of
from tests.browser.phone import Phone
from tests.helpers.service import BOOLEAN, World


async def test_a_condition_is_not_broken_unsaid_and_all_is_undone(w: World, ann: Phone) -> None:
    when_fine = {"when": {"step": "s-ok", "op": "eq", "value": True}}
    dependent = {"id": "s-why", "type": "text", "label": "Why?", "condition": when_fine}
    page, template_id = ann.page, await w.template(BOOLEAN, dependent)
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    first = await page.locator("#text").input_value()
    await row(page, 1).get_by_label("Question or task").click()
    await page.keyboard.press("Alt+ArrowDown")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Why?")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(row(page, 1).get_by_label("Question or task")).to_have_value("All fine?")
    await row(page, 1).get_by_role("button", name="Delete").click()
    await dialog.get_by_role("button", name="Do it anyway").click()
    await expect(row(page, 1)).to_contain_text("It asks about a step that was deleted")
    await expect(page.locator("#rows > li")).to_have_count(1)

    await row(page, 1).get_by_label("Question or task").press_sequentially(" Really")
    await page.keyboard.press("Alt+Shift+ArrowDown")
    await expect(page.locator("#rows > li")).to_have_count(2)
    await expect(row(page, 2).get_by_label("Question or task")).to_be_focused()
    for _ in range(3):
        await page.keyboard.press("Control+z")
    await expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    await expect(page.locator("#rows > li")).to_have_count(2)
    assert json.dumps(await template_of(page)) == json.dumps(json.loads(first))
    await page.get_by_role("button", name="Redo").click()
    await page.keyboard.press("Control+Shift+Z")
    await expect(row(page, 1).get_by_label("Question or task")).to_have_value("Why? Really")


async def test_the_phone_and_the_rows_lead_to_each_other(w: World, ann: Phone) -> None:
    steps = [{"id": f"s-{n}", "type": "text", "label": f"Step {n}"} for n in range(1, 31)]
    page, template_id = ann.page, await w.template(*steps)
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    await label(page, 25).click()
    await expect(shown_in(page).locator("[id='s-25']")).to_be_in_viewport()
    before = await page.evaluate("scrollY")
    await page.frames[1].evaluate("scrollTo(0, 0)")
    await label(page, 25).fill("Step 25, again")
    await expect(shown_in(page).get_by_role("heading", name="Step 25, again")).to_be_in_viewport()
    assert await page.evaluate("scrollY") == before, "the console stays where it is"
    await label(page, 25).fill("Step 25")
    await page.get_by_label("Name of the checklist").click()
    await shown_in(page).locator("[id='s-20'] h3").click()
    await expect(row(page, 20)).to_have_class(re.compile("chosen"))
    await expect(row(page, 20)).to_be_in_viewport()

    await row(page, 20).locator(".grip").drag_to(row(page, 18), target_position={"x": 60, "y": 2})
    assert (await labels(page))[16:20] == ["Step 17", "Step 20", "Step 18", "Step 19"]
    await row(page, 1).locator(".text").focus()
    await row(page, 2).locator(".grip").drag_to(row(page, 1), target_position={"x": 60, "y": 2})
    assert (await labels(page))[:2] == ["Step 2", "Step 1"]


async def test_what_has_a_problem_is_not_published_and_is_led_to(w: World, ann: Phone) -> None:
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/new")
    await page.keyboard.press("Enter")
    for text in ("One", "", "Three"):
        await page.keyboard.type(text)
        await page.keyboard.press("Enter")
    await page.keyboard.press("Alt+ArrowUp")
    await page.keyboard.press("Alt+ArrowDown")
    await page.get_by_role("button", name="Publish…").click()
    await expect(page.locator("#said")).to_have_text("Not published: there are problems.")
    await expect(label(page, 2)).to_be_focused()
    await page.keyboard.type("Two")
    await expect(page.locator("#rows > li")).to_have_count(3)  # the empty one at the end is gone
    await page.get_by_role("button", name="Publish…").click()
    await page.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.locator(".notice.good")).to_contain_text("Published.")
    assert await labels(page) == ["One", "Two", "Three"]


async def test_what_is_no_kind_of_answer_is_the_question(w: World, ann: Phone) -> None:
    page, keys = ann.page, ann.page.keyboard
    await page.goto(f"{ann.base}/console/templates/new")
    await label(page, 1).fill("Fuel")
    await page.get_by_role("button", name="+ Step").click()
    await keys.type("Bilge pump tested?")
    await expect(page.locator(".types")).to_contain_text("No kind of answer is called so.")
    await keys.press("Enter")
    await expect(label(page, 2)).to_be_focused()
    await keys.press("Enter")
    await keys.press("/")
    await keys.type("multi")
    await keys.press("Tab")
    await tab_to(page, "Option 1")
    for option in ("Bow", "Stern", ""):
        await keys.type(option)
        await keys.press("Enter")
    await keys.type("Next")
    made = (await template_of(page))["steps"]
    assert [(step["type"], step["label"]) for step in made[1:]] == [
        ("boolean", "Bilge pump tested?"),
        ("multi_choice", ""),
        ("boolean", "Next"),
    ]
    assert [option["label"] for option in made[2]["config"]["options"]] == ["Bow", "Stern"]


async def test_a_slow_click_is_not_lost_to_a_problem_told_meanwhile(w: World, ann: Phone) -> None:
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/new")
    await page.keyboard.press("Enter")
    await expect(row(page, 1).locator(".missing")).to_have_count(1)
    button = page.get_by_role("button", name="+ Section")
    await button.hover()
    await page.mouse.down()
    await expect(button).to_be_focused()
    await page.mouse.up()
    await expect(page.locator("#rows > .heading")).to_have_count(2)


async def test_enter_goes_on_and_headings_are_made_and_removed(w: World, ann: Phone) -> None:
    page, keys = ann.page, ann.page.keyboard
    await page.goto(f"{ann.base}/console/templates/new")
    await label(page, 1).fill("One")
    await tab_to(page, "Wording of “yes”")
    await keys.type("Fine")
    await keys.press("Enter")
    await expect(label(page, 2)).to_be_focused()
    await keys.press("/")
    await keys.type("section")
    await keys.press("Enter")
    await keys.type("Outside")
    await keys.press("Enter")
    await keys.type("Two")
    made = await template_of(page)
    assert [(one["title"], len(one["steps"])) for one in made["sections"]] == [("First section", 1), ("Outside", 1)]
    await page.locator("#rows > .heading .text").last.fill("")
    await page.keyboard.press("Backspace")
    await page.locator("#rows > .heading .text").fill("")
    await page.keyboard.press("Backspace")
    made = await template_of(page)
    assert [step["label"] for step in made["steps"]] == ["One", "Two"] and "sections" not in made
    await keys.press("ArrowUp")
    await label(page, 2).focus()
    await keys.press("Alt+ArrowUp")
    await expect(page.locator("#live")).to_have_text("Row 1 of 2.")
    assert await labels(page) == ["Two", "One"]
