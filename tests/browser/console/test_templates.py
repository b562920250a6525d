"""Templates and dispatch by hand in a real browser: a mistake is found and mended, the phone beside it shows what
changes, and a link made by hand opens on another phone.
"""

import asyncio
import json
import re

import pytest
from playwright.async_api import Browser, FrameLocator, Locator, Page, Route, expect

from rundun import paths
from rundun.web.console import cookies
from tests.browser.console.desktop import desktop, publish, shown_in, type_over
from tests.browser.console.test_paste import paste
from tests.browser.phone import Phone, chromium, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.console.console import operator
from tests.helpers.console.console_page import is_for_everyone
from tests.helpers.service import BOOLEAN, World
from tests.helpers.templates import get_sample_pictures

TURNOVER = json.loads((paths.samples() / "turnover.json").read_text("utf-8"))
PICTURE = {"id": "s-pic", "type": "photo", "label": "The door", "config": {"min": 1, "max": 2}}
SIGNED = {"id": "s-sign", "type": "signature", "label": "Sign"}
KEPT = """async () => {
  const runs = (await indexedDB.databases()).length;
  const workers = (await navigator.serviceWorker.getRegistrations()).length;
  return [runs, workers, Object.keys(localStorage), await caches.keys()];
}"""


async def sign(page: Page, inside: FrameLocator, button: Locator) -> None:
    """A line on the pad that the button opens, in Spanish."""
    await button.click()
    await inside.locator("dialog .pad").scroll_into_view_if_needed()
    box = await inside.locator("dialog .pad").bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 30, box["y"] + 90)
    await page.mouse.down()
    for i in range(1, 9):
        await page.mouse.move(box["x"] + 30 + i * 18, box["y"] + 60 + 50 * (i % 2))
    await page.mouse.up()
    await inside.locator("dialog").get_by_role("button", name="Usar").click()


async def test_a_mistake_is_found_mended_seen_and_saved(w: World, ann: Phone) -> None:
    await get_sample_pictures(w)
    template_id = (await w.acme.post("/v1/templates", json=TURNOVER)).json()["id"]
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    phone_page = shown_in(page)
    await expect(phone_page.get_by_role("heading", name="Are the guests gone?")).to_be_visible()

    await type_over(page, '"type": "rating"', '"type": "ratings"')
    await expect(page.locator("#summary")).to_have_text("1 problem.")
    fault = page.locator("#faults li")
    await expect(fault).to_contain_text("must be one of")
    line = int(re.findall(r"Line (\d+)", await fault.inner_text())[0])
    await expect(page.locator(".numbers b")).to_have_text(str(line))
    await page.evaluate("document.getElementById('text').setSelectionRange(0, 0)")
    await page.evaluate("document.getElementById('text').scrollTop = 1e6")
    await fault.get_by_role("link").click()
    chosen = "(() => { const t = document.activeElement; return t.value.slice(t.selectionStart, t.selectionEnd); })()"
    assert await page.evaluate(chosen) == '"type": "ratings"'
    top, row = await page.evaluate("[text.scrollTop, parseFloat(getComputedStyle(text).lineHeight)]")
    assert 0 < (line - 1) * row - top < 700, "the line is on the screen"
    await page.keyboard.insert_text('"type": "rating"')
    await expect(page.locator("#summary")).to_have_text("No problems.")
    await expect(page.locator(".numbers b")).to_have_count(0)

    await type_over(page, "Are the guests gone?", "Has everybody left?")
    await expect(phone_page.get_by_role("heading", name="Has everybody left?")).to_be_visible()
    assert (await w.acme.get(f"/v1/templates/{template_id}")).json()["v"] == 1
    await expect(page.locator("#state")).to_have_text("Draft saved.")
    await page.reload()
    assert "Has everybody left?" in await page.locator("#text").input_value()
    await publish(page)
    await expect(page.locator(".notice.good")).to_contain_text("Published.")
    await page.get_by_role("link", name="What changed in version 2").click()
    changed = page.locator(".changes li")
    await expect(changed).to_have_count(1)
    await expect(changed.locator("del")).to_contain_text("Are the guests gone?")
    await expect(changed.locator("ins")).to_contain_text("Has everybody left?")


