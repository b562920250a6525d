"""What is special about single types of steps."""

import pytest
from playwright.async_api import expect

from tests.browser.checklists import dispatched, record
from tests.browser.phone import Phone, chromium, phone
from tests.browser.pictures import file, jpeg, qr
from tests.helpers.processes.served import served
from tests.helpers.service import World


async def test_several_choices_have_bounds_and_none_of_these(w: World, ed: Phone) -> None:
    options = [{"id": f"o-{n}", "label": word} for n, word in enumerate(("Soap", "Coffee", "Paper"))]
    bounded = {
        "id": "s-two",
        "type": "multi_choice",
        "label": "Two",
        "config": {"options": options, "min_selected": 2, "max_selected": 2},
    }
    free = {
        "id": "s-any",
        "type": "multi_choice",
        "label": "Any",
        "config": {"options": [{**one, "id": f"{one['id']}-x"} for one in options]},
    }
    run_id = await dispatched(w, bounded, free)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-two", "Paper")
    await expect(ed.step("s-two").locator(".wrong")).to_have_text("Choose at least 2.")
    await ed.pick("s-two", "Soap")
    await expect(ed.step("s-two").get_by_label("Coffee")).to_be_disabled()
    await ed.is_done("s-two")
    await ed.pick("s-any", "None of these")
    await ed.is_done("s-any")
    answers = (await record(w, run_id))["answers"]
    assert answers["s-two"]["value"] == ["o-0", "o-2"]
    assert answers["s-any"]["value"] == []


async def test_what_was_chosen_and_is_unticked_is_not_none_of_these(w: World, ed: Phone) -> None:
    options = [{"id": "o-engine", "label": "Engine"}, {"id": "o-oil", "label": "Oil"}]
    run_id = await dispatched(
        w, {"id": "s-lamps", "type": "multi_choice", "label": "Lamps", "config": {"options": options}}
    )
    await ed.open(run_id)
    await ed.start()
    step = ed.step("s-lamps")
    await ed.pick("s-lamps", "Engine")
    await step.get_by_role("button", name="Done").tap()
    await ed.is_safe("s-lamps")
    await ed.pick("s-lamps", "Engine")
    await expect(step.locator(".wrong")).to_have_text("Your earlier answer stays until you give a new one.")
    await expect(step.get_by_label("None of these")).not_to_be_checked()
    await ed.page.get_by_role("button", name="Review").tap()
    await expect(step).to_be_in_viewport()
    assert (await record(w, run_id))["answers"]["s-lamps"]["value"] == ["o-engine"]
    await ed.pick("s-lamps", "Oil")
    await expect(step.locator(".wrong")).to_have_text("")
    await step.get_by_role("button", name="Done").tap()
    await ed.is_safe("s-lamps")
    assert (await record(w, run_id))["answers"]["s-lamps"]["value"] == ["o-oil"]
    await ed.pick("s-lamps", "None of these")
    await ed.is_safe("s-lamps")
    assert (await record(w, run_id))["answers"]["s-lamps"]["value"] == []


async def test_choices_that_are_unticked_block_nothing_once_another_phone_leaves_them_out(w: World, ed: Phone) -> None:
    options = [{"id": "o-engine", "label": "Engine"}, {"id": "o-oil", "label": "Oil"}]
    lamps = {
        "id": "s-lamps",
        "type": "multi_choice",
        "label": "Lamps",
        "required": False,
        "config": {"options": options},
    }
    run = await w.dispatch(await w.template(lamps, settings={"allow_skip": True}))
    await ed.open(run.run_id)
    await ed.start()
    await ed.pick("s-lamps", "Engine")
    await ed.step("s-lamps").get_by_role("button", name="Done").tap()
    await ed.is_safe("s-lamps")
    await ed.pick("s-lamps", "Engine")
    await expect(ed.step("s-lamps").locator(".wrong")).to_contain_text("Your earlier answer stays")
    assert (await run.put("s-lamps", {"skipped": True})).status_code == 200
    await ed.look_again()
    await ed.page.get_by_role("button", name="Review").tap()
    await expect(ed.page.locator(".review-summary")).to_contain_text("Nothing is missing.")


async def test_local_time_goes_out_as_utc_and_a_day_stays_the_day(w: World, ed: Phone) -> None:
    moment = {"id": "s-at", "type": "datetime", "label": "When", "config": {"mode": "datetime"}}
    run_id = await dispatched(w, moment, {"id": "s-day", "type": "datetime", "label": "Day"})
    await ed.open(run_id)
    await ed.start()
    await ed.fill("s-at", "2026-07-01T09:30")
    await ed.fill("s-day", "2026-07-01")
    await ed.is_done("s-at", "s-day")
    answers = (await record(w, run_id))["answers"]
    assert answers["s-at"]["value"] == "2026-07-01T07:30:00Z"  # the phone is in Berlin
    assert answers["s-day"]["value"] == "2026-07-01"
    await ed.page.reload()
    await expect(ed.step("s-at").locator("input")).to_have_value("2026-07-01T09:30")


