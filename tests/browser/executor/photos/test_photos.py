"""Photos: shrunk, shown, counted, safe only with a receipt; deleted, drawn on, lost."""

import asyncio
import random
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Request, Route, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, is_upright, jpeg, noise, sideways_jpeg, sideways_webp
from tests.helpers.processes.served import served
from tests.helpers.service import World, world

CODE = {"id": "s-code", "type": "barcode", "label": "Code", "config": {"formats": ["ean_13"]}}


async def test_photos_are_shrunk_shown_counted_and_safe_only_with_a_receipt(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE)
    await ed.open(run_id)
    await ed.start()
    held: list[Request] = []
    go = asyncio.Event()

    async def hold(route: Route) -> None:
        held.append(route.request)
        await go.wait()
        await route.continue_()

    await ed.page.route("**/r/*/steps/*/photos/*", hold)
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()), file("b.jpg", "image/jpeg", jpeg(optimize=True)))
    tiles = ed.step("s-pic").locator(".tile")
    await expect(tiles).to_have_count(2)
    await expect(ed.step("s-pic").locator(".count")).to_have_text("2 photos")  # a third may follow, none has to
    await expect(tiles.first).to_have_attribute("state", "waiting")
    await expect(ed.page.locator(".top .sending")).to_have_text("0 of 2 photos safe")
    await expect(ed.step("s-pic").locator(".status")).to_have_text("Sending 2 photos")
    (request,) = held  # one by one
    assert re.fullmatch(r"sha-256=:[A-Za-z0-9+/]{43}=:", request.headers["content-digest"])
    assert "source=gallery" in request.url
    go.set()
    await expect(ed.page.locator(".top .sending")).to_have_text("All safe")
    for index in range(2):
        await expect(tiles.nth(index)).to_have_attribute("state", "safe")
    await ed.is_done("s-pic")
    photos = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    assert [photo["source"] for photo in photos] == ["gallery", "gallery"]
    assert {photo["content_type"] for photo in photos} == {"image/jpeg"}


@pytest.mark.long
async def test_a_receipt_for_other_bytes_is_no_receipt(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE)
    await ed.open(run_id)
    await ed.start()
    lies = 0

    async def lie(route: Route) -> None:
        nonlocal lies
        answer = await route.fetch()
        receipt = {**await answer.json(), "sha256": "0" * 64}
        await route.fulfill(response=answer, json=receipt)
        lies += 1

    await ed.page.route("**/r/*/steps/*/photos/*", lie)
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    tile = ed.step("s-pic").locator(".tile")
    for tries in range(1, 5):
        await ed.until(lambda tries=tries: lies == tries)
        await expect(ed.page.locator(".top .sending")).to_have_text("0 of 1 photos safe")
        await expect(tile).to_have_attribute("state", "waiting")
        await ed.network_is_back()
    # The fifth is the person's: something stands between phone and server.
    await expect(tile).to_have_attribute("state", "refused")
    await ed.page.unroute("**/r/*/steps/*/photos/*")
    await tile.tap()
    await ed.page.locator("dialog").get_by_role("button", name="Try again").tap()
    # Sent under a new id: the one that the server has under the old id may already be shown beside it.
    await expect(tile.last).to_have_attribute("state", "safe")


async def test_a_photo_can_be_deleted_and_what_is_no_picture_is_refused(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()), source="camera")
    tiles = ed.step("s-pic").locator(".tile")
    await expect(tiles).to_have_attribute("state", "safe")
    await ed.is_done("s-pic")
    await ed.photograph("s-pic", file("b.jpg", "image/jpeg", b"not a picture"))
    await expect(tiles.nth(1)).to_have_attribute("state", "refused")
    await tiles.nth(1).tap()
    await expect(ed.page.locator("dialog .status")).to_contain_text("Not saved: ")
    await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
    await expect(tiles).to_have_count(1)
    await ed.is_done("s-pic")
    await tiles.tap()
    async with ed.page.expect_response(lambda response: response.request.method == "DELETE"):
        await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
    await expect(tiles).to_have_count(0)
    await expect(ed.step("s-pic")).not_to_have_attribute("done", "")
    assert (await record(w, run_id))["progress"]["answered"] == 0


# Of the files chosen, those called "cloud" cannot be read, and those called "slow" not until `arrive` is called.
AWAY = """(() => {
  const real = File.prototype.arrayBuffer;
  File.prototype.arrayBuffer = async function () {
    if (this.name.startsWith("cloud")) throw new DOMException("gone", "NotReadableError");
    if (this.name.startsWith("slow")) await new Promise((done) => (window.arrive = done));
    return real.call(this);
  };
})()"""
UNREAD = "This phone cannot read the file. Choose it again, or take another picture."


