"""The organizations of runs, cached: a run never goes to another organization."""

from collections import OrderedDict

from rundun.store.database import Database
from rundun.store.runs import runs

MAX_REMEMBERED = 20_000


class RunOwners:
    """The cache; the least recently used are dropped first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owners: OrderedDict[str, str] = OrderedDict()

    async def find(self, run_id: str) -> str | None:
        """Find the id of a run's organization; None where there is no such run."""
        owner = self._owners.get(run_id)
        if owner is not None:
            self._owners.move_to_end(run_id)
            return owner
        owner = await self._database.read(runs.find_owner, run_id)
        if owner is not None:
            self._owners[run_id] = owner
            if len(self._owners) > MAX_REMEMBERED:
                self._owners.popitem(last=False)
        return owner
