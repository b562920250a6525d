"""Ann's browser at the console, and what she does in the editor."""

import json
from collections.abc import AsyncIterator, Callable
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


async def publish(page: Page, words: Callable[[str], str] = str) -> None:
    """Publish the draft in the editor, whose `words` are those of the console's language."""
    await page.get_by_role("button", name=words("Publish…")).click()
    await page.get_by_role("button", name=words("Publish"), exact=True).click()


async def lose(route: Route) -> None:
    """Let the request reach the server, and lose its answer."""
    await route.fetch()
    await route.abort()


def row(page: Page, number: int) -> Locator:
    """The row of a step in a checklist without headings."""
    return page.locator("#rows > li").nth(number - 1)


async def template_of(page: Page, words: Callable[[str], str] = str) -> Any:
    """The template that is stored as the draft of the page, whose `words` are those of the console's language."""
    await expect(page.locator("#state")).to_have_text(words("Draft saved."))
    await page.locator("[data-shows=json]").click()
    text = await page.locator("#text").input_value()
    await page.locator("[data-shows=rows]").click()
    return json.loads(text)


def label(page: Page, number: int) -> Locator:
    """The text of a step."""
    return row(page, number).get_by_label("Question or task", exact=True)


async def labels(page: Page) -> list[str]:
    """The texts of all steps."""
    return await page.locator("#rows > .step .text").evaluate_all("all => all.map((one) => one.value)")


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control with a name, or one that begins with it, has the focus."""
    for _ in range(40):
        await page.keyboard.press("Tab")
        if (await page.evaluate(NAME_OF_FOCUSED)).startswith(name):
            return
    raise AssertionError(f"no {name}")


NAME_OF_FOCUSED = """(() => {
  const one = document.activeElement;
  return (one.ariaLabel ?? one.labels?.[0]?.textContent ?? one.textContent).trim();
})()"""
