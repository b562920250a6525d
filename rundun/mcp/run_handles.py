"""Handles of runs, the first 8 digits of their ids: assistants don't get whole ids, which are links of open runs."""

import re

from rundun.errors import Problem
from rundun.logs import short
from rundun.mcp.api_client import ApiClient

PATTERN = r"r-[0-9a-f]{8}(-[0-9a-f-]{27})?"
PAGES = 10  # of 100 runs, searched for a handle that the session does not know


class RunHandles:
    """The runs that a session has seen, by their handles."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._known: dict[str, set[str]] = {}

    def add(self, run_id: str) -> str:
        """Remember a run and return its handle, such as `r-1a2b3c4d`."""
        handle = f"r-{short(run_id)}"
        self._known.setdefault(handle, set()).add(run_id)
        return handle

    async def run_id(self, handle: str) -> str:
        """Return the run id of a handle; any other text, such as a whole id, is returned unchanged. A handle that
        the session has not seen is looked up among the newest runs; raises `not_found` unless exactly one run that it
        has seen by then matches, and the service's refusals.
        """
        if re.fullmatch(r"r-[0-9a-f]{8}", handle) is None:
            return handle  # a whole id, which the person may have given
        if handle not in self._known:
            await self._search(handle)
        found = self._known.get(handle, set())
        if len(found) != 1:
            known = "There is no such run among the newest" if not found else "More than one run begins with this"
            raise Problem("not_found", f"{known}. Look for it with list_runs, or ask for its whole id.")
        return next(iter(found))

    async def _search(self, handle: str) -> None:
        cursor = None
        for _ in range(PAGES):
            page = (await self._api.get("/runs", limit=100, cursor=cursor)).body
            for run in page["data"]:
                self.add(run["run_id"])
            cursor = page["next_cursor"]
            if handle in self._known or cursor is None:
                return
