"""What is being typed is kept on the phone, and nothing is called safe meanwhile."""

import asyncio
import time
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.phone_with_a_disk import kill_browser, phone_with_a_disk
from tests.browser.pictures import file, jpeg
from tests.helpers.network.faulty_network import depot
from tests.helpers.patience import PATIENCE
from tests.helpers.service import World

REPORT = {"id": "s-report", "type": "text", "label": "What happened?", "config": {"multiline": True}}
DRAFTS = """(run) => new Promise((done, failed) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const range = IDBKeyRange.bound(`${run} `, `${run} \\uFFFF`);
    const asked = opening.result.transaction("runs").objectStore("runs").getAll(range);
    asked.onsuccess = () => {
      opening.result.close();
      done(asked.result.map(({ step, text }) => [step, text]));
    };
  };
})"""


async def until_drafts_are(ed: Phone, run_id: str, expected: list[list[str]]) -> None:
    """Wait until this phone keeps just these."""
    async with asyncio.timeout(PATIENCE):
        while sorted(await ed.page.evaluate(DRAFTS, run_id)) != expected:
            pass


async def types(ed: Phone, step_id: str, text: str) -> None:
    """Put text into a field, and stay in it."""
    await ed.step(step_id).locator(".control input, .control textarea").first.fill(text)


async def test_nothing_is_called_safe_while_a_text_is_nowhere_but_in_its_field(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, REPORT)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.until_all_is_safe()
    await types(ed, "s-report", "The lamp in the hall is broken")
    await expect(ed.page.locator(".top .sending")).to_have_text("Being written")
    await until_drafts_are(ed, run_id, [["s-report", "The lamp in the hall is broken"]])
    assert "s-report" not in (await record(w, run_id))["answers"]  # kept, and not sent letter by letter
    # A page that goes saves all of it, and what was kept meanwhile does not come back over that.
    await types(ed, "s-report", "The lamp in the hall is broken, and its glass")
    await ed.page.reload()
    await expect(ed.step("s-report").locator("textarea")).to_have_value("The lamp in the hall is broken, and its glass")
    await ed.page.locator(".top h1").tap()  # a page that goes may have written no more than its draft
    await ed.until_all_is_safe()
    await until_drafts_are(ed, run_id, [])


@pytest.mark.long
async def test_a_text_typed_and_taken_back_leaves_nothing(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, {**REPORT, "required": False}, settings={"allow_skip": True})
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    for leave in ("empty", "skip"):
        await types(ed, "s-report", "A lamp")
        await until_drafts_are(ed, run_id, [["s-report", "A lamp"]])
        if leave == "empty":
            await ed.fill("s-report", "")
        else:
            await ed.choose("s-report", "Skip")
        await until_drafts_are(ed, run_id, [])
    await ed.until_all_is_safe()


@pytest.mark.long
async def test_a_text_whose_answer_the_phone_cannot_keep_stays_a_draft(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, REPORT)
    await ed.open(run_id)
    await ed.start()
    await ed.page.context.set_offline(True)
    await types(ed, "s-report", "A lamp")
    await until_drafts_are(ed, run_id, [["s-report", "A lamp"]])
    await ed.page.evaluate("""() => {
      const put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = function (record) {
        if (this.name === "items") throw new DOMException("", "QuotaExceededError");
        return put.call(this, record);
      };
    }""")
    await ed.step("s-report").locator("textarea").blur()
    await expect(ed.step("s-report").locator(".status")).to_have_attribute("kind", "alert")
    await until_drafts_are(ed, run_id, [["s-report", "A lamp"]])
    await ed.page.context.set_offline(False)
    await ed.until_all_is_safe()
    assert (await record(w, run_id))["answers"]["s-report"]["value"] == "A lamp"


async def test_what_was_typed_in_each_kind_of_field_is_there_after_the_page_has_died(w: World, ed: Phone) -> None:
    day = {"id": "s-day", "type": "datetime", "label": "When?"}
    code = {"id": "s-code", "type": "barcode", "label": "Key"}
    run_id = await dispatched(w, REPORT, COUNT, day, code)
    await ed.open(run_id)
    await ed.start()
    # A page that dies leaves no field, and says nothing when it is hidden.
    await ed.page.evaluate("for (const step of document.querySelectorAll('.step')) step.flush = () => true")
    typed = {"s-report": "Two lamps", "s-count": "7", "s-day": "2026-07-01", "s-code": "KEY-4"}
    for step_id, text in typed.items():
        await types(ed, step_id, text)
    await until_drafts_are(ed, run_id, sorted([step_id, text] for step_id, text in typed.items()))
    await ed.page.reload()
    for step_id, text in typed.items():
        await expect(ed.step(step_id).locator(".control input, .control textarea").first).to_have_value(text)
    await expect(ed.page.locator(".top .sending")).to_have_text("Being written")
    assert (await record(w, run_id))["answers"] == {}
    await ed.page.locator(".top h1").tap()  # anywhere else: now it is answered
    await ed.is_done(*typed)
    await until_drafts_are(ed, run_id, [])
    assert (await record(w, run_id))["answers"]["s-report"]["value"] == "Two lamps"


