"""The event feed, with long poll, in the order of commits: /v1/events."""

import asyncio
from collections.abc import Callable

from starlette.responses import Response

from rundun import counters
from rundun.actions.runs import events
from rundun.core.json_types.events import EventFeedJson
from rundun.store.runs.events import Feed
from rundun.web.api.endpoint import ApiCall, api_router
from rundun.web.http.change_notifier import EventBatch, NextChange, encode_feed
from rundun.web.http.operation import Success
from rundun.web.http.problems import Json
from rundun.web.http.query_params import EventsQuery, event_cursor, next_link, query
from rundun.web.http.timings import KIND, WAITING

router = api_router("Events")


@router.route(
    "GET /events",
    {200: Success("Events behind the cursor.", EventFeedJson, headers=("Link",))},
    query=EventsQuery,
    problems=("cursor_gone",),
)
async def list_events(call: ApiCall) -> Response:
    """Fetch events.

    In the order in which they were committed, oldest first, each like a webhook's body without `delivery_attempt` and
    thumbnails. With `wait` the response comes as soon as there is an event, or empty after at most that many seconds.
    Store `next_cursor` after handling the events, and pass it as `after` next time: no event is lost or comes twice.
    """
    return await _events(call, events.page_of_organization)


@router.route(
    "GET /runs/{run_id}/events",
    {200: Success("The run's events behind the cursor.", EventFeedJson, headers=("Link",))},
    query=EventsQuery,
    problems=("cursor_gone",),
)
async def list_run_events(call: ApiCall) -> Response:
    """Fetch a run's events.

    In the order in which they were committed, with long poll, like `GET /v1/events`.
    """
    return await _events(call, events.page_of_run, call.path("run_id"))


async def _events(call: ApiCall, function: Callable[..., Feed], *args: str) -> Response:
    """Return the response with the first `limit` events after the cursor, read by `function`; a long page in a turn.
    While there are none it waits for one; it comes empty after `wait` seconds, or when the service ends.
    """
    params = query(EventsQuery, call.request)
    notifier, until = call.ctx.notifier, asyncio.get_running_loop().time() + params.wait
    read_args = (call.org_id, *args, params.after, params.limit)
    change = notifier.next_change(call.org_id)
    page = await notifier.shared_read(change, function, *read_args)
    while not page.data and not page.has_more and not notifier.ended and await _wait_for(call, change, until):
        change = notifier.next_change(call.org_id)
        page = await notifier.shared_read(change, function, *read_args)
    if page.is_cut:
        return await call.turns.read_and(
            lambda feed: _respond(call, params.after, encode_feed(feed)), function, *read_args
        )
    return _respond(call, params.after, page)


def _respond(call: ApiCall, after: int, page: EventBatch) -> Response:
    cursor = event_cursor(after if page.last is None else page.last)
    more = b"true" if page.has_more else b"false"
    head = b'{"data":[' + b",".join(page.data) + b'],"has_more":' + more
    headers = next_link(call.request, after=cursor) if page.has_more else {}
    return Json(head + f',"next_cursor":"{cursor}"}}'.encode(), headers=headers)


async def _wait_for(call: ApiCall, change: NextChange, until: float) -> bool:
    """Wait for `change` until the loop's time `until`; return whether it came, always False once that time is past. A
    closed connection is not noticed before then: watching all connections would cost more.
    """
    left = until - asyncio.get_running_loop().time()
    if left <= 0:
        return False
    call.request.scope[KIND] = WAITING
    counters.polls["waiting"] += 1
    try:
        return bool((await asyncio.wait({change}, timeout=left))[0])
    finally:
        counters.polls["waiting"] -= 1
