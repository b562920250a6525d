"""Pictures that are uploaded in the editor of templates."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.browser.pictures import file
from tests.browser.test_console_templates import desktop, type_over
from tests.helpers.images import jpeg
from tests.helpers.service import World

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
                await page.get_by_role("button", name="Save").click()
            await expect(page.locator("#editor[data-saved=no]")).to_be_visible()
            await expect(rows).to_have_count(2)
            assert [await row.locator("input").input_value() for row in await rows.all()] == ids
            for image in await rows.locator("img").all():
                await expect(image).to_have_js_property("naturalWidth", 64)
        await page.locator("#picture").set_input_files(chosen[:1])
        await expect(rows).to_have_count(2)
        await rows.first.get_by_role("button", name="Copy").click()
        await expect(rows.first.get_by_role("button")).to_have_text("Copied")
