"""Fixtures: a world of its own for each test, or one that many share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.shell import shell as shell
from tests.world import Receiver, World, world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives a browser: `-m "not browser"` runs where there is none."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    """A running Rundun, fresh."""
    async with world(tmp_path) as fresh:
        yield fresh


@pytest.fixture(scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A running Rundun for all tests of a worker that only look, ask who may, or make what they look at. They leave
    its clock alone and count on nothing that another of them could have made.
    """
    async with world(tmp_path_factory.mktemp("shared")) as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A webhook receiver that is content with everything."""
    async with Receiver().listening() as one:
        yield one
