"""Review, completion, and the ends that come from elsewhere."""

import asyncio
import json
import re
import zipfile

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, is_upright, jpeg
from tests.helpers.service import World


async def test_the_review_leads_to_what_is_missing_and_the_phone_s_back_to_the_list(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT, {**YES_NO, "id": "s-more", "label": "More?", "required": False})
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.review()
    await expect(ed.page.locator(".review-summary")).to_have_text("1 step is still missing.")
    await ed.page.go_back()
    await expect(ed.step("s-ok")).to_be_visible()
    await ed.review()
    await ed.page.get_by_role("button", name="Show missing").tap()
    await expect(ed.step("s-count")).to_have_attribute("missing", "")
    await expect(ed.step("s-count")).to_be_in_viewport()
    await expect(ed.step("s-count").locator(".status")).to_have_text("Still to do")
    await ed.fill("s-count", "2")
    await expect(ed.step("s-count")).not_to_have_attribute("missing", "")
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    assert (await record(w, run_id))["status"] == "completed"


async def test_what_only_the_server_finds_missing_is_marked(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.fill("s-count", "2")
    await ed.is_done("s-ok", "s-count")
    await ed.review()

    async def missing(route: Route) -> None:
        errors = [{"step_id": "s-count", "code": "missing_answer", "detail": "Not answered."}]
        problem = {"status": 409, "code": "steps_missing", "errors": errors}
        await route.fulfill(status=409, content_type="application/problem+json", body=json.dumps(problem))

    await ed.page.route("**/complete", missing)
    await ed.finish()
    await expect(ed.step("s-count")).to_be_in_viewport()
    await ed.page.unroute("**/complete")
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()


async def test_what_finishing_waits_for_is_said(w: World, browser: Browser, base: str) -> None:
    """A phone that may say where it is, and does not know."""
    run_id = await dispatched(w, {**YES_NO, "geo": True}, COUNT)
    async with phone(browser, base, positioned=False, permissions=["geolocation"]) as ed:
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        await ed.page.evaluate("navigator.geolocation.watchPosition = () => 1")  # finds nothing
        await ed.fill("s-count", "2")
        await ed.pick("s-ok", "Yes")
        await ed.review()
        await ed.finish()
        finish = ed.page.locator(".review .bottom .button").last
        await expect(finish).to_have_text("Finishing…")
        await expect(ed.page.locator(".waiting .status")).to_have_text("Finding your position…")
        await ed.page.evaluate("dispatchEvent(new Event('pagehide'))")  # goes without
        await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()


async def test_receipt_and_report_can_be_kept(w: World, ed: Phone) -> None:
    run_id = (await w.dispatch(await w.template(YES_NO, PICTURE, settings={"executor_report": True}))).run_id
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    await expect(ed.page.get_by_text("2 answered")).to_be_visible()
    async with ed.page.expect_download() as coming:
        await ed.page.get_by_role("button", name="Save receipt").tap()
    download = await coming.value
    assert download.suggested_filename == f"receipt-{run_id[2:10]}.txt"
    text = (await download.path()).read_text()
    for words in (f"Number: {run_id[2:10]}", "Checklist: Check", "- All fine?: Yes", "- The door: 1 photo"):
        assert words in text
    assert run_id not in text  # the receipt is shown around; the link was a secret
    report = ed.page.get_by_role("link", name="Report as PDF")
    await expect(report).to_have_attribute("href", f"/r/{run_id}/report.pdf")
    await ed.page.reload()
    await expect(report).to_have_attribute("href", f"/r/{run_id}/report.pdf")
    assert (await (await ed.page.request.get(f"{ed.base}/r/{run_id}/report.pdf")).body()).startswith(b"%PDF")
    await expect(ed.page.get_by_role("heading", name="This checklist is done")).to_be_visible()
    async with ed.page.expect_download() as coming:  # and can be had again
        await ed.page.get_by_role("button", name="Save receipt").tap()
    assert (await (await coming.value).path()).read_text() == text
    await expect(ed.page.get_by_role("button", name="Print")).to_be_visible()


async def test_what_an_expired_run_did_not_get_stays_on_the_phone_until_the_person_says_so(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.page.route("**/r/*/steps/**", lambda route: route.abort("internetdisconnected"))
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "waiting")
    w.clock.forward(hours=200)
    await ed.page.unroute("**/r/*/steps/**")
    await ed.network_is_back()
    for _ in range(2):  # told by the page that was open, and by the server's page of a closed run
        await expect(ed.page.get_by_role("heading", name="This link has expired")).to_be_visible()
        await expect(ed.page.get_by_text("This phone still holds 3 items that are not in the record.")).to_be_visible()
        async with ed.page.expect_download() as coming:
            await ed.page.get_by_role("button", name="Save as a file").tap()
        download = await coming.value
        assert download.suggested_filename == f"checklist-{run_id[2:10]}.zip"
        with zipfile.ZipFile(await download.path()) as kept:
            assert kept.testzip() is None
            assert sorted(kept.namelist()) == ["01 The door.jpg", "answers.json", "answers.txt"]
            assert is_upright(kept.read("01 The door.jpg"))
            answers = {one["step"]: one for one in json.loads(kept.read("answers.json")) if one["kind"] == "answer"}
            assert answers["s-ok"]["value"] is True
            assert "All fine?: true" in kept.read("answers.txt").decode()
        await ed.page.reload()
    await ed.page.get_by_role("button", name="Delete from this phone").tap()
    await ed.page.locator("dialog").get_by_role("button", name="Delete", exact=True).tap()
    await expect(ed.page.get_by_text("Deleted from this phone.")).to_be_visible()
    await ed.page.reload()
    await expect(ed.page.get_by_role("heading", name="This link has expired")).to_be_visible()
    assert await ed.kept(run_id) == []


async def test_a_run_that_expired_before_start_and_one_that_never_was(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    w.clock.forward(hours=100)
    await ed.page.get_by_role("button", name="Start").tap()
    await expect(ed.page.get_by_role("heading", name="This link has expired")).to_be_visible()
    await ed.open("r-00000000-0000-4000-8000-000000000000")
    await expect(ed.page.get_by_role("heading", name="This link does not work")).to_be_visible()


async def test_the_executor_can_stop_with_a_reason(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    await ed.page.get_by_role("button", name="About this checklist").tap()
    await ed.page.locator("dialog").get_by_role("button", name="Stop this job").tap()
    await ed.page.get_by_label("Why do you stop?").fill("Nobody is here")
    await ed.page.locator("dialog").get_by_role("button", name="Stop", exact=True).tap()
    await expect(ed.page.get_by_role("heading", name="This job was stopped")).to_be_visible()
    run = await record(w, run_id)
    assert run["status"] == "cancelled"
    assert run["cancellation"]["reason"] == "Nobody is here"


async def test_a_run_cancelled_elsewhere_closes_at_the_next_look(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    response = await w.acme.post(f"/v1/runs/{run_id}/cancel", json={"reason": "Rebooked"})
    assert response.status_code == 200
    await ed.look_again()
    await expect(ed.page.get_by_role("heading", name="This job was stopped")).to_be_visible()


async def test_a_completion_whose_reply_was_lost_is_still_thanked_for(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok")

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort("connectionreset")

    await ed.page.route("**/complete", lose, times=1)
    await ed.review()
    async with ed.page.expect_event("requestfailed"):
        await ed.finish()
    assert (await record(w, run_id))["status"] == "completed"
    await ed.look_again()  # and learns that the run is closed
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    await ed.until_kept_is(run_id, [])


async def test_an_answer_cut_down_to_its_status_ends_nothing(w: World, ed: Phone) -> None:
    """Over plain http a browser takes a head that was cut short for the whole answer: here a 410 without a word."""
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    spoiled = 0

    async def spoil(route: Route) -> None:
        nonlocal spoiled
        spoiled += 1
        await route.fulfill(status=410, body="")

    await ed.page.route("**/state?*", spoil)
    await ed.look_again()
    await ed.page.route("**/r/*/steps/*", spoil, times=1)
    await ed.pick("s-ok", "Yes")
    await ed.until(lambda: spoiled >= 2)
    await ed.network_is_back()
    await ed.is_done("s-ok")
    await expect(ed.page.locator(".list")).to_be_visible()
    assert (await record(w, run_id))["answers"]["s-ok"]["value"] is True


@pytest.mark.long
@pytest.mark.parametrize("is_shown", [True, False], ids=["shown", "loading"])
async def test_what_the_server_refuses_after_the_finish_brings_the_person_back(
    w: World, ed: Phone, is_shown: bool
) -> None:
    """Also where the screen of a finished run is still loading."""
    asked, let = asyncio.Event(), asyncio.Event()

    async def held(route: Route) -> None:
        asked.set()
        await let.wait()
        await route.continue_()

    run_id = await dispatched(w, YES_NO, PICTURE)
    if not is_shown:
        await ed.page.route(re.compile(r"/end/waiting\b"), held)
    await ed.open(run_id)
    await ed.start()
    if is_shown:
        await ed.everything_is_loaded()
    await ed.page.route("**/r/*/steps/**", lambda route: route.abort("internetdisconnected"))
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", b"not a picture"))
    await ed.review()
    await ed.finish()
    if is_shown:
        await expect(ed.page.get_by_role("heading", name="Finished on this phone")).to_be_visible()
    await ed.page.unroute("**/r/*/steps/**")
    await ed.network_is_back()
    tile = ed.step("s-pic").locator(".tile")
    await expect(tile).to_have_attribute("state", "refused")
    if not is_shown:
        await asked.wait()
        let.set()
    await expect(tile).to_be_in_viewport()
    await expect(ed.page.locator(".waiting")).to_have_count(0)
    assert (await record(w, run_id))["status"] == "in_progress"
    await tile.tap()
    await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
    await ed.photograph("s-pic", file("b.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-ok", "s-pic")
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()


# A database that answers nothing more while `broken` is "all", and that cannot read one of its items while it is "one".
BROKEN = """(() => {
  for (const [kind, name] of [[IDBIndex, "getAll"], [IDBIndex, "getAllKeys"], [IDBObjectStore, "get"]]) {
    const real = kind.prototype[name];
    kind.prototype[name] = function (...given) {
      const { broken } = sessionStorage;
      const isItem = name === "get" && this.name === "items";
      const isFirst = isItem && broken === "one" && given[0] === (window.first ??= given[0]);
      if (broken === "all" || isFirst) throw new DOMException("Error looking up record", "UnknownError");
      return real.apply(this, given);
    };
  }
})()"""


@pytest.mark.long
async def test_what_a_phone_cannot_read_for_once_it_does_not_throw_away(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, PICTURE)
    await ed.page.add_init_script(BROKEN)
    await ed.open(run_id)
    await ed.start()
    await ed.page.route("**/r/*/steps/**", lambda route: route.abort("internetdisconnected"))
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.until_kept(run_id, "answer", "s-pic")
    w.clock.forward(hours=200)
    await ed.page.evaluate("sessionStorage.broken = 'all'")
    await ed.page.reload()
    await expect(ed.page.get_by_role("heading", name="This link has expired")).to_be_visible()
    held = ed.page.locator("h1 + .unsent")  # before the words that say to ask for a new link
    await expect(held).to_contain_text("It may still hold items that were not sent.")
    await expect(held.get_by_role("button")).to_have_text(["Try again"])
    await ed.page.evaluate("document.querySelector('.unsent').id = 'first'")
    await held.get_by_role("button", name="Try again").tap()
    await expect(ed.page.locator("#first")).to_have_count(0)
    await ed.page.evaluate("sessionStorage.broken = 'one'")
    await held.get_by_role("button", name="Try again").tap()
    await expect(held).to_contain_text("This phone still holds 2 items that are not in the record.")
    await expect(held).to_contain_text("It may still hold items that were not sent.")
    await expect(held.get_by_role("button")).to_have_text(["Save as a file", "Try again"])
    await ed.page.evaluate("delete sessionStorage.broken")
    await held.get_by_role("button", name="Try again").tap()
    await expect(held).to_contain_text("This phone still holds 3 items that are not in the record.")
    await expect(held.get_by_role("button")).to_have_text(["Save as a file", "Delete from this phone"])
    assert len(await ed.kept(run_id)) == 3


@pytest.mark.long
async def test_an_item_that_cannot_be_read_for_once_holds_up_no_other(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.page.add_init_script(BROKEN)
    await ed.open(run_id)
    await ed.start()
    await ed.page.route("**/r/*/steps/**", lambda route: route.abort("internetdisconnected"))
    await ed.pick("s-ok", "Yes")
    await ed.fill("s-count", "7")
    await ed.until_kept(run_id, "answer", "s-count")
    await ed.page.evaluate("sessionStorage.broken = 'one'")
    await ed.page.reload()
    await ed.page.unroute("**/r/*/steps/**")
    await expect(ed.page.locator(".step[safety=safe]")).to_have_count(1)
    await ed.page.evaluate("delete sessionStorage.broken")
    await ed.network_is_back()
    await ed.is_done("s-ok", "s-count")
    answers = (await record(w, run_id))["answers"]
    assert {step_id: answer["value"] for step_id, answer in answers.items()} == {"s-ok": True, "s-count": 7}
