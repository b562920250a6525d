"""The executor's page on a phone, against a running service with our clock."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from playwright.async_api import Browser, Request, Route, expect

from tests.browser.phone import Phone, chromium, phone
from tests.browser.pictures import file, jpeg, qr
from tests.world import World

YES_NO = {"id": "s-ok", "type": "boolean", "label": "All fine?"}
WHY = {
    "id": "s-why",
    "type": "text",
    "label": "What is wrong?",
    "condition": {"when": {"step": "s-ok", "op": "eq", "value": False}},
}
COUNT = {
    "id": "s-count",
    "type": "number",
    "label": "How many?",
    "config": {"min": 1, "max": 20, "decimals": 1},
}
PICTURE = {"id": "s-pic", "type": "photo", "label": "The door", "config": {"min": 1, "max": 3}}


async def dispatched(w: World, *steps: dict[str, Any], **more: Any) -> str:
    run = await w.dispatch(await w.template(*steps, **more))
    return run.run_id


async def record(w: World, run_id: str) -> Any:
    response = await w.acme.get(f"/v1/runs/{run_id}")
    assert response.status_code == 200
    return response.json()


# The start screen.


async def test_the_start_screen_says_what_for_whom_and_how_long_and_opening_changes_nothing(
    w: World, ed: Phone
) -> None:
    run_id = await dispatched(
        w, YES_NO, COUNT, description="Before the guests come.", settings={"est_minutes": 15}
    )
    await ed.open(run_id)
    page = ed.page
    await expect(page.get_by_role("heading", name="Check")).to_be_visible()
    for words in ("Before the guests come.", "15 minutes", "2 steps", "Open until"):
        await expect(page.get_by_text(words)).to_be_visible()
    await expect(page.locator(".org")).to_have_text(re.compile("^Acme "))
    assert (await record(w, run_id))["status"] == "pending"
    assert await page.locator("meta[property='og:title']").get_attribute("content") == "Rundun"
    assert "Check" not in await page.evaluate(
        "fetch(location.href).then((r) => r.text()).then((t) => t.match(/<title>.*<.title>/)[0])"
    )
    await ed.start()
    assert (await record(w, run_id))["status"] == "in_progress"


async def test_the_first_load_is_small(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    answers: list[Any] = []
    ed.page.on("response", lambda response: answers.append(response))
    await ed.open(run_id)
    await expect(ed.page.get_by_role("button", name="Start")).to_be_enabled()
    sizes = [(await one.request.sizes())["responseBodySize"] for one in list(answers)]
    assert len(sizes) <= 14
    assert sum(sizes) <= 60_000


async def test_a_name_that_is_asked_must_be_given(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, execution={"identity_required": "name"})
    await ed.open(run_id)
    field = ed.page.get_by_label("Your name")
    await expect(field).to_have_attribute("autocomplete", "name")
    await ed.page.get_by_role("button", name="Start").tap()
    await expect(ed.page.get_by_role("alert")).to_have_text("Please write your name.")
    assert (await record(w, run_id))["status"] == "pending"
    await field.fill("  Ed  ")
    await ed.start()
    assert (await record(w, run_id))["identity"]["name"] == "Ed"


async def test_an_address_or_number_that_cannot_be_one_is_refused_before_it_is_sent(
    w: World, ed: Phone
) -> None:
    for kind, wrong, right in (("email", "ed@", "ed@example.com"), ("phone", "call me", "+44 20 7946 0000")):
        run_id = await dispatched(w, YES_NO, execution={"identity_required": kind})
        await ed.open(run_id)
        field = ed.page.locator("#identity")
        await field.fill(wrong)
        await ed.page.get_by_role("button", name="Start").tap()
        await expect(field).to_have_attribute("aria-invalid", "true")
        await field.fill(right)
        await ed.start()
        assert (await record(w, run_id))["identity"][kind] == right


# Answering.


async def test_conditions_show_and_hide_at_once_and_hidden_answers_are_kept(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, WHY)
    await ed.open(run_id)
    await ed.start()
    await expect(ed.step("s-why")).to_be_hidden()
    await ed.pick("s-ok", "No")
    await expect(ed.step("s-why")).to_be_visible()
    await ed.fill("s-why", "  The lamp\t")
    await ed.is_done("s-ok", "s-why")
    assert (await record(w, run_id))["answers"]["s-why"]["value"] == "The lamp"
    await ed.pick("s-ok", "Yes")
    await expect(ed.step("s-why")).to_be_hidden()
    await ed.is_done("s-ok")
    assert "s-why" not in (await record(w, run_id))["answers"]
    await ed.pick("s-ok", "No")
    await expect(ed.step("s-why").locator("input")).to_have_value("The lamp")
    await ed.is_done("s-ok", "s-why")
    assert (await record(w, run_id))["answers"]["s-why"]["value"] == "The lamp"


async def test_a_number_is_checked_in_the_page_with_a_comma_too(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, COUNT)
    await ed.open(run_id)
    await ed.start()
    wrong = ed.step("s-count").locator(".wrong")
    for typed, says in (
        ("x", "Please write a number."),
        ("0,5", "Must be at least 1."),
        ("21", "Must be at most 20."),
        ("4,55", "At most 1 digit after the decimal point."),
    ):
        await ed.fill("s-count", typed)
        await expect(wrong).to_have_text(says)
    assert (await record(w, run_id))["answers"] == {}
    await ed.fill("s-count", "4,5")
    await expect(wrong).to_have_text("")
    await ed.is_done("s-count")
    assert (await record(w, run_id))["answers"]["s-count"]["value"] == 4.5


async def test_what_the_server_refuses_is_said_at_its_step_and_can_be_tried_again(
    w: World, ed: Phone
) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.open(run_id)
    await ed.start()

    async def refuse(route: Route) -> None:
        problem = {
            "status": 422,
            "code": "invalid",
            "errors": [{"pointer": "/value", "detail": "must be an even number"}],
        }
        await route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))

    await ed.page.route("**/steps/s-count", refuse)
    await ed.fill("s-count", "3")
    await expect(ed.step("s-count")).to_have_attribute("safety", "attention")
    await expect(ed.step("s-count").locator(".status")).to_contain_text("must be an even number")
    await expect(ed.page.locator(".top .sending")).to_have_text("1 step needs attention")
    await ed.page.unroute("**/steps/s-count")
    await ed.step("s-count").get_by_role("button", name="Try again").tap()
    await ed.is_done("s-count")
    assert (await record(w, run_id))["answers"]["s-count"]["value"] == 3


async def test_answers_wait_for_the_network_and_arrive_in_order(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.open(run_id)
    await ed.start()
    tries: list[str] = []

    async def lose(route: Route) -> None:
        tries.append(route.request.post_data or "")
        await route.abort("internetdisconnected")

    await ed.page.route("**/steps/*", lose)
    await ed.pick("s-ok", "Yes")
    await ed.fill("s-count", "3")
    await expect(ed.page.locator(".top .sending")).to_have_text("No connection, trying again")
    await expect(ed.step("s-ok").locator(".status")).to_have_text("Waiting for the network")
    await ed.page.unroute("**/steps/*")
    sent: list[str] = []
    ed.page.on(
        "request", lambda request: sent.append(request.post_data or "") if request.method == "PUT" else None
    )
    await ed.page.evaluate("dispatchEvent(new Event('online'))")
    await ed.is_done("s-ok", "s-count")
    assert [json.loads(body)["value"] for body in sent] == [True, 3]
    # The same answer keeps its id however often it is sent.
    assert json.loads(tries[0])["answer_id"] == json.loads(sent[0])["answer_id"]


async def test_a_busy_server_is_asked_again_when_it_says(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    tries: list[str] = []

    async def busy_once(route: Route) -> None:
        tries.append(json.loads(route.request.post_data or "")["answer_id"])
        if len(tries) > 1:
            await route.continue_()
        else:
            await route.fulfill(
                status=503, headers={"Retry-After": "1"}, content_type="application/problem+json", body="{}"
            )

    await ed.page.route("**/steps/s-ok", busy_once)
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok")
    assert len(tries) == 2
    assert tries[0] == tries[1]


async def test_skip_and_unable(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, {**YES_NO, "required": False}, COUNT, settings={"allow_skip": True})
    await ed.open(run_id)
    await ed.start()
    await expect(ed.step("s-count").get_by_role("button", name="Skip")).to_have_count(0)
    await ed.step("s-ok").get_by_role("button", name="Skip").tap()
    await ed.step("s-count").get_by_role("button", name="I can’t do this").tap()
    dialog = ed.page.locator("dialog")
    await dialog.get_by_role("button", name="Leave it out").tap()
    await expect(dialog.get_by_role("alert")).to_have_text("Please say why, in a few words.")
    await dialog.get_by_label("What is in the way?").fill("The room is locked")
    await dialog.get_by_role("button", name="Leave it out").tap()
    await ed.is_done("s-ok", "s-count")
    await expect(ed.step("s-count").locator(".status")).to_have_text("Left out: The room is locked")
    run = await record(w, run_id)
    assert run["answers"]["s-ok"]["skipped"]
    assert run["answers"]["s-count"]["unable"] == {"reason": "The room is locked"}
    assert run["progress"] == {"total": 2, "answered": 0, "skipped": 1, "unable": 1}
    await ed.pick("s-ok", "Yes")  # a skip is not the last word
    await ed.is_done("s-ok")
    assert (await record(w, run_id))["progress"] == {"total": 2, "answered": 1, "skipped": 0, "unable": 1}


async def test_position_refused_does_not_block(w: World, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, {**YES_NO, "geo": True})
    async with phone(browser, base, positioned=False) as ed:
        await ed.open(run_id)
        await ed.start()
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await expect(ed.step("s-ok").locator(".status")).to_have_text("Saved, without position")
    answer = (await record(w, run_id))["answers"]["s-ok"]
    assert answer["value"] is True
    assert answer["geo"] is None


# Photos.


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

    await ed.page.route("**/photos/*", hold)
    await ed.photograph(
        "s-pic", file("a.jpg", "image/jpeg", jpeg()), file("b.jpg", "image/jpeg", jpeg(optimize=True))
    )
    tiles = ed.step("s-pic").locator(".tile")
    await expect(tiles).to_have_count(2)
    await expect(tiles.first).to_have_attribute("state", "waiting")
    await expect(ed.page.locator(".top .sending")).to_have_text("0 of 2 photos safe")
    await expect(ed.step("s-pic").locator(".status")).to_have_text("Sending 2 photos")
    (request,) = held  # one by one
    assert re.fullmatch(r"sha-256=:[A-Za-z0-9+/]{43}=:", request.headers["content-digest"])
    assert "source=gallery" in request.url
    go.set()
    await expect(ed.page.locator(".top .sending")).to_have_text("All saved")
    for index in range(2):
        await expect(tiles.nth(index)).to_have_attribute("state", "safe")
    await ed.is_done("s-pic")
    photos = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    assert [photo["source"] for photo in photos] == ["gallery", "gallery"]
    assert {photo["content_type"] for photo in photos} == {"image/jpeg"}


async def test_a_receipt_for_other_bytes_is_no_receipt(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, PICTURE)
    await ed.open(run_id)
    await ed.start()

    async def lie(route: Route) -> None:
        answer = await route.fetch()
        receipt = {**await answer.json(), "sha256": "0" * 64}
        await route.fulfill(response=answer, json=receipt)

    await ed.page.route("**/photos/*", lie)
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "refused")
    await ed.page.unroute("**/photos/*")
    await ed.step("s-pic").locator(".tile").tap()
    await ed.page.locator("dialog").get_by_role("button", name="Try again").tap()
    await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "safe")


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


async def test_drawing_on_a_picture_replaces_it(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, {**PICTURE, "config": {"min": 1, "max": 1, "annotate": True}})
    await ed.open(run_id)
    await ed.start()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()), source="camera")
    tile = ed.step("s-pic").locator(".tile")
    await expect(tile).to_have_attribute("state", "safe")
    before = (await record(w, run_id))["answers"]["s-pic"]["photos"][0]
    await tile.tap()
    await ed.page.locator("dialog").get_by_role("button", name="Draw").tap()
    canvas = ed.page.locator("dialog canvas")
    box = await canvas.bounding_box()
    assert box is not None
    await ed.page.mouse.move(box["x"] + 20, box["y"] + 20)
    await ed.page.mouse.down()
    await ed.page.mouse.move(box["x"] + 120, box["y"] + 120, steps=4)
    await ed.page.mouse.up()
    async with ed.page.expect_response(
        lambda response: "/photos/" in response.url and response.status == 201
    ):
        await ed.page.locator("dialog").get_by_role("button", name="Use").tap()
    await expect(tile).to_have_count(1)
    await expect(tile).to_have_attribute("state", "safe")
    await expect(ed.page.locator(".top .sending")).to_have_text("All saved")
    await ed.is_done("s-pic")
    (after,) = (await record(w, run_id))["answers"]["s-pic"]["photos"]
    assert after["photo_id"] != before["photo_id"]
    assert after["original"]["sha256"] != before["original"]["sha256"]


async def test_a_photo_that_another_phone_never_sent_can_be_done_without(w: World, ed: Phone) -> None:
    olga = await w.dispatch(await w.template({**YES_NO, "photo": {"min": 0, "max": 3}}))
    await olga.start()
    lost = "ph-00000000-0000-4000-8000-000000000001"
    assert (await olga.answer("s-ok", True, photos=[lost])).status_code == 200
    await ed.open(olga.run_id)
    await expect(ed.step("s-ok").locator(".status")).to_contain_text("1 photo never arrived.")
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
    await expect(ed.page.locator(".top .sending")).to_have_text("All saved")
    assert sum(await ed.page.evaluate("shifts")) < 0.05


# Other types, in what is their own.


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
    run_id = await dispatched(
        w, {"id": "s-code", "type": "barcode", "label": "Code", "config": {"formats": ["ean_13"]}}
    )
    await ed.open(run_id)
    await ed.start()
    camera = ed.step("s-code").locator("input[type=file]").last
    message = ed.step("s-code").locator(".control .count")
    await camera.set_input_files([file("a.jpg", "image/jpeg", jpeg())])
    await expect(message).to_have_text("No code found in this picture. Go closer, or type it.")
    await camera.set_input_files([file("a.png", "image/png", qr("BAG-42"))])
    await expect(message).to_have_text("That is a code of another kind (qr code).")
    await ed.fill("s-code", "4006381333931")
    await ed.is_done("s-code")
    assert (await record(w, run_id))["answers"]["s-code"]["value"] == "4006381333931"


async def test_links_in_an_instruction_are_safe_and_its_text_is_text(w: World, ed: Phone) -> None:
    body = "See https://example.com/a?b=1, <b>now</b>."
    run_id = await dispatched(
        w, {"id": "s-read", "type": "instruction", "label": "Read", "config": {"body": body}}
    )
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
        w,
        {"id": "s-sign", "type": "signature", "label": "Sign here"},
        settings={"signature_on_complete": True},
    )
    await ed.open(run_id)
    await ed.start()
    await ed.sign(ed.step("s-sign").get_by_role("button", name="Sign"))
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


# The end.


async def test_the_review_leads_to_what_is_missing_and_the_phone_s_back_to_the_list(
    w: World, ed: Phone
) -> None:
    run_id = await dispatched(
        w, YES_NO, COUNT, {**YES_NO, "id": "s-more", "label": "More?", "required": False}
    )
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.review()
    await expect(ed.page.locator(".review-summary")).to_have_text("1 step is still missing.")
    await ed.page.go_back()
    await expect(ed.step("s-ok")).to_be_visible()
    await ed.review()
    await ed.page.get_by_role("button", name="Show missing").tap()
    await expect(ed.step("s-count")).to_have_attribute("missing", "")
    await expect(ed.step("s-count")).to_be_in_viewport()
    await expect(ed.step("s-count").locator(".status")).to_have_text("Still to do")
    await ed.fill("s-count", "2")
    await expect(ed.step("s-count")).not_to_have_attribute("missing", "")
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    assert (await record(w, run_id))["status"] == "completed"


async def test_what_only_the_server_finds_missing_is_marked(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.fill("s-count", "2")
    await ed.is_done("s-ok", "s-count")
    await ed.review()

    async def missing(route: Route) -> None:
        errors = [{"step_id": "s-count", "code": "missing_answer", "detail": "Not answered."}]
        problem = {"status": 409, "code": "steps_missing", "errors": errors}
        await route.fulfill(status=409, content_type="application/problem+json", body=json.dumps(problem))

    await ed.page.route("**/complete", missing)
    await ed.finish()
    await expect(ed.step("s-count")).to_be_in_viewport()
    await ed.page.unroute("**/complete")
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()


async def test_the_receipt_can_be_kept(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.review()
    await ed.finish()
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    await expect(ed.page.get_by_text("2 answered")).to_be_visible()
    async with ed.page.expect_download() as coming:
        await ed.page.get_by_role("button", name="Save receipt").tap()
    download = await coming.value
    assert download.suggested_filename == f"receipt-{run_id[2:10]}.txt"
    text = (await download.path()).read_text()
    for words in (f"Number: {run_id[2:10]}", "Checklist: Check", "- All fine?: Yes", "- The door: 1 photo"):
        assert words in text
    assert run_id not in text  # the receipt is shown around; the link was a secret
    await ed.page.reload()
    await expect(ed.page.get_by_role("heading", name="This checklist is done")).to_be_visible()


async def test_a_link_that_expires_while_open_says_so_and_what_was_not_sent(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    w.clock.forward(hours=200)
    await ed.pick("s-ok", "Yes")
    await expect(ed.page.get_by_role("heading", name="This link has expired")).to_be_visible()
    await expect(ed.page.get_by_text("1 answer or photo from this phone had not been sent")).to_be_visible()
    await ed.page.reload()
    await expect(ed.page.get_by_role("heading", name="This link has expired")).to_be_visible()


async def test_a_run_that_expired_before_start_and_one_that_never_was(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    w.clock.forward(hours=100)
    await ed.page.get_by_role("button", name="Start").tap()
    await expect(ed.page.get_by_role("heading", name="This link has expired")).to_be_visible()
    await ed.open("r-00000000-0000-4000-8000-000000000000")
    await expect(ed.page.get_by_role("heading", name="This link does not work")).to_be_visible()


async def test_the_executor_can_stop_with_a_reason(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    await ed.page.get_by_role("button", name="About this checklist").tap()
    await ed.page.locator("dialog").get_by_role("button", name="Stop this job").tap()
    await ed.page.get_by_label("Why do you stop?").fill("Nobody is here")
    await ed.page.locator("dialog").get_by_role("button", name="Stop", exact=True).tap()
    await expect(ed.page.get_by_role("heading", name="This job was stopped")).to_be_visible()
    run = await record(w, run_id)
    assert run["status"] == "cancelled"
    assert run["cancellation"]["reason"] == "Nobody is here"


async def test_a_run_cancelled_elsewhere_closes_at_the_next_look(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO)
    await ed.open(run_id)
    await ed.start()
    response = await w.acme.post(f"/v1/runs/{run_id}/cancel", json={"reason": "Rebooked"})
    assert response.status_code == 200
    await ed.look_again()
    await expect(ed.page.get_by_role("heading", name="This job was stopped")).to_be_visible()


# Coming back, and two phones.


async def test_a_reload_brings_everything_back(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, WHY, COUNT, PICTURE)
    await ed.open(run_id)
    await ed.start()
    await ed.pick("s-ok", "No")
    await ed.fill("s-why", "Cold")
    await ed.fill("s-count", "7")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.is_done("s-ok", "s-why", "s-count", "s-pic")
    await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "safe")
    await ed.page.reload()
    await ed.is_done("s-ok", "s-why", "s-count", "s-pic")
    await expect(ed.step("s-ok").get_by_label("No")).to_be_checked()
    await expect(ed.step("s-why").locator("input")).to_have_value("Cold")
    await expect(ed.step("s-count").locator("input")).to_have_value("7")
    image = ed.step("s-pic").locator(".tile img")
    assert "/media/" in (await image.get_attribute("src") or "")
    await expect(image).to_have_js_property("complete", True)
    assert await image.evaluate("(image) => image.naturalWidth") > 0
    await expect(ed.page.locator(".done-count")).to_have_text("4 of 4 done")


async def test_another_phone_s_answers_come_in_without_touching_what_is_being_typed(
    w: World, ed: Phone, browser: Browser, base: str
) -> None:
    run_id = await dispatched(w, YES_NO, COUNT, {**COUNT, "id": "s-rooms", "label": "Rooms?"})
    await ed.open(run_id)
    await ed.start()
    field = ed.step("s-count").locator("input")
    await field.press_sequentially("1")
    async with phone(browser, base) as olga:
        await olga.open(run_id)
        await olga.pick("s-ok", "No")
        await olga.fill("s-count", "5")
        await olga.fill("s-rooms", "9")
        await olga.is_done("s-ok", "s-count", "s-rooms")
    await ed.look_again()
    await expect(ed.step("s-ok").get_by_label("No")).to_be_checked()
    await expect(ed.step("s-rooms").locator("input")).to_have_value("9")
    await expect(field).to_have_value("1")
    await field.press_sequentially("2")
    await field.blur()
    await ed.is_done("s-count")
    assert (await record(w, run_id))["answers"]["s-count"]["value"] == 12


async def test_a_change_that_came_between_two_of_our_own_is_not_missed(w: World, ed: Phone) -> None:
    run = await w.dispatch(await w.template(YES_NO, COUNT))
    await ed.open(run.run_id)
    await ed.start()
    assert (await run.answer("s-count", 7)).status_code == 200  # by somebody else
    await ed.pick("s-ok", "Yes")  # the reply tells of the newest revision, but not of the 7
    await ed.is_done("s-ok")
    await ed.look_again()
    await expect(ed.step("s-count").locator("input")).to_have_value("7")


async def test_a_second_device_is_told_so(w: World, ed: Phone, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, YES_NO, execution={"scope": "first_device"})
    await ed.open(run_id)
    await ed.start()
    async with phone(browser, base) as olga:
        await olga.open(run_id)
        await expect(olga.page.get_by_role("heading", name="Open on another phone")).to_be_visible()
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok")


async def test_a_phone_on_plain_http_can_finish_without_position_and_hashes(w: World, base: str) -> None:
    """A made-up host name is no secure context: no crypto.subtle, no randomUUID, no geolocation."""
    run_id = await dispatched(w, {**YES_NO, "geo": True}, PICTURE)
    port = base.rsplit(":", 1)[1]
    async with (
        chromium("--host-resolver-rules=MAP rundun.test 127.0.0.1") as browser,
        phone(browser, f"http://rundun.test:{port}") as ed,
    ):
        await ed.open(run_id)
        assert await ed.page.evaluate("isSecureContext") is False
        await ed.start()
        await expect(ed.page.locator(".notice")).to_contain_text("will not share its position")
        await ed.pick("s-ok", "Yes")
        await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
        await ed.is_done("s-ok", "s-pic")
        await ed.review()
        await ed.finish()
        await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    assert (await record(w, run_id))["status"] == "completed"


async def test_nothing_sticks_out_at_any_width(w: World, ed: Phone) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenhersteller"
    template_id = await w.template(
        {
            **YES_NO,
            "label": long,
            "hint": "A hint. " * 60,
            "config": {"true_label": long, "false_label": "No"},
        },
        {**COUNT, "config": {"unit": "kilowatt hours"}},
        PICTURE,
        {"id": "s-rate", "type": "rating", "label": "Grade", "config": {"min": 0, "max": 10}},
        {"id": "s-at", "type": "datetime", "label": "When", "config": {"mode": "datetime"}},
        {"id": "s-sign", "type": "signature", "label": "Sign"},
        {"id": "s-code", "type": "barcode", "label": "Code"},
    )
    run = await w.dispatch(template_id)
    await ed.open(run.run_id)
    await ed.start()
    for width in (320, 360, 390, 768):
        await ed.page.set_viewport_size({"width": width, "height": 800})
        assert await ed.page.evaluate("document.documentElement.scrollWidth") == width
    small = await ed.page.evaluate(
        """[...document.querySelectorAll('.form button, .form label.button, .pick, .grade')]
           .filter((one) => one.offsetParent).map((one) => [one.className, one.getBoundingClientRect()])
           .filter(([, box]) => box.height < 44 || box.width < 40).map(([name]) => name)"""
    )
    assert small == []