async def test_text_that_is_no_json_says_where_and_is_jumped_to_by_keyboard(ann: Phone) -> None:
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/new?import=true")
    await page.locator("#text").fill('{"name": "ä😀",\n "steps": [}')
    await expect(page.locator("#faults li")).to_contain_text("Line 2, column 12")
    await page.locator("#faults a").focus()
    await page.keyboard.press("Enter")
    assert await page.evaluate("[text.selectionStart, document.activeElement.id]") == [27, "text"]
    asked = []
    page.on("dialog", lambda dialog: asked.append(dialog.type))
    await page.get_by_role("button", name="Publish…").click()
    await expect(page.locator("#said")).to_have_text("Not published: there are problems.")
    await expect(page.locator("#text")).to_have_value('{"name": "ä😀",\n "steps": [}')
    assert asked == [], "saving is no leaving"


async def test_a_file_is_imported(w: World, ann: Phone) -> None:
    page = ann.page
    await page.goto(f"{ann.base}/console/templates")
    await page.get_by_role("link", name="Import").click()
    given = {"name": "t.json", "mimeType": "application/json", "buffer": json.dumps(TURNOVER).encode()}
    await page.locator("#file").set_input_files([given])  # type: ignore[list-item]
    await expect(shown_in(page).get_by_role("heading", name="Are the guests gone?")).to_be_visible()
    await publish(page)
    await expect(page.get_by_role("heading", name=TURNOVER["name"])).to_be_visible()
    assert len((await w.acme.get("/v1/templates")).json()["data"]) == 1


async def test_the_phone_is_the_executors_page_and_nothing_of_it_stays(w: World, ann: Phone) -> None:
    page = ann.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url.removeprefix(ann.base)}"))
    written = {
        "name": "All",
        "settings": {"signature_on_complete": True},
        "steps": [BOOLEAN, PICTURE, SIGNED, {"id": "s-t", "type": "text", "label": "Say", "required": False}],
        "translations": {"es": {"s-ok": {"label": "¿Todo bien?"}}},
    }
    await page.goto(f"{ann.base}/console/templates/new?import=true")
    await page.locator("#text").fill(json.dumps(written, indent=2))
    inside = shown_in(page)
    step = lambda key: inside.locator(f"[id='{key}']")  # noqa: E731
    await step("s-ok").locator(".pick").filter(has_text="Yes").click()
    await expect(step("s-ok")).to_have_attribute("safety", "safe")
    await (
        step("s-pic")
        .locator("photo-field input[type=file]")
        .nth(1)
        .set_input_files([file("a.jpg", "image/jpeg", jpeg())])
    )
    await expect(step("s-pic")).to_have_attribute("done", "")
    await expect(step("s-pic")).to_have_attribute("safety", "safe")
    await step("s-t").locator("input, textarea").first.fill("words")
    await step("s-t").locator("input, textarea").first.blur()
    await expect(step("s-t")).to_have_attribute("safety", "safe")
    await expect(inside.locator(".top .sending")).to_contain_text("All safe")

    await page.locator("#lang").select_option("es")
    await expect(inside.get_by_role("heading", name="¿Todo bien?")).to_be_visible()
    await expect(step("s-ok")).not_to_have_attribute("done", "")
    await page.locator("#at").select_option("start")
    await inside.get_by_role("button", name="Empezar").click()
    await expect(step("s-ok")).to_be_visible()
    await inside.locator("body").evaluate("body => body.setAttribute('data-old', '')")
    await page.locator("#at").select_option("")
    await expect(inside.locator("body[data-old]")).to_have_count(0)
    await expect(step("s-ok")).to_be_visible()
    await step("s-ok").locator(".pick").filter(has_text="Sí").click()
    await (
        step("s-pic")
        .locator("photo-field input[type=file]")
        .nth(1)
        .set_input_files([file("b.jpg", "image/jpeg", jpeg()), file("c.jpg", "image/jpeg", jpeg())])
    )
    await expect(step("s-pic").locator(".tile")).to_have_count(2)
    await expect(step("s-pic")).to_have_attribute("safety", "safe")
    await sign(page, inside, step("s-sign").locator(".control .button"))
    await inside.locator(".form:not(.review) .bottom button").last.click()
    await sign(page, inside, inside.locator(".closing-signature .button"))
    await inside.locator(".review .bottom button").last.click()
    await expect(inside.locator(".end-mark.good")).to_be_visible()
    await page.get_by_role("button", name="Restart the phone").click()
    await expect(step("s-ok")).to_be_visible()
    writes = [one for one in sent if not one.startswith("GET ") and "/templates/drafts/text" not in one]
    assert writes == []
    assert not any("/r/" in one for one in sent)
    frame = page.frames[1]
    assert await frame.evaluate(KEPT) == [0, 0, [], []]


