"""What axe says of the executor's page in each of its states, read from the left and from the right."""

import json
from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.browser.checklists import YES_NO, dispatched, record
from tests.browser.pictures import file, jpeg
from tests.browser.reader import ALL, Reader
from tests.helpers.console.accessibility import is_fine
from tests.helpers.service import World

pytestmark = pytest.mark.long


async def test_axe_finds_nothing_from_start_to_thanks(w: World, olga: Reader) -> None:
    ed, page = olga.ed, olga.page
    response = await w.acme.post("/v1/templates", json=ALL)
    assert response.status_code == 201, response.text
    run = await w.dispatch(response.json()["id"])
    await olga.open(run.run_id)
    await olga.button("start").tap()
    await expect(page.get_by_role("alert")).to_have_text(olga.word("identity_name_needed"))
    await is_fine(page, "start, name missing")
    await page.locator("#identity").fill("Olga")
    await olga.button("start").tap()
    await expect(page.locator(".list")).to_be_visible()
    await is_fine(page, "list, untouched")

    await olga.button("menu").tap()
    await expect(page.locator("dialog")).to_be_visible()
    await is_fine(page, "menu")
    await olga.button("stop").tap()
    await expect(page.locator("textarea#reason")).to_be_visible()
    await is_fine(page, "stop")
    await olga.leave()
    await ed.choose("s-way", olga.word("unable"))
    await page.locator("dialog .button.primary").tap()
    await is_fine(page, "unable, reason missing")
    await page.locator("#reason").fill("No door")
    await page.locator("dialog .button.primary").tap()

    await sees_what_is_wrong(olga)
    await sees_photos_and_signatures(olga)
    await page.locator(".form:not(.review) .bottom button").last.tap()
    await expect(page.locator(".review")).to_be_visible()
    await is_fine(page, "review, something missing")
    await olga.button("go_to_missing").tap()
    await expect(page.locator(".step[missing]").first).to_be_visible()
    await is_fine(page, "list, something missing")

    await answers_the_rest(olga)
    await page.locator(".form:not(.review) .bottom button").last.tap()
    await expect(page.locator(".review .notice.good")).to_be_visible()
    await is_fine(page, "review, ready")
    await signs(olga, page.locator(".closing-signature .button"))
    await olga.button("finish").tap()
    await expect(page.get_by_role("heading", name=olga.word("thanks_title"))).to_be_visible()
    await is_fine(page, "thanks")
    assert (await record(w, run.run_id))["status"] == "completed"


async def sees_what_is_wrong(olga: Reader) -> None:
    ed, page = olga.ed, olga.page
    await page.route("**/r/*/steps/s-grade", refuse)
    await ed.pick("s-grade", "4")
    await expect(ed.step("s-grade")).to_have_attribute("safety", "attention")
    await ed.fill("s-meter", "many")
    await expect(ed.step("s-meter").locator(".wrong")).to_have_text(olga.word("wrong_number"))
    await ed.choose("s-tip", olga.word("skip"))
    await ed.step("s-hint").locator(".link[aria-expanded]").tap()
    await ed.step("s-many").locator(".filter").fill("7")
    await is_fine(page, "list, wrong, refused, skipped")
    await page.unroute("**/r/*/steps/s-grade")
    await ed.fill("s-meter", "12")
    await ed.step("s-grade").get_by_role("button", name=olga.word("try_again")).tap()
    await ed.is_done("s-grade", "s-tip", "s-way")


async def refuse(route: Route) -> None:
    problem = {"status": 422, "code": "invalid", "errors": [{"code": "out_of_range", "detail": "is odd"}]}
    await route.fulfill(status=422, content_type="application/problem+json", body=json.dumps(problem))


async def sees_photos_and_signatures(olga: Reader) -> None:
    ed, page = olga.ed, olga.page
    await page.route("**/r/*/steps/*/photos/**", lambda route: route.abort())
    await ed.photograph("s-draw", file("a.jpg", "image/jpeg", jpeg()))
    tile = ed.step("s-draw").locator(".tile")
    await expect(tile).to_have_attribute("state", "waiting")
    await is_fine(page, "list, photo waiting")
    await page.unroute("**/r/*/steps/*/photos/**")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(tile).to_have_attribute("state", "safe")
    await is_fine(page, "list, photo safe")
    await ed.unfold("s-draw")
    await tile.tap()
    await expect(page.locator("dialog .photo-large")).to_be_visible()
    await is_fine(page, "photo")
    await page.locator("dialog").get_by_role("button", name=olga.word("draw"), exact=True).tap()
    await expect(page.locator("canvas.drawable")).to_be_visible()
    await is_fine(page, "drawing")
    await olga.leave()
    await ed.step("s-sign").locator(".control .button").tap()
    await expect(page.locator(".pad")).to_be_visible()
    await is_fine(page, "signature, drawn")
    await page.locator("dialog").get_by_role("button", name=olga.word("sign_type")).tap()
    await is_fine(page, "signature, typed")
    await olga.leave()