@pytest.mark.long
async def test_tabs_keep_a_draft_each_and_take_none_from_a_living_one(w: World, browser: Browser, base: str) -> None:
    async with phone(browser, base) as ed:
        run_id = await dispatched(w, REPORT, COUNT)
        await ed.open(run_id)
        await ed.start()
        await types(ed, "s-report", "In the one")
        await until_drafts_are(ed, run_id, [["s-report", "In the one"]])
        async with ed.tab() as other:
            await other.open(run_id)
            await expect(other.step("s-report").locator("textarea")).to_have_value("")
            await types(other, "s-count", "12")
            await until_drafts_are(ed, run_id, [["s-count", "12"], ["s-report", "In the one"]])
            await other.fill("s-count", "12")
            await until_drafts_are(ed, run_id, [["s-report", "In the one"]])
        await expect(ed.step("s-report").locator("textarea")).to_have_value("In the one")


async def test_a_run_that_is_closed_takes_its_drafts_along(w: World, ed: Phone) -> None:
    run = await w.dispatch(await w.template(REPORT, YES_NO))
    await ed.open(run.run_id)
    await ed.start()
    await types(ed, "s-report", "Two lamps")
    await until_drafts_are(ed, run.run_id, [["s-report", "Two lamps"]])
    await ed.page.evaluate("for (const step of document.querySelectorAll('.step')) step.flush = () => true")
    assert (await run.call("POST", "/cancel", json={"reason": "No"})).status_code == 200
    await ed.page.reload()
    await expect(ed.page.get_by_role("heading", name="This job was stopped")).to_be_visible()
    await until_drafts_are(ed, run.run_id, [])


@pytest.mark.browser
async def test_a_browser_killed_in_the_middle_of_a_text_loses_two_seconds_of_it_at_most(tmp_path: Path) -> None:
    async with depot(tmp_path) as acme:
        run_id = await acme.dispatched(YES_NO, REPORT)
        async with phone_with_a_disk(tmp_path / "phone", acme.base) as ed:
            await ed.open(run_id)
            await ed.start()
            await ed.page.clock.install()
            await ed.page.clock.pause_at(time.time() + 10)
            await ed.step("s-report").locator("textarea").press_sequentially("The lamp in the hall ")
            await ed.page.clock.run_for(1000)
            await until_drafts_are(ed, run_id, [["s-report", "The lamp in the hall "]])
            await ed.step("s-report").locator("textarea").press_sequentially("is ")
            await ed.page.clock.run_for(1000)
            await until_drafts_are(ed, run_id, [["s-report", "The lamp in the hall is "]])
            await ed.step("s-report").locator("textarea").press_sequentially("broken")  # in the second before the end
            kill_browser(tmp_path / "phone")
        async with phone_with_a_disk(tmp_path / "phone", acme.base) as ed:
            await ed.open(run_id)
            field = ed.step("s-report").locator("textarea")
            await expect(field).to_have_value("The lamp in the hall is ")
            await expect(ed.page.locator(".top .sending")).to_have_text("Being written")
            await ed.fill("s-report", "The lamp in the hall is broken")
            await ed.is_done("s-report")
            await until_drafts_are(ed, run_id, [])
            await ed.choose("s-report", "Add a remark")
            await ed.page.locator("#remark-text").fill("The glass, too")
            await until_drafts_are(ed, run_id, [["remark s-report", "The glass, too"]])
            photos = ed.page.locator("dialog input[type=file]")
            await photos.last.set_input_files([file("a.jpg", "image/jpeg", jpeg())])  # goes out, the text not yet
            await expect(ed.page.locator("dialog .tile")).to_have_attribute("state", "safe")
            kill_browser(tmp_path / "phone")
        async with phone_with_a_disk(tmp_path / "phone", acme.base) as ed:
            await ed.open(run_id)
            await expect(ed.step("s-report").locator(".remark")).to_contain_text("The glass, too")
            await ed.until_all_is_safe()
            await until_drafts_are(ed, run_id, [])
        assert acme.answers(run_id) == {"s-report": "The lamp in the hall is broken"}
        assert acme.rows("SELECT text FROM remarks WHERE is_current") == [("The glass, too",)]