async def test_dispatched_by_hand_and_done_on_a_phone(w: World, ann: Phone, browser: Browser, base: str) -> None:
    template_id = await w.template(BOOLEAN)
    page = ann.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"{base}/console/templates/{template_id}")
    await page.get_by_role("link", name="Send", exact=True).last.click()
    await page.get_by_label("Reference").fill("booking 7")
    await page.get_by_role("button", name="Send", exact=True).dblclick()
    await expect(page.get_by_role("heading", name="Send the link")).to_be_visible()
    await page.get_by_role("button", name="Copy link").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = await page.evaluate("navigator.clipboard.readText()")
    assert link == await page.locator("#link").input_value()
    (run,) = (await w.acme.get("/v1/runs")).json()["data"]
    assert link.endswith(f"/r/{run['run_id']}")
    async with phone(browser, base) as ed:
        await ed.open(run["run_id"])
        await ed.start()
        await ed.pick("s-ok", "Yes")
        await ed.is_safe("s-ok")


async def test_a_text_outlives_the_session_it_was_written_in(w: World, ann: Phone) -> None:
    await get_sample_pictures(w)
    template_id = (await w.acme.post("/v1/templates", json=TURNOVER)).json()["id"]
    page = ann.page
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    await type_over(page, "Are the guests gone?", "Has everybody left?")
    await expect(shown_in(page).get_by_role("heading", name="Has everybody left?")).to_be_visible()
    csrf = await page.locator("#editor [name=csrf]").input_value()
    signed_out = await page.context.request.post(f"{ann.base}/console/sign-out", form={"csrf": csrf})
    assert signed_out.url == f"{ann.base}/console/sign-in?flash=signed_out"
    await type_over(page, "Has everybody left?", "Has everybody gone?")
    await expect(page.locator("#summary")).to_contain_text("You have been signed out.")
    assert "Has everybody gone?" in await page.locator("#text").input_value()

    again = await operator(w, "member")
    session = {
        "name": cookies.SESSION,
        "value": again.client.cookies.get(cookies.SESSION) or "",
        "url": f"{ann.base}/console",
    }
    await page.context.add_cookies([session])  # type: ignore[list-item]
    await page.get_by_role("button", name="Publish…").click()
    await page.get_by_role("button", name="Send it").click()
    await page.get_by_role("button", name="Publish", exact=True).click()
    await expect(page.locator(".notice.good")).to_contain_text("Published.")
    assert "Has everybody gone?" in (await w.acme.get(f"/v1/templates/{template_id}")).text


async def test_a_refused_text_is_not_left_by_mistake(w: World, ann: Phone) -> None:
    page, asked = ann.page, []
    await get_sample_pictures(w)
    template_id = (await w.acme.post("/v1/templates", json=TURNOVER)).json()["id"]
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    await type_over(page, '"type": "rating"', '"type": rating"')
    await page.get_by_role("button", name="Publish…").click()
    await expect(page.locator("#said")).to_have_text("Not published: there are problems.")
    page.on("dialog", lambda dialog: asked.append(dialog.type) or asyncio.ensure_future(dialog.accept()))
    await page.locator("#text").focus()
    await page.keyboard.press("End")
    await page.goto(f"{ann.base}/console/runs")
    assert asked == ["beforeunload"]


