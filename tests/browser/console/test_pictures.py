"""Pictures of templates at the console: uploaded in the editor, seen on runs, compared."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.browser.console.test_templates import desktop, type_over
from tests.browser.pictures import file
from tests.helpers.console.accessibility import is_fine
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import BOOLEAN, World

pytestmark = pytest.mark.browser


async def test_pictures_stay_beside_a_text_that_is_refused(w: World, browser: Browser, base: str) -> None:
    async with desktop(w, browser, base) as ann:
        page = ann.page
        await page.goto(f"{base}/console/templates/new")
        rows = page.locator("#uploaded li")
        chosen = [file(f"“{name}” <b>.jpg", "image/jpeg", jpeg(64, size)) for name, size in (("Sink", 48), ("Bed", 64))]
        await page.locator("#picture").set_input_files(chosen)
        await expect(rows).to_have_count(2)
        ids = [await row.locator("input").input_value() for row in await rows.all()]
        assert all(re.fullmatch(r"pic-[0-9a-f]{64}", each) for each in ids)
        await type_over(page, '"boolean"', '"bolean"')
        for _ in range(2):
            async with page.expect_event("load"):
                await page.get_by_role("button", name="Publish…").click()
            await expect(page.locator("#faults li")).to_be_visible()
            await expect(rows).to_have_count(2)
            assert [await row.locator("input").input_value() for row in await rows.all()] == ids
            for image in await rows.locator("img").all():
                await expect(image).to_have_js_property("naturalWidth", 64)
        await page.locator("#picture").set_input_files(chosen[:1])
        await expect(rows).to_have_count(2)
        await rows.first.get_by_role("button", name="Copy").click()
        await expect(rows.first.get_by_role("button")).to_have_text("Copied")


async def test_pictures_of_a_template_are_seen_on_screen_and_left_out_on_paper(
    w: World, browser: Browser, base: str
) -> None:
    small, large = [
        (await w.acme.post("/v1/pictures", content=jpeg(64, height))).json()["picture_id"] for height in (48, 64)
    ]
    template_id = await w.template({**BOOLEAN, "pictures": [small]})
    ed = await w.dispatch(template_id)
    after = {"name": "Check", "steps": [{**BOOLEAN, "pictures": [large, small]}]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=after)).status_code == 200
    async with desktop(w, browser, base, viewport={"width": 320, "height": 700}) as ann:
        page = ann.page
        await page.goto(f"{base}/console/runs/{ed.run_id}")
        shown = page.locator(".shown", has_text="How it should look")
        await expect(shown.get_by_role("img")).to_have_count(1)
        await page.emulate_media(media="print")
        await expect(shown).to_be_hidden()
        await expect(page.get_by_role("heading", name="All fine?")).to_be_visible()
        await page.emulate_media(media="screen")
        await page.goto(f"{base}/console/templates/{template_id}/changes")
        for part, count in (("deletion", 1), ("insertion", 2)):
            await expect(page.get_by_role(part).get_by_role("img")).to_have_count(count)  # type: ignore[arg-type]
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        await is_fine(page, "what changed of pictures")
