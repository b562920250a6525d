"""A service of its own behind a network that fails."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.network.faulty_network import Depot, depot


@pytest.fixture
async def acme(tmp_path: Path) -> AsyncIterator[Depot]:
    async with depot(tmp_path) as one:
        yield one
