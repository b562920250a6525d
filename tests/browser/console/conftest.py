"""Somebody at a desk, in front of the console."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.browser.console.desktop import desktop
from tests.browser.phone import Phone
from tests.helpers.service import World


@pytest.fixture
async def ann(w: World, browser: Browser, base: str) -> AsyncIterator[Phone]:
    """Ann at her desk."""
    async with desktop(w, browser, base) as one:
        yield one
