"""A page whose network fails while it loads: it says so, and heals by itself once the network is back."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from rundun.actions.organizations import organizations
from tests.bench.checklist import STEPS
from tests.bench.page import EVIDENCE
from tests.browser.phone import Phone, phone
from tests.helpers.jobs import FIELDS, JOB
from tests.helpers.network.failing_load import FAULTS, FailingLoad, line_to
from tests.helpers.patience import PATIENCE
from tests.helpers.service import World

STYLES_ARE_WHOLE = "() => [...document.styleSheets].every((one) => [...one.cssRules].at(-1)?.selectorText === 'end')"
# Each page holds a lock from its script's first line on.
PAGES = "navigator.locks.query().then((all) => all.held.filter((one) => one.name.startsWith('rundun page')).length)"
COMPLAINTS = re.compile("Failed to (load|fetch)|MIME type|Unexpected|Invalid or unexpected")
STEP_MS, SOON_MS = 1000, 5000


async def own_requests(run_id: str, ed: Phone) -> list[str]:
    """The files that the page asks for until it can be started, and its start."""
    responses, _ = await ed.first_load(run_id, ".start button:not([disabled])")
    return [*(urlsplit(one.url).path.rpartition("/")[2] for one in responses if "/static/" in one.url), "/start"]


async def heals(browser: Browser, base: str, run_id: str, fault: str, target: str) -> None:
    """The network fails from this request on. Once it is back, the list stands within five seconds of the page's clock,
    and its script has run once.
    """
    async with line_to(urlsplit(base).port or 0) as line, phone(browser, f"http://127.0.0.1:{line.port}") as ed:
        load, page = FailingLoad(line, fault, target), ed.page
        load.begin()
        await page.clock.install(time=0)
        await page.goto(f"{ed.base}/r/{run_id}", wait_until="commit")
        if target != "/start":
            waits = page.locator("#guard-slow").filter(has_text="the network may be weak")
            async with asyncio.timeout(PATIENCE):
                await load.has_failed.wait()  # the page's clock would run ahead of a busy machine's requests
                while not await waits.is_visible():
                    await page.clock.run_for(STEP_MS)
            load.network_returns()
            await page.clock.run_for(SOON_MS)
        await page.locator(".start button:not([disabled])").tap()
        await page.clock.run_for(SOON_MS)
        await expect(page.locator(".list .step").first).to_be_visible()
        await expect(page.locator("[id^=guard-]:visible")).to_have_count(0)
        async with asyncio.timeout(PATIENCE):
            await load.has_failed.wait()
        assert await page.evaluate(PAGES) == 1
        load.network_returns()
        await ed.until_true(STYLES_ARE_WHOLE, None)
        ed.trouble[:] = [words for words in ed.trouble if not COMPLAINTS.search(words)]


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_first_load_heals_whatever_fails(w: World, browser: Browser, base: str, ed: Phone, fault: str) -> None:
    await w.database.write(organizations.put_profile, w.acme_id, "Acme", "", "UTC", "#663399")
    template = await w.template(*STEPS, *EVIDENCE, fields=FIELDS)

    async def dispatched() -> str:
        return (await w.dispatch(template, **{**JOB, "prefill": {}})).run_id

    targets = await own_requests(await dispatched(), ed)
    assert {"run.css", "663399.css", "main.js", "rules.js", "/start"} <= set(targets)
    chosen = targets if fault in ("cut", "hung") else targets[FAULTS.index(fault) % 3 :: 3]
    async with asyncio.TaskGroup() as group:
        for target in chosen:
            group.create_task(heals(browser, base, await dispatched(), fault, target))
