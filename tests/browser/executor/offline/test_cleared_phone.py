"""Phones that clear their storage, and tabs that die."""

import hashlib
import random
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, noise
from tests.helpers.network.faulty_network import Depot, depot

# The database closes under the page, which opens it anew.
CLEARED = """new Promise((done, failed) => Object.assign(indexedDB.deleteDatabase("rundun"),
  { onsuccess: done, onerror: failed, onblocked: failed }))"""


async def cleared_while_cut_off(acme: Depot, ed: Phone) -> str:
    """A run whose answer and photo wait for a network on a phone that then clears its storage; returns its id."""
    await ed.notes_photos()
    run_id = await acme.dispatched(YES_NO, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    acme.line.down()
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(9).randbytes)))
    await ed.until_kept(run_id, "answer", "s-pic")
    await ed.page.evaluate(CLEARED)
    return run_id


async def test_a_phone_that_clears_its_storage_loses_nothing_that_an_open_page_holds(
    tmp_path: Path, browser: Browser
) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        run_id = await cleared_while_cut_off(acme, ed)
        await expect(ed.page.locator(".top .sending")).to_have_text("0 of 1 photos safe")
        await ed.network_is_back()
        await ed.until_kept(run_id, "photo", "s-pic")  # on the phone again, before it is sent
        acme.line.up()
        await ed.until_all_is_safe()
        await ed.is_done("s-ok", "s-pic")
        assert dict(acme.photos(run_id)) == await ed.noted_photos()
        assert len(acme.photos(run_id)) == 1
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 2]


@pytest.mark.long
async def test_what_the_page_notes_after_the_phone_was_cleared_hides_nothing(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        run_id = await cleared_while_cut_off(acme, ed)
        async with ed.page.expect_file_chooser():
            await ed.step("s-pic").get_by_text("Take photo").tap()
        await ed.until_camera_is_noted(run_id)
        await ed.network_is_back()
        await ed.until_kept(run_id, "photo", "s-pic")
        acme.line.up()
        await ed.until_all_is_safe()
        await ed.is_done("s-ok", "s-pic")
        assert dict(acme.photos(run_id)) == await ed.noted_photos()
        assert len(acme.photos(run_id)) == 1
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert acme.replaced(run_id) == 0


@pytest.mark.long
async def test_a_receipt_after_the_phone_was_cleared_hides_nothing_either(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.clock.install()
        run_id = await acme.dispatched(YES_NO, COUNT)
        await ed.open(run_id)
        await ed.start()
        await expect(ed.step("s-ok")).to_be_visible()
        acme.line.down()
        await ed.pick("s-ok", "Yes")
        await ed.fill("s-count", "7")
        await ed.until_kept(run_id, "answer", "s-count")
        await ed.page.evaluate(CLEARED)
        acme.line.up()
        await ed.page.clock.run_for(10_000)  # the page's own next try, before it looks at what else there is
        await expect(ed.page.locator(".top .sending")).to_have_text("All safe")
        await ed.until_kept_is(run_id, [])
        assert acme.answers(run_id) == {"s-ok": True, "s-count": 7}
        assert acme.replaced(run_id) == 0


@pytest.mark.long
async def test_a_tab_that_dies_while_it_makes_a_picture_small_has_kept_it(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.page.add_init_script(
            "if (!sessionStorage.died) createImageBitmap = () => new Promise(() => { sessionStorage.died = 1; })"
        )
        await ed.page.clock.install()
        run_id = await acme.dispatched(PICTURE)
        await ed.open(run_id)
        await ed.start()
        picture = noise(random.Random(10).randbytes)
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", picture), source="camera")
        await ed.page.wait_for_function("() => sessionStorage.died")
        await ed.until_kept(run_id, "photo", "s-pic")
        ed.page.on("dialog", lambda dialog: dialog.accept())  # "leave this page?", which a crash does not ask
        await ed.page.reload()
        tile = ed.step("s-pic").locator(".tile")
        await expect(tile).to_have_attribute("state", "waiting")
        await ed.page.clock.run_for(26_000)  # whoever held it is gone
        await expect(tile).to_have_attribute("state", "safe")
        await ed.is_done("s-pic")
        ((_, sha256),) = acme.photos(run_id)
        assert sha256 == hashlib.sha256(picture).hexdigest(), "as the camera made it"
