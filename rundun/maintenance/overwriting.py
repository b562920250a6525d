"""The overwriting of what is left in the file of something that was erased: the bytes of its files, what the index of a
search has of it, copies between rows, the log.

An erasure notes that there is some, and is answered; this goes on from there in small steps, and after a restart from
the beginning, until all of it is overwritten.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from rundun.store import files, housekeeping
from rundun.store.database import Database
from rundun.store.erasure import erased_bytes, slack_space
from rundun.store.runs import search_index
from rundun.store.sqlite.transaction import Tx

PARTS = 2  # chunks of a MiB that go in one commit: deleting them writes as many bytes to the log
PAGES_SCANNED = 128  # in one go
PAGES_WRITTEN = 32
SCANS = 4  # of the whole file, at most: where others write all the time, each finds copies of rows that are still there


@dataclass(frozen=True, slots=True)
class _Mark:
    """The latest mark, and when that was found."""

    mark: int
    found_at: int


_only_in_log: WeakKeyDictionary[Database, _Mark] = WeakKeyDictionary()  # up to which mark all is overwritten but there


async def overwrite(database: Database) -> bool:
    """Overwrite what is left of all that was erased, in small steps; returns whether nothing is left to do. Something
    is while others read an older state of the file, as a backup does, or where more was erased meanwhile.
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
    _only_in_log.pop(database, None)  # by a clock that is put back the same mark may come again
    await database.write(erased_bytes.note_overwritten, done.mark, done.found_at)
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
    """Overwrite all slack space, until a scan of the whole file finds none to overwrite, `SCANS` times at most.

    A page that is split while a scan is under way can take erased text past it. The next scan finds that, unless a
    split takes it past that one, too: where others write all the time, a copy is left that has escaped all of them, in
    theory, until something else is erased.
    """
    for _ in range(SCANS):
        if not await _scan(database):
            break


async def _scan(database: Database) -> bool:
    """Overwrite the slack space of all pages once; returns whether there was some."""
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
