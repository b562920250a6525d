"""Where photos come from: when and where they were taken by their own word, and files that are not whole."""

import base64
import io
import random
import re
import time
from typing import Any

import pytest
from hypothesis import strategies as some
from PIL import Image
from playwright.async_api import Browser, Page, expect

from rundun.core import times
from rundun.imaging import formats
from rundun.imaging.exif import read_exif
from tests.browser.checklists import PICTURE, dispatched, record
from tests.browser.executor.steps.test_parity import drawn
from tests.browser.phone import Phone
from tests.browser.pictures import file, heic, jpeg
from tests.helpers.modules import in_page
from tests.helpers.pictures import exif_pictures
from tests.helpers.pictures.exif_pictures import AREZZO, CASES, exif_block, gps_time, position
from tests.helpers.service import World

PLACED = {**PICTURE, "geo": True}
BYTES = "Uint8Array.from(atob(one), (c) => c.charCodeAt(0))"


def of_2008(kind: str = "JPEG") -> bytes:
    """A picture of a phone's size, with the time and place that a camera gave it in 2008."""
    out = io.BytesIO()
    block = exif_block("2008:10:22 16:28:39", None, position(*AREZZO))
    Image.effect_noise((640, 480), 50).convert("RGB").save(out, kind, exif=block)
    return out.getvalue()


async def evidence(w: World, run_id: str) -> list[Any]:
    photos: list[Any] = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    return photos


async def test_a_photo_from_the_gallery_tells_when_and_where_it_was_taken(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PLACED)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("DSCN0010.jpg", "image/jpeg", of_2008()))
    await ed.is_done("s-pic")
    (photo,) = await evidence(w, run_id)
    # 16:28:39 in Berlin, where the phone is, in summer
    assert (photo["taken_at"], photo["taken_at_from"]) == ("2008-10-22T14:28:39Z", "exif_local")
    assert (photo["geo"]["lat"], photo["geo"]["lng"]) == (43.4674483, 11.8851267)
    assert photo["geo"]["accuracy"] is None
    sent = (await w.browser().get(photo["original"]["url"])).content
    assert dict(Image.open(io.BytesIO(sent)).getexif()) == {}, "the page shrinks it, so the server cannot have read it"


async def test_a_photo_that_says_nothing_has_neither_the_files_date_nor_the_phones_place(w: World, ed: Phone) -> None:
    w.clock.now = int(time.time() * 1000)  # as the phone's
    run_id = await dispatched(w, PLACED)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-pic")
    await ed.photograph("s-pic", file("b.jpg", "image/jpeg", jpeg(optimize=True)), source="camera")
    await ed.is_done("s-pic")
    chosen, taken = await evidence(w, run_id)
    assert (chosen["taken_at"], chosen["taken_at_from"], chosen["geo"]) == (None, None, None)
    assert taken["taken_at_from"] == "camera"


async def test_a_heic_that_goes_out_as_it_is_tells_it_too(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE)
    await ed.open(run_id)
    await ed.start()
    (case,) = (case for case in CASES if case.name == "heic")
    await ed.photograph("s-pic", file("a.heic", "image/heic", case.data))
    await ed.is_done("s-pic")
    (photo,) = await evidence(w, run_id)
    assert photo["original"]["content_type"] == "image/heic"
    assert (photo["taken_at"], photo["taken_at_from"], photo["geo"]) == (case.utc, "exif", None)


async def test_without_its_reader_the_file_itself_goes_out(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PLACED)
    await ed.page.route(re.compile(r"/executor/photos/exif\.js"), lambda route: route.abort())
    await ed.open(run_id)
    await ed.start()
    data = exif_pictures.jpeg_of(exif_block("2008:10:22 16:28:39", "+02:00", position(*AREZZO)))
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", data))
    await ed.is_done("s-pic")
    (photo,) = await evidence(w, run_id)
    assert (photo["taken_at"], photo["taken_at_from"]) == ("2008-10-22T14:28:39Z", "exif")
    assert photo["geo"]["lat"] == 43.4674483


# ---- page and server read the same


def said(exif: Any) -> list[Any]:
    return [times.wire_or_none(exif.taken_at), exif.geo and [exif.geo["lat"], exif.geo["lng"]]]


