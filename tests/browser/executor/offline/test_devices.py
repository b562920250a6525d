"""Several tabs and devices on one run, and phones that are not like others: against a server process of its own.

Each story ends with a look at the database file: what is in force there is what the phones were told, once.
"""

import asyncio
import random
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO
from tests.browser.phone import chromium, phone
from tests.browser.pictures import file, noise
from tests.helpers.network.faulty_network import depot
from tests.helpers.patience import PATIENCE

MORE = {**PICTURE, "id": "s-more", "label": "The cellar"}
ROOMS = {**COUNT, "id": "s-rooms", "label": "Rooms?"}
SIGN = {"id": "s-sign", "type": "signature", "label": "Sign"}
READ = {"id": "s-read", "type": "instruction", "label": "Read this", "config": {"body": "Ring first."}}
CODE = {"id": "s-code", "type": "barcode", "label": "The key's label"}
DAYS = 24 * 3600
# A tab hears nothing of the others until it is told to.
DEAF = """(() => {
  const listen = BroadcastChannel.prototype.addEventListener;
  const heard = new Promise((done) => (globalThis.hear = done));
  BroadcastChannel.prototype.addEventListener = function (name, listener) {
    listen.call(this, name, (event) => heard.then(() => listener(event)));
  };
})()"""


def picture(seed: int) -> Any:
    return file(f"{seed}.jpg", "image/jpeg", noise(random.Random(seed).randbytes))


async def test_two_tabs_share_one_outbox_and_send_nothing_twice(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.notes_photos()
        run_id = await acme.dispatched(YES_NO, COUNT, PICTURE)
        await ed.open(run_id)
        await ed.start()
        async with ed.tab() as other:
            await other.open(run_id)
            await expect(other.step("s-ok")).to_be_visible()
            for tab in (ed, other):
                await tab.everything_is_loaded()
            acme.line.down()
            await ed.pick("s-ok", "Yes")
            await expect(other.step("s-ok").get_by_label("Yes")).to_be_checked()
            await other.fill("s-count", "7")
            await expect(ed.step("s-count").locator("input")).to_have_value("7")
            await ed.photograph("s-pic", picture(7))
            await ed.until_kept(run_id, "answer", "s-pic")
            acme.line.up()
            for tab in (ed, other):
                await tab.network_is_back()
            for tab in (ed, other):
                await tab.until_all_is_safe()
                await tab.is_done("s-ok", "s-count", "s-pic")
            # And with the network there, each hears of the other's answer, too.
            await other.fill("s-count", "8")
            await other.is_done("s-count")
            await expect(ed.step("s-count").locator("input")).to_have_value("8")
        await ed.review()
        await ed.finish()
        await ed.until_thanked()
        await ed.until_kept_is(run_id, [])
        assert dict(acme.photos(run_id)) == await ed.noted_photos()
        assert [photo_id for photo_id, _ in acme.photos(run_id)] == acme.listed(run_id, "s-pic")
        assert acme.answers(run_id) == {"s-ok": True, "s-count": 8, "s-pic": None}
        assert acme.replaced(run_id) == 1  # the 7, which was another answer
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 4, "run.completed"]


@pytest.mark.long
async def test_a_tab_that_heard_of_a_photo_before_the_other_had_its_receipt(tmp_path: Path, browser: Browser) -> None:
    heard = asyncio.Event()

    async def late(route: Route) -> None:
        receipt = await route.fetch()
        await heard.wait()
        await route.fulfill(response=receipt)

    async def state(route: Route) -> None:
        told = await route.fetch()
        if told.status == 200 and (await told.json())["photos"].get("s-pic"):
            heard.set()
        await route.fulfill(response=told)

    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        run_id = await acme.dispatched(PICTURE)
        await ed.open(run_id)
        await ed.start()
        async with ed.tab() as other:
            await other.open(run_id)
            await ed.page.route("**/r/*/steps/*/photos/**", late)
            await other.page.route("**/state*", state)
            await ed.photograph("s-pic", picture(7))
            await expect(other.step("s-pic").get_by_role("button", name="Photo 1")).to_be_visible()
            async with asyncio.timeout(PATIENCE):
                while not heard.is_set():  # a poll that is under way may have missed the photo: ask again
                    await other.network_is_back()
            await other.is_done("s-pic")
            await other.page.unroute_all(behavior="wait")  # a look may be under way


