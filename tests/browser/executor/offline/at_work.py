"""Ed at work on a checklist of a few kinds of steps, whose server is put back to an older copy of its data."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser

from tests.browser.checklists import COUNT, YES_NO
from tests.browser.phone import Phone, phone
from tests.browser.pictures import file, jpeg
from tests.helpers.network.faulty_network import Depot

PIC = {"id": "s-pic", "type": "photo", "label": "The hall", "config": {"max": 4}}
WHY = {"id": "s-why", "type": "text", "label": "What happened?"}
SIGN = {"id": "s-sign", "type": "signature", "label": "Your signature"}
STEPS = (YES_NO, COUNT, WHY, PIC, SIGN)


@asynccontextmanager
async def at_work(browser: Browser, acme: Depot, *steps: Any, **more: Any) -> AsyncIterator[tuple[Phone, str]]:
    """Ed, who has started a run."""
    run_id = await acme.dispatched(*(steps or STEPS), **more)
    async with phone(browser, acme.base) as ed:
        await ed.open(run_id)
        await ed.start()
        yield ed, run_id


async def does_all(ed: Phone) -> None:
    """Answer every step, with a remark and two photos, and wait until all is safe."""
    await ed.pick("s-ok", "No")
    await ed.fill("s-count", "17")
    await ed.fill("s-why", "The lamp is broken")
    await ed.photograph("s-pic", *(file(f"{n}.jpg", "image/jpeg", jpeg(comment=bytes([n]))) for n in (1, 2)))
    await ed.sign(ed.step("s-sign").locator(".control button"))
    await ed.choose("s-ok", "remark")
    await ed.page.locator("#remark-text").fill("Scratched")
    await ed.page.locator("dialog").get_by_role("button", name="Done").tap()
    await ed.is_done("s-ok", "s-count", "s-why", "s-pic", "s-sign")
    await ed.until_all_is_safe()
