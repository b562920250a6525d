"""A step that names its shots: a tile each, taken offline and again, and named where one is missing."""

from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.browser.checklists import YES_NO, dispatched, record
from tests.browser.executor.test_access import fits
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.console.accessibility import is_fine
from tests.helpers.service import World

LABELS = ["Front", "Driver's side", "Rear", "Passenger's side"]
IDS = ["p-front", "p-driver", "p-rear", "p-passenger"]
SIDES: dict[str, Any] = {
    "id": "s-sides",
    "type": "photo",
    "label": "The four sides",
    "config": {"slots": [{"id": key, "label": label} for key, label in zip(IDS, LABELS, strict=True)]},
}
DAMAGE: dict[str, Any] = {**YES_NO, "flag": {"when": {"op": "eq", "value": False}, "tell": "Call the office"}}


def tile(ed: Phone, label: str) -> Locator:
    """The tile of a slot."""
    return ed.step("s-sides").get_by_role("group", name=label, exact=True)


async def take(ed: Phone, label: str, source: str = "Take photo") -> None:
    """Take the picture of a slot."""
    picture = file("a.jpg", "image/jpeg", jpeg())
    await tile(ed, label).get_by_label(f"{label}: {source}").set_input_files([picture])
    await expect(tile(ed, label).locator(".tile")).to_be_visible()


async def in_dialog(ed: Phone, label: str, button: str) -> None:
    """Open a slot's picture and tap a button."""
    await tile(ed, label).locator(".tile").tap()
    await ed.page.locator("dialog").get_by_role("button", name=button).tap()


async def again(ed: Phone, label: str) -> None:
    """Take the picture of a slot again."""
    await tile(ed, label).locator(".tile").tap()
    retake = ed.page.locator("dialog label").filter(has_text="Take again").locator("input")
    await retake.set_input_files([file("b.jpg", "image/jpeg", jpeg(optimize=True))])
    await expect(ed.page.locator("dialog")).to_have_count(0)


async def is_safe(ed: Phone, *labels: str) -> None:
    """Wait until the server has the pictures of these slots."""
    for label in labels:
        await expect(tile(ed, label).locator(".tile[state=safe]")).to_be_visible()


async def seen(w: World, run_id: str) -> list[tuple[str, str]]:
    """The step's photos as the record has them: slot and source."""
    answer = (await record(w, run_id))["answers"].get("s-sides")
    return [(photo["slot"], photo["source"]) for photo in answer["photos"]] if answer else []


async def test_shots_are_taken_offline_one_again_and_the_missing_one_is_named(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, SIDES, DAMAGE)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    boxes = [await tile(ed, label).bounding_box() for label in LABELS]
    assert all(boxes)
    lefts, tops = ({round(box[side]) for box in boxes if box} for side in ("x", "y"))
    assert (len(lefts), len(tops)) == (2, 2), "two columns at 390 px"
    await is_fine(ed.page, "slots, empty")

    await ed.page.context.set_offline(True)
    for label in ("Front", "Rear", "Passenger's side"):
        await take(ed, label)
    await again(ed, "Rear")
    await ed.pick("s-ok", "No")
    await expect(ed.step("s-ok").get_by_role("status")).to_have_text("Call the office")
    await is_fine(ed.page, "slots, three taken, an answer flagged")

    await ed.review()
    line = ed.page.locator(".review .line").first
    await expect(line).to_contain_text("Still to take: Driver's side")
    await is_fine(ed.page, "review, a slot is missing")
    await ed.page.locator(".review .bottom").get_by_role("button").last.tap()
    await expect(ed.step("s-sides").locator(".status")).to_have_text("Still to take: Driver's side")
    assert await seen(w, run_id) == []

    await take(ed, "Driver's side", "Gallery")
    await expect(ed.step("s-sides")).to_have_attribute("done", "")
    await again(ed, "Front")
    await expect(ed.step("s-sides")).to_have_attribute("done", "")
    await ed.page.context.set_offline(False)
    await ed.until_all_is_safe()
    await ed.is_done("s-sides")
    expected = [("p-front", "camera"), ("p-driver", "gallery"), ("p-rear", "camera"), ("p-passenger", "camera")]
    assert await seen(w, run_id) == expected
    await ed.review()
    await ed.finish()
    await ed.until_thanked()
    whole = await record(w, run_id)
    assert (whole["status"], whole["flagged"]) == ("completed", 1)


