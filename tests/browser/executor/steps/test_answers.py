"""Answering: conditions, checks, refusals, a network that comes and goes."""

import json
import re

import pytest
from playwright.async_api import Browser, Route, expect

from rundun.store.organizations import quotas as quota_rows
from tests.browser.checklists import COUNT, PICTURE, WHY, YES_NO, dispatched, record
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.service import Ed, World


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


async def test_what_the_server_refuses_is_said_at_its_step_and_can_be_tried_again(w: World, ed: Phone) -> None:
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

    await ed.page.route("**/r/*/steps/s-count", refuse)
    await ed.fill("s-count", "3")
    await expect(ed.step("s-count")).to_have_attribute("safety", "attention")
    await expect(ed.step("s-count").locator(".status")).to_contain_text("must be an even number")
    await expect(ed.page.locator(".top .sending")).to_have_text("1 step needs attention")
    await ed.page.unroute("**/r/*/steps/s-count")
    await ed.step("s-count").get_by_role("button", name="Try again").tap()
    await ed.is_done("s-count")
    assert (await record(w, run_id))["answers"]["s-count"]["value"] == 3


@pytest.mark.long
async def test_an_answer_the_run_has_no_room_for_is_said_at_its_step_and_kept(w: World, ed: Phone) -> None:
    texts = [{"id": f"s-{n}", "type": "text", "label": "Why?", "config": {"max_length": 20_000}} for n in range(53)]
    run_id = await dispatched(w, *texts)
    other = Ed(w, run_id)
    await other.start()
    for n in range(52):
        assert (await other.answer(f"s-{n}", "🙂" * 20_000)).status_code == 200
    await ed.open(run_id)
    typed = "A long story"
    await ed.fill("s-52", typed + "🙂" * 9000)
    await expect(ed.step("s-52").locator(".status")).to_contain_text("this one has to be shorter")
    await ed.page.reload()
    await expect(ed.step("s-52").locator("input, textarea")).to_have_value(typed + "🙂" * 9000)
    await ed.fill("s-52", typed)
    await ed.is_done("s-52")


