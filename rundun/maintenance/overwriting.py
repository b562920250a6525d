"""Overwriting the remains of erased data in the database file: bytes of stored files, entries of the search index,
copies between rows, and the log.

An erasure sets a mark and is answered. This continues in small steps, after a restart from the beginning, until all
remains are overwritten.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from rundun.store import files, housekeeping
from rundun.store.database import Database
from rundun.store.erasure import erased_bytes, slack_space
from rundun.store.runs import search_index
from rundun.store.sqlite.transaction import Tx

PARTS = 2  # chunks of 1 MiB deleted in one commit, which writes as many bytes to the log
PAGES_SCANNED = 128  # in one read
PAGES_WRITTEN = 32  # in one commit
SCANS = 4  # of the whole file, at most: under constant writes each scan finds new copies, of rows that still exist


@dataclass(frozen=True, slots=True)
class _Mark:
    """The latest mark, and the time at which it was read."""

    mark: int
    found_at: int


_only_in_log: WeakKeyDictionary[Database, _Mark] = WeakKeyDictionary()  # the mark up to which only the log has remains


async def overwrite(database: Database) -> bool:
    """Overwrite all remains of erased data, in small steps, and return whether none is left. Some are left while
    another connection reads an older snapshot, such as a backup, or where more was erased meanwhile. Copies between
    rows do not count where SQLite can't overwrite them.
    """
    found = await database.read(_find_mark)
    if found is None:
        return True
    done = _only_in_log.get(database)
    if done is None or done.mark != found.mark:
        await _overwrite_in_file(database)
        _only_in_log[database] = done = found
    if not await database.truncate_log():
        return False
    _only_in_log.pop(database, None)  # the same mark may come again if the clock is put back
    await database.write(erased_bytes.put_overwritten, done.mark, done.found_at)
    return await database.read(erased_bytes.find_mark) is None


def _find_mark(tx: Tx) -> _Mark | None:
    mark = erased_bytes.find_mark(tx)
    return None if mark is None else _Mark(mark, tx.now)


async def _overwrite_in_file(database: Database) -> None:
    while number := await database.read(files.find_erased):
        while await database.write_heavy(PARTS * files.CHUNK, files.remove_parts, number, PARTS):
            pass
    is_first = True
    while await database.write_heavy(search_index.MERGED_BYTES, search_index.merge, is_first=is_first):
        is_first = False
    if await database.read(slack_space.is_supported):
        await _overwrite_slack_space(database)


async def _overwrite_slack_space(database: Database) -> None:
    """Scan the whole file and overwrite slack space, until a scan finds none, `SCANS` times at most.

    A page split during a scan can move erased text past it. The next scan finds this, unless another split moves it
    past that scan as well. So under constant writes a copy can, in theory, stay until the next erasure.
    """
    for _ in range(SCANS):
        if not await _scan(database):
            break


async def _scan(database: Database) -> bool:
    """Overwrite the slack space of all pages once; return whether any had some."""
    has_found = False
    below: int | None = None
    while below != 0:
        part = await database.read(slack_space.scan, below, PAGES_SCANNED)
        for begin in range(0, len(part.pages), PAGES_WRITTEN):
            pages = part.pages[begin : begin + PAGES_WRITTEN]
            await database.write_heavy(PAGES_WRITTEN * housekeeping.PAGE, slack_space.overwrite, pages)
            has_found = True
        below = part.below
    return has_found
