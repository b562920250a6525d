"""The shape of the list: what is done folds, one action stands out, and nothing moves under a thumb."""

from typing import Any

from playwright.async_api import Browser, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.service import World

MANY = [{**YES_NO, "id": f"s-{n}", "label": f"Room {n} fine?"} for n in range(12)]
READ = {"id": "s-read", "type": "instruction", "label": "Read this", "config": {"body": "Ring first."}}
SIGN = {"id": "s-sign", "type": "signature", "label": "Sign here"}
OWN_INK = "rgb(0, 0, 0)"  # that of the phone in high contrast
TOPS = """() => Object.fromEntries(
  [...document.querySelectorAll('.step')].map((step) => [step.id, step.getBoundingClientRect().top]))"""
OPEN_AND_OFF = f"""() => {{
  for (const step of document.querySelectorAll('.step[folded]')) step.removeAttribute('folded');
  scrollTo(0, document.documentElement.scrollHeight);
  return ({TOPS})();
}}"""


async def filled(ed: Phone) -> list[str]:
    """The words of every button that looks filled, on the screen or not."""
    found: list[str] = await ed.page.evaluate(
        """() => {
          const accent = getComputedStyle(document.querySelector(".bar span")).backgroundColor;
          return [...document.querySelectorAll(".button")].filter((one) => one.checkVisibility()
            && getComputedStyle(one).backgroundColor === accent).map((one) => one.textContent.trim());
        }"""
    )
    return found


async def test_who_comes_back_goes_on_where_they_left_off(w: World, ed: Phone) -> None:
    """Not at what was passed over at the beginning, and can be left out."""
    passed = {**YES_NO, "id": "s-passed", "required": False}
    run_id = await dispatched(w, passed, *MANY)
    await ed.open(run_id)
    await ed.start()
    for step in MANY[:9]:
        await ed.pick(step["id"], "Yes")
    await ed.is_safe(*[step["id"] for step in MANY[:9]])
    await ed.page.reload()
    await expect(ed.step("s-9")).to_be_in_viewport(ratio=1)
    await expect(ed.step("s-passed")).not_to_be_in_viewport()
    for step in MANY[9:]:
        await ed.pick(step["id"], "Yes")
    await ed.is_safe("s-11")
    await ed.page.reload()
    await expect(ed.step("s-11")).to_be_in_viewport()


async def test_nothing_moves_while_what_is_next_is_seen_whole(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, *MANY)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    before = await ed.page.evaluate(TOPS)
    for n in range(3):
        await expect(ed.step(f"s-{n + 1}")).to_be_in_viewport(ratio=1)
        await ed.pick(f"s-{n}", "Yes")
        await ed.is_safe(f"s-{n}")
        assert await ed.page.evaluate(TOPS) == before, n
    for step in MANY[3:8]:  # until it has to
        await ed.pick(step["id"], "Yes")
    await expect(ed.step("s-8")).to_be_in_viewport(ratio=1)
    assert (await ed.page.evaluate(TOPS))["s-0"] < 0


async def test_cards_fold_off_the_screen_and_nothing_on_it_moves(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, *MANY, COUNT)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    for step in MANY[:8]:
        await ed.pick(step["id"], "Yes")
    await ed.is_done(*[step["id"] for step in MANY[:8]])
    # All open once more, and then off the screen at once: the most that can move.
    before = await ed.page.evaluate(OPEN_AND_OFF)
    for step in MANY[:6]:
        await expect(ed.step(step["id"])).to_have_attribute("folded", "")
    after = await ed.page.evaluate(TOPS)
    seen = [step for step, top in before.items() if 150 < top < 700]
    assert len(seen) > 2
    assert [abs(after[step] - before[step]) < 1 for step in seen] == [True] * len(seen)
    assert after["s-0"] > before["s-0"] + 300  # while above, all has become short
    # What is on the screen stays as it is, also when it is done.
    await ed.pick("s-11", "Yes")
    await ed.is_done("s-11")
    await ed.page.mouse.wheel(0, -30)
    await expect(ed.step("s-11")).not_to_have_attribute("folded", "")


