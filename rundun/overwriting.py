"""The overwriting of what is left in the file of something that was erased: the bytes of its files, copies between
rows, the log.

An erasure notes that there is some, and is answered; this goes on from there in small steps, and after a restart from
the beginning, until all of it is overwritten.
"""

from rundun.store import erased_bytes, files, maintenance, slack_space
from rundun.store.database import Database

PARTS = 2  # chunks of a MiB that go in one commit: deleting them writes as many bytes to the log
PAGES_SCANNED = 128  # in one go
PAGES_WRITTEN = 32


async def overwrite(database: Database) -> bool:
    """Overwrite what is left of all that was erased, in small steps; returns whether nothing is left to do. Something
    is while others read an older state of the file, as a backup does, or where more was erased meanwhile.
    """
    mark = await database.read(erased_bytes.find_mark)
    if mark is None:
        return True
    while number := await database.read(files.find_erased):
        while await database.write_heavy(PARTS * files.CHUNK, files.remove_parts, number, PARTS):
            pass
    if await database.read(slack_space.is_reachable):
        await _overwrite_slack_space(database)
    if not await database.truncate_log():
        return False
    await database.write(erased_bytes.unmark, mark)
    return await database.read(erased_bytes.find_mark) is None


async def _overwrite_slack_space(database: Database) -> None:
    below: int | None = None
    while below != 0:
        part = await database.read(slack_space.scan, below, PAGES_SCANNED)
        for begin in range(0, len(part.pages), PAGES_WRITTEN):
            pages = part.pages[begin : begin + PAGES_WRITTEN]
            await database.write_heavy(PAGES_WRITTEN * maintenance.PAGE, slack_space.overwrite, pages)
        below = part.below
