"""What the executor is told about an answer that calls for attention."""

from typing import Any

from playwright.async_api import expect

from tests.browser.checklists import PICTURE, dispatched, record
from tests.browser.phone import Phone
from tests.browser.pictures import file, jpeg
from tests.helpers.accessibility import is_fine
from tests.helpers.service import World

TELL = "Please call the office: +34 600 000 000"
DAMAGE: dict[str, Any] = {
    "id": "s-damage",
    "type": "boolean",
    "label": "Is there any damage?",
    "flag": {"when": {"op": "eq", "value": True}, "tell": TELL},
}
QUIET = {**DAMAGE, "id": "s-quiet", "label": "Is anything lost?", "flag": {"when": {"op": "eq", "value": True}}}
CLOSE_UP = {**PICTURE, "flag": {"when": {"op": "answered"}, "tell": "Send it to https://example.com/claims, too"}}


async def test_the_executor_reads_what_to_do_as_long_as_the_answer_is_flagged(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, DAMAGE, QUIET, CLOSE_UP)
    await ed.open(run_id)
    await ed.start()
    told = ed.step("s-damage").get_by_role("status")
    await expect(told).to_have_text("")
    await ed.pick("s-damage", "Yes")
    await expect(told).to_have_text(TELL)
    await is_fine(ed.page, "list, an answer is flagged")
    await ed.pick("s-damage", "No")
    await expect(told).to_have_text("")
    await ed.pick("s-damage", "Yes")
    await expect(told).to_have_text(TELL)
    await ed.pick("s-quiet", "Yes")
    await ed.is_safe("s-quiet")
    await expect(ed.step("s-quiet").get_by_role("status")).to_have_count(0)
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    link = ed.step("s-pic").get_by_role("status").get_by_role("link")
    await expect(link).to_have_attribute("href", "https://example.com/claims")
    await ed.is_done("s-damage", "s-pic")
    assert (await record(w, run_id))["flagged"] == 3
    await ed.page.reload()
    await expect(told).to_have_text(TELL)


async def test_a_plate_is_typed_in_capitals(w: World, ed: Phone) -> None:
    plate = {"id": "s-plate", "type": "text", "label": "Plate", "config": {"case": "upper"}}
    ours = {**DAMAGE, "condition": {"when": {"step": "s-plate", "op": "contains", "value": "CDE"}}}
    run_id = await dispatched(w, plate, ours)
    await ed.open(run_id)
    await ed.start()
    field = ed.step("s-plate").locator("input")
    await expect(field).to_have_attribute("autocapitalize", "characters")
    await expect(ed.step("s-damage")).to_be_hidden()
    await ed.fill("s-plate", " ab 12 cde")
    await expect(ed.step("s-damage")).to_be_visible()
    await ed.is_done("s-plate")
    await expect(field).to_have_value("AB 12 CDE")
    assert (await record(w, run_id))["answers"]["s-plate"]["value"] == "AB 12 CDE"
