"""Fixtures: a world of its own for each test, or one that many share."""

import gc
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from tests.helpers.processes.shell import shell as shell
from tests.helpers.service import Receiver, World, world

LONG = ("soak", "crash", "engines", "packages")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while the tests are imported, and never again among the million objects that stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the tests that drive a browser: `-m "not browser"` leaves them out where no browser is installed. Leave out
    the long ones that `-m` does not name.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    unnamed = [name for name in LONG if name not in config.option.markexpr]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in unnamed)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    """A running Rundun, fresh."""
    async with world(tmp_path) as fresh:
        yield fresh


@pytest.fixture(scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Run one Rundun for all tests of a worker that only read, ask who may, or make what they read. Such a test leaves
    the clock alone and counts nothing that another test could have made.
    """
    async with world(tmp_path_factory.mktemp("shared")) as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A webhook receiver that is content with everything."""
    async with Receiver().listening() as one:
        yield one
