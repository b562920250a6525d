"""/console/runs/live: tells an open page that something has changed, as server-sent events (HTML standard, section
9.2). What has changed the page sees by fetching itself again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from rundun.actions import runs
from rundun.errors import NotFound
from rundun.store import runs as run_rows
from rundun.web.change_notifier import ChangeNotifier
from rundun.web.console.session import ConsoleCall, route

MAX_STREAMS = 20  # open at once for an organization
PAUSE = 1.0  # seconds between two changes told, at least
HEARTBEAT = 20.0  # seconds after which something is said in any case, or a dead connection would be kept
AGE = 15 * 60.0  # seconds after which a stream ends; the page comes back, if it may still come in
CHANGE = "event: change\ndata:\n\n"

Look = Callable[[], Awaitable[int | None]]  # the revision of the run that is watched; None: all are


class Stream(StreamingResponse):
    """Has a place of its organization's while it lasts, however it ends."""

    def __init__(self, place: AbstractContextManager[None], told: AsyncIterator[str]) -> None:
        self._place = place
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(told, headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._place:
            await super().__call__(scope, receive, send)


async def changes(notifier: ChangeNotifier, org_id: str, look: Look) -> AsyncIterator[str]:
    """One `change` for all that happens to an organization's runs within a second, until the service ends; none where
    `look` sees the same as before. It ends with a NotFound of `look`, too.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + AGE
    end = notifier.next_change("")  # nobody's: it rings when the service ends
    change = notifier.next_change(org_id, run_rows.TOUCHED)
    seen = await look()
    yield "retry: 2000\n\n"
    while not notifier.ended and loop.time() < until:
        await asyncio.wait({change, end}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        if end.done():
            return
        has_rung = change.done()
        if has_rung:
            change = notifier.next_change(
                org_id, run_rows.TOUCHED
            )  # before it is told, so that nothing slips in between
        try:
            before, seen = seen, await look()
        except NotFound:
            return
        if not has_rung:
            yield ":\n\n"
            continue
        if seen is None or seen != before:
            yield CHANGE
        await asyncio.wait({end}, timeout=PAUSE)


async def live(call: ConsoleCall) -> Response:
    """GET /console/runs/live; `?run_id=` tells of one run only."""
    org_id, run_id = call.operator.org_id, call.request.query_params.get("run_id")

    async def look() -> int | None:
        return await call.ctx.database.read(runs.revision_for_operator, call.token, org_id, run_id)

    await look()
    streams, limits = call.ctx.streams, {org_id: MAX_STREAMS}
    with streams.place(limits):  # refused here if at all; nothing is awaited before the stream takes its place
        pass
    return Stream(streams.place(limits), changes(call.ctx.notifier, org_id, look))


ROUTES = [route("GET", "/runs/live", live)]
