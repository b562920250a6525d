"""`make screenshots`: the executor's page in its main states, light and dark, English and Arabic, at three widths; and
in large text and forced colours at 390 px.

Pictures go to screenshots/<width>-<language>-<theme>-<state>.png; nothing is compared: they are for people to look at.
"""

import asyncio
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from tests.browser.phone import Phone, chromium, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.network.faulty_network import Depot, depot

FOLDER = Path(__file__).resolve().parent.parent.parent / "screenshots"
WIDTHS = (320, 390, 768)
LANGUAGES = ("en", "ar")
THEMES = ("light", "dark")
ROOM: dict[str, Any] = {
    "id": "s-pic",
    "type": "photo",
    "label": "The kitchen as you leave it",
    "config": {"min": 1, "max": 4},
}
YES = [
    {"id": f"s-yes{i}", "type": "boolean", "label": label}
    for i, label in enumerate(("Windows closed?", "Heating turned down?", "Lights off?"))
]
STEPS: list[dict[str, Any]] = [
    {"id": "s-read", "type": "instruction", "label": "Before you begin",
     "config": {"body": "Ring first.\nKeys are in the box."}},
    {"id": "s-ok", "type": "boolean", "label": "Is everything in order?", "geo": True,
     "hint": "Look behind the sofa, too."},
    {"id": "s-way", "type": "choice", "label": "Which entrance?",
     "config": {"options": [{"id": "o-f", "label": "Front"}, {"id": "o-b", "label": "Back"}]}},
    {"id": "s-did", "type": "multi_choice", "label": "What was done?",
     "config": {"options": [
         {"id": "o-1", "label": "Beds"}, {"id": "o-2", "label": "Bath"}, {"id": "o-3", "label": "Floor"}]}},
    {"id": "s-text", "type": "text", "label": "Anything to report?", "required": False},
    {"id": "s-num", "type": "number", "label": "Meter reading", "config": {"unit": "kWh", "min": 0}},
    {"id": "s-rate", "type": "rating", "label": "How clean was it?",
     "config": {"min_label": "Dirty", "max_label": "Spotless"}},
    ROOM,
    {"id": "s-code", "type": "barcode", "label": "Key tag"},
    {"id": "s-day", "type": "datetime", "label": "Next guests"},
    {"id": "s-sign", "type": "signature", "label": "Your signature"},
]  # fmt: skip
# Once the next frame is drawn: what scrolls is then where it goes.
DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
SETTINGS = {"est_minutes": 10, "allow_skip": True}


class Album:
    """Where a series of pictures goes."""

    def __init__(self, width: int, language: str, theme: str) -> None:
        self.name = f"{width}-{language}-{theme}"

    async def keep(self, page: Page, state: str, whole: bool = False) -> None:
        """One picture; `whole`: on a screen so high that nothing is below it."""
        await page.evaluate("document.activeElement?.blur()")
        await page.evaluate(DRAWN)
        seen = page.viewport_size
        assert seen is not None
        if whole:
            height = await page.evaluate("document.documentElement.scrollHeight")
            await page.set_viewport_size({**seen, "height": height})
        await page.screenshot(path=FOLDER / f"{self.name}-{state}.png", animations="disabled")
        await page.set_viewport_size(seen)


