"""/console/runs/live: server-sent events (HTML standard, section 9.2) that tell an open page that something has
changed. What has changed the page sees by fetching itself again.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from rundun.actions.runs import runs
from rundun.errors import Problem
from rundun.store.runs import runs as run_rows
from rundun.web.console.session import ConsoleCall
from rundun.web.http.change_notifier import ChangeNotifier
from rundun.web.http.timings import KIND, WAITING

MAX_STREAMS, MAX_OF_OPERATOR = 20, 8  # open at once for an organization, and for one of its operators
PAUSE = 1.0  # seconds between two change events, at least
HEARTBEAT = 20.0  # seconds after which a comment is sent in any case, or a dead connection would stay open
AGE = 15 * 60.0  # seconds after which a stream ends; the page comes back, if it may still come in
CHANGE = "event: change\ndata:\n\n"

ReadRevision = Callable[[], Awaitable[int | None]]  # of the run that is watched; None: all runs are


class EventStream(StreamingResponse):
    """An event stream that occupies a place of its operator and organization while it lasts, however it ends."""

    def __init__(self, place: AbstractContextManager[None], content: AsyncIterator[str]) -> None:
        self._place = place
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(content, headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream while it occupies its place."""
        scope[KIND] = WAITING
        with self._place:
            await super().__call__(scope, receive, send)


async def stream_changes(notifier: ChangeNotifier, org_id: str, read_revision: ReadRevision) -> AsyncIterator[str]:
    """Yield one `change` for all that happens to an organization's runs within a second, until the service ends; none
    where `read_revision` returns what it did before. A Problem of `read_revision` ends the stream, too.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + AGE
    end = notifier.next_change("")  # nobody's: it rings when the service ends
    change = notifier.next_change(org_id, run_rows.TOUCHED)
    revision = await read_revision()
    yield "retry: 2000\n\n"
    while not notifier.ended and loop.time() < until:
        await asyncio.wait({change, end}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        if end.done():
            return
        has_rung = change.done()
        if has_rung:
            # Before the change is sent, so that nothing slips in between.
            change = notifier.next_change(org_id, run_rows.TOUCHED)
        try:
            before, revision = revision, await read_revision()
        except Problem:  # it may not be seen any more, or nothing can be read: the page comes back and is told
            return
        if not has_rung:
            yield ":\n\n"
            continue
        if revision is None or revision != before:
            yield CHANGE
        await asyncio.wait({end}, timeout=PAUSE)


async def live(call: ConsoleCall) -> Response:
    """GET /console/runs/live: stream the changes of all runs, or those of `?run_id=`. A page that is refused a stream
    says that it is not connected, fetches itself, and asks again after 30 seconds.
    """
    org_id, run_id = call.operator.org_id, call.request.query_params.get("run_id")

    async def read_revision() -> int | None:
        return await call.ctx.database.read(runs.revision_for_operator, call.token, org_id, run_id)

    await read_revision()
    streams, limits = call.ctx.streams, {call.operator.operator_id: MAX_OF_OPERATOR, org_id: MAX_STREAMS}
    # Refused here if at all; nothing is awaited before the stream takes its place.
    with streams.place(limits):
        pass
    return EventStream(streams.place(limits), stream_changes(call.ctx.notifier, org_id, read_revision))