@pytest.mark.long
async def test_two_write_one_draft_and_one_loses_the_network(w: World, browser: Browser, base: str) -> None:
    template_id = await w.template(BOOLEAN)
    async with desktop(w, browser, base) as ann, desktop(w, browser, base) as bob:
        for one in (ann, bob):
            await one.page.goto(f"{base}/console/templates/{template_id}")
            await expect(shown_in(one.page).locator("[id='s-ok']")).to_be_visible()
        assert (await w.acme.get("/v1/templates")).json()["data"][0]["v"] == 1
        await type_over(ann.page, "All fine?", "Ann asks?")
        await expect(ann.page.locator("#state")).to_have_text("Draft saved.")

        # Bob began with the version, and is offline while he writes.
        await bob.page.context.set_offline(True)
        await type_over(bob.page, "All fine?", "Bob asks?")
        await expect(bob.page.locator("#state")).to_contain_text("no connection")
        await bob.page.get_by_role("button", name="Publish…").click()
        await bob.page.context.set_offline(False)
        await expect(bob.page.locator("#newer p").first).to_contain_text("Ann has written here meanwhile.")
        assert "Bob asks?" in await bob.page.locator("#text").input_value()
        await bob.page.get_by_role("button", name="Publish…").click()
        await type_over(bob.page, "Bob asks?", "Bob asks? ")
        draft_id = await ann.page.locator("#editor [name=draft]").input_value()
        draft = (await w.acme.get(f"/v1/templates/drafts/{draft_id}")).json()
        assert (draft["revision"], draft["template"]["steps"][0]["label"]) == (1, "Ann asks?"), "not without his word"
        async with bob.page.context.expect_page() as opened:
            await bob.page.get_by_role("link", name="See theirs").click()
        assert "Ann asks?" in await (await opened.value).locator("#text").input_value()
        await (await opened.value).close()
        await bob.page.get_by_role("button", name="Keep mine instead").click()
        await expect(bob.page.locator("#state")).to_have_text("Draft saved.")
        await expect(bob.page.locator("#newer")).to_be_hidden()

        # Whose text was replaced hears of it, and has the last word.
        await type_over(ann.page, "Ann asks?", "Ann asks again?")
        await expect(ann.page.locator("#newer")).to_be_visible()
        await ann.page.get_by_role("button", name="Keep mine instead").click()
        await expect(ann.page.locator("#state")).to_have_text("Draft saved.")
        draft = (await w.acme.get(f"/v1/templates/drafts/{draft_id}")).json()
        assert draft["template"]["steps"][0]["label"] == "Ann asks again?"


@pytest.mark.long
async def test_who_types_on_and_on_is_stored_every_second(w: World, ann: Phone) -> None:
    page, template_id = ann.page, await w.template(BOOLEAN)
    await page.clock.install(time=0)
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    await expect(shown_in(page).locator("[id='s-ok']")).to_be_visible()
    await page.clock.pause_at(3_600_000)
    await page.get_by_label("Question or task").focus()
    for revision in range(1, 4):
        for _ in range(9):
            await page.keyboard.insert_text(" ")
            await page.clock.run_for(100)
        await expect(page.locator("#state")).to_have_text("Not saved yet.")
        await page.keyboard.insert_text(" ")
        await page.clock.run_for(100)
        await expect(page.locator("#state")).to_have_text("Draft saved.")
        await expect(page.locator("[name=revision]").first).to_have_value(str(revision))


@pytest.mark.long
async def test_a_slow_server_gets_one_write_at_a_time_and_a_proxys_page_is_no_answer(w: World, ann: Phone) -> None:
    page, template_id = ann.page, await w.template(BOOLEAN)
    await page.clock.install(time=0)
    await page.goto(f"{ann.base}/console/templates/{template_id}")
    await expect(shown_in(page).locator("[id='s-ok']")).to_be_visible()
    await page.clock.pause_at(3_600_000)
    sent: list[str] = []
    held = asyncio.Event()

    async def hold(route: Route) -> None:
        sent.append(route.request.post_data or "")
        await held.wait()
        await route.continue_()

    await page.route("**/drafts/text?*", hold)
    await page.get_by_label("Question or task").focus()
    for _ in range(5):
        await page.keyboard.insert_text("!")
        await page.clock.run_for(1500)
    assert len(sent) == 1
    async with page.expect_event("requestfinished", lambda request: "/drafts/text?" in request.url):
        held.set()
    while len(sent) < 2:
        await page.clock.run_for(500)
    await expect(page.locator("#state")).to_have_text("Draft saved.")
    assert len(sent) == 2 and "All fine?!!!!!" in sent[1]

    await page.unroute("**/drafts/text?*")
    await page.route("**/drafts/text?*", bad_gateway, times=1)
    await page.keyboard.insert_text("?")
    await page.clock.run_for(1500)
    await expect(page.locator("#state")).to_contain_text("no connection")
    await page.clock.run_for(6000)
    await expect(page.locator("#state")).to_have_text("Draft saved.")


async def bad_gateway(route: Route) -> None:
    """Answer as a proxy does whose server is away."""
    await route.fulfill(status=502, content_type="text/html", body="<h1>502 Bad Gateway</h1>")


