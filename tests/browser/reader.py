"""Somebody who reads the page in one language, and a checklist with everything in it."""

from typing import Any

from playwright.async_api import expect

from tests.browser.phone import Phone
from tests.helpers.every_type import TEMPLATE
from tests.helpers.service import pages

WORDS = pages().words


LONG = "A hint that says at length what there is to look at, and why it matters to whoever comes next. " * 4


ALL: dict[str, Any] = {
    **TEMPLATE,
    "sections": [
        *TEMPLATE["sections"],
        {
            "id": "g-fine",
            "title": "Lights",
            "steps": [{"id": f"s-lamp{n}", "type": "boolean", "label": f"Lamp {n} is out"} for n in (1, 2)],
        },
        {
            "id": "g-more",
            "title": "More",
            "description": "See https://example.com/more.",
            "steps": [
                {"id": "s-hint", "type": "boolean", "label": "With a hint?", "hint": LONG},
                {
                    "id": "s-range",
                    "type": "rating",
                    "label": "From 0 to 10",
                    "config": {"min": 0, "max": 10, "min_label": "bad", "max_label": "good"},
                },
                {
                    "id": "s-many",
                    "type": "choice",
                    "label": "One of many",
                    "config": {"options": [{"id": f"o-{n}", "label": f"Number {n}"} for n in range(20)]},
                },
                {"id": "s-draw", "type": "photo", "label": "Draw on it", "config": {"annotate": True}},
            ],
        },
    ],
}


class Reader:
    """Somebody who reads one language, and knows the page's words in it."""

    def __init__(self, ed: Phone, tag: str) -> None:
        self.ed = ed
        self.page = ed.page
        self.tag = tag

    def word(self, key: str) -> str:
        entry = WORDS.entries[self.tag][key]
        assert isinstance(entry, str)
        return entry

    async def open(self, run_id: str) -> None:
        await self.page.goto(f"{self.ed.base}/r/{run_id}?lang={self.tag}")

    def button(self, key: str, within: str = "body") -> Any:
        return self.page.locator(within).get_by_role("button", name=self.word(key), exact=True)

    async def leave(self) -> None:
        """Close a sheet, which may still be on its way up."""
        await expect(self.page.locator("dialog")).to_be_visible()
        await self.page.keyboard.press("Escape")
        await expect(self.page.locator("dialog")).to_have_count(0)
