"""Coming back, several phones, odd phones."""

import json
import zipfile

from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, PICTURE, WHY, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.service import World


async def test_a_reload_brings_everything_back(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, WHY, COUNT, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "No")
    await ed.fill("s-why", "Cold")
    await ed.fill("s-count", "7")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-ok", "s-why", "s-count", "s-pic")
    await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "safe")
    await ed.until_kept_is(run_id, [])  # what the phone still has is shown from there
    await ed.page.reload()
    await ed.is_done("s-ok", "s-why", "s-count", "s-pic")
    await expect(ed.step("s-ok").get_by_label("No")).to_be_checked()
    await expect(ed.step("s-why").locator("input")).to_have_value("Cold")
    await expect(ed.step("s-count").locator("input")).to_have_value("7")
    image = ed.step("s-pic").locator(".tile img")
    assert "/media/" in (await image.get_attribute("src") or "")
    await expect(image).to_have_js_property("complete", True)
    assert await image.evaluate("(image) => image.naturalWidth") > 0
    await expect(ed.page.locator(".done-count")).to_have_text("4 of 4 done")


async def test_a_change_that_came_between_two_of_our_own_is_not_missed(w: World, ed: Phone) -> None:
    run = await w.dispatch(await w.template(YES_NO, COUNT))
    await ed.open(run.run_id)
    await ed.start()
    assert (await run.answer("s-count", 7)).status_code == 200  # by somebody else
    await ed.pick("s-ok", "Yes")  # the reply tells of the newest revision, but not of the 7
    await ed.is_done("s-ok")
    await ed.look_again()
    await expect(ed.step("s-count").locator("input")).to_have_value("7")


async def test_a_second_device_is_told_so(w: World, ed: Phone, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, YES_NO, execution={"scope": "first_device"})
    await ed.open(run_id)
    await ed.start()
    async with phone(browser, base) as olga:
        await olga.open(run_id)
        await expect(olga.page.get_by_role("heading", name="Open on another phone")).to_be_visible()
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        assert (await w.acme.post(f"/v1/runs/{run_id}/release", json={})).status_code == 200
        await olga.network_is_back()  # and asks, as it does every fifteen seconds
        await olga.is_safe("s-ok")


async def test_nothing_sticks_out_at_any_width(w: World, ed: Phone) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenhersteller"
    template_id = await w.template(
        {**YES_NO, "label": long, "hint": "A hint. " * 60, "config": {"true_label": long, "false_label": "No"}},
        {**COUNT, "config": {"unit": "kilowatt hours"}},
        PICTURE,
        {"id": "s-rate", "type": "rating", "label": "Grade", "config": {"min": 0, "max": 10}},
        {"id": "s-at", "type": "datetime", "label": "When", "config": {"mode": "datetime"}},
        {"id": "s-sign", "type": "signature", "label": "Sign"},
        {"id": "s-code", "type": "barcode", "label": "Code"},
    )
    run = await w.dispatch(template_id)
    await ed.open(run.run_id)
    await ed.start()
    for width in (320, 360, 390, 768):
        await ed.page.set_viewport_size({"width": width, "height": 800})
        assert await ed.page.evaluate("document.documentElement.scrollWidth") == width
    small = await ed.page.evaluate(
        """[...document.querySelectorAll('.form button, .form label.button, .pick, .grade')]
           .filter((one) => one.offsetParent).map((one) => [one.className, one.getBoundingClientRect()])
           .filter(([, box]) => box.height < 44 || box.width < 40).map(([name]) => name)"""
    )
    assert small == []


async def test_a_photo_lost_with_the_page_is_named(w: World, ed: Phone) -> None:
    """The camera needs the memory, and the phone takes it from the page."""
    run_id = await dispatched(w, YES_NO, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    async with ed.page.expect_file_chooser():
        await ed.step("s-pic").get_by_text("Take photo").tap()
    await ed.until_camera_is_noted(run_id)
    await ed.page.reload()
    notice = ed.step("s-pic").locator(".notice.lost")
    await expect(notice).to_contain_text("Take it again.")
    await expect(notice).to_be_in_viewport()
    await expect(ed.step("s-ok").get_by_label("Yes")).to_be_checked()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()), source="camera")
    await expect(notice).to_have_count(0)
    await ed.is_done("s-pic")
    await ed.page.reload()
    await ed.is_done("s-ok", "s-pic")
    await expect(notice).to_have_count(0)


async def test_a_released_run_goes_on_on_the_other_device(w: World, ed: Phone, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, YES_NO, COUNT, execution={"scope": "first_device"})
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok")
    assert (await w.acme.post(f"/v1/runs/{run_id}/release", json={})).status_code == 200
    async with phone(browser, base) as olga:
        await olga.open(run_id)
        await olga.fill("s-count", "7")
        await olga.is_done("s-ok", "s-count")
        await ed.pick("s-ok", "No")  # from the phone that had to give it up
        await expect(ed.page.get_by_role("heading", name="Open on another phone")).to_be_visible()
        await expect(ed.page.get_by_text("This phone still holds 1 item")).to_be_visible()
        await olga.review()
        await olga.finish()
        await expect(olga.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    assert (await record(w, run_id))["answers"]["s-ok"]["value"] is True


async def test_a_deletion_that_comes_late_is_not_lost(w: World, ed: Phone, browser: Browser, base: str) -> None:
    """That of a photo which the record does not have is of no use to anyone."""
    run_id = await dispatched(w, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-pic")
    await ed.until_all_is_safe()
    await ed.until_kept_is(run_id, [])
    await ed.everything_is_loaded()
    await ed.page.context.set_offline(True)
    for _ in range(2):  # the photo in the record, then one that never gets there
        await ed.step("s-pic").locator(".tile").tap()
        await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await expect(ed.step("s-pic").locator(".tile")).to_have_count(0)
        await ed.photograph("s-pic", file("b.jpg", "image/jpeg", jpeg()))
        await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "waiting")
    async with phone(browser, base) as olga:
        await olga.open(run_id)
        await olga.review()
        await olga.finish()
        await expect(olga.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    await ed.page.context.set_offline(False)
    await ed.network_is_back()
    # The answer, its photo, and the deletion.
    await expect(ed.page.get_by_text("This phone still holds 3 items")).to_be_visible()
    async with ed.page.expect_download() as coming:
        await ed.page.get_by_role("button", name="Save as a file").tap()
    [photo] = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    with zipfile.ZipFile(await (await coming.value).path()) as kept:
        assert f"The door: Delete ({photo['photo_id']})" in kept.read("answers.txt").decode()
        deletions = [one for one in json.loads(kept.read("answers.json")) if one["kind"] == "delete"]
        assert [(one["step"], one["photo_id"]) for one in deletions] == [("s-pic", photo["photo_id"])]
