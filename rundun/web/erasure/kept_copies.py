"""Copies of the database that still hold erased data, and their end."""

import asyncio
from dataclasses import dataclass

from rundun.config.settings import ServiceSettings
from rundun.core import times
from rundun.core.json_types.erasures import KeptCopyJson
from rundun.store.backups import copies
from rundun.store.backups.copies import CopyKind


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """A file with an older state of the database; the service deletes it at about `until`, in milliseconds."""

    name: str
    kind: CopyKind
    until: int

    def as_json(self) -> KeptCopyJson:
        """Return the copy as a JSON object, with `until` in RFC 3339."""
        return {"name": self.name, "kind": self.kind, "until": times.wire(self.until)}


def find_copies(settings: ServiceSettings, since: int) -> list[KeptCopy]:
    """Return the copies of the database, backups under way included, made at or after the whole second of `since`, in
    milliseconds, oldest first. Reads folders; one of backups that can't be read counts as empty.
    """
    backup, second = settings.backup, since // times.SECOND * times.SECOND  # file names have whole seconds
    kept_for = {"backup": backup.keep * backup.every}  # if no backup is missed
    return [
        KeptCopy(copy.path.name, copy.kind, copy.at + kept_for.get(copy.kind, copies.KEPT_MS))
        for copy in copies.list_all(settings.database.path, backup.folder)
        if copy.at >= second
    ]


async def find_all_copies(settings: ServiceSettings) -> list[KeptCopy]:
    """Return all copies of the database, oldest first. Any may hold data of a person whose current runs don't show it:
    a database replaced by a restore has runs that are newer than the backup.
    """
    return await find_copies_since(settings, 0)


async def find_copies_since(settings: ServiceSettings, since: int) -> list[KeptCopy]:
    """Return the copies of the database made at or after the whole second of `since`, in milliseconds, oldest first;
    they are read in a thread.
    """
    return await asyncio.to_thread(find_copies, settings, since)