def alike(page: list[Any], server: list[Any]) -> bool:
    """The same time and, to a centimetre, place."""
    if page[0] != server[0] or (page[1] is None) != (server[1] is None):
        return False
    return page[1] is None or all(
        abs(a - b) < 1.5e-7 + 1e-6 * (b < 1e-6) for a, b in zip(page[1], server[1], strict=True)
    )


def encoded(pieces: list[bytes]) -> list[str]:
    return [base64.b64encode(piece).decode() for piece in pieces]


async def test_the_page_reads_the_shared_pictures(page: Page, browser: Browser) -> None:
    expression = f"given.map((one) => m.lookAt({BYTES}.buffer))"
    for case, one in zip(
        CASES, await in_page(page, "photos/exif", expression, encoded([c.data for c in CASES])), strict=True
    ):
        assert one["isCutOff"] is False, case.name
        source = one["time"].get("taken_at_from")
        if case.utc:
            assert one["time"] == {"taken_at": case.utc, "taken_at_from": "exif"}, case.name
        else:
            assert source == ("exif_local" if case.local else None), case.name
        place = [one["place"]["lat"], one["place"]["lng"]] if one["place"] else None
        assert (place is None) == (case.place is None), case.name
        for a, b in zip(place or (), case.place or (), strict=True):
            assert abs(a - b) < 1e-6, case.name


BLOCKS = [
    exif_block("2008:10:22 16:28:39", offset, position(43.5, 11.5) + gps_time("2008:10:22", 14, 28, 39), order)
    for order in "<>"
    for offset in ("+02:00", None)
]


