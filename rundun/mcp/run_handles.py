"""Short names of runs. While a run is open its id is its link, so an assistant is given the first 8 digits alone."""

import re

from rundun.errors import Problem
from rundun.logs import short
from rundun.mcp.api_client import ApiClient

PATTERN = r"r-[0-9a-f]{8}(-[0-9a-f-]{27})?"
PAGES = 10  # of 100 runs, searched for one that this session has not met


class RunHandles:
    """The runs that a session has met, by the beginning of their ids."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._met: dict[str, set[str]] = {}

    def meet(self, run_id: str) -> str:
        """Return the handle of a run, and remember what it stands for."""
        handle = f"r-{short(run_id)}"
        self._met.setdefault(handle, set()).add(run_id)
        return handle

    async def run_id(self, handle: str) -> str:
        """Return the id that a handle stands for, looked for among the newest runs if this session has not met it."""
        if re.fullmatch(r"r-[0-9a-f]{8}", handle) is None:
            return handle  # a whole id, which somebody had from elsewhere
        if handle not in self._met:
            await self._look_for(handle)
        found = self._met.get(handle, set())
        if len(found) != 1:
            known = "There is no such run among the newest" if not found else "More than one run begins with this"
            raise Problem("not_found", f"{known}. Look for it with list_runs, or ask for its whole id.")
        return next(iter(found))

    async def _look_for(self, handle: str) -> None:
        cursor = None
        for _ in range(PAGES):
            page = (await self._api.get("/runs", limit=100, cursor=cursor)).body
            for run in page["data"]:
                self.meet(run["run_id"])
            cursor = page["next_cursor"]
            if handle in self._met or cursor is None:
                return
