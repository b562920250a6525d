"""Pictures of templates at the console: uploaded in the editor, seen on runs, compared."""

from base64 import b64encode

import pytest
from playwright.async_api import Browser, expect

from tests.browser.console.desktop import desktop, label, row, template_of
from tests.helpers.console.accessibility import is_fine
from tests.helpers.pictures.images import jpeg
from tests.helpers.service import BOOLEAN, World

pytestmark = pytest.mark.browser


# Gives a picture to the text of the first step as the browser does when a person pastes or drops a file.
GIVE = """([bytes, kind]) => {
  const transfer = new DataTransfer();
  const data = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  transfer.items.add(new File([data], `${kind} <b>.jpg`, { type: "image/jpeg" }));
  const about = { bubbles: true, cancelable: true, dataTransfer: transfer, clipboardData: transfer };
  const text = document.querySelector("#rows .text");
  text.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, about) : new DragEvent(kind, about));
}"""


async def test_pictures_are_pasted_and_dropped_into_a_step(w: World, browser: Browser, base: str) -> None:
    async with desktop(w, browser, base) as ann:
        page = ann.page
        await page.goto(f"{base}/console/templates/new")
        await label(page, 1).fill("As shown?")
        pictures = row(page, 1).locator(".shown img")
        for count, kind in enumerate(("paste", "drop"), 1):
            given = b64encode(jpeg(64, 48 + count)).decode()
            await page.evaluate(GIVE, [given, kind])
            await expect(pictures).to_have_count(count)
        for image in await pictures.all():
            await expect(image).to_have_js_property("naturalWidth", 64)
        await page.evaluate(GIVE, [b64encode(b"no picture").decode(), "paste"])
        await expect(page.locator("#said")).to_contain_text("paste <b>.jpg: ")
        assert len((await template_of(page))["steps"][0]["pictures"]) == 2


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