@pytest.mark.long
async def test_a_file_that_cannot_be_read_holds_up_nothing_but_itself(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, {**PICTURE, "config": {"min": 2, "max": 3}}, CODE)
    await ed.page.add_init_script(AWAY)
    await ed.open(run_id)
    await ed.start()
    cloud = file("cloud.jpg", "image/jpeg", jpeg())
    await ed.photograph(
        "s-pic", cloud, file("a.jpg", "image/jpeg", jpeg()), file("b.jpg", "image/jpeg", jpeg(optimize=True))
    )
    tiles = ed.step("s-pic").locator(".tile")
    await expect(tiles.nth(1)).to_have_attribute("state", "safe")
    await expect(tiles.nth(2)).to_have_attribute("state", "safe")
    await ed.is_safe("s-pic")
    await ed.look_again()
    await expect(tiles.nth(0)).to_have_attribute("state", "refused")
    dialog = ed.page.locator("dialog")
    await tiles.nth(0).tap()
    await expect(dialog.locator(".status")).to_have_text(f"Not saved: {UNREAD}")
    await dialog.get_by_role("button", name="Delete").tap()
    await ed.is_done("s-pic")
    # Taken again, and it cannot be read: the one that was there stays.
    await tiles.nth(0).tap()
    async with ed.page.expect_file_chooser() as coming:
        await dialog.get_by_text("Take again").tap()
    await (await coming.value).set_files(cloud)
    await expect(tiles.nth(2)).to_have_attribute("state", "refused")
    await expect(tiles.nth(0)).to_have_attribute("state", "safe")
    await tiles.nth(2).tap()
    await dialog.get_by_role("button", name="Delete").tap()
    await ed.step("s-code").locator("input[type=file]").last.set_input_files(cloud)
    await expect(ed.step("s-code").locator(".control .count")).to_have_text(UNREAD)
    await ed.fill("s-code", "4006381333931")
    await ed.is_done("s-pic", "s-code")
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    assert len((await record(w, run_id))["answers"]["s-pic"]["photos"]) == 2


@pytest.mark.long
async def test_a_photo_deleted_while_its_file_is_read_is_owed_to_nobody(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, {**PICTURE, "required": False})
    await ed.page.add_init_script(AWAY)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("slow.jpg", "image/jpeg", jpeg()))
    await ed.page.wait_for_function("() => Boolean(window.arrive)")
    await ed.step("s-pic").locator(".tile").tap()
    await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
    await ed.page.evaluate("arrive()")
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok")
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    assert (await record(w, run_id))["status"] == "completed"
    assert await ed.kept(run_id) == []


async def test_a_deleted_photo_leaves_no_picture_in_the_page(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE)
    await ed.page.add_init_script(
        """window.pictures = new Set();
        const { createObjectURL, revokeObjectURL } = URL;
        URL.createObjectURL = (what) => {
          const url = createObjectURL.call(URL, what);
          pictures.add(url);
          return url;
        };
        URL.revokeObjectURL = (url) => {
          pictures.delete(url);
          revokeObjectURL.call(URL, url);
        };"""
    )
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    tile = ed.step("s-pic").locator(".tile")
    await expect(tile).to_have_attribute("state", "safe")
    await expect(tile.locator("img")).to_have_attribute("src", re.compile("^blob:"))
    assert await ed.page.evaluate("pictures.size") == 2, "that of its tile, and the whole"
    await tile.tap()
    await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
    await expect(tile).to_have_count(0)
    assert await ed.page.evaluate("pictures.size") == 0


async def test_a_photo_is_taken_again_in_its_place(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, {**PICTURE, "config": {"min": 1, "max": 2}})
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()), file("b.jpg", "image/jpeg", jpeg(dpi=(9, 9))))
    await ed.is_done("s-pic")
    tiles = ed.step("s-pic").locator(".tile")
    await expect(tiles.last).to_have_attribute("state", "safe")
    await ed.is_done("s-pic")
    first, second = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    await tiles.first.tap()
    dialog = ed.page.locator("dialog")
    async with ed.page.expect_file_chooser() as coming:
        await dialog.get_by_text("Take again").tap()
    await ed.until_camera_is_noted(run_id)
    async with ed.page.expect_response(
        lambda response: "/photos/ph-" in response.url and response.status == 201
    ) as sent:
        await (await coming.value).set_files(file("c.jpg", "image/jpeg", sideways_jpeg()))
    assert "source=camera" in (await sent.value).url
    await expect(dialog).to_have_count(0)
    await expect(tiles).to_have_count(2)
    await expect(ed.page.locator(".top .sending")).to_have_text("All safe")
    await ed.is_done("s-pic")
    again, kept = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    assert kept["photo_id"] == second["photo_id"]
    assert again["photo_id"] != first["photo_id"]
    await ed.page.reload()
    await ed.is_done("s-pic")
    await expect(ed.page.locator(".lost")).to_have_count(0)


