"""A run that Ed does while the line, the server, the page and the browser fail at random, until it is completed."""

import asyncio
import base64
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

from playwright.async_api import Browser, Error as PlaywrightError

from tests.browser.another_phone import Another
from tests.browser.cuts.audit import server_has
from tests.browser.cuts.deeds import FRAMES, STEPS, Deed, Held, Remark, Typed, deeds, number_of
from tests.browser.cuts.ending import finishes_by_hand
from tests.browser.cuts.scripts import KEPT, WATCH
from tests.browser.phone import GENERATION, HERE, Phone
from tests.browser.phone_with_a_disk import kill_browser, opened
from tests.helpers.network.faulty_network import Cut, Depot
from tests.helpers.patience import PATIENCE

ENDS = "html[usable] body, .end-mark.good, #guard-slow:visible, #guard-old:visible"


def cuts(chance: random.Random) -> Iterator[Cut]:
    """Connections that end at any byte, some; then the line holds."""
    for _ in range(chance.randrange(1, 8)):
        up = chance.choice([0, chance.randrange(1, 60_000), chance.randrange(30_000, 120_000)])
        yield Cut(up=up) if chance.random() < 0.7 else Cut(down=chance.randrange(0, 600))


class CutRun:
    """One run, from its dispatch to the audit. `steps` says what has happened so far. Where it `is_put_back`, the
    server is put back to older copies of its data, too, until Ed finishes.
    """

    def __init__(self, folder: Path, browser: Browser, acme: Depot, seed: int, *, is_put_back: bool = False) -> None:
        self.folder, self.chromium, self.acme = folder, browser.browser_type, acme
        self.is_put_back = is_put_back
        self.copies: list[Path] = []
        self.chance = random.Random(seed)
        self.steps: list[str] = []
        self.kept: dict[str, list[bytes]] = {}  # photo id → its bytes as the phone kept them, the newest last
        self.given: dict[str, Deed] = {}
        self.todo: list[Deed] = []  # what Ed is at, and what has to be done again
        self.restarting: asyncio.Task[None] | None = None
        self.putting_back: asyncio.Task[None] | None = None  # the last of these with an older copy
        self.up_after = 0  # deeds until the line is up again
        self.lives = 5  # how often the page may end
        self.ed: Phone
        self.olga = Another(browser, acme.base, self.chance) if seed % 3 == 0 else None

    def says(self, words: str) -> None:
        """Note a step."""
        self.steps.append(words)

    async def goes(self) -> None:
        """From the dispatch to the end."""
        self.run_id = await self.acme.dispatched(*STEPS)
        async with AsyncExitStack() as stack, AsyncExitStack() as self.stack:
            await self._unpack()
            await self._comes_back()
            await self.ed.everything_is_loaded()
            await self.ed.is_kept_as_page(self.run_id)
            await self._backs_up()
            if self.chance.random() < 0.3:
                self._line_falls()
            await self.ed.start()
            for deed in deeds(self.chance):
                await self._does(deed)
                await self._backs_up()
                if self.olga and self.olga.todo and self.acme.line.is_up and self.chance.random() < 0.5:
                    self.says(await self.olga.acts(self.run_id, stack))
            self.copies = []
            if self.olga:
                await self._heals()
                self.says(await self.olga.ends(self.run_id, stack, self.acme.generation))
            await self._finishes()
            await self.ed.until_kept_is(self.run_id, [])
            assert await self.ed.kept(self.run_id, received=True) == [], "kept although it is over"
            self._overhears()
            if self.restarting:
                await self.restarting

    async def _believes(self) -> None:
        """Where the page says that all is safe, the server has all that was given before, unless it was put back and
        the page has not heard of that.
        """
        if not await self._has_heard():  # asked first: what the page said before it heard is no lie
            return
        if await self.ed.page.locator(".top .sending").first.all_text_contents() == ["All safe"]:
            held = server_has(self.acme, self.run_id)
            for deed in self.given.values():
                assert deed in self.todo or deed.is_safe(held), f"{deed}: called safe"

    async def _has_heard(self) -> bool:
        if not self.is_put_back:
            return True
        is_over = self.restarting is None or self.restarting.done()
        return is_over and await self.ed.page.evaluate(GENERATION, self.run_id) == [self.acme.generation()]

    # ---- what fails

    async def _fails(self, often: float = 0.2) -> bool:
        """Let something fail, or two things, or nothing. Returns whether the page has ended."""
        await self.ed.page.evaluate(FRAMES, self.chance.randrange(12))
        await self._believes()
        if self.chance.random() < 0.25:
            put_back = [self._server_is_put_back] if self.copies else []
            self.chance.choice([self._line_falls, self._line_is_cut, self._server_is_killed, *put_back])()
        if self.lives and self.chance.random() < often:
            self.lives -= 1
            await self._page_ends()
            return True
        return False

    def _line_falls(self) -> None:
        self.says("the line falls")
        self.acme.line.down()
        self.up_after = self.chance.randrange(1, 6)

    def _line_is_cut(self) -> None:
        self.says("connections are cut")
        self.acme.line.cuts = cuts(self.chance)
        self.acme.line.down()
        self.acme.line.up()

    def _server_is_killed(self) -> None:
        if self.restarting is None or self.restarting.done():
            self.says("the server is killed")
            self.restarting = asyncio.create_task(self.acme.killed_and_restarted())

    def _server_is_put_back(self) -> None:
        if self.restarting is None or self.restarting.done():
            copy = self.chance.choice(self.copies)
            self.says(f"the server is put back to {copy.name}")
            self.restarting = self.putting_back = asyncio.create_task(self.acme.restored(copy))

    async def _backs_up(self) -> None:
        if self.is_put_back and self.chance.random() < 0.4:
            if self.restarting:
                await self.restarting
            self.copies.append(await self.acme.backs_up())
            self.says(self.copies[-1].name)

    async def _page_ends(self) -> None:
        self.held = await self._looks()
        await self.ed.page.evaluate(FRAMES, self.chance.randrange(4))
        how = self.chance.choice(["reload", "close", "kill"])
        self.says(f"the page ends: {how}")
        if how == "reload":
            try:
                await self.ed.page.reload(wait_until="commit")
            except PlaywrightError:
                pass  # the line is down, and the page not yet on the phone
        elif how == "close":
            await self._takes_another_tab()
        else:
            kill_browser(self.folder)
            self._overhears()
            await self.stack.aclose()
            await self._unpack()

    async def _takes_another_tab(self) -> None:
        page = await self.ed.page.context.new_page()
        await self.ed.page.close()
        trouble, self.ed = self.ed.trouble, Phone(page, self.acme.base)
        self.ed.trouble = trouble

    async def _heals(self) -> None:
        """All that can fail holds from now on."""
        self.acme.line.cuts = iter(())
        if self.restarting:
            await self.restarting
        self.acme.line.up()

    def _overhears(self) -> None:
        """Of a page whose head was cut Chromium says that its policy makes no sense, and of one that nobody has touched
        that it does not ask whether to leave it.
        """
        known = ("Content-Security-Policy", "Content Security Policy", "Permissions-Policy", "set referrer policy")
        known += ("Blocked attempt to show a 'beforeunload'",)
        self.ed.trouble[:] = [words for words in self.ed.trouble if not any(one in words for one in known)]

    # ---- what Ed does

    async def _unpack(self) -> None:
        phone = opened(
            self.chromium, self.folder, self.acme.base,
            service_workers="allow", geolocation=HERE, permissions=["geolocation"],
        )  # fmt: skip
        self.ed = await self.stack.enter_async_context(phone)
        await self.ed.page.context.expose_function("noteKept", self._note)
        await self.ed.page.context.add_init_script(WATCH)

    def _note(self, photo_id: str, letters: str) -> None:
        self.kept.setdefault(photo_id, []).append(base64.b64decode(letters))

    async def _comes_back(self) -> None:
        """Follow the link until the page is there, and look at nothing else."""
        for count in range(20):
            if count:
                self.says("opens the link again")
            try:
                await self.ed.open(self.run_id)
                if count:  # as a person would: of a 410 whose head was cut Chromium keeps the empty page
                    await self.ed.page.reload()
                assert await self.ed.page.locator("body > *").count(), "an empty page"
                await self.ed.page.locator(ENDS).first.wait_for(timeout=12_000)
                if not await self.ed.page.locator("#guard-slow:visible, #guard-old:visible").count():
                    return
            except (PlaywrightError, AssertionError) as error:
                self.says(f"it does not open: {str(error).splitlines()[0]}")
                # In this one the browser's own error page is still to come, and would end what is opened next.
                await self._takes_another_tab()
            if count:
                await self._finds_a_network()
        raise AssertionError("the page never opened again")

    async def _finds_a_network(self) -> None:
        """Go where there is one, for where nothing opens. Over plain http Chromium takes an answer whose head was cut
        for a whole one without a body: also a worker, which then keeps no page, and is used once the browser was ended.
        """
        self._line_is_up()
        if self.restarting:
            await self.restarting

    def _line_is_up(self) -> None:
        if not self.acme.line.is_up:
            self.says("the line is up")
            self.acme.line.up()

    async def _does(self, deed: Deed) -> None:
        """Do it, and whatever is not there any more because the page has ended."""
        self.todo = [deed]
        while self.todo:
            self.up_after -= 1
            if self.up_after <= 0:
                self._line_is_up()
            one = self.todo[0]
            self.given[one.key] = one
            self.says(str(one))
            if await self._is_interrupted(one):
                await self._comes_back()
                self.todo = await self._missing()
            else:
                del self.todo[0]

    async def _is_interrupted(self, deed: Deed) -> bool:
        async with aclosing(deed.does(self.ed)) as doing:
            async for _ in doing:
                if isinstance(deed, Typed | Remark) and self.chance.random() < 0.1:
                    await self._until_written(deed)
                if await self._fails():
                    return True
        return False

    async def _until_written(self, deed: Typed | Remark) -> None:
        """Pause while writing, until the phone keeps some of it; it does so every second."""
        self.says("pauses")
        async with asyncio.timeout(PATIENCE):
            while not (await self._looks()).longest(deed.key, deed.text):
                pass

    async def _missing(self) -> list[Deed]:
        """What the page does not show of all that was given; none of it may have been kept."""
        if self.is_put_back and await self.ed.page.locator(".list:visible, .start:visible").count():
            await self._finds_a_network()
            await self.ed.until_generation(self.run_id, self.acme.generation)
            is_started = any(one["kind"] == "start" for one in await self.ed.kept(self.run_id))
            shown = ".list:visible" if is_started else ".list:visible, .start:visible"
            # The list of a finished run stands only until it is known what is unsent.
            await self.ed.page.locator(f"{shown}, .waiting, .end-mark.good").first.wait_for()
        if await self.ed.page.locator(".start:visible").count():
            self.says("starts again")
            await self.ed.start()
        if not await self.ed.page.locator(".list:visible").count():
            return []
        if self.is_put_back:
            await self._hears_of_others()
        now = await self._looks()
        self.held.numbers |= now.numbers
        await self._waits_or_goes_without(now)
        missing = await self._not_shown()
        for deed in missing:
            assert not deed.is_kept(self.held), f"{deed}: lost"
            if self.held.camera and self.held.camera == getattr(deed, "camera_key", None):
                self.says("the page says that a picture was lost")
                await self.ed.page.locator(".lost").first.wait_for()
            self.says(f"not there any more: {deed}")
        return missing

    async def _not_shown(self) -> list[Deed]:
        """What the page does not show of all that was given, looked for until the run has ended: the page of one that
        was finished shows the list at first.
        """

        async def look() -> list[Deed]:
            return [deed for deed in self.given.values() if not await deed.is_shown(self.ed, self.held)]

        looks = asyncio.create_task(look())
        ends = asyncio.create_task(self.ed.page.locator(".end-mark.good").wait_for(timeout=0))
        try:
            await asyncio.wait([looks, ends], return_when=asyncio.FIRST_COMPLETED)
            return await looks if looks.done() else []
        finally:
            looks.cancel()
            ends.cancel()

    async def _hears_of_others(self) -> None:
        """Ask for the state once more: another phone may have sent again what this one only knew of."""
        page = self.ed.page
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    # Of the response Playwright does not always say that it is finished.
                    async with page.expect_event("requestfinished", lambda one: "/state?" in one.url, timeout=2000):
                        await self.ed.network_is_back()
                    break
                except PlaywrightError as error:
                    self.says(f"hears of nothing: {str(error).splitlines()[0]}")
        await page.evaluate(FRAMES, 4)

    async def _waits_or_goes_without(self, now: Held) -> None:
        """What the page says to do about photos that an answer names and that have not arrived yet."""
        away = self.ed.page.locator(".tile[state=elsewhere]")
        if not (ids := await away.evaluate_all("(all) => all.map((tile) => tile.photo.id)")):
            return
        if not now.photo_ids.issuperset(ids):
            self.says("goes on without a photo")
            await self.ed.page.get_by_role("button", name="or go on without").first.tap()
        else:
            self.says("waits for a photo")
            self._line_is_up()
        async with asyncio.timeout(PATIENCE):
            while await away.count():
                await self.ed.network_is_back()
                await self.ed.page.evaluate(FRAMES, 6)

    async def _finishes(self) -> None:
        self.lives = min(self.lives, 2)
        for _ in range(20):
            if await self._is_over():
                return
            if await self.ed.page.locator(".waiting").count():
                if not await self._fails(0.5):
                    await self._heals()
                    await self._until_over()
                    return
            else:
                self.held = await self._looks()
                assert await self._missing() == []
                if not await finishes_by_hand(self.ed):
                    continue
                self.says("finishes")
                if not await self._fails(0.5):
                    await self.ed.page.locator(".waiting, .end-mark.good").first.wait_for()
                    continue
            await self._comes_back()
            if missing := await self._missing():
                raise AssertionError(f"gone at the end: {missing}")
        raise AssertionError("it never ended")

    async def _is_over(self) -> bool:
        return bool(await self.ed.page.locator(".end-mark.good").count())

    async def _until_over(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self._is_over():
                await self.ed.network_is_back()
                await self.ed.page.evaluate(FRAMES, 6)

    # ---- what is there

    async def _looks(self) -> Held:
        """What phone and server have now; of a server that is being put back nobody knows."""
        is_sure = self.putting_back is None or self.putting_back.done()
        held = server_has(self.acme, self.run_id) if is_sure else Held()
        for one in await self.ed.page.evaluate(KEPT, [self.run_id, list(self.kept)]):
            if one["kind"] == "photo":
                if one["bytes"]:
                    self._note(one["photo"], one["bytes"])
                held.photo_ids.add(one["photo"])
                number = held.numbers[one["photo"]] = number_of(self.kept[one["photo"]][-1])
                held.pictures.add((one["key"], number))
                if one["hold"]:  # it is made small, and a page that ends may not tell of that
                    del self.kept[one["photo"]]
            elif one["kind"] == "signature":
                held.signed.add(one["key"])
            elif one["kind"] == "camera":
                held.camera = one["key"]
            elif one["kind"] in ("answer", "remark", "draft"):
                held.values.setdefault(one["key"], []).append(one["text"])
        held.numbers |= {photo_id: number_of(versions[-1]) for photo_id, versions in self.kept.items()}
        return held
