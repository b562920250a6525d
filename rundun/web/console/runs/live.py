"""/console/runs/live: server-sent events (HTML standard, section 9.2) that tell an open page of changes. An event has
no content: the page then fetches itself again.
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

MAX_STREAMS, MAX_OF_OPERATOR = 20, 8  # open streams of an organization, and of one of its operators
PAUSE = 1.0  # minimum seconds between two change events
HEARTBEAT = 20.0  # seconds after which a comment is sent, so that dead connections are noticed
AGE = 15 * 60.0  # seconds after which a stream ends; reconnecting checks the session again
CHANGE = "event: change\ndata:\n\n"

ReadRevision = Callable[[], Awaitable[int | None]]  # the revision of the watched run; None for all runs


class EventStream(StreamingResponse):
    """An event stream that counts towards the limits of its operator and organization until it ends."""

    def __init__(self, place: AbstractContextManager[None], content: AsyncIterator[str]) -> None:
        self._place = place
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(content, headers=headers, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream, and give up its place when it ends."""
        scope[KIND] = WAITING
        with self._place:
            await super().__call__(scope, receive, send)


async def stream_changes(notifier: ChangeNotifier, org_id: str, read_revision: ReadRevision) -> AsyncIterator[str]:
    """Yield the texts of an event stream: the delay of reconnecting, a `change` event for changes of an organization's
    runs, at most one a second, and comments as heartbeats, for 15 minutes or until the service ends. If `read_revision`
    returns a number, an unchanged one gives no event. A Problem of its first call is raised, a later one ends it.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + AGE
    end = notifier.next_change("")  # no organization's: done only when the service ends
    change = notifier.next_change(org_id, run_rows.TOUCHED)
    revision = await read_revision()
    yield "retry: 2000\n\n"
    while not notifier.ended and loop.time() < until:
        await asyncio.wait({change, end}, timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
        if end.done():
            return
        has_rung = change.done()
        if has_rung:
            # Taken before the event is sent, so that no change in between is missed.
            change = notifier.next_change(org_id, run_rows.TOUCHED)
        try:
            before, revision = revision, await read_revision()
        except Problem:  # signed out, or unreadable: the page reconnects and gets the refusal
            return
        if not has_rung:
            yield ":\n\n"
            continue
        if revision is None or revision != before:
            yield CHANGE
        await asyncio.wait({end}, timeout=PAUSE)


async def live(call: ConsoleCall) -> Response:
    """GET /console/runs/live: return an event stream of the changes of all runs, or of `?run_id=`; raises NotFound,
    `run_erased`, and `rate_limited` if too many streams are open. A page whose stream is refused says that it is not
    connected, fetches itself, and tries again after 30 seconds.
    """
    org_id, run_id = call.operator.org_id, call.request.query_params.get("run_id")

    async def read_revision() -> int | None:
        return await call.ctx.database.read(runs.get_revision_for_operator, call.token, org_id, run_id)

    await read_revision()
    streams, limits = call.ctx.streams, {call.operator.operator_id: MAX_OF_OPERATOR, org_id: MAX_STREAMS}
    # Raises here if the limits are reached. Nothing is awaited before the stream takes its place.
    with streams.place(limits):
        pass
    return EventStream(streams.place(limits), stream_changes(call.ctx.notifier, org_id, read_revision))
