"""Fixtures: a world of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.shell import shell as shell
from tests.world import Receiver, World, world


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    """A running Rundun, fresh."""
    async with world(tmp_path) as fresh:
        yield fresh


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A webhook receiver that is content with everything."""
    async with Receiver().listening() as one:
        yield one
