"""Which files still hold what is erased, and until when."""

import asyncio
from dataclasses import dataclass

from rundun.config.settings import ServiceSettings
from rundun.core import times
from rundun.core.json_types.erasures import KeptCopyJson
from rundun.store import copies
from rundun.store.copies import Copy, CopyKind


@dataclass(frozen=True, slots=True)
class KeptCopy:
    """A file that holds an older state of the database; the service deletes it after `until` (milliseconds), or, None,
    never.
    """

    name: str
    kind: CopyKind
    until: int | None

    def as_json(self) -> KeptCopyJson:
        """Return the copy as JSON."""
        return {"name": self.name, "kind": self.kind, "until": times.wire_or_none(self.until)}


def find_copies(settings: ServiceSettings, since: int) -> list[KeptCopy]:
    """Find the copies of the database from after `since`, in milliseconds, the oldest first."""
    second = since // times.SECOND * times.SECOND  # as their names have it
    found = copies.every_copy(settings.database.path, None)
    return [KeptCopy(copy.path.name, copy.kind, _until(copy)) for copy in found if copy.at >= second]


def _until(copy: Copy) -> int | None:
    return None if copy.kind == "backup" else copy.at + copies.KEPT_MS


async def copies_since(settings: ServiceSettings, since: int) -> list[KeptCopy]:
    """Find copies as `find_copies` does, while others are served."""
    return await asyncio.to_thread(find_copies, settings, since)
