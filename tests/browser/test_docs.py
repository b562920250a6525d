"""The documentation in a browser: on a phone and a desk, in light and dark, by keyboard, on paper."""

import pytest
from playwright.async_api import Browser, expect

from tests.helpers.console.console_page import is_for_everyone

PAGES = [
    "/docs",
    "/docs/templates",
    "/docs/webhooks",
    "/docs/errors",
    "/docs/api",
    "/docs/secrets",
    "/docs/reference/runs",
    "/problems/invalid",
    "/",
]


@pytest.mark.long
async def test_everybody_can_read_them(browser: Browser, base: str) -> None:
    """On a phone and at a desk, in the light and in the dark."""
    page = await browser.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text) if "Content Security" in message.text else None)
    for path in PAGES:
        await page.goto(base + path)
        await is_for_everyone(page, path)
    assert trouble == []


async def test_code_is_copied_with_a_button_and_reached_by_keyboard(browser: Browser, base: str) -> None:
    context = await browser.new_context()
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    await page.goto(f"{base}/docs")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#content")).to_be_focused()
    figure = page.locator("figure.code").first
    await figure.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("status")).to_have_text("Copied")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await figure.locator("code").text_content()


async def test_all_pages_are_a_tap_away_on_a_phone_without_any_script(browser: Browser, base: str) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{base}/docs")
    link = page.locator("nav").get_by_text("Webhooks", exact=True)
    await expect(link).to_be_hidden()
    await page.get_by_text("All pages").click()
    await link.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")
    assert await page.get_by_role("button").count() == 0


async def test_on_paper_there_is_only_what_is_read(browser: Browser, base: str) -> None:
    page = await browser.new_page()
    await page.emulate_media(media="print")
    await page.goto(f"{base}/docs/webhooks")
    await expect(page.get_by_role("navigation")).to_be_hidden()
    assert await page.get_by_role("button").count() == 0
    for pre in await page.locator("pre").all():
        assert await pre.evaluate("(one) => one.scrollWidth <= one.clientWidth")
