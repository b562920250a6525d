"""Checklists made in the editor by people who write no JSON: by mouse, by keys alone, by two at once."""

import json
import re
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.console.desktop import label, labels, publish, row, shown_in, template_of
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.service import BOOLEAN, World

ON_FUEL = ["Full", "Three quarters", "Half", "Empty"]


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control with a name, or one that begins with it, has the focus."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        if (await page.evaluate(NAME_OF_FOCUSED)).startswith(name):
            return
    raise AssertionError(f"no {name}")


NAME_OF_FOCUSED = """(() => {
  const one = document.activeElement;
  return (one.ariaLabel ?? one.labels?.[0]?.textContent ?? one.textContent).trim();
})()"""


async def test_the_hand_over_of_a_boat_is_made_by_keys_alone(w: World, ann: Phone, browser: Browser, base: str) -> None:
    page = ann.page
    keys = page.keyboard
    await page.goto(f"{ann.base}/console/templates/new")
    await expect(page.locator("textarea.name")).to_be_focused()

    async def step(kind: str, text: str) -> None:
        await keys.press("Enter")
        if await page.evaluate("document.activeElement.value !== ''"):
            raise AssertionError("a new row is empty")
        await keys.press("/")
        await keys.type(kind)
        await keys.press("Enter")
        await keys.type(text)

    await keys.type("Boat hand-over")
    await step("Text", "Boat’s name and number")
    await step("Date", "Date and time")
    await tab_to(page, "Asked for")
    await keys.press("ArrowDown")
    await keys.press("Shift+Tab")
    await keys.press("Shift+Tab")
    await step("Number", "Engine hours")
    await step("Choice", "Fuel")
    await tab_to(page, "Option 1")
    for index, option in enumerate(ON_FUEL):
        if index:
            await keys.press("Enter")
        await keys.type(option)
    await tab_to(page, "Duplicate")
    await back_to_text(page)
    await step("Photo", "The gauge")
    await tab_to(page, "+ Ask only if")
    await keys.press("Enter")
    await tab_to(page, "Comparison")
    await keys.press("ArrowDown")
    await back_to_text(page)
    await step("Photo", "The hull")
    await tab_to(page, "Add a named shot")
    await keys.press("Enter")
    await keys.type("Port")
    await keys.press("Enter")
    await keys.type("Starboard")
    await back_to_text(page)
    await step("Yes", "Any damage?")
    await tab_to(page, "+ Flag when")
    await keys.press("Enter")
    await tab_to(page, "and tell the person")
    await keys.type("Call the office before you leave")
    await back_to_text(page)
    await step("Text", "What and where?")
    await tab_to(page, "+ Ask only if")
    await keys.press("Enter")
    await back_to_text(page)
    await step("Photo", "The damage, close up")
    await tab_to(page, "+ Ask only if")
    await keys.press("Enter")
    await back_to_text(page)
    await step("Number", "Life jackets aboard")
    await tab_to(page, "Lowest number")
    await keys.type("4")
    await back_to_text(page)
    await step("Text", "Keys handed to")
    await step("Signature", "Signature")
    made = await template_of(page)
    assert without_ids(made) == BOAT


