"""What the executor is told about an answer that calls for attention."""

from typing import Any

from playwright.async_api import expect

from rundun.actions.organizations import organizations
from tests.browser.checklists import PICTURE, dispatched, record
from tests.browser.phone import Phone
from tests.browser.pictures import file, jpeg
from tests.helpers.console.accessibility import is_fine
from tests.helpers.service import World

TELL = "Please call the office: +34 600 000 000"
DAMAGE: dict[str, Any] = {
    "id": "s-damage",
    "type": "boolean",
    "label": "Is there any damage?",
    "flag": {"when": {"op": "eq", "value": True}, "tell": TELL},
}
QUIET = {**DAMAGE, "id": "s-quiet", "label": "Is anything lost?", "flag": {"when": {"op": "eq", "value": True}}}
ROOMS: list[dict[str, Any]] = [{"id": f"s-{n}", "type": "boolean", "label": f"Room {n}?"} for n in range(6)]
OPTIONS = [{"id": f"o-{n}", "label": f"Way {n}"} for n in range(10)]
LONG = {"id": "s-long", "type": "choice", "label": "Which way?", "config": {"options": OPTIONS}}  # fills the screen
# Whether the middle of some words can be seen: nothing lies over it.
CAN_BE_READ = """(words) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
  const { left, top, width, height } = words.getBoundingClientRect();
  done(words.contains(document.elementFromPoint(left + width / 2, top + height / 2)));
})))"""
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
    await ed.page.set_viewport_size({"width": 390, "height": 420})
    await ed.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    for step_id, what, is_marked in (("s-damage", f"Yes {TELL}", True), ("s-quiet", "Yes", False)):
        line = ed.step(step_id).locator(".fold")
        await expect(line).to_have_accessible_description(what)
        await expect(line.locator("[href='#i-alert']")).to_be_visible(visible=is_marked)
    await ed.review()
    duties = ed.page.locator(".duty")  # not the quiet one
    await expect(duties).to_contain_text([TELL, "Send it to https://example.com/claims, too"])
    await expect(duties.get_by_role("link", name="example.com")).to_have_attribute("href", "https://example.com/claims")
    await is_fine(ed.page, "review, an answer is flagged")


CONTACT = "Night desk, +44 20 7946 0000"
DESK = {"id": "f-desk", "label": "Fleet desk", "kind": "phone"}
# What a text names as telephone numbers, which the page offers to call.
NUMBERS = {
    "Call +34 600 000 000, or (020) 7946 0000.": ["+34 600 000 000", "(020) 7946 0000"],
    "Ring 600 000 000 or 06.12.34.56.78": ["600 000 000", "06.12.34.56.78"],
    "On 01/12/2026 or 2026-12-01 15:00, at 12.5 bar": [],
    "Contract 4006381333931, room 0123, part A-0123456789": [],
}


async def test_who_is_to_be_called_is_called_by_a_tap(w: World, ed: Phone) -> None:
    """The number of the words themselves, of the job's field that they name, or of the organization's contact."""
    tell = ["Please call +353 21 000 0000.", "Please call the fleet desk.", "Please call."]
    flagged = [{**DAMAGE, "id": f"s-{n}", "flag": {**DAMAGE["flag"], "tell": words}} for n, words in enumerate(tell)]
    await w.database.write(organizations.set_contact, w.acme_id, CONTACT)
    template = await w.template(*flagged, fields=[DESK], settings={"allow_remarks": False})
    run, page = await w.dispatch(template, fields={"f-desk": "+49 89 123"}), ed.page
    await ed.open(run.run_id)
    await ed.start()
    await page.evaluate("addEventListener('click', (event) => event.target.closest('a') && event.preventDefault())")
    for n, dialled in enumerate(("+353210000000", "+4989123", "+442079460000")):
        await ed.pick(f"s-{n}", "Yes")
        call = ed.step(f"s-{n}").locator(".told").get_by_role("link", name="Call +")
        await expect(call).to_have_attribute("href", f"tel:{dialled}")
        await expect(call).to_have_accessible_description("Is there any damage?")
    module = "document.querySelector('link[href*=\"dom.js\"]').href"
    found = f"async (texts) => {{ const dom = await import({module}); return texts.map(dom.phoneNumbers); }}"
    assert await page.evaluate(found, list(NUMBERS)) == list(NUMBERS.values())
    await ed.is_safe("s-0", "s-1", "s-2")
    await ed.review()
    summary, duties = page.locator(".review-summary"), page.locator(".duty")
    await expect(summary).to_have_text("Nothing is missing. Please see to this before you finish:")
    finish = page.locator(".review .bottom").get_by_role("button", name="Finish")
    for n in range(3):
        await expect(duties.nth(n).locator(".told")).to_have_attribute("kind", "alert")
        await expect(finish).not_to_contain_class("primary")  # it is not the next action
        await duties.nth(n).get_by_role("link", name="Call").tap()
        await expect(duties.nth(n).locator(".told")).to_have_attribute("kind", "done")
    await expect(summary).to_have_text("Nothing is missing. Tap a line to change it.")
    await expect(finish).to_contain_class("primary")


