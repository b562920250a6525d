"""Ann dispatches by hand what a run is about, changes the message, and sees what came of it."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from rundun.web.console import cookies
from tests.helpers.accessibility import is_fine
from tests.helpers.console_jobs import FIELDS, JOB, SECRET, STEPS
from tests.helpers.console_page import session_of, somebody
from tests.helpers.service import BOOLEAN, World

SENT_MESSAGE = "Please be there at 11. http://rundun.test/r/"


@pytest.fixture(params=["desk", "phone"])
async def ann(request: pytest.FixtureRequest, w: World, browser: Browser, base: str) -> AsyncIterator[Page]:
    """Ann at a desk, then with a phone."""
    async with somebody(browser, base, request.param, await session_of(w)) as page:
        yield page
    w.service.notifier.end()


async def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_job_is_dispatched_by_hand(w: World, base: str, ann: Page) -> None:
    await w.template(BOOLEAN, name="Boiler check")
    await w.template(*STEPS, name="Turnover", fields=FIELDS)
    asked: list[str] = []
    ann.on("request", lambda request: asked.append(request.url))
    await ann.goto(f"{base}/console/dispatch")
    await expect(ann.get_by_role("button", name="Show its fields")).to_have_count(0)
    await ann.get_by_label("Title").fill(JOB["title"])
    await ann.get_by_label("Template").select_option(label="Turnover")
    await ann.get_by_label("Unit (required)").fill("Beach house 3")
    await ann.get_by_label("Door code").fill(SECRET)
    await ann.get_by_text("Values to confirm").click()
    await ann.get_by_label("Odometer").fill("42150")
    await is_fine(ann, "the form")
    await fits(ann)
    await ann.get_by_label("Template").select_option(label="Boiler check")
    await expect(ann.get_by_label("Door code")).to_have_count(0)
    await ann.get_by_label("Template").select_option(label="Turnover")
    await expect(ann.get_by_label("Door code")).to_have_value("")
    await ann.get_by_label("Door code").fill(SECRET)
    await ann.get_by_label("Unit (required)").fill("Beach house 3")
    await ann.get_by_label("Due").fill("2026-01-02T15:00")
    await ann.get_by_label("Title").press("Enter")
    await expect(ann.get_by_role("heading", name="The link is ready")).to_be_visible()
    assert not [url for url in asked if SECRET in url]

    message = ann.get_by_role("textbox", name="Message")
    await expect(message).to_have_value(re.compile(f"{JOB['title']}\nTo be done by: Jan 2, 2026"))
    await message.fill(SENT_MESSAGE)
    for name, address in (("WhatsApp", "https://wa.me/?text="), ("SMS", "sms:?&body=")):
        encoded = await ann.evaluate("encodeURIComponent", SENT_MESSAGE)
        await expect(ann.get_by_role("link", name=name)).to_have_attribute("href", address + encoded)
    await is_fine(ann, "the message")
    await fits(ann)

    await ann.get_by_role("link", name="See the run").click()
    await expect(ann.get_by_role("heading", name=JOB["title"])).to_be_visible()
    await expect(ann.get_by_text(SECRET)).to_be_hidden()
    await is_fine(ann, "the run")
    await ann.locator("#job summary").click()
    await expect(ann.get_by_text(SECRET)).to_be_visible()
    await ann.emulate_media(media="print")
    await expect(ann.get_by_text(SECRET)).to_be_hidden()
    await expect(ann.locator("#job").get_by_text("Beach house 3")).to_be_visible()
    await ann.emulate_media(media="screen")
    await ann.get_by_role("link", name="Message to send").click()
    await expect(message).to_have_value(re.compile(JOB["title"]))


async def test_without_scripts_a_button_shows_the_fields(w: World, browser: Browser, base: str) -> None:
    await w.template(*STEPS, name="Turnover", fields=FIELDS)
    context = await browser.new_context(java_script_enabled=False)
    cookie: Any = {"name": cookies.SESSION, "value": await session_of(w), "url": f"{base}/console"}
    await context.add_cookies([cookie])
    page = await context.new_page()
    await page.goto(f"{base}/console/dispatch")
    await page.get_by_label("Title").fill("Kept")
    await page.get_by_label("Template").select_option(label="Turnover")
    await page.get_by_role("button", name="Show its fields").click()
    await expect(page.get_by_label("Title")).to_have_value("Kept")
    await page.get_by_label("Unit (required)").fill("Beach house 3")
    await page.get_by_label("Door code").fill(SECRET)
    await page.get_by_role("button", name="Show its fields").click()
    await expect(page.get_by_label("Door code")).to_have_value(SECRET)
    assert page.url == f"{base}/console/dispatch"
    await page.get_by_role("button", name="Dispatch", exact=True).click()
    await expect(page.get_by_role("heading", name="The link is ready")).to_be_visible()
    await context.close()
    w.service.notifier.end()


async def test_what_needs_attention_leads_to_its_step_as_it_comes(w: World, base: str, ann: Page) -> None:
    ed = await w.dispatch(await w.template(*STEPS, fields=FIELDS), **JOB)
    await ann.goto(f"{base}/console/runs/{ed.run_id}")
    await expect(ann.locator("#live[data-state=on]")).to_be_visible()
    await ann.locator("#job summary").click()
    await ed.start()
    await ed.put("s-odo", {"unable": {"reason": "The cellar is locked"}})
    block = ann.get_by_role("region", name="Needs attention (1)")
    await expect(block).to_contain_text("The cellar is locked")
    await expect(ann.get_by_text(SECRET)).to_be_visible()
    await is_fine(ann, "what needs attention")
    await fits(ann)
    await block.get_by_role("link", name="Odometer").click()
    assert ann.url.endswith("#s-odo")
    await expect(ann.locator("#s-odo")).to_be_in_viewport()
    assert (await w.acme.post(f"/v1/runs/{ed.run_id}/cancel", json={"reason": "Rain"})).status_code == 200
    await ann.get_by_role("link", name="Repeat").click()
    await expect(ann.get_by_label("Title")).to_have_value(JOB["title"])
    assert SECRET not in await ann.content()
    await is_fine(ann, "dispatched again")
    for path in ("", "/runs", "/runs?status=missed&flagged=yes"):
        await ann.goto(f"{base}/console{path}")
        await is_fine(ann, "a list")
        await fits(ann)
