"""Drawing on a photo: what it shows without the drawing stays beside it, unseen."""

from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.checklists import PICTURE, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.pictures import exif_pictures
from tests.helpers.pictures.exif_pictures import exif_block
from tests.helpers.service import World

ONE = {**PICTURE, "config": {"min": 1, "max": 1, "annotate": True}}
TWO = {**PICTURE, "config": {"min": 1, "max": 2, "annotate": True}}


# How many dots of the canvas have the pen's colour.
RED = """(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((n, red, i) => n + (i % 4 === 0 && red > 240 && data[i + 1] < 60 && data[i + 2] < 50), 0);
}"""


async def draw(ed: Phone, tile: Locator, at: int = 20, end: str = "Use") -> None:
    """Draw a line across the picture, from a distance to its corner."""
    await tile.tap()
    dialog = ed.page.locator("dialog")
    await dialog.get_by_role("button", name="Draw").tap()
    canvas = dialog.locator("canvas")
    await expect(canvas).to_be_visible()
    box = await canvas.bounding_box()
    assert box is not None
    await ed.page.mouse.move(box["x"] + at, box["y"] + at)
    await ed.page.mouse.down()
    await ed.page.mouse.move(box["x"] + at + 90, box["y"] + at + 60, steps=4)
    await ed.page.mouse.up()
    await dialog.get_by_role("button", name=end).tap()
    await expect(dialog).to_have_count(0)


async def evidence(w: World, run_id: str) -> list[Any]:
    photos: list[Any] = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    return photos


async def stored(w: World, run_id: str) -> int:
    return await w.database.read(
        lambda tx: int(tx.db.execute("SELECT count(*) FROM photos WHERE run_id = ?", (run_id,)).fetchone()[0])
    )


@pytest.mark.parametrize("step", [ONE, TWO], ids=["full", "with room"])
async def test_what_was_drawn_on_stays_beside_it(w: World, ed: Phone, step: Any) -> None:
    run_id = await dispatched(w, step)
    await ed.open(run_id)
    await ed.start()
    data = exif_pictures.jpeg_of(exif_block("2008:10:22 16:28:39", "+02:00"))
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", data))
    await ed.is_done("s-pic")
    (before,) = await evidence(w, run_id)
    tile = ed.step("s-pic").locator(".tile")
    await draw(ed, tile)
    await expect(tile).to_have_count(1)
    await ed.is_done("s-pic")
    await ed.until_all_is_safe()
    (drawn,) = await evidence(w, run_id)
    assert drawn["annotated_from"] == drawn["undrawn"]["photo_id"] == before["photo_id"]
    assert drawn["undrawn"]["original"]["sha256"] == before["original"]["sha256"]
    assert (drawn["taken_at"], drawn["taken_at_from"]) == ("2008-10-22T14:28:39Z", "exif")
    assert drawn["source"] == "gallery"
    # Drawn on again: what stays is the first, and the first drawing goes.
    await draw(ed, tile, 60)
    await ed.is_done("s-pic")
    await ed.until_all_is_safe()
    (again,) = await evidence(w, run_id)
    assert again["photo_id"] != drawn["photo_id"]
    assert again["undrawn"]["photo_id"] == before["photo_id"]
    assert await stored(w, run_id) == 2
    # After a reload there is one tile, and with it both go.
    await ed.page.reload()
    await expect(tile).to_have_count(1)
    await ed.is_done("s-pic")
    await tile.tap()
    await ed.page.locator("dialog").get_by_role("button", name="Delete").tap()
    await expect(tile).to_have_count(0)
    await ed.look_again()
    await expect(tile).to_have_count(0)
    await ed.until_kept_is(run_id, [])
    assert await stored(w, run_id) == 0


async def test_a_drawing_made_without_network_and_reloaded_arrives_with_both(
    w: World, browser: Browser, base: str
) -> None:
    async with phone(browser, base, service_workers="allow") as ed:
        run_id = await dispatched(w, ONE)
        await ed.open(run_id)
        await ed.start()
        await ed.is_kept_as_page(run_id)
        await ed.page.context.set_offline(True)
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()), source="camera")
        tile = ed.step("s-pic").locator(".tile")
        await expect(tile).to_have_attribute("state", "waiting")
        await draw(ed, tile)
        await expect(tile).to_have_count(1)
        await draw(ed, tile, 50)
        await expect(tile).to_have_count(1)
        await expect(ed.step("s-pic").locator(".count")).to_have_text("1 photo")
        await ed.page.reload()
        await expect(tile).to_have_count(1)
        assert [one["kind"] for one in await ed.kept(run_id)].count("photo") == 2
        await ed.page.context.set_offline(False)
        await ed.until_all_is_safe()
        await ed.is_done("s-pic")
        await ed.review()
        await ed.finish()
        await ed.until_thanked()
        (drawn,) = await evidence(w, run_id)
        assert drawn["annotated_from"] == drawn["undrawn"]["photo_id"]
        assert drawn["original"]["sha256"] != drawn["undrawn"]["original"]["sha256"]
        assert drawn["taken_at"] == drawn["undrawn"]["taken_at"]


