"""The scripts of pages, asked one by one."""

from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.helpers.service import pages

CASES = Path(__file__).parent.parent / "cases"


def module(name: str, folder: str = "executor") -> str:
    return pages().assets.url(f"{folder}/{name}.js")


async def in_page(page: Page, name: str, expression: str, given: Any) -> Any:
    """`expression` over `m`, the module, and `given`, in the browser."""
    script = f"async (given) => {{ const m = await import('{module(name)}'); return {expression}; }}"
    return await page.evaluate(script, given)
