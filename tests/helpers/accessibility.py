"""What axe-core finds on a page."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

AXE = Axe()


async def is_fine(page: Page, state: str) -> None:
    """axe-core finds nothing, in the light and in the dark."""
    found = []
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        results = await AXE.run(page, options={"resultTypes": ["violations"]})
        found += [
            f"{state}, {scheme}: {one['id']} {node['target']} {node['failureSummary']}"
            for one in results.response["violations"]
            for node in one["nodes"]
        ]
    assert found == []