@pytest.mark.browser
async def test_on_a_phone_over_plain_http(w: World, base: str) -> None:
    """No clipboard, no locks and no hashing there; import maps there are."""
    template_id = await w.template(BOOLEAN, PICTURE)
    lan = base.replace("127.0.0.1", "depot.test")
    size = {"width": 390, "height": 844}
    async with (
        chromium("--host-resolver-rules=MAP depot.test 127.0.0.1") as one,
        desktop(w, one, lan, viewport=size, is_mobile=True, has_touch=True, positioned=False) as ann,
    ):
        page = ann.page
        await page.goto(f"{lan}/console/templates/{template_id}")
        assert not await page.evaluate("isSecureContext")
        await page.get_by_role("button", name="Phone").tap()
        inside = shown_in(page)
        await inside.locator("[id='s-ok'] .pick").first.tap()
        await expect(inside.locator("[id='s-ok']")).to_have_attribute("safety", "safe")
        pictures = inside.locator("[id='s-pic'] photo-field input[type=file]")
        await pictures.nth(1).set_input_files([file("a.jpg", "image/jpeg", jpeg())])
        await expect(inside.locator("[id='s-pic']")).to_have_attribute("done", "")
        await page.goto(f"{lan}/console/dispatch?template_id={template_id}")
        await page.get_by_role("button", name="Send", exact=True).tap()
        await page.get_by_role("button", name="Copy link").tap()
        await expect(page.get_by_role("button", name="Copied")).to_be_visible()


async def test_without_scripts_the_editor_checks_and_saves_all_the_same(w: World, browser: Browser, base: str) -> None:
    async with desktop(w, browser, base, java_script_enabled=False) as ann:
        page = ann.page
        await page.goto(f"{base}/console/templates/new")
        text = await page.locator("#text").input_value()
        await page.get_by_role("button", name="Save draft").click()
        await expect(page.locator("#faults li")).to_contain_text("Line 7, column 7")
        await page.locator("#text").fill(text.replace('"label": ""', '"label": "Fine?"'))
        await page.get_by_role("button", name="Save draft").click()
        await expect(page.locator("#summary")).to_have_text("No problems.")
        assert (await w.acme.get("/v1/templates")).json()["data"] == []
        await publish(page)
        await expect(page.get_by_role("heading", name="New checklist")).to_be_visible()
        await page.get_by_role("button", name="Duplicate").click()
        await page.get_by_text("Discard the draft").click()
        await page.get_by_role("button", name="Discard", exact=True).click()
        await expect(page.get_by_role("status")).to_have_text("The draft is discarded.")


@pytest.mark.long
async def test_the_pages_fit_and_axe_finds_nothing(w: World, ann: Phone) -> None:
    await get_sample_pictures(w)
    template_id = (await w.acme.post("/v1/templates", json=TURNOVER)).json()["id"]
    long = "Verylongwordwithoutanyplacetobreak" * 5
    changed = {**TURNOVER, "name": long, "tags": [long]}
    assert (await w.acme.put(f"/v1/templates/{template_id}", json=changed)).status_code == 200
    run = await w.dispatch(template_id, executor_ref=long)
    paths = ["/templates#samples", f"/templates/{template_id}#translation-es", f"/templates/{template_id}/changes"]
    drafts = [changed | {"name": long, "id": template_id}, {"name": long, "steps": 1}]
    ids = [(await w.acme.post("/v1/templates/drafts", json=each)).json()["id"] for each in drafts]
    paths += [f"/templates/drafts/{each}/publish" for each in ids]
    paths += [f"/templates/drafts/{ids[0]}", "/templates/new?import=true", "/dispatch", f"/dispatch/{run.run_id}"]
    page = ann.page
    for path in paths:
        await page.goto(f"{ann.base}/console{path}")
        if path.endswith(ids[0]):
            await expect(shown_in(page).locator(".list")).to_be_attached()
        await is_for_everyone(page, path)
        await page.set_viewport_size({"width": 390, "height": 844})
        assert await page.evaluate(SMALL) == [], f"{path}: a finger is wider than a mouse's pointer"
    await page.goto(f"{ann.base}/console/templates/new")
    await paste(page, f"{long}:\nFuel: Full / {long}")
    await expect(page.locator(".pasted input").last).to_have_value(f"Full / {long}")
    await is_for_everyone(page, "paste")


SMALL = """[...document.querySelectorAll("button, select, input, textarea, .button")]
  .filter((one) => one.checkVisibility({ contentVisibilityAuto: true }))
  .filter((one) => !one.matches(".visually-hidden, [type=checkbox], .link"))
  .map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.height < 44)
  .map(([one, box]) => `${one.tagName}.${one.className} ${box.width}x${box.height}`)"""
