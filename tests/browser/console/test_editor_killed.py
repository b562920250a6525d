"""The service is killed while somebody types: at most two seconds are gone from the draft, and none from the page."""

import random
from html import unescape
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from rundun.web.console import cookies
from tests.bench.console import open_session
from tests.browser.console.desktop import label
from tests.helpers.processes.service_process import serving, settle_in
from tests.helpers.service import BOOLEAN

LETTERS_A_SECOND = 10
LOST_SECONDS = 2
# Counts the writes that are under way: the page's clock is ours, the network's is not.
WATCH = """(() => {
  const send = window.fetch;
  window.pending = 0;
  window.fetch = async (...given) => {
    window.pending += 1;
    try {
      return await send(...given);
    } finally {
      window.pending -= 1;
    }
  };
})()"""


@pytest.mark.long
async def test_at_most_two_seconds_of_typing_are_gone(tmp_path: Path, browser: Browser) -> None:
    chance = random.Random(26)
    acme = settle_in(tmp_path, BOOLEAN)
    token = open_session(tmp_path / "rundun.db", acme.template_id)
    port = "0"
    context = await browser.new_context()
    page = await context.new_page()
    await page.clock.install(time=0)
    await page.add_init_script(WATCH)
    typed, kills = "", 4
    for life in range(kills + 1):
        with serving(tmp_path, "--port", port) as service:
            url = service.url
            port = url.rpartition(":")[2]
            path = f"/console/templates/{acme.template_id}"
            if life == 0:
                await context.add_cookies([{"name": cookies.SESSION, "value": token, "url": f"{url}/console"}])
                await page.goto(url + path)
                await label(page, 1).fill("")
                await page.clock.pause_at(3_600_000)
            else:
                shown = await context.request.get(url + path)
                stored = unescape(await shown.text()).partition('"label": "')[2].partition('"')[0]
                assert typed.startswith(stored)
                assert len(typed) - len(stored) <= LOST_SECONDS * LETTERS_A_SECOND
            if life == kills:
                await page.clock.run_for(30_000)
                await expect(page.locator("#state")).to_have_text("Draft saved.")
                break
            for _ in range(chance.randrange(15, 60)):
                letter = chance.choice("abcdefgh")
                typed += letter
                await page.keyboard.type(letter)
                await page.clock.run_for(1000 // LETTERS_A_SECOND)
                await writes_are_answered(page)
            service.kill()
            await page.clock.run_for(1000)
    assert await label(page, 1).input_value() == typed
    await context.close()


async def writes_are_answered(page: Page) -> None:
    """Wait for the answers of the writes that are under way."""
    while await page.evaluate("window.pending"):
        pass