async def answers_the_rest(olga: Reader) -> None:
    ed = olga.ed
    await ed.step("s-read").locator(".control .button").tap()
    await olga.page.locator(".all-fine").tap()
    await ed.step("s-in").locator(".pick").first.tap()
    await ed.photograph("s-in", file("a.jpg", "image/jpeg", jpeg()))
    await ed.pick("s-did", "Clean")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.fill("s-seen", "A wall")
    await ed.fill("s-key", "KEY")
    await ed.fill("s-left", "2026-07-01T09:30")
    await ed.step("s-hint").locator(".pick").first.tap()
    await ed.pick("s-range", "10")
    await ed.pick("s-many", "Number 17")
    await signs(olga, ed.step("s-sign").locator(".control .button"))
    await ed.is_done("s-in", "s-pic", "s-key", "s-sign", "s-many")


async def signs(olga: Reader, button: Any) -> None:
    await button.tap()
    dialog = olga.page.locator("dialog")
    await dialog.get_by_role("button", name=olga.word("sign_type")).tap()
    await dialog.locator("#typed-name").fill("Olga")
    await dialog.locator(".button.primary").tap()
    await expect(dialog).to_have_count(0)


async def test_axe_finds_nothing_where_a_run_has_ended(w: World, olga: Reader) -> None:
    page = olga.page
    for end in ("completed", "cancelled", "expired", "other_device", "unknown"):
        run = await w.dispatch(await w.template(YES_NO, execution={"scope": "first_device"}))
        if end != "expired":
            await run.start()
        if end == "completed":
            await run.answer("s-ok", True)
            await run.complete()
        elif end == "cancelled":
            await run.call("POST", "/cancel", json={"reason": "No"})
        elif end == "expired":
            w.clock.forward(hours=100)
        await olga.open(run.run_id if end != "unknown" else "r-00000000-0000-4000-8000-000000000000")
        await expect(page.get_by_role("heading", name=olga.word(f"closed_{end}_title"))).to_be_visible()
        await is_fine(page, end)


async def test_axe_finds_nothing_while_a_finished_run_waits(w: World, olga: Reader) -> None:
    ed, page = olga.ed, olga.page
    run_id = await dispatched(w, YES_NO, {"id": "s-pic", "type": "photo", "label": "The door"})
    await olga.open(run_id)
    await olga.button("start").tap()
    await ed.step("s-ok").locator(".pick").first.tap()
    await ed.is_done("s-ok")
    await expect(page.locator("link[href$='/zip.js']")).to_have_count(1)  # what is needed later is being fetched
    await page.wait_for_load_state("networkidle")
    await page.context.set_offline(True)
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await expect(ed.step("s-pic").locator(".tile")).to_be_visible()
    await is_fine(page, "list, offline")
    await page.locator(".form:not(.review) .bottom button").last.tap()
    await olga.button("finish").tap()
    await expect(page.get_by_role("heading", name=olga.word("finished_title"))).to_be_visible()
    await is_fine(page, "waiting")
    await page.context.set_offline(False)
    await expect(page.get_by_role("heading", name=olga.word("thanks_title"))).to_be_visible()


async def test_axe_finds_nothing_in_trouble(w: World, olga: Reader) -> None:
    """A picture lost in the camera, a phone without room, answers that a closed run did not get."""
    ed, page = olga.ed, olga.page
    run = await w.dispatch(await w.template({"id": "s-pic", "type": "photo", "label": "The door"}, YES_NO))
    await olga.open(run.run_id)
    await olga.button("start").tap()
    async with page.expect_file_chooser():
        await ed.step("s-pic").get_by_text(olga.word("take_photo")).tap()
    await ed.until_camera_is_noted(run.run_id)
    await page.reload()
    await expect(page.locator(".lost")).to_be_visible()
    await is_fine(page, "photo lost")

    await page.route("**/r/*/steps/**", lambda route: route.abort())
    await ed.step("s-ok").locator(".pick").first.tap()
    await expect(ed.step("s-ok")).to_have_attribute("safety", "stuck")
    assert (await run.call("POST", "/cancel", json={"reason": "Rebooked"})).status_code == 200
    await olga.open(run.run_id)
    await expect(page.locator(".unsent")).to_be_visible()
    await is_fine(page, "closed, held")
    await olga.button("held_delete").tap()
    await expect(page.locator("dialog")).to_be_visible()
    await is_fine(page, "held, delete")

    await page.add_init_script(
        "IDBObjectStore.prototype.put = () => { throw new DOMException('', 'QuotaExceededError'); }"
    )
    run = await w.dispatch(await w.template(YES_NO))
    await olga.open(run.run_id)
    await olga.button("start").tap()
    await ed.step("s-ok").locator(".pick").first.tap()
    await expect(page.locator(".storage")).to_be_visible()
    await is_fine(page, "storage full")
    await page.unroute("**/r/*/steps/**")
    await page.evaluate("dispatchEvent(new Event('online'))")
    await ed.is_done("s-ok")