@pytest.mark.long
async def test_a_tab_that_asks_for_the_time_stores_nothing_that_another_has_sent(
    tmp_path: Path, browser: Browser
) -> None:
    sent, taken, asks, told = asyncio.Event(), asyncio.Event(), asyncio.Event(), asyncio.Event()
    asked = 0

    async def late(route: Route) -> None:
        sent.set()
        await taken.wait()
        await route.continue_()

    async def time_is_asked(route: Route) -> None:
        nonlocal asked
        asked += 1
        asks.set()
        if asked == 1:
            await route.abort()  # and the other tab goes first
        else:
            await told.wait()
            await route.continue_()

    async def without_time(route: Route) -> None:
        answer = await route.fetch()
        headers = {name: value for name, value in answer.headers.items() if name != "date"}
        await route.fulfill(response=answer, headers=headers)

    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        run_id = await acme.dispatched(COUNT)
        await ed.open(run_id)
        await ed.start()
        async with ed.tab() as other:
            await other.page.add_init_script(DEAF)
            await other.page.route("**/state?*", without_time)
            await other.page.route("**/state", time_is_asked)
            await ed.page.route("**/steps/s-count", late)
            await other.open(run_id)
            await other.fill("s-count", "7")
            await expect(ed.step("s-count").locator("input")).to_have_value("7")
            async with asyncio.timeout(PATIENCE):
                await sent.wait()
            await other.page.wait_for_function("async () => (await navigator.locks.query()).pending.length > 0")
            asks.clear()
            taken.set()
            await ed.is_done("s-count")
            async with asyncio.timeout(PATIENCE):
                await asks.wait()
            await other.page.evaluate("hear()")
            await other.is_done("s-count")
            told.set()
            await other.page.wait_for_function("async () => (await navigator.locks.query()).held.length === 0")
            for tab in (ed, other):
                await tab.page.unroute_all(behavior="wait")
        await ed.review()
        await ed.finish()
        await ed.until_thanked()
        await ed.until_kept_is(run_id, [])


async def test_two_devices_learn_of_each_other_within_fifteen_seconds(tmp_path: Path, browser: Browser) -> None:
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed, phone(browser, acme.base) as olga:
        for one in (ed, olga):
            await one.notes_photos()
            await one.page.clock.install()
        run_id = await acme.dispatched(YES_NO, COUNT, ROOMS, PICTURE, MORE)
        await ed.open(run_id)
        await ed.start()
        await olga.open(run_id)
        typing = ed.step("s-count").locator("input")
        await typing.press_sequentially("1")
        await olga.pick("s-ok", "No")
        await olga.fill("s-count", "5")
        await olga.fill("s-rooms", "9")
        await olga.photograph("s-pic", picture(11))
        await olga.is_done("s-ok", "s-count", "s-rooms", "s-pic")
        await olga.until_all_is_safe()
        await ed.page.clock.run_for(15_000)
        await ed.is_done("s-ok", "s-rooms", "s-pic")
        await expect(ed.step("s-ok").get_by_label("No")).to_be_checked()
        await expect(ed.step("s-rooms").locator("input")).to_have_value("9")
        await expect(ed.step("s-pic").locator(".tile")).to_have_attribute("state", "safe")
        await expect(typing).to_have_value("1")  # what is being typed stays under the fingers
        await typing.press_sequentially("2")
        await typing.blur()
        await ed.step("s-count").get_by_role("button", name="Keep mine").tap()
        await ed.pick("s-ok", "Yes")
        await ed.photograph("s-more", picture(12))
        await ed.is_done("s-ok", "s-count", "s-more")
        await ed.until_all_is_safe()
        await olga.page.clock.run_for(15_000)
        await olga.is_done("s-more")
        await expect(olga.step("s-ok").get_by_label("Yes")).to_be_checked()
        await expect(olga.step("s-count").locator("input")).to_have_value("12")
        await expect(olga.page.locator(".done-count")).to_have_text("5 of 5 done")
        await olga.review()
        await olga.finish()
        await olga.until_thanked()
        await ed.page.clock.run_for(15_000)
        await expect(ed.page.get_by_role("heading", name="This checklist is done")).to_be_visible()
        photos = {**await ed.noted_photos(), **await olga.noted_photos()}
        assert len(photos) == 2
        assert dict(acme.photos(run_id)) == photos
        answers = {"s-ok": True, "s-count": 12, "s-rooms": 9, "s-pic": None, "s-more": None}
        assert acme.answers(run_id) == answers
        assert acme.replaced(run_id) == 2  # Olga's No and her 5
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 7, "run.completed"]


