"""Remarks on the page: the card's menu, what is noted without network, a browser that dies, two phones."""

import json
import zipfile
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.checklists import COUNT, PICTURE, WHY, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.browser.reader import Reader
from tests.helpers.console.accessibility import is_fine
from tests.helpers.service import Ed, World


async def opened(ed: Phone, step_id: str, entry: str = "Add a remark") -> Locator:
    """The dialog of a step's remark."""
    await ed.choose(step_id, entry)
    await expect(ed.page.locator("#remark-text")).to_be_focused()
    return ed.page.locator("dialog")


async def note(ed: Phone, step_id: str, text: str, *photos: Any) -> None:
    """Note a remark."""
    dialog = await opened(ed, step_id)
    await dialog.locator("textarea").fill(text)
    if photos:
        await dialog.locator("input[type=file]").nth(1).set_input_files(list(photos))
        await expect(dialog.locator(".tile[state=preparing]")).to_have_count(0)
        await expect(dialog.locator(".tile")).to_have_count(len(photos))
    await dialog.get_by_role("button", name="Done").tap()
    await expect(dialog).to_have_count(0)


def shown(ed: Phone, step_id: str) -> Locator:
    """What the card shows of its remark."""
    return ed.step(step_id).locator(".remark")


async def is_safe(ed: Phone, step_id: str) -> None:
    """Wait until the server has the remark: of what is safe alone nothing is said."""
    await expect(shown(ed, step_id)).to_be_visible()
    await expect(shown(ed, step_id).locator(".status")).to_have_text("")


async def closing_event(w: World, run_id: str) -> Any:
    """What the end of the run tells."""
    return (await w.events(Ed(w, run_id)))[-1]