async def test_a_picture_without_a_barcode_says_so_and_typing_always_works(w: World, ed: Phone) -> None:
    tag = {"id": "s-tag", "type": "barcode", "label": "Tag", "config": {"formats": ["qr_code"]}}
    run_id = await dispatched(
        w, {"id": "s-code", "type": "barcode", "label": "Code", "config": {"formats": ["ean_13"]}}, tag
    )
    await ed.open(run_id)
    await ed.start()
    camera = ed.step("s-code").locator("input[type=file]").last
    message = ed.step("s-code").locator(".control .count")
    await camera.set_input_files([file("a.jpg", "image/jpeg", jpeg())])
    await expect(message).to_have_text(
        "No code found in this picture. Hold the phone straight and close, or type the code."
    )
    await camera.set_input_files([file("a.png", "image/png", qr("BAG-42"))])
    await expect(message).to_have_text("That is a code of another kind (qr code).")
    await ed.fill("s-code", "4006381333931")
    await ed.is_done("s-code")
    assert (await record(w, run_id))["answers"]["s-code"]["value"] == "4006381333931"


@pytest.mark.browser
async def test_a_barcode_is_read_through_the_camera_where_the_browser_can(w: World) -> None:
    """Chromium's own fake camera; the detector is Android's: one stands in for it that sees a code at a third look."""
    run_id = await dispatched(w, {"id": "s-code", "type": "barcode", "label": "Code"})
    flags = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    async with served(w) as base, chromium(*flags) as browser, phone(browser, base) as ed:
        await ed.page.add_init_script(
            """let looks = 0;
            window.tracks = [];
            window.BarcodeDetector = class {
              static async getSupportedFormats() { return ["qr_code", "ean_13"]; }
              async detect(video) {
                window.tracks = video.srcObject.getTracks();
                return (looks += 1) < 3 ? [] : [{ rawValue: "KEY-0042", format: "qr_code" }];
              }
            };"""
        )
        await ed.page.context.grant_permissions(["camera", "geolocation"])
        await ed.open(run_id)
        await ed.start()
        await ed.step("s-code").get_by_role("button", name="Scan").tap()
        await expect(ed.page.locator("dialog video")).to_be_visible()
        await expect(ed.step("s-code").locator("input[type=text]")).to_have_value("KEY-0042")
        await expect(ed.page.locator("dialog")).to_have_count(0)
        await ed.is_done("s-code")
        assert await ed.page.evaluate("tracks.map((track) => track.readyState)") == ["ended"]
    assert (await record(w, run_id))["answers"]["s-code"]["value"] == "KEY-0042"


async def test_links_in_an_instruction_are_safe_and_its_text_is_text(w: World, ed: Phone) -> None:
    body = "See https://example.com/a?b=1, <b>now</b>."
    run_id = await dispatched(w, {"id": "s-read", "type": "instruction", "label": "Read", "config": {"body": body}})
    await ed.open(run_id)
    await ed.start()
    await expect(ed.step("s-read").locator(".body")).to_have_text(body)
    link = ed.step("s-read").get_by_role("link")
    await expect(link).to_have_attribute("href", "https://example.com/a?b=1")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await ed.step("s-read").get_by_role("button", name="Got it").tap()
    await ed.is_done("s-read")


async def test_typed_and_drawn_signatures(w: World, ed: Phone) -> None:
    run_id = await dispatched(
        w, {"id": "s-sign", "type": "signature", "label": "Sign here"}, settings={"signature_on_complete": True}
    )
    await ed.open(run_id)
    await ed.start()
    await ed.sign(ed.step("s-sign").get_by_role("button", name="Sign", exact=True))
    await ed.is_done("s-sign")
    await ed.review()
    await ed.finish()
    await expect(ed.page.locator(".review").get_by_text("Please sign before you finish.")).to_be_visible()
    await ed.page.locator(".closing-signature").get_by_role("button", name="Sign").tap()
    dialog = ed.page.locator("dialog")
    await dialog.get_by_role("button", name="Use").tap()
    await expect(dialog.get_by_role("alert")).to_have_text("Please sign in the box.")
    await dialog.get_by_role("button", name="Type my name instead").tap()
    await dialog.get_by_label("Your full name").fill("Ed Moreau")
    await dialog.get_by_role("button", name="Use").tap()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    run = await record(w, run_id)
    assert run["answers"]["s-sign"]["value"].endswith(".png")
    assert run["signature"]["typed_name"] == "Ed Moreau"
