"""What is left in the file of something that was erased: the bytes of its files, copies between rows, the log.

An erasure notes that there is some, and is answered; this goes on from there in small steps, and after a restart from
the beginning, until all of it is overwritten.
"""

from rundun.store import files, service_state, slack_space
from rundun.store.database import Database
from rundun.store.transaction import Tx

TOUCHED = "erased"  # what a transaction touched that has left something to overwrite
_STATE = "erased_bytes"  # when something was erased last, until all of it is overwritten
PARTS = 2  # chunks of a MiB that go in one commit: deleting them writes as many bytes to the log
PAGES_SCANNED = 128  # in one go
PAGES_WRITTEN = 64


def mark(tx: Tx) -> None:
    """Note that something was erased, and is to be overwritten."""
    service_state.put(tx, _STATE, max(tx.now, (find_mark(tx) or 0) + 1))
    tx.touched.add(TOUCHED)


def find_mark(tx: Tx) -> int | None:
    """Find the latest mark; None where everything is overwritten."""
    return service_state.find(tx, _STATE)


def _unmark(tx: Tx, mark: int) -> None:
    if find_mark(tx) == mark:
        service_state.remove(tx, _STATE)


async def overwrite(database: Database) -> bool:
    """Overwrite what is left of all that was erased, in small steps; returns whether nothing is left to do. Something
    is while others read an older state of the file, as a backup does, or where more was erased meanwhile.
    """
    mark = await database.read(find_mark)
    if mark is None:
        return True
    while number := await database.read(files.find_erased):
        while await database.write_heavy(PARTS * files.CHUNK, files.remove_parts, number, PARTS):
            pass
    if await database.read(slack_space.is_reachable):
        await _overwrite_slack_space(database)
    if not await database.truncate_log():
        return False
    await database.write(_unmark, mark)
    return await database.read(find_mark) is None


async def _overwrite_slack_space(database: Database) -> None:
    below: int | None = None
    while below != 0:
        part = await database.read(slack_space.scan, below, PAGES_SCANNED)
        for begin in range(0, len(part.pages), PAGES_WRITTEN):
            pages = part.pages[begin : begin + PAGES_WRITTEN]
            await database.write_heavy(PAGES_WRITTEN * 8192, slack_space.overwrite, pages)
        below = part.below