async def test_remarks_noted_without_network_survive_the_page_and_are_seen_once(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("door.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-ok", "s-pic")

    await ed.page.context.set_offline(True)
    await ed.fill("s-count", "2")
    await note(ed, "s-count", "Two are broken", file("a.jpg", "image/jpeg", jpeg()))
    await note(ed, "s-ok", "Scratch on the left", file("b.jpg", "image/jpeg", jpeg()))
    await expect(shown(ed, "s-count")).to_contain_text("Two are broken")
    said = ["1 photo on this phone", "On this phone, no network"]  # the latter once, of remark and answer
    await expect(ed.step("s-count").locator(".status")).to_have_text(said)
    for key in ("remark s-count", "remark s-ok"):
        await ed.until_kept(run_id, "remark", key)
        await ed.until_kept(run_id, "photo", key)
    async with ed.tab() as again:
        await ed.page.close()  # the page is gone; what the phone keeps is all there is
        await ed.page.context.set_offline(False)
        await again.open(run_id)
        await expect(shown(again, "s-count")).to_contain_text("Two are broken")
        await again.is_done("s-count")
        for step_id in ("s-count", "s-ok"):
            await is_safe(again, step_id)
        await expect(shown(again, "s-ok").locator("img")).to_have_count(1)
        await expect(again.step("s-pic").locator(".tile")).to_have_count(1)
        run = await record(w, run_id)
        assert {step: remark["text"] for step, remark in run["remarks"].items()} == {
            "s-count": "Two are broken",
            "s-ok": "Scratch on the left",
        }
        assert [len(remark["photos"]) for remark in run["remarks"].values()] == [1, 1]
        assert list(run["answers"]) == ["s-ok", "s-count", "s-pic"] and len(run["answers"]["s-pic"]["photos"]) == 1
        await again.review()
        await expect(again.page.locator(".line-remark")).to_have_text(
            ["Remark: Scratch on the left · 1 photo", "Remark: Two are broken · 1 photo"]
        )
        await again.finish()
        await again.until_thanked()
        await expect(again.page.locator(".facts")).to_contain_text("3 photos")
        await again.page.reload()
        async with again.page.expect_download() as coming:
            await again.page.get_by_role("button", name="Save receipt").tap()
        receipt = (await (await coming.value).path()).read_text()
        assert "Photos: 3 photos" in receipt and "Remark: Two are broken · 1 photo" in receipt
    told = (await closing_event(w, run_id))["data"]["remarks"]
    assert {step: (remark["text"], len(remark["photos"])) for step, remark in told.items()} == {
        "s-ok": ("Scratch on the left", 1),
        "s-count": ("Two are broken", 1),
    }
    assert await w.database.read(lambda tx: tx.number("SELECT count(*) FROM remarks WHERE is_current")) == 2
    assert await w.database.read(lambda tx: tx.number("SELECT count(*) FROM photos WHERE is_remark")) == 2


async def test_a_remark_is_changed_and_taken_back(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, WHY)
    await ed.open(run_id)
    await ed.start()
    dialog = await opened(ed, "s-ok")
    await dialog.locator("textarea").fill("Wet")
    await ed.page.keyboard.press("Escape")  # what is written stays, however the dialog is left
    await expect(ed.step("s-ok").locator(".step-more")).to_be_focused()
    await is_safe(ed, "s-ok")
    await shown(ed, "s-ok").get_by_role("button", name="Change Remark All fine?").tap()
    await dialog.locator("textarea").fill("Dry")
    await dialog.locator("input[type=file]").nth(1).set_input_files([file("a.jpg", "image/jpeg", jpeg())])
    await expect(dialog.locator(".tile")).to_have_attribute("state", "safe")
    await dialog.get_by_role("button", name="Done").tap()
    await expect(shown(ed, "s-ok")).to_contain_text("Dry")
    await is_safe(ed, "s-ok")
    (remark,) = (await record(w, run_id))["remarks"].values()
    assert (remark["text"], len(remark["photos"])) == ("Dry", 1)
    await opened(ed, "s-ok", "Change the remark")
    await dialog.get_by_role("button", name="Take it back").tap()
    await expect(shown(ed, "s-ok")).to_be_hidden()
    await ed.until_kept_is(run_id, [])  # of a run without an answer the header does not say that all is safe
    assert (await record(w, run_id))["remarks"] == {}
    assert await w.database.read(lambda tx: tx.number("SELECT count(*) FROM photos")) == 0


async def test_another_phone_sees_what_was_noted(w: World, ed: Phone, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    async with phone(browser, base) as other:
        await other.open(run_id)
        await note(other, "s-ok", "The lock sticks", file("a.jpg", "image/jpeg", jpeg()))
        await is_safe(other, "s-ok")
    await ed.look_again()
    await expect(shown(ed, "s-ok")).to_contain_text("The lock sticks")
    await expect(shown(ed, "s-ok").locator("img")).to_have_count(1)
    await expect(ed.step("s-ok")).to_have_attribute("state", "untouched")


async def test_a_remark_that_is_refused_says_so(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    problem = {"status": 413, "code": "too_large", "detail": "The remarks take up all the room they have."}

    async def refuse(route: Any) -> None:
        await route.fulfill(status=413, content_type="application/problem+json", body=json.dumps(problem))

    await ed.page.route("**/remark", refuse)
    await note(ed, "s-ok", "Wet")
    await expect(shown(ed, "s-ok").locator(".status")).to_have_attribute("kind", "alert")
    await expect(ed.page.locator(".top .sending")).to_have_attribute("kind", "alert")
    await ed.page.unroute("**/remark")
    await shown(ed, "s-ok").get_by_role("button", name="Try again").tap()
    await is_safe(ed, "s-ok")


async def test_a_photo_of_a_remark_that_was_lost_with_the_page_is_named(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.open(run_id)
    await ed.start()
    dialog = await opened(ed, "s-count")
    async with ed.page.expect_file_chooser():
        await dialog.get_by_text("Take photo").tap()
    camera = "async (run) => (await (await import(MODULE)).loadRun(run)).camera?.step === 'remark s-count'"
    module = await ed.page.evaluate("document.querySelector('script[type=module][src*=executor]').src")
    await ed.until_true(camera.replace("MODULE", json.dumps(module.replace("main.js", "offline/db.js"))), run_id)
    await ed.page.reload()  # as phones do that need the memory for the camera
    await expect(dialog.locator(".lost")).to_contain_text("lost")
    await dialog.locator("input[type=file]").nth(0).set_input_files([file("a.jpg", "image/jpeg", jpeg())])
    await expect(dialog.locator(".tile")).to_have_attribute("state", "safe")
    await expect(dialog.locator(".lost")).to_have_count(0)


async def test_a_remark_that_came_too_late_can_be_saved_as_a_file(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    await ed.page.route("**/r/*/steps/**", lambda route: route.abort("internetdisconnected"))
    await note(ed, "s-ok", "Wet", file("a.jpg", "image/jpeg", jpeg()))
    w.clock.forward(hours=200)
    await ed.page.unroute("**/r/*/steps/**")
    await ed.network_is_back()
    for _ in range(2):  # told by the page that was open, and by the server's page of a closed run
        await expect(ed.page.get_by_text("This phone still holds 3 items that are not in the record.")).to_be_visible()
        async with ed.page.expect_download() as coming:
            await ed.page.get_by_role("button", name="Save as a file").tap()
        with zipfile.ZipFile(await (await coming.value).path()) as kept:
            assert sorted(kept.namelist()) == ["01 All fine - Remark.jpg", "answers.json", "answers.txt"]
            assert 'All fine? - Remark: "Wet"' in kept.read("answers.txt").decode()
        await ed.page.reload()


@pytest.mark.long
async def test_axe_finds_nothing_in_the_menu_and_the_dialog(w: World, olga: Reader) -> None:
    ed, page = olga.ed, olga.page
    optional = {**YES_NO, "required": False}
    await olga.open(await dispatched(w, optional, COUNT, settings={"allow_skip": True}))
    await olga.button("start").tap()
    menu = await ed.more("s-ok")
    await expect(menu.locator(".sheet-body button")).to_have_count(2)
    await is_fine(page, "menu of a step")
    await menu.get_by_role("button", name=olga.word("remark_add")).tap()
    await expect(page.locator("#remark-text")).to_be_focused()
    await is_fine(page, "remark, empty")
    await page.locator("#remark-text").fill("الباب عالق / The door sticks")
    await page.locator("dialog input[type=file]").nth(1).set_input_files([file("a.jpg", "image/jpeg", jpeg())])
    await expect(page.locator("dialog .tile")).to_have_attribute("state", "safe")
    await is_fine(page, "remark, with a photo")
    await page.locator("dialog").get_by_role("button", name=olga.word("done")).tap()
    await is_safe(ed, "s-ok")
    await is_fine(page, "list, with a remark")
    await page.locator(".form:not(.review) .bottom button").last.tap()
    await expect(page.locator(".review .line-remark")).to_be_visible()
    await is_fine(page, "review, with a remark")
