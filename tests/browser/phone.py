"""A phone with a browser, and what Ed does on it."""

import asyncio
import base64
import hashlib
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    Error as PlaywrightError,
    Locator,
    Page,
    TimeoutError as PlaywrightTimeout,
    async_playwright,
    expect,
)

from tests.helpers.patience import PATIENCE

FLAGS = [
    "--no-sandbox",  # tests run as root in containers
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# What is unsent; or, with their receipts, what is kept.
KEPT = """([run, isReceived]) => new Promise((done, failed) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const from = opening.result.transaction(["items", "runs"]);
    const items = from.objectStore("items").index("run").getAll(run);
    const marks = from.objectStore("runs").getAll(IDBKeyRange.bound(`kept ${run} `, `kept ${run} \\uFFFF`));
    from.oncomplete = () => {
      opening.result.close();
      const marked = new Set(marks.result.map(({ item }) => item));
      const wanted = items.result.filter(({ id }) => marked.has(id) === isReceived);
      done(wanted.sort((a, b) => a.seq - b.seq).map(({ kind, key, photo, body }) => (
        { kind, key, photo: photo ?? null, bytes: body?.byteLength ?? null })));
    };
  };
})"""
# Writes down the bytes this phone was told to keep of each photo, as they are kept: the last version is what is sent.
# Their SHA-256 where the browser hashes; over plain http it does not, and the bytes themselves are noted.
WATCH = """(() => {
  const put = IDBObjectStore.prototype.put;
  const note = async ({ photo, body }) => {
    const bytes = new Uint8Array(crypto.subtle ? await crypto.subtle.digest("SHA-256", body) : body);
    localStorage.setItem(photo, btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
  };
  IDBObjectStore.prototype.put = function (record) {
    if (record.kind === "photo" && record.body && !record.hold && !record.problem) note(record);
    return put.call(this, record);
  };
})()"""
# The generations of the server's state that is saved and of the receipts that are kept, each once.
GENERATION = """(run) => new Promise((done, failed) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const from = opening.result.transaction("runs").objectStore("runs");
    const saved = from.get(run);
    const marks = from.getAll(IDBKeyRange.bound(`kept ${run} `, `kept ${run} \\uFFFF`));
    from.transaction.oncomplete = () => {
      opening.result.close();
      const all = [saved.result?.state?.generation ?? 0, ...marks.result.map(({ generation }) => generation)];
      done([...new Set(all)]);
    };
  };
})"""
CAMERA_IS_NOTED = """([run, step]) => new Promise((done, failed) => {
  const opening = indexedDB.open("rundun", 1);
  opening.onerror = failed;
  opening.onsuccess = () => {
    const asked = opening.result.transaction("runs").objectStore("runs").get(run);
    asked.onsuccess = () => {
      opening.result.close();
      done(asked.result?.camera?.step === step);
    };
  };
})"""
PAGE_IS_KEPT = """async (run) => (await caches.has(`rundun ${run}`)) && navigator.serviceWorker.controller !== null
  && (await (await caches.open(`rundun ${run}`)).match(`/r/${run}`)) !== undefined"""
PAGE_IS_FORGOTTEN = "async (run) => !(await caches.has(`rundun ${run}`))"
HERE = {"latitude": 51.5034, "longitude": -0.1276, "accuracy": 7.0}


def installed() -> str | None:
    """The machine's own Chromium, None where playwright's has to do; at best the one without windows, which starts
    fewer processes.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """The machine's own Chromium, else playwright's."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=installed(), args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            with suppress(TimeoutError):  # it has been seen to take a minute to end; its driver kills it then
                async with asyncio.timeout(10):
                    await browser.close()


OPTIONS: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
    "locale": "en-GB",
    "timezone_id": "Europe/Berlin",
    "reduced_motion": "reduce",
    "service_workers": "block",  # with one, Playwright's own routes miss requests; tests of it ask for it
}


