"""A phone that keeps its storage in a folder, so that its browser can be killed and opened again."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserType, Error as PlaywrightError, async_playwright

from tests.browser.phone import FLAGS, OPTIONS, Phone, installed
from tests.helpers.patience import PATIENCE


@asynccontextmanager
async def phone_with_a_disk(folder: Path, base: str, **options: Any) -> AsyncIterator[Phone]:
    """As `phone`, with its storage in `folder`: there Chromium knows a quota for databases, and a browser that was
    killed finds it again.
    """
    async with async_playwright() as playwright, opened(playwright.chromium, folder, base, **options) as one:
        yield one


@asynccontextmanager
async def opened(chromium: BrowserType, folder: Path, base: str, **options: Any) -> AsyncIterator[Phone]:
    """A phone with its storage in `folder`, whose browser may be killed meanwhile."""
    context = await chromium.launch_persistent_context(
        folder, executable_path=installed(), args=FLAGS, **{**OPTIONS, **options}
    )
    context.set_default_timeout(PATIENCE * 1000)
    one = Phone(context.pages[0], base)
    try:
        yield one
        assert one.trouble == [], one.trouble
    finally:
        with suppress(PlaywrightError):  # where it is killed
            await context.close()


def kill_browser(folder: Path) -> None:
    """End all processes of the browser that has its storage in `folder` at once."""
    groups = {os.getpgid(pid) for pid in _started_with(folder)} - {os.getpgid(0)}
    assert groups
    for group in groups:
        os.killpg(group, signal.SIGKILL)


def _started_with(folder: Path) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(folder).encode() in path.read_bytes() and b"playwright" not in path.read_bytes():
                yield int(path.parent.name)
