"""The editor with every part of the language, with JSON of any shape, at each width."""

import json
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, expect

from rundun import paths
from tests.browser.console.desktop import desktop, label, row, shown_in, template_of, type_over
from tests.browser.phone import Phone
from tests.helpers.console.accessibility import is_fine
from tests.helpers.service import BOOLEAN, World
from tests.helpers.templates import get_sample_pictures

HAND_OVER = json.loads((paths.samples() / "vehicle_handover.json").read_text("utf-8"))
TURNOVER = json.loads((paths.samples() / "turnover.json").read_text("utf-8"))


THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TEXT = {"id": "s-a", "type": "text", "label": "A"}
HOSTILE: dict[str, Any] = {
    "no text": {"steps": [{**TEXT, "label": {"toString": 1}}]},
    "no tags": {"tags": "abc", "steps": [TEXT]},
    "an object for a number": {"settings": {"est_minutes": {"valueOf": 1}}, "steps": [TEXT]},
    "no type": {"steps": [{**TEXT, "type": "constructor"}, {**TEXT, "id": "s-b"}]},
    "no rule": {"steps": [TEXT, {**TEXT, "id": "s-b", "condition": {"when": {"step": {"toString": 1}}}}]},
    "a long rule": {"steps": [{**TEXT, "flag": {"when": {"op": "or", "rules": [{"op": "answered"}] * 9000}}}]},
    "no translation": {"steps": [TEXT], "translations": {"de": None}},
    "no id": {"steps": [{**TEXT, "id": ""}]},
    "an id with spaces": {"steps": [{**TEXT, "id": "s a"}]},
    "one id twice": {"steps": [TEXT, TEXT]},
    "a number that is written otherwise": {"steps": [{**TEXT, "config": {"max_length": 12345678901234567890}}]},
    "a rule in a rule": {"steps": [{**TEXT, "flag": {"when": {"op": "answered", "when": {"op": {"toString": 1}}}}}]},
    "lists in a step": {"steps": [{**TEXT, "options": [{"id": "s-b"}]}, {**TEXT, "id": "s-b"}]},
    "steps in a step": {"steps": [{**TEXT, "steps": 5}]},
    "a list for a type": {"steps": [{**TEXT, "type": ["text"]}]},
    "many options": {"steps": [{**TEXT, "config": {"options": [{"id": f"o-{n}"} for n in range(2000)]}}]},
    "many pictures": {"steps": [{**TEXT, "pictures": ["x"] * 20_000}]},
    "steps beside sections": {"steps": [TEXT], "sections": [{"id": "g-a", "title": "A", "steps": []}]},
    "no list": {"steps": {"length": 5}},
    "a prototype": {"__proto__": {"steps": [7]}, "steps": [{**TEXT, "__proto__": {}}], "sections": 7},
    "many": {"steps": [{**TEXT, "id": f"s-{n}"} for n in range(2000)]},
}
OWN = {"op": "eq", "value": True}
CONFIGS: dict[str, Any] = {
    "boolean": {"true_label": "Fine"},
    "choice": {"options": [{"id": "o-1", "label": "One"}]},
    "multi_choice": {"options": [{"id": "o-2", "label": "Two"}], "min_selected": 1},
    "text": {"multiline": True, "case": "upper"},
    "number": {"min": 0.5, "unit": "km"},
    "rating": {"max": 10},
    "photo": {"slots": [{"id": "p-1", "label": "Left"}]},
    "signature": {},
    "instruction": {"body": "Read\nthis."},
    "barcode": {"formats": ["ean_13"]},
    "datetime": {"mode": "datetime"},
}
EVERYTHING: dict[str, Any] = {
    "name": "Everything",
    "description": "All of the language",
    "steps": [
        {"id": f"s-{index}", "type": kind, "label": f"Step {index}", "config": config, "required": index % 2 == 0}
        for index, (kind, config) in enumerate(CONFIGS.items())
    ],
}
EVERYTHING["steps"][2] |= {"hint": "Look", "photo": {"min": 1, "annotate": True}, "geo": True}
EVERYTHING["steps"][5]["condition"] = {
    "op": "and",
    "rules": [
        {"when": {"step": "s-0", **OWN}},
        {"op": "or", "rules": [{"when": {"step": "s-2", "op": "contains", "value": "o-2"}}]},
    ],
}
EVERYTHING["steps"].append(
    {
        "id": "s-deep",
        "type": "boolean",
        "label": "Deep",
        "flag": {"when": {"op": "or", "rules": [{"op": "and", "rules": [{"op": "or", "rules": [OWN]}, OWN]}]}},
    }
)


async def test_nothing_changes_by_looking(w: World, ann: Phone) -> None:
    await get_sample_pictures(w)
    page = ann.page
    for given in (HAND_OVER, EVERYTHING):
        template_id = (await w.acme.post("/v1/templates", json=given)).json()["id"]
        await page.goto(f"{ann.base}/console/templates/{template_id}")
        before = await page.locator("#text").input_value()
        await expect(page.locator("#undo")).to_be_disabled()
        for one in await page.locator("#rows > li .text").all():
            await one.focus()
        await page.get_by_role("button", name="JSON").click()
        await page.get_by_role("button", name="Checklist", exact=True).click()
        assert await page.locator("#text").input_value() == before
        await expect(page.get_by_role("button", name="Undo")).to_be_disabled()


