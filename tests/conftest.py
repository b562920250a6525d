"""Fixtures: a world of its own for each test, or one that many share."""

import gc
import os
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from tests.helpers.processes.shell import shell as shell
from tests.helpers.service import Receiver, World, world

TESTS = Path(__file__).parent
LONG = ("long", "soak", "crash", "engines", "packages")
# Tests that depend on the Python that runs them, and by what: `.ci/run` repeats them with the newest.
PYTHON = {
    "config": "tomllib",
    "core/templates": "regular expressions, floats and Unicode",
    "process/test_server": "signals and asyncio's servers",
    "process/test_wheel": "packaging",
    "spreadsheets": "multiprocessing and zipfile",
    "store/sqlite": "sqlite3",
    "stories": "warnings of the standard library, which are errors, wherever the service goes",
    "web/archives": "zipfile",
    "web/http": "asyncio's streams",
}


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many workers as cores, as a worker waits half of its time; no more than eight, for their memory."""
    return min(2 * (os.cpu_count() or 1), 8)


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
    """Mark the tests that drive a browser: `-m "not browser"` leaves them out where no browser is installed; and those
    that depend on the Python. Leave out the long ones that `-m` does not name. Spread those with a browser, which
    mostly wait, evenly among the others, which mostly compute: workers beside each other do both all the time.
    """
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
        place = item.path.relative_to(TESTS).as_posix()
        for reason in (reason for start, reason in PYTHON.items() if place.startswith(start)):
            item.add_marker(pytest.mark.python(reason))
    unnamed = [name for name in LONG if name not in config.option.markexpr]
    left_out = [item for item in items if any(item.get_closest_marker(name) for name in unnamed)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    if hasattr(config, "workerinput"):
        waiting = [item for item in items if item.get_closest_marker("browser")]
        computing = [item for item in items if not item.get_closest_marker("browser")]
        placed = [(place / len(group), item) for group in (waiting, computing) for place, item in enumerate(group)]
        items[:] = [item for _, item in sorted(placed, key=lambda one: one[0])]


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