async def test_a_folded_card_says_its_answer_and_opens_with_a_tap(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, {**COUNT, "photo": {"max": 2}}, *MANY)
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    await ed.fill("s-count", "7")
    await ed.photograph("s-count", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-count")
    await ed.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    await expect(ed.step("s-count")).to_have_attribute("folded", "")
    await ed.page.evaluate("scrollTo(0, 0)")
    line = ed.step("s-count").get_by_role("button", name="How many?", exact=True)
    await expect(line).to_have_text("7 · 1 photo")
    await expect(line).to_have_attribute("aria-expanded", "false")
    await expect(ed.step("s-count").locator("input.figure")).to_be_hidden()
    await (await ed.more("s-count")).get_by_role("button", name="Close").tap()  # the line does not lie over the menu
    await expect(ed.step("s-count").locator("input.figure")).to_be_hidden()
    await line.tap()
    await expect(ed.step("s-count").locator("input.figure")).to_be_visible()
    await ed.fill("s-count", "8")
    await ed.is_done("s-count")
    assert (await record(w, run_id))["answers"]["s-count"]["value"] == 8


async def test_one_button_is_filled_the_next_action(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, READ, YES_NO, PICTURE, *MANY[:6], SIGN)
    await ed.open(run_id)
    await ed.start()
    await expect(ed.step("s-read")).to_have_attribute("lead", "")
    assert await filled(ed) == ["Got it"]
    await ed.step("s-read").get_by_role("button", name="Got it").tap()
    await expect(ed.page.locator(".bottom .button.primary")).to_have_text("Next")
    assert await filled(ed) == ["Next"]
    await ed.pick("s-ok", "Yes")
    await expect(ed.step("s-pic")).to_have_attribute("lead", "")
    assert await filled(ed) == ["Take photo"]
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    for step in MANY[:6]:
        await ed.pick(step["id"], "Yes")
    await expect(ed.step("s-sign")).to_have_attribute("lead", "")
    assert await filled(ed) == ["Sign"]
    await ed.sign(ed.step("s-sign").get_by_role("button", name="Sign", exact=True))
    await ed.is_done("s-sign")
    await expect(ed.page.locator(".bottom .button.primary")).to_have_text("Review")
    assert await filled(ed) == ["Review"]


async def test_a_card_says_of_its_safety_only_what_is_not_safe(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, PICTURE, settings={"allow_unable": False})
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok")
    await expect(ed.step("s-ok").locator(".status")).to_have_text("")
    # A picture that is refused is refused in all places.
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()), file("b.jpg", "image/jpeg", b"no picture"))
    await expect(ed.step("s-pic").locator(".tile[state=safe]")).to_have_count(1)
    refused = ed.step("s-pic").locator(".tile[state=refused]")
    await expect(refused).to_contain_text("This is not a picture; only JPEG, PNG, WebP and HEIC can be read.")
    await expect(refused.locator(".tile-bar")).to_have_css("visibility", "hidden")
    await expect(ed.step("s-pic").locator(".status")).to_contain_text("This is not a picture")
    await expect(ed.page.locator(".top .sending")).to_have_text("1 step needs attention")


async def test_the_review_has_the_way_out_beside_what_is_missing(w: World, ed: Phone) -> None:
    more = {**YES_NO, "id": "s-more", "label": "More?"}
    run_id = await dispatched(w, YES_NO, COUNT, more)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.review()
    out = ed.page.locator(".review").get_by_role("button", name="I can’t do this")
    await expect(out).to_have_count(2)
    await expect(out.first).to_have_accessible_description("How many?")
    for reason in ("No counter", "No access"):
        await out.first.tap()
        await ed.page.locator("#reason").fill(reason)
        await ed.page.locator("dialog .button.primary").tap()
    await expect(ed.page.locator(".review .notice.good")).to_be_visible()
    await ed.finish()
    await ed.until_thanked()
    answers = (await record(w, run_id))["answers"]
    assert [answers[step]["unable"]["reason"] for step in ("s-count", "s-more")] == ["No counter", "No access"]


