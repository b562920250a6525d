"""/v1, pull instead of push: events in the order in which they were committed, for as long as one cares to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVarTuple

from starlette.responses import Response

from rundun import counters
from rundun.actions import events
from rundun.core.json_types.events import EventFeedJson
from rundun.store.events import Feed
from rundun.store.transaction import Tx
from rundun.web.api.endpoint import ApiCall, route
from rundun.web.change_notifier import NextChange
from rundun.web.docs.openapi.operation import Operation, Success
from rundun.web.problems import Json
from rundun.web.query_params import EventsQuery, event_cursor, next_link, query

Ts = TypeVarTuple("Ts")


async def list_events(call: ApiCall) -> Response:
    """GET /v1/events: the organization's events, the oldest first."""
    return await _events(call, events.of_organization)


async def list_run_events(call: ApiCall) -> Response:
    """GET /v1/runs/{run_id}/events: the same of one run."""
    return await _events(call, events.of_run, call.path("run_id"))


async def _events(call: ApiCall, function: Callable[[Tx, str, *Ts, int, int], Feed], *args: *Ts) -> Response:
    wanted = query(EventsQuery, call.request)
    notifier, until = call.ctx.notifier, asyncio.get_running_loop().time() + wanted.wait
    asked = (call.org_id, *args, wanted.after, wanted.limit)
    change = notifier.next_change(call.org_id)
    found = await notifier.shared_read(change, function, *asked)
    while not found.data and not notifier.ended and await _rings(change, until):
        change = notifier.next_change(call.org_id)
        found = await notifier.shared_read(change, function, *asked)
    cursor = event_cursor(wanted.after if found.last is None else found.last)
    more = b"true" if found.has_more else b"false"
    head = b'{"data":[' + b",".join(found.data) + b'],"has_more":' + more
    headers = next_link(call.request, after=cursor) if found.has_more else {}
    return Json(head + f',"next_cursor":"{cursor}"}}'.encode(), headers=headers)


async def _rings(change: NextChange, until: float) -> bool:
    """Wait for the bell until that time of the loop. Who has hung up meanwhile is not noticed before then, which costs
    less than to watch everybody who has not.
    """
    left = until - asyncio.get_running_loop().time()
    if left <= 0:
        return False
    counters.polls["waiting"] += 1
    try:
        return bool((await asyncio.wait({change}, timeout=left))[0])
    finally:
        counters.polls["waiting"] -= 1


_FEED = (
    "The oldest first, in the order in which they were committed, as the webhook's body without `delivery_attempt` and "
    "thumbnails. With `wait` the answer comes as soon as there is an event, or empty after that many seconds. Keep "
    "`next_cursor` once you have dealt with what came, and give it as `after` the next time: nothing is lost and "
    "nothing comes twice."
)

ROUTES = [
    route(
        "GET",
        "/events",
        list_events,
        Operation(
            "Events",
            "listEvents",
            "Fetch events",
            _FEED,
            {200: Success("Events behind the cursor.", EventFeedJson, headers=("Link",))},
            query=EventsQuery,
            problems=("cursor_gone",),
        ),
    ),
    route(
        "GET",
        "/runs/{run_id}/events",
        list_run_events,
        Operation(
            "Events",
            "listRunEvents",
            "Fetch a run's events",
            _FEED,
            {200: Success("The run's events behind the cursor.", EventFeedJson, headers=("Link",))},
            query=EventsQuery,
            problems=("cursor_gone",),
        ),
    ),
]
