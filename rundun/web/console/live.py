"""/console/runs/live: tells an open page that something has changed, as server-sent events (HTML standard, section
9.2). What has changed the page sees by fetching itself again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from rundun.errors import Problem
from rundun.store import runs
from rundun.web.console.desk import Visit, page
from rundun.web.service import Bells

MOST_STREAMS = 20  # open at once for an organization
PAUSE = 1.0  # seconds between two changes told, at least
HEARTBEAT = 20.0  # seconds after which something is said in any case, or a dead connection would be kept
AGE = 15 * 60.0  # seconds after which a stream ends; the page comes back, if it may still come in
CHANGE = "event: change\ndata:\n\n"

Look = Callable[[], Awaitable[int | None]]  # the revision of the run that is watched; None: all are

_open: Counter[str] = Counter()  # streams of each organization


class Stream(StreamingResponse):
    """Counted while it lasts, however it ends."""

    def __init__(self, org_id: str, told: AsyncIterator[str]) -> None:
        self._org_id = org_id
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(told, headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        _open[self._org_id] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            _open[self._org_id] -= 1
            if not _open[self._org_id]:
                del _open[self._org_id]


async def changes(bells: Bells, org_id: str, look: Look) -> AsyncIterator[str]:
    """One `change` for all that happens to an organization's runs within a second, until the service ends; none where
    `look` sees the same as before.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + AGE
    end = bells.of("")  # nobody's: it rings when the service ends
    bell = bells.of(org_id, runs.TOUCHED)
    seen = await look()
    yield "retry: 2000\n\n"
    while not bells.ended and loop.time() < until:
        await asyncio.wait({bell, end}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        if bells.ended:
            return
        if not bell.done():
            yield ":\n\n"
            continue
        bell = bells.of(org_id, runs.TOUCHED)  # before it is told, so that nothing slips in between
        before, seen = seen, await look()
        if seen is None or seen != before:
            yield CHANGE
        await asyncio.wait({end}, timeout=PAUSE)


async def live(visit: Visit) -> Response:
    """GET /console/runs/live; `?run_id=` tells of one run only."""
    org_id, run_id = visit.operator.org_id, visit.request.query_params.get("run_id")
    if _open[org_id] >= MOST_STREAMS:
        raise Problem("rate_limited", "Too many pages are open at once.", retry_after=30)

    async def look() -> int | None:
        return None if run_id is None else (await visit.read(runs.get_of_org, run_id)).revision

    await look()  # raises where there is no such run
    return Stream(org_id, changes(visit.house.bells, org_id, look))


ROUTES = [page("GET", "/runs/live", live)]
