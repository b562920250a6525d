"""A database without a service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rundun.store.database import Database
from tests.helpers.files.database import opened


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An open database."""
    async with opened(tmp_path / "rundun.db") as one:
        yield one