async def test_axe_finds_nothing_where_the_server_says_no(w: World, olga: Reader) -> None:
    """A refused picture, a stop without network, a server that asks for time, a barcode to scan with the camera."""
    ed, page = olga.ed, olga.page
    await page.add_init_script(
        "window.BarcodeDetector = class { static async getSupportedFormats() { return []; } };"
        "Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia: async () => { throw 0; } } })"
    )
    code = {"id": "s-code", "type": "barcode", "label": "Code"}
    run_id = await dispatched(w, code, {"id": "s-pic", "type": "photo", "label": "The door"}, YES_NO)
    await olga.open(run_id)
    await olga.button("start").tap()
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", b"not a picture"))
    tile = ed.step("s-pic").locator(".tile")
    await expect(tile).to_have_attribute("state", "refused")
    await is_fine(page, "list, photo refused")
    await tile.tap()
    await expect(page.locator("dialog .status")).to_be_visible()
    await is_fine(page, "photo refused")
    await olga.button("delete", "dialog").tap()
    await expect(tile).to_have_count(0)
    await olga.button("scan", "#s-code").tap()
    await expect(page.locator("dialog").get_by_text(olga.word("scan_no_camera"))).to_be_visible()
    await is_fine(page, "scan")
    await olga.leave()
    await page.route("**/cancel", lambda route: route.abort())
    await olga.button("menu").tap()
    await olga.button("stop").tap()
    await page.locator("#reason").fill("No door")
    await page.locator("dialog .button.danger").tap()
    await expect(page.locator("dialog").get_by_text(olga.word("no_connection"))).to_be_visible()
    await is_fine(page, "stop, no network")
    await olga.leave()
    busy = {"status": 429, "headers": {"Retry-After": "60"}, "body": "{}"}
    await page.route("**/r/*/steps/**", lambda route: route.fulfill(**busy))
    await ed.step("s-ok").locator(".pick").first.tap()
    await expect(page.locator(".top .sending")).to_have_text(olga.word("busy"))
    await is_fine(page, "list, server busy")


async def test_axe_finds_nothing_in_what_leads_on(w: World, olga: Reader) -> None:
    """Folded cards, the contents, a text written on two phones, and a browser that is too old."""
    ed, page = olga.ed, olga.page
    rooms = [{**YES_NO, "id": f"s-{n}"} for n in range(8)]
    note = {"id": "s-note", "type": "text", "label": "A note?"}
    sections = [{"id": "g-a", "title": "Rooms", "steps": rooms}, {"id": "g-b", "title": "More", "steps": [note]}]
    response = await w.acme.post("/v1/templates", json={"name": "Check", "sections": sections})
    run = await w.dispatch(response.json()["id"])
    await olga.open(run.run_id)
    await olga.button("start").tap()
    await ed.everything_is_loaded()
    for room in rooms:
        await ed.step(room["id"]).locator(".pick").first.tap()
    await expect(ed.step("s-0")).to_have_attribute("folded", "")
    await is_fine(page, "list, folded")
    await page.locator("button.done-count").tap()
    await expect(page.locator("dialog .contents")).to_be_visible()
    await is_fine(page, "contents")
    await olga.leave()
    await ed.step("s-note").locator("input").press_sequentially("Mine")
    assert (await run.answer("s-note", "Theirs")).status_code == 200
    await ed.step("s-note").locator("input").blur()
    await expect(ed.step("s-note").locator(".rival")).to_be_visible()
    await is_fine(page, "two phones")
    await page.add_init_script("delete Array.prototype.at")
    await olga.open(run.run_id)
    await expect(page.locator("#guard-old")).to_be_visible()
    await is_fine(page, "old browser")
