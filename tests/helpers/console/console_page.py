"""The console in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from rundun.web.console import cookies
from tests.helpers.console.accessibility import is_fine
from tests.helpers.console.console import operator
from tests.helpers.patience import PATIENCE
from tests.helpers.service import World

SIZES = {"desk": (1440, 900), "phone": (390, 844)}
ON_A_PHONE = pytest.mark.parametrize("ann", ["phone"], indirect=True)  # a test is at a desk unless it says so


@asynccontextmanager
async def somebody(
    browser: Browser, base: str, size: str = "desk", session: str = "", locale: str = "en-GB"
) -> AsyncIterator[Page]:
    """A browser at the console, without a complaint at the end."""
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, reduced_motion="reduce", locale=locale
    )
    if session:
        cookie: Any = {"name": cookies.SESSION, "value": session, "url": f"{base}/console"}
        await context.add_cookies([cookie])
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    trouble: list[str] = []
    page.on("console", lambda said: trouble.append(said.text) if is_trouble(said) else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    try:
        yield page
        assert trouble == []
    finally:
        await context.close()


async def is_for_everyone(page: Page, state: str) -> None:
    """Assert that axe-core finds nothing at the desk, and that nothing is wider than the desk's window or a phone's."""
    for width, height in (SIZES["phone"], SIZES["desk"]):
        await page.set_viewport_size({"width": width, "height": height})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{state}, {width} px"
    await is_fine(page, state)


def is_trouble(said: Any) -> bool:
    """A refused request is the server's business."""
    return said.type in ("error", "warning") and "Failed to load resource" not in said.text


async def session_of(w: World, role: str = "owner") -> str:
    return (await operator(w, role)).client.cookies.get(cookies.SESSION) or ""