async def test_a_shot_is_deleted_taken_again_and_there_after_a_reload(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, SIDES)
    await ed.open(run_id)
    await ed.start()
    for label in LABELS:
        await take(ed, label)
    await ed.is_done("s-sides")
    await in_dialog(ed, "Rear", "Delete")
    await expect(tile(ed, "Rear").get_by_label("Rear: Take photo")).to_be_attached()
    await expect(ed.step("s-sides")).not_to_have_attribute("done", "")
    async with ed.page.expect_file_chooser():
        await tile(ed, "Rear").get_by_text("Take photo").tap()
    await ed.until_camera_is_noted(run_id, "s-sides")
    await ed.page.reload()  # as phones do that need the memory for the camera
    lost = ed.step("s-sides").locator(".lost")
    await expect(lost).to_contain_text("Take it again.")
    for label in LABELS:
        await expect(tile(ed, label).locator(".tile[state=safe]")).to_have_count(0 if label == "Rear" else 1)
    await take(ed, "Rear")
    await expect(lost).to_have_count(0)
    await ed.is_done("s-sides")
    await again(ed, "Rear")
    await ed.is_done("s-sides")
    await ed.until_all_is_safe()
    assert [slot for slot, _ in await seen(w, run_id)] == IDS
    assert (await record(w, run_id))["progress"]["answered"] == 1


@pytest.mark.long
async def test_two_phones_take_the_same_shot_and_show_both_until_one_is_deleted(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, SIDES)
    await ed.open(run_id)
    await ed.start()
    for label in LABELS[1:]:
        await take(ed, label)
        await is_safe(ed, label)
    browser = ed.page.context.browser
    assert browser is not None
    async with phone(browser, ed.base) as other:
        await other.open(run_id)
        await expect(tile(other, "Rear").locator(".tile[state=safe]")).to_be_visible()
        await ed.page.context.set_offline(True)
        await take(ed, "Front")
        await take(other, "Front")
        await other.is_done("s-sides")
        await ed.page.context.set_offline(False)
        await ed.until_all_is_safe()
        await ed.look_again()
        await ed.is_done("s-sides")
        assert [slot for slot, _ in await seen(w, run_id)] == [*IDS, "p-front"]
        await other.look_again()
        await ed.look_again()
        for one in (ed, other):
            await expect(tile(one, "Front").locator(".tile[state=safe] img")).to_have_count(2)
            await expect(one.step("s-sides").locator(".count")).to_have_text("4 of 4")
            await one.is_done("s-sides")
        await tile(other, "Front").locator(".tile").first.tap()
        await other.page.locator("dialog").get_by_role("button", name="Delete").tap()
        await other.until_all_is_safe()
        await ed.look_again()
        for one in (ed, other):
            await expect(tile(one, "Front").locator(".tile")).to_have_count(1)
        assert [slot for slot, _ in await seen(w, run_id)] == IDS


@pytest.mark.long
async def test_in_arabic_with_texts_twice_as_large(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, SIDES)
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=ar")
    await ed.page.locator(".start .button.primary").tap()
    await expect(ed.page.locator(".slot")).to_have_count(4)
    await is_fine(ed.page, "slots, Arabic")
    await ed.page.set_viewport_size({"width": 320, "height": 844})
    for tag in ("ar", "en"):
        await ed.page.goto(f"{ed.base}/r/{run_id}?lang={tag}")
        await expect(ed.page.locator(".slot")).to_have_count(4)
        await ed.page.evaluate("document.documentElement.style.fontSize = '200%'")
        await fits(ed.page, f"slots, {tag}")
