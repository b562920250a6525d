"""Browsers that can't run the page, and networks that lose parts of it: it says so, and there is a way on."""

import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.checklists import COUNT, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.helpers.service import World

RULES = re.compile(r"/static/[^/]+/executor/rules\.js$")


async def loses_twice(page: Page) -> list[str]:
    """Lose a module twice: at its preload, and at its import. Returns the addresses that were lost, as they are."""
    lost: list[str] = []

    async def lose(route: Route) -> None:
        if len(lost) == 2:
            return await route.continue_()
        lost.append(route.request.url)
        return await route.abort()

    await page.route(RULES, lose)
    return lost


async def is_told(page: Page, kind: str, words: str) -> None:
    notice = page.locator(f"#guard-{kind}")
    await expect(notice).to_be_visible()
    await expect(notice).to_contain_text(words)
    await expect(notice.get_by_role("link", name="Load again")).to_be_visible()
    await expect(page.locator("[id^=guard-]:visible")).to_have_count(1)


async def test_a_browser_that_does_not_understand_the_page_says_so_and_which_would(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)

    async def of_next_year(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body="export const x = ;\n//end")

    await ed.page.route(RULES, of_next_year)
    await ed.open(run_id)
    await is_told(ed.page, "old", "Safari 15.4 (iOS 15.4), Chrome or Edge 98, Firefox 98, or newer")
    start = ed.page.get_by_role("button", name="Start")
    await expect(start).to_be_disabled()
    assert float(await start.evaluate("(button) => getComputedStyle(button).opacity")) < 1
    assert ed.trouble == ["Unexpected token ';'"] * 2  # it might have been cut short the first time
    ed.trouble.clear()
    # A way on: it may have been a part that was spoilt on its way.
    await ed.page.unroute_all()
    await ed.page.get_by_role("link", name="Load again").tap()
    await ed.start()


@pytest.mark.parametrize(
    "lacks",
    ["delete Array.prototype.at", "delete window.structuredClone", "delete window.HTMLDialogElement",
     "delete HTMLScriptElement.prototype.noModule"],
)  # fmt: skip
async def test_a_browser_that_lacks_what_the_page_needs_says_so_at_once(w: World, ed: Phone, lacks: str) -> None:
    await ed.page.clock.install(time=0)
    await ed.page.clock.pause_at(1)
    await ed.page.add_init_script(lacks)
    await ed.open(await dispatched(w, YES_NO))
    await is_told(ed.page, "old", "can’t run this page")


async def test_a_part_that_was_lost_twice_is_asked_for_again(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, execution={"identity_required": "name"})
    lost = await loses_twice(ed.page)
    await ed.open(run_id)
    await ed.page.get_by_label("Your name").fill("Ed")  # what is typed meanwhile stays
    await ed.start()
    assert len(lost) == 2
    await expect(ed.page.locator("[id^=guard-]:visible")).to_have_count(0)
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok")
    assert (await record(w, run_id))["identity"]["name"] == "Ed"


@pytest.mark.long
async def test_a_page_that_came_at_the_second_try_opens_without_network(w: World, browser: Browser, base: str) -> None:
    async with phone(browser, base, service_workers="allow") as ed:
        run_id = await dispatched(w, YES_NO, COUNT)
        lost = await loses_twice(ed.page)
        await ed.open(run_id)
        await ed.start()
        assert len(lost) == 2
        await ed.everything_is_loaded()
        await ed.is_kept_as_page(run_id)
        await ed.page.unroute_all()
        await ed.page.context.set_offline(True)
        await ed.page.reload()
        await expect(ed.step("s-ok")).to_be_visible()
        await ed.page.context.set_offline(False)