class Phone:
    """One tab on a phone; `trouble` collects what the page's console complains of."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        # Somebody listens all the time: the driver takes picture choosers over only while somebody does, and beginning
        # to listen races with the tap that opens one.
        page.on("filechooser", lambda chooser: None)
        self.base = base
        self.trouble: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.trouble.append(str(error)))

    def _heard(self, message: Any) -> None:
        # A refused request is the server's business and shows as a failed resource, and so does a module whose
        # answer was cut in its head; everything else is a mistake. That it blocks service workers is Playwright's
        # business.
        passing = ("Failed to load resource", "Failed to load module script", "Service Worker registration")
        ours = not any(words in message.text for words in passing)
        if message.type in ("error", "warning") and ours:
            self.trouble.append(message.text)

    async def open(self, run_id: str) -> None:
        """Follow the link."""
        await self.page.goto(f"{self.base}/r/{run_id}")

    async def first_load(self, run_id: str, usable: str) -> tuple[list[Any], Callable[[list[Any]], Awaitable[int]]]:
        """Follow the link until what is `usable` is there. Returns the responses until then, and how to sum up what
        some of them took on the wire, heads included.
        """
        await self.page.clock.install(time=0)
        await self.page.clock.pause_at(1)  # what is fetched ahead is fetched after a while, so here never
        answers: list[Any] = []
        self.page.on("response", lambda response: answers.append(response))
        await self.open(run_id)
        await expect(self.page.locator(usable).first).to_be_visible()

        async def size(responses: list[Any]) -> int:
            sizes = [await one.request.sizes() for one in responses]
            return sum(one["responseHeadersSize"] + one["responseBodySize"] for one in sizes)

        return list(answers), size

    async def start(self) -> None:
        """Tap Start, and wait for the checklist."""
        await self.page.get_by_role("button", name="Start").tap()
        await expect(self.page.locator(".list")).to_be_visible()

    async def unfold_job(self) -> None:
        """Have the card at the top of the list show all of the job."""
        await self.page.locator(".job-card > button").tap()
        await expect(self.page.locator(".job-card")).not_to_have_attribute("folded", "")

    def step(self, step_id: str) -> Locator:
        """The card of a step."""
        return self.page.locator(f"[id='{step_id}']")

    async def unfold(self, step_id: str) -> None:
        """Open a card that is done and has folded off the screen; once it is seen on the screen, none folds."""
        await self.step(step_id).evaluate(
            """async (step) => {
                step.scrollIntoView({ block: "nearest", behavior: "instant" });
                await new Promise((resolve) => new IntersectionObserver((entries, watch) => {
                    if (entries.at(-1).isIntersecting) resolve(watch.disconnect());
                }).observe(step));
                step.removeAttribute("folded");
            }"""
        )

    async def pick(self, step_id: str, label: str) -> None:
        """Tap an option, a grade or a box."""
        await self.step(step_id).locator(".pick, .grade").filter(has_text=label).first.tap()

    async def fill(self, step_id: str, text: str) -> None:
        """Type into a step and leave the field."""
        field = self.step(step_id).locator(".control input, .control textarea").first
        await field.fill(text)
        await field.blur()

    async def more(self, step_id: str) -> Locator:
        """Open the menu of a step."""
        await self.step(step_id).locator(".step-more").tap()
        dialog = self.page.locator("dialog")
        await expect(dialog).to_be_visible()
        return dialog

    async def choose(self, step_id: str, entry: str) -> None:
        """Choose an entry in the menu of a step."""
        await (await self.more(step_id)).get_by_role("button", name=entry).tap()

    async def photograph(self, step_id: str, *files: Any, source: str = "gallery") -> None:
        """Choose pictures, as the camera or from the gallery."""
        inputs = self.step(step_id).locator("photo-field input[type=file]")
        await inputs.nth(1 if source == "gallery" else 0).set_input_files(list(files))

    async def sign(self, button: Locator, wave: int = 50) -> None:
        """Draw a line with waves of so many pixels on the pad that `button` opens."""
        await button.tap()
        pad = self.page.locator("dialog .pad")
        await expect(pad).to_be_visible()
        box = await pad.bounding_box()
        assert box is not None
        await self.page.mouse.move(box["x"] + 30, box["y"] + 90)
        await self.page.mouse.down()
        for i in range(1, 12):
            await self.page.mouse.move(box["x"] + 30 + i * 18, box["y"] + 60 + wave * (i % 2))
        await self.page.mouse.up()
        await self.page.locator("dialog").get_by_role("button", name="Use").tap()

    async def is_safe(self, *step_ids: str) -> None:
        """Wait until the server has these answers."""
        for step_id in step_ids:
            await expect(self.step(step_id)).to_have_attribute("safety", "safe")

    async def is_done(self, *step_ids: str) -> None:
        """Wait until these steps are done and nothing of them is under way."""
        for step_id in step_ids:
            await expect(self.step(step_id)).to_have_attribute("done", "")
            await expect(self.step(step_id).locator(".tile:not([state=safe])")).to_have_count(0)
        await self.is_safe(*step_ids)

    async def review(self) -> None:
        """Tap Review."""
        await self.page.locator(".form:not(.review) .bottom").get_by_role("button", name="Review").tap()
        await expect(self.page.locator(".review")).to_be_visible()

    async def finish(self) -> None:
        """Tap Finish in the review."""
        await self.page.locator(".review .bottom").get_by_role("button", name="Finish").tap()

    async def network_is_back(self) -> None:
        """What a phone says when it has found a network: no need to wait for the next try."""
        await self.page.evaluate("dispatchEvent(new Event('online'))")

    async def kept(self, run_id: str, *, received: bool = False) -> list[dict[str, Any]]:
        """What this phone keeps of a run that is unsent, or has its receipt: kind, step and photo of each item, and how
        many bytes.
        """
        found: list[dict[str, Any]] = await self.page.evaluate(KEPT, [run_id, received])
        return found

    async def until_kept(self, run_id: str, kind: str, key: str) -> None:
        """Wait until this phone keeps such an item."""
        async with asyncio.timeout(PATIENCE):
            while not any((one["kind"], one["key"]) == (kind, key) for one in await self.kept(run_id)):
                pass

    async def until_kept_is(self, run_id: str, expected: list[Any]) -> None:
        """Wait until this phone keeps just this."""
        async with asyncio.timeout(PATIENCE):
            while await self.kept(run_id) != expected:
                pass

    async def until_generation(self, run_id: str, read: Callable[[], int]) -> None:
        """Wait until the page has heard of the generation of the server's database, which `read` returns, and has
        compared with it all that it keeps. It may load itself anew meanwhile.
        """
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    if await self.page.evaluate(GENERATION, run_id) == [read()]:
                        return
                    await self.network_is_back()
                except PlaywrightError:
                    continue

    async def everything_is_loaded(self) -> None:
        """Wait until the page has fetched ahead what it may need later."""
        await self.page.wait_for_function(
            """() => {
              const fetched = new Set(performance.getEntriesByType("resource").map((one) => one.name));
              const ahead = [...document.querySelectorAll("link[rel=modulepreload]")].map((link) => link.href);
              const last = ahead.at(-1)?.replace(/\\/executor\\/.*/, "/executor/offline/keep_page.js") ?? "none";
              return [...ahead, last].every((url) => fetched.has(url));
            }"""
        )

    async def is_kept_as_page(self, run_id: str) -> None:
        """Wait until the service worker has the page and its scripts."""
        await self.until_true(PAGE_IS_KEPT, run_id)

    async def until_page_is_forgotten(self, run_id: str) -> None:
        """Wait until the service worker's copy is gone."""
        await self.until_true(PAGE_IS_FORGOTTEN, run_id)

    async def until_camera_is_noted(self, run_id: str, step_id: str = "s-pic") -> None:
        """Wait until this phone has written down that the camera is open for a step."""
        await self.until_true(CAMERA_IS_NOTED, [run_id, step_id])

    async def until_true(self, script: str, given: Any) -> None:
        """Wait until an asynchronous function of the page says true: `wait_for_function` takes its promise for true."""
        async with asyncio.timeout(PATIENCE):
            while not await self.page.evaluate(script, given):
                pass

    async def notes_photos(self) -> None:
        """From the next page on, write down what this phone keeps of each photo: before the run is opened."""
        await self.page.context.add_init_script(WATCH)

    async def noted_photos(self) -> dict[str, str]:
        """Photo id → SHA-256 of every photo this phone has kept."""
        noted: dict[str, str] = await self.page.evaluate("({...localStorage})")
        raw = {name: base64.b64decode(value) for name, value in noted.items() if name.startswith("ph-")}
        hashes = await self.page.evaluate("Boolean(crypto.subtle)")
        return {name: (one if hashes else hashlib.sha256(one).digest()).hex() for name, one in raw.items()}

    async def until_all_is_safe(self) -> None:
        """Wait until the page says that all is safe, as a phone does that finds its network again and again."""
        await self._keeps_trying(self.page.locator(".top .sending").filter(has_text="All safe"))

    async def until_thanked(self) -> None:
        """The same, until the run is over."""
        await self._keeps_trying(self.page.get_by_role("heading", name="All done, thank you"))

    async def _keeps_trying(self, wanted: Locator) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            await self.network_is_back()
            try:
                await wanted.wait_for(timeout=150)
            except PlaywrightTimeout:
                continue
            return
        raise AssertionError(await self.page.locator("body").inner_text())

    async def dies(self) -> None:
        """Take the page away without a word to it, and take another tab."""
        chrome = await self.page.context.new_cdp_session(self.page)
        async with self.page.expect_event("crash"):
            crashing = asyncio.ensure_future(chrome.send("Page.crash"))  # which has no answer
        crashing.cancel()
        await asyncio.wait([crashing])
        context = self.page.context
        await self.page.close()
        self.page = await context.new_page()

    @asynccontextmanager
    async def tab(self) -> AsyncIterator["Phone"]:
        """Another tab on the same phone."""
        page = await self.page.context.new_page()
        one = Phone(page, self.base)
        one.trouble = self.trouble
        try:
            yield one
        finally:
            await page.close()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait while the page goes on working."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self.page.evaluate("new Promise((done) => setTimeout(done, 20))")

    async def look_again(self) -> None:
        """What happens when the tab comes back to the front: the page polls."""
        async with self.page.expect_response(lambda response: "/state?since=" in response.url):
            await self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@asynccontextmanager
async def phone(browser: Browser, base: str, *, positioned: bool = True, **options: Any) -> AsyncIterator[Phone]:
    """A phone of 390×844 with touch; without a complaint in its console at the end."""
    given: dict[str, Any] = {**OPTIONS, **options}
    if positioned:
        given.update(geolocation=HERE, permissions=["geolocation"])
    context: BrowserContext = await browser.new_context(**given)
    context.set_default_timeout(PATIENCE * 1000)
    one = Phone(await context.new_page(), base)
    try:
        yield one
        assert one.trouble == [], one.trouble
    finally:
        await context.close()
