"""What right looks like: seen once the run is started, large on a tap, without network too, and gone with the run."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.bench.checklist import STEPS
from tests.bench.page import EVIDENCE, MAX_BYTES, MAX_REQUESTS
from tests.browser.checklists import COUNT, YES_NO, dispatched
from tests.browser.console.desktop import desktop
from tests.browser.phone import Phone, phone
from tests.helpers.console.accessibility import is_fine
from tests.helpers.network.faulty_network import depot
from tests.helpers.pictures import images
from tests.helpers.service import World

FOUR = [images.jpeg(640, 480), images.jpeg(480, 640), images.jpeg(1600, 500), images.png()]
KEPT = """async ([run, n]) => {
  const cache = await caches.open(`rundun ${run}`);
  return (await cache.keys()).filter((one) => new URL(one.url).pathname.startsWith("/media/")).length === n;
}"""


@pytest.fixture
async def ann(w: World, browser: Browser, base: str) -> AsyncIterator[Phone]:
    """Ann at her desk."""
    async with desktop(w, browser, base) as one:
        yield one


async def uploaded(client: Any, *pictures: bytes) -> list[str]:
    """The ids of pictures that were uploaded."""
    return [(await client.post("/v1/pictures", content=one)).json()["picture_id"] for one in pictures]


async def are_seen(page: Page, count: int) -> None:
    """So many pictures are in the list, and have been loaded."""
    shown = page.locator(".list .shown img")
    await expect(shown).to_have_count(count)
    for index in range(count):
        await shown.nth(index).scroll_into_view_if_needed()
        await page.wait_for_function(
            "(index) => document.querySelectorAll('.list .shown img')[index].naturalWidth > 0", arg=index
        )


async def test_pictures_are_there_after_start_and_offline_and_go_with_the_run(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base, service_workers="allow") as ed:
        asked: list[str] = []
        ed.page.context.on("request", lambda request: asked.append(request.url))
        pictures = await uploaded(acme.client, *FOUR)
        run_id = await acme.dispatched({**YES_NO, "pictures": pictures}, {**COUNT, "pictures": pictures[:1]})
        page = ed.page
        await ed.open(run_id)
        await ed.everything_is_loaded()
        await ed.is_kept_as_page(run_id)
        assert "pic-" not in await page.content()
        assert not [url for url in asked if "/media/" in url or "pictures.js" in url]
        await ed.start()
        await are_seen(page, 5)
        boxes = [await page.locator("[id='s-ok'] .shown-one").nth(index).bounding_box() for index in range(4)]
        assert len({box["y"] for box in boxes if box}) == 1, "in one row"
        assert min(box["width"] for box in boxes if box) >= 44
        await ed.until_true(KEPT, [run_id, 8])
        http_cache = await page.context.new_cdp_session(page)
        await http_cache.send("Network.clearBrowserCache")  # it would have them for an hour
        acme.line.down()
        await page.reload()
        await are_seen(page, 5)
        await page.get_by_role("button", name="How it should look: All fine?, picture 3 of 4").tap()
        large = page.locator("dialog img")
        await expect(large).to_be_visible()
        await page.wait_for_function("() => document.querySelector('dialog img').naturalWidth === 1280")
        await page.keyboard.press("Escape")
        await expect(large).to_have_count(0)
        acme.line.up()
        await ed.network_is_back()
        await ed.pick("s-ok", "Yes")
        await ed.fill("s-count", "3")
        await ed.until_all_is_safe()
        await ed.review()
        await ed.finish()
        await ed.until_thanked()
        await ed.until_page_is_forgotten(run_id)


async def test_a_large_picture_is_closed_in_each_way_and_the_list_is_where_it_was(w: World, ed: Phone) -> None:
    (picture,) = await uploaded(w.acme, FOUR[2])
    run_id = await dispatched(w, YES_NO, {**COUNT, "pictures": [picture]})
    page = ed.page
    await ed.open(run_id)
    await ed.start()
    address = page.url
    for way in ("button", "button", "escape", "escape", "back", "back"):
        await page.locator(".shown-one").tap()
        await expect(page.locator("dialog h2")).to_have_text("How many?")
        assert page.url == f"{address}#picture"
        if way == "button":
            await page.get_by_role("button", name="Close").tap()
        elif way == "escape":
            await page.keyboard.press("Escape")
        else:
            await page.go_back()
        await expect(page.locator("dialog")).to_have_count(0)
        await page.wait_for_function("(address) => location.href === address", arg=address)
    await expect(page.locator("#list")).to_be_visible()
    await ed.pick("s-ok", "Yes")
    await ed.fill("s-count", "2")
    await ed.review()
    await page.go_back()
    await expect(page.locator("#list")).to_be_visible()


async def test_a_start_without_network_brings_them_later(w: World, ed: Phone) -> None:
    (picture,) = await uploaded(w.acme, FOUR[0])
    run_id = await dispatched(w, {**YES_NO, "pictures": [picture]}, COUNT)
    await ed.open(run_id)
    await ed.everything_is_loaded()
    page = ed.page

    async def away(route: Route) -> None:
        await route.abort()

    await page.route("**/start", away)
    await ed.start()
    await expect(page.locator(".shown")).to_have_count(0)
    await page.unroute("**/start")
    await ed.network_is_back()
    await are_seen(page, 1)
    await page.reload()
    await are_seen(page, 1)


async def test_another_phone_that_comes_later_sees_them_too(w: World, ed: Phone) -> None:
    (picture,) = await uploaded(w.acme, FOUR[0])
    run = await w.dispatch(await w.template({**YES_NO, "pictures": [picture]}))
    await run.start()
    await ed.open(run.run_id)
    await are_seen(ed.page, 1)
    await is_fine(ed.page, "a list with pictures")
    await ed.page.locator(".shown-one").tap()
    await expect(ed.page.locator("dialog img")).to_be_visible()
    await is_fine(ed.page, "a large picture")


async def test_pictures_are_chosen_in_the_editor_and_seen_beside_it(w: World, ann: Phone) -> None:
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/new")
    await page.get_by_label("Question or task").fill("As shown?")
    given = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": images.png(300 + n)} for n in (1, 2)]
    broken = {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": images.jpeg()[:-900]}
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="+ Show a picture").click()
    await (await chooser.value).set_files([*given, broken])  # type: ignore[list-item]
    await expect(page.locator("#said")).to_contain_text("broken.jpg: ")
    small = page.locator(".row-panel .shown img")
    await expect(small).to_have_count(2)
    await page.wait_for_function("() => [...document.querySelectorAll('.shown img')].every((one) => one.naturalWidth)")
    shown = page.frame_locator("#phone").locator(".shown-one img")
    await expect(shown).to_have_count(2)
    await shown.first.click()
    await expect(page.frame_locator("#phone").locator("dialog img")).to_be_visible()
    await page.frame_locator("#phone").get_by_role("button", name="Close").click()
    await page.locator(".row-panel .shown").get_by_role("button", name="Delete").first.click()
    await expect(shown).to_have_count(1)
    await is_fine(page, "the editor with pictures")
    await page.get_by_role("button", name="Publish…").click()
    await page.get_by_role("button", name="Publish", exact=True).click()
    await page.get_by_role("link", name="Version 1", exact=True).click()
    await expect(page.locator(".outline .shown img")).to_be_visible()
    await is_fine(page, "a template with a picture")


async def test_the_first_load_is_small_with_pictures_too(w: World, ed: Phone) -> None:
    """As `test_the_first_load_is_small`: until the list can be used."""
    pictures = await uploaded(w.acme, *FOUR)
    steps = [{**one, "pictures": pictures[:2]} for one in (*STEPS, *EVIDENCE)]
    run = await w.dispatch(await w.template(*steps))
    await run.start()
    answers, size_of = await ed.first_load(run.run_id, ".list")
    first = [one for one in answers if one.request.resource_type != "image"]  # the list can be used without
    size = await size_of(first)
    print(len(first), size)
    assert len(first) <= MAX_REQUESTS
    assert size <= MAX_BYTES
