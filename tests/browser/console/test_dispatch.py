"""Ann dispatches by hand what a run is about, changes the message, and sees what came of it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from rundun.web.console import cookies
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console_jobs import FIELDS, JOB, SECRET, STEPS
from tests.helpers.console.console_page import ON_A_PHONE, session_of, somebody
from tests.helpers.service import BOOLEAN, World
from tests.helpers.xlsx import rows as workbook

SENT_MESSAGE = "Please be there at 11. http://rundun.test/r/"


@pytest.fixture
async def ann(request: pytest.FixtureRequest, w: World, browser: Browser, base: str) -> AsyncIterator[Page]:
    """Ann at a desk, or with a phone where a test says so."""
    async with somebody(browser, base, getattr(request, "param", "desk"), await session_of(w)) as page:
        yield page
    w.service.notifier.end()


async def fits(page: Page) -> None:
    """Nothing is wider than the window."""
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@ON_A_PHONE
async def test_a_job_is_dispatched_by_hand(w: World, base: str, ann: Page) -> None:
    await w.template(BOOLEAN, name="Boiler check")
    await w.template(*STEPS, name="Turnover", fields=FIELDS)
    asked: list[str] = []
    ann.on("request", lambda request: asked.append(request.url))
    await ann.goto(f"{base}/console/dispatch")
    await expect(ann.get_by_role("button", name="Show its details")).to_have_count(0)
    await ann.get_by_label("Title").fill(JOB["title"])
    await ann.get_by_label("Checklist").select_option(label="Turnover")
    await ann.get_by_label("Unit (required)").fill("Beach house 3")
    await ann.get_by_label("Door code").fill(SECRET)
    await ann.get_by_text("More", exact=True).click()
    await ann.get_by_label("Odometer").fill("42150")
    await is_fine(ann, "the form")
    await fits(ann)
    await ann.get_by_label("Checklist").select_option(label="Boiler check")
    await expect(ann.get_by_label("Door code")).to_have_count(0)
    await ann.get_by_label("Checklist").select_option(label="Turnover")
    await expect(ann.get_by_label("Door code")).to_have_value("")
    await ann.get_by_label("Door code").fill(SECRET)
    await ann.get_by_label("Unit (required)").fill("Beach house 3")
    await ann.get_by_label("Due").fill("2026-01-02T15:00")
    await ann.get_by_label("Title").press("Enter")
    await expect(ann.get_by_role("heading", name="Send the link")).to_be_visible()
    assert not [url for url in asked if SECRET in url]

    message = ann.get_by_role("textbox", name="Message")
    await expect(message).to_have_value(re.compile(f"{JOB['title']}\nTo be done by: Fri, Jan 2"))
    await message.fill(SENT_MESSAGE)
    for name, address in (("WhatsApp", "https://wa.me/?text="), ("SMS", "sms:?&body=")):
        encoded = await ann.evaluate("encodeURIComponent", SENT_MESSAGE)
        await expect(ann.get_by_role("link", name=name)).to_have_attribute("href", address + encoded)
    await is_fine(ann, "the message")
    await fits(ann)

    await ann.get_by_role("link", name="See the job").click()
    await expect(ann.get_by_role("heading", name=JOB["title"])).to_be_visible()
    await expect(ann.get_by_text(SECRET)).to_be_hidden()
    await is_fine(ann, "the run")
    await ann.locator("#job summary").click()
    await expect(ann.get_by_text(SECRET)).to_be_visible()
    await ann.emulate_media(media="print")
    await expect(ann.get_by_text(SECRET)).to_be_hidden()
    await expect(ann.locator("#job").get_by_text("Beach house 3")).to_be_visible()
    await ann.emulate_media(media="screen")
    await ann.get_by_role("link", name="Message", exact=True).click()
    await expect(message).to_have_value(re.compile(JOB["title"]))


async def tab_to(page: Page, what: Locator, key: str = "Tab") -> None:
    """Walk to a control by the keyboard alone."""
    for _ in range(40):
        if await what.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press(key)
    raise AssertionError(f"no way to {what}")


@pytest.mark.long
async def test_ten_jobs_by_table_with_the_keyboard_alone(w: World, base: str, ann: Page, tmp_path: Path) -> None:
    await w.template(BOOLEAN, name="Turnover", fields=[{**FIELDS[0], "label": "Unit", "required": True}])
    lines = [["Title", "Unit", "Due"], *([f"House {n}", f"0{n}", f"2026-02-{n:02} 15:00"] for n in range(1, 11))]
    right = "\n".join("\t".join(line) for line in lines)
    await ann.goto(f"{base}/console/dispatch")
    send = ann.get_by_role("button", name="Send", exact=True)
    await tab_to(ann, send)
    await ann.keyboard.press("Enter")
    await expect(ann.get_by_label("Checklist")).to_be_focused()
    await expect(ann.get_by_text("Choose a checklist.")).to_be_visible()
    await is_fine(ann, "a form sent as it opens")

    await tab_to(ann, ann.get_by_role("link", name="Several at once"), "Shift+Tab")
    await ann.keyboard.press("Enter")
    await tab_to(ann, ann.get_by_label("Checklist"))
    await ann.keyboard.press("T")  # chooses what begins so, and shows its columns
    await expect(ann.get_by_text("required")).to_be_visible()
    pasted, check = ann.get_by_label("Table"), ann.get_by_role("button", name="Check")
    await tab_to(ann, pasted)
    await ann.keyboard.insert_text(right.replace("2026-02-03", "03/02/2026").replace("\t07\t", "\t\t"))
    await tab_to(ann, check)
    await ann.keyboard.press("Enter")
    wrong = ann.get_by_role("alert")
    await expect(wrong).to_be_focused()
    await expect(wrong.get_by_role("row")).to_have_count(3)
    await expect(wrong).to_contain_text("2 cells are wrong")
    await is_fine(ann, "wrong cells")
    await fits(ann)
    assert (await w.acme.get("/v1/runs")).json()["data"] == []

    await tab_to(ann, pasted)
    await ann.keyboard.press("Control+a")
    await ann.keyboard.insert_text(right)
    await tab_to(ann, check)
    await ann.keyboard.press("Enter")
    await expect(ann.get_by_role("region", name="10 jobs, not sent yet")).to_be_focused()
    await is_fine(ann, "jobs to be sent")
    await fits(ann)
    await tab_to(ann, ann.get_by_role("button", name="Send 10 jobs"))
    await ann.keyboard.press("Enter")
    await expect(ann.get_by_role("heading", name="10 jobs sent")).to_be_visible()
    await is_fine(ann, "jobs sent")
    await fits(ann)
    async with ann.expect_download() as file:
        await tab_to(ann, ann.get_by_role("link", name="Download with links (CSV)"))
        await ann.keyboard.press("Enter")
    assert (await (await file.value).path()).read_text("utf-8-sig").count("/r/r-") == 10

    await tab_to(ann, ann.get_by_role("link", name="Send another table"))
    await ann.keyboard.press("Enter")
    (tmp_path / "jobs.xlsx").write_bytes(workbook(*lines))
    await expect(pasted).to_be_empty()
    await ann.wait_for_load_state()  # the script that reads the file
    await ann.get_by_label("Choose a file…").set_input_files(tmp_path / "jobs.xlsx")
    await expect(pasted).to_have_value(right)
    await tab_to(ann, check)
    await ann.keyboard.press("Enter")
    await tab_to(ann, ann.get_by_role("button", name="Send 10 jobs"))
    await ann.keyboard.press("Enter")
    await expect(ann.get_by_role("heading", name="This table was sent before")).to_be_visible()
    await is_fine(ann, "a table that comes again")
    assert len((await w.acme.get("/v1/runs?limit=100")).json()["data"]) == 10
    await tab_to(ann, ann.get_by_role("button", name="Send all 10 once more"))
    await ann.keyboard.press("Enter")
    await expect(ann.get_by_role("heading", name="10 jobs sent")).to_be_visible()
    assert len((await w.acme.get("/v1/runs?limit=100")).json()["data"]) == 20
    await ann.get_by_role("link", name="Message for House 7").click()
    await expect(ann.get_by_role("textbox", name="Message")).to_have_value(
        re.compile("House 7\nTo be done by: Sat, Feb 7")
    )


async def test_without_scripts_a_button_shows_the_fields(w: World, browser: Browser, base: str) -> None:
    await w.template(*STEPS, name="Turnover", fields=FIELDS)
    context = await browser.new_context(java_script_enabled=False)
    cookie: Any = {"name": cookies.SESSION, "value": await session_of(w), "url": f"{base}/console"}
    await context.add_cookies([cookie])
    page = await context.new_page()
    await page.goto(f"{base}/console/dispatch")
    await page.get_by_label("Title").fill("Kept")
    await page.get_by_label("Checklist").select_option(label="Turnover")
    await page.get_by_role("button", name="Show its details").click()
    await expect(page.get_by_label("Title")).to_have_value("Kept")
    await page.get_by_label("Unit (required)").fill("Beach house 3")
    await page.get_by_label("Door code").fill(SECRET)
    await page.get_by_role("button", name="Show its details").click()
    await expect(page.get_by_label("Door code")).to_have_value(SECRET)
    assert page.url == f"{base}/console/dispatch"
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_role("heading", name="Send the link")).to_be_visible()
    await context.close()
    w.service.notifier.end()


@ON_A_PHONE
async def test_what_needs_attention_leads_to_its_step_as_it_comes(w: World, base: str, ann: Page) -> None:
    ed = await w.dispatch(await w.template(*STEPS, fields=FIELDS), **JOB)
    await ann.goto(f"{base}/console/runs/{ed.run_id}")
    await expect(ann.locator("#live[data-state=on]")).to_be_visible()
    await ann.locator("#job summary").click()
    await ed.start()
    await ed.put("s-odo", {"unable": {"reason": "The cellar is locked"}})
    block = ann.get_by_role("region", name="Flagged (1)")
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
