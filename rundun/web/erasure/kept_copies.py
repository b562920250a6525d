"""Which files still hold what is erased, and until when."""

import asyncio
from dataclasses import dataclass

from rundun.config.settings import ServiceSettings
from rundun.core import times
from rundun.core.json_types.erasures import KeptCopyJson
from rundun.store.backups import copies
from rundun.store.backups.copies import CopyKind


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """A file that holds an older state of the database; the service deletes it at about `until`, in milliseconds."""

    name: str
    kind: CopyKind
    until: int

    def as_json(self) -> KeptCopyJson:
        """Return the copy as JSON."""
        return {"name": self.name, "kind": self.kind, "until": times.wire(self.until)}


def find_copies(settings: ServiceSettings, since: int) -> list[KeptCopy]:
    """Find the copies of the database from after `since`, in milliseconds, the oldest first."""
    backup, second = settings.backup, since // times.SECOND * times.SECOND  # as their names have it
    kept_for = {"backup": backup.keep * backup.every}  # unless one is missed
    return [
        KeptCopy(copy.path.name, copy.kind, copy.at + kept_for.get(copy.kind, copies.KEPT_MS))
        for copy in copies.every_copy(settings.database.path, backup.folder)
        if copy.at >= second
    ]


async def all_copies(settings: ServiceSettings) -> list[KeptCopy]:
    """Find all copies. Of a person each may hold something, whatever is found of them now: what a restore has put aside
    holds runs that came after the backup, and the present state has none of them.
    """
    return await copies_since(settings, 0)


async def copies_since(settings: ServiceSettings, since: int) -> list[KeptCopy]:
    """Find copies as `find_copies` does, while others are served."""
    return await asyncio.to_thread(find_copies, settings, since)
