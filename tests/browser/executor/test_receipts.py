"""What a phone that did a run is told once it is closed, and no other: the receipt, and why it was cancelled."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, YES_NO, dispatched
from tests.browser.phone import Phone, phone
from tests.helpers.service import World


@pytest.mark.long
async def test_only_phones_that_did_a_run_get_its_receipt_again(
    w: World, ed: Phone, browser: Browser, base: str
) -> None:
    secret = {"id": "s-what", "type": "text", "label": "What?"}
    more = {**YES_NO, "id": "s-more", "label": "More?", "required": False}
    run_id = await dispatched(w, YES_NO, COUNT, secret, more, settings={"allow_skip": True, "allow_unable": True})
    async with phone(browser, base) as olga, phone(browser, base) as mallory:
        await ed.open(run_id)
        await ed.start()
        await olga.open(run_id)  # joins without a Start of her own
        await mallory.open(run_id)
        await expect(mallory.page.locator(".list")).to_be_visible()
        await ed.fill("s-what", "Hidden words")
        await ed.choose("s-more", "Skip")
        await ed.choose("s-count", "I can’t do this")
        await ed.page.locator("#reason").fill("No access")
        await ed.page.locator("dialog .button.primary").tap()
        await olga.pick("s-ok", "Yes")
        await olga.is_done("s-ok")
        await ed.is_done("s-what", "s-more", "s-count")
        await ed.look_again()
        await ed.is_done("s-ok")
        await ed.review()
        await ed.finish()
        await ed.until_thanked()
        for one in (ed, olga):
            await one.open(run_id)
            async with one.page.expect_download() as coming:
                await one.page.get_by_role("button", name="Save receipt").tap()
            text = (await (await coming.value).path()).read_text()
            for line in ("- All fine?: Yes", "- What?: Hidden words", "- More?: Skipped", "No access"):
                assert line in text
            await expect(one.page.locator(".facts")).to_contain_text("2 answered, 1 skipped, 1 left out")
        await mallory.open(run_id)
        await expect(mallory.page.get_by_role("heading", name="This checklist is done")).to_be_visible()
        await expect(mallory.page.get_by_role("button")).to_have_count(0)
        html = (await w.browser().get(f"/r/{run_id}")).text
        assert "Hidden words" not in html and "No access" not in html and 'id="state"' not in html


async def test_the_one_device_of_a_run_alone_gets_its_receipt(w: World, ed: Phone, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, YES_NO, execution={"scope": "first_device"})
    await ed.open(run_id)
    await ed.start()
    assert (await w.acme.post(f"/v1/runs/{run_id}/release", json={})).status_code == 200
    async with phone(browser, base) as olga:
        await olga.open(run_id)
        await olga.pick("s-ok", "Yes")
        await olga.is_done("s-ok")
        await olga.review()
        await olga.finish()
        await olga.until_thanked()
        await olga.page.reload()
        await expect(olga.page.get_by_role("button", name="Save receipt")).to_be_visible()
        await ed.page.reload()  # had to give it up
        await expect(ed.page.get_by_role("heading", name="This checklist is done")).to_be_visible()
        await expect(ed.page.get_by_role("button", name="Save receipt")).to_have_count(0)


async def test_who_does_a_run_hears_at_the_next_tap_that_it_is_cancelled_and_why(
    w: World, ed: Phone, browser: Browser, base: str
) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.page.clock.install()
    await ed.open(run_id)
    await ed.start()
    await ed.page.clock.run_for(6_000)
    reason = {"reason": "Der Wagen ist schon weg <b>"}
    assert (await w.acme.post(f"/v1/runs/{run_id}/cancel", json=reason)).status_code == 200
    await ed.page.locator(".top h1").tap()
    for _ in range(2):  # told by the page that was open, and by the server's page of a closed run
        await expect(ed.page.get_by_role("heading", name="This job was stopped")).to_be_visible()
        await expect(ed.page.locator(".facts")).to_contain_text("Der Wagen ist schon weg <b>")
        await ed.page.reload()
    async with phone(browser, base) as olga:
        await olga.open(run_id)
        await expect(olga.page.get_by_role("heading", name="This job was stopped")).to_be_visible()
        await expect(olga.page.locator(".facts")).not_to_contain_text("Wagen")
    stranger = await w.browser().get(f"/r/{run_id}/state")
    assert (stranger.status_code, "reason" in stranger.json()) == (410, False)
