"""The photos of a job, large: by keys, by clicks and by swipes, in full size, one after the other."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.checklists import PICTURE
from tests.browser.console.test_runs import at_the_console, fits
from tests.browser.pictures import jpeg
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console_page import ON_A_PHONE
from tests.helpers.console.console_runs import everything
from tests.helpers.pictures.images import encoded, quadrants
from tests.helpers.service import World


@pytest.fixture
async def ann(request: pytest.FixtureRequest, w: World, browser: Browser, base: str) -> AsyncIterator[Page]:
    """Ann at a desk, or with a phone where a test says so."""
    async with at_the_console(w, browser, base, getattr(request, "param", "desk")) as page:
        yield page


async def test_photos_are_seen_large_by_the_keyboard_alone(w: World, base: str, ann: Page) -> None:
    run = await everything(w)
    await ann.goto(f"{base}/console/runs/{run.run_id}?details=yes")
    first, second = await ann.locator("a.photo").all()
    await first.focus()
    await ann.keyboard.press("Enter")
    dialog, large = ann.locator("dialog"), ann.locator("#zoom-picture")
    await expect(dialog).to_be_visible()
    addresses = [await one.get_attribute("href") for one in (first, second)]
    await expect(large).to_have_attribute("src", re.compile(re.escape(addresses[0] or "?")))
    await expect(dialog).to_contain_text("1 / 2")
    await expect(dialog).to_contain_text("1.500000, 2.500000")
    await is_fine(ann, "zoom")
    await ann.keyboard.press("ArrowRight")
    await expect(large).to_have_attribute("src", re.compile(re.escape(addresses[1] or "?")))
    await ann.keyboard.press("ArrowRight")
    await expect(dialog).to_contain_text("2 / 2")
    await ann.keyboard.press("ArrowLeft")
    await expect(dialog).to_contain_text("1 / 2")
    async with ann.expect_download() as coming:
        await dialog.get_by_role("link", name="Download the original").click()
    assert (await coming.value).suggested_filename == "booking-77-011-the-door-1.jpg"
    path = Path(await (await coming.value).path())
    original = (await w.run(run))["answers"]["s-pic"]["photos"][0]["original"]
    assert len(await asyncio.to_thread(path.read_bytes)) == original["bytes"]
    await ann.keyboard.press("ArrowRight")
    await ann.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(second).to_be_focused()


async def seen(page: Page) -> dict[str, float]:
    """How wide the large photo is and has to be, and how far its frame is scrolled."""
    found: dict[str, float] = await page.evaluate(
        """() => {
          const [view, picture] = ["zoom-view", "zoom-picture"].map((id) => document.getElementById(id));
          const size = { width: picture.clientWidth, whole: picture.naturalWidth };
          return { ...size, left: view.scrollLeft, top: view.scrollTop };
        }"""
    )
    return found


@ON_A_PHONE
async def test_a_large_photo_is_seen_in_full_size(w: World, base: str, ann: Page) -> None:
    run = await w.dispatch(await w.template(PICTURE))
    await run.start()
    assert (await run.photo("s-pic", encoded(quadrants(2000, 2400)))).status_code == 201
    assert (await run.photo("s-pic", encoded(quadrants(200, 100)))).status_code == 201
    await ann.goto(f"{base}/console/runs/{run.run_id}?details=yes")
    first, second = await ann.locator("a.photo").all()
    await first.click()
    view, large = ann.locator("#zoom-view"), ann.locator("#zoom-picture")
    button = ann.get_by_role("button", name="Full size")
    await expect(button).to_be_enabled()  # once the picture is there
    await expect(view).to_be_focused()
    fitted = await seen(ann)
    assert fitted["width"] < fitted["whole"] / 2, "it fits the window"
    await ann.keyboard.press("Enter")
    await expect(button).to_have_attribute("aria-pressed", "true")
    full = await seen(ann)
    assert full["width"] == full["whole"] and full["left"] > 0 and full["top"] > 0, "its middle is shown"
    await is_fine(ann, "zoom, full size")
    await fits(ann)
    await button.click()
    assert await seen(ann) == fitted
    await large.click(position={"x": 1, "y": 1})
    corner = await seen(ann)
    assert (corner["width"], corner["left"], corner["top"]) == (corner["whole"], 0, 0), "where it was clicked"
    if (await view.bounding_box() or {"width": 0})["width"] > 400:
        await ann.mouse.move(300, 300)
        await ann.mouse.down()
        await ann.mouse.move(250, 280)
        await ann.mouse.up()
        dragged = await seen(ann)
        assert (dragged["width"], dragged["left"], dragged["top"]) == (corner["whole"], 50, 20)
    await view.focus()
    await view.evaluate("view => view.addEventListener('scroll', () => { view.dataset.moved = 1; })")
    await ann.keyboard.press("ArrowRight")
    await expect(view).to_have_attribute("data-moved", "1")
    await expect(ann.locator("#zoom-count")).to_contain_text("1 / 2")
    await ann.get_by_role("button", name="Next").click()
    await expect(button).to_be_disabled()
    await expect(button).to_have_attribute("aria-pressed", "false")
    await large.click()
    assert (await seen(ann))["width"] == 200
    await ann.keyboard.press("Escape")
    await expect(second).to_be_focused()


async def test_photos_come_in_the_order_of_the_strip_and_lead_back_to_it(w: World, base: str, ann: Page) -> None:
    """First those of what was flagged, though its step is the last."""
    flagged = {**PICTURE, "id": "s-bad", "label": "The scratch", "flag": {"when": {"op": "answered"}}}
    run = await w.dispatch(await w.template({**PICTURE, "label": "The van"}, flagged))
    await run.start()
    for step in ("s-pic", "s-bad"):
        assert (await run.photo(step, jpeg())).status_code == 201
        await run.answer(step)
    await ann.goto(f"{base}/console/runs/{run.run_id}")
    first, second = await ann.locator(".strip a").all()
    await first.click()
    count = ann.locator("#zoom-count")
    await expect(count).to_have_text("1 / 2 · Photo 1 of The scratch")
    await ann.get_by_role("button", name="Next").click()
    await expect(count).to_have_text("2 / 2 · Photo 1 of The van")
    await ann.keyboard.press("Escape")
    await expect(second).to_be_focused()


async def test_on_a_phone_a_photo_fills_the_screen_and_a_swipe_turns_to_the_next(
    w: World, base: str, browser: Browser
) -> None:
    run = await everything(w)
    async with at_the_console(w, browser, base, "phone") as page:
        await page.goto(f"{base}/console/runs/{run.run_id}?details=yes")
        await page.locator("a.photo").first.click()
        assert await page.locator("#zoom").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
        signs = page.locator(".zoom-bar :is(button, .button)")
        tops = await signs.evaluate_all("all => all.map((one) => one.offsetTop)")
        assert len(tops) == 5 and len(set(tops)) == 1, "in one row"
        await expect(page.locator("#zoom-about")).to_be_hidden()
        await is_fine(page, "zoom on a phone")
        chrome = await page.context.new_cdp_session(page)
        await chrome.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
        for xs, shown in (((300, 200, 90), "2 / 2"), ((90, 200, 300), "1 / 2"), ((200, 200, 190), "1 / 2")):
            for event, x in zip(("touchStart", "touchMove", "touchMove"), xs, strict=True):
                await chrome.send("Input.dispatchTouchEvent", {"type": event, "touchPoints": [{"x": x, "y": 400}]})
            await chrome.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
            await expect(page.locator("#zoom-count")).to_contain_text(shown)
        fingers = [{"x": 100, "y": 400, "id": 1}, {"x": 300, "y": 400, "id": 2}]
        await chrome.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers[:1]})
        await chrome.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers})
        for left in (fingers[1:], []):
            await chrome.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": left})
        await page.locator("#zoom-close").click()
        await expect(page.locator("#zoom")).to_be_hidden()
        await expect(page.locator("#zoom-count")).to_contain_text("1 / 2")  # two fingers turn nothing
