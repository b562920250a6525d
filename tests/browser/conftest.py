"""A served world, and a phone to look at it."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.phone import Phone, chromium, phone
from tests.browser.reader import Reader
from tests.helpers.patience import PATIENCE
from tests.helpers.processes.served import Front, listening
from tests.helpers.service import World

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="session")
async def front() -> AsyncIterator[Front]:
    """One socket for all tests of a worker."""
    one = Front()
    async with listening(one) as one.address:
        yield one


@pytest.fixture
async def base(w: World, front: Front) -> AsyncIterator[str]:
    """The world's address on a real socket."""
    async with front.showing(w) as address:
        yield address


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests of a worker: each phone is a context of its own, with nothing of the others in it."""
    async with chromium() as one:
        yield one


@pytest.fixture
async def ed(browser: Browser, base: str) -> AsyncIterator[Phone]:
    """Ed's phone."""
    async with phone(browser, base) as one:
        yield one


@pytest.fixture
async def page(browser: Browser, base: str) -> AsyncIterator[Page]:
    """A blank page of the service, from which its modules can be imported."""
    context = await browser.new_context(bypass_csp=True)
    one = await context.new_page()
    await one.goto(f"{base}/healthz")
    yield one
    await context.close()


@pytest.fixture
async def olga(request: pytest.FixtureRequest, ed: Phone) -> Reader:
    """Reads from the right, or what a test says."""
    return Reader(ed, getattr(request, "param", "ar"))