async def test_the_table_of_contents_leads_to_a_section_also_without_network(w: World, ed: Phone) -> None:
    sections: list[dict[str, Any]] = [
        {"id": "g-a", "title": "Kitchen", "steps": MANY[:6]},
        {"id": "g-b", "title": "Cellar", "steps": [*MANY[6:11], COUNT]},
    ]
    response = await w.acme.post("/v1/templates", json={"name": "Check", "sections": sections})
    run = await w.dispatch(response.json()["id"])
    await ed.open(run.run_id)
    await ed.start()
    await ed.everything_is_loaded()
    await ed.pick("s-0", "Yes")
    await ed.pick("s-6", "Yes")
    await ed.page.context.set_offline(True)
    await ed.page.get_by_role("button", name="2 of 12 done").tap()
    lines = ed.page.locator("dialog .contents .line")
    await expect(lines).to_have_text(["Kitchen1 of 6", "Cellar1 of 6"])
    await lines.last.tap()
    await expect(ed.step("s-7")).to_be_in_viewport()
    await ed.page.get_by_role("button", name="About this checklist").tap()
    await ed.page.locator("dialog").get_by_role("button", name="Contents").tap()
    await ed.page.locator("dialog .contents .line").first.tap()
    await expect(ed.step("s-1")).to_be_in_viewport()
    await ed.page.context.set_offline(False)


async def test_a_long_scale_stands_in_one_row_where_there_is_room(w: World, ed: Phone) -> None:
    """And has room for a finger on the smallest phone."""
    ends = (6, 8, 10)
    scales = [{"id": f"s-{n}", "type": "rating", "label": "Fuel", "config": {"min": 0, "max": n}} for n in ends]
    run_id = await dispatched(w, *scales)
    await ed.open(run_id)
    await ed.start()
    rows = "(id) => new Set([...document.querySelectorAll(`[id='${id}'] .grade`)].map((g) => g.offsetTop)).size"
    assert [await ed.page.evaluate(rows, f"s-{n}") for n in (8, 10)] == [1, 1]
    await ed.page.set_viewport_size({"width": 320, "height": 700})
    assert [await ed.page.evaluate(rows, f"s-{n}") for n in (8, 10)] == [2, 2]
    widths = await ed.page.locator(".grade").evaluate_all("(all) => all.map((one) => one.offsetWidth)")
    assert min(widths) >= 36


async def test_choices_and_edges_show_in_forced_colours(w: World, browser: Browser, base: str) -> None:
    ways = [{"id": "o-a", "label": "Petrol"}, {"id": "o-b", "label": "Diesel"}]
    run_id = await dispatched(w, {"id": "s-way", "type": "choice", "label": "What?", "config": {"options": ways}})
    async with phone(browser, base, forced_colors="active") as ed:
        await ed.open(run_id)
        await ed.start()
        await ed.pick("s-way", "Petrol")
        await ed.is_done("s-way")
        marks = ed.step("s-way").locator(".mark .icon")
        await expect(marks.first).to_have_css("visibility", "visible")
        await expect(marks.last).to_have_css("visibility", "hidden")
        await expect(ed.page.locator(".bar")).to_have_css("outline", f"{OWN_INK} solid 1px")
        await ed.page.locator(".top .round").tap()
        await expect(ed.page.locator("dialog")).to_have_css("border-top", f"1px solid {OWN_INK}")


