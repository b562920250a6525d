"""A cache of the organizations of runs. A run never changes its organization."""

from collections import OrderedDict

from rundun.store.database import Database
from rundun.store.runs import runs as run_rows

MAX_REMEMBERED = 20_000


class RunOwners:
    """The cache of at most `MAX_REMEMBERED` runs; the least recently used is dropped first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owners: OrderedDict[str, str] = OrderedDict()

    async def find(self, run_id: str) -> str | None:
        """Return the id of a run's organization, also of an erased run; None if the run does not exist."""
        owner = self._owners.get(run_id)
        if owner is not None:
            self._owners.move_to_end(run_id)
            return owner
        owner = await self._database.read(run_rows.find_owner, run_id)
        if owner is not None:
            self._owners[run_id] = owner
            if len(self._owners) > MAX_REMEMBERED:
                self._owners.popitem(last=False)
        return owner