@pytest.mark.long
async def test_a_photo_taken_again_leaves_neither(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, ONE)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-pic")
    tile = ed.step("s-pic").locator(".tile")
    await draw(ed, tile)
    await ed.is_done("s-pic")
    await tile.tap()
    async with ed.page.expect_file_chooser() as coming:
        await ed.page.locator("dialog").get_by_text("Take again").tap()
    async with ed.page.expect_response(lambda response: "/photos/ph-" in response.url and response.status == 201):
        await (await coming.value).set_files(file("b.jpg", "image/jpeg", jpeg(optimize=True)))
    await ed.is_done("s-pic")
    await ed.until_all_is_safe()
    (photo,) = await evidence(w, run_id)
    assert (photo["annotated_from"], photo["undrawn"], photo["source"]) == (None, None, "camera")
    assert await stored(w, run_id) == 1


@pytest.mark.long
async def test_what_was_drawn_and_not_used_is_there_again(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, ONE)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-pic")
    tile, dialog = ed.step("s-pic").locator(".tile"), ed.page.locator("dialog")
    canvas = dialog.locator("canvas")
    await draw(ed, tile, end="Close")
    (photo,) = await evidence(w, run_id)
    assert photo["annotated_from"] is None
    await tile.tap()
    await dialog.get_by_role("button", name="Draw").tap()
    assert await canvas.evaluate(RED) > 0
    await dialog.get_by_role("button", name="Undo").tap()
    assert await canvas.evaluate(RED) == 0
    await dialog.get_by_role("button", name="Close").tap()
    await draw(ed, tile)
    await ed.is_done("s-pic")
    await ed.until_all_is_safe()
    await tile.tap()
    await dialog.get_by_role("button", name="Draw").tap()
    await dialog.get_by_role("button", name="Undo").tap()  # nothing to undo: what was used is in the picture
    assert await canvas.evaluate(RED) > 0


async def test_what_is_used_is_kept_at_once_however_busy_the_page_is(w: World, ed: Phone) -> None:
    """Chromium encodes by `toBlob` when the page is idle. Here it never is: a drawing that waits for that is lost."""
    sign = {"id": "s-sign", "type": "signature", "label": "Sign here"}
    run_id = await dispatched(w, ONE, sign)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-pic")
    await ed.everything_is_loaded()
    await ed.page.route("**/r/*/steps/*/photos/**", lambda route: route.abort())
    await ed.page.evaluate("HTMLCanvasElement.prototype.toBlob = () => {}")
    await draw(ed, ed.step("s-pic").locator(".tile"))
    await ed.sign(ed.step("s-sign").locator(".control button"))
    await ed.is_done("s-sign")
    await ed.page.reload()
    await expect(ed.step("s-pic").locator(".tile[state=waiting]")).to_have_count(1)
    await ed.page.unroute_all(behavior="wait")
    await ed.until_all_is_safe()
    await ed.is_done("s-pic")
    (photo,) = await evidence(w, run_id)
    assert photo["annotated_from"] is not None


@pytest.mark.long
async def test_a_tile_holds_a_small_picture_and_its_dialog_the_whole(w: World, ed: Phone) -> None:
    """While it waits, after the page was loaded again, once it is safe, and where it was drawn on."""
    run_id = await dispatched(w, {**PICTURE, "config": {"min": 1, "annotate": True}})
    size = "(image) => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    page, tile = ed.page, ed.step("s-pic").locator(".tile")

    async def is_shown(state: str) -> None:
        await expect(tile).to_have_attribute("state", state)
        assert await tile.locator("img").evaluate(size) == [240, 320]
        await tile.tap()
        assert await page.locator("dialog .photo-large").evaluate(size) == [600, 800]

    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    await page.route("**/r/*/steps/*/photos/*", lambda route: route.abort("internetdisconnected"))
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await is_shown("waiting")
    await ed.until_kept(run_id, "photo", "s-pic")
    await ed.is_safe("s-pic")
    await page.reload()
    await is_shown("waiting")
    await page.unroute("**/r/*/steps/*/photos/*")
    await page.keyboard.press("Escape")
    await ed.network_is_back()
    await is_shown("safe")
    await page.locator("dialog").get_by_role("button", name="Draw").tap()
    await page.locator("dialog .drawable").tap()
    await page.locator("dialog").get_by_role("button", name="Use").tap()
    await is_shown("safe")