async def test_a_title_too_long_for_the_header_says_so_in_arabic_too(w: World, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, COUNT, name="Beach house 3: hand-over of keys, car and garden before eleven o’clock")
    async with phone(browser, base, locale="ar-EG") as ed:
        await ed.page.goto(f"{base}/r/{run_id}?lang=ar")
        await expect(ed.page.locator("#language")).to_have_css("background-position-x", "15.3px")  # its arrow: the end
        await ed.page.locator(".start form button").tap()
        title = ed.page.locator(".top h1")
        await expect(title).to_have_css("text-overflow", "ellipsis")
        assert await title.evaluate("(title) => title.scrollWidth > title.clientWidth")


async def test_a_choice_of_several_has_an_end(w: World, ed: Phone) -> None:
    """Done, or one tap on “None of these”."""

    def several(step_id: str, name: str, count: int) -> dict[str, Any]:
        options = [{"id": f"o-{name}-{n}", "label": f"{name} {n}"} for n in range(count)]
        return {"id": step_id, "type": "multi_choice", "label": f"{name}?", "config": {"options": options}}

    run_id = await dispatched(w, several("s-did", "Part", 3), several("s-lamps", "Lamp", 8), *MANY)
    await ed.open(run_id)
    await ed.start()
    ready = ed.step("s-did").get_by_role("button", name="Done")
    await expect(ready).to_be_disabled()
    await ed.pick("s-did", "Part 1")
    await ready.tap()
    await ed.is_done("s-did")
    await expect(ed.step("s-did")).not_to_have_attribute("editing", "")
    await expect(ed.step(MANY[0]["id"])).not_to_be_in_viewport(ratio=1)
    await ed.pick("s-lamps", "None of these")
    await ed.is_done("s-lamps")
    await expect(ed.step(MANY[0]["id"])).to_be_in_viewport(ratio=1)
    assert (await record(w, run_id))["answers"]["s-lamps"]["value"] == []
    await expect(ed.step("s-lamps").locator(".count")).to_have_text("")
    await ed.pick("s-lamps", "Lamp 1")
    await expect(ed.step("s-lamps").locator(".count")).to_have_text("1 chosen")


async def test_the_review_has_no_answer_in_bold_where_there_is_none(w: World, ed: Phone) -> None:
    weight = {**COUNT, "config": {"unit": "kg"}}
    run_id = await dispatched(w, weight, {**YES_NO, "required": False}, READ)
    await ed.open(run_id)
    await ed.start()
    await ed.fill("s-count", "5")
    await ed.is_safe("s-count")
    await ed.review()
    lines = ed.page.locator(".line")
    await expect(lines.nth(0).locator(".line-answer")).to_have_css("font-weight", "550")
    assert await lines.nth(0).locator("bdi").text_content() == "5\u00a0kg", "a value keeps to its unit"
    await expect(lines.nth(1).locator(".line-answer")).to_have_css("font-weight", "400")
    await expect(ed.page.locator(".line-row")).to_have_count(0)  # an instruction can always be read


async def test_what_photos_are_needed_is_said_once(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, {**YES_NO, "photo": {"min": 1}})
    await ed.open(run_id)
    await ed.start()
    count, status = ed.step("s-ok").locator("photo-field .count"), ed.step("s-ok").locator(".status")
    await expect(count).to_have_text("0 of 1 needed")
    await ed.pick("s-ok", "Yes")
    await expect(status).to_have_text("1 photo needed")
    await expect(count).to_have_text("")
    await ed.photograph("s-ok", file("a.jpg", "image/jpeg", jpeg()))
    await expect(count).to_have_text("1 photo")


async def test_digits_are_the_readers_in_all_places(w: World, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, *MANY, settings={"est_minutes": 18})
    async with phone(browser, base, locale="ar-EG") as ed:
        await ed.page.goto(f"{base}/r/{run_id}?lang=ar")
        await expect(ed.page.locator(".start button")).to_be_enabled()
        facts = await ed.page.locator(".start-facts").inner_text()
        assert "١٨" in facts and "١٢" in facts
        assert not any(digit in facts for digit in "0123456789")