async def states(ed: Phone, acme: Depot, album: Album, language: str) -> None:
    """One run after the other, from the start screen to the thank-you page, and an expired one."""
    page = ed.page
    run_id = await acme.dispatched(
        *STEPS, description="Before the next guests come.", settings=SETTINGS, execution={"identity_required": "name"}
    )
    await page.goto(f"{ed.base}/r/{run_id}?lang={language}")
    start = page.locator(".start form button")
    await expect(start).to_be_enabled()
    await album.keep(page, "1-start")
    await page.locator("#identity").fill("Ed")
    await start.tap()
    await expect(page.locator(".list")).to_be_visible()
    await ed.everything_is_loaded()
    await album.keep(page, "2-steps", whole=True)
    await sheets(ed, album)

    await long_list(ed, acme, album, language)

    short = await acme.dispatched(*YES, ROOM)
    await page.goto(f"{ed.base}/r/{short}?lang={language}")
    await expect(start).to_be_enabled()
    await start.tap()
    await expect(page.locator(".list")).to_be_visible()
    await ed.everything_is_loaded()
    for step in YES[:2]:
        await ed.step(step["id"]).locator(".pick").first.tap()
    await ed.is_done("s-yes0", "s-yes1")
    await album.keep(page, "3-answered")
    going = asyncio.Event()

    async def slowly(route: Any) -> None:
        await going.wait()
        await route.continue_()

    await page.route("**/r/*/steps/*/photos/*", slowly)
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await expect(ed.step("s-pic").locator(".status")).to_have_attribute("kind", "sending")
    await ed.step("s-pic").scroll_into_view_if_needed()
    await album.keep(page, "4-photo-sending")
    acme.line.down()
    going.set()
    await page.unroute_all(behavior="wait")
    await ed.step("s-yes2").locator(".pick").first.tap()
    await expect(ed.step("s-yes2")).to_have_attribute("safety", "stuck")
    await album.keep(page, "5-offline")
    await page.locator(".form:not(.review) .bottom button").last.tap()
    await expect(page.locator(".review")).to_be_visible()
    await album.keep(page, "6-review")
    await page.locator(".review .bottom button").last.tap()
    await expect(page.locator(".waiting")).to_be_visible()
    await album.keep(page, "7-owed")
    acme.line.up()
    await ed.network_is_back()
    await expect(page.locator(".end-mark.good")).to_be_visible()
    await album.keep(page, "8-done")

    gone = await acme.dispatched(*YES, ROOM)
    await page.goto(f"{ed.base}/r/{gone}?lang={language}")
    await start.tap()
    await expect(page.locator(".list")).to_be_visible()
    await ed.everything_is_loaded()
    acme.line.down()
    await ed.step("s-yes0").locator(".pick").first.tap()
    await (await acme.client.post(f"/v1/runs/{gone}/cancel", json={"reason": "Rebooked"})).aread()
    acme.line.up()
    await ed.network_is_back()
    await expect(page.locator(".unsent")).to_be_visible()
    await album.keep(page, "9-closed-with-leftovers")


async def long_list(ed: Phone, acme: Depot, album: Album, language: str) -> None:
    """Two sections, half of them done and folded, and a long scale; the contents; a text written on two phones."""
    page = ed.page
    scale = {"id": "s-fuel", "type": "rating", "label": "Fuel",
             "config": {"min": 0, "max": 8, "min_label": "Empty", "max_label": "Full"}}  # fmt: skip
    rooms = [{"id": f"s-room{n}", "type": "boolean", "label": f"Room {n} is clean?"} for n in range(8)]
    template = {"name": "Hand-over", "sections": [
        {"id": "g-a", "title": "Rooms", "steps": rooms},
        {"id": "g-b", "title": "Car", "steps": [scale, STEPS[3], {**STEPS[4], "required": True}, STEPS[0]]},
    ]}  # fmt: skip
    made = await acme.client.post("/v1/templates", json=template)
    run = (await acme.client.post("/v1/runs", json={"template_id": made.json()["id"]})).json()["run_id"]
    await page.goto(f"{ed.base}/r/{run}?lang={language}")
    await page.locator(".start form button").tap()
    await expect(page.locator(".list")).to_be_visible()
    await ed.everything_is_loaded()
    for room in rooms:
        await ed.step(room["id"]).locator(".pick").first.tap()
    await expect(ed.step("s-room1")).to_have_attribute("folded", "")
    await album.keep(page, "2h-folded")
    await ed.pick("s-did", "Beds")
    await ed.step("s-fuel").locator(".grade").nth(6).tap()
    await page.locator("button.done-count").tap()
    await expect(page.locator("dialog")).to_be_visible()
    await album.keep(page, "2i-contents")
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog")).to_have_count(0)
    await ed.step("s-text").locator("input").press_sequentially("A lamp is broken")
    body = {"value": "The lamp in the hall", "replaces": None}
    (await acme.client.put(f"/r/{run}/steps/s-text", json=body)).raise_for_status()
    await ed.step("s-text").locator("input").blur()
    await expect(ed.step("s-text").locator(".rival")).to_be_visible()
    await ed.step("s-text").scroll_into_view_if_needed()
    await album.keep(page, "2j-two-phones")
    await album.keep(page, "2k-list", whole=True)


