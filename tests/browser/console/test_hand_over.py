"""The hand-over of a vehicle, made in the editor from nothing: by keys alone in English at a desk, and by mouse in
Arabic on a phone; then published, done, and changed while a job goes on.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.console.desktop import desktop, publish, shown_in, tab_to, template_of
from tests.browser.phone import phone
from tests.browser.pictures import file, jpeg
from tests.helpers.service import World, pages

Words = Callable[[str], str]  # a message of the console in the language of the story
IN_ARABIC_ON_A_PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "locale": "ar"}
LEVELS = ["Full", "Half", "Empty"]
SIDES = ["Front", "Driver's side", "Rear", "Passenger's side"]


@pytest.mark.long
async def test_it_is_made_by_keys_alone(w: World, browser: Browser, base: str) -> None:
    async with desktop(w, browser, base) as ann:
        page, keys, _ = ann.page, ann.page.keyboard, words("en")
        await page.goto(f"{ann.base}/console/templates/new")
        await expect(page.locator("textarea.name")).to_be_focused()

        async def row(kind: str, text: str) -> None:
            await keys.press("Enter")
            await keys.press("/")
            await keys.type(_(kind))
            await keys.press("Enter")
            await keys.type(text)

        async def control(name: str, *typed: str) -> None:
            await tab_to(page, _(name))
            for number, text in enumerate(typed):
                if number:
                    await keys.press("Enter")
                await keys.type(text)

        async def add(name: str) -> None:
            await tab_to(page, f"+ {_(name)}")
            await keys.press("Enter")

        async def only_if(*pressed: str) -> None:
            await add("Ask only if")
            for key in pressed:
                await control("Comparison")
                await keys.press(key)
            await back_to_text(page)

        await keys.type("Vehicle hand-over")
        await row("Section", "Arrival")
        await row("Text", "Number plate")
        await control("Capital letters")
        await keys.press("ArrowDown")
        await back_to_text(page)
        await row("Number", "Odometer reading")
        await control("Unit", "km")
        await control("Lowest number", "0")
        await back_to_text(page)
        await row("Choice", "Fuel level")
        await control("Option", *LEVELS)
        await back_to_text(page)
        await row("Photo", "The gauge")
        await only_if("ArrowDown")
        await row("Section", "Outside")
        await row("Photo", "The four sides")
        await control("Add a named shot")
        await keys.press("Enter")
        for number, side in enumerate(SIDES):
            if number:
                await keys.press("Enter")
            await keys.type(side)
        await back_to_text(page)
        await row("Yes or no", "Is there any damage?")
        await add("Flag when")
        await control("and tell the person", "Call the fleet desk")
        await back_to_text(page)
        await row("Text", "Where is it?")
        await only_if()
        await row("Photo", "The damage, close up")
        await only_if()
        await row("Section", "Hand-over")
        await row("Date or time", "Keys handed over at")
        await control("Asked for")
        await keys.press("ArrowDown")
        await control("Record the position")
        await keys.press("Space")
        await back_to_text(page)
        await row("Signature", "Signature of the receiver")
        assert without_ids(await template_of(page, _)) == VEHICLE


async def test_it_is_made_by_mouse_published_done_and_changed(w: World, browser: Browser, base: str) -> None:
    async with desktop(w, browser, base, **IN_ARABIC_ON_A_PHONE) as ann:
        page, _ = ann.page, words("ar")
        await page.goto(f"{ann.base}/console/templates/new")
        await page.get_by_label(_("Name of the checklist")).fill("Vehicle hand-over")

        async def step(kind: str, text: str) -> Locator:
            await page.locator("#add-step").click()
            await page.get_by_role("option", name=_(kind), exact=True).click()
            await page.locator("#rows > li").last.locator(".text").fill(text)
            return page.locator(f"[data-id='{await page.locator('#rows > li').last.get_attribute('data-id')}']")

        async def section(title: str) -> None:
            await page.locator("#add-section").click()
            await page.locator("#rows > .heading .text").last.fill(title)

        async def press(row: Locator, name: str) -> None:
            await row.get_by_role("button", name=_(name)).click()

        await page.locator("#rows button.type").click()
        await page.get_by_role("option", name=_("Section"), exact=True).click()
        await page.locator("#rows > .heading .text").fill("Arrival")
        plate = await step("Text", "Number plate")
        await plate.get_by_label(_("Capital letters")).select_option(_("made capital"))
        reading = await step("Number", "Odometer reading")
        await reading.get_by_label(_("Lowest number")).fill("0")
        await reading.get_by_label(_("Unit")).fill("km")
        fuel = await step("Choice", "Fuel level")
        for number, option in enumerate(LEVELS):
            if number:
                await press(fuel, "Add an option")
            await fuel.get_by_label(f"{_('Option')} {number + 1}").fill(option)
        gauge = await step("Photo", "The gauge")
        await press(gauge, "Ask only if")
        await gauge.get_by_label(_("Comparison")).select_option(_("is not"))
        await section("Outside")
        sides = await step("Photo", "The four sides")
        for number, side in enumerate(SIDES):
            await press(sides, "Add a named shot")
            await sides.get_by_label(f"{_('Shot')} {number + 1}").fill(side)
        damage = await step("Yes or no", "Is there any damage?")
        await press(damage, "Flag when")
        await damage.get_by_label(_("and tell the person")).fill("Call the fleet desk")
        await press(await step("Text", "Where is it?"), "Ask only if")
        await press(await step("Photo", "The damage, close up"), "Ask only if")
        await section("Hand-over")
        handed = await step("Date or time", "Keys handed over at")
        await handed.get_by_label(_("Asked for")).select_option(_("a date and a time"))
        await handed.get_by_label(_("Record the position")).check()
        await step("Signature", "Signature of the receiver")
        assert without_ids(await template_of(page, _)) == VEHICLE

        async with page.expect_file_chooser() as chooser:
            await sides.locator(".text").click()
            await press(sides, "Show a picture")
        await (await chooser.value).set_files([file("sides.jpg", "image/jpeg", jpeg())])  # type: ignore[list-item]
        await expect(sides.get_by_alt_text(_("Picture {number}").replace("{number}", "1"))).to_be_visible()
        await page.locator("[data-shows=phone]").click()
        await expect(shown_in(page).get_by_role("heading", name="The four sides")).to_be_in_viewport()
        await publish(page, _)
        await expect(page.locator(".notice.good")).to_be_visible()
        (made,) = (await w.acme.get("/v1/templates")).json()["data"]
        levels, photo = made["sections"][0]["steps"][2], made["sections"][1]["steps"][0]
        assert len(photo["pictures"]) == 1
        run = await w.dispatch(made["id"])
        async with phone(browser, base) as ed:
            await ed.open(run.run_id)
            await ed.start()
            await ed.pick(levels["id"], "Half")
            await expect(ed.page.get_by_text("The gauge")).to_be_visible()
            await page.goto(f"{ann.base}/console/templates/{made['id']}")
            await page.locator(f"[data-id='{levels['id']}'] .text").fill("Fuel in the tank")
            await page.locator("button[value=publish]").click()
            await expect(page.locator("main")).to_contain_text(_("Jobs sent from now on have version {v}.")[:12])
            await page.get_by_role("button", name=_("Publish"), exact=True).click()
            await ed.page.reload()
            await expect(ed.page.get_by_role("heading", name="Fuel level", exact=True)).to_be_visible()
            await expect(ed.page.get_by_text("The gauge")).to_be_visible()
        current = (await w.acme.get(f"/v1/templates/{made['id']}")).json()
        assert (current["v"], current["sections"][0]["steps"][2]["label"]) == (2, "Fuel in the tank")
        assert ids_of(current) == ids_of(made)


def words(language: str) -> Words:
    return pages().console_words.language([language]).translations.gettext


def ids_of(template: Any) -> list[str]:
    return re.findall(r'"id": "([a-z]-[^"]+)"', json.dumps(template["sections"]))


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


OF_DAMAGE = {"when": {"step": "s-14", "op": "eq", "value": True}}
VEHICLE = {
    "name": "Vehicle hand-over",
    "sections": [
        {
            "id": "g-0",
            "title": "Arrival",
            "steps": [
                {"id": "s-1", "type": "text", "label": "Number plate", "config": {"case": "upper"}},
                {"id": "s-2", "type": "number", "label": "Odometer reading", "config": {"unit": "km", "min": 0}},
                {
                    "id": "s-3",
                    "type": "choice",
                    "label": "Fuel level",
                    "config": {"options": [{"id": f"o-{4 + n}", "label": label} for n, label in enumerate(LEVELS)]},
                },
                {
                    "id": "s-7",
                    "type": "photo",
                    "label": "The gauge",
                    "condition": {"when": {"step": "s-3", "op": "neq", "value": "o-4"}},
                },
            ],
        },
        {
            "id": "g-8",
            "title": "Outside",
            "steps": [
                {
                    "id": "s-9",
                    "type": "photo",
                    "label": "The four sides",
                    "config": {"slots": [{"id": f"p-{10 + n}", "label": label} for n, label in enumerate(SIDES)]},
                },
                {
                    "id": "s-14",
                    "type": "boolean",
                    "label": "Is there any damage?",
                    "flag": {"when": {"op": "eq", "value": True}, "tell": "Call the fleet desk"},
                },
                {"id": "s-15", "type": "text", "label": "Where is it?", "condition": OF_DAMAGE},
                {"id": "s-16", "type": "photo", "label": "The damage, close up", "condition": OF_DAMAGE},
            ],
        },
        {
            "id": "g-17",
            "title": "Hand-over",
            "steps": [
                {
                    "id": "s-18",
                    "type": "datetime",
                    "label": "Keys handed over at",
                    "config": {"mode": "datetime"},
                    "geo": True,
                },
                {"id": "s-19", "type": "signature", "label": "Signature of the receiver"},
            ],
        },
    ],
}
