"""/v1, pull instead of push: events in the order in which they were committed, for as long as one cares to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pydantic_core import to_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rundun import counters
from rundun.actions import feed
from rundun.core import event
from rundun.store.database import Database
from rundun.web.calls import Call, route
from rundun.web.problems import Json
from rundun.web.queries import EventsQuery, event_cursor, query


class Bells:
    """Wakes those who wait for events: an organization's bell rings when a commit brought one of its events."""

    def __init__(self, database: Database) -> None:
        self._bells: dict[str, asyncio.Future[None]] = {}
        self.ended = False
        database.subscribe(self._hear)

    def of(self, org_id: str) -> asyncio.Future[None]:
        """Done with the next event; take it before you look, so that nothing slips in between."""
        bell = self._bells.get(org_id)
        if bell is None:
            bell = self._bells[org_id] = asyncio.get_running_loop().create_future()
        return bell

    def _hear(self, touched: set[str]) -> None:
        for name in touched:
            if name.startswith(feed.TOUCHED) and (bell := self._bells.pop(name[len(feed.TOUCHED) :], None)):
                bell.set_result(None)

    def end(self) -> None:
        """The service ends: nobody waits any longer, nor begins to."""
        self.ended = True
        while self._bells:
            self._bells.popitem()[1].set_result(None)


async def list_events(call: Call) -> Response:
    """GET /v1/events: the organization's events, the oldest first."""
    return await _events(call, feed.of_organization)


async def list_run_events(call: Call) -> Response:
    """GET /v1/runs/{run_id}/events: the same of one run."""
    return await _events(call, feed.of_run, call.path("run_id"))


async def _events(call: Call, look: Callable[..., Any], *args: Any) -> Response:
    wanted = query(EventsQuery, call.request)
    bells, until = call.house.bells, asyncio.get_running_loop().time() + wanted.wait
    bell = bells.of(call.org_id)
    page = await call.read(look, *args, wanted.after, wanted.limit)
    while not page.items and not bells.ended and await _rings(call.request, bell, until):
        bell = bells.of(call.org_id)
        page = await call.read(look, *args, wanted.after, wanted.limit)
    data = [
        to_json({**event.without_thumbnails(kept), "cursor": event_cursor(at)}) for at, kept in page.items
    ]
    last = page.items[-1][0] if page.items else wanted.after
    head = b'{"data":[' + b",".join(data) + b'],"has_more":' + (b"true" if page.has_more else b"false")
    return Json(head + f',"next_cursor":"{event_cursor(last)}"}}'.encode())


async def _rings(request: Request, bell: asyncio.Future[None], until: float) -> bool:
    """Wait for the bell until that time of the loop; ends with `ClientDisconnect` when nobody waits any longer."""
    left = until - asyncio.get_running_loop().time()
    if left <= 0:
        return False
    leaving = asyncio.create_task(_left(request))
    counters.polls["waiting"] += 1
    try:
        done, _ = await asyncio.wait({bell, leaving}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        counters.polls["waiting"] -= 1
        leaving.cancel()
    if leaving in done:
        raise ClientDisconnect
    return bell in done


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


ROUTES = [
    route("GET", "/events", list_events),
    route("GET", "/runs/{run_id}/events", list_run_events),
]