async def test_json_that_is_no_checklist_leaves_the_rows_as_they_are(w: World, ann: Phone) -> None:
    page, template_id = ann.page, await w.template(BOOLEAN)
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    await type_over(page, '"steps": [', '"steps": [[')
    await page.get_by_role("button", name="Checklist", exact=True).click()
    await expect(page.locator("#unreadable")).to_be_visible()
    assert await page.locator("#sheet").evaluate("one => one.inert")
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator("#unreadable")).to_be_hidden()
    await type_over(page, '"steps": [', '"steps": [[')
    await page.get_by_role("button", name="Checklist", exact=True).click()
    await type_over(page, '"steps": [[', '"steps": [')
    await type_over(page, '"label": "All fine?"', '"label": "All\\":?", "label": "All fine?"')
    await page.get_by_role("button", name="Checklist", exact=True).click()
    await expect(page.locator("#unreadable")).to_be_visible()  # a member is there twice: rows would drop one
    await type_over(page, '"label": "All\\":?", ', "")
    await type_over(page, "All fine?", "All well?")
    await page.get_by_role("button", name="Checklist", exact=True).click()
    await expect(page.locator("#unreadable")).to_be_hidden()
    await expect(row(page, 1).get_by_label("Question or task")).to_have_value("All well?")


@pytest.mark.long
async def test_a_draft_of_any_json_can_be_mended(w: World, ann: Phone) -> None:
    page = ann.page
    for name, hostile in HOSTILE.items():
        draft = (await w.acme.post("/v1/templates/drafts", json={"name": name, **hostile})).json()
        await page.goto(f"{ann.base}/console/templates/drafts/{draft['id']}")
        await expect(page.locator(".workshop[data-tab=json]")).to_be_visible()
        await page.get_by_role("button", name="Checklist", exact=True).click()
        await expect(page.locator("#unreadable")).to_be_visible()
    await page.locator("#text").evaluate("text => (text.value = '')")
    await page.get_by_role("button", name="JSON").click()
    await page.locator("#text").fill(json.dumps({"name": "Mended", "steps": [TEXT]}))
    await page.get_by_role("button", name="Checklist", exact=True).click()
    await expect(label(page, 1)).to_have_value("A")
    await expect(page.locator("#state")).to_have_text("Draft saved.")


async def test_a_pasted_picture_and_every_part_of_the_language(w: World, ann: Phone) -> None:
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/new?import=true")
    await page.locator("#text").fill(json.dumps(EVERYTHING))
    await page.get_by_role("button", name="Checklist", exact=True).click()
    await page.get_by_text("The whole checklist").click()
    await page.get_by_label("Remarks allowed").uncheck()
    await page.get_by_label("The person is asked for").select_option("phone number")
    await page.get_by_text("Asked for each job").click()
    await page.get_by_role("button", name="Add a detail").click()
    await page.keyboard.type("Unit")
    await page.locator(".fields").get_by_label("Kind").last.select_option("Address")
    await label(page, 1).click()
    group = row(page, 1)
    await group.get_by_role("button", name="+ Flag when").click()
    await group.get_by_role("button", name="or…").click()
    await group.get_by_role("button", name="Add a group").click()
    made = await template_of(page)
    assert made["settings"]["allow_remarks"] is False
    assert made["execution"] == {"identity_required": "phone"}
    assert [(one["label"], one["kind"]) for one in made["fields"]] == [("Unit", "address")]
    ok = {"op": "eq", "value": True}
    assert made["steps"][0]["flag"]["when"] == {"op": "or", "rules": [ok, ok, {"op": "and", "rules": [ok]}]}
    deep = row(page, len(EVERYTHING["steps"]))
    await deep.get_by_label("Question or task").click()
    await expect(deep).to_contain_text("It has groups in groups")


@pytest.mark.long
@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("ar", 390)])
async def test_it_fits_and_can_be_read_by_all(w: World, browser: Browser, base: str, width: int, language: str) -> None:
    size: Any = {"viewport": {"width": width, "height": 844}, "locale": language}
    async with desktop(w, browser, base, **size) as ann:
        page = ann.page
        await page.goto(f"{base}/console/templates/new?import=true")
        await page.locator("#text").fill(json.dumps(EVERYTHING))
        await page.locator("[data-shows=rows]").click()
        for number in range(1, len(EVERYTHING["steps"]) + 1):
            await row(page, number).locator(".text").click()
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, number
        for theme in THEMES:
            await page.emulate_media(color_scheme=theme)
            await is_fine(page, f"{language} {width} {theme}")
        if width < 500:
            await page.locator("[data-shows=phone]").click()
            await expect(shown_in(page).locator("[id='s-0']")).to_be_visible()
