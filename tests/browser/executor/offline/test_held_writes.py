"""The phone writes slowly, and the page ends in between: what was chosen is kept, and no answer is against oneself."""

import asyncio
import random

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.checklists import COUNT, PICTURE, YES_NO
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, noise
from tests.helpers.network.faulty_network import Depot
from tests.helpers.patience import PATIENCE

TASKS = {
    "id": "s-tasks", "type": "multi_choice", "label": "What is broken?",
    "config": {"options": [{"id": f"o-{name}", "label": name} for name in ("lamp", "door", "tap")]},
}  # fmt: skip
# `writes` transactions may still write; a later one waits for one that never ends.
HOLD = """(() => {
  const make = IDBDatabase.prototype.transaction;
  window.writes = Infinity;
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    if (mode === "readwrite" && window.writes-- <= 0 && !window.holding) {
      const holding = (window.holding = make.call(this, this.objectStoreNames, "readwrite"));
      const again = () => (holding.objectStore("items").get("").onsuccess = again);
      again();
    }
    return make.call(this, stores, mode, options);
  };
})()"""


DRAFTS = """(run) => new Promise((done, failed) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const all = opening.result.transaction("runs").objectStore("runs")
      .getAll(IDBKeyRange.bound(`${run} `, `${run} \\uFFFF`));
    all.onsuccess = () => {
      opening.result.close();
      done(all.result.map(({ text }) => text));
    };
  };
})"""


async def until_drafts(ed: Phone, run_id: str, expected: list[list[str]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while await ed.page.evaluate(DRAFTS, run_id) != expected:
            pass


@pytest.mark.long
async def test_a_number_typed_anew_is_never_against_oneself(browser: Browser, acme: Depot) -> None:
    for writes in range(4):
        run_id = await acme.dispatched(COUNT)
        async with phone(browser, acme.base) as ed:
            await ed.page.context.add_init_script(HOLD)
            await ed.open(run_id)
            await ed.start()
            await ed.until_kept_is(run_id, [])
            await ed.page.context.set_offline(True)
            await ed.fill("s-count", "16")
            await ed.until_kept(run_id, "answer", "s-count")
            await ed.page.evaluate(f"window.writes = {writes}")
            await ed.fill("s-count", "17")
            await ed.until_true("async (writes) => writes === Infinity || window.writes < writes", writes)
            await ed.page.context.set_offline(False)
            await ed.dies()
            await ed.open(run_id)
            await ed.review()
            await ed.finish()  # which a choice between two answers would prevent
            await ed.until_thanked()
            assert acme.answers(run_id) == {"s-count": 17 if writes else 16}


async def test_a_tick_is_kept_at_once(browser: Browser, acme: Depot) -> None:
    run_id = await acme.dispatched(TASKS)
    async with phone(browser, acme.base) as ed:
        await ed.page.clock.install()
        await ed.open(run_id)
        await ed.start()
        await ed.until_kept_is(run_id, [])
        await ed.page.clock.pause_at("2038-01-01")  # no timer saves it
        await ed.pick("s-tasks", "lamp")
        await ed.pick("s-tasks", "tap")
        await expect(ed.page.locator(".top .sending")).to_have_text("Being written")
        await until_drafts(ed, run_id, [["o-lamp", "o-tap"]])
        await ed.dies()
        await ed.page.clock.resume()
        await ed.open(run_id)
        await expect(ed.step("s-tasks").locator("input:checked")).to_have_count(2)
        await ed.until_all_is_safe()
        assert acme.answers(run_id) == {"s-tasks": ["o-lamp", "o-tap"]}
        await until_drafts(ed, run_id, [])


@pytest.mark.long
async def test_photos_are_kept_before_anything_that_they_need_is_loaded(browser: Browser, acme: Depot) -> None:
    run_id = await acme.dispatched(PICTURE | {"config": {"max": 4}, "geo": True})
    chance = random.Random(11)
    async with phone(browser, acme.base) as ed:
        held = asyncio.Event()

        async def hold(route: Route) -> None:
            held.set()

        await ed.page.route("**/{photos/prepare,steps/geo}*.js*", hold)
        await ed.open(run_id)
        await ed.start()
        await ed.until_kept_is(run_id, [])
        pictures = [file(f"{n}.jpg", "image/jpeg", noise(chance.randbytes)) for n in range(3)]
        await ed.photograph("s-pic", *pictures)
        async with asyncio.timeout(PATIENCE):
            while [one["kind"] for one in await ed.kept(run_id)] != ["photo"] * 3:
                pass
            await held.wait()  # it is asked for afterwards, or was fetched ahead
        await ed.dies()
        await ed.page.clock.install()
        await ed.open(run_id)
        await expect(ed.step("s-pic").locator(".tile")).to_have_count(3)
        await ed.page.clock.run_for(25_000)  # the page that holds them may be another one, which is at work
        await ed.until_all_is_safe()
        assert len(acme.photos(run_id)) == len(acme.listed(run_id, "s-pic")) == 3


@pytest.mark.long
async def test_photos_are_kept_before_they_are_looked_at(browser: Browser, acme: Depot) -> None:
    run_id = await acme.dispatched(PICTURE | {"config": {"max": 4}})
    chance = random.Random(12)
    async with phone(browser, acme.base) as ed:
        await ed.page.context.add_init_script(HOLD)
        await ed.page.context.add_init_script(
            "const decode = createImageBitmap; window.looked = 0;"
            "createImageBitmap = (...all) => { window.looked += 1; return decode(...all); }"
        )
        await ed.open(run_id)
        await ed.start()
        await ed.until_kept_is(run_id, [])
        await ed.everything_is_loaded()
        await ed.page.evaluate("window.writes = 2")
        await ed.photograph("s-pic", *(file(f"{n}.jpg", "image/jpeg", noise(chance.randbytes)) for n in range(3)))
        await ed.page.wait_for_function("() => window.holding")
        await expect(ed.step("s-pic").locator(".tile")).to_have_count(3)
        assert await ed.page.evaluate("looked") == 0, "although one is not kept yet"
        await ed.page.evaluate("window.holding.abort()")
        await ed.is_done("s-pic")
        assert await ed.page.evaluate("looked") == 3
        assert len(acme.photos(run_id)) == len(acme.listed(run_id, "s-pic")) == 3


@pytest.mark.long
async def test_what_is_sent_again_at_once_is_never_kept_as_refused(browser: Browser, acme: Depot) -> None:
    """Or a page that ends in between leaves an answer that the person has to send again by hand."""
    run_id = await acme.dispatched(YES_NO, execution={"scope": "first_device"})
    async with phone(browser, acme.base) as ed:
        await ed.page.context.add_init_script(
            "const put = IDBObjectStore.prototype.put; window.refusals = [];"
            "IDBObjectStore.prototype.put = function (record) {"
            "  if (record.problem) window.refusals.push(record.problem.members.code);"
            "  return put.call(this, record);"
            "};"
        )
        await ed.open(run_id)
        await ed.start()
        await ed.until_kept_is(run_id, [])
        assert (await acme.client.post(f"/v1/runs/{run_id}/release", json={})).status_code == 200
        async with ed.page.expect_response(lambda answer: answer.status == 409):
            await ed.pick("s-ok", "Yes")
        await ed.is_done("s-ok")
        await ed.until_kept_is(run_id, [])
        assert await ed.page.evaluate("refusals") == []
