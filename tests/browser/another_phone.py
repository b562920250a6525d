"""Olga, who does her part of a run on a phone of her own while Ed's page, browser and line fail."""

import random
from collections.abc import Callable
from contextlib import AsyncExitStack

from playwright.async_api import Browser, Error as PlaywrightError

from tests.browser.cuts.deeds import deeds_of_another
from tests.browser.phone import OPTIONS, Phone
from tests.helpers.patience import PATIENCE


class Another:
    """A second phone on a run; `todo` is what she still has to do, `given` what she did."""

    def __init__(self, browser: Browser, base: str, chance: random.Random) -> None:
        self.browser, self.base = browser, base
        self.todo = deeds_of_another(chance)
        self.given = list(self.todo)
        self.phone: Phone | None = None

    async def acts(self, run_id: str, stack: AsyncExitStack) -> str:
        """Do one deed, once her page is there; returns what was done."""
        if self.phone is None and not await self._opens(run_id, stack):
            return "Olga's page does not open"
        assert self.phone is not None
        deed = self.todo.pop(0)
        async for _ in deed.does(self.phone):
            pass
        return f"Olga: {deed}"

    async def ends(self, run_id: str, stack: AsyncExitStack, generation: Callable[[], int]) -> str:
        """Do all that is left, and wait until her page says that it is safe, once it knows the server's generation."""
        while self.todo:
            await self.acts(run_id, stack)
        assert self.phone is not None
        await self.phone.until_generation(run_id, generation)
        await self.phone.until_all_is_safe()
        return "Olga is done"

    async def _opens(self, run_id: str, stack: AsyncExitStack) -> bool:
        context = await stack.enter_async_context(await self.browser.new_context(**OPTIONS))
        context.set_default_timeout(PATIENCE * 1000)
        phone = Phone(await context.new_page(), self.base)
        try:
            await phone.open(run_id)
            await phone.page.locator(".list, .start:visible").first.wait_for(timeout=8000)
            if await phone.page.locator(".start:visible").count():
                await phone.start()  # before Ed's own start has arrived: the first to arrive counts
        except PlaywrightError:
            return False
        self.phone = phone
        return True