async def sheets(ed: Phone, album: Album) -> None:
    """What comes up from below on the list of every type, and what stands there when something is wrong."""
    page = ed.page
    dialog = page.locator("dialog")

    async def keep(state: str) -> None:
        await expect(dialog).to_be_visible()
        await album.keep(page, state)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)

    await page.locator(".top .round").tap()
    await keep("2a-menu")
    await (await ed.more("s-way")).locator(".sheet-body .button").last.tap()
    await expect(page.locator("#reason")).to_be_visible()
    await keep("2b-cannot")
    await ed.step("s-sign").locator(".control .button").tap()
    await keep("2c-sign")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-pic")
    await ed.step("s-pic").locator(".tile").tap()
    await keep("2d-photo")
    await ed.fill("s-num", "-5")
    await (await ed.more("s-text")).locator(".sheet-body .button").last.tap()
    await ed.pick("s-ok", await ed.step("s-ok").locator(".pick-label").first.inner_text())
    await ed.is_safe("s-ok", "s-text")
    await album.keep(page, "2e-wrong", whole=True)
    await ed.fill("s-num", "1234.5")
    await page.locator(".form:not(.review) .bottom button").last.tap()
    await album.keep(page, "2f-review", whole=True)
    await page.locator(".review .bottom button").last.tap()
    await expect(page.locator(".step[missing]").first).to_be_visible()
    await album.keep(page, "2g-missing", whole=True)


async def expired(ed: Phone, acme: Depot, album: Album, language: str) -> None:
    """The server's page of a run that is over."""
    run = await acme.client.post("/v1/templates", json={"name": "Check", "steps": YES})
    order = {"template_id": run.json()["id"], "expires_in_hours": 0.0001}
    gone = (await acme.client.post("/v1/runs", json=order)).json()["run_id"]
    address = f"{ed.base}/r/{gone}?lang={language}"
    while (await ed.page.goto(address)).status != 410:  # type: ignore[union-attr]
        pass
    await album.keep(ed.page, "10-expired")
    other = await acme.dispatched(*YES)
    await ed.page.route("**/executor/rules.js", lambda route: route.fulfill(body="!", content_type="text/javascript"))
    await ed.page.goto(f"{ed.base}/r/{other}?lang={language}")
    await expect(ed.page.locator("#guard-old")).to_be_visible()
    await album.keep(ed.page, "11-old-browser")
    ed.trouble.clear()


async def series(browser: Browser, acme: Depot, width: int, language: str, theme: str) -> None:
    """One phone."""
    locale = {"en": "en-GB", "ar": "ar-EG"}[language]
    size = {"width": width, "height": 844}
    async with phone(browser, acme.base, viewport=size, color_scheme=theme, locale=locale) as ed:
        album = Album(width, language, theme)
        await states(ed, acme, album, language)
        await expired(ed, acme, album, language)
    if (width, theme) != (390, "light"):
        return
    async with phone(browser, acme.base, viewport=size, color_scheme=theme, locale=locale) as ed:
        settings = await ed.page.context.new_cdp_session(ed.page)
        await settings.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
        await states(ed, acme, Album(width, language, "large-text"), language)
    async with phone(browser, acme.base, viewport=size, forced_colors="active", locale=locale) as ed:
        await states(ed, acme, Album(width, language, "forced-colours"), language)


async def main() -> None:
    """All of them; words on the command line choose among `390-ar-dark` and the like."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with depot(Path(folder)) as acme, chromium() as browser:
            for width, language, theme in product(WIDTHS, LANGUAGES, THEMES):
                name = f"{width}-{language}-{theme}"
                if sys.argv[1:] and name not in sys.argv[1:]:
                    continue
                await series(browser, acme, width, language, theme)
                print(name, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