async def test_what_was_seen_to_stays_so_when_the_page_is_loaded_anew(w: World, ed: Phone) -> None:
    """Who calls leaves the browser, which may load the page anew; what is neither call nor remark is ticked off."""
    vague = {**DAMAGE, "id": "s-vague", "flag": {**DAMAGE["flag"], "tell": "Take the pictures below."}}
    run, page = await w.dispatch(await w.template(vague, DAMAGE)), ed.page
    await ed.open(run.run_id)
    await ed.start()
    await page.evaluate("addEventListener('click', (event) => event.target.closest('a') && event.preventDefault())")
    await ed.pick("s-vague", "Yes")
    await ed.pick("s-damage", "Yes")
    await ed.step("s-damage").locator(".told").get_by_role("link", name="Call").first.tap()
    await ed.is_safe("s-vague", "s-damage")
    await page.reload()
    await ed.review()
    duties = page.locator(".duty .told")
    await expect(duties.nth(0)).to_have_attribute("kind", "alert")
    await expect(duties.nth(1)).to_have_attribute("kind", "done")
    await expect(duties.nth(1).get_by_role("button", name="Done")).to_have_count(0)
    await duties.nth(0).get_by_role("button", name="Done").tap()
    await expect(page.locator(".review-summary")).to_have_text("Nothing is missing. Tap a line to change it.")
    await page.reload()
    await ed.review()
    await expect(duties.nth(0)).to_have_attribute("kind", "done")
    await page.get_by_role("button", name="Back").tap()
    await ed.pick("s-damage", "No")
    await ed.pick("s-damage", "Yes")
    await ed.review()
    await expect(duties.nth(0)).to_contain_text(TELL)
    await expect(duties.nth(0)).to_have_attribute("kind", "alert")
    await expect(duties.nth(1)).to_contain_text("Take the pictures")


async def test_a_remark_that_is_asked_for_is_written_where_it_is_asked_for(w: World, ed: Phone) -> None:
    scale = {"id": "s-tyres", "type": "rating", "label": "Tyres", "photo": {"min": 0, "max": 4}}
    worn = {**scale, "flag": {"when": {"op": "lte", "value": 2}, "tell": "Add a remark: which one?"}}
    run_id = await dispatched(w, worn, DAMAGE)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    await ed.pick("s-tyres", "1")
    told = ed.step("s-tyres").locator(".told")
    photos = await ed.step("s-tyres").locator("photo-field").bounding_box()
    words = await told.bounding_box()
    assert words and photos and words["y"] < photos["y"], "beside what was tapped"
    await ed.pick("s-damage", "No")
    await ed.review()
    await is_fine(ed.page, "review, something is to be done")
    duty = ed.page.locator(".duty:not([hidden])")
    await duty.get_by_role("button", name="Add a remark").tap()
    await ed.page.locator("#remark-text").fill("Left rear")
    await ed.page.locator("dialog").get_by_role("button", name="Done").tap()
    await expect(duty.locator(".told")).to_have_attribute("kind", "done")
    await expect(duty.get_by_role("button")).to_have_count(0)
    await expect(ed.page.locator(".review-summary")).to_contain_text("Tap a line to change it.")
    await ed.page.get_by_role("button", name="Back").tap()
    await expect(told).to_have_attribute("kind", "done")
    await expect(told.get_by_role("button")).to_have_count(0)
    await is_fine(ed.page, "list, what was asked for is done")


async def test_what_an_answer_tells_is_not_scrolled_away(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, *ROOMS[:4], DAMAGE, LONG, *ROOMS[4:])
    await ed.open(run_id)
    await ed.start()
    to_next = ed.page.locator(".bottom").get_by_role("button", name="Next")
    for room in ROOMS[:4]:
        await ed.pick(room["id"], "Yes")
    await to_next.tap()
    await ed.pick("s-damage", "Yes")
    await ed.is_done("s-damage")
    assert await ed.step("s-damage").locator(".told p").evaluate(CAN_BE_READ)
    await to_next.tap()
    await expect(ed.step("s-long").locator("h3")).to_be_focused()
    await ed.pick("s-long", "Way 0")  # tells nothing: the list goes on by itself
    await expect(ed.step("s-4")).to_be_in_viewport(ratio=1)


async def test_what_a_whole_section_tells_is_not_scrolled_away(w: World, ed: Phone) -> None:
    sections = [
        {"id": "g-in", "title": "Inside", "steps": [*ROOMS[:2], DAMAGE]},
        {"id": "g-out", "title": "Outside", "steps": [LONG, *ROOMS[2:]]},
    ]
    response = await w.acme.post("/v1/templates", json={"name": "Check", "sections": sections})
    run = await w.dispatch(response.json()["id"])
    await ed.open(run.run_id)
    await ed.start()
    await ed.page.get_by_role("button", name="“Yes” to all in this section").first.tap()
    await ed.is_done("s-0", "s-1", "s-damage")
    assert await ed.step("s-damage").locator(".told p").evaluate(CAN_BE_READ)
    await ed.page.locator(".bottom").get_by_role("button", name="Next").tap()
    await expect(ed.step("s-long").locator("h3")).to_be_focused()


async def test_that_pictures_were_left_out_is_not_scrolled_away(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE, LONG, *ROOMS)
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", *[file(f"{n}.jpg", "image/jpeg", jpeg(comment=f"{n}")) for n in range(4)])
    words = ed.step("s-pic").locator("photo-field .count")
    await expect(words).to_have_text("1 photo was left out: 3 at most.")
    await ed.is_done("s-pic")
    assert await words.evaluate(CAN_BE_READ)
    await expect(words).to_contain_text("left out")  # also when all have arrived


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
