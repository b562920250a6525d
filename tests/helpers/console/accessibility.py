"""What axe-core finds on a page."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

RUN = """async (rules) => {
  const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
  return (await axe.run(document, options)).violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target} ${failureSummary}`));
}"""
COLOURS = ["color-contrast", "link-in-text-block"]  # axe-core's rules that look at colours


async def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """List what a page gets wrong by the named rules of axe-core, or by all of them."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found: list[str] = await page.evaluate(RUN, rules)
    return found


async def is_fine(page: Page, state: str) -> None:
    """Assert that axe-core finds nothing in the light, and nothing in the dark, which changes colours alone, as
    `test_the_dark_changes_colours_and_nothing_else` proves.
    """
    await page.emulate_media(color_scheme="light")
    assert await violations(page) == [], f"{state}, light"
    await page.emulate_media(color_scheme="dark")
    assert await violations(page, COLOURS) == [], f"{state}, dark"