async def test_the_hand_over_is_made_by_mouse_and_edited_while_a_job_goes_on(
    w: World, ann: Phone, browser: Browser, base: str
) -> None:
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/new")
    await page.get_by_label("Name of the checklist").fill("Boat hand-over")

    async def step(number: int, kind: str, text: str) -> Locator:
        one = row(page, number)
        await (page.get_by_role("button", name="+ Step") if number > 1 else one.locator("button.type")).click()
        await page.get_by_role("option", name=kind, exact=True).click()
        await one.get_by_label("Question or task").fill(text)
        return one

    await step(1, "Text", "Boat’s name and number")
    time = await step(2, "Date or time", "Date and time")
    await time.get_by_label("Asked for").select_option("a date and a time")
    await step(3, "Number", "Engine hours")
    fuel = await step(4, "Choice", "Fuel")
    for index, option in enumerate(ON_FUEL):
        if index:
            await fuel.get_by_role("button", name="Add an option").click()
        await fuel.get_by_label(f"Option {index + 1}").fill(option)
    gauge = await step(5, "Photo", "The gauge")
    await gauge.get_by_role("button", name="+ Ask only if").click()
    await gauge.get_by_label("Comparison").select_option("is not")
    hull = await step(6, "Photo", "The hull")
    for index, shot in enumerate(("Port", "Starboard")):
        await hull.get_by_role("button", name="Add a named shot").click()
        await hull.get_by_label(f"Shot {index + 1}").fill(shot)
    damage = await step(7, "Yes or no", "Any damage?")
    await damage.get_by_role("button", name="+ Flag when").click()
    await damage.get_by_label("and tell the person").fill("Call the office before you leave")
    for number, (kind, text) in enumerate((("Text", "What and where?"), ("Photo", "The damage, close up")), 8):
        await (await step(number, kind, text)).get_by_role("button", name="+ Ask only if").click()
    jackets = await step(10, "Number", "Life jackets aboard")
    await jackets.get_by_label("Lowest number").fill("4")
    await step(11, "Text", "Keys handed to")
    await step(12, "Signature", "Signature")
    assert without_ids(await template_of(page)) == BOAT
    async with page.expect_file_chooser() as chooser:
        await row(page, 6).get_by_label("Question or task").click()
        await row(page, 6).get_by_role("button", name="+ Show a picture").click()
    await (await chooser.value).set_files([file("hull.jpg", "image/jpeg", jpeg())])  # type: ignore[list-item]
    await expect(row(page, 6).get_by_alt_text("Picture 1")).to_be_visible()
    await expect(shown_in(page).get_by_role("heading", name="The hull")).to_be_in_viewport()
    await publish(page)
    await expect(page.locator(".notice.good")).to_contain_text("Published.")

    (template,) = (await w.acme.get("/v1/templates")).json()["data"]
    assert len(template["steps"][5]["pictures"]) == 1
    run = await w.dispatch(template["id"])
    async with phone(browser, base) as ed:
        await ed.open(run.run_id)
        await ed.start()
        await ed.pick(template["steps"][3]["id"], "Three quarters")
        await expect(ed.page.get_by_text("The gauge")).to_be_visible()

        await page.goto(f"{ann.base}/console/templates/{template['id']}")
        await row(page, 4).get_by_label("Question or task").fill("Fuel in the tank")
        await expect(row(page, 5)).to_contain_text("Ask only if “Fuel in the tank” is not “Full”")
        await page.get_by_role("button", name="Publish…").click()
        await expect(page.locator("main")).to_contain_text("1 open job goes on with the version that it was sent with.")
        await page.get_by_role("button", name="Publish", exact=True).click()
        await ed.page.reload()
        await expect(ed.page.get_by_role("heading", name="Fuel", exact=True)).to_be_visible()
        await expect(ed.page.get_by_text("The gauge")).to_be_visible()
    current = (await w.acme.get(f"/v1/templates/{template['id']}")).json()
    assert (current["v"], current["steps"][3]["label"]) == (2, "Fuel in the tank")
    assert [step["id"] for step in current["steps"]] == [step["id"] for step in template["steps"]]


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


async def back_to_text(page: Page) -> None:
    """Go back to the text of the row in hand."""
    for _ in range(40):
        await page.keyboard.press("Shift+Tab")
        if await page.evaluate("document.activeElement.matches('.line > .text')"):
            await page.keyboard.press("End")
            return
    raise AssertionError("no text")


def without_ids(template: Any) -> Any:
    """The template, with the places of options and steps for their ids."""
    text = json.dumps(template, ensure_ascii=False)
    for place, found in enumerate(dict.fromkeys(re.findall(r'"id": "([^"]+)"', text))):
        text = text.replace(f'"{found}"', f'"{found[:2]}{place}"')
    return json.loads(text)


BOAT = {
    "name": "Boat hand-over",
    "steps": [
        {"id": "s-0", "type": "text", "label": "Boat’s name and number"},
        {"id": "s-1", "type": "datetime", "label": "Date and time", "config": {"mode": "datetime"}},
        {"id": "s-2", "type": "number", "label": "Engine hours"},
        {
            "id": "s-3",
            "type": "choice",
            "label": "Fuel",
            "config": {"options": [{"id": f"o-{4 + index}", "label": label} for index, label in enumerate(ON_FUEL)]},
        },
        {
            "id": "s-8",
            "type": "photo",
            "label": "The gauge",
            "condition": {"when": {"step": "s-3", "op": "neq", "value": "o-4"}},
        },
        {
            "id": "s-9",
            "type": "photo",
            "label": "The hull",
            "config": {"slots": [{"id": "p-10", "label": "Port"}, {"id": "p-11", "label": "Starboard"}]},
        },
        {
            "id": "s-12",
            "type": "boolean",
            "label": "Any damage?",
            "flag": {"when": {"op": "eq", "value": True}, "tell": "Call the office before you leave"},
        },
        {
            "id": "s-13",
            "type": "text",
            "label": "What and where?",
            "condition": {"when": {"step": "s-12", "op": "eq", "value": True}},
        },
        {
            "id": "s-14",
            "type": "photo",
            "label": "The damage, close up",
            "condition": {"when": {"step": "s-12", "op": "eq", "value": True}},
        },
        {"id": "s-15", "type": "number", "label": "Life jackets aboard", "config": {"min": 4}},
        {"id": "s-16", "type": "text", "label": "Keys handed to"},
        {"id": "s-17", "type": "signature", "label": "Signature"},
    ],
}