async def test_a_webp_comes_upright(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.webp", "image/webp", sideways_webp()))
    await ed.is_done("s-pic")
    (photo,) = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    for url in (photo["url"], photo["thumbnail_url"]):
        assert is_upright((await w.browser().get(url)).content), url


async def test_a_photo_says_how_much_of_it_has_gone_out(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    chrome = await ed.page.context.new_cdp_session(ed.page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 15_000}
    await chrome.send("Network.enable")
    await chrome.send("Network.emulateNetworkConditions", slow)
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", noise(random.Random(1).randbytes)))
    tile = ed.step("s-pic").locator(".tile")
    await ed.page.wait_for_function(
        """() => {
          const tile = document.querySelector(".tile");
          const sent = Number(tile?.style.getPropertyValue("--sent"));
          return sent > 0 && sent < 1 && tile.getAttribute("aria-label") === "Photo 1: Being sent";
        }"""
    )
    await chrome.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    await expect(tile).to_have_attribute("state", "safe")
    await ed.is_done("s-pic")


async def test_a_photo_that_another_phone_never_sent_can_be_done_without(w: World, ed: Phone) -> None:
    olga = await w.dispatch(await w.template({**YES_NO, "photo": {"min": 0, "max": 3}}))
    await olga.start()
    lost = "ph-00000000-0000-4000-8000-000000000001"
    assert (await olga.answer("s-ok", True, photos=[lost])).status_code == 200
    await ed.open(olga.run_id)
    await expect(ed.step("s-ok").locator(".status")).to_contain_text("1 photo has not arrived yet.")
    await expect(ed.step("s-ok")).not_to_have_attribute("done", "")
    await ed.step("s-ok").get_by_role("button", name="or go on without").tap()
    await ed.is_done("s-ok")
    assert (await record(w, olga.run_id))["progress"]["answered"] == 1


async def test_nothing_jumps(w: World, ed: Phone) -> None:
    """No layout shift but those that a tap asked for (Chromium's own measure, web.dev/cls)."""
    run_id = await dispatched(w, {**YES_NO, "geo": True, "photo": {"min": 0, "max": 3}}, COUNT, PICTURE)
    await ed.page.add_init_script(
        """window.shifts = []; new PerformanceObserver((list) => shifts.push(...list.getEntries()
           .filter((one) => !one.hadRecentInput).map((one) => one.value)))
           .observe({ type: "layout-shift", buffered: true })"""
    )
    await ed.open(run_id)
    await expect(ed.page.get_by_role("button", name="Start")).to_be_enabled()
    assert sum(await ed.page.evaluate("shifts")) < 0.01
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-ok", "s-pic")
    await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "safe")
    await expect(ed.page.locator(".top .sending")).to_have_text("All safe")
    assert sum(await ed.page.evaluate("shifts")) < 0.05


async def test_a_photo_larger_than_the_service_takes_is_refused_before_it_is_sent(
    tmp_path: Path, browser: Browser
) -> None:
    """The limit is a setting, and comes with the page."""
    settings = {"limits.photo_mebibytes": 1}
    async with world(tmp_path, **settings) as w, served(w) as base, phone(browser, base) as ed:
        sent: list[str] = []
        ed.page.on("request", lambda request: sent.append(request.url) if "/photos/ph-" in request.url else None)
        await ed.open(await dispatched(w, PICTURE))
        await ed.start()
        await ed.photograph("s-pic", file("a.heic", "image/heic", bytes(2**20 + 1)))  # which no phone can shrink
        tile = ed.step("s-pic").locator(".tile")
        await expect(tile).to_have_attribute("state", "refused")
        await tile.tap()
        await expect(ed.page.locator("dialog .status")).to_have_text("Not saved: This file is too large.")
        assert sent == []


@pytest.mark.long
async def test_state_from_before_a_receipt_takes_no_photo_away(w: World, ed: Phone) -> None:
    run = await w.dispatch(await w.template({**YES_NO, "photo": {"min": 1, "max": 2}}, COUNT))
    await run.start()
    await ed.open(run.run_id)
    asked, go = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        response = await route.fetch()
        asked.set()
        await go.wait()
        await route.fulfill(response=response)

    await ed.page.route("**/state?*", late, times=1)
    await run.answer("s-count", 7)
    await ed.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await ed.until(asked.is_set)
    await ed.photograph("s-ok", file("a.jpg", "image/jpeg", jpeg()))
    tile = ed.step("s-ok").locator(".tile")
    await expect(tile).to_have_attribute("state", "safe")
    go.set()
    await expect(ed.step("s-count").locator("input")).to_have_value("7")
    assert await tile.count() == 1