@some.composite
def changed_blocks(draw: some.DrawFn) -> bytes:
    """EXIF with some bytes changed and its end cut off."""
    block = bytearray(draw(some.sampled_from(BLOCKS)))
    for at, byte in draw(some.lists(some.tuples(some.integers(0, len(block) - 1), some.integers(0, 255)), max_size=6)):
        block[at] = byte
    return bytes(block[: draw(some.integers(len(block) // 2, len(block)))])


@pytest.mark.long
async def test_page_and_server_agree_on_changed_exif(page: Page) -> None:
    blocks = drawn(changed_blocks(), 200)
    expression = f"""given.map((one) => m.readExif({BYTES})).map(({{ time, place }}) => [
      time.taken_at_from === "exif" ? time.taken_at : null, "lat" in place ? [place.lat, place.lng] : null])"""
    for block, one in zip(blocks, await in_page(page, "photos/exif", expression, encoded(blocks)), strict=True):
        server = said(read_exif(block))
        if server[0] and int(server[0][:4]) < 1990:
            server[0] = None  # the server judges that later
        assert alike(one, server), (block, one, server)


@pytest.mark.long
async def test_the_page_reads_any_bytes(page: Page) -> None:
    heads = [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x40\0\0\0WEBP",
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x18ftypmif1\0\0\0\0",
    ]
    files = drawn(some.tuples(some.sampled_from(heads), some.binary(max_size=200)).map(b"".join), 150)
    (whole,) = (case.data for case in CASES if case.name == "heic")
    boxes = some.tuples(some.integers(12, 420), some.integers(0, 255))
    files += [whole[:at] + bytes([byte]) + whole[at + 1 :] for at, byte in drawn(boxes, 150)]
    expression = f"given.map((one) => typeof m.lookAt({BYTES}.buffer).isCutOff)"
    assert set(await in_page(page, "photos/exif", expression, encoded(files))) == {"boolean"}


# ---- files that are cut off


def saved(kind: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((200, 100), 80).convert("RGB").save(out, kind)
    return out.getvalue()


@pytest.mark.long
async def test_the_page_sees_that_the_end_is_missing(page: Page) -> None:
    whole = [saved("JPEG"), saved("PNG"), saved("WEBP"), heic(), saved("AVIF")]
    mpo = io.BytesIO()
    first, second = (Image.effect_noise((64, 48), n).convert("RGB") for n in (50, 90))
    first.save(mpo, "MPO", save_all=True, append_images=[second])
    whole += [
        mpo.getvalue(),
        saved("JPEG") + b"\0\0\0\x18ftypmp42 a motion photo",
        heic() + b"of a phone's own",
        saved("GIF"),
    ]
    expression = f"given.map((one) => m.lookAt({BYTES}.buffer).isCutOff)"
    assert await in_page(page, "photos/exif", expression, encoded(whole)) == [False] * len(whole)
    cut = [one[: len(one) * n // 20] for one in whole[:5] for n in range(4, 20)]
    cut += [one[:-1] for one in whole[:5]]
    assert await in_page(page, "photos/exif", expression, encoded(cut)) == [True] * len(cut)


async def test_a_damaged_byte_of_a_scan_is_no_missing_end(page: Page) -> None:
    """Where the damage makes a marker, with a length that leads behind the end; as the server sees it."""
    whole = [saved("JPEG")]
    out = io.BytesIO()
    Image.effect_noise((200, 100), 80).save(out, "JPEG", progressive=True)
    whole.append(out.getvalue())
    chance = random.Random(7)
    damaged = []
    for one in whole * 60:
        at = chance.randrange(one.index(b"\xff\xda") + 14, len(one) - 6)
        damaged.append(one[:at] + bytes((0xFF, chance.choice((0xC4, 0xDA, 0xE1, 0xFE)))) + one[at + 2 :])
    expression = f"given.map((one) => m.lookAt({BYTES}.buffer).isCutOff)"
    assert await in_page(page, "photos/exif", expression, encoded(damaged)) == [False] * len(damaged)
    for one in damaged:
        formats.walk_jpeg(one)


INCOMPLETE = "This picture is incomplete. Choose it again."


async def test_a_picture_that_is_cut_off_is_not_taken(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, {**PICTURE, "config": {"min": 1, "max": 3}})
    sent: list[str] = []
    ed.page.on("request", lambda request: sent.append(request.method) if "/photos/ph-" in request.url else None)
    await ed.open(run_id)
    await ed.start()
    whole = of_2008()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", whole[: len(whole) * 2 // 3]))
    step, tile = ed.step("s-pic"), ed.step("s-pic").locator(".tile")
    await expect(tile).to_have_attribute("state", "refused")
    await expect(tile.locator("small")).to_have_text(INCOMPLETE)
    await expect(tile).not_to_contain_text("No preview yet")
    await expect(tile.locator(".tile-bar")).to_be_hidden()
    await expect(step.locator(".status")).to_have_text(f"Not saved: {INCOMPLETE}")
    await expect(step.locator(".photo-field .count, .count").first).to_have_text(re.compile("^0 of "))
    await expect(step).not_to_have_attribute("done", "")
    await expect(ed.page.locator(".top .sending")).to_contain_text("needs attention")
    assert (sent, await ed.kept(run_id)) == ([], [])
    # Beside one that is safe, the card says of itself what the header says.
    await ed.photograph("s-pic", file("b.jpg", "image/jpeg", jpeg()))
    await expect(tile.last).to_have_attribute("state", "safe")
    await ed.is_safe("s-pic")
    await expect(step.locator(".status")).to_have_attribute("kind", "alert")
    await expect(step.locator(".status")).to_have_text(f"Not saved: {INCOMPLETE}")
    await tile.first.tap()
    dialog = ed.page.locator("dialog")
    await expect(dialog).not_to_contain_text("once the server has it")
    await dialog.get_by_role("button", name="Delete").tap()
    await expect(step.locator(".status")).to_have_text("")
    await ed.is_safe("s-pic")
    await expect(ed.page.locator(".top .sending")).to_have_text("All safe")
    # Taken again, and cut off: the one that was there stays.
    await tile.tap()
    async with ed.page.expect_file_chooser() as coming:
        await dialog.get_by_text("Take again").tap()
    await (await coming.value).set_files(file("c.jpg", "image/jpeg", whole[: len(whole) // 2]))
    await expect(tile.last).to_have_attribute("state", "refused")
    await expect(tile.first).to_have_attribute("state", "safe")
    assert len(await evidence(w, run_id)) == 1


async def test_a_refused_file_makes_the_whole_card_say_so(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, {**PICTURE, "config": {"min": 1, "max": 3}})
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-pic")
    await ed.photograph("s-pic", file("b.mp4", "video/mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"))
    tile = ed.step("s-pic").locator(".tile")
    await expect(tile.last).to_have_attribute("state", "refused")
    await expect(tile.last.locator(".tile-bar")).to_be_hidden()
    await expect(tile.last).not_to_contain_text("No preview yet")
    await expect(ed.page.locator(".top .sending")).to_contain_text("needs attention")
    await expect(ed.step("s-pic").locator(".status")).to_have_attribute("kind", "alert")
    await expect(ed.step("s-pic").locator(".status")).to_contain_text("This is a video")