async def test_answers_wait_for_the_network_and_arrive_in_order(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.open(run_id)
    await ed.start()
    tries: list[str] = []

    async def lose(route: Route) -> None:
        tries.append(route.request.post_data or "")
        await route.abort("internetdisconnected")

    await ed.page.route("**/r/*/steps/*", lose)
    await ed.pick("s-ok", "Yes")
    await ed.fill("s-count", "3")
    await expect(ed.page.locator(".top .sending")).to_have_text("No network: 2 items on this phone")
    await expect(ed.step("s-ok").locator(".status")).to_have_text("On this phone, no network")
    await ed.page.unroute("**/r/*/steps/*")
    sent: list[str] = []
    ed.page.on("request", lambda request: sent.append(request.post_data or "") if request.method == "PUT" else None)
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

    await ed.page.route("**/r/*/steps/s-ok", busy_once)
    await ed.pick("s-ok", "Yes")
    await ed.is_done("s-ok")
    assert len(tries) == 2
    assert tries[0] == tries[1]


async def test_what_there_is_no_room_for_waits_on_the_phone_until_there_is(w: World, ed: Phone) -> None:
    """The organization has used far more than its quota, so the server answers 503 until somebody has seen to it."""
    run_id = await dispatched(w, YES_NO, PICTURE)
    await ed.page.clock.install()
    await ed.open(run_id)
    await ed.start()
    await w.database.write(quota_rows.put, w.acme_id, 1)
    await ed.pick("s-ok", "Yes")
    await expect(ed.page.locator(".top .sending")).to_have_text("Server busy, trying again soon")
    await expect(ed.step("s-ok").locator(".status")).to_have_text("On this phone")
    await ed.photograph("s-pic", file("door.jpg", "image/jpeg", jpeg()))
    await ed.until_kept(run_id, "photo", "s-pic")
    for _ in range(2):
        async with ed.page.expect_response(lambda response: response.status == 503):
            await ed.page.clock.run_for(61_000)
    assert await ed.kept(run_id)
    assert (await record(w, run_id))["answers"] == {}
    await w.database.write(quota_rows.put, w.acme_id, 0)
    await ed.page.clock.run_for(61_000)
    await ed.is_done("s-ok", "s-pic")
    stored = (await record(w, run_id))["answers"]
    assert (stored["s-ok"]["value"], len(stored["s-pic"]["photos"])) == (True, 1)


async def test_a_server_that_asks_for_time_gets_it(w: World, ed: Phone) -> None:
    """429 is passing, and no sign of a network makes the phone ask again before the time is over."""
    run_id = await dispatched(w, YES_NO, COUNT)
    await ed.page.clock.install()
    await ed.open(run_id)
    await ed.start()
    asked: list[str] = []

    async def limit(route: Route) -> None:
        asked.append(route.request.url)
        problem = {"status": 429, "code": "rate_limited", "detail": "Too many."}
        await route.fulfill(
            status=429, headers={"Retry-After": "60"}, content_type="application/problem+json", body=json.dumps(problem)
        )

    await ed.page.route(f"**/r/{run_id}/**", limit)
    await ed.pick("s-ok", "Yes")
    await expect(ed.page.locator(".top .sending")).to_have_text("Server busy, trying again soon")
    await expect(ed.step("s-ok").locator(".status")).to_have_text("On this phone")
    await ed.fill("s-count", "3")
    await ed.until_kept(run_id, "answer", "s-count")
    await ed.network_is_back()
    await ed.page.clock.run_for(20_000)
    assert len(asked) == 1
    await ed.page.unroute(f"**/r/{run_id}/**")
    await ed.page.clock.run_for(45_000)
    await ed.is_done("s-ok", "s-count")
    assert (await record(w, run_id))["answers"]["s-count"]["value"] == 3


async def test_what_is_asked_of_a_busy_server_at_once_says_so(w: World, ed: Phone) -> None:
    """Stopping and reading a barcode wait for nothing: they say plainly what is the matter."""
    run_id = await dispatched(w, {"id": "s-code", "type": "barcode", "label": "Code"})
    await ed.page.goto(f"{ed.base}/r/{run_id}?lang=de")
    await ed.page.get_by_role("button", name="Starten").tap()
    await expect(ed.page.locator(".list")).to_be_visible()

    async def limit(route: Route) -> None:
        problem = {"status": 429, "code": "rate_limited", "detail": "Too many."}
        await route.fulfill(status=429, content_type="application/problem+json", body=json.dumps(problem))

    for path in ("decode", "cancel"):
        await ed.page.route(f"**/{path}", limit)
    await ed.step("s-code").locator("input[type=file]").last.set_input_files([file("a.jpg", "image/jpeg", jpeg())])
    says = "Es wurde zu viel auf einmal gesendet. Bitte versuchen Sie es in einer Minute noch einmal."
    await expect(ed.step("s-code").locator(".control .count")).to_have_text(says)
    await ed.page.get_by_role("button", name="Über diese Checkliste").tap()
    await ed.page.locator("dialog .button.danger").tap()
    await ed.page.locator("#reason").fill("Zu spät")
    await ed.page.locator("dialog .button.danger").tap()
    await expect(ed.page.locator("dialog").get_by_text(says)).to_be_visible()


async def test_skip_and_unable(w: World, ed: Phone) -> None:
    count = {**COUNT, "photo": {"min": 1}}
    run_id = await dispatched(w, {**YES_NO, "required": False}, count, settings={"allow_skip": True})
    await ed.open(run_id)
    await ed.start()
    await ed.everything_is_loaded()
    await ed.page.context.set_offline(True)
    dialog = await ed.more("s-count")
    await expect(dialog.locator(".sheet-body").get_by_role("button")).to_have_text(["Add a remark", "I can’t do this"])
    await ed.page.keyboard.press("Escape")
    await ed.choose("s-ok", "Skip")
    await ed.choose("s-count", "I can’t do this")
    await dialog.get_by_role("button", name="Leave it out").tap()
    await expect(dialog.get_by_role("alert")).to_have_text("Please say why, in a few words.")
    await dialog.get_by_label("What is in the way?").fill("The room is locked")
    await dialog.get_by_role("button", name="Leave it out").tap()
    skipped, unable = (ed.step(step_id).locator(".status") for step_id in ("s-ok", "s-count"))
    await expect(skipped).to_have_text("Skipped. You can still answer.On this phone, no network")
    await expect(unable).to_have_text("Left out: The room is lockedOn this phone, no network")
    await expect(ed.step("s-count").locator("photo-field .count")).to_have_text("")  # nor is a photo needed
    await ed.page.context.set_offline(False)
    await ed.network_is_back()
    await ed.is_done("s-ok", "s-count")
    await expect(unable).to_have_text("Left out: The room is locked")
    run = await record(w, run_id)
    assert run["answers"]["s-ok"]["skipped"]
    assert run["answers"]["s-count"]["unable"] == {"reason": "The room is locked"}
    assert run["progress"] == {"total": 2, "answered": 0, "skipped": 1, "unable": 1}
    await ed.pick("s-ok", "Yes")  # a skip is not the last word
    await ed.is_done("s-ok")
    assert (await record(w, run_id))["progress"] == {"total": 2, "answered": 1, "skipped": 0, "unable": 1}


async def test_a_template_may_allow_no_way_out(w: World, ed: Phone) -> None:
    run_id = await dispatched(
        w, {**YES_NO, "required": False}, COUNT, settings={"allow_unable": False, "allow_remarks": False}
    )
    await ed.open(run_id)
    await ed.start()
    await expect(ed.step("s-count")).to_be_visible()
    await expect(ed.page.locator(".step-more")).to_have_count(0)  # nor without allow_skip
    await ed.fill("s-count", "2")
    await ed.is_done("s-count")
    await ed.review()
    await ed.finish()  # what is not required may stay untouched
    await expect(ed.page.get_by_role("heading", name="All done, thank you")).to_be_visible()
    assert (await record(w, run_id))["progress"] == {"total": 2, "answered": 1, "skipped": 0, "unable": 0}


async def test_position_refused_does_not_block(w: World, browser: Browser, base: str) -> None:
    run_id = await dispatched(w, {**YES_NO, "geo": True})
    async with phone(browser, base, positioned=False) as ed:
        await ed.open(run_id)
        await ed.start()
        await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await expect(ed.step("s-ok").locator(".status")).to_have_text(re.compile("^Without position. If you want"))
    answer = (await record(w, run_id))["answers"]["s-ok"]
    assert answer["value"] is True
    assert answer["geo"] is None


async def test_one_tap_says_yes_to_a_whole_section(w: World, ed: Phone) -> None:
    sections = [
        {"id": "g-all", "title": "All fine?", "steps": [
            {"id": "s-a", "type": "boolean", "label": "Door"},
            {"id": "s-b", "type": "boolean", "label": "Window"},
            {"id": "s-c", "type": "boolean", "label": "Roof",
             "condition": {"when": {"step": "s-b", "op": "eq", "value": True}}},
        ]},
        {"id": "g-mixed", "title": "Not alike", "steps": [
            {"id": "s-d", "type": "boolean", "label": "Damage?", "config": {"true_label": "Damaged"}},
            {"id": "s-e", "type": "boolean", "label": "Clean?"},
        ]},
    ]  # fmt: skip
    template = await w.acme.post("/v1/templates", json={"name": "Check", "sections": sections})
    run_id = (await w.dispatch(template.json()["id"])).run_id
    await ed.open(run_id)
    await ed.start()
    buttons = ed.page.locator(".all-fine:visible")
    await expect(buttons).to_have_count(1)  # where "yes" is not the same for all, nobody is led to tap it
    await ed.pick("s-a", "No")
    await buttons.tap()
    await ed.is_done("s-a", "s-b", "s-c")
    await expect(buttons).to_have_count(0)
    answers = (await record(w, run_id))["answers"]
    assert {step: answers[step]["value"] for step in answers} == {"s-a": False, "s-b": True, "s-c": True}
