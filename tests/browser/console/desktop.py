"""Ann's browser at the console, and what she does in the editor."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, FrameLocator, Locator, Page, Route, expect

from rundun.web.console import cookies
from tests.browser.phone import Phone, phone
from tests.helpers.console.console import operator
from tests.helpers.service import World


@asynccontextmanager
async def desktop(w: World, browser: Browser, base: str, **options: Any) -> AsyncIterator[Phone]:
    """Ann's browser at the console, signed in; without a complaint in its console at the end."""
    ann = await operator(w, "member")
    given = {"viewport": {"width": 1440, "height": 900}, "is_mobile": False, "has_touch": False, **options}
    async with phone(browser, base, **given) as one:
        cookie = {
            "name": cookies.SESSION,
            "value": ann.client.cookies.get(cookies.SESSION) or "",
            "url": f"{base}/console",
        }
        await one.page.context.add_cookies([cookie])  # type: ignore[list-item]
        yield one


def shown_in(page: Page) -> FrameLocator:
    """The phone beside the editor."""
    return page.frame_locator("#phone")


async def type_over(page: Page, before: str, after: str) -> None:
    """Replace a piece of the JSON as somebody does who types."""
    if await page.locator("#text").is_hidden():
        await page.get_by_role("button", name="JSON").click()
    await page.evaluate(
        """([before, after]) => {
          const text = document.getElementById("text");
          const start = text.value.indexOf(before);
          text.focus();
          text.setSelectionRange(start, start + before.length);
        }""",
        [before, after],
    )
    await page.keyboard.insert_text(after)


async def publish(page: Page) -> None:
    """Publish the draft in the editor."""
    await page.get_by_role("button", name="Publish…").click()
    await page.get_by_role("button", name="Publish", exact=True).click()


async def lose(route: Route) -> None:
    """Let the request reach the server, and lose its answer."""
    await route.fetch()
    await route.abort()


def row(page: Page, number: int) -> Locator:
    """The row of a step in a checklist without headings."""
    return page.locator("#rows > li").nth(number - 1)


async def template_of(page: Page) -> Any:
    """The template that is stored as the draft of the page."""
    await expect(page.locator("#state")).to_have_text("Draft saved.")
    await page.get_by_role("button", name="JSON").click()
    text = await page.locator("#text").input_value()
    await page.get_by_role("button", name="Checklist", exact=True).click()
    return json.loads(text)


def label(page: Page, number: int) -> Locator:
    """The text of a step."""
    return row(page, number).get_by_label("Question or task", exact=True)


async def labels(page: Page) -> list[str]:
    """The texts of all steps."""
    return await page.locator("#rows > .step .text").evaluate_all("all => all.map((one) => one.value)")
