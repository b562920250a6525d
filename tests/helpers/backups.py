"""A service whose backups are looked after when they are told to be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rundun.maintenance.backups import Backups
from tests.helpers.service import Clock, World, world

EVERY = 6  # hours


@asynccontextmanager
async def backed_up(folder: Path, clock: Clock) -> AsyncIterator[tuple[World, Backups]]:
    """A service with its database beside `folder`, into which backups go."""
    given = {"backup__folder": str(folder), "backup__every_hours": EVERY, "backup__keep": 2}
    async with world(folder.parent, clock, **given) as w:
        backups = Backups(w.database, folder, w.settings.backup)
        yield w, backups
        await backups.close()
