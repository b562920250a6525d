"""Ann sets a webhook by default; what she sends from then on reports there, and so does the job that repeats it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from rundun.core.runs import event
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console_page import SIZES, session_of, somebody
from tests.helpers.service import BOOLEAN, Ed, Receiver, World
from tests.helpers.webhooks import SECRET, verify


@pytest.fixture
async def ann(w: World, browser: Browser, base: str) -> AsyncIterator[Page]:
    """Ann at a desk."""
    async with somebody(browser, base, "desk", await session_of(w)) as page:
        yield page
    w.service.notifier.end()


async def looks_right(page: Page, what: str) -> None:
    """Fine at both widths, and nothing is wider than the window."""
    for width, height in SIZES.values():
        await page.set_viewport_size({"width": width, "height": height})
        await is_fine(page, f"{what}, {width}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), what


async def sent(page: Page) -> str:
    """Send what the form says; returns the id of the run."""
    await page.locator("form.dispatch button.primary").last.click()
    await page.wait_for_url("**/console/dispatch/r-*")
    return page.url.rpartition("/")[2].partition("?")[0]


async def done(w: World, run_id: str) -> None:
    """Ed does it, and all that it has to tell is sent."""
    ed = Ed(w, run_id)
    await ed.start()
    await ed.answer("s-ok", True)
    await ed.complete()
    await w.deliver()


@pytest.mark.long
async def test_what_people_send_reports_by_default(w: World, base: str, ann: Page, receiver: Receiver) -> None:
    template_id = await w.template(BOOLEAN, name="Boiler check")
    await ann.goto(f"{base}/console/settings/webhooks")
    await ann.get_by_role("link", name="Set one").click()
    await ann.get_by_label("Address").fill("http://169.254.169.254/")
    await ann.get_by_label("Secret").fill("short")
    await ann.get_by_role("button", name="Save and test").click()
    await expect(ann.locator(".wrong")).to_contain_text("12")
    await looks_right(ann, "what is wrong")
    await ann.get_by_label("Address").fill(receiver.url)
    await ann.get_by_label("Secret").fill(SECRET)
    for name in event.EVENTS:
        await ann.get_by_label(name, exact=True).set_checked(name == "run.completed")
    await ann.get_by_role("button", name="Save and test").click()
    await expect(ann.get_by_role("status")).to_contain_text("Saved. A test arrived there: the answer was 204")
    await expect(ann.get_by_label("Secret", exact=True)).to_have_value("")
    await looks_right(ann, "the default webhook")

    await ann.goto(f"{base}/console/dispatch?template_id={template_id}")
    await expect(ann.locator("[name=webhook]")).to_have_value("default")
    await ann.locator("[name=title]").fill("Flat 3")
    first = await sent(ann)
    await done(w, first)
    assert receiver.events() == [event.TEST, "run.completed"]
    verify(receiver.url, receiver.received[1])

    await ann.goto(f"{base}/console/templates/{template_id}")
    await ann.get_by_role("link", name="Change the webhook").click()
    await ann.get_by_label("Address").fill(f"{receiver.url}?of=boilers")
    await ann.get_by_role("button", name="Save and test").click()
    await expect(ann.get_by_role("status")).to_contain_text("the answer was 204")
    await looks_right(ann, "that of a checklist")

    await ann.goto(f"{base}/console/runs/{first}")
    await ann.get_by_role("link", name="Repeat", exact=True).click()
    await expect(ann.locator("[name=title]")).to_have_value("Flat 3")
    await expect(ann.locator("[name=webhook]")).to_have_value("previous")
    await looks_right(ann, "the form that repeats it")
    second = await sent(ann)
    await done(w, second)
    assert receiver.received[-1].path == "/hook", "as the job before, not where others of the checklist report now"
    assert receiver.received[-1].json["run_id"] == second
    verify(receiver.url, receiver.received[-1])
    await ann.goto(f"{base}/console/runs/{second}")
    await ann.get_by_role("link", name=first[2:10]).click()
    await expect(ann.get_by_role("link", name=second[2:10])).to_be_visible()

    await ann.goto(f"{base}/console/settings/webhooks/default")
    await ann.get_by_text("Remove…").click()
    await ann.get_by_role("button", name="Remove", exact=True).click()
    await expect(ann.get_by_role("link", name="Set one")).to_be_visible()
