"""An erased run: the phone deletes what it holds, and offers none of it."""

import json
import os
from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.checklists import PICTURE, YES_NO, dispatched
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.service import World

TEXT = {"id": "s-text", "type": "text", "label": "What else?", "required": False}
HELD = """(run) => new Promise((done) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onsuccess = () => {
    const [items, runs] = ["items", "runs"].map((name) => opening.result.transaction(name).objectStore(name).getAll());
    runs.onsuccess = async () => {
      opening.result.close();
      const found = [items, runs].flatMap((asked) => asked.result.filter((one) => one.run.startsWith(run)));
      done(JSON.stringify([found.map((one) => one.id ?? one.run), await caches.has(`rundun ${run}`)]));
    };
  };
})"""


async def test_a_phone_drops_what_it_holds_of_an_erased_run(w: World, browser: Browser, base: str) -> None:
    async with phone(browser, base, service_workers="allow") as ed:
        await dropped(w, ed)


async def dropped(w: World, ed: Phone) -> None:
    run_id = await dispatched(w, YES_NO, PICTURE, TEXT)
    await ed.open(run_id)
    await ed.start()
    await ed.is_kept_as_page(run_id)
    await ed.page.route("**/r/*/steps/**", lambda route: route.abort("internetdisconnected"))
    await ed.pick("s-ok", "Yes")
    await ed.photograph("s-pic", file("a.jpg", "image/jpeg", jpeg()))
    await ed.until_kept(run_id, "photo", "s-pic")
    assert json.loads(await ed.page.evaluate(HELD, run_id))[1]
    async with ed.tab() as second:  # which hears of it from the server only when it is opened again
        await second.page.goto("about:blank")
        assert (await w.acme.delete(f"/v1/runs/{run_id}")).status_code == 204
        await ed.step("s-text").get_by_role("textbox").fill("Still typing")
        await ed.page.unroute("**/r/*/steps/**")
        await ed.network_is_back()
        for page in (ed.page, second.page):
            if page is second.page:
                await second.page.goto(f"{ed.base}/r/{run_id}")
            await expect(page.get_by_role("heading", name="This job was deleted")).to_be_visible()
            await expect(page.get_by_text("on this phone too")).to_be_visible()
            await expect(page.get_by_text(run_id[2:10])).to_be_visible()
            await expect(page.get_by_text("Deleted", exact=True)).to_be_visible()
            await ed.until_true(f"async (run) => (await ({HELD})(run)) === '[[],false]'", run_id)
            assert await page.get_by_role("button").count() == 0, "nothing is offered to be kept"
            assert await page.get_by_text("Check", exact=True).count() == 0, "nor told what it was"
            if shots := os.environ.get("SHOTS"):
                await page.screenshot(path=Path(shots) / f"erased-{page is ed.page}.png")
