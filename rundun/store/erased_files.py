"""The bytes of erased files: out of reach at once, and deleted piece by piece, since they may be many."""

from rundun.store import files
from rundun.store.database import Database

PARTS = 2  # chunks of a MiB that go in one commit: deleting them writes as many bytes to the log


async def remove_all(database: Database) -> int:
    """Delete the bytes of all erased files, in small steps; returns how many files there were."""
    total = 0
    while number := await database.read(files.find_erased):
        while await database.write_heavy(PARTS * files.CHUNK, files.remove_parts, number, PARTS):
            pass
        total += 1
    return total