async def test_a_phone_whose_clock_is_two_days_ahead(tmp_path: Path, browser: Browser) -> None:
    ahead = 2 * DAYS
    async with depot(tmp_path) as acme, phone(browser, acme.base) as ed:
        await ed.notes_photos()
        await ed.page.add_init_script(
            f"""{{ const Real = Date, ahead = {ahead}e3;
                 Date = class extends Real {{
                   constructor(...given) {{ given.length ? super(...given) : super(Real.now() + ahead); }}
                   static now() {{ return Real.now() + ahead; }}
                 }}; }}"""
        )
        run_id = await acme.dispatched({**YES_NO, "geo": True}, PICTURE)
        await ed.open(run_id)
        await ed.start()
        await ed.everything_is_loaded()
        acme.line.down()
        await ed.pick("s-ok", "Yes")
        await ed.photograph("s-pic", picture(8), source="camera")
        await expect(ed.page.locator(".done-count")).to_have_text("2 of 2 done")
        acme.line.up()
        await ed.until_all_is_safe()
        await ed.review()
        await ed.finish()
        await ed.until_thanked()
        for at, answered_at, geo in acme.rows("SELECT at, answered_at, geo FROM answers ORDER BY step_id"):
            # Both by the server's clock: the rest is the time between tap and arrival.
            assert abs(answered_at - at) < 60_000, geo
        ((skew,),) = acme.rows("SELECT clock_skew_seconds FROM runs")
        assert abs(skew - ahead) < 60
        ((geo,),) = acme.rows("SELECT geo FROM answers WHERE step_id = 's-ok'")
        assert geo is not None
        assert dict(acme.photos(run_id)) == await ed.noted_photos()
        assert len(acme.photos(run_id)) == 1
        assert acme.answers(run_id) == {"s-ok": True, "s-pic": None}
        assert acme.replaced(run_id) == 0
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 2, "run.completed"]


@pytest.mark.browser
async def test_a_whole_run_on_a_plain_http_host_name(tmp_path: Path) -> None:
    """A made-up host name is no secure context: no hashing, no randomUUID, no position, no locks, no worker."""
    async with (
        depot(tmp_path) as acme,
        chromium("--host-resolver-rules=MAP rundun.test 127.0.0.1") as browser,
        phone(browser, f"http://rundun.test:{acme.line.port}", service_workers="allow") as ed,
    ):
        await ed.notes_photos()
        run_id = await acme.dispatched(
            READ, {**YES_NO, "geo": True}, COUNT, PICTURE, CODE, SIGN, settings={"signature_on_complete": True}
        )
        await ed.open(run_id)
        missing = ["crypto.subtle", "crypto.randomUUID", "navigator.locks", "navigator.serviceWorker"]
        assert await ed.page.evaluate(f"[isSecureContext, {', '.join(missing)}]") == [False, *[None] * 4]
        await ed.start()
        await expect(ed.page.locator(".list .notice")).to_contain_text("will not share its position")
        await ed.step("s-read").get_by_role("button", name="Got it").tap()
        await ed.pick("s-ok", "Yes")
        async with ed.page.expect_request("**/r/*/steps/*/photos/*") as sent:
            await ed.photograph("s-pic", picture(13))
        # Our own SHA-256: the receipt is compared here as well, and the server compares too.
        assert re.fullmatch(r"sha-256=:[A-Za-z0-9+/]{43}=:", (await sent.value).headers["content-digest"])
        await ed.is_done("s-read", "s-ok", "s-pic")
        await expect(ed.step("s-ok").locator(".status")).to_have_text("Without position")
        await ed.everything_is_loaded()
        acme.line.down()
        await ed.fill("s-count", "7")
        await ed.fill("s-code", "KEY-0042")
        await ed.photograph("s-pic", picture(14))
        await ed.sign(ed.step("s-sign").get_by_role("button", name="Sign", exact=True))
        await expect(ed.page.locator(".done-count")).to_have_text("6 of 6 done")
        await ed.review()
        await ed.sign(ed.page.locator(".closing-signature").get_by_role("button", name="Sign"))
        await ed.finish()
        await expect(ed.page.get_by_role("heading", name="Finished on this phone")).to_be_visible()
        acme.line.up()
        await ed.until_thanked()
        await ed.until_kept_is(run_id, [])
        photos = await ed.noted_photos()
        assert dict(acme.photos(run_id)) == photos
        assert sorted(acme.listed(run_id, "s-pic")) == sorted(photos)
        assert len(photos) == 2
        answers = {"s-read": None, "s-ok": True, "s-count": 7, "s-pic": None, "s-code": "KEY-0042"}
        assert acme.answers(run_id) == {**answers, "s-sign": None}
        assert acme.rows("SELECT count(*) FROM signatures WHERE run_id = ?", run_id) == [(2,)]
        assert acme.events(run_id) == ["run.started", *["step.completed"] * 7, "run.completed"]
