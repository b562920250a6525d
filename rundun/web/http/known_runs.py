"""A cache of what never changes in a run, and the writes to large runs, which take turns."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from rundun.actions.runs import state as run_state
from rundun.actions.runs.state import KnownRun
from rundun.store.database import Database
from rundun.store.sqlite.transaction import Tx
from rundun.store.worker import MAX_BATCH

P = ParamSpec("P")
T = TypeVar("T")
MAX_REMEMBERED = 20_000


class KnownRuns:
    """The cache of at most `MAX_REMEMBERED` runs; the least recently used is dropped first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: OrderedDict[str, KnownRun] = OrderedDict()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by organization

    async def find(self, run_id: str) -> KnownRun | None:
        """Return a run's organization, also of an erased run, and its size; None if the run does not exist."""
        known = self._known.get(run_id)
        if known is not None:
            self._known.move_to_end(run_id)
            return known
        known = await self._database.read(run_state.find_known, run_id)
        if known is not None:
            self._known[run_id] = known
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return known

    async def write(
        self, run_id: str, action: Callable[Concatenate[Tx, P], T], weight: int, /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return `action(tx, …)`, an executor's write to a run, which carries `weight` bytes. Of the writes to large
        runs an organization has one in a batch, so no other write waits for all of them.
        """
        known = await self.find(run_id)
        if known is None or not known.is_large:
            return await self._database.write_heavy(weight, action, *args, **kwargs)
        async with self._turns.setdefault(known.org_id, asyncio.Lock()):
            return await self._database.write_heavy(MAX_BATCH, action, *args, **kwargs)
